"""Tests, and the slow models and worlds they compare with."""
