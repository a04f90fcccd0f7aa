"""Histories of plain rows: dicts of strings and whole numbers, as a test or a line of JSON has them."""

import operator
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from loadtests.header import Header
from loadtests.histories.columns import (
    ABSENT,
    COLUMNS,
    INTEGERS,
    NEVER,
    NOBODY,
    TEXTS,
    WORDS,
    Coded,
    Column,
    Names,
)
from loadtests.histories.sound import refusal, sound
from loadtests.histories.table import History

_ASKED: Final = frozenset(COLUMNS) - {"index"}
"""Columns that rows may give; the index is their order."""
_CODES: Final = {
    name: {word: index for index, word in enumerate(words)} | {None: -1} for name, words in WORDS.items()
}


def history_of(
    header: Header, rows: Iterable[dict[str, Any]], file: str = "", *, lines: Sequence[int] | None = None
) -> History:
    """A history of plain rows, in their order; BadInput for a word or a number that cannot be."""
    rows = list(rows)
    columns: dict[str, Column | Coded] = {"index": np.arange(len(rows), dtype=np.int64)}
    for name in set().union(*rows) & _ASKED:
        values = [row.get(name) for row in rows]
        columns[name] = _coded(values) if name in TEXTS else plain_array(name, values, file, lines)
    return sound(History(header, columns), file, lines)


def _coded(values: list[Any]) -> Coded:
    """A column of texts by code, in the order of first appearance; None is absent."""
    code: dict[Any, int] = {None: NOBODY}
    codes = [code.setdefault(None if each is None else str(each), len(code) - 1) for each in values]
    return Coded(np.array(codes, dtype=np.int32), Names(list(code)[1:]))


def plain_array(
    name: str, values: list[Any], file: str, lines: Sequence[int] | None = None, *, begins: int = 0
) -> Column:
    """A column of plain values; None is absent. `begins`: so many rows are before them."""
    try:
        if name in WORDS:
            code = _CODES[name]
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
