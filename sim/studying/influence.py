"""Which uncertain number moves the headline most: each at its low and at its high, everything else as it is.

Both ends are simulated on the same few replications, with the same people (common random numbers), so a
difference is the number's doing and not luck. Residents of Quebec are left out: they can never claim. The
*influence* of a number is |mean at high - mean at low| of the headline. One number is moved at a time, so
what two do together is not seen here; the wider interval of a headline draws them all at once.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sim import assumptions
from sim.assumptions import Assumption
from sim.errors import BadInput
from sim.measures import in_scope
from sim.measuring.intakes import intake_measures
from sim.measuring.waits import wait_measures
from sim.scenario import Scenario
from sim.scenario_file import replaced
from sim.studying.blocks import Crew
from sim.studying.replication import Question, replicate

REPLICATIONS = 4
RESIDENCE = ("abroad", "other_province", "quebec")


class Influence(NamedTuple):
    """One uncertain number, and the mean of each headline measure with it at either end of its range."""

    assumption: Assumption
    at_low: dict[str, float]
    at_high: dict[str, float]

    def on(self, measure: str) -> float:
        """How far the number moves a measure between the ends of its range; nan where it has no value."""
        return abs(self.at_high[measure] - self.at_low[measure])


def each(
    question: Question, uncertain: tuple[Assumption, ...], names: tuple[str, ...], crew: Crew
) -> Iterator[Influence]:
    """The influence of every uncertain number on the named measures, in the order of the register."""
    ends = [
        (question, assumption, end, replication, names)
        for assumption in uncertain
        for end in (assumption.number.low, assumption.number.high)
        for replication in range(REPLICATIONS)
    ]
    rows: list[list[float]] = []
    for values in crew.each("influence of each assumption", _with, ends, weight=0.6):
        rows.append(values)
        if len(rows) == 2 * REPLICATIONS:
            low, high = rows[:REPLICATIONS], rows[REPLICATIONS:]
            assumption, *uncertain_left = uncertain
            uncertain = tuple(uncertain_left)
            rows = []
            yield Influence(assumption, _means(names, low), _means(names, high))


def _with(
    question: Question, assumption: Assumption, value: float, replication: int, names: tuple[str, ...]
) -> list[float]:
    """The measures of these names with one number changed; nan where the scenario's rules forbid that end."""
    try:
        scenario = changed(question.scenario, assumption.key, value)
    except BadInput:
        return [np.nan] * len(names)
    people, outcome = replicate(question._replace(scenario=scenario), replication, outside_only=True)
    spec = scenario.spec(question.policy)
    people, outcome = in_scope(people, outcome)
    found = intake_measures(scenario, outcome, spec) | wait_measures(scenario, people, outcome, spec)
    return [found.get(name, np.nan) for name in names]


def changed(scenario: Scenario, key: str, value: float) -> Scenario:
    """The scenario with one number replaced, and with it what a rule ties to it: shares still sum to 1."""
    values = {key: value}
    families = (
        {f"residence.{name}": getattr(scenario.residence, name) for name in RESIDENCE},
        {f"streams.{name}.share": stream.share for name, stream in scenario.streams.items()},
    )
    for family in families:
        others = {name: number.value for name, number in family.items() if name != key}
        if key in family and sum(others.values()) > 0:
            scale = (1.0 - value) / sum(others.values())
            values |= {name: share * scale for name, share in others.items()}
    behaviour = scenario.behaviour
    if key == "behaviour.declines_share":
        values["behaviour.applies_share"] = min(behaviour.applies_share.value, 1.0 - value)
    if key == "behaviour.applies_share":
        values["behaviour.declines_share"] = min(behaviour.declines_share.value, 1.0 - value)
    return replaced(scenario, values)


def _means(names: tuple[str, ...], rows: list[list[float]]) -> dict[str, float]:
    columns = np.array(rows).T
    known = [column[np.isfinite(column)] for column in columns]
    return {
        name: float(column.mean()) if len(column) else float("nan")
        for name, column in zip(names, known, strict=True)
    }


def uncertain(scenario: Scenario) -> tuple[Assumption, ...]:
    """The numbers of a scenario that have a range."""
    return tuple(each for each in assumptions.register(scenario) if each.number.uncertain)
