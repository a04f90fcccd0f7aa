"""Paired statistics of one contrast: the same replications under two policies, so the differences count.

A *contrast* is a measure under one policy less the same measure under the baseline, replication by
replication; its *t* is the mean difference over its standard error. *Equivalent* means that two one-sided
tests both reject (TOST, Schuirmann 1987): the difference is smaller than a margin either way. *No worse* is
the one of the two that matters: the difference is not beyond the margin on the bad side. Both are tests at
5 %, so they need evidence; without it a contrast is simply *not settled*.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from sim.studying.intervals import Floats

LEVEL = 0.05


class Paired(NamedTuple):
    """The differences of n pairs."""

    n: int
    """Replications in which both policies have a value."""
    mean: float
    deviation: float
    """Standard deviation of the differences; nan for a single pair."""

    @property
    def error(self) -> float:
        """Standard error of the mean; nan for a single pair."""
        return self.deviation / math.sqrt(self.n)

    def half(self, confidence: float = 1.0 - LEVEL) -> float:
        """Half of the t interval of the mean; infinite for a single pair."""
        if self.n < 2:
            return math.inf
        return self.reach(float(special.stdtrit(self.n - 1, 0.5 + confidence / 2.0)))

    def reach(self, critical: float) -> float:
        """So many standard errors; 0 where all differences are the same."""
        return critical * self.error if self.deviation > 0 else 0.0

    def p(self, against: float = 0.0) -> float:
        """Two-sided p of the t test that the mean difference is `against`; nan for a single pair."""
        return min(1.0, 2.0 * min(self.p_above(against), self.p_below(against))) if self.n > 1 else math.nan

    def p_above(self, bound: float) -> float:
        """One-sided p against "the mean is at most `bound`": small if it is above."""
        return self._tail(bound - self.mean)

    def p_below(self, bound: float) -> float:
        """One-sided p against "the mean is at least `bound`": small if it is below."""
        return self._tail(self.mean - bound)

    def p_equivalent(self, margin: float) -> float:
        """TOST: small if the mean is within the margin, which is above 0, on both sides."""
        return max(self.p_above(-margin), self.p_below(margin))

    def size(self) -> float:
        """The standardised difference: mean over deviation; infinite if a difference never varies."""
        if self.mean == 0.0 or self.n < 2:
            return 0.0
        return abs(self.mean) / self.deviation if self.deviation > 0 else math.inf

    def _tail(self, away: float) -> float:
        """The chance of a t at least -away / error."""
        if self.n < 2:
            return math.nan
        if self.deviation == 0:
            return 0.0 if away < 0 else 1.0 if away > 0 else 0.5
        return float(special.stdtr(self.n - 1, away / self.error))


def paired(base: Floats, other: Floats) -> Paired:
    """The contrast of two columns, replications without a value on either side left out."""
    differences = other - base
    known = differences[np.isfinite(differences)]
    n = len(known)
    if n == 0:
        return Paired(0, math.nan, math.nan)
    mean = math.fsum(known) / n
    if n == 1 or bool((known == known[0]).all()):  # rounding must not make a little chance of none
        return Paired(n, float(known[0]), math.nan if n == 1 else 0.0)
    return Paired(n, mean, math.sqrt(math.fsum((known - mean) ** 2) / (n - 1)))
