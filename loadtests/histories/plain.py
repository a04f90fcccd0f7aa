"""Histories of plain rows: dicts of strings and whole numbers, as a test or a line of JSON has them."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from loadtests.header import Header
from loadtests.histories.columns import ABSENT, COLUMNS, INTEGERS, NEVER, WORDS, Column
from loadtests.histories.sound import refusal, sound
from loadtests.histories.table import History


def history_of(
    header: Header, rows: Iterable[dict[str, Any]], file: str = "", *, lines: Sequence[int] | None = None
) -> History:
    """A history of plain rows, in their order; BadInput for a word or a number that cannot be."""
    rows = list(rows)
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        columns[name] = plain_array(name, [row.get(name) for row in rows], file, lines)
    columns["index"] = np.arange(len(rows), dtype=np.int64)
    return sound(History(header, columns), file, lines)


def plain_array(
    name: str, values: list[Any], file: str, lines: Sequence[int] | None = None, *, begins: int = 0
) -> Column:
    """A column of plain values; None is absent. `begins`: so many rows are before them."""
    try:
        if name in WORDS:
            code = {word: index for index, word in enumerate(WORDS[name])} | {None: -1}
            return np.array([code[value] for value in values], dtype=np.int8)
        if name == "given_back":
            return np.array([-1 if value is None else int(bool(value)) for value in values], dtype=np.int8)
        if name in INTEGERS:
            absent = NEVER if name == "completed_ns" else ABSENT
            exact = [absent if value is None else operator.index(value) for value in values]
            return np.array(exact, dtype=np.int64)
    except (KeyError, TypeError, OverflowError):
        row = next(row for row, value in enumerate(values) if not _can_be(name, value))
        expected = ", ".join(WORDS[name]) if name in WORDS else "a whole number of at most 64 bits, or null"
        what = f"{values[row]!r} is not known" if name in WORDS else f"{values[row]!r} is no whole number"
        line = None if lines is None else {begins + row: lines[row]}
        raise refusal(begins + row, what, file=file, lines=line, key=name, expected=expected) from None
    column = np.empty(len(values), dtype=object)
    column[:] = [None if value is None else str(value) for value in values]
    return column


def _can_be(name: str, value: Any) -> bool:
    if value is None:
        return True
    if name in WORDS:
        return isinstance(value, str) and value in WORDS[name]
    return hasattr(value, "__index__") and ABSENT <= operator.index(value) <= NEVER
