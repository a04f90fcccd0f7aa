"""From which demand on does a cap bind? The multiple of demand at which it starts to, by bisection.

A cap *binds* in a replication if some year's cap is reached. Each replication has its own *critical multiple*
of demand, found by bisection: the people of a smaller multiple are among those of a larger one, so one more
step changes nobody's luck. Half of the replications bind at the median of the critical multiples, a quarter
at their lower quartile, three quarters at the upper one.

More demand need not mean a cap reached earlier (under invitation rounds with a fixed size, say), so what is
found is a multiple at which the cap is reached, next to a slightly smaller one at which it is not. Where the
fill no longer grows with demand, the climb ends and the answer is *not up to* the largest multiple tried; a
cap that binds only beyond it is not found. A search that has simulated very many people ends too, with the
middle of the bracket it has by then.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.labelled import plain
from sim.measuring.intakes import intake_measures
from sim.outcome import Outcome
from sim.scenario import Scenario
from sim.studying.blocks import Crew
from sim.studying.replication import Question, replicate

REPLICATIONS = 21
FIRST = 5
"""Replications that are tried first; where none of them binds, the others are spared."""
LEAST, MOST = 1.0 / 64.0, 16.0
"""The multiples that are tried."""
PEOPLE_AT_MOST = 400_000
"""Larger crowds are not tried: they take seconds each, and say little of a programme this size."""
PEOPLE_IN_ALL, CROWDS_IN_ALL = 1_000_000, 8
"""A replication ends its search once it has simulated so many people and so many times its first crowd."""
CLOSE = 1.02
"""Ratio of the two neighbouring multiples at which a bisection stops."""
STEPS = 60
WEIGHT = 10.0
"""What one replication's search costs, in replications."""
STRETCH, GROWTH, GAP = 1.5, 1.01, 0.8
"""A climb stops where STRETCH times the demand neither fills GROWTH times as much nor leaves at most GAP of
what was free."""


class Binding(NamedTuple):
    """Multiples of demand at which a cap starts to bind; infinite: not even at `most`, 0: even at `least`."""

    replications: int
    current: float
    """The scenario's own demand.multiple."""
    quarter: float
    """From here on the cap binds in a quarter of the replications."""
    half: float
    three_quarters: float
    year: int
    """The year whose cap is reached first, most often; 0 if none ever is."""
    least: float
    most: float
    """Up to here every replication was tried, or bound before."""


def search(question: Question, crew: Crew) -> Binding | None:
    """The multiples from which on a cap binds; None under a policy without a cap."""
    if not question.policy.capped:
        return None
    label, first = "demand from which on a cap binds", min(FIRST, REPLICATIONS)
    calls = [(question, replication) for replication in range(REPLICATIONS)]
    found = list(crew.each(label, critical, calls[:first], weight=WEIGHT))
    if any(math.isfinite(multiple) for multiple, _, _ in found):
        found += crew.each(label, critical, calls[first:], weight=WEIGHT, before=first)
    multiples, years, tops = (np.array(column) for column in zip(*found, strict=True))
    quarter, half, three_quarters = (
        float(np.sort(multiples)[math.ceil(share * len(multiples)) - 1]) for share in (0.25, 0.5, 0.75)
    )
    binding_years = years[years > 0]
    year = int(np.bincount(binding_years).argmax()) if len(binding_years) else 0
    current = question.scenario.demand.multiple.value
    return Binding(len(found), current, quarter, half, three_quarters, year, LEAST, float(tops.min()))


def critical(question: Question, replication: int) -> tuple[float, int, float]:
    """One replication's critical multiple, the year that binds there (0: none), and how far it looked.

    The last is the largest multiple allowed; if no cap binds, the largest at which that was seen.
    """
    low, low_fill, high, year, top = 0.0, 0.0, math.inf, 0, MOST
    tried = min(max(question.scenario.demand.multiple.value, LEAST), MOST)
    people_left, climb = 0, _Climb()
    for step in range(STEPS):
        changed = question._replace(scenario=_multiplied(question.scenario, tried))
        people, outcome = replicate(changed, replication, outside_only=True)
        if step == 0:
            top = max(tried, min(MOST, tried * PEOPLE_AT_MOST / max(1, len(people))))
            people_left = max(PEOPLE_IN_ALL, CROWDS_IN_ALL * len(people))
        people_left -= len(people)
        fill, fullest, binds = filled(changed, outcome)
        if binds:
            high, year = tried, fullest
        else:
            low, low_fill = tried, fill
        if low >= top or high <= LEAST or high / max(low, 1e-9) <= CLOSE:
            break
        if low > 0.0 and (people_left <= 0 or (math.isinf(high) and climb.is_over(tried, fill))):
            break
        tried = _next(low, low_fill, high, top, step)
    else:
        raise AssertionError(f"no critical multiple between {low} and {high} after {STEPS} steps")
    if math.isinf(high):
        return math.inf, 0, low
    return (0.0 if low == 0.0 else math.sqrt(low * high)), year, top


class _Climb:
    """Whether more demand still fills more of a cap, asked each time there is a stretch more of it."""

    def __init__(self) -> None:
        self._from: tuple[float, float] | None = None

    def is_over(self, multiple: float, fill: float) -> bool:
        """Whether the fill stood still since the demand was a stretch smaller."""
        if self._from is None:
            self._from = multiple, fill
        before, filled_before = self._from
        if multiple < STRETCH * before:
            return False
        self._from = multiple, fill
        return fill < GROWTH * filled_before and 1.0 - fill > GAP * (1.0 - filled_before)


def _next(low: float, low_fill: float, high: float, top: float, step: int) -> float:
    """The multiple to try next: where the fill would reach 1 if it grew with demand, else the middle."""
    if low == 0.0:
        return max(LEAST, high / 2.0)
    if math.isinf(high):
        # The guess is close where the fill grows with demand; where it does not, steps must not stay small.
        least = float(1.01 ** min(2**step, 128))
        ahead = 1.01 / low_fill if low_fill > 0 else 4.0
        return min(top, low * min(max(ahead, least), 4.0))
    if step < 8 and low_fill > 0:
        # Aim just below or just above in turn, so that two tries close the bracket if the guess is right.
        aim = low / low_fill * (1.007 if step % 2 else 0.993)
        if low * 1.003 < aim < high / 1.003:
            return aim
    return math.sqrt(low * high)


def _multiplied(scenario: Scenario, multiple: float) -> Scenario:
    demand = scenario.demand.model_copy(update={"multiple": plain(multiple)})
    return scenario.model_copy(update={"demand": demand})


def filled(question: Question, outcome: Outcome) -> tuple[float, int, bool]:
    """The fullest year: which part of its slots was used, its name, and whether any cap was reached."""
    values = intake_measures(question.scenario, outcome, question.scenario.spec(question.policy))
    years = [account.year for account in outcome.intakes]
    # A year whose cap was reached goes before one that is fuller at its end: slots may have come back.
    reached, full, year = max((values[f"cap_reached/{y}"], values[f"intake_fill_rate/{y}"], y) for y in years)
    return full, year, reached > 0
