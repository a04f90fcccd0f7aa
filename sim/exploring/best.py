"""The best of many points: searched for if asked, selected with a guarantee, and confirmed on fresh people.

Three stages, each on replications of its own, so that no stage's luck passes on to the next one:

1. *search* (if asked for): points are proposed and tried on few replications; the most promising are kept;
2. *selection*: the points race on common people until it is settled which is best, or near enough;
3. *confirmation*: what was chosen, what could not be told from it and the scenario as it is are simulated
   on fresh replications, from which the figures that are reported come. So nobody reads a value that is high
   because it was chosen for being high.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.comparing.paired import paired
from sim.errors import complaint
from sim.exploring import points as exploring
from sim.exploring import searching
from sim.exploring.points import Asked, Point, Ready
from sim.exploring.race import Agreed, Fate, Race
from sim.exploring.searching import Trial, Wanted
from sim.scenario import Scenario
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

SELECTION, CONFIRMATION = 1_000_000, 2_000_000
"""The numbers from which on the replications of these stages are counted."""
FIRST, MOST, CONFIRMED = 10, 1_000, 40
INTERRUPTED = "interrupted"
MOST_NEAR = 5
"""So many of the points that were not told apart from the best are confirmed too."""


class Selected(NamedTuple):
    """How a selection ended."""

    fates: tuple[Fate, ...]
    chosen: int
    """Index of the point chosen; -1 for none."""
    delta: float
    """The difference that matters, in the objective's unit."""
    shortfall: float
    """By how much, with the agreed confidence, the best can be better than the one chosen."""
    replications: int
    values: Floats
    """Shape (points, replications, measures); nan after a point has left."""
    settled: bool
    """Whether the guarantee that was asked for is reached."""


class Confirmed(NamedTuple):
    """A point on fresh replications."""

    point: int
    """Its index; -1 for the scenario as it is."""
    values: Floats
    """Shape (replications, measures)."""


@dataclass(frozen=True, slots=True)
class Best:
    """What was chosen, from what, and how sure that is."""

    scenario: Scenario
    seed: int
    agreed: Agreed
    trials: tuple[Trial, ...]
    """Of the search; empty without one."""
    points: tuple[Point, ...]
    """The points that raced."""
    ready: tuple[Ready, ...]
    own: Point
    """The scenario as it is, for comparison."""
    selected: Selected | None
    """None if interrupted before anything could be said."""
    confirmed: tuple[Confirmed, ...]
    """The scenario as it is, the point chosen and those not told apart from it; empty if interrupted."""
    extra: tuple[str, ...]
    """Measures that are reported beside those agreed on."""
    stopped: str
    complete: bool


def best(
    scenario: Scenario,
    points: Sequence[Point],
    agreed: Agreed,
    *,
    wanted: Wanted | None = None,
    trials: int = 0,
    shortlist: int = 10,
    extra: tuple[str, ...] = (),
    confirm: int = CONFIRMED,
    seed: int | None = None,
    crew: Crew,
    fast: bool = False,
) -> Best:
    """Choose among the points, or among what a search over `wanted` finds.

    KeyboardInterrupt only if nothing can be said yet.
    """
    seed = scenario.seed if seed is None else seed
    tried: list[Trial] = []
    if wanted is not None and trials:
        tried = searching.search(
            scenario, wanted, trials=trials, replications=searching.REPLICATIONS, seed=seed, crew=crew
        )
        points = searching.shortlist(tried, agreed.objective, shortlist)
        if not points:
            reason = next((each.reason for each in tried if each.reason), "no objective has a value")
            raise complaint(f"none of {len(tried)} points can be simulated: {reason}", key="--search")
    own = Point((), points[0].policy if scenario.baseline is None else scenario.baseline)
    ready = exploring.ready(scenario, points)
    if all(each.policy is None for each in ready):
        raise complaint(f"no point can be simulated: {ready[0].reason}", key="--vary")
    chosen: Selected | None = None
    confirmed: tuple[Confirmed, ...] = ()
    stopped, complete = f"interrupted after {len(tried)} of {trials} points tried", False
    if len(tried) == trials:
        stopped, chosen, confirmed = _settled(
            exploring.ready(scenario, [own])[0],
            ready,
            agreed,
            (extra, confirm),
            seed=seed,
            crew=crew,
            fast=fast,
        )
        complete = stopped != INTERRUPTED
    return Best(
        scenario,
        seed,
        agreed,
        tuple(tried),
        tuple(points),
        ready,
        own,
        chosen,
        confirmed,
        extra,
        stopped,
        complete,
    )


def _settled(
    own: Ready,
    ready: Sequence[Ready],
    agreed: Agreed,
    reported: tuple[tuple[str, ...], int],
    *,
    seed: int,
    crew: Crew,
    fast: bool,
) -> tuple[str, Selected | None, tuple[Confirmed, ...]]:
    """Selection and confirmation, as far as they get: why they ended, and what they found."""
    extra, confirm = reported
    chosen = select(ready, own, agreed, seed=seed, crew=crew, fast=fast)
    if not chosen.settled and chosen.replications < agreed.most:
        return INTERRUPTED, chosen, ()
    names = tuple(dict.fromkeys([*agreed.measures, *extra]))
    worth = {-1: own} | {k: ready[k] for k in _worth(chosen)}
    question = exploring.asked(list(worth.values()), names, seed=seed, fast=fast)
    try:
        confirmed = _confirmed(question, list(worth), confirm, crew)
    except KeyboardInterrupt:
        return INTERRUPTED, chosen, ()
    ended = "settled" if chosen.settled else "not settled"
    return f"{ended} after {chosen.replications:,} replications", chosen, confirmed


def select(
    ready: Sequence[Ready], own: Ready, agreed: Agreed, *, seed: int, crew: Crew, fast: bool = False
) -> Selected:
    """Let the points race; what leads when Ctrl-C comes, or KeyboardInterrupt before the first portion."""
    able = [k for k, each in enumerate(ready) if each.policy is not None]
    question = exploring.asked([*(ready[k] for k in able), own], agreed.measures, seed=seed, fast=fast)
    heard = np.full((len(able) + 1, agreed.most, len(agreed.measures)), math.nan)
    _hear(question, range(agreed.first), heard, crew)
    race = Race(agreed, len(able), heard[-1, : agreed.first, 0], heard[:-1, : agreed.first])
    try:
        while not race.over and race.r < agreed.most:
            portion = 1 if crew.jobs == 1 else max(2 * crew.jobs, race.r // 8)
            ahead = range(race.r, min(agreed.most, race.r + portion))
            _hear(_only(question, race), ahead, heard, crew)
            for r in ahead:
                if not race.over:
                    race.hear(heard[:-1, r])
    except KeyboardInterrupt:
        pass
    return _selected(race, ready, able, heard)


def _hear(question: Asked, replications: range, heard: Floats, crew: Crew) -> None:
    """Simulate some replications of the selection; in `heard` they are counted from 0."""
    numbers = range(SELECTION + replications.start, SELECTION + replications.stop)
    for cells in exploring.each(question, numbers, crew, label="replications of the points left"):
        heard[list(cells.points), cells.replication - SELECTION] = cells.values


def _only(question: Asked, race: Race) -> Asked:
    """The question without points that have left, and without the scenario as it is."""
    groups = (tuple(k for k in group if k < len(race.alive) and race.alive[k]) for group in question.groups)
    return question._replace(groups=tuple(group for group in groups if group))


def _selected(race: Race, ready: Sequence[Ready], able: list[int], heard: Floats) -> Selected:
    """How it ended, with the points counted as they were given."""
    settled, chosen, shortfall = race.over, race.chosen, race.shortfall
    among = race.ended()
    fates = [Fate("forbidden", 0, -1)] * len(ready)
    values = np.full((len(ready), race.r, heard.shape[2]), math.nan)
    for k, point in enumerate(able):
        fate = among[k]
        by = able[fate.by] if fate.how == "beaten" else fate.by
        if fate.how == "near" and not _is_near(heard[chosen, : race.r, 0], heard[k, : race.r, 0]):
            fate = fate._replace(how="behind")
        fates[point] = fate._replace(by=by)
        values[point, : fate.replications] = heard[k, : fate.replications]
    which = able[chosen] if chosen >= 0 else -1
    return Selected(tuple(fates), which, race.rule.delta, shortfall, race.r, values, settled)


def _is_near(chosen: Floats, other: Floats) -> bool:
    """Whether the paired interval of the difference has 0 in it."""
    pair = paired(chosen, other)
    return abs(pair.mean) <= pair.half()


def _worth(chosen: Selected) -> list[int]:
    """The points to confirm: the one chosen, and the first of those not told apart from it."""
    near = [k for k, fate in enumerate(chosen.fates) if fate.how == "near"]
    return ([chosen.chosen] if chosen.chosen >= 0 else []) + near[:MOST_NEAR]


def _confirmed(question: Asked, which: list[int], replications: int, crew: Crew) -> tuple[Confirmed, ...]:
    """Values on fresh replications."""
    found = np.full((len(which), replications, len(question.measures)), math.nan)
    numbers = range(CONFIRMATION, CONFIRMATION + replications)
    for cells in exploring.each(question, numbers, crew, label="fresh replications"):
        found[list(cells.points), cells.replication - CONFIRMATION] = cells.values
    return tuple(Confirmed(point, values) for point, values in zip(which, found, strict=True))
