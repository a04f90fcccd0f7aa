"""The opening and the close of an intake: the moments between which its claims were decided.

An opening is best as early as the answers let it be, a close as late: both leave every claim the most room.
Whoever was told "closed" was asked before the opening or after the close; where both could be, after is tried
first, and the choice is marked, since the other one is not.
"""

from typing import NamedTuple

import numpy as np

from loadtests.history import NEVER
from loadtests.linear.operations import (
    CLOSE,
    CLOSED,
    DUPLICATE,
    FULL,
    GRANT,
    OPEN,
    REFRESH,
    SET_CAP,
    Clash,
    Operations,
    among,
)
from loadtests.linear.windows import Windows

EARLIEST = -(2**63) + 1


class Year(NamedTuple):
    """The moments that were chosen for one intake; EARLIEST, and NEVER, where there was no such order."""

    opens: int
    closes: int


class Years(NamedTuple):
    """Every intake's moments, by its place in the names."""

    of: dict[int, Year]
    is_chosen: bool
    """Whether another choice would have been possible."""


def clip(operations: Operations, windows: Windows) -> tuple[Years, Clash | None]:
    """Keep claims inside their year; the windows are changed. A clash where no moment will do."""
    of: dict[int, Year] = {}
    is_chosen = False
    for intake in range(len(operations.names.intakes)):
        mine = operations.intake == intake
        orders = mine & operations.of(OPEN, CLOSE)
        if not orders.any():
            continue
        year, chosen, clash = _year(operations, windows, np.flatnonzero(mine))
        if clash:
            return Years(of, is_chosen), clash
        of[intake] = year
        is_chosen |= chosen
        inside = mine & operations.of(GRANT, FULL, DUPLICATE, SET_CAP, REFRESH)
        windows.begins[inside] = np.maximum(windows.begins[inside], year.opens)
        windows.ends[inside] = np.minimum(windows.ends[inside], year.closes)
        late = inside & (windows.begins > windows.ends)
        windows.is_out[late & windows.is_optional] = True
        if (late & ~windows.is_optional).any():
            return Years(of, is_chosen), _clash(operations, int(np.argmax(late)), orders)
    return Years(of, is_chosen), None


def _clash(operations: Operations, place: int, orders: np.ndarray) -> Clash:
    rows = (int(operations.row[place]), *operations.row[orders].tolist())
    return Clash(
        "decided-outside-the-year", "a claim was decided while its intake was certainly not open", rows
    )


def _year(operations: Operations, windows: Windows, mine: np.ndarray) -> tuple[Year, bool, Clash | None]:
    kind, optional = operations.kind[mine], windows.is_optional[mine]
    begins, ends = windows.begins[mine], windows.ends[mine]
    rows = operations.row[mine]
    decided = among(kind, (GRANT, FULL, DUPLICATE)) & ~optional
    first_end = int(ends[decided].min(initial=NEVER))
    last_begin = int(begins[decided].max(initial=EARLIEST))
    low_open = high_open = EARLIEST
    if (opening := kind == OPEN).any():
        low_open, high_open = int(begins[opening].min()), min(int(ends[opening].min()), first_end)
    low_close = high_close = NEVER
    if (closing := kind == CLOSE).any():
        low_close, high_close = max(int(begins[closing].min()), last_begin), int(ends[closing].min())
        if optional[closing].all() and not (kind == CLOSED).any():
            low_close = high_close = NEVER
    orders = opening | closing
    if low_open > high_open or low_close > high_close:
        outside = np.flatnonzero(decided & ((ends < low_open) | (begins > high_close)))
        shown = (*rows[outside[:1]].tolist(), *rows[orders].tolist())
        says = "a claim was decided while its intake was certainly not open"
        return Year(low_open, high_close), False, Clash("decided-outside-the-year", says, shown)
    opens, closes, is_chosen = low_open, high_close, False
    either = []
    for place in np.flatnonzero(kind == CLOSED).tolist():
        before, after = (
            begins[place] <= high_open and opening.any(),
            ends[place] >= low_close and closing.any(),
        )
        if not before and not after:
            says = "a claim was told that its intake is closed while it was certainly open"
            return (
                Year(opens, closes),
                False,
                Clash("closed-while-open", says, (int(rows[place]), *rows[orders].tolist())),
            )
        if before and after:
            either.append(place)
        elif before:
            opens = max(opens, int(begins[place]))
        else:
            closes = min(closes, int(ends[place]))
    for place in either:
        if begins[place] > opens and ends[place] < closes:
            closes, is_chosen = int(ends[place]), True
    if opens > high_open or closes < low_close:
        return (
            Year(opens, closes),
            is_chosen,
            None
            if is_chosen
            else Clash(
                "closed-while-open",
                "answers put the opening or the close where it cannot have been",
                tuple(rows[orders].tolist()),
            ),
        )
    return Year(opens, closes), is_chosen, None
