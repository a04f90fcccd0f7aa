"""How long answers took from the moment they were due: by percentile of each outcome, and bin by bin.

Percentiles are read from the HDR histograms that the run keeps (loadtests/latency.py), at steps that are even
in the number of nines: as many points between 90 and 99 as between 99 and 99.9. A percentile is drawn only as
far as the outcome has answers beyond it.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from loadtests.history import ABSENT, NEVER, History
from loadtests.latency import Latencies
from loadtests.reporting.axis import Axis, sent_of
from loadtests.reporting.pace import Figures, quantiles

STEPS: Final = 12
"""Points for each nine."""
MOST_NINES: Final = 5
MOST_OUTCOMES: Final = 6


@dataclass(frozen=True, slots=True)
class Curve:
    """One outcome: what share of its answers came within how many milliseconds."""

    outcome: str
    count: int
    percentiles: tuple[float, ...]
    """From 0 to 100."""
    values_ms: tuple[float, ...]


def curves(found: list[Latencies]) -> list[Curve]:
    """From the due time: of everything answered, and of the most frequent outcomes."""
    chosen = [each for each in found[: MOST_OUTCOMES + 1] if each.count]
    return [_curve(each.outcome, each.from_due) for each in chosen]


def service_curve(found: list[Latencies]) -> Curve | None:
    """Of everything answered, from the send: beside the others it shows what waiting to be sent added."""
    return _curve("all, from the send", found[0].service) if found and found[0].count else None


def _curve(outcome: str, histogram: Any) -> Curve:
    count = int(histogram.get_total_count())
    steps = range(math.floor(min(MOST_NINES, math.log10(count)) * STEPS) + 1)
    asked = sorted({round(100.0 * (1.0 - 10.0 ** (-step / STEPS)), 9) for step in steps} | {50.0})
    values = histogram.get_percentile_to_value_dict(asked)
    return Curve(outcome, count, tuple(asked), tuple(values[each] / 1_000 for each in asked))


def over_time(history: History, axis: Axis) -> dict[str, Figures]:
    """p50, p99 and max in ms of what was due in each bin and was answered."""
    rows = np.flatnonzero(sent_of(history) & (history["completed_ns"] < NEVER) & (history["answer"] >= 0))
    due, invoked = history["due_ns"][rows], history["invoked_ns"][rows]
    due = np.where(due == ABSENT, invoked, due)
    took = np.maximum(0, history["completed_ns"][rows] - due) / 1e6
    return quantiles(axis.bin_of(due), took, axis.count)
