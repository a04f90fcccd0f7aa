"""Whether a release did with its slot what its reason says: some reasons give slots back, others do not.

The spec lists under `gives_back` the reasons whose releases lower the count. The note of a release says its
reason; by the format one without such a note is a withdrawal. But whoever writes no reasons at all may have
had any, and is held only to what the spec says of all of them alike.

Anomalies
    given-back-wrongly   a release gave its slot back, or kept it, against the spec
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from loadtests.checks.arrays import Rows
from loadtests.history import NOBODY, REASON, History
from loadtests.verdict import Finding, many
from sim.ledger import REASONS

CHECK: Final = "reasons"
WITHDRAWAL: Final = "withdrawal"
ANY: Final = "any"


def check(history: History, *, names_reasons: bool = False) -> list[Finding]:
    """Every release that says whether it gave its slot back; `names_reasons`: whether notes say reasons."""
    said = history.is_op("release") & history.is_answer("released", "replayed")
    rows = np.flatnonzero(said & (history["given_back"] >= 0))
    codes, names = history.coded("note")
    noted = codes[rows]
    reasons = {code: _reason(names[code]) for code in np.unique(noted[noted != NOBODY]).tolist()}
    names_reasons = names_reasons or any(reason is not None for reason in reasons.values())
    unsaid = WITHDRAWAL if names_reasons else ANY
    findings: list[Finding] = []
    for reason in sorted({unsaid, *(reason or unsaid for reason in reasons.values())}):
        mine = [code for code, each in reasons.items() if (each or unsaid) == reason]
        is_mine = np.isin(noted, [*mine, NOBODY] if reason == unsaid else mine)
        findings += _wrong(history, rows[is_mine], reason)
    if findings:
        return findings
    says = f"{many(len(rows), 'release')} gave slots back, or did not, as the spec says of their reasons"
    if not len(rows):
        says = "no releases say whether they gave a slot back"
    return [Finding(CHECK, "VALID", says, count=len(rows))]


def _reason(note: str) -> str | None:
    """The reason that a note begins with; None if it says none, or one that nobody knows."""
    reason = note.removeprefix(REASON).split(";")[0].strip()
    return reason if note.startswith(REASON) and reason in REASONS else None


def _wrong(history: History, rows: Rows, reason: str) -> Iterable[Finding]:
    gives_back = history.header.spec.gives_back
    if reason == ANY and gives_back and gives_back != REASONS:
        return
    is_due = bool(gives_back) if reason == ANY else reason in gives_back
    wrong = rows[(history["given_back"][rows] == 1) != is_due]
    if not len(wrong):
        return
    who = history.coded("applicant").at(int(wrong[0])) or f"release #{wrong[0]}"
    why = "whatever the reason" if reason == ANY else f"by {reason}"
    did, due = ("gave", "keeps it") if not is_due else ("did not give", "gives it back")
    says = (
        f"{many(len(wrong), 'release')} {did} a slot back where the spec {due}, {why}; the first is {who}'s"
    )
    yield Finding(CHECK, "INVALID", says, "given-back-wrongly", tuple(wrong.tolist()), len(wrong))
