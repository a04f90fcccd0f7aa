"""A sweep: many points of a scenario on the same people, each beside the scenario as it is.

The first point is the *own* one: nothing set, under the first policy asked for. Every other is compared with
it replication by replication, on the same people wherever a setting leaves people alone and with the same
luck where it does not. A sweep that is interrupted keeps what is finished, and `known` cells of an earlier
one need not be simulated again: the bytes are the same as in one go.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import complaint
from sim.exploring import points as exploring
from sim.exploring.points import Point, Ready
from sim.exploring.varying import Varied
from sim.scenario import Scenario
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

REPLICATIONS = 40
MOST_REPLICATIONS = 100_000


class Known(NamedTuple):
    """Cells that are known: of an interrupted sweep, or of one under way."""

    values: Floats
    """Shape (points, replications, measures); nan where a measure is not defined, or not yet known."""
    done: NDArray[np.bool_]
    """Which points are known in which replications, shape (points, replications)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What many points gave on the same people."""

    scenario: Scenario
    points: tuple[Point, ...]
    """The own point first."""
    ready: tuple[Ready, ...]
    """The same with what they were simulated as, or why they were not."""
    varied: tuple[Varied, ...]
    """What was varied; empty for a list of points."""
    design: str
    """grid, latin or list."""
    measures: tuple[str, ...]
    seed: int
    known: Known
    stopped: str
    complete: bool

    @property
    def replications(self) -> int:
        """How many replications are known at every point that can be simulated."""
        possible = [k for k, each in enumerate(self.ready) if each.policy is not None]
        return int(self.known.done[possible].all(axis=0).sum())


def sweep(
    scenario: Scenario,
    points: Sequence[Point],
    *,
    measures: tuple[str, ...],
    varied: tuple[Varied, ...] = (),
    design: str = "list",
    replications: int = REPLICATIONS,
    seed: int | None = None,
    crew: Crew,
    fast: bool = False,
    known: Known | None = None,
) -> Sweep:
    """Simulate the points, after the own one; KeyboardInterrupt only if nothing at all is known."""
    seed = scenario.seed if seed is None else seed
    whole = with_own(points)
    ready = possible(exploring.ready(scenario, whole))
    question = exploring.asked(ready, measures, seed=seed, fast=fast)
    cells = known or blank(len(whole), replications, len(measures))
    stopped, complete = f"{replications:,} replications, as asked", True
    able = sorted(index for group in question.groups for index in group)
    missing = [r for r in range(replications) if not cells.done[able, r].all()]
    try:
        for each in exploring.each(question, missing, crew):
            cells.values[list(each.points), each.replication] = each.values
            cells.done[list(each.points), each.replication] = True
    except KeyboardInterrupt:
        if not cells.done.any():
            raise
        whole_ones = int(cells.done[able].all(axis=0).sum())
        stopped, complete = f"interrupted after {whole_ones} of {replications:,} replications", False
    return Sweep(scenario, whole, ready, varied, design, measures, seed, cells, stopped, complete)


def with_own(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points with the scenario as it is before them."""
    own = Point((), points[0].policy)
    return (own, *(each for each in points if each != own))


def blank(points: int, replications: int, measures: int) -> Known:
    """Nothing known yet."""
    values = np.full((points, replications, measures), math.nan)
    return Known(values, np.zeros((points, replications), dtype=np.bool_))


def possible(ready: tuple[Ready, ...]) -> tuple[Ready, ...]:
    """The points as they are, if any but the own one can be simulated; else BadInput with the reason."""
    if ready[0].policy is None:
        raise complaint(f"the scenario as it is cannot be simulated: {ready[0].reason}", key="--policies")
    if len(ready) > 1 and all(each.policy is None for each in ready[1:]):
        raise complaint(
            f"no point can be simulated; of the first one: {ready[1].reason}",
            key="--vary",
            mend="vary other keys or values; quotalab scenario schema lists the keys",
        )
    return ready
