"""Choosing the best of several points by comparing them replication by replication, until it is settled.

All points are simulated on the same people, so what counts is the variance S2 of *differences*, estimated
from the first n0 replications. After r replications a point goes if another is ahead of it by more than a
bound that depends on r; two rules say which. Both may be wrong with at most the agreed error, whatever the
correlation between points, as long as differences are about normal; both spend it over the k - 1 rivals of
the best point.

*kn* (Kim and Nelson, A fully sequential procedure for indifference-zone selection, ACM TOMACS 11, 2001):
the best point is chosen if it is better than every other by at least delta. The bound on a sum of
differences is the triangle max(0, h2 S2 / (2 delta) - delta r / 2) with h2 = 2 eta (n0 - 1) and eta = ((2
error / (k - 1))^(-2 / (n0 - 1)) - 1) / 2.

*good*: what is chosen is within delta of the best, however near to each other the points are. The bound is
the lowest of a few lines h2 S2 / (2 d) + d r / 2, of which d = delta settles what is near and larger d what
is far apart, soon. A sum of r differences whose mean is 0 falls below such a line, ever, with a chance of
at most exp(-h2 S2 / (2 sigma2)) (Brownian motion with drift); on average over S2, which does not depend on
the sums, that is (1 + 2 eta)^(-(n0 - 1) / 2), so eta gives each line its share of the error. So with the
agreed confidence the best point is never behind any other by more than the bound: it stays in, and once no
point left can be ahead of the leader by more than delta, the leader is within delta of the best. At any
moment the same bounds say how far from the best the leader can be.

Every function takes arrays with any leading shape, so that a thousand selections are tried at once.
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.studying.intervals import Floats

Flags = NDArray[np.bool_]
Procedure = Literal["good", "kn"]

LINES = ((1.0, 1 / 2), (4.0, 1 / 6), (16.0, 1 / 6), (64.0, 1 / 6))
"""The lines of a bound: d in deltas, and the part of the error."""


class Rule(NamedTuple):
    """What is agreed before a selection begins."""

    procedure: Procedure
    systems: int
    """How many points there are."""
    delta: float
    """The difference that matters, above 0."""
    error: float
    """The chance of a wrong choice that is agreed to, such as 0.05."""
    first: int
    """Replications that every point gets, and from which variances are estimated; at least 2."""

    @property
    def each(self) -> float:
        """The error that each rival of the best may take."""
        return self.error / max(1, self.systems - 1)

    @property
    def eta(self) -> float:
        """The constant of Kim and Nelson's triangle."""
        return eta(2.0 * self.each, self.first)

    @property
    def h2(self) -> float:
        """h squared, 2 eta (n0 - 1)."""
        return 2.0 * self.eta * (self.first - 1)


def eta(chance: float, first: int) -> float:
    """The eta with (1 + 2 eta)^(-(first - 1) / 2) = chance."""
    return float((min(chance, 1.0) ** (-2.0 / (first - 1)) - 1.0) / 2.0)


def variances(first: Floats) -> Floats:
    """The variance of every difference, (..., points, replications) -> (..., points, points)."""
    gaps = first[..., :, None, :] - first[..., None, :, :]
    return np.asarray(gaps.var(axis=-1, ddof=1))


def bound(rule: Rule, variance: Floats, r: int) -> Floats:
    """How far a sum of r differences may lie behind before a point goes."""
    if rule.procedure == "kn":
        return np.maximum(0.0, rule.h2 * variance / (2.0 * rule.delta) - rule.delta * r / 2.0)
    return lines(variance, r, delta=rule.delta, chance=rule.each, first=rule.first)


def lines(variance: Floats, r: int, *, delta: float, chance: float, first: int) -> Floats:
    """What a sum of r values of mean 0 never exceeds, whatever r, except with the chance given."""
    found = np.full(np.shape(variance), np.inf)
    for step, part in LINES:
        h2 = 2.0 * eta(part * chance, first) * (first - 1)
        found = np.minimum(found, h2 * variance / (2.0 * step * delta) + step * delta * r / 2.0)
    return found


def behind(sums: Floats) -> Floats:
    """How far each point (row) lies behind each other (column), (..., k) -> (..., k, k); more is better."""
    return np.asarray(sums[..., None, :] - sums[..., :, None])


def beaten(rule: Rule, sums: Floats, variance: Floats, r: int, alive: Flags, able: Flags) -> Flags:
    """Which pairs (loser, winner) are settled after r replications, shape (..., points, points).

    `alive` are the points still in; only those of them that are `able` can put another out.
    """
    return np.asarray(
        (behind(sums) > bound(rule, variance, r)) & alive[..., :, None] & (alive & able)[..., None, :]
    )


def leader(sums: Floats, alive: Flags) -> NDArray[np.integer[Any]]:
    """The index of the best sum among the points given; the first one of several, shape (...)."""
    return np.asarray(np.where(alive, sums, -np.inf).argmax(axis=-1))


def settled(rule: Rule, sums: Floats, variance: Floats, r: int, alive: Flags, able: Flags) -> Flags:
    """Whether the selection is over after r replications: one point is left, or nothing more can change.

    What leads has to be able to win; by *kn* no point may be ahead of it that is still being looked into.
    """
    fit = alive & able
    one = (alive.sum(axis=-1) <= 1) & fit.any(axis=-1)
    if rule.procedure == "kn":
        start = rule.h2 * variance / (2.0 * rule.delta) - rule.delta * r / 2.0
        pairs = alive[..., :, None] & alive[..., None, :]
        best = np.where(fit, sums, -np.inf).max(axis=-1)
        is_led = np.where(alive, sums, -np.inf).max(axis=-1) <= best
        return np.asarray(one | (~((start > 0) & pairs).any(axis=(-2, -1)) & fit.any(axis=-1) & is_led))
    near = shortfall(rule, sums, variance, r, alive, able) <= rule.delta * (1 + 1e-12)
    return np.asarray(one | (near & fit.any(axis=-1)))


def shortfall(rule: Rule, sums: Floats, variance: Floats, r: int, alive: Flags, able: Flags) -> Floats:
    """By how much the best point can be better than the leader, a mean, by the line bound; shape (...)."""
    line = Rule("good", *rule[1:])
    best = leader(sums, alive & able)[..., None, None]
    ahead = -np.take_along_axis(behind(sums), best, axis=-1)[..., 0]  # of each point over the leader
    spread = np.take_along_axis(variance, best, axis=-1)[..., 0]
    others = alive & (np.arange(sums.shape[-1]) != best[..., 0])
    bounds = (ahead + bound(line, spread, r)) / r
    return np.asarray(np.maximum(0.0, np.where(others, bounds, 0.0).max(axis=-1)))


def feasible(
    excess: Floats, variance: Floats, r: int, *, tolerance: float, chance: float, first: int
) -> NDArray[np.integer[Any]]:
    """1 where a mean of excesses over a limit is known to be at most 0, -1 where above, 0 where neither.

    `excess` is the sum of r excesses, `variance` that of the first ones. A mean that is further than the
    tolerance from 0 is judged wrongly with at most the chance given, by the same lines: beyond them the sign
    is settled, and once they are within the tolerance, whatever the mean has is near enough.
    """
    reach = lines(variance, r, delta=tolerance, chance=chance, first=first)
    is_near = reach <= tolerance * r * (1 + 1e-12)
    inside, outside = (excess < -reach) | (is_near & (excess <= 0)), (excess > reach) | is_near
    return np.where(inside, 1, np.where(outside, -1, 0))
