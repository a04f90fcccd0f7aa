"""Many contrasts looked at together: p-values by Holm, and intervals that all hold at once.

A *family* is every contrast that a reader may pick from. Holm's step-down p-values keep the chance of even
one false alarm in the family below the level, however the contrasts depend on each other (Holm 1979).
*Simultaneous* intervals are mean +- c standard errors with one c for the family: the 95 % point of the
largest |t| when whole replications are drawn again with replacement, so that the dependence between policies
on the same people is used (Westfall and Young 1993). c is never below that of a single contrast nor above
Bonferroni's; where there are too few replications to draw from, it is Bonferroni's.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from sim import streams
from sim.studying.intervals import Floats

RESAMPLES = 2_000
FEWEST = 10
"""Replications from which the largest |t| is found by drawing again."""


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given; nan stays nan and counts for nothing."""
    adjusted, highest = [math.nan] * len(p), 0.0
    order = sorted((value, k) for k, value in enumerate(p) if math.isfinite(value))
    for step, (value, k) in enumerate(order):
        highest = max(highest, min(1.0, (len(order) - step) * value))
        adjusted[k] = highest
    return adjusted


def critical(differences: Floats, family: int, *, seed: int, confidence: float = 0.95) -> float:
    """The c of simultaneous intervals; `differences` is (replications, contrasts), without nan.

    `family` is the number of contrasts in all, those with gaps included, which only Bonferroni's c covers.
    """
    n = len(differences)
    single = float(special.stdtrit(n - 1, 0.5 + confidence / 2.0))
    most = bonferroni(n, family, confidence=confidence)
    varied = differences[:, differences.std(axis=0) > 0]
    if n < FEWEST or varied.shape[1] == 0:
        return most
    # Rounded, as sums of products differ in their last bits between processors.
    return float(np.clip(round(_largest_t(varied, seed, confidence), 4), single, most))


def bonferroni(n: int, family: int, *, confidence: float = 0.95) -> float:
    """Bonferroni's c for a family of contrasts, each of n pairs."""
    return float(special.stdtrit(n - 1, 1.0 - (1.0 - confidence) / (2.0 * max(1, family))))


def _largest_t(differences: Floats, seed: int, confidence: float) -> float:
    """The quantile of max |t*| over resamples, t* studentised by the resample's own deviation."""
    n = len(differences)
    centred = differences - differences.mean(axis=0)
    centred /= centred.std(axis=0, ddof=1)
    picks = np.minimum((streams.uniforms(seed, 0, "max-t", RESAMPLES * n) * n).astype(np.int64), n - 1)
    weights = np.zeros((RESAMPLES, n))
    np.add.at(weights, (np.repeat(np.arange(RESAMPLES), n), picks), 1.0)
    means, squares = weights @ centred / n, weights @ centred**2 / n
    deviations = np.sqrt(np.maximum(squares - means**2, 0.0) * n / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.sqrt(n) * np.abs(means) / deviations
    return float(np.quantile(np.nan_to_num(t, nan=0.0, posinf=1e6).max(axis=1), confidence))
