"""How long people waited, beside the limits that the scenario sets: figures for the report, never a verdict.

Waits count from the due time, as somebody waits who applies at nine and is served late. A service level that
is missed is no wrong answer, so the finding is NOTED; whoever asked for gates is told by the exit code
(loadtests/loading/gates.py). A run whose sends left late says so: what it measured is its own slowness too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from loadtests.history import ABSENT, AUDIT, History
from loadtests.latency import Latencies, latencies
from loadtests.verdict import Finding
from sim.load import Load

CHECK: Final = "service-level"
MOST_OUTCOMES: Final = 5
"""Outcomes that the sentence gives one by one, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Level:
    """What the service level comes to."""

    sent: int
    """Requests of the applicants and the programme; not those of the audit."""
    late: int
    """Those that left later than the scenario's late_ms after they were due."""
    errors: int
    """Those that ended in an error, matched no rule, or never ended."""
    latencies: Sequence[Latencies]
    """Of everything answered, then by outcome."""

    @property
    def p99_ms(self) -> float | None:
        """99 of 100 answers came within this from their due time; None without an answer."""
        return _quantile(self.latencies[0], "p99")


def level_of(history: History, *, late_ms: float, found: Sequence[Latencies] | None = None) -> Level:
    """The figures; `found`: the latencies, if somebody has them already."""
    is_sent = ~history.is_op("hold", "fault") & ~history.coded("note").starting(AUDIT)
    is_error = history.is_answer("error", "unmatched") | history.is_result("pending")
    due = history["due_ns"]
    is_late = (due != ABSENT) & (history["invoked_ns"] - np.maximum(due, 0) > late_ms * 1e6)
    return Level(
        sent=int(is_sent.sum()),
        late=int((is_sent & is_late).sum()),
        errors=int((is_sent & is_error).sum()),
        latencies=found if found is not None else history.derived("latencies", latencies),
    )


def check(history: History, *, traffic: Load) -> list[Finding]:
    """One finding, which informs."""
    level = level_of(history, late_ms=traffic.late_ms.value)
    if level.p99_ms is None:
        return [Finding(CHECK, "NOTED", "nothing was answered, so nobody's wait is known")]
    parts = [
        _waits(level),
        f"{level.late:,} of {level.sent:,} sends left more than {traffic.late_ms.value:g} ms late",
        f"{level.errors:,} ended in an error ({level.errors / max(1, level.sent):.2%})",
    ]
    if traffic.ramp is not None:
        parts.append(_against(level, traffic))
    return [Finding(CHECK, "NOTED", "; ".join(parts), count=level.latencies[0].count)]


def missed(level: Level, traffic: Load) -> list[str]:
    """What of the scenario's service level was not met, in words; nothing if it has none."""
    ramp = traffic.ramp
    if ramp is None or level.p99_ms is None:
        return []
    found = []
    if level.p99_ms > ramp.p99_ms.value:
        found.append(f"99 of 100 within {level.p99_ms:,.1f} ms, where {ramp.p99_ms.value:g} are allowed")
    if level.errors > ramp.error_share.value * level.sent:
        found.append(f"errors above {ramp.error_share.value:.2%}")
    return found


def _against(level: Level, traffic: Load) -> str:
    assert traffic.ramp is not None
    wrong = missed(level, traffic)
    says = f"the service level was missed: {', '.join(wrong)}" if wrong else "the service level was met"
    if level.late > traffic.ramp.late_share.value * level.sent:
        says += ", as far as a generator can tell that sent so much late"
    return says


def _waits(level: Level) -> str:
    every, *outcomes = level.latencies
    shown = ", ".join(
        f"{each.outcome} {_quantile(each, 'p99') or 0:,.1f}" for each in outcomes[:MOST_OUTCOMES]
    )
    return (
        f"from their due times half of {every.count:,} answers came within "
        f"{_quantile(every, 'p50') or 0:,.1f} ms, 99 of 100 within {level.p99_ms or 0:,.1f} ms ({shown})"
    )


def _quantile(of: Latencies, name: str) -> float | None:
    return of.from_due_ms().get(name)
