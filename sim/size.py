"""How large must the office be, and what hits the portal? The capacity engineer's question.

The *answer* is the least number of officers with which a service level is met in a stated part of all
replications, its *confidence*. It is searched in two steps. Each replication's critical number is found by
bisection, on people who are the same for every number of officers (`sizing.staffing`); then every number from
the least critical one to a little above the answer is tried on all replications, and what is printed is what
was found there. So an answer does not rest on more officers being always better.

With the assumptions drawn, critical numbers say how far the answer depends on numbers that nobody knows.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim import study
from sim.errors import complaint
from sim.scenario import Scenario
from sim.sizing.offices import Course, Staffed, course, rows
from sim.sizing.staffing import Standard, critical
from sim.studying import blocks, influence
from sim.studying.blocks import Crew, Progress
from sim.studying.intervals import Chance, Floats, chance
from sim.studying.replication import Question

DEFAULT_REPLICATIONS = 100
MOST_OFFICERS = 100_000
ABOVE = 2
"""Numbers that are tried above the answer."""
MOST_TRIED = 30
"""Numbers below it that are tried on all replications, at most."""

Columns = dict[str, Floats]


class Wanted(NamedTuple):
    """What is asked for."""

    standard: Standard
    confidence: float
    """In which part of the replications the standard must be met."""
    bounds: tuple[int, int]
    """The least and the most officers that may be had."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many officers, and what they and the portal have to bear."""

    scenario: Scenario
    policy: str
    seed: int
    wanted: Wanted
    critical: Floats
    """Each replication's critical number; infinite: not even the most officers; nan: nothing to judge."""
    critical_assumed: Floats
    """The same with the assumptions drawn; empty if no number has a range or nobody asked."""
    table: dict[int, Columns]
    """Officers -> measure -> one value a replication, fewest officers first."""
    answer: int | None
    """The least number that meets the standard with the confidence; None: none up to the bound does."""
    shown: int
    """The number of officers with which the course over time is shown: the answer, or the scenario's own."""
    courses: tuple[Course, ...]
    """Replication by replication: the portal's peaks, and files at the ends of months."""
    stopped: str
    complete: bool

    @property
    def replications(self) -> int:
        """How many were simulated."""
        return len(self.critical)

    def chance_of(self, officers: int) -> Chance:
        """In how many replications a number of officers meets the standard, of those that can be judged."""
        return met(self.table[officers])


def met(columns: Columns) -> Chance:
    """In how many replications the standard is met, of those that can be judged."""
    judged = columns["met"][np.isfinite(columns["met"])]
    return chance(int(judged.sum()), len(judged))


def wanted_of(
    scenario: Scenario,
    *,
    share: float = 0.9,
    days: float | None = None,
    confidence: float = 0.95,
    officers: tuple[int, int] | None = None,
    whole: bool = False,
) -> Wanted:
    """What is asked for, with the scenario's own service standard where no days are given."""
    days = scenario.objectives.decision_weeks.value * 7.0 if days is None else days
    own = int(scenario.offices.officers.value)
    low, high = (1, max(100, 16 * own)) if officers is None else officers
    if not 1 <= low <= high <= MOST_OFFICERS:
        raise complaint(
            f"{low}..{high} is no range of officers",
            key="--officers",
            expected=f"two whole numbers from 1 to {MOST_OFFICERS:,}, the lower first, as in 2..40",
        )
    return Wanted(Standard(share, days, each_year=not whole), confidence, (low, min(high, MOST_OFFICERS)))


def size(
    scenario: Scenario,
    wanted: Wanted,
    *,
    policy: str | None = None,
    replications: int = DEFAULT_REPLICATIONS,
    seed: int | None = None,
    jobs: int | None = None,
    register: bool = True,
    progress: Progress | None = None,
) -> Size:
    """Find the number of officers; KeyboardInterrupt only if nothing at all was finished.

    `register` also asks with the assumptions drawn.
    """
    name = scenario.baseline if policy is None else policy
    question = Question(scenario, study.named(scenario, name), scenario.seed if seed is None else seed)
    crew = Crew(blocks.cores() if jobs is None else jobs, progress or (lambda *_: None))
    found, assumed = list[float](), list[float]()
    table: dict[int, Columns] = {}
    courses: list[Course] = []
    shown, answer = int(scenario.offices.officers.value), None
    stopped, complete = f"{replications:,} replications, as asked", False
    try:
        _criticals(question, wanted, crew, found, to=replications)
        table = _tried(question, wanted, crew, np.array(found))
        answer = _answer(table, wanted.confidence)
        shown = shown if answer is None else answer
        calls = [(question, shown, replication) for replication in range(replications)]
        courses += crew.each("the portal, and files over time", course, calls)
        if register and influence.uncertain(scenario):
            _criticals(question, wanted, crew, assumed, to=replications, drawn=True)
        complete = True
    except KeyboardInterrupt:
        if not found:
            raise
        stopped = f"interrupted after {len(found):,} replications"
    return Size(
        scenario,
        name,
        question.seed,
        wanted,
        np.array(found),
        np.array(assumed),
        table,
        answer,
        shown,
        tuple(courses),
        stopped,
        complete,
    )


def _criticals(
    question: Question, wanted: Wanted, crew: Crew, found: list[float], *, to: int, drawn: bool = False
) -> None:
    """Append every replication's critical number; those finished stay, whatever happens then."""
    label = "officers needed, with assumptions drawn" if drawn else "officers needed"
    asked = (question, wanted.standard, wanted.bounds)
    hint = int(question.scenario.offices.officers.value)
    if not found:  # made here, so that bad input is found early and the cost is known
        found.append(blocks.timed(crew, critical, *asked, hint, 0, drawn))
        crew.progress(label, 1, to)
    hint = int(found[0]) if math.isfinite(found[0]) else hint  # replications are much alike
    calls = [(*asked, hint, replication, drawn) for replication in range(1, to)]
    for each in crew.each(label, critical, calls, before=1):
        found.append(each)


def _tried(question: Question, wanted: Wanted, crew: Crew, found: Floats) -> dict[int, Columns]:
    """Every number of officers worth a look, on all replications."""
    numbers = worth_trying(found, wanted, int(question.scenario.offices.officers.value))
    calls = [(question, wanted.standard, numbers, replication) for replication in range(len(found))]
    by_replication: list[list[Staffed]] = list(
        crew.each("every number of officers around it", rows, calls, weight=len(numbers) / 4)
    )
    return {
        officers: study.columns([row[k].values for row in by_replication])
        for k, officers in enumerate(numbers)
    }


def worth_trying(found: Floats, wanted: Wanted, own: int) -> tuple[int, ...]:
    """From just below the least critical number to a little above the one that seems enough, and the
    scenario's own; the most officers if no number seems enough.
    """
    low, high = wanted.bounds
    known = np.sort(found[~np.isnan(found)])
    tried = {own} if low <= own <= high else set()
    if not len(known):
        return tuple(sorted(tried or {low}))
    aim = known[math.ceil(wanted.confidence * len(known)) - 1]
    finite = known[np.isfinite(known)]
    if math.isinf(aim):
        middle = int(finite[-1]) if len(finite) else min(max(own, low), high)
        return tuple(sorted(tried | {middle, high}))
    first = max(low, int(finite[0]) - 1, int(aim) - MOST_TRIED)
    return tuple(sorted(tried | set(range(first, min(high, int(aim) + ABOVE) + 1))))


def _answer(table: dict[int, Columns], confidence: float) -> int | None:
    """The least number whose share of replications is large enough."""
    shares = {officers: met(columns).probability for officers, columns in table.items()}
    enough = [officers for officers, share in shares.items() if share is not None and share >= confidence]
    return min(enough, default=None)
