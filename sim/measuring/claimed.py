"""The measures that claims alone determine: slots, caps and people turned away, without the offices' work.

They are those of `sim.measures` by the same formulas; what rests on decisions and waits is not among them.
"""

import math

import numpy as np

from sim.engine.claims import Claimed, Claims
from sim.measuring.intakes import of_slots, summed_up
from sim.scenario import Scenario

OF_SLOTS = (
    *("cap", "carried_in", "grants", "used", "given_back", "intake_fill_rate", "unused_slots"),
    *("carried_slots", "overshoot", "caps_reached", "cap_reached", "days_to_cap", "window_days"),
)
"""Measured in total and for each intake, as far as they are defined."""
IN_TOTAL = ("in_scope", "letters", "over_cap_returns", "over_cap_persons", "slot_probability")


def is_measured(name: str) -> bool:
    """Whether a measure, given with its suffix, is among them."""
    base, _, part = name.partition("/")
    return (base in OF_SLOTS and (not part or part.isdecimal())) or name in IN_TOTAL


def claim_measures(scenario: Scenario, people: int, first: Claims, claimed: Claimed) -> dict[str, float]:
    """Name -> value; `people` are those in scope."""
    accounts = claimed.accounts
    years = [
        of_slots(scenario, accounts, k, times, np.arange(1, len(times) + 1))
        for k, times in enumerate(claimed.granted_s)
    ]
    granted = sum(len(times) for times in claimed.granted_s)
    return summed_up(accounts, years) | {
        "in_scope": float(people),
        "letters": float(first.letters),
        "over_cap_returns": float(claimed.refused),
        "over_cap_persons": float(claimed.refused_people),
        "slot_probability": granted / people if people else math.nan,
    }
