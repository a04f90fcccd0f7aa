"""Gates beside correctness: what a service must also keep, where --gate all asks for it.

A gate that is missed ends a VALID run with exit code 4; it never changes the verdict.
"""

from dataclasses import dataclass

from loadtests.history import History
from loadtests.latency import Latencies
from loadtests.profile import Target
from loadtests.trace import Trace

LATE_SHARE = 0.01
"""Sends later than load.late_ms that a run may have before its load was not what it says."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One limit, and what was found."""

    name: str
    is_met: bool
    says: str


def gates(history: History, found: list[Latencies], trace: Trace, target: Target) -> list[Gate]:
    """Errors within the declared budget, sends on time, and the service level where the scenario has one."""
    is_sent = ~history.is_op("hold", "fault")
    sent = max(1, int(is_sent.sum()))
    errors = int((history.is_answer("error", "unmatched") | history.is_result("pending")).sum())
    budget = target.capabilities.error_budget
    late_ns = trace.traffic.late_ms.value * 1e6
    late = int((is_sent & (history["invoked_ns"] - history["due_ns"] > late_ns)).sum())
    result = [
        Gate(
            "errors",
            errors / sent <= budget,
            f"{errors:,} of {sent:,} requests ended in an error; {budget:.2%} may",
        ),
        Gate(
            "punctual",
            late / sent <= LATE_SHARE,
            f"{late:,} of {sent:,} sends left more than {late_ns / 1e6:g} ms late; {LATE_SHARE:.0%} may",
        ),
    ]
    if trace.traffic.ramp is not None and found[0].count:
        limit = trace.traffic.ramp.p99_ms.value
        p99 = found[0].as_plain()["from_due_ms"]["p99"]
        result.append(
            Gate("p99", p99 <= limit, f"99 of 100 answers came within {p99:,.1f} ms; the limit is {limit:g}")
        )
    return result
