"""Whether a history can be read as what happened: it is whole, and its answers were understood.

Nothing can be VALID of which a part is not known. So a verdict is UNKNOWN where an answer matched no rule of
whoever read it, where the run did not come to its end, where nothing was recorded or nothing was answered,
and where nobody can tell whether the file lost its last lines: it is of a form that can be cut (JSON lines,
CSV), does not say how many operations it has, and does not end with an audit of every intake. And it is
UNKNOWN where caps are declared and claims lie under none of them: then a name is mistyped, or the rows do not
say their intake.
"""

import numpy as np

from loadtests.checks.requests import CURRENT
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
    findings = [
        *_unmatched(history),
        *_nothing(int(asked.sum()), decided),
        *_cut(history),
        *_uncovered(history),
    ]
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
    if history.is_whole or _is_audited_throughout(history):
        return []
    says = "the file does not say how many operations it has, so nobody can tell whether its end is missing"
    mend = (
        f'say so in its header, "operations": {len(history)}, or on the command line, '
        f"--operations {len(history)}; a reading after the run, with the note audit, would settle it too"
    )
    return [Finding(CHECK, "UNKNOWN", says, mend=mend)]


def _uncovered(history: History) -> list[Finding]:
    rows = uncovered(history)
    if not rows:
        return []
    names = dict.fromkeys(_place(history, row) for row in rows)
    caps = ", ".join(cap.name for cap in history.header.caps)
    says = f"no cap covers {', '.join(names)}; the caps are {caps}"
    place = next(iter(names)).removeprefix("intake ")
    known = min(intake for cap in history.header.caps for intake, _ in cap.covers)
    intakes = f"say the intake of all rows, as in --fixed intake={known}"
    mend = intakes if place == NO_INTAKE else f"name the cap, as in --cap {place}=14700, or {intakes}"
    return [Finding(CHECK, "UNKNOWN", says, witness=tuple(rows), count=len(rows), mend=mend)]


def uncovered(history: History) -> list[int]:
    """Claims that were granted or full, and are under none of the caps; none where no cap is declared.

    A stream may be without a cap of its own, and then its claims are granted; refused they cannot be.
    """
    if not history.header.caps:
        return []
    intakes, streams = history.coded("intake"), history.coded("stream")
    some, every = np.zeros((2, len(history)), dtype=np.bool_)
    for intake, stream in {pair for cap in history.header.caps for pair in cap.covers}:
        is_intake = intakes.is_text(intake)
        some |= is_intake
        every |= is_intake if stream is None else is_intake & streams.is_text(stream)
    is_free = (history.is_answer("granted") & ~some) | (history.is_answer("full") & ~every)
    is_free &= history.is_op("claim") & ~intakes.is_text(CURRENT)
    return [int(row) for row in np.flatnonzero(is_free)]


NO_INTAKE = "claims that name no intake"


def _place(history: History, row: int) -> str:
    """Where a claim lies: its intake, with the stream if it is the stream that no cap covers."""
    intake, stream = history.coded("intake").at(row), history.coded("stream").at(row)
    if intake is None:
        return NO_INTAKE
    is_known = any(intake == name for cap in history.header.caps for name, _ in cap.covers)
    return f"intake {intake}/{stream}" if is_known and stream else f"intake {intake}"


def _is_audited_throughout(history: History) -> bool:
    """Whether the service's own count of every intake with grants was read after the run."""
    intakes = history.coded("intake").codes
    audits = history.is_op("read") & history.coded("note").starting(AUDIT)
    granted = history.is_op("claim") & history.is_answer("granted")
    return bool(audits.any() and np.isin(intakes[granted], intakes[audits]).all())


def is_audited(history: History) -> bool:
    """Whether the service's own count was read after the run."""
    return bool((history.is_op("read") & history.coded("note").starting(AUDIT)).any())
