"""A description of a model and its experiment that a stranger could rebuild it from, after STRESS-DES."""
