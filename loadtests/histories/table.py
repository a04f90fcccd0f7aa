"""A history in memory: a header, and columns that are fetched when they are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from loadtests.header import Header
from loadtests.histories.columns import (
    ABSENT,
    COLUMNS,
    INTEGERS,
    NEVER,
    WORDS,
    Coded,
    Column,
    Columns,
)

Derived = TypeVar("Derived")


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """A header and its operations, in the order of `index`."""

    header: Header
    columns: Mapping[str, Any]
    """Arrays or coded texts by name, all of one length; what is left out is absent from every row."""
    is_whole: bool = True
    """Whether no operation can be missing at its end; a file can be cut that does not say how many it has."""

    _derived: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """What was worked out from it and is wanted again, such as its requests."""

    def __post_init__(self) -> None:
        if not isinstance(self.columns, Columns):
            given = dict(self.columns)
            assert set(given) <= set(COLUMNS), set(given) - set(COLUMNS)
            lengths = {len(each.codes if isinstance(each, Coded) else each) for each in given.values()}
            assert len(lengths) <= 1, lengths
            object.__setattr__(self, "columns", Columns(next(iter(lengths), 0), given))

    def __len__(self) -> int:
        return self._columns.count

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    @property
    def _columns(self) -> Columns:
        assert isinstance(self.columns, Columns)
        return self.columns

    def coded(self, name: str) -> Coded:
        """A column of texts as codes, for comparing and grouping; the texts are decoded one by one."""
        return self._columns.coded(name)

    def coded_at(self, name: str, rows: NDArray[np.int64]) -> Coded:
        """The same of some rows only, in their order; quicker where they are few."""
        return self._columns.coded_at(name, rows)

    def lacks(self, name: str) -> bool:
        """Whether a column is absent from every row, because nobody gave it."""
        return self._columns.lacks(name)

    def some(self, name: str, rows: Any) -> Column:
        """A column at some rows."""
        return self._columns.some(name, rows)

    def derived(self, name: str, make: "Callable[[History], Derived]") -> Derived:
        """What `make` makes of the history, which it is asked for once."""
        if name not in self._derived:
            self._derived[name] = make(self)
        return cast("Derived", self._derived[name])

    def is_op(self, *ops: str) -> NDArray[np.bool_]:
        """Which rows have one of these ops."""
        return self._is("op", ops)

    def is_answer(self, *answers: str) -> NDArray[np.bool_]:
        """Which rows have one of these answers."""
        return self._is("answer", answers)

    def is_result(self, *results: str) -> NDArray[np.bool_]:
        """Which rows have one of these results."""
        return self._is("result", results)

    def _is(self, name: str, words: tuple[str, ...]) -> NDArray[np.bool_]:
        return _which(name, words)[self[name]]

    def widened(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Intervals in which each operation certainly took effect, if at all: invoked and completed, in ns.

        An operation whose result is not ok or fail may take effect at any time after its invocation.
        """
        bound = self.header.clock_bound_ns
        invoked, completed = self["invoked_ns"], self["completed_ns"]
        is_open = ~self.is_result("ok", "fail") | (completed >= NEVER - bound)
        return invoked - bound, np.where(is_open, NEVER, completed + bound)

    def rows(self, which: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
        """Rows as plain dicts without what is absent: all of them, or those with these positions."""
        chosen: Any = slice(None) if which is None else np.array(list(which), dtype=np.int64)
        # Of the columns that nobody gave, these two say something all the same.
        said = [name for name in COLUMNS if name in ("index", "result") or not self.lacks(name)]
        plain = [plain_column(name, self.some(name, chosen)) for name in said]
        for values in zip(*plain, strict=True):
            yield {name: value for name, value in zip(said, values, strict=True) if value is not None}


@cache
def _which(name: str, words: tuple[str, ...]) -> NDArray[np.bool_]:
    """A flag for each word of a column; the last is that of -1: no word."""
    is_one = np.zeros(len(WORDS[name]) + 1, dtype=np.bool_)
    is_one[[WORDS[name].index(word) for word in words]] = True
    return is_one


def plain_column(name: str, column: Column) -> list[Any]:
    """A column as plain values, None for what is absent."""
    values: list[Any] = column.tolist()
    if name in WORDS:
        words = (*WORDS[name], None)
        return [words[code] for code in values]
    if name == "given_back":
        return [None if flag < 0 else bool(flag) for flag in values]
    if name in INTEGERS:
        absent = NEVER if name == "completed_ns" else ABSENT
        return [None if number == absent else number for number in values]
    return values
