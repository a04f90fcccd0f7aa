"""Disparate impact: how one stream's chance of a slot compares with another's, as a ratio and a difference.

The *ratio* is mean P(slot) of a stream over that of another, both over the same replications. Its interval is
symmetric in the logarithm, since a ratio of 1/2 is as far from 1 as one of 2: log(ratio) +- t(n-1) times its
standard error, by the delta method from the paired chances, which lets a replication have a chance of 0. The
*four-fifths line* (US Uniform Guidelines on Employee Selection Procedures, 1978) calls a ratio below 4/5
adverse, whichever of the two streams is the worse off: so below 0.8 or above 1.25.

Where both chances are small a ratio is *not estimable*: 0.2 % against 0.4 % is "half", and may be three
people. The difference in points is always given beside it.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import special

from sim.comparing.paired import paired
from sim.studying.intervals import Floats

SMALL = 0.05
"""Chances are small where both means are below this."""
LINE = 0.8

Line = Literal["within", "adverse", "not settled", "not estimable"]


class Impact(NamedTuple):
    """One stream's chance of a slot against another's; None: not estimable."""

    n: int
    """Replications in which both streams have people."""
    first: float | None
    """Mean P(slot) of the stream that is compared with."""
    second: float | None
    ratio: float | None
    """second / first."""
    low: float | None
    """95 % log-ratio interval."""
    high: float | None
    difference: float | None
    """second - first."""
    difference_low: float | None
    """95 % paired t interval."""
    difference_high: float | None
    line: Line
    """Where the whole interval lies by the four-fifths line: within it (0.8 to 1.25), adverse, or both."""


def impact(first: Floats, second: Floats) -> Impact:
    """Compare two columns of chances, one value a replication."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    n, pair = len(first), paired(first, second)
    if n == 0:
        return Impact(0, None, None, None, None, None, None, None, None, "not estimable")
    before, after = math.fsum(first) / n, math.fsum(second) / n
    half = pair.half() if n > 1 else None
    low_end, high_end = (None, None) if half is None else (pair.mean - half, pair.mean + half)
    found = Impact(n, before, after, None, None, None, pair.mean, low_end, high_end, "not estimable")
    if max(before, after) < SMALL or min(before, after) == 0.0:
        return found
    ratio, error = after / before, _error_of_log(first, second)
    if error is None:
        return found._replace(ratio=ratio)
    reach = float(special.stdtrit(n - 1, 0.975)) * error
    low, high = ratio * math.exp(-reach), ratio * math.exp(reach)
    return found._replace(ratio=ratio, low=low, high=high, line=_line(low, high))


def _error_of_log(first: Floats, second: Floats) -> float | None:
    """Standard error of log(mean second / mean first): that of the mean of second / m2 - first / m1."""
    n = len(first)
    if n < 2:
        return None
    relative = second / second.mean() - first / first.mean()
    return float(relative.std(ddof=1) / math.sqrt(n))


def _line(low: float, high: float) -> Line:
    if low >= LINE and high <= 1.0 / LINE:
        return "within"
    return "adverse" if high < LINE or low > 1.0 / LINE else "not settled"


def impacts(columns: dict[str, Floats], streams: list[str]) -> list[dict[str, Any]]:
    """Every further stream against the first, as data."""
    first, *others = streams
    base = columns[f"slot_probability/stream={first}"]
    found = [(other, impact(base, columns[f"slot_probability/stream={other}"])) for other in others]
    return [{"stream": other, "against": first} | each._asdict() for other, each in found]
