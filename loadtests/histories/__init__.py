"""Histories behind `loadtests.history`: their columns, their files, and what is refused as no history."""
