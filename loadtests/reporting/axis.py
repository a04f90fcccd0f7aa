"""The time that pictures show: counted from the first invocation, in a unit that fits, and cut into bins.

A *bin* is a stretch of time of a round width, all of one history equally wide. What happened at a moment is
in the bin that the moment begins or lies in.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Flags, Times
from loadtests.history import ABSENT, AUDIT, NEVER, History

UNITS: Final = (("ns", 1), ("µs", 10**3), ("ms", 10**6), ("s", 10**9), ("min", 60 * 10**9))
LONGEST_S: Final = 900
"""What lasts longer is told in minutes."""
MOST_BINS: Final = 150
ROUND: Final = (1.0, 2.0, 5.0)
ROOM: Final = 50
"""After the last moment there is room for this part of the whole."""
SECOND_NS: Final = 10**9


@dataclass(frozen=True, slots=True)
class Axis:
    """How the moments of one history are told."""

    first_ns: int
    """The first invocation: time 0."""
    last_ns: int
    """A little after the last moment on record, so that what happened then is seen."""
    unit: str
    unit_ns: int
    width_ns: int
    """How wide a bin is."""

    @property
    def count(self) -> int:
        """How many bins there are."""
        return (self.last_ns - self.first_ns) // self.width_ns + 1

    @property
    def is_paced(self) -> bool:
        """Whether it lasted long enough for numbers a second to mean something."""
        return self.last_ns - self.first_ns >= SECOND_NS

    def at(self, moments: Times) -> NDArray[np.float64]:
        """Moments as the pictures have them."""
        return np.asarray((moments - self.first_ns) / self.unit_ns, dtype=np.float64)

    def bin_of(self, moments: Times) -> NDArray[np.int64]:
        """The bin of each moment; what lies outside is in the first or the last."""
        return np.clip((moments - self.first_ns) // self.width_ns, 0, self.count - 1)

    def begins(self) -> NDArray[np.float64]:
        """Where each bin begins, as the pictures have it."""
        return np.arange(self.count, dtype=np.float64) * (self.width_ns / self.unit_ns)

    def counted(self, moments: Times) -> NDArray[np.int64]:
        """How many of the moments are in each bin."""
        return np.bincount(self.bin_of(moments), minlength=self.count)

    def says(self, moment_ns: int) -> str:
        """One moment in words."""
        return f"{(moment_ns - self.first_ns) / self.unit_ns:,.{self._digits()}f} {self.unit}"

    def width_says(self) -> str:
        """How wide a bin is, in words."""
        width = self.width_ns / self.unit_ns
        return f"{width:g} {self.unit}"

    def _digits(self) -> int:
        """Digits after the point that tell one thousandth of the whole."""
        span = max(1, self.last_ns - self.first_ns) / self.unit_ns
        return 0 if self.unit == "ns" else max(0, min(3, 3 - math.floor(math.log10(max(span, 1e-9)))))


def axis_of(history: History) -> Axis:
    """The axis of a history; what was sent and answered in it sets where it begins and ends."""
    sent = sent_of(history)
    invoked = history["invoked_ns"][sent]
    done = history["completed_ns"][sent]
    done = done[done < NEVER]
    first = int(invoked.min(initial=NEVER)) if len(invoked) else 0
    last = max(int(invoked.max(initial=first)), int(done.max(initial=first)))
    return axis_between(first, last + max(1, (last - first) // ROOM))


def axis_between(first_ns: int, last_ns: int) -> Axis:
    """The axis of a stretch of time."""
    span = max(1, last_ns - first_ns)
    unit, unit_ns = _unit(span)
    return Axis(first_ns, first_ns + span, unit, unit_ns, _width(span, unit_ns))


def sent_of(history: History) -> Flags:
    """Which rows are requests of the run: neither what an audit found, nor the nemesis, nor the audit."""
    is_sent = ~history.is_op("hold", "fault") & (history["invoked_ns"] != ABSENT)
    return is_sent & ~history.coded("note").starting(AUDIT)


def _unit(span_ns: int) -> tuple[str, int]:
    """The largest unit of which there are at least two; minutes only for what is long."""
    fitting = [each for each in UNITS[:-1] if span_ns >= 2 * each[1]]
    return UNITS[-1] if span_ns > LONGEST_S * SECOND_NS else (fitting or [UNITS[0]])[-1]


def _width(span_ns: int, unit_ns: int) -> int:
    """The narrowest round width of which there are not too many; a second where that is enough."""
    least = span_ns / MOST_BINS
    if span_ns >= 15 * SECOND_NS and least <= SECOND_NS:
        return SECOND_NS
    if unit_ns == UNITS[-1][1]:
        minutes = (5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
        return next((each * SECOND_NS for each in minutes if each * SECOND_NS >= least), 3600 * SECOND_NS)
    power = 10.0 ** math.floor(math.log10(max(least, 1.0)))
    return max(1, math.ceil(next(power * each for each in (*ROUND, 10.0) if power * each >= least)))
