"""What each row of a history comes to, and which rows an order must have, and when."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.histories.columns import NOBODY
from loadtests.history import AUDIT, History
from loadtests.proofs.columns import Flags, Ints, paired
from loadtests.protocol import ANSWER, OP

NOTHING, GRANT, FULL, DUPLICATE, CLOSED, RELEASE, UNHELD, READ, HOLD = range(9)
OPEN, CLOSE, SET_CAP, REFRESH, TOLD_CLOSED = range(9, 14)
MAY_BE = ("claim", "release", "open", "close", "set-cap", "refresh")
IS = (*MAY_BE, "read", "hold")
TURNS = {"open": OPEN, "close": CLOSE, "set-cap": SET_CAP, "refresh": REFRESH}
REFUSALS = {"full": FULL, "duplicate": DUPLICATE, "closed": CLOSED}
CURRENT = "current"
ANY = (None, CURRENT)
"""The intake of an operation that does not say which it was."""


def wrong_rows(history: History, order: Ints) -> str | None:
    """Rows that are missing, too many, or later than one that began after they were over."""
    outside = order[(order < 0) | (order >= len(history))]
    if len(outside):
        return f"there is no operation {outside[0]}"
    times = np.bincount(order, minlength=len(history))
    is_due = history.is_result("ok") & history.is_op(*IS)
    may_be = is_due | (history.is_result("info", "pending") & history.is_op(*MAY_BE))
    for wrong, why in [
        (times > 1, "stands in the order twice"),
        (is_due & (times == 0), "took effect, and is not in the order"),
        (~may_be & (times > 0), "had no effect, and stands in the order"),
    ]:
        if wrong.any():
            return f"operation {np.argmax(wrong)} {why}"
    begins, ends = history.widened()
    late = np.maximum.accumulate(begins[order]) > ends[order]
    return f"operation {order[np.argmax(late)]} was over before one that precedes it" if late.any() else None


def kinds(history: History, order: Ints) -> NDArray[np.int8]:
    """What each place of the order is; of what is not known, what it would be if it had an effect."""
    op, answer = history["op"][order], history["answer"][order]
    is_sure = history.is_result("ok")[order]
    kind = np.full(len(order), NOTHING, dtype=np.int8)
    slot, claim_id, cap = (history.coded(name).codes[order] for name in ("slot", "claim_id", "cap"))
    says_slot, says_cap = (slot >= 0) | (claim_id >= 0), cap >= 0
    is_claim, is_release = op == OP["claim"], op == OP["release"]
    replayed = answer == ANSWER["replayed"]
    is_plain = (history.header.spec.refusals == "fresh") & ~says_cap
    kind[is_claim & (~is_sure | (answer == ANSWER["granted"]) | (replayed & (says_slot | is_plain)))] = GRANT
    kind[is_claim & is_sure & replayed & ~says_slot & says_cap] = FULL
    for word, refusal in REFUSALS.items():
        kind[is_claim & is_sure & (answer == ANSWER[word])] = refusal
    kind[is_release & (~is_sure | replayed | (answer == ANSWER["released"]))] = RELEASE
    kind[is_release & is_sure & (answer == ANSWER["unheld"])] = UNHELD
    kind[op == OP["read"]], kind[op == OP["hold"]] = READ, HOLD
    for word, turn in TURNS.items():
        kind[op == OP[word]] = turn
        kind[(op == OP[word]) & is_sure & (answer == ANSWER["closed"])] = TOLD_CLOSED
    silent = np.flatnonzero(is_claim & is_sure & replayed & (kind == NOTHING))
    if len(silent):  # it is of the kind that another attempt under its key was told, and may be the first
        who, key = (history.coded(name).codes[order] for name in ("applicant", "key"))
        names = paired(who, key)
        for each in (GRANT, *REFUSALS.values()):
            told = np.flatnonzero(is_claim & is_sure & (kind == each) & (key >= 0))
            kind[silent[np.isin(names[silent], names[told]) & (kind[silent] == NOTHING)]] = each
    return kind


def lists(history: History) -> Flags:
    """Which rows are readings of an audit that listed the holders."""
    notes = history.coded("note")
    said = notes.names.starting(AUDIT)
    said[said] = ["listed" in notes.names[code] for code in np.flatnonzero(said).tolist()]
    return history.is_op("read") & np.append(said, False)[notes.codes]


def intakes_said(history: History, order: Ints) -> NDArray[np.int32]:
    """The code of the intake of each place.

    Where the answer does not say it: the only one of the cap that it names, that of the grant whose claim id
    it names, that of another attempt, or the only one open.
    """
    names = history.coded("intake").names
    said = history.coded("intake").codes[order]
    is_unsaid = (said == NOBODY) | (said == names.find(CURRENT))
    unsaid = np.flatnonzero(is_unsaid & history.is_op("claim", "release")[order])
    if len(unsaid):
        columns = (history[name].tolist() for name in ("op", "applicant", "key", "intake", "claim_id"))
        attempts: dict[object, object] = {}
        for op, who, key, intake, claim in zip(*columns, strict=True):
            if intake not in ANY:
                attempts |= {} if key is None else {(op, who, key): intake}
                attempts |= {} if claim is None else {claim: intake}
        caps = {cap.name: {intake for intake, _ in cap.covers} for cap in history.header.caps}
        for cap, covered in caps.items():
            attempts |= {("cap", cap): next(iter(covered))} if len(covered) == 1 else {}
        known = set().union(*caps.values()) | set(attempts.values()) | (set(names) - set(ANY))
        places, only = _only_open(history, order, known)
        about = (
            history[name][order[unsaid]].tolist() for name in ("op", "applicant", "key", "claim_id", "cap")
        )
        for place, op, who, key, claim, cap in zip(unsaid.tolist(), *about, strict=True):
            told = attempts.get(("cap", cap)) or attempts.get(claim) or attempts.get((op, who, key))
            found = told or only[int(np.searchsorted(places, place))]
            said[place] = NOBODY if found is None else names.find(str(found))
    return said


def _only_open(history: History, order: Ints, known: set[Any]) -> tuple[Ints, list[Any]]:
    """Where intakes open or close; and before each, and after the last, the only one that is open."""
    is_open = known - set(history["intake"][history.is_op("open")])
    turns = np.flatnonzero(history.is_op("open", "close")[order])
    only = [next(iter(is_open)) if len(is_open) == 1 else None]
    for row in order[turns].tolist():
        change = is_open.add if history["op"][row] == OP["open"] else is_open.discard
        change(history["intake"][row])
        only.append(next(iter(is_open)) if len(is_open) == 1 else None)
    return turns, only
