"""A waiting room: places in the order in which people came, and no more let in a minute than was said.

Anomalies
    queue-jumped      somebody who came after another had left with a place got a better one
    one-place-two     two people were given the same place
    admitted-early    a claim was decided before its applicant's turn can have come
Somebody *came* with the first attempt that may have taken effect, also if its answer never arrived: the place
that a later attempt reads may be of then. A turn is reckoned from the earliest moment at which the first
ticket can have been given, so nobody is blamed for a wait that began later.
"""

import numpy as np
from numpy.typing import NDArray

from loadtests.history import ABSENT, History
from loadtests.verdict import Finding

CHECK = "waiting-room"
Finds = list[Finding]
Rows = NDArray[np.int64]


def check(history: History, *, admitted_per_s: float) -> list[Finding]:
    """Tickets against each other, and decided claims against tickets; the rate is in the run's seconds."""
    is_ticket = history.is_op("ticket") & history.is_result("ok") & (history["value"] != ABSENT)
    rows = np.flatnonzero(is_ticket)
    if not len(rows):
        return [
            Finding(CHECK, "UNKNOWN", "no ticket was given", mend="give the profile the operation ticket")
        ]
    came = _came(history)
    findings = [
        *_jumped(history, rows, came),
        *_doubled(history, rows),
        *_early(history, rows, came, admitted_per_s),
    ]
    if findings:
        return findings
    says = f"{len(rows):,} places went in the order of coming, and nobody was let in before the turn"
    return [Finding(CHECK, "VALID", says, count=len(rows))]


def _came(history: History) -> dict[tuple[object, object], int]:
    """By intake and applicant: when the first ticket was asked for that may have been given."""
    invoked, _ = history.widened()
    found: dict[tuple[object, object], int] = {}
    may_be = history.is_op("ticket") & ~history.is_result("fail")
    for row in np.flatnonzero(may_be).tolist():
        who = (history["intake"][row], history["applicant"][row])
        found[who] = min(found.get(who, int(invoked[row])), int(invoked[row]))
    return found


def _jumped(history: History, rows: Rows, came: dict[tuple[object, object], int]) -> Finds:
    """Whoever came certainly later has a later place; an applicant's repeated ticket is the same place."""
    _, completed = history.widened()
    begun = np.array([came[history["intake"][row], history["applicant"][row]] for row in rows.tolist()])
    places = history["value"][rows]
    leaving = rows[np.argsort(completed[rows], kind="stable")]
    worst = np.maximum.accumulate(history["value"][leaving])
    gone = np.searchsorted(completed[leaving], begun, side="left")
    before = np.where(gone > 0, worst[np.maximum(gone - 1, 0)], 0)
    first: dict[object, int] = {}
    for row in rows.tolist():
        first.setdefault(history["applicant"][row], row)
    is_first = np.array([first[history["applicant"][row]] == row for row in rows.tolist()], dtype=np.bool_)
    jumped = np.flatnonzero(is_first & (before > places))
    if not len(jumped):
        return []
    late = int(rows[jumped[0]])
    passed = int(leaving[np.argmax(history["value"][leaving] == before[jumped[0]])])
    says = (
        f"{history['applicant'][late]} came after {history['applicant'][passed]} had place "
        f"{int(before[jumped[0]]):,}, and got place {int(history['value'][late]):,}"
    )
    return [Finding(CHECK, "INVALID", says, "queue-jumped", (passed, late), len(jumped))]


def _doubled(history: History, rows: Rows) -> Finds:
    owner: dict[tuple[object, int], int] = {}
    cases = []
    for row in rows.tolist():
        other = owner.setdefault((history["intake"][row], int(history["value"][row])), row)
        if history["applicant"][other] != history["applicant"][row]:
            cases.append((other, row))
    if not cases:
        return []
    says = f"place {int(history['value'][cases[0][0]]):,} was given to two people"
    return [Finding(CHECK, "INVALID", says, "one-place-two", cases[0], len(cases))]


def _early(
    history: History, rows: Rows, came: dict[tuple[object, object], int], admitted_per_s: float
) -> Finds:
    _, completed = history.widened()
    place: dict[tuple[object, object], int] = {}
    begins: dict[object, int] = {}
    for (intake, _), moment in came.items():
        begins[intake] = min(begins.get(intake, moment), moment)
    for row in rows.tolist():
        intake = history["intake"][row]
        place.setdefault((intake, history["applicant"][row]), int(history["value"][row]))
    decided = history.is_op("claim") & history.is_answer("granted", "full")
    cases = []
    for row in np.flatnonzero(decided).tolist():
        mine = place.get((history["intake"][row], history["applicant"][row]))
        if mine is not None:
            turn = begins[history["intake"][row]] + (mine - 1) / admitted_per_s * 1e9
            if completed[row] < turn:
                cases.append((row, turn))
    if not cases:
        return []
    row, turn = cases[0]
    who = history["applicant"][row]
    early_ms = (turn - int(completed[row])) / 1e6
    at = place[history["intake"][row], who]
    says = f"{who} was answered {early_ms:,.0f} ms before the turn of place {at:,}"
    return [Finding(CHECK, "INVALID", says, "admitted-early", (row,), len(cases))]
