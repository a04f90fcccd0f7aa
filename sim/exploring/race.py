"""A selection under way: points leave it one by one, until what is left is good enough.

The *race* hears the replications in their order, one at a time, so how they were portioned changes nothing.
Half of the agreed error is for the choice and half for the constraints, if there are any; of the latter every
point and constraint gets its equal part. A point that is not yet known to meet the constraints cannot put
another out.
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from sim.exploring import selection
from sim.exploring.selection import Flags, Procedure, Rule
from sim.exploring.wanted import Constraint, Difference, Objective
from sim.studying.intervals import Floats

How = Literal["best", "near", "behind", "beaten", "outside", "no value", "forbidden", "undecided"]

TOLERANCE = 0.02
"""How near to its limit a mean may be so that either answer is right: this part of the limit."""


class Agreed(NamedTuple):
    """What is agreed before a selection begins."""

    objective: Objective
    constraints: tuple[Constraint, ...]
    delta: Difference
    confidence: float
    procedure: Procedure
    first: int
    """Replications that every point gets."""
    most: int
    """Replications after which it is given up."""

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be measured: the objective, then the constraints."""
        return tuple(dict.fromkeys([self.objective.measure, *(each.measure for each in self.constraints)]))


class Fate(NamedTuple):
    """What became of a point."""

    how: How
    """best: chosen; near, behind: still in at the end, and the paired 95 % interval of the difference to the
    one chosen has 0 in it or not; beaten: put out by a better one; outside: misses a constraint; undecided:
    the selection ended before it was known to meet the constraints."""
    replications: int
    """After how many it left, or the selection ended."""
    by: int
    """The point that beat it, or the constraint that it misses; -1 for none."""


class Race:
    """Hears one replication after the other of the points that are in."""

    def __init__(self, agreed: Agreed, points: int, own: Floats, first: Floats) -> None:
        """`first`: the first replications, shape (points, replications, measures); `own`: the objective's
        values at the scenario as it is."""
        self.agreed = agreed
        names = agreed.measures
        limits = [(each, names.index(each.measure)) for each in agreed.constraints]
        error = 1.0 - agreed.confidence
        self.each = error / 2.0 / (points * len(limits)) if limits else 0.0
        self.rule = Rule(
            agreed.procedure, points, agreed.delta.of(own), error / 2.0 if limits else error, agreed.first
        )
        self.fates: dict[int, Fate] = {}
        self.r = agreed.first
        known: Flags = np.asarray(np.isfinite(first).all(axis=(1, 2)))
        first = np.where(known[:, None, None], first, 0.0)
        gains = agreed.objective.sign * first[:, :, 0]
        self.sums = gains.sum(axis=1)
        self.variance = selection.variances(gains)
        self.alive: Flags = known.copy()
        self.able: Flags = np.full(points, not limits)
        excess = [each.excess(first[:, :, k]) for each, k in limits]
        self.limits = limits
        self.excess = [column.sum(axis=1) for column in excess]
        self.excess_variance = [column.var(axis=1, ddof=1) for column in excess]
        self.meets = np.zeros((len(limits), points), dtype=np.int64)
        for point in np.flatnonzero(~known).tolist():
            self.fates[point] = Fate("no value", agreed.first, -1)
        self._judge()

    def hear(self, values: Floats) -> None:
        """One more replication of the points that are in, shape (points, measures)."""
        self.r += 1
        lost: Flags = self.alive & ~np.isfinite(values).all(axis=1)
        self._out(lost, "no value", -1)
        values = np.where(self.alive[:, None], values, 0.0)
        self.sums = self.sums + self.agreed.objective.sign * values[:, 0]
        self.excess = [
            total + each.excess(values[:, k])
            for total, (each, k) in zip(self.excess, self.limits, strict=True)
        ]
        self._judge()

    @property
    def over(self) -> bool:
        """Whether the selection is settled."""
        if not self.alive.any():
            return True
        args = (self.rule, self.sums, self.variance, self.r, self.alive, self.able)
        return bool(selection.settled(*args))

    @property
    def chosen(self) -> int:
        """The point that leads, of those known to meet the constraints; -1 for none."""
        fit = self.alive & self.able
        return int(selection.leader(self.sums, fit)) if fit.any() else -1

    @property
    def shortfall(self) -> float:
        """By how much the best point can be better than the one that leads; nan if none leads."""
        if self.chosen < 0:
            return math.nan
        args = (self.rule, self.sums, self.variance, self.r, self.alive, self.able)
        return float(selection.shortfall(*args))

    def ended(self) -> tuple[Fate, ...]:
        """What became of every point."""
        chosen = self.chosen
        for point in np.flatnonzero(self.alive).tolist():
            how: How = "best" if point == chosen else "near" if self.able[point] else "undecided"
            self.fates[point] = Fate(how, self.r, -1)
        return tuple(self.fates[point] for point in range(len(self.alive)))

    def _judge(self) -> None:
        """Constraints first, then differences, after this replication."""
        for number, (each, _) in enumerate(self.limits):
            found = selection.feasible(
                self.excess[number],
                self.excess_variance[number],
                self.r,
                tolerance=TOLERANCE * (abs(each.limit) or 1.0),
                chance=self.each,
                first=self.agreed.first,
            )
            self.meets[number] = np.where(self.meets[number] == 0, found, self.meets[number])
            self._out(self.alive & (self.meets[number] < 0), "outside", number)
        self.able = np.asarray((self.meets > 0).all(axis=0))
        pairs = selection.beaten(self.rule, self.sums, self.variance, self.r, self.alive, self.able)
        for point in np.flatnonzero(pairs.any(axis=1)).tolist():
            winner = int(np.where(pairs[point], self.sums, -np.inf).argmax())
            self.fates[point] = Fate("beaten", self.r, winner)
            self.alive[point] = False

    def _out(self, which: Flags, how: How, by: int) -> None:
        for point in np.flatnonzero(which).tolist():
            self.fates[point] = Fate(how, self.r, by)
        self.alive = self.alive & ~which
