"""Which uncertain number moves the headline most: each at its low and at its high, everything else as it is.

Both ends and the scenario's own numbers are simulated on the same few replications, with the same luck
(common random numbers), so that most of what chance does falls out of a difference; some of it stays, since
other people may come into being or meet each other in another order. So each difference, high less low, has a
paired 95 % t interval over the replications; a number whose interval holds 0 is *not above chance*, and ranks
last. Residents of Quebec are left out: they can never claim. The *influence* of a number is |mean difference|
of the headline. One number is moved at a time, so what two do together is not seen here; the wider interval
of a headline draws them all at once.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sim import assumptions
from sim.assumptions import Assumption
from sim.clock import YEAR_S
from sim.errors import BadInput
from sim.ledger import Spec
from sim.measures import in_scope, measure
from sim.measuring.intakes import intake_measures
from sim.measuring.waits import wait_measures
from sim.outcome import Outcome
from sim.people import People
from sim.scenario import Scenario
from sim.scenario_file import replaced
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats, half_width
from sim.studying.replication import Question, replicate

REPLICATIONS = 4
REPLICATIONS_OF_FEW, FEW_PEOPLE = 8, 10_000
"""More replications where a crowd is small, and so costs little and differs much from the next."""
RESIDENCE = ("abroad", "other_province", "quebec")


class Influence(NamedTuple):
    """One uncertain number, and the mean of each headline measure with it at either end of its range."""

    assumption: Assumption
    at_low: dict[str, float]
    at_base: dict[str, float]
    """With the scenario's own value, from the same replications."""
    at_high: dict[str, float]
    moves: dict[str, tuple[float, float]]
    """Measure -> mean of high less low, over replications that have both, and half its 95 % interval."""
    replications: int

    def on(self, measure: str) -> float:
        """How far the number moves a measure between the ends of its range; nan where it has no value."""
        return abs(self.moves[measure][0])

    def is_above_chance(self, measure: str) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        mean, half = self.moves[measure]
        return abs(mean) > half


def each(
    question: Question, uncertain: tuple[Assumption, ...], names: tuple[str, ...], crew: Crew
) -> Iterator[Influence]:
    """The influence of every uncertain number on the named measures, in the order of the register."""
    if not uncertain:
        return
    n = replications(question.scenario)
    points = [("", math.nan)]
    points += [(one.key, end) for one in uncertain for end in (one.number.low or 0.0, one.number.high or 0.0)]
    calls = [(question, key, value, k, names) for key, value in points for k in range(n)]
    base: list[list[float]] = []
    rows: list[list[float]] = []
    left = iter(uncertain)
    for values in crew.each("influence of each assumption", _with, calls, weight=0.6):
        if len(base) < n:
            base.append(values)
            continue
        rows.append(values)
        if len(rows) == 2 * n:
            low, high = rows[:n], rows[n:]
            rows = []
            moves = _moves(names, low, high)
            yield Influence(
                next(left), _means(names, low), _means(names, base), _means(names, high), moves, n
            )


def replications(scenario: Scenario) -> int:
    """On how many replications a number is tried."""
    demand, years = scenario.demand, (scenario.ends_s - scenario.starts_s) / YEAR_S
    surges = sum(surge.people.value for surge in demand.surges)
    people = demand.multiple.value * (demand.backlog.value + demand.per_year.value * years) + surges
    return REPLICATIONS_OF_FEW if people <= FEW_PEOPLE else REPLICATIONS


def _with(
    question: Question, key: str, value: float, replication: int, names: tuple[str, ...]
) -> list[float]:
    """The measures of these names with one number changed (key "": none); nan where a rule forbids it."""
    try:
        scenario = changed(question.scenario, key, value) if key else question.scenario
    except BadInput:
        return [np.nan] * len(names)
    people, outcome = replicate(question._replace(scenario=scenario), replication, outside_only=True)
    spec = scenario.spec(question.policy)
    return some_measures(scenario, people, outcome, spec, names)


def some_measures(
    scenario: Scenario, people: People, outcome: Outcome, spec: Spec, names: tuple[str, ...]
) -> list[float]:
    """The measures of these names, those that are slow only where they are asked for; nan for what is not."""
    inside, course = in_scope(people, outcome)
    found = intake_measures(scenario, course, spec) | wait_measures(scenario, inside, course, spec)
    if any(name not in found for name in names):
        found = measure(scenario, people, outcome, spec=spec)
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


def _moves(
    names: tuple[str, ...], low: list[list[float]], high: list[list[float]]
) -> dict[str, tuple[float, float]]:
    """High less low of every measure, pair by pair: the mean, and half of its interval."""
    return {
        name: _paired(column) for name, column in zip(names, (np.array(high) - np.array(low)).T, strict=True)
    }


def _paired(differences: Floats) -> tuple[float, float]:
    known = differences[np.isfinite(differences)]
    half = half_width(known)
    if half is None:  # of a single pair nothing is known to be above chance
        return (float(known[0]) if len(known) else math.nan), math.inf
    return math.fsum(known) / len(known), half


def uncertain(scenario: Scenario) -> tuple[Assumption, ...]:
    """The numbers of a scenario that have a range."""
    return tuple(each for each in assumptions.register(scenario) if each.number.uncertain)
