"""Attempts that only tell of what another attempt did: put into an order after it."""

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER
from loadtests.linear.operations import Operations, Whole


def with_echoes(
    found: Operations, order: Whole, at: Whole, phase: NDArray[np.int8], rank: NDArray[np.int32]
) -> Whole:
    """The rows of operations, and of echoes after what they tell of."""
    if not len(found.echo_row):
        return found.row[order]
    rows = np.concatenate([found.row[order], found.echo_row])
    when = np.concatenate([at[order], np.maximum(found.echo_begins, at[found.echo_of])])
    turn = np.concatenate([phase[order], np.full(len(found.echo_row), 3, dtype=phase.dtype)])
    place = np.concatenate([rank[order], rank[found.echo_of]])
    return rows[np.lexsort((place, turn, when))]


def interleaved(found: Operations, order: Whole) -> Whole:
    """The rows of operations in this very order, each echo as early as it can be.

    It comes after what it tells of, and after whatever ended before it began.
    """
    begins, row_of = found.echo_begins, found.echo_row
    echoes: dict[int, list[int]] = {}
    for echo, of in enumerate(found.echo_of.tolist()):
        echoes.setdefault(of, []).append(echo)
    ends = found.ends[order]
    later = np.append(np.minimum.accumulate(ends[::-1])[::-1], NEVER)[1:].tolist()
    waiting: list[int] = []
    rows: list[int] = []
    for place, first_end in zip(order.tolist(), later, strict=True):
        row = int(found.row[place])
        if row >= 0:
            rows.append(row)
        waiting = sorted([*waiting, *echoes.get(place, [])], key=lambda each: int(begins[each]))
        rows += [int(row_of[each]) for each in waiting if begins[each] <= first_end]
        waiting = [each for each in waiting if begins[each] > first_end]
    return np.array(rows, dtype=np.int64)
