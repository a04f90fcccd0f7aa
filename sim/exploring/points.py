"""Points of a scenario's parameters, each simulated on the same people: common random numbers throughout.

A *point* is what is set, as by `--set`, and a policy. Its value in a replication is a pure function of the
scenario, the point, the seed and the replication's number: it depends neither on which other points are
asked for, nor on their order, nor on how the work is cut up and over how many workers.

People are drawn, settled and sorted once a replication for all points whose settings leave people alone
(`people_of` says which do), so a further cap costs the offices' work only; and where all that is asked
follows from the claims alone, not even that. A point that a rule forbids has no value: `Ready` says why, and
its measures are nan.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sim import measures, population, programme, study
from sim.compare import misfit
from sim.engine import claims as desk
from sim.engine.claims import Claims
from sim.engine.flavours import PLAIN, compiled
from sim.engine.prepared import Prepared, for_scenario
from sim.errors import BadInput
from sim.measuring.claimed import claim_measures, is_measured, needs_decisions, permit_measures
from sim.people import People, settle
from sim.policy import Policy
from sim.scenario import Scenario
from sim.scenario_file import replaced
from sim.studying.blocks import Crew, timed
from sim.studying.intervals import Floats

OF_RESIDENTS = "bridging_permits"
"""The one measure of residents of Quebec: without it they need not be drawn."""


class Point(NamedTuple):
    """One way to run a scenario."""

    settings: tuple[tuple[str, Any], ...]
    """Dotted keys and their values, as --set takes them."""
    policy: str
    """The name of a policy of the scenario or the catalogue."""


class Ready(NamedTuple):
    """A point made ready to be simulated, or the reason why it cannot be."""

    scenario: Scenario
    """The scenario with the point's settings; without them where they cannot be set."""
    policy: Policy | None
    """None if a rule forbids the point."""
    reason: str
    """Why it is forbidden, in a sentence; empty if it is not."""


class Cells(NamedTuple):
    """The values of some points in one replication."""

    points: tuple[int, ...]
    """Their indices."""
    replication: int
    values: Floats
    """Shape (points, measures); nan where a measure is not defined or not estimable."""


class Asked(NamedTuple):
    """What is simulated: with the number of a replication, everything that the values depend on."""

    points: tuple[Ready, ...]
    measures: tuple[str, ...]
    """Names as `sim.measures` gives them, suffixes included."""
    seed: int
    groups: tuple[tuple[int, ...], ...]
    """Indices of the points that can be simulated, those on the same people together."""
    fast: bool = False
    """Use compiled kernels; the values are the same."""


def values(
    scenario: Scenario,
    points: Sequence[Point],
    measures: Sequence[str],
    *,
    replications: range,
    seed: int,
    crew: Crew,
) -> Floats:
    """Every measure of every point in every replication, shape (points, replications, measures).

    nan where a measure is not defined or not estimable, or a rule forbids the point (`ready` says why).
    """
    question = asked(ready(scenario, points), measures, seed=seed)
    found = np.full((len(points), len(replications), len(measures)), math.nan)
    for cells in each(question, replications, crew):
        found[list(cells.points), replications.index(cells.replication)] = cells.values
    return found


def ready(scenario: Scenario, points: Sequence[Point]) -> tuple[Ready, ...]:
    """Each point's scenario and policy, or why there is none; BadInput for a policy that nobody knows."""
    scenarios: dict[str, Scenario | BadInput] = {}
    return tuple(_ready(scenario, point, scenarios) for point in points)


def _ready(scenario: Scenario, point: Point, known: dict[str, Scenario | BadInput]) -> Ready:
    key = repr(sorted(point.settings))
    if key not in known:
        try:
            known[key] = _sharing(scenario, replaced(scenario, dict(point.settings)))
        except BadInput as error:
            known[key] = error
    found = known[key]
    if isinstance(found, BadInput):
        problem = found.problems[0]
        where = f"{problem.key}: " if problem.key else ""
        return Ready(scenario, None, f"{where}{problem.message}")
    policy = study.named(found, point.policy)
    reason = misfit(found, policy)
    return Ready(found, None if reason else policy, reason)


def _sharing(scenario: Scenario, other: Scenario) -> Scenario:
    """The other scenario with what is equal in both kept once, so that many are sent to a worker as few."""
    same = {
        name: mine
        for name in other.model_fields_set
        if (mine := getattr(scenario, name)) == getattr(other, name)
    }
    return other.model_copy(update=same)


def asked(points: Sequence[Ready], measures: Sequence[str], *, seed: int, fast: bool = False) -> Asked:
    """The question for some points, with those on the same people found together."""
    groups: dict[str, list[int]] = {}
    for index, point in enumerate(points):
        if point.policy is not None:
            groups.setdefault(people_of(point.scenario), []).append(index)
    together = tuple(tuple(group) for group in groups.values())
    return Asked(tuple(points), tuple(measures), seed, together, fast)


def people_of(scenario: Scenario) -> str:
    """Everything of a scenario that its people depend on, as text: equal texts mean the same people.

    Left out is what only institutions look at: caps, policies, the allocator's switches, the validity of
    letters and permits, how many officers there are and when they work, and what is only judged or said. A
    key that is not listed here counts as one that people depend on.
    """
    return scenario.model_dump_json(
        exclude={
            **dict.fromkeys(("format", "name", "title", "seed", "baseline", "intake", "policies"), True),
            **dict.fromkeys(("objectives", "load"), True),
            "programme": {
                *("counts", "gives_back", "refusals", "counter", "over_cap", "tolerance", "permit_months")
            },
            "behaviour": {"letter_validity_days"},
            "offices": {"officers", "opens_at", "hours_per_day", "weekdays", "holidays"},
        }
    )


def each(
    question: Asked, replications: Sequence[int], crew: Crew, label: str = "replications"
) -> Iterator[Cells]:
    """The cells, replication by replication, each given out once it and all before it are known."""
    parts = _parts(question, len(replications), crew.jobs)
    calls = [(question, part, replication) for replication in replications for part in parts]
    if not calls:
        return
    first = timed(crew, cells, *calls[0])  # made here: what is wrong shows early, and the cost is known
    crew.progress(label, 1, len(calls))
    yield first
    yield from crew.each(label, cells, calls[1:], before=1)


def _parts(question: Asked, replications: int, jobs: int) -> list[tuple[int, ...]]:
    """Which points are simulated in one call: all on the same people, unless workers would be idle then."""
    parts: list[tuple[int, ...]] = []
    calls = len(question.groups) * replications
    wanted = 1 if jobs == 1 or not calls else math.ceil(4 * jobs / calls)
    for group in question.groups:
        size = math.ceil(len(group) / min(wanted, len(group)))
        parts += [group[k : k + size] for k in range(0, len(group), size)]
    return parts


def cells(question: Asked, points: tuple[int, ...], replication: int) -> Cells:
    """The values of some points on the same people, in one replication."""
    first = question.points[points[0]].scenario
    outside_only = OF_RESIDENTS not in question.measures
    drawn = population.draw(first, replication, seed=question.seed, outside_only=outside_only)
    simple = all(_by_claims(question, question.points[point]) for point in points)
    decisions = any(needs_decisions(name) for name in question.measures)
    luck = desk.OF_DECISIONS if decisions else desk.PURPOSES
    people = settle(first, drawn, purposes=luck if simple else None)
    prepared = programme.prepare(first, people)
    claims: dict[str, Claims] = {}
    rows = [_cell(question, question.points[point], people, prepared, claims) for point in points]
    return Cells(points, replication, np.array(rows))


def _by_claims(question: Asked, point: Ready) -> bool:
    """Whether a point's claims say all that is asked: then officers and courses need not be simulated."""
    assert point.policy is not None, point.reason
    asked_only = all(is_measured(name) for name in question.measures)
    return asked_only and desk.stand_alone(point.scenario, point.policy)


def _cell(
    question: Asked, point: Ready, people: People, prepared: Prepared, known: dict[str, Claims]
) -> list[float]:
    """The measures of one point, on people that are ready; `known` has claims that points share."""
    assert point.policy is not None, point.reason
    at_point = for_scenario(prepared, point.scenario)
    found: Mapping[str, float]
    if _by_claims(question, point):
        key = desk.same_claims(point.scenario, point.policy)
        if key not in known:
            known[key] = desk.claims(at_point, point.policy)
        claimed = desk.claimed(at_point, point.policy, known[key])
        found = claim_measures(point.scenario, len(prepared.scope), known[key], claimed)
        if any(needs_decisions(name) for name in question.measures):
            permits = desk.permits(at_point, claimed, compiled() if question.fast else PLAIN)
            found = {**found, **permit_measures(point.scenario, claimed, permits)}
    else:
        outcome = programme.simulate(at_point, point.policy, fast=question.fast)
        spec = point.scenario.spec(point.policy)
        found = measures.measure(point.scenario, people, outcome, spec=spec, only=question.measures)
    return [found.get(name, math.nan) for name in question.measures]
