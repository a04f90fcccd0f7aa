"""What a verdict rests on, checked again by code that shares nothing with the code that found it.

A VALID verdict comes with an order of the operations, and `replay` plays it; an INVALID one of a count that
never falls comes with the operations that clash, and `recount` counts them. Neither searches for anything.
"""
