"""What replications say of a number: means, percentiles and probabilities, each with its interval.

A *replication* is one independent world, so every interval here runs over replications, never over people.
*Not estimable* means that there are too few replications for the figure; it is `None`, not a number: the 5th
and 95th percentiles need 72 replications, since with fewer all may well lie on one side of them.

Sums are exact (`math.fsum`), so they are the same in every order and on every machine.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

FOR_PERCENTILES = 72
"""Fewest replications for these percentiles: the chance that all n miss a tail, 0.95^n, is below 2.5 %."""


FOR_QUARTILES = 13
"""Fewest for quartiles, by the same rule: 0.75^n is below 2.5 %."""


class Spread(NamedTuple):
    """What the replications of one measure come to; replications without a value (nan) are left out."""

    n: int
    """Replications with a value."""
    mean: float | None
    mean_low: float | None
    """Lower end of the 95 % t interval of the mean."""
    mean_high: float | None
    lowest: float | None
    p5: float | None
    """5th percentile of the replications; None: not estimable from so few."""
    median: float | None
    p95: float | None
    highest: float | None


def spread(values: Floats) -> Spread:
    """Mean with its interval, and percentiles, of one measure."""
    known = values[np.isfinite(values)]
    n = len(known)
    if n == 0:
        return Spread(0, None, None, None, None, None, None, None, None)
    mean, half = math.fsum(known) / n, half_width(known)
    enough = n >= FOR_PERCENTILES
    return Spread(
        n=n,
        mean=mean,
        mean_low=None if half is None else mean - half,
        mean_high=None if half is None else mean + half,
        lowest=float(known.min()),
        p5=float(np.quantile(known, 0.05)) if enough else None,
        median=float(np.quantile(known, 0.5)),
        p95=float(np.quantile(known, 0.95)) if enough else None,
        highest=float(known.max()),
    )


def quartiles(values: Floats) -> dict[str, float | None]:
    """The 25th and 75th percentile of values without gaps; None: not estimable from so few."""
    enough = len(values) >= FOR_QUARTILES
    shares = (("p25", 0.25), ("p75", 0.75))
    return {name: float(np.quantile(values, share)) if enough else None for name, share in shares}


def late_spread(values: Floats) -> Spread:
    """The same of a measure whose gaps are values later than all others: a date not reached is no small one.

    With gaps there is no mean, and a percentile that falls among them is not known. As all are watched for
    the same time, these are Kaplan and Meier's quantiles.
    """
    late = int(np.count_nonzero(np.isnan(values)))
    known = spread(values)
    if late == 0 or known.n == 0:
        return known
    in_order = np.sort(values)  # nan at the end
    enough = len(values) >= FOR_PERCENTILES

    def quantile(share: float) -> float | None:
        value = float(in_order[math.ceil(share * len(values)) - 1])
        return value if math.isfinite(value) else None

    return Spread(
        n=known.n,
        mean=None,
        mean_low=None,
        mean_high=None,
        lowest=known.lowest,
        p5=quantile(0.05) if enough else None,
        median=quantile(0.5),
        p95=quantile(0.95) if enough else None,
        highest=None,
    )


def half_width(values: Floats, *, confidence: float = 0.95) -> float | None:
    """Half of the t interval of the mean: t(n-1) s / sqrt(n); None for a single value."""
    n = len(values)
    if n < 2:
        return None
    mean = math.fsum(values) / n
    deviation = math.sqrt(math.fsum((values - mean) ** 2) / (n - 1))
    return float(special.stdtrit(n - 1, 0.5 + confidence / 2.0)) * deviation / math.sqrt(n)


class Chance(NamedTuple):
    """In how many of n replications something happened, and the 95 % interval of its probability (Wilson)."""

    times: int
    n: int
    probability: float | None
    low: float | None
    high: float | None


def chance(times: int, n: int) -> Chance:
    """The probability of something that happened in `times` of n replications."""
    assert 0 <= times <= n, (times, n)
    if n == 0:
        return Chance(0, 0, None, None, None)
    z = float(special.ndtri(0.975))
    share, weight = times / n, z * z / n
    centre = (share + weight / 2.0) / (1.0 + weight)
    reach = z / (1.0 + weight) * math.sqrt(share * (1.0 - share) / n + weight / (4.0 * n))
    low = 0.0 if times == 0 else centre - reach  # exactly, where rounding would leave a little
    return Chance(times, n, share, low, 1.0 if times == n else centre + reach)
