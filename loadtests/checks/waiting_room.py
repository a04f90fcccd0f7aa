"""A waiting room: places in the order in which people came, and no more let in a minute than was said.

Anomalies
    queue-jumped       somebody who came after another had left with a place got a better one
    one-place-two      two people were given the same place
    lost-place         somebody who had a place was told of another one later
    no-ticket          a claim was decided of somebody who never asked for a place
    admitted-early     a claim was decided before its applicant's turn can have come
    too-many-admitted  more people had been decided by some moment than can have been let in, whatever places
                       they had
Somebody *came* with the first attempt that may have taken effect, also if its answer never arrived: the place
that a later attempt reads may be of then. A turn is reckoned from the earliest moment at which the first
ticket can have been given, so nobody is blamed for a wait that began later. Each intake has its own queue.
"""

from typing import NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Rows, Times
from loadtests.history import ABSENT, NEVER, History
from loadtests.verdict import Finding

CHECK = "waiting-room"
Finds = list[Finding]


class _Room(NamedTuple):
    """Who came to the queues, and when; a *guest* is a person in the queue of an intake."""

    history: History
    rows: Rows
    """Tickets that say a place."""
    guest: Rows
    """Of every row of the history its guest."""
    came: Times
    """Of each guest when the first ticket was asked for that may have been given; NEVER if none was."""
    place: Times
    """The first place that each guest was told; ABSENT if none."""
    told: Rows
    """The row that said so; -1 if none."""
    begins: Times
    """Of each guest when the first came to that queue."""


def check(history: History, *, admitted_per_s: float) -> list[Finding]:
    """Tickets against each other, and decided claims against tickets; the rate is in the run's seconds."""
    is_ticket = history.is_op("ticket") & history.is_result("ok") & (history["value"] != ABSENT)
    rows = np.flatnonzero(is_ticket)
    if not len(rows):
        return [
            Finding(CHECK, "UNKNOWN", "no ticket was given", mend="give the profile the operation ticket")
        ]
    room = _room(history, rows)
    findings = [
        *_jumped(room),
        *_doubled(room),
        *_lost(room),
        *_unasked(room),
        *_early(room, admitted_per_s),
        *_too_many(room, admitted_per_s),
    ]
    if findings:
        return findings
    says = f"{len(rows):,} places went in the order of coming, and nobody was let in before the turn"
    return [Finding(CHECK, "VALID", says, count=len(rows))]


def _room(history: History, rows: Rows) -> _Room:
    intakes = len(history.coded("intake").names) + 1
    intake = history.coded("intake").codes.astype(np.int64)
    names = history.coded("applicant").codes.astype(np.int64) * intakes + intake
    known, guest = np.unique(names, return_inverse=True)
    invoked, _ = history.widened()
    may_be = np.flatnonzero(history.is_op("ticket") & ~history.is_result("fail"))
    came = np.full(len(known), NEVER, dtype=np.int64)
    np.minimum.at(came, guest[may_be], invoked[may_be])
    told = np.full(len(known), -1, dtype=np.int64)
    told[guest[rows][::-1]] = rows[::-1]  # the first of each is written last
    place = np.where(told >= 0, history["value"][told], ABSENT)
    first = np.full(intakes, NEVER, dtype=np.int64)
    queue = (known % intakes).astype(np.int64)
    np.minimum.at(first, queue, came)
    return _Room(history, rows, guest, came, place, told, first[queue])


def _name(room: _Room, row: int) -> str:
    return room.history.coded("applicant").at(row) or "somebody"


def _jumped(room: _Room) -> Finds:
    """Whoever came certainly later has a later place; a repeated ticket is the same place."""
    history, rows = room.history, room.rows
    _, completed = history.widened()
    intake = history.coded("intake").codes[rows]
    passed, late, count = -1, -1, 0
    for queue in np.unique(intake).tolist():
        mine = rows[intake == queue]
        leaving = mine[np.argsort(completed[mine], kind="stable")]
        worst = np.maximum.accumulate(history["value"][leaving])
        firsts = mine[room.told[room.guest[mine]] == mine]
        gone = np.searchsorted(completed[leaving], room.came[room.guest[firsts]], side="left")
        before = np.where(gone > 0, worst[np.maximum(gone - 1, 0)], 0)
        jumped = np.flatnonzero(before > history["value"][firsts])
        count += len(jumped)
        if len(jumped) and late < 0:
            late = int(firsts[jumped[0]])
            passed = int(leaving[np.argmax(history["value"][leaving] == before[jumped[0]])])
    if not count:
        return []
    says = (
        f"{_name(room, late)} came after {_name(room, passed)} had place {int(history['value'][passed]):,}, "
        f"and got place {int(history['value'][late]):,}"
    )
    return [Finding(CHECK, "INVALID", says, "queue-jumped", (passed, late), count)]


def _doubled(room: _Room) -> Finds:
    values, guests = room.history["value"][room.rows], room.guest[room.rows]
    intake = room.history.coded("intake").codes[room.rows]
    order = np.lexsort((room.rows, values, intake))
    is_same = (np.diff(values[order]) == 0) & (np.diff(intake[order]) == 0)
    again = np.flatnonzero(is_same & (np.diff(guests[order]) != 0))
    if not len(again):
        return []
    one, two = room.rows[order[again[0] : again[0] + 2]].tolist()
    says = f"place {int(room.history['value'][one]):,} was given to two people"
    return [Finding(CHECK, "INVALID", says, "one-place-two", (one, two), len(again))]


def _lost(room: _Room) -> Finds:
    values = room.history["value"][room.rows]
    other = room.rows[values != room.place[room.guest[room.rows]]]
    if not len(other):
        return []
    row = int(other[0])
    first = int(room.told[room.guest[row]])
    says = (
        f"{_name(room, row)} had place {int(room.history['value'][first]):,}, and was told of place "
        f"{int(room.history['value'][row]):,} later"
    )
    return [Finding(CHECK, "INVALID", says, "lost-place", (first, row), len(other))]


def _decided(room: _Room) -> Rows:
    is_decided = room.history.is_op("claim") & room.history.is_answer("granted", "full")
    return np.flatnonzero(is_decided)


def _unasked(room: _Room) -> Finds:
    who = room.history.coded("applicant").codes
    has_asked = np.zeros(len(room.history.coded("applicant").names) + 1, dtype=np.bool_)
    has_asked[who[room.history.is_op("ticket") & ~room.history.is_result("fail")]] = True
    decided = _decided(room)
    wrong = decided[(who[decided] >= 0) & ~has_asked[who[decided]]]
    if not len(wrong):
        return []
    says = f"{_name(room, int(wrong[0]))} was decided, and had never asked for a place"
    return [Finding(CHECK, "INVALID", says, "no-ticket", tuple(wrong.tolist()), len(wrong))]


def _early(room: _Room, admitted_per_s: float) -> Finds:
    _, completed = room.history.widened()
    decided = _decided(room)
    decided = decided[room.place[room.guest[decided]] != ABSENT]
    guest = room.guest[decided]
    wait_ns = (room.place[guest] - 1) / admitted_per_s * 1e9
    early_ns = wait_ns - (completed[decided] - room.begins[guest]).astype(np.float64)
    wrong = np.flatnonzero(early_ns > 0)
    if not len(wrong):
        return []
    row, at = int(decided[wrong[0]]), int(room.place[guest[wrong[0]]])
    says = (
        f"{_name(room, row)} was answered {early_ns[wrong[0]] / 1e6:,.0f} ms before the turn of place {at:,}"
    )
    return [Finding(CHECK, "INVALID", says, "admitted-early", (row,), len(wrong))]


def _too_many(room: _Room, admitted_per_s: float) -> Finds:
    """Places apart: the k-th who was decided cannot have been before the k-th turn."""
    _, completed = room.history.widened()
    decided = _decided(room)
    decided = decided[_is_known(room, decided)]
    decided = decided[np.argsort(completed[decided], kind="stable")]
    decided = decided[np.sort(np.unique(room.guest[decided], return_index=True)[1])]
    intake = room.history.coded("intake").codes[decided]
    for queue in np.unique(intake).tolist():
        mine = decided[intake == queue]
        turn_ns = np.arange(len(mine)) / admitted_per_s * 1e9
        passed_ns = (completed[mine] - room.begins[room.guest[mine]]).astype(np.float64)
        wrong = np.flatnonzero(passed_ns < turn_ns)
        if len(wrong):
            first = int(wrong[0])
            says = (
                f"{first + 1:,} people had been decided {passed_ns[first] / 1e9:,.1f} s after the first "
                f"came, and {admitted_per_s:g} are let in a second"
            )
            return [Finding(CHECK, "INVALID", says, "too-many-admitted", (int(mine[first]),), len(wrong))]
    return []


def _is_known(room: _Room, rows: Rows) -> Flags:
    """Of whom it is known that they came to the queue of this intake."""
    return np.asarray(room.came[room.guest[rows]] < NEVER)
