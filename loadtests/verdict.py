"""The verdict on a history: VALID, INVALID or UNKNOWN, each with what it rests on.

A *check* is a function from a history to findings. A *finding* says what was looked at and by which argument
(VALID), which anomaly there is and in which operations it shows (INVALID), or why nothing can be said
(UNKNOWN). INVALID outweighs UNKNOWN, and UNKNOWN outweighs VALID: a verdict is VALID only if every check
came to its end and found nothing wrong. A check that crashes is UNKNOWN, never VALID.

A finding may also be NOTED: worth telling, and nothing is judged by it. So is what a check says that does
not apply here, or that measures instead of judging. A verdict never rests on it: with nothing else it is
UNKNOWN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER, History
from sim.errors import BadInput

Judgement: TypeAlias = Literal["VALID", "INVALID", "UNKNOWN"]
Kind: TypeAlias = Literal["VALID", "INVALID", "UNKNOWN", "NOTED"]
"""What a finding can be; the verdict is never NOTED."""
WEIGHT: Final[dict[str, int]] = {"VALID": 0, "UNKNOWN": 1, "INVALID": 2}
EXIT_CODES: Final[dict[str, int]] = {"VALID": 0, "INVALID": 1, "UNKNOWN": 2}
MOST_SHOWN: Final = 6
"""Operations of one witness that are shown; the finding says how many there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, of one kind."""

    check: str
    judgement: Kind
    says: str
    """One sentence: what was found, or what was looked at and by which argument."""
    anomaly: str = ""
    """Name of what is wrong, such as over-cap; empty unless INVALID."""
    witness: tuple[int, ...] = ()
    """Positions in the history of the operations that clash, or that show the case."""
    count: int = 0
    """VALID: how many operations were looked at. INVALID: how many such anomalies there are."""
    mend: str = ""
    """UNKNOWN: the smallest change that would settle it."""
    order: NDArray[np.int64] | None = field(default=None, compare=False, repr=False)
    """VALID: rows of the history in an order that explains every answer, where that is the argument."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings, and what they come to."""

    judgement: Judgement
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.judgement]

    def of(self, judgement: Kind) -> list[Finding]:
        """The findings with this judgement, in the order of the checks."""
        return [finding for finding in self.findings if finding.judgement == judgement]


Check: TypeAlias = Callable[[History], Sequence[Finding]]


def judge(history: History, checks: Mapping[str, Check]) -> Verdict:
    """Ask every check; the gravest finding decides. BadInput if a column turns out to be damaged."""
    findings: list[Finding] = []
    for name, check in checks.items():
        try:
            found = list(check(history))
        except BadInput:
            raise  # nothing is known of a file that cannot be read
        except Exception as error:  # a broken check knows nothing, and says so
            what = f"the check failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            is_room = isinstance(error, MemoryError)
            mend = "more memory, or less: --memory" if is_room else "report this line with the history"
            found = [Finding(name, "UNKNOWN", what, mend=mend)]
        if not found:
            found = [Finding(name, "UNKNOWN", "the check came to no finding")]
        findings += found
    return verdict_of(findings)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The verdict that findings come to; UNKNOWN for none at all, and for none that counts."""
    counting = [finding.judgement for finding in findings if finding.judgement != "NOTED"]
    return Verdict(max(counting, key=WEIGHT.__getitem__, default="UNKNOWN"), tuple(findings))


def many(number: int, one: str, more: str = "") -> str:
    """A number of things, as sentences have it: no caps, 1 cap, 2 caps."""
    if number == 1:
        return f"1 {one}"
    return f"{number:,} {more or one + 's'}" if number else f"no {more or one + 's'}"


def as_plain(verdict: Verdict, history: History) -> dict[str, Any]:
    """The verdict as verdict.json has it, with the operations of each witness in full."""
    return {
        "verdict": verdict.judgement,
        "exit_code": verdict.exit_code,
        "findings": [
            {
                "check": finding.check,
                "verdict": finding.judgement,
                "says": finding.says,
                "anomaly": finding.anomaly or None,
                "count": finding.count,
                "mend": finding.mend or None,
                "operations": list(history.rows(shown(finding))),
            }
            for finding in verdict.findings
        ],
    }


def shown(finding: Finding) -> list[int]:
    """The operations of a witness that are shown, in the order of invocation."""
    return sorted(finding.witness[:MOST_SHOWN])


def timeline(history: History, which: Sequence[int], *, width: int = 44) -> list[str]:
    """Operations as a drawing: one line each, its interval as a bar, in ms after the first invocation."""
    rows = list(history.rows(which))
    if not rows:
        return []
    begins = min(row["invoked_ns"] for row in rows)
    ends = max([row.get("completed_ns", row["invoked_ns"]) for row in rows])
    span = max(1, ends - begins)
    lines = []
    for row in rows:
        start = (row["invoked_ns"] - begins) * (width - 1) // span
        done = row.get("completed_ns", NEVER)
        stop = width - 1 if done == NEVER else (done - begins) * (width - 1) // span
        bar = " " * start + "[" + "-" * max(0, stop - start - 1) + ("]" if done != NEVER else ">")
        until = f"{(done - begins) / 1e6:.3f}" if done != NEVER else "?"
        when = f"{(row['invoked_ns'] - begins) / 1e6:.3f}–{until} ms"
        lines.append(f"{bar[: width + 1]:<{width + 1}} {when:<22} {_told(row)}")
    return lines


def _told(row: dict[str, Any]) -> str:
    """An operation in words: who asked for what, and what it was told."""
    who = row.get("applicant", "")
    key = f" key {str(row['key'])[:8]}" if row.get("key") else ""
    details = [
        f"{name} {row[name]}" for name in ("slot", "position", "cap", "value", "given_back") if name in row
    ]
    told = row.get("answer") or row.get("result") or "?"
    what = " ".join(part for part in (row["op"], str(row.get("intake", "")), who) if part)
    return f"#{row['index']} {what}{key}: {told}" + (f" ({', '.join(details)})" if details else "")
