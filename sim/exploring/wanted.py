"""What is wanted of a point: the measures to be made large or small, and limits on others, as they are typed.

permits        permits:min        over_cap_returns<=500        service_level >= 90%
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.errors import complaint
from sim.exploring.naming import checked_measures
from sim.measures import definition
from sim.scenario import Scenario
from sim.studying.intervals import Floats

LIMIT = re.compile(r"([\w/=.:-]+?)\s*(<=|>=)\s*([-+]?[\d_.]+(?:[eE][-+]?\d+)?)\s*(%?)")


class Objective(NamedTuple):
    """A measure and the way in which it is better."""

    measure: str
    sign: int
    """1: more is better; -1: less is."""


class Constraint(NamedTuple):
    """A limit on the mean of a measure."""

    measure: str
    sign: int
    """1: at most the limit; -1: at least."""
    limit: float

    def __str__(self) -> str:
        return f"{self.measure} {'<=' if self.sign > 0 else '>='} {self.limit:,.6g}"

    def excess(self, values: Floats) -> Floats:
        """How far values are on the wrong side of the limit; negative on the right side."""
        return self.sign * (values - self.limit)


def objectives(scenario: Scenario, texts: Sequence[str], *, sign: int = 0) -> tuple[Objective, ...]:
    """Objectives as typed; `sign` overrides the direction in which a measure is better by its definition."""
    found = []
    for text in texts:
        name, _, way = text.partition(":")
        (measure,) = checked_measures(scenario, [name.strip()], key="--objective")
        if way not in ("", "max", "min"):
            raise complaint(f'"{text}"', key="--objective", expected=f"{name}:max or {name}:min")
        known = {"higher": 1, "lower": -1, "": 0}[definition(measure).better]
        direction = sign or {"max": 1, "min": -1, "": known}[way]
        if not direction:
            mend = f"write {name}:max or {name}:min"
            raise complaint(f"{name}: which way is better depends on you", key="--objective", mend=mend)
        found.append(Objective(measure, direction))
    if len({each.measure for each in found}) < len(found):
        raise complaint(", ".join(texts), key="--objectives", expected="measures that differ")
    return tuple(found)


def constraints(scenario: Scenario, texts: Sequence[str]) -> tuple[Constraint, ...]:
    """Constraints as typed; BadInput for one that cannot be read."""
    return tuple(_constraint(scenario, text) for text in texts)


def _constraint(scenario: Scenario, text: str) -> Constraint:
    match = LIMIT.fullmatch(text.strip())
    try:
        limit = float(match[3]) / (100.0 if match[4] else 1.0) if match else math.nan
    except ValueError:
        limit = math.nan
    if match is None or not math.isfinite(limit):
        mend = 'write --subject-to "over_cap_returns<=500", with <= or >= and a number'
        raise complaint(f'"{text}" is not a constraint', key="--subject-to", mend=mend)
    (measure,) = checked_measures(scenario, [match[1]], key="--subject-to")
    return Constraint(measure, 1 if match[2] == "<=" else -1, limit)


class Difference(NamedTuple):
    """The difference that matters: a number, or a part of what the scenario has as it is."""

    amount: float
    relative: bool

    def of(self, own: Floats) -> float:
        """The number, given the objective's values at the scenario as it is."""
        if not self.relative:
            return self.amount
        known = own[np.isfinite(own)]
        mean = abs(math.fsum(known) / len(known)) if len(known) else 0.0
        return self.amount * (mean or 1.0)


def difference(text: str) -> Difference:
    """As typed: 1% of what the scenario has, or 50, a number of the objective's unit."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        amount = float(number.replace(",", "").replace("_", ""))
    except ValueError:
        amount = 0.0
    if not (math.isfinite(amount) and amount > 0):
        expected = "a part such as 1%, or a number above 0 in the objective's unit"
        raise complaint(f'"{text}" is not a difference that can matter', key="--delta", expected=expected)
    return Difference(amount / 100.0 if percent else amount, percent)
