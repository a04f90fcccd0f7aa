"""Readings, orders and lists of holders; and the claims of others, where the service is shared."""

from typing import Final

import numpy as np

from loadtests.history import ABSENT as NO_NUMBER
from loadtests.history import AUDIT, NEVER, History
from loadtests.linear.operations import (
    ABSENT,
    CLOSE,
    CLOSED,
    GRANT,
    HOLDS,
    NOTHING,
    OPEN,
    READ,
    REFRESH,
    SET_CAP,
    Flags,
    Names,
    among,
)
from loadtests.linear.rows import COLUMNS, Rows, Table, column_of
from loadtests.protocol import ANSWER, OP, RESULT

_ORDERS: Final = {
    "open": OPEN,
    "close": CLOSE,
    "set-cap": SET_CAP,
    "refresh": REFRESH,
    "read": READ,
    "hold": HOLDS,
}


def others_of(history: History, rows: Rows) -> Table:
    """Readings, orders, and what audits listed."""
    kinds = np.full(128, -1)
    for word, code in _ORDERS.items():
        kinds[OP[word]] = code
    kind = kinds[rows.op]
    is_order = among(kind, (OPEN, CLOSE, SET_CAP, REFRESH))
    unknown = (rows.result == RESULT["info"]) | (rows.result == RESULT["pending"])
    which = np.flatnonzero(
        (kind >= 0) & ((rows.result == RESULT["ok"]) | (is_order & unknown) | (kind == HOLDS))
    )
    kind = kind[which]
    answer = rows.answer[which]
    kind = np.where((kind == READ) & (rows.value[which] == NO_NUMBER), NOTHING, kind)
    # That an intake was not open is said alike, whoever asked; to an opening only after the close.
    told_closed = is_order[which] & (answer == ANSWER["closed"])
    kind = np.where(told_closed, np.where(kind == OPEN, NOTHING, CLOSED), kind)
    # An opening or a close that nobody answered can always be at the very end, where it changes nothing.
    is_unsure = (is_order & unknown)[which] & ~among(kind, (OPEN, CLOSE))
    value = np.where(rows.value[which] == NO_NUMBER, -1, rows.value[which])
    part = {
        "row": which,
        "kind": kind,
        "begins": rows.begins[which],
        "ends": rows.ends[which],
        "is_optional": is_unsure.astype(np.int64),
        "person": np.where(kind == HOLDS, rows.applicant[which], -1),
        "intake": rows.intake[which],
        "stream": rows.stream[which],
        "cap": rows.cap[which],
        "value": np.where(kind == HOLDS, rows.slot[which], value),
    }
    return _with_absent(history, rows, part)


def _with_absent(history: History, rows: Rows, part: Table) -> Table:
    """After a whole list of holders, everyone of the intake who is not on it, held nothing."""
    notes = history.coded("note")
    listed = {
        code for code, note in enumerate(notes.names) if str(note).startswith(AUDIT) and "listed" in str(note)
    }
    if not listed:
        return part
    is_list = np.isin(notes.codes[part["row"]], list(listed)) & among(part["kind"], (READ, NOTHING))
    more: list[Table] = []
    for place in np.flatnonzero(is_list).tolist():
        intake, row = part["intake"][place], part["row"][place]
        holds = (part["kind"] == HOLDS) & (part["intake"] == intake)
        asked = (rows.intake == intake) & among(rows.op, (OP["claim"], OP["release"]))
        asked |= (rows.intake < 0) & (rows.op == OP["claim"])
        absent = np.setdiff1d(rows.applicant[asked], np.append(part["person"][holds], -1))
        count = len(absent)
        more.append(
            {
                "row": np.full(count, -1),
                "kind": np.full(count, ABSENT),
                "value": np.full(count, row),
                "begins": np.full(count, rows.begins[row]),
                "ends": np.full(count, rows.ends[row]),
                "person": absent,
                "intake": np.full(count, intake),
            }
        )
    return {name: np.concatenate([column_of(each, name) for each in (part, *more)]) for name in COLUMNS}


def strangers(history: History, rows: Rows, names: Names, others: Table) -> Table:
    """What people who are not of the run may have been granted meanwhile.

    Those whom an audit lists were granted a slot by then, unless they had one before; without any list there
    may be as many as there is room for. A list that names no stream leaves it open in which they count.
    """
    ours = np.unique(rows.applicant[among(rows.op, (OP["claim"], OP["release"]))])
    foreign = (others["kind"] == HOLDS) & ~np.isin(others["person"], ours)
    is_listed = bool((others["kind"] == ABSENT).any() or foreign.any())
    others["kind"] = np.where(foreign, NOTHING, others["kind"])
    found: list[tuple[int, int, int, bool]] = []
    for intake, name in enumerate(names.intakes):
        ends = [NEVER] * max((cap.limit for cap in history.header.caps if cap.touches(name)), default=0)
        if is_listed:
            ends = _listed(history, others, foreign & (others["intake"] == intake), name)
        streams = range(len(names.streams)) if names.streams else (-1,)
        is_sure = is_listed and len(streams) == 1
        found += [(intake, stream, end, not is_sure) for stream in streams for end in ends]
    columns = np.array(found, dtype=np.int64).reshape(-1, 4).T
    count = columns.shape[1]
    return {
        "row": np.full(count, -1),
        "kind": np.full(count, GRANT),
        "begins": np.full(count, -NEVER),
        "ends": np.where(columns[3] == 1, NEVER, columns[2]),
        "is_optional": columns[3],
        "intake": columns[0],
        "stream": columns[1],
    }


def _listed(history: History, others: Table, which: Flags, intake: str) -> list[int]:
    """By when each holder on a list was granted a slot, those left out who had one before the run."""
    names = history.coded("applicant").names
    initial = history.header.initial
    before = set((initial.holders or {}).get(intake, ())) if initial else set()
    ends: dict[int, int] = {}
    for place in np.flatnonzero(which).tolist():
        person = int(others["person"][place])
        if str(names[person]) not in before:
            ends[person] = min(ends.get(person, NEVER), int(others["ends"][place]))
    return list(ends.values())
