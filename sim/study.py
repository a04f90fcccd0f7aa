"""A study: many replications of one policy, until they are enough, and what they say together.

*Chance* holds the scenario's numbers and lets only people differ from replication to replication;
*assumptions* also draws every uncertain number from its range, once a replication. The *headline* measures
decide when a study with a wanted precision may stop.

A replication is a pure function of the seed and its number, and replications are kept in the order of their
numbers, so a study's bytes depend neither on the number of workers nor on how the work was cut up. A study
that is interrupted keeps what is finished and says that it is incomplete.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.comparing.worlds import Asked
from sim.errors import complaint, nearest
from sim.policy import Policy
from sim.scenario import Scenario
from sim.studying import binding, blocks, influence, picturing
from sim.studying.binding import Binding
from sim.studying.blocks import Crew, Progress
from sim.studying.influence import Influence
from sim.studying.intervals import Floats, half_width
from sim.studying.keeping import Kept
from sim.studying.replication import Measured, Question, measured, read_back

CHANCE, ASSUMED = "replications", "replications with assumptions drawn"
"""The stages that replications are made in."""
HEADLINES = ("grants", "unused_slots", "median_wait_days")
DEFAULT_REPLICATIONS = 100
FEWEST, MOST = 10, 1000
"""With a wanted precision: replications that are always made, and those after which it is given up."""
FLOOR_OF_SLOTS = 0.1
"""A mean number of slots counts as at least this part of all caps, so that one near 0 can stop: with a
precision of 1 % it is known to a thousandth of the slots there are."""
FLOOR_OF_DAYS = 7.0
"""A mean wait counts as at least this many days, for the same reason."""


@dataclass(frozen=True, slots=True)
class Study:
    """What the replications of one policy gave."""

    scenario: Scenario
    policy: str
    seed: int
    chance: dict[str, Floats]
    """Measure -> one value a replication, shape (replications,); nan where it has none."""
    assumed: dict[str, Floats]
    """The same with the assumptions drawn; empty if no number has a range, shorter if interrupted."""
    uptake: dict[int, Floats]
    """Year -> share of its slots used by the end of each of its months, shape (replications, months)."""
    pool: Floats
    """People in scope who still wait for a letter at the end, shape (replications,)."""
    register: tuple[Influence, ...]
    """Uncertain numbers and what they move, the most influential first, those not above chance last; empty if
    not asked for."""
    moved: str
    """The measure by which the register is ranked."""
    binding: Binding | None
    """From which demand on a cap binds; None if not asked for, or without a cap."""
    stopped: str
    """Why there are no more replications, in words."""
    complete: bool
    """False: interrupted before everything that was asked for was done."""
    pictures: dict[str, Any] | None = None
    """Curves of the first replications (`studying.picturing`); None if not asked for, or interrupted."""

    @property
    def replications(self) -> int:
        """How many were simulated with the scenario's own numbers."""
        return size(self.chance)


def size(columns: dict[str, Floats]) -> int:
    """How many replications the columns have."""
    return len(next(iter(columns.values()), ()))


def run(
    scenario: Scenario,
    *,
    policy: str | None = None,
    replications: int | None = None,
    precision: float | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    fast: bool = False,
    register: bool = True,
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> Study:
    """Simulate one policy; KeyboardInterrupt only if nothing at all was finished.

    `precision` e, instead of `replications`, stops when the 95 % half-width of every headline mean is at most
    e / (1 + e) of it. `jobs` is the number of workers, as many as there are cores if None. `register` also
    asks which uncertain numbers move the headline, from which demand on the cap binds, and for curves. What
    `kept` knows is not simulated again, and what is new is kept there; the study is the same.
    """
    name = scenario.baseline if policy is None else policy
    wanted = most(replications, precision)
    question = Question(scenario, named(scenario, name), scenario.seed if seed is None else seed, fast)
    crew = Crew(blocks.cores() if jobs is None else jobs, progress or (lambda *_: None), kept=kept)
    chance: list[Measured] = []
    assumed: list[Measured] = []
    ranked: list[Influence] = []
    binds: Binding | None = None
    drawn: dict[str, Any] | None = None
    stopped, complete = "interrupted", False
    try:
        stopped = _simulate(question, crew, chance, wanted, precision)
        uncertain = influence.uncertain(scenario)
        if uncertain:
            _extend(question, crew, assumed, len(chance), drawn=True)
        if register:
            for each in influence.each(question, uncertain, HEADLINES, crew):
                ranked.append(each)
            binds = binding.search(question, crew)
            asked = Asked(scenario, ((name, question.policy),), question.seed)
            drawn = picturing.pictures(asked, crew, len(chance))
        complete = True
    except KeyboardInterrupt:
        if not chance:
            raise
        stopped = f"interrupted after {len(chance)} replications"
    measures = columns([each.measures for each in chance])
    moved = _moved(measures)
    ranked.sort(key=lambda each: _rank(each, moved))
    return Study(
        scenario,
        name,
        question.seed,
        measures,
        columns([each.measures for each in assumed]),
        {year: np.array([each.uptake[year] for each in chance]) for year in chance[0].uptake},
        np.array([each.pool for each in chance]),
        tuple(ranked),
        moved,
        binds,
        stopped,
        complete,
        drawn,
    )


def named(scenario: Scenario, name: str) -> Policy:
    """The policy of that name; BadInput with the nearest name if there is none."""
    names = scenario.policy_names()
    if name in names:
        return scenario.policy(name)
    near = nearest(name, names)
    raise complaint(
        f"{name!r} is not a policy of the scenario {scenario.name}",
        key="policy",
        expected="one of " + ", ".join(names),
        mend=f"write {near}" if near else "",
    )


def columns(rows: list[dict[str, float]]) -> dict[str, Floats]:
    """Rows of measures as one column a measure, in the order in which the names first appear."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: np.array([row.get(name, math.nan) for row in rows]) for name in names}


def most(replications: int | None, precision: float | None) -> int:
    """How many replications are made at most; BadInput if that cannot be."""
    if replications is not None and precision is not None:
        raise complaint("replications and precision: give one of the two", key="precision")
    if replications is not None and replications < 1:
        raise complaint(f"replications = {replications}", key="replications", expected="at least 1")
    if precision is not None and not 0.0 < precision < 1.0:
        raise complaint(f"precision = {precision:g}", key="precision", expected="above 0 and below 100 %")
    return MOST if precision is not None else replications or DEFAULT_REPLICATIONS


def _simulate(
    question: Question, crew: Crew, rows: list[Measured], most: int, precision: float | None
) -> str:
    """Make as many replications as are wanted; why there are no more."""
    if precision is None:
        _extend(question, crew, rows, most)
        return f"{most:,} replications, as asked"
    floors = _floors(question.scenario)
    checked, wanted = FEWEST - 1, FEWEST
    while True:
        _extend(question, crew, rows, wanted)
        found = columns([row.measures for row in rows])
        ratio = 1.0
        while checked < len(rows):
            checked += 1
            ratio = _imprecision({name: found[name][:checked] for name in HEADLINES}, precision, floors)
            if ratio <= 1.0:
                crew.forget(CHANCE, rows, checked)
                return f"{checked:,} replications, since now {_rule(precision, floors)}"
        if len(rows) >= most:
            return f"{most:,} replications, given up before {_rule(precision, floors)}"
        # The half-width shrinks with the root of n; aiming a little low costs one more round.
        aim = math.ceil(0.95 * len(rows) * ratio**2)
        wanted = min(most, max(len(rows) + 4, min(aim, 4 * len(rows))))


def _rule(precision: float, floors: dict[str, float]) -> str:
    """When a precision counts as reached, in words."""
    slots, days = floors["grants"], floors["median_wait_days"]
    return (
        f"the 95 % half-width of every headline is at most {100 * precision / (1 + precision):.3g} % "
        f"of its mean (a mean below {slots:,.0f} slots or {days:g} days counts as that)"
    )


def _extend(question: Question, crew: Crew, rows: list[Measured], to: int, *, drawn: bool = False) -> None:
    """Append the replications from len(rows) up to `to`; those finished stay, whatever happens then."""
    label = ASSUMED if drawn else CHANCE
    rest = [(question, replication, drawn) for replication in range(len(rows), to)]
    for row in crew.each(label, measured, rest, before=len(rows), here=3, read=read_back):
        rows.append(row)


def _floors(scenario: Scenario) -> dict[str, float]:
    slots = max(1.0, FLOOR_OF_SLOTS * math.fsum(intake.cap.value for intake in scenario.intake))
    return {"grants": slots, "unused_slots": slots, "median_wait_days": FLOOR_OF_DAYS}


def _imprecision(headlines: dict[str, Floats], precision: float, floors: dict[str, float]) -> float:
    """The largest half-width over the one wanted; a headline that has no values cannot hold a study up."""
    worst = 0.0
    for name, values in headlines.items():
        known = values[np.isfinite(values)]
        if len(known) < 2:
            continue
        half = half_width(known)
        wanted = precision / (1.0 + precision) * max(abs(math.fsum(known) / len(known)), floors[name])
        worst = max(worst, (half or 0.0) / wanted)
    return worst


def _rank(each: Influence, moved: str) -> tuple[bool, float, str]:
    """Above chance first, the larger before the smaller; what has no value comes last of all."""
    moves = float(np.nan_to_num(each.on(moved), nan=-1.0))
    return not each.is_above_chance(moved), -moves, each.assumption.key


def _moved(found: dict[str, Floats]) -> str:
    """The headline that can move: where hardly a slot is left, grants are the caps, and waits say more."""
    unused, slots = found["unused_slots"], found["cap"]
    is_tight = bool(np.nanmean(unused) < 0.01 * np.nanmean(slots)) if np.isfinite(unused).any() else False
    return "median_wait_days" if is_tight and np.isfinite(found["median_wait_days"]).any() else "grants"
