"""The Pareto front of many points over two or more objectives, on a fixed number of replications."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.errors import complaint
from sim.exploring import pareto
from sim.exploring import points as exploring
from sim.exploring.best import SELECTION
from sim.exploring.points import Point, Ready
from sim.exploring.wanted import Constraint, Objective
from sim.scenario import Scenario
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

REPLICATIONS = 100


@dataclass(frozen=True, slots=True)
class Frontier:
    """Which points nobody beats in everything, and how sure that is."""

    scenario: Scenario
    seed: int
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    points: tuple[Point, ...]
    ready: tuple[Ready, ...]
    values: Floats
    """Shape (points, replications, objectives then constraints); nan where there is no value."""
    on_front: NDArray[np.bool_]
    """By the means of all replications."""
    probability: Floats
    """Of belonging to the front; nan for a point without values."""
    stopped: str
    complete: bool


def frontier(
    scenario: Scenario,
    points: Sequence[Point],
    objectives: tuple[Objective, ...],
    constraints: tuple[Constraint, ...],
    *,
    replications: int = REPLICATIONS,
    seed: int | None = None,
    crew: Crew,
    fast: bool = False,
) -> Frontier:
    """Simulate every point; KeyboardInterrupt before two replications are finished at all of them."""
    seed = scenario.seed if seed is None else seed
    ready = exploring.ready(scenario, points)
    if all(each.policy is None for each in ready):
        raise complaint(f"no point can be simulated: {ready[0].reason}", key="--vary")
    names = [*(each.measure for each in objectives), *(each.measure for each in constraints)]
    question = exploring.asked(ready, names, seed=seed, fast=fast)
    values = np.full((len(points), replications, len(names)), math.nan)
    heard = np.zeros((len(points), replications), dtype=np.bool_)
    heard[[k for k, each in enumerate(ready) if each.policy is None]] = True
    stopped, complete = f"{replications:,} replications, as asked", True
    try:
        for cells in exploring.each(question, range(SELECTION, SELECTION + replications), crew):
            values[list(cells.points), cells.replication - SELECTION] = cells.values
            heard[list(cells.points), cells.replication - SELECTION] = True
    except KeyboardInterrupt:
        whole = int(heard.all(axis=0).sum())
        if whole < 2:
            raise
        values, stopped, complete = values[:, :whole], f"interrupted after {whole} replications", False
    on_front, probability = _judged(values, objectives, constraints, seed)
    return Frontier(
        scenario,
        seed,
        objectives,
        constraints,
        tuple(points),
        ready,
        values,
        on_front,
        probability,
        stopped,
        complete,
    )


def _judged(
    values: Floats, objectives: tuple[Objective, ...], constraints: tuple[Constraint, ...], seed: int
) -> tuple[NDArray[np.bool_], Floats]:
    """Who is on the front, and with which probability; points without a value in some replication are not."""
    able = np.flatnonzero(np.isfinite(values).all(axis=(1, 2)))
    on_front, probability = np.zeros(len(values), dtype=np.bool_), np.full(len(values), math.nan)
    if not len(able):
        return on_front, probability
    m = len(objectives)
    gains = values[able, :, :m] * np.array([each.sign for each in objectives])
    columns = [each.excess(values[able, :, m + k]) for k, each in enumerate(constraints)]
    excess = np.stack(columns, axis=-1) if columns else None
    means = np.round(gains.mean(axis=1), 9)
    meets = np.ones(len(able), dtype=np.bool_)
    if excess is not None:
        meets = np.asarray((np.round(excess.mean(axis=1), 9) <= 0).all(axis=-1))
    on_front[able[meets]] = pareto.front(means[meets])
    probability[able] = pareto.membership(gains, seed=seed, able=excess)
    return on_front, probability
