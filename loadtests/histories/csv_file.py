"""Histories that another tool wrote as CSV, by a map of its columns and words onto ours.

    columns = {"applicant": "user", "invoked_ns": "timeStamp", "elapsed_ns": "elapsed", "answer": "code"}
    read_csv(path, columns, unit="ms", answers={"201": "granted", "409": "full"}, fixed={"intake": "2022"})

An empty cell is absent, and so is a column that is not mapped. `elapsed_ns` is how long an operation took,
for tools that write no time of completion. Where no result is mapped it follows from the answer; without an
answer nothing is known of what the operation did. Every operation is a claim where no op is mapped or fixed.

A file whose last line has no end is refused, unless the last column is one that nobody asks for: with `12` at
its end it may have been cut within `1234`. How many lines there should be does not settle that; whoever knows
that the line is whole ends it.
"""

import csv
import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import numpy as np

from loadtests.header import Header
from loadtests.histories.columns import (
    COLUMNS,
    INTEGERS,
    NOBODY,
    TEXTS,
    WORDS,
    Coded,
    Column,
    Columns,
    Names,
)
from loadtests.histories.plain import plain_array
from loadtests.histories.sound import once, sound
from loadtests.histories.table import History
from loadtests.protocol import result_of
from sim.errors import BadInput, Problem, complaint

ELAPSED: Final = "elapsed_ns"
TIMES: Final = ("due_ns", "invoked_ns", "completed_ns", ELAPSED)
NS: Final = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
UNITS: Final = (*NS, "iso")
"""What times are written in: a unit, or dates and times as ISO 8601 has them, without a zone in UTC."""
YES_NO: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
AT_ONCE: Final = 1 << 16
"""Rows that are read at once; only their columns of numbers and codes, and the distinct texts, are kept."""
MOST_PROBLEMS: Final = 20
"""Wrong cells that are complained of at once."""


def read_csv(
    path: Path,
    columns: Mapping[str, str],
    *,
    unit: str = "ns",
    answers: Mapping[str, str] | None = None,
    ops: Mapping[str, str] | None = None,
    fixed: Mapping[str, str] | None = None,
    header: Header | None = None,
    delimiter: str = ",",
) -> History:
    """A history from a CSV file with a first line of names; BadInput with every place that cannot be read.

    `columns`: name of ours -> name in the file. `answers`, `ops`: what the file says -> what we say, beside
    our own words; an answer of "" is none. `fixed`: name of ours -> what every row has.
    """
    file, given = str(path), {"op": "claim"} | dict(fixed or {})
    given = {name: text for name, text in given.items() if name not in columns}
    words = {"answer": dict(answers or {}), "op": dict(ops or {})}
    _check_names(columns, given, unit, file)
    _check_words(words, file)
    readers = {name: _reader(name, unit, words) for name in (*columns, *given)}
    asked, gathered = _Cells(file, columns), _Gathered(file)
    for cells, lines in _cells(path, columns, delimiter):
        cells |= {name: [text] * len(lines) for name, text in given.items()}
        asked.lines = lines
        plain = {name: asked.converted(name, texts, readers[name]) for name, texts in cells.items()}
        if not asked.problems:
            gathered.add(plain, lines)
    asked.complain()
    return gathered.history(header or Header())


def _check_names(columns: Mapping[str, str], given: Mapping[str, str], unit: str, file: str) -> None:
    ours = (*COLUMNS, ELAPSED)
    for name in (*columns, *given):
        if name not in ours:
            near = difflib.get_close_matches(name, ours, 1)
            what, mend = f"a history has no column {name!r}", f"perhaps {near[0]}" if near else ""
            raise complaint(what, file=file, expected=", ".join(ours), mend=mend)
    if unit not in UNITS:
        raise complaint(f"{unit!r} is no unit of time", file=file, expected=", ".join(UNITS))
    if "invoked_ns" not in columns:
        what = "it is not said which column has the times of invocation"
        raise complaint(what, file=file, key="invoked_ns")


def _check_words(words: Mapping[str, Mapping[str, str]], file: str) -> None:
    for name, ours in words.items():
        for theirs, word in ours.items():
            if word not in WORDS[name] and not (name == "answer" and word == ""):
                what, expected = f"{word!r} is no {name}, for {theirs!r}", ", ".join(WORDS[name])
                raise complaint(what, file=file, key=name, expected=expected)


def _cells(
    path: Path, columns: Mapping[str, str], delimiter: str
) -> Iterator[tuple[dict[str, list[str]], list[int]]]:
    """The cells of the mapped columns, and the line of every row; so many rows at once."""
    file, is_any = str(path), False
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            names = next(reader, [])
            places = {ours: _place(theirs, names, file) for ours, theirs in columns.items()}
            rows: list[list[str]] = []
            last: list[list[str]] = []
            lines: list[int] = []
            for row in reader:
                if len(row) != len(names) and row:
                    what = f"it has {len(row)} cells, and the first line has {len(names)}"
                    raise BadInput([Problem(what, file=file, line=reader.line_num)])
                if row:
                    rows.append([row[place] for place in places.values()])
                    lines.append(reader.line_num)
                if len(rows) == AT_ONCE:
                    yield _by_name(places, rows), lines
                    last, rows, lines, is_any = rows[-1:], [], [], True
            if rows:
                yield _by_name(places, rows), lines
    except FileNotFoundError:
        raise complaint("there is no such file", file=file) from None
    except UnicodeDecodeError as error:
        raise complaint(f"it is not written in UTF-8: {error}", file=file) from error
    except csv.Error as error:
        raise BadInput([Problem(f"not CSV: {error}", file=file, line=reader.line_num)]) from error
    if not rows and not is_any:
        raise complaint("it has no operations", file=file, expected="a line of names, then one an operation")
    if max(places.values()) == len(names) - 1 and not _is_ended(path):
        raise _unended(file, reader.line_num, names[-1], (rows or last)[-1][_last(places)])


def _is_ended(path: Path) -> bool:
    """Whether the last line of a file has an end."""
    with path.open("rb") as source:
        source.seek(-1, os.SEEK_END)
        return source.read(1) in (b"\n", b"\r")


def _last(places: Mapping[str, int]) -> int:
    """Which of the mapped columns is the last one of the file."""
    return list(places.values()).index(max(places.values()))


def _unended(file: str, line: int, column: str, cell: str) -> BadInput:
    what = f"the last line has no end, so that its last cell, {cell!r}, may have been cut short"
    mend = f"if the line is whole, end it: printf '\\n' >> {file}"
    return BadInput(
        [Problem(what, file=file, line=line, key=column, expected="a line break after it", mend=mend)]
    )


def _by_name(places: Mapping[str, int], rows: list[list[str]]) -> dict[str, list[str]]:
    return dict(zip(places, (list(column) for column in zip(*rows, strict=True)), strict=True))


def _place(theirs: str, names: list[str], file: str) -> int:
    if names.count(theirs) == 1:
        return names.index(theirs)
    near = difflib.get_close_matches(theirs, names, 1)
    what = f"the first line has {'two columns' if theirs in names else 'no column'} {theirs!r}"
    mend = f"perhaps {near[0]}" if near and theirs not in names else ""
    raise BadInput([Problem(what, file=file, line=1, expected=f"one of {', '.join(names)}", mend=mend)])


def _reader(name: str, unit: str, words: Mapping[str, Mapping[str, str]]) -> Callable[[str], Any]:
    """What reads a cell of a column of ours; ValueError with what was expected."""
    if name in TIMES:
        return lambda text: _time(text, "s" if unit == "iso" and name == ELAPSED else unit)
    if name in WORDS:
        known = {word: word for word in WORDS[name]} | dict(words.get(name, {}))
        return lambda text: _word(text, name, known)
    if name == "given_back":
        return lambda text: _word(text.lower(), name, YES_NO)
    return _whole if name in INTEGERS else str


def _word(text: str, name: str, known: Mapping[str, Any]) -> Any:
    if text in known:
        return known[text]
    mend = f"; say what it means, as in {text}=granted" if name == "answer" else ""
    raise ValueError(f"one of {', '.join(word for word in known if word)}{mend}")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("a whole number") from None


def _time(text: str, unit: str) -> int:
    if unit == "iso":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("a date and time, as in 2022-04-01T09:00:00.123456Z") from None
        since = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * NS["s"] + since.microseconds * NS["us"]
    if text.isdecimal() and text.isascii():
        return int(text) * NS[unit]
    try:
        return round(Decimal(text) * NS[unit])
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"a number of {unit}") from None


class _Cells:
    """Reads columns of cells, and gathers what is wrong with them."""

    def __init__(self, file: str, columns: Mapping[str, str]) -> None:
        self.file, self.columns = file, columns
        self.lines: list[int] = []
        """Of the rows that are looked at."""
        self.problems: list[Problem] = []

    def converted(self, name: str, texts: list[str], read: Callable[[str], Any]) -> list[Any]:
        """The cells of a column as values, None where a cell is empty or wrong."""
        found = []
        known: dict[str, Any] = {"": None}
        for row, text in enumerate(texts):
            if text not in known:
                value = self._value(name, row, text, read)
                if name in TIMES or value is None:
                    found.append(value)
                    continue
                known[text] = value
            found.append(known[text])
        return found

    def _value(self, name: str, row: int, text: str, read: Callable[[str], Any]) -> Any:
        try:
            return read(text)
        except ValueError as error:
            if len(self.problems) < MOST_PROBLEMS:
                key, what = self.columns.get(name, name), f"{text!r} is no {name}"
                where = self.lines[row] if name in self.columns else 0
                self.problems.append(Problem(what, file=self.file, line=where, key=key, expected=str(error)))
            return None

    def complain(self) -> None:
        if self.problems:
            raise BadInput(sorted(self.problems, key=lambda problem: problem.line))


class _Gathered:
    """Rows that were read, as columns: texts by code."""

    def __init__(self, file: str) -> None:
        self.file, self.count = file, 0
        self.lines: list[Column] = []
        self.parts: dict[str, list[Column]] = {}
        self.codes: dict[str, dict[str, int]] = {}

    def add(self, plain: dict[str, list[Any]], lines: list[int]) -> None:
        """Take some more rows."""
        if ELAPSED in plain:
            pairs = zip(plain["invoked_ns"], plain.pop(ELAPSED), strict=True)
            plain["completed_ns"] = [
                None if begun is None or took is None else begun + took for begun, took in pairs
            ]
        if "answer" in plain:
            plain["answer"] = [answer or None for answer in plain["answer"]]
        if "result" not in plain:
            plain["result"] = list(_results(plain, len(lines)))
        for name, values in plain.items():
            part = self._coded(name, values) if name in TEXTS else self._numbers(name, values, lines)
            self.parts.setdefault(name, []).append(part)
        self.lines.append(np.array(lines, dtype=np.int64))
        self.count += len(lines)

    def _coded(self, name: str, values: list[Any]) -> Column:
        code = self.codes.setdefault(name, {})
        found = (NOBODY if text is None else code.setdefault(text, len(code)) for text in values)
        return np.fromiter(found, dtype=np.int32, count=len(values))

    def _numbers(self, name: str, values: list[Any], lines: list[int]) -> Column:
        return plain_array(name, values, self.file, lines, begins=self.count)

    def history(self, header: Header) -> History:
        """All of it."""
        given: dict[str, Any] = {}
        for name in list(self.parts):
            column = np.concatenate(self.parts.pop(name))
            given[name] = Coded(column, Names(list(self.codes[name]))) if name in TEXTS else column
        given["index"] = np.arange(self.count, dtype=np.int64)
        lines = np.concatenate(self.lines)
        history = History(header, Columns(self.count, given), is_whole=False)
        found = sound(history, self.file, lines)
        once(found, self.file, lines)
        return found


def _results(plain: dict[str, list[Any]], count: int) -> Iterator[str]:
    nothing = [None] * count
    for answer, done in zip(plain.get("answer", nothing), plain.get("completed_ns", nothing), strict=True):
        yield "pending" if done is None else "info" if answer is None else result_of(answer)
