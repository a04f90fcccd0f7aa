"""The measures that claims alone determine: slots, caps, people turned away, and permits if asked for.

They are those of `sim.measures` by the same formulas; what rests on waits and on what people do later is not
among them.
"""

import math

import numpy as np

from sim.engine.claims import Claimed, Claims
from sim.measuring.intakes import fill, of_slots, summed_up
from sim.scenario import Scenario

OF_SLOTS = (
    *("cap", "carried_in", "grants", "used", "given_back", "intake_fill_rate", "unused_slots"),
    *("carried_slots", "overshoot", "caps_reached", "cap_reached", "days_to_cap", "window_days"),
)
"""Measured in total and for each intake, as far as they are defined."""
OF_PERMITS = ("permits", "permit_fill_rate")
"""The same, once the officers have decided."""
IN_TOTAL = ("in_scope", "letters", "over_cap_returns", "over_cap_persons", "slot_probability")


def is_measured(name: str) -> bool:
    """Whether a measure, given with its suffix, is among them."""
    base, _, part = name.partition("/")
    return (base in (*OF_SLOTS, *OF_PERMITS) and (not part or part.isdecimal())) or name in IN_TOTAL


def needs_decisions(name: str) -> bool:
    """Whether a measure counts permits."""
    return name.partition("/")[0] in OF_PERMITS


def claim_measures(scenario: Scenario, people: int, first: Claims, claimed: Claimed) -> dict[str, float]:
    """Name -> value, without those of permits; `people` are those in scope."""
    accounts = claimed.accounts
    slots = [claimed.granted_s(k) for k in range(len(accounts))]
    years = [
        of_slots(scenario, accounts, k, times, np.arange(1, len(times) + 1)) for k, times in enumerate(slots)
    ]
    granted = sum(len(times) for times in slots)
    return summed_up(accounts, years) | {
        "in_scope": float(people),
        "letters": float(first.letters),
        "over_cap_returns": float(claimed.refused),
        "over_cap_persons": float(claimed.refused_people),
        "slot_probability": granted / people if people else math.nan,
    }


def permit_measures(scenario: Scenario, claimed: Claimed, permits: tuple[int, ...]) -> dict[str, float]:
    """Name -> value of those of permits, given their numbers by intake."""
    found: dict[str, float] = {}
    for account, count in zip(claimed.accounts, permits, strict=True):
        found |= {
            f"{name}/{account.year}": value for name, value in fill(scenario, count, account.year).items()
        }
    return found | fill(scenario, sum(permits))
