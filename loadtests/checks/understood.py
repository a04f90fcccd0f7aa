"""Whether a history can be read as what happened: it is whole, and its answers were understood.

Nothing can be VALID of which a part is not known. So a verdict is UNKNOWN where an answer matched no rule of
whoever read it, where the run did not come to its end, where nothing was recorded or nothing was answered,
and where nobody can tell whether the file lost its last lines: it is of a form that can be cut (JSON lines,
CSV), does not say how many operations it has, and does not end with an audit.
"""

import numpy as np

from loadtests.history import AUDIT, History
from loadtests.verdict import Finding

CHECK = "understood"
OF_SLOTS = ("claim", "release", "read")
"""Operations that show something of slots when they are answered."""


def check(history: History) -> list[Finding]:
    """UNKNOWN for each thing that keeps the history from being read in full; VALID if nothing does."""
    asked = history.is_op(*OF_SLOTS)
    answered = int((asked & history.is_result("ok", "fail")).sum())
    decided = int((asked & history.is_result("ok")).sum())
    findings = [*_unmatched(history), *_nothing(int(asked.sum()), decided), *_cut(history)]
    if findings:
        return findings
    says = f"{answered:,} of {int(asked.sum()):,} claims, releases and readings were answered, and understood"
    return [Finding(CHECK, "VALID", says, count=int(asked.sum()))]


def _nothing(asked: int, decided: int) -> list[Finding]:
    if decided:
        return []
    says = (
        f"none of {asked:,} operations was decided" if asked else "no claim, release or reading is on record"
    )
    mend = "record a run against a service that answers"
    return [Finding(CHECK, "UNKNOWN", f"{says}, so nothing was shown", count=asked, mend=mend)]


def _unmatched(history: History) -> list[Finding]:
    rows = np.flatnonzero(history.is_answer("unmatched")).tolist()
    if not rows:
        return []
    many = "1 answer was" if len(rows) == 1 else f"{len(rows):,} answers were"
    says = f"{many} not understood: no rule says what was meant"
    mend = (
        "say what it means: by a rule in the target's profile (quotalab target check shows what came), by "
        "--answer THEIRS=OURS for a CSV file, or in a test by telling the operation its answer"
    )
    return [Finding(CHECK, "UNKNOWN", says, witness=tuple(rows), count=len(rows), mend=mend)]


def _cut(history: History) -> list[Finding]:
    if not history.header.complete:
        says = "the run did not come to its end; this is what was recorded until then"
        return [Finding(CHECK, "UNKNOWN", says, mend="run it again, to its end")]
    if history.is_whole or is_audited(history):
        return []
    says = "the file does not say how many operations it has, so nobody can tell whether its end is missing"
    mend = (
        f'say so in its header, "operations": {len(history)}, or on the command line, '
        f"--operations {len(history)}; a reading after the run, with the note audit, would settle it too"
    )
    return [Finding(CHECK, "UNKNOWN", says, mend=mend)]


def is_audited(history: History) -> bool:
    """Whether the service's own count was read after the run."""
    return bool((history.is_op("read") & history.coded("note").starting(AUDIT)).any())
