"""What a history shows that may have lost its last lines: who is not on a list may be on a lost line.

A list of holders is the end of most histories, and a file of a form that can be cut, which does not say how
many operations it has, may have been cut within it. Whoever is on the list is there all the same; nobody is
missing from it for certain. So anomalies that rest on somebody's absence are UNKNOWN here.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from loadtests.checks.audit import LISTED
from loadtests.histories.columns import COLUMNS, TEXTS, Coded, Columns, Names
from loadtests.history import AUDIT, History
from loadtests.verdict import Check, Finding

ABSENCES: Final = ("lost-grant", "leaked-slot", "holders-differ")
"""Anomalies of the audit that rest on somebody's absence from a list."""
MEND: Final = "say in the header how many operations there are, or on the command line: --operations"


def audited(history: History, check: Check) -> Sequence[Finding]:
    """What the audit finds, without what a list that was cut would explain."""
    findings = check(history)
    if history.is_whole:
        return findings
    return [_doubted(each) if each.anomaly in ABSENCES else each for each in findings]


def ordered(history: History, check: Check) -> Sequence[Finding]:
    """What the exact check finds; an INVALID that only a whole list proves is UNKNOWN."""
    findings = check(history)
    if history.is_whole or all(each.judgement != "INVALID" for each in findings) or not _is_listed(history):
        return findings
    without = check(unlisted(history))
    if any(each.judgement == "INVALID" for each in without):
        return without
    return [_doubted(each) for each in findings if each.judgement == "INVALID"]


def unlisted(history: History) -> History:
    """The same, of which no list of holders is said to be whole; who is listed stays so."""
    codes, names = history.coded("note")
    notes = Coded(codes, Names([_unlisted(str(name)) for name in names]))
    columns = {name: history.coded(name) if name in TEXTS else history[name] for name in COLUMNS}
    return replace(history, columns=Columns(len(history), columns | {"note": notes}))


def _is_listed(history: History) -> bool:
    return any(_unlisted(str(name)) != str(name) for name in history.coded("note").names)


def _unlisted(note: str) -> str:
    return note.replace(LISTED, "in part") if note.startswith(AUDIT) else note


def _doubted(finding: Finding) -> Finding:
    says = f"{finding.says}, or the file lost its last lines, which nobody can tell"
    return replace(finding, judgement="UNKNOWN", says=says, anomaly="", mend=MEND)
