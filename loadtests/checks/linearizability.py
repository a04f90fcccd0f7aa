"""Whether one order of all operations explains every answer: the exact verdict.

Counting finds much (receipts, bounds, audit); this check finds all. VALID comes with an order of the rows
that a replay, which knows nothing of how it was found, accepts. INVALID comes with the rows that clash.
UNKNOWN says which part was not settled.

Anomalies: those of one person or one key (loadtests/linear/people.py), and of a count

    over-cap           more slots were certainly taken than the cap allows
    phantom-full       a claim was refused for want of room while there certainly was some
    wrong-reading      a reading saw a count that cannot have been
    no-order           each of these is possible alone, and no order makes all of them true
"""

from typing import Final

from loadtests.clashes.sentences import said
from loadtests.history import History
from loadtests.linear.object import Explained, explain
from loadtests.proofs.replay import accepts
from loadtests.verdict import Finding

CHECK: Final = "linearizability"
MEND: Final = "fewer requests of one person at a time, or answers for those that had none"
ANOMALIES: Final = {
    "over-cap": "over-cap",
    "over-cap-after": "over-cap",
    "refused-with-room": "phantom-full",
    "read-too-low": "wrong-reading",
    "read-too-high": "wrong-reading",
    "empty-reading": "wrong-reading",
}
"""Arguments of the counters (loadtests/pools/counting.py, frontier.py) in the words of findings."""


def check(history: History) -> list[Finding]:
    """One finding."""
    found = explained(history)
    if found.judgement == "VALID":
        says = f"one order of {len(found.order):,} operations explains every answer; it was replayed"
        return [Finding(CHECK, "VALID", says, count=len(found.order), order=found.order)]
    if found.judgement == "UNKNOWN":
        return [Finding(CHECK, "UNKNOWN", found.says, mend=found.mend or MEND)]
    anomaly = found.anomaly if not found.argument else ANOMALIES.get(found.argument, "no-order")
    return [Finding(CHECK, "INVALID", said(history, found), anomaly, found.clash, 1)]


def explained(history: History) -> Explained:
    """What the exact checker found; it is asked once a history."""
    return history.derived("explained", lambda whole: explain(whole, accepts))
