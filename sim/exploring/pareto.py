"""The points that no other beats in everything: the Pareto front, and how sure it is who belongs to it.

A point *dominates* another if it is at least as good in every objective and better in one. The front is that
of the means. How sure a membership is, is found by drawing whole replications again with replacement: the
*probability of membership* is the share of such samples in which no point dominates. Points are drawn
together, so that what they have in common stays in common.
"""

import numpy as np
from numpy.typing import NDArray

from sim import streams
from sim.studying.intervals import Floats

RESAMPLES = 2_000
STREAM = "pareto"
AT_ONCE = 50_000_000
"""Comparisons made in one go."""


def front(means: Floats) -> NDArray[np.bool_]:
    """Which points nobody dominates, (..., points, objectives) -> (..., points); more is better."""
    mine, theirs = means[..., :, None, :], means[..., None, :, :]
    dominated = (theirs >= mine).all(axis=-1) & (theirs > mine).any(axis=-1)
    return np.asarray(~dominated.any(axis=-1))


def membership(values: Floats, *, seed: int, able: Floats | None = None) -> Floats:
    """The probability of membership of each point, from values (points, replications, objectives).

    `able` has excesses over limits, (points, replications, limits): a point whose mean excess is above 0 in a
    sample is out of it.
    """
    points, n, objectives = values.shape
    picks = (streams.uniforms(seed, 0, STREAM, RESAMPLES * n) * n).astype(np.int64).reshape(RESAMPLES, n)
    weights = np.zeros((RESAMPLES, n))
    np.add.at(weights, (np.arange(RESAMPLES)[:, None], picks), 1.0 / n)
    members = np.zeros(points)
    portion = max(1, AT_ONCE // (points * points * objectives))
    for begin in range(0, RESAMPLES, portion):
        some = weights[begin : begin + portion]
        # Rounded, as sums of products differ in their last bits between processors, and ties must stay ties.
        means = np.round(np.einsum("bn,pno->bpo", some, values), 9)
        if able is not None:
            out = (np.round(np.einsum("bn,pno->bpo", some, able), 9) > 0).any(axis=-1)
            means = np.where(out[..., None], -np.inf, means)
            members += (front(means) & ~out).sum(axis=0)
        else:
            members += front(means).sum(axis=0)
    return members / RESAMPLES
