"""Which of the numbers that nobody knows matter for what a scenario says, and how much is chance anyway?

Three looks at the uncertain numbers of the register, from quick to thorough. The *tornado* moves one at a
time from low to high (`studying.influence`). *Morris* screens: which of them do anything, anywhere? *Sobol*
then divides the variance of the answer among those that do, the rest together, and chance
(`sensing.factors`). Numbers are placed at quantiles of the same triangular distributions that the wider of a
headline's intervals draws from, and the rules between them are kept as there (`assumptions.placed`).

A point of Morris is simulated on the replication of its trajectory, one of Sobol on that of its chance. So
chance raises mu* a little: the screen keeps too many numbers rather than too few.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim import assumptions, study
from sim.assumptions import Assumption
from sim.errors import complaint
from sim.scenario import Scenario
from sim.sensing import factors
from sim.sensing.factors import CHANCE, REST, Effect, Factors, Index
from sim.streams import Floats
from sim.studying import blocks, influence
from sim.studying.blocks import Crew, Progress
from sim.studying.influence import Influence
from sim.studying.replication import Question, replicate

Method = Literal["morris", "sobol", "both"]

MEASURES = study.HEADLINES
TRAJECTORIES, SAMPLES = 12, 128
KEPT_SHARE, KEPT_MOST = 0.1, 8
"""After Morris, a number is told apart by Sobol if its mu* is this part of the largest; at most so many."""
MOST_SAMPLES = 2**16


@dataclass(frozen=True, slots=True)
class Screen:
    """What Morris found."""

    factors: Factors
    points: Floats
    answers: Floats
    """Shape (points, measures)."""
    effects: dict[str, tuple[Effect, ...]]
    """Measure -> one effect a number."""


@dataclass(frozen=True, slots=True)
class Division:
    """What Sobol found."""

    factors: Factors
    points: Floats
    answers: Floats
    """Shape (points, measures)."""
    indices: dict[str, tuple[Index, ...]]
    """Measure -> one index a group of factors, chance last."""

    def spread(self, place: int) -> tuple[float, float]:
        """Mean and standard deviation of a measure, over points drawn independently."""
        size = len(self.factors.groups) + 2
        drawn = np.concatenate([self.answers[::size, place], self.answers[size - 1 :: size, place]])
        known = drawn[np.isfinite(drawn)]
        if len(known) < 2:
            return float("nan"), float("nan")
        return float(known.mean()), float(known.std(ddof=1))


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Which numbers matter."""

    scenario: Scenario
    policy: str
    seed: int
    measures: tuple[str, ...]
    uncertain: tuple[Assumption, ...]
    tornado: tuple[Influence, ...]
    screen: Screen | None
    kept: tuple[str, ...]
    """The numbers that Sobol tells apart."""
    division: Division | None
    stopped: str
    complete: bool


def check(scenario: Scenario, *, trajectories: int, samples: int) -> None:
    """BadInput where there is nothing to vary, or too little or much of it."""
    if not influence.uncertain(scenario):
        raise complaint(
            f"no number of {scenario.name} has a range",
            expected="numbers written { value, low, high, basis }",
            mend="give the numbers that nobody knows a low and a high",
        )
    if trajectories < 2:
        raise complaint(f"{trajectories} is too small", key="--trajectories", expected="at least 2")
    if not 2 <= samples <= MOST_SAMPLES or samples & (samples - 1):
        near = 2 ** max(1, min(16, round(np.log2(max(2, samples)))))
        raise complaint(
            f"{samples} is no power of two from 2 to {MOST_SAMPLES:,}",
            key="--samples",
            expected="64, 128, 256, ...: the design is balanced for these only",
            mend=f"write {near}",
        )


def sensitivity(
    scenario: Scenario,
    *,
    policy: str | None = None,
    method: Method = "both",
    measures: tuple[str, ...] = MEASURES,
    trajectories: int = TRAJECTORIES,
    samples: int = SAMPLES,
    seed: int | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Rank the uncertain numbers; KeyboardInterrupt only if nothing at all was finished."""
    name = scenario.baseline if policy is None else policy
    question = Question(scenario, study.named(scenario, name), scenario.seed if seed is None else seed)
    crew = Crew(blocks.cores() if jobs is None else jobs, progress or (lambda *_: None))
    uncertain = influence.uncertain(scenario)
    tornado: list[Influence] = []
    screen: Screen | None = None
    division: Division | None = None
    kept = tuple(each.key for each in uncertain)
    stopped, complete = "as asked", False
    try:
        blocks.timed(crew, _answer, question, (), (), 0, measures)  # what is wrong shows early
        tornado += influence.each(question, uncertain, measures, crew)
        if method != "sobol":
            screen = screened(question, uncertain, measures, trajectories, crew)
            kept = worth_keeping(screen) if method == "both" else kept
        if method != "morris":
            division = divided(question, uncertain, kept, measures, samples, crew)
        complete = True
    except KeyboardInterrupt:
        if not tornado:
            raise
        stopped = "interrupted " + ("before Sobol" if screen or method == "sobol" else "before Morris")
    return Sensitivity(
        scenario,
        name,
        question.seed,
        measures,
        uncertain,
        tuple(tornado),
        screen,
        kept,
        division,
        stopped,
        complete,
    )


def screened(
    question: Question,
    uncertain: tuple[Assumption, ...],
    measures: tuple[str, ...],
    trajectories: int,
    crew: Crew,
) -> Screen:
    """Morris, each trajectory on a replication of its own."""
    numbers = Factors(tuple(each.key for each in uncertain))
    points = factors.morris_design(numbers, trajectories, seed=question.seed)
    length = len(numbers.names) + 1
    calls = [
        (question, uncertain, tuple(point), row // length, measures)
        for row, point in enumerate(points.tolist())
    ]
    answers = np.array(list(crew.each("Morris", _answer, calls)))
    effects = {
        measure: factors.morris_effects(numbers, points, answers[:, k], seed=question.seed)
        for k, measure in enumerate(measures)
    }
    return Screen(numbers, points, answers, effects)


def worth_keeping(screen: Screen) -> tuple[str, ...]:
    """The numbers that do anything worth telling apart, in the order of the register."""
    shares: dict[str, float] = {}
    for effects in screen.effects.values():
        largest = max((each.mu_star for each in effects), default=0.0)
        for each in effects:
            part = each.mu_star / largest if largest > 0 else 0.0
            shares[each.name] = max(shares.get(each.name, 0.0), part)
    best = sorted(shares, key=lambda name: -shares[name])[:KEPT_MOST]
    return tuple(name for name in screen.factors.names if name in best and shares[name] >= KEPT_SHARE)


def divided(
    question: Question,
    uncertain: tuple[Assumption, ...],
    kept: tuple[str, ...],
    measures: tuple[str, ...],
    samples: int,
    crew: Crew,
) -> Division:
    """Sobol over the numbers that were kept, the rest together, and chance."""
    numbers = tuple(each.key for each in uncertain)
    together = (*(name if name in kept else REST for name in numbers), CHANCE)
    both = Factors((*numbers, CHANCE), together if REST in together else ())
    points = factors.sobol_design(both, samples, seed=question.seed)
    calls = [
        (question, uncertain, tuple(point[:-1]), replication, measures)
        for point, replication in zip(points.tolist(), factors.replications(both, points), strict=True)
    ]
    answers = np.array(list(crew.each("Sobol", _answer, calls)))
    indices = {
        measure: factors.sobol_indices(both, answers[:, k], seed=question.seed)
        for k, measure in enumerate(measures)
    }
    return Division(both, points, answers, indices)


def _answer(
    question: Question,
    uncertain: tuple[Assumption, ...],
    point: tuple[float, ...],
    replication: int,
    measures: tuple[str, ...],
) -> list[float]:
    """The measures with every uncertain number at its quantile, in one replication."""
    values = {
        each.key: assumptions.quantile(each, np.array([u])) for each, u in zip(uncertain, point, strict=True)
    }
    scenario = assumptions.placed(question.scenario, values)
    people, outcome = replicate(question._replace(scenario=scenario), replication, outside_only=True)
    spec = scenario.spec(question.policy)
    return influence.some_measures(scenario, people, outcome, spec, measures)
