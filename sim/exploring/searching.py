"""A search over parameters: points are proposed in the light of what earlier ones gave (Optuna, TPE).

The search is asked for points and told their values in portions, so a seed fixes all it does; its own luck is
a random stream of the scenario's seed. Values are means over a few replications, the same for every point.
They serve to find promising points and for nothing else: whatever looks best has been lucky too, so what a
search finds is simulated again on other people before anything is said of it.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sim import streams
from sim.exploring import points as exploring
from sim.exploring.points import Point
from sim.exploring.varying import Varied
from sim.exploring.wanted import Constraint, Objective
from sim.scenario import Scenario
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

STREAM = "search/tree-parzen"
PORTION = 10
"""Points proposed together."""
REPLICATIONS = 8
LABEL = "points tried"


class Trial(NamedTuple):
    """A point that was tried."""

    point: Point
    value: float
    """Mean of the objective; nan if it has none."""
    excess: tuple[float, ...]
    """By how much each constraint is missed, in parts of its limit; 0 or less where it is met."""
    reason: str
    """Why the point cannot be simulated; empty if it can."""

    @property
    def misses(self) -> float:
        """By how much the constraints are missed in all."""
        return sum(max(0.0, each) for each in self.excess)


class Wanted(NamedTuple):
    """What is searched for, and where."""

    varied: tuple[Varied, ...]
    policies: tuple[str, ...]
    objective: Objective
    constraints: tuple[Constraint, ...]


def search(
    scenario: Scenario, wanted: Wanted, *, trials: int, replications: int, seed: int, crew: Crew
) -> list[Trial]:
    """Try so many points; those tried before a Ctrl-C, or KeyboardInterrupt if there are none."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parts of its interface that may change: the version is pinned
        study = optuna.create_study(
            direction="maximize" if wanted.objective.sign > 0 else "minimize",
            sampler=_sampler(optuna, wanted, trials, seed),
        )
        found: list[Trial] = []
        try:
            while len(found) < trials:
                asked = [
                    study.ask(_distributions(optuna, wanted))
                    for _ in range(min(PORTION, trials - len(found)))
                ]
                tried = _tried(
                    scenario,
                    wanted,
                    [_point(wanted, each.params) for each in asked],
                    replications=replications,
                    seed=seed,
                    crew=crew,
                )
                for one, trial in zip(asked, tried, strict=True):
                    _tell(optuna, study, one, trial)
                found += tried
                crew.progress(LABEL, len(found), trials)
        except KeyboardInterrupt:
            if not found:
                raise
    return found


def shortlist(trials: Sequence[Trial], objective: Objective, most: int) -> list[Point]:
    """The most promising points, each once: those that meet the constraints first, by their value."""
    able = [each for each in trials if math.isfinite(each.value)]
    order = sorted(able, key=lambda each: (each.misses, -objective.sign * each.value))
    return list({repr(each.point): each.point for each in order}.values())[:most]


def _sampler(optuna: Any, wanted: Wanted, trials: int, seed: int) -> Any:
    luck = int(streams.uniforms(seed, 0, STREAM, 1)[0] * 2.0**32)
    constrained = {"constraints_func": lambda trial: trial.user_attrs["excess"]} if wanted.constraints else {}
    return optuna.samplers.TPESampler(
        seed=luck,
        n_startup_trials=max(10, trials // 5),
        multivariate=True,
        group=True,
        constant_liar=True,
        **constrained,
    )


def _distributions(optuna: Any, wanted: Wanted) -> dict[str, Any]:
    """The space: ranges as numbers, lists and policies by the index of their value."""
    kinds = optuna.distributions
    space: dict[str, Any] = {}
    for each in wanted.varied:
        if each.low is None or each.high is None:
            space[each.key] = kinds.CategoricalDistribution(tuple(range(len(each.values))))
        elif each.whole:
            space[each.key] = kinds.IntDistribution(int(each.low), int(each.high))
        else:
            space[each.key] = kinds.FloatDistribution(each.low, each.high)
    if len(wanted.policies) > 1:
        space["policy"] = kinds.CategoricalDistribution(tuple(range(len(wanted.policies))))
    return space


def _point(wanted: Wanted, params: dict[str, Any]) -> Point:
    settings = tuple(
        (each.key, each.values[params[each.key]] if each.low is None else _rounded(params[each.key]))
        for each in wanted.varied
    )
    return Point(settings, wanted.policies[params.get("policy", 0)])


def _rounded(number: float) -> Any:
    return number if isinstance(number, int) else float(f"{number:.6g}")


def _tried(
    scenario: Scenario, wanted: Wanted, points: list[Point], *, replications: int, seed: int, crew: Crew
) -> list[Trial]:
    names = [wanted.objective.measure, *(each.measure for each in wanted.constraints)]
    ready = exploring.ready(scenario, points)
    question = exploring.asked(ready, names, seed=seed)
    values = np.full((len(points), replications, len(names)), math.nan)
    for cells in exploring.each(
        question, range(replications), Crew(crew.jobs, lambda *_: None, crew.seconds)
    ):
        values[list(cells.points), cells.replication] = cells.values
    return [
        Trial(point, _mean(values[k, :, 0]), _excess(wanted, values[k, :, 1:]), ready[k].reason)
        for k, point in enumerate(points)
    ]


def _excess(wanted: Wanted, values: Floats) -> tuple[float, ...]:
    """By how much each constraint is missed, in parts of its limit; all of it where there is no value."""
    found = []
    for k, each in enumerate(wanted.constraints):
        excess = _mean(each.excess(values[:, k])) / (abs(each.limit) or 1.0)
        found.append(excess if math.isfinite(excess) else 1.0)
    return tuple(found)


def _mean(values: Floats) -> float:
    """The mean; nan unless every replication has a value."""
    return math.fsum(values) / len(values) if np.isfinite(values).all() else math.nan


def _tell(optuna: Any, study: Any, asked: Any, trial: Trial) -> None:
    asked.set_user_attr("excess", trial.excess)
    if math.isfinite(trial.value):
        study.tell(asked, trial.value)
    else:
        study.tell(asked, state=optuna.trial.TrialState.FAIL)
