"""What is refused as no history: rows that lack what every row needs, that cannot be, or that come twice.

Refused, with the first row and the reason
    a word       of op, result or answer that loadtests/protocol.py does not know
    a number     that is not whole, or beyond 64 bits
    incomplete   a row without op or invoked_ns
    backwards    a row that completed before it was invoked
    far apart    times with more than 73 years from the first to the last (MOST_SPAN_NS), clock bounds
                 included
    reordered    where the file has the column index, it must be 0, 1, 2 ... from the first row to the last: a
                 gap, a repetition or a step back means that rows were lost, doubled or moved. Without that
                 column the order of the rows means nothing, and any is taken
    twice        two rows of the same host and worker that are the same attempt (client, op, applicant, key,
                 chain, attempt, invoked_ns) whatever they were told; and without host or attempt two rows
                 that are alike in every column. Not so rows of a listing: a service may list a holder twice
Times need not ascend. The order that histories of ours are written in, by invoked_ns, then host, worker and
the worker's own order, is a service to readers, and the rows of an audit follow after all others.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.histories.columns import ABSENT, COLUMNS, NEVER, TEXTS, Column
from loadtests.histories.table import History
from loadtests.protocol import RESULT
from sim.errors import BadInput, Problem, complaint

MOST_SPAN_NS: Final = 2**61 - 1
"""From the first time to the last: what fits into 64 bits in quarters of a nanosecond, which is how finely
loadtests/linear tells times. Sums and differences of two times fit as well."""
FURTHEST_NS: Final = 2**62
"""Either side of zero: a time with a clock bound added, and the difference of two, are still of 64 bits."""
IDENTITY: Final = (*("invoked_ns", "op", "worker", "client", "attempt", "chain", "host", "applicant", "key"),)
"""What makes two rows the same attempt: numbers first, since they are read anyway or quickly."""
Lines: TypeAlias = Sequence[int] | Mapping[int, int] | NDArray[np.int64]
"""The line in the file of every row."""
OTHERS: Final = tuple(name for name in COLUMNS if name not in IDENTITY and name != "index")


def refusal(
    row: int,
    message: str,
    *,
    file: str,
    lines: Lines | None = None,
    key: str = "",
    expected: str = "",
    mend: str = "",
) -> BadInput:
    """A complaint about one row, by its line where the file has lines."""
    line = 0 if lines is None else int(lines[row])
    problem = Problem(
        f"operation {row:,}: {message}", file=file, line=line, key=key, expected=expected, mend=mend
    )
    return BadInput([problem])


def sound(history: History, file: str, lines: Lines | None = None) -> History:
    """The history, if every row of it can have been; what has no result is pending."""
    invoked, completed, result = (history[name] for name in ("invoked_ns", "completed_ns", "result"))
    wrong = (history["op"] < 0) | (invoked == ABSENT)
    if wrong.any():
        what = "it has no op or no invoked_ns"
        raise refusal(
            int(np.argmax(wrong)), what, file=file, lines=lines, expected="both, for every operation"
        )
    backwards = completed < invoked
    if backwards.any():
        row = int(np.argmax(backwards))
        what = f"it completed before it was invoked: {completed[row]} < {invoked[row]}"
        raise refusal(row, what, file=file, lines=lines, key="completed_ns")
    _near(history, file, lines)
    if (result < 0).any():
        assert result.flags.writeable or not len(history), "a column of the history itself"
        result[result < 0] = RESULT["pending"]
    return history


def _near(history: History, file: str, lines: Lines | None) -> None:
    """Complain of the first time that is too far from the others to be reckoned with."""
    invoked, completed, bound = history["invoked_ns"], history["completed_ns"], history.header.clock_bound_ns
    if not 0 <= bound <= MOST_SPAN_NS // 4:
        what, expected = f"{bound!r} is no bound of a clock", f"from 0 to {MOST_SPAN_NS // 4} ns"
        raise complaint(what, file=file, key="clock_bound_ns", expected=expected)
    if not len(invoked):
        return
    first, latest = int(invoked.min()), int(invoked.max())
    last = max(latest, int(completed.max(where=completed < NEVER, initial=latest)))
    if last - first + 2 * bound <= MOST_SPAN_NS and first >= -FURTHEST_NS and last <= FURTHEST_NS:
        return
    raise _far(invoked, completed, (first, last), bound, file, lines)


def _far(
    invoked: Column, completed: Column, ends: tuple[int, int], bound: int, file: str, lines: Lines | None
) -> BadInput:
    """The complaint, of the time that is the furthest from the one in the middle."""
    middle = int(np.partition(invoked, len(invoked) // 2)[len(invoked) // 2])
    ended = np.where(completed == NEVER, middle, completed)
    outermost = [
        ("invoked_ns", int(invoked.argmin()), int(invoked.min())),
        ("invoked_ns", int(invoked.argmax()), int(invoked.max())),
        ("completed_ns", int(ended.argmax()), int(ended.max())),
    ]
    key, row, time = max(outermost, key=lambda each: abs(each[2] - middle))
    years = (ends[1] - ends[0]) / 1e9 / 86_400 / 365.25
    return refusal(
        row,
        f"the time {time} is too far from the others: in all they span {years:,.0f} years",
        file=file,
        lines=lines,
        key=key,
        expected=f"times within {MOST_SPAN_NS - 2 * bound} ns of one another, {FURTHEST_NS} of zero",
        mend="correct it, or the unit that times are written in",
    )


def in_place(index: NDArray[np.int64], file: str, lines: Lines | None = None) -> None:
    """Complain of a column index that is not 0, 1, 2 ..."""
    wrong = index != np.arange(len(index), dtype=np.int64)
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    found = "has no index" if index[row] == ABSENT else f"has the index {index[row]:,}"
    what = f"it {found}, so that rows were lost, doubled or moved"
    mend = "restore the file, or leave the column index out if the order of the rows means nothing"
    raise refusal(row, what, file=file, lines=lines, key="index", expected=str(row), mend=mend)


def once(history: History, file: str, lines: Lines | None = None) -> None:
    """Complain of a row that is there twice."""
    rows = np.flatnonzero(~history.is_op("hold"))
    times = history["invoked_ns"]
    rows, group = _alike(rows, times[rows] if len(rows) < len(times) else times)
    rows, group = _alike_in(history, IDENTITY[1:], rows, group)
    if not len(rows):
        return
    is_named = (_values(history, "host", rows) >= 0) & (history["attempt"][rows] != ABSENT)
    found = [rows[is_named], group[is_named]]
    rows, group = rows[~is_named], group[~is_named]
    rows, group = _alike_in(history, OTHERS, rows, group)
    rows, group = np.append(found[0], rows), np.append(found[1], group + (found[1].max(initial=-1) + 1))
    if not len(rows):
        return
    order = np.argsort(rows)
    rows, group = rows[order], group[order]
    _, first, member = np.unique(group, return_index=True, return_inverse=True)
    later = int(np.argmax(np.arange(len(rows)) != first[member]))
    row, earlier = int(rows[later]), int(rows[first[member[later]]])
    place = f"operation {earlier:,}" if lines is None else f"line {lines[earlier]}"
    what = f"it is {place} again"
    mend = "leave one of them out; if both happened, tell them apart by client or attempt"
    raise refusal(row, what, file=file, lines=lines, mend=mend)


def _alike_in(
    history: History, names: Sequence[str], rows: NDArray[np.int64], group: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the rows those that share their group, and the value of every column, with another."""
    for name in names:
        if len(rows) and not history.lacks(name):
            rows, group = _alike(rows, _values(history, name, rows), group)
    return rows, group


def _values(history: History, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    column = history.coded_at(name, rows).codes if name in TEXTS else history[name][rows]
    return np.asarray(column, dtype=np.int64)


def _alike(
    rows: NDArray[np.int64], values: NDArray[np.int64], group: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the rows those that share group and value with another, and their new groups."""
    if not len(rows):
        return rows, np.zeros(0, dtype=np.int64)
    steps = np.diff(values)
    if group is None and (steps >= 0).all():
        order: NDArray[np.int64] | slice = slice(None)
        is_same = steps == 0
    elif group is None:
        order = np.argsort(values, kind="stable")
        is_same = np.diff(values[order]) == 0
    else:
        order = np.lexsort((values, group))
        is_same = (np.diff(values[order]) == 0) & (np.diff(group[order]) == 0)
    if not is_same.any():
        return rows[:0], np.zeros(0, dtype=np.int64)
    is_shared = np.append(is_same, False) | np.append(False, is_same)
    begins = np.append(True, ~is_same)
    return rows[order][is_shared], np.cumsum(begins)[is_shared]
