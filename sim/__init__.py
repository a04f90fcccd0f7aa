"""Who gets a slot, under which rule: the simulation of capped-intake programmes.

Pure: the same scenario and seed give the same bytes. Data flows one way: scenario, population, policy,
programme, outcome, measures, comparison.
"""
