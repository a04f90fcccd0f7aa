"""From scenario time to the run's own: the compression, the clock that the service is given, the due times.

One rule holds for everything in scenario time: due = (mark - origin) / rate. So a service whose clock starts
at the origin and runs `rate` times too fast turns the year where the scenario does. Two things bend due times
alone, and are meant to: a cap on the rate, which lets a burst wait, and a ramp, which replaces them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.moments import Marks
from loadtests.tracing.nouns import SECOND_NS
from sim.load import Load, Ramp

MINUTES = 2.0
"""How long a replay lasts when nobody says."""


class Wanted(NamedTuple):
    """What the command line wants of the pace; None leaves it to the scenario."""

    compress: float | None = None
    minutes: float | None = None
    rate: float | None = None
    """No more sends a second than this."""


def compression(load: Load, wanted: Wanted, *, span_ns: int, sends: int) -> float:
    """Seconds of scenario time in a second of the run."""
    if load.ramp is not None:
        return span_ns / SECOND_NS / ramp_seconds(load.ramp, sends)
    stretched = float("inf")  # slow enough for all sends to fit under the rate
    if wanted.rate is not None:
        room = max(wanted.rate - load.reads_per_s.value, wanted.rate / 2)
        stretched = span_ns / SECOND_NS * room / sends
    if wanted.compress is not None:
        return min(wanted.compress, stretched)
    if wanted.minutes is not None:
        return min(span_ns / SECOND_NS / (60 * wanted.minutes), stretched)
    if wanted.rate is not None:
        return stretched
    if load.compress is not None:
        return load.compress.value
    minutes = MINUTES if load.minutes is None else load.minutes.value
    return span_ns / SECOND_NS / (60 * minutes)


def due(marks: Marks, *, origin: int, rate: float) -> Marks:
    """Nanoseconds after the run's start at which what has these marks is due."""
    return np.rint((marks - origin) / rate).astype(np.int64)


def capped(due_ns: Marks, rate: float) -> Marks:
    """The due times with no more than `rate` a second: whatever comes too fast waits, in its order."""
    step = np.arange(len(due_ns), dtype=np.int64) * round(SECOND_NS / rate)
    return np.maximum.accumulate(due_ns - step) + step


def ramped(ramp: Ramp, sends: int) -> Marks:
    """The due times of so many sends through a ramp, evenly within a stage; fewer if the stages end first."""
    parts, begins = [], 0
    stage_ns = round(ramp.stage_seconds.value * SECOND_NS)
    for rate in ramp.rates():
        count = int(rate * ramp.stage_seconds.value)
        parts.append(begins + np.rint(np.arange(count) * (SECOND_NS / rate)).astype(np.int64))
        begins += stage_ns
    return np.concatenate(parts)[:sends]


def ramp_sends(ramp: Ramp) -> int:
    """How many sends a whole ramp has."""
    return sum(int(rate * ramp.stage_seconds.value) for rate in ramp.rates())


def ramp_seconds(ramp: Ramp, sends: int) -> float:
    """How long a ramp lasts with so many sends."""
    return float(ramped(ramp, sends)[-1] + 1) / SECOND_NS


def evenly(reads_per_s: float, lasts_ns: int, jitter: NDArray[np.float64]) -> Marks:
    """Due times of readings: one in each equal stretch of the run, somewhere in it."""
    stretch = SECOND_NS / reads_per_s
    return np.rint((np.arange(len(jitter)) + jitter) * stretch).astype(np.int64).clip(max=lasts_ns)
