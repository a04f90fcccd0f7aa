"""Errors: a service that answers with them, or not at all, has shown too little to be called right.

An error is an answer whose meaning is an error, or none at all (a time-out, a reset). It is nobody's refusal,
and never counted as "full". A target declares the share of its requests that may end so; with more of them a
run proves nothing, whatever the rest looks like, and if slots are left over at the end it says that too: the
intake came out *short*, and the errors may be why. Errors during an interval of the nemesis are its doing. A
conflict (no effect, for another's sake) is an error too, of a target that does not say that it has them.
"""

import numpy as np

from loadtests.checks.arrays import Flags
from loadtests.history import ABSENT, AUDIT, NEVER, History
from loadtests.verdict import Finding

CHECK = "errors"


def check(history: History, *, budget: float, conflicts: bool = True) -> list[Finding]:
    """UNKNOWN with more errors than the target's budget allows; `conflicts`: whether it may have these."""
    is_sent = ~history.is_op("hold", "fault") & (history["invoked_ns"] != ABSENT)
    is_audit = np.array([str(note or "").startswith(AUDIT) for note in history["note"]], dtype=np.bool_)
    sent = int((is_sent & ~is_audit).sum())
    is_error = history.is_answer("error")
    if not conflicts:
        is_error |= history.is_answer("conflict") & history.is_op("claim")
    errors = is_sent & is_error & ~_in_a_fault(history)
    count = int(errors.sum())
    share = count / max(1, sent)
    if share <= budget:
        says = f"{count:,} of {sent:,} requests ended in an error; {budget:.2%} may"
        return [Finding(CHECK, "VALID", says, count=sent)]
    says = f"{count:,} of {sent:,} requests ended in an error, {share:.2%}, and {budget:.2%} may"
    if (left := _left_over(history)) > 0:
        says += f"; short because of errors, it may be: {left:,} slots were not given out"
    witness = tuple(np.flatnonzero(errors).tolist())
    mend = "ask less of the service, or declare capabilities.error_budget in its profile"
    if not conflicts and (history.is_answer("conflict") & errors).any():
        mend = "say capabilities.conflicts = true in its profile, if claims may fail so"
    return [Finding(CHECK, "UNKNOWN", says, witness=witness, count=count, mend=mend)]


def _in_a_fault(history: History) -> Flags:
    """Which rows overlap an interval of the nemesis."""
    found = np.zeros(len(history), dtype=np.bool_)
    for row in np.flatnonzero(history.is_op("fault")).tolist():
        begins, ends = int(history["invoked_ns"][row]), int(history["completed_ns"][row])
        found |= (history["completed_ns"] >= begins) & (history["invoked_ns"] <= ends)
    return found


def _left_over(history: History) -> int:
    """How many slots were left at the end, by the service's own count; 0 if it did not say."""
    left = 0
    for cap in history.header.caps:
        if (cap.name, None) not in cap.covers or len(cap.covers) > 1:
            continue
        is_mine = history.is_op("read") & np.equal(history["intake"], np.array(cap.name, dtype=object))
        rows = np.flatnonzero(is_mine & (history["value"] != ABSENT) & (history["completed_ns"] != NEVER))
        if len(rows):
            left += max(0, cap.limit - int(history["value"][rows[-1]]))
    return left
