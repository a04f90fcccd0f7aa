"""How long answers took: from the moment a request was due, and beside it from when it left.

Someone who applies at nine waits from nine. If the load generator is held up, or the service stalls and
requests queue behind it, the time from the send alone (the *service time*) leaves that wait out. Both are
kept in HDR histograms: microseconds to one hour, within a tenth of a percent.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from loadtests.history import AUDIT, NEVER, History
from loadtests.protocol import ANSWERS, OPS

LOWEST_US: Final = 1
HIGHEST_US: Final = 3_600_000_000
DIGITS: Final = 3
BUCKET_BITS: Final = 11
"""Leading bits of a value that a histogram of so many digits keeps: 2 x 1,000 values need that many."""
SHARES: Final = (50.0, 90.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Latencies:
    """The histograms of one kind of outcome."""

    outcome: str
    """Op and answer, such as "claim granted"; "all" for everything answered."""
    from_due: Any
    service: Any

    @property
    def count(self) -> int:
        return int(self.from_due.get_total_count())

    def from_due_ms(self) -> dict[str, float]:
        """Quantiles in milliseconds, by their names."""
        return _quantiles(self.from_due)

    def as_plain(self) -> dict[str, Any]:
        """Quantiles in milliseconds."""
        return {
            "outcome": self.outcome,
            "count": self.count,
            "from_due_ms": self.from_due_ms(),
            "service_ms": _quantiles(self.service),
        }


def latencies(history: History) -> list[Latencies]:
    """All answered operations, then each outcome; the most frequent first."""
    is_sent = ~history.is_op("hold", "fault") & (history["completed_ns"] < NEVER) & (history["answer"] >= 0)
    is_sent &= ~history.coded("note").starting(AUDIT)
    rows = np.flatnonzero(is_sent)
    done = history["completed_ns"][rows]
    due_us = np.maximum(0, done - history["due_ns"][rows]) // 1_000
    service_us = np.maximum(0, done - history["invoked_ns"][rows]) // 1_000
    kinds = history["op"][rows].astype(np.int64) * len(ANSWERS) + history["answer"][rows]
    found = []
    for kind in np.unique(kinds).tolist():
        mine = kinds == kind
        name = f"{OPS[kind // len(ANSWERS)]} {ANSWERS[kind % len(ANSWERS)]}"
        found.append(Latencies(name, _histogram(due_us[mine]), _histogram(service_us[mine])))
    found.sort(key=lambda each: (-each.count, each.outcome))
    return [Latencies("all", _histogram(due_us), _histogram(service_us)), *found]


def write(path: Path, found: list[Latencies]) -> None:
    """One line a histogram, as any reader of HDR histograms takes it: name, from what, the encoded counts."""
    lines = []
    for each in found:
        for kind, histogram in (("from-due", each.from_due), ("service", each.service)):
            lines.append(f"{each.outcome.replace(' ', '-')},{kind},{histogram.encode().decode()}\n")
    path.write_text("".join(lines), "ascii")


def read(path: Path) -> list[Latencies]:
    """What `write` wrote."""
    found: dict[str, dict[str, Any]] = {}
    for line in path.read_text("ascii").splitlines():
        name, kind, encoded = line.split(",")
        found.setdefault(_outcome(name), {})[kind] = HdrHistogram.decode(encoded)
    return [Latencies(name, each["from-due"], each["service"]) for name, each in found.items()]


def _outcome(name: str) -> str:
    """The op and answer of a name in the file; both may have hyphens of their own."""
    op = next((op for op in OPS if name.startswith(f"{op}-")), None)
    return name if op is None else f"{op} {name[len(op) + 1 :]}"


def _histogram(values_us: "np.ndarray[Any, np.dtype[np.int64]]") -> Any:
    histogram = HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)
    values, counts = np.unique(_rounded(values_us), return_counts=True)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        histogram.record_value(value, count)
    return histogram


def _rounded(values_us: "np.ndarray[Any, np.dtype[np.int64]]") -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The least value of the bucket that each falls in, so that a bucket is recorded once."""
    values = np.clip(values_us, LOWEST_US, HIGHEST_US)
    bits = np.frexp(values.astype(np.float64))[1] - BUCKET_BITS
    shift = np.maximum(0, bits).astype(np.int64)
    return np.asarray(values >> shift << shift, dtype=np.int64)


def _quantiles(histogram: Any) -> dict[str, float]:
    if not histogram.get_total_count():
        return {}
    found = histogram.get_percentile_to_value_dict(list(SHARES))  # one walk through its thousands of buckets
    return {f"p{share:g}": found[share] / 1_000 for share in SHARES} | {
        "max": histogram.get_max_value() / 1_000
    }
