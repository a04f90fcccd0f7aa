"""Histories larger than memory: what is judged lies on disk, and the judge is the same."""
