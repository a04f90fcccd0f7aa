"""Histories as JSON lines: the header, then one line an operation.

A file that is as it should be is read by columns, quickly; any other is read line by line, slowly, which
finds the first line that is wrong, and why. The header may say how many `operations` follow; ours do, so
that a file which lost its last lines is noticed.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.header import COUNT, Header, header_from_plain
from loadtests.histories.columns import COLUMNS, INTEGERS, TEXTS, Columns, absent_from
from loadtests.histories.plain import plain_array
from loadtests.histories.sound import in_place, once, refusal, sound
from loadtests.histories.table import History
from sim.errors import BadInput, Problem, complaint

OPERATIONS: Final = COUNT
"""How many operations follow the header."""
AT_ONCE: Final = 1 << 24
"""Bytes that are looked at in one go."""
ROWS_AT_ONCE: Final = 1 << 12
"""Rows that are objects of Python at a time, where a file is read line by line."""


def write_lines(history: History, path: Path) -> None:
    """Write the file; OSError if there is no room."""
    header = history.header.as_plain() | {OPERATIONS: len(history)}
    with path.open("w", encoding="utf-8") as file:
        for plain in (header, *history.rows()):
            file.write(json.dumps(plain, ensure_ascii=False) + "\n")


def read_lines(path: Path, *, in_batches: bool = False) -> History:
    """Read the file; BadInput with the line of the first thing that is wrong.

    `in_batches`: never a whole column as Arrow has it, for arrays that lie on disk (loadtests/spilling).
    """
    header, expected, begins = _header(path)
    found = _by_columns(path, header, begins, in_batches=in_batches)
    if found is None or expected not in (None, len(found)):
        found = _by_lines(path, header, expected)
    return replace(found, is_whole=expected is not None)


def glance(path: Path) -> tuple[Header, int]:
    """The header, and how many lines follow it: about, by the lengths of those that the file begins with.

    A file without a header of ours (CSV) has none. BadInput if it is empty.
    """
    with path.open("rb") as source:
        block = source.read(AT_ONCE)
    lines = max(1, block.count(b"\n"))
    count = round(path.stat().st_size * lines / max(1, len(block)))
    return (_header(path)[0] if block.lstrip().startswith(b"{") else Header()), max(0, count - 1)


def _header(path: Path) -> tuple[Header, int | None, int]:
    """The header, how many operations it promises, and where they begin."""
    begins, file = 0, str(path)
    with path.open("rb") as source:
        for number, line in enumerate(source, start=1):
            begins += len(line)
            if line.strip():
                plain = _parsed(line, number, file)
                break
        else:
            expected = "a header, then one line an operation"
            raise complaint("the file is empty", file=file, expected=expected)
    plain = plain if isinstance(plain, dict) else {}
    count = plain.pop(OPERATIONS, None)
    if count is not None and type(count) is not int:
        raise complaint(f"{count!r} is no number of operations", file=file, key=OPERATIONS)
    return header_from_plain(plain, file), count, begins


def _by_lines(path: Path, header: Header, expected: int | None) -> History:
    file, rows, number, is_first = str(path), _Rows(str(path)), 0, True
    with path.open("rb") as source:
        for number, line in enumerate(source, start=1):
            if line.strip() and not is_first:
                rows.add(_row(line, number, file), number)
            is_first &= not line.strip()  # the header
    columns, lines = rows.columns()
    if expected is not None and len(lines) != expected:
        what = f"the header says that {expected:,} operations follow, and {len(lines):,} do"
        raise BadInput(
            [Problem(what, file=file, line=number, mend="restore the file: it was cut or doubled")]
        )
    index = columns.pop("index", None)
    history = sound(History(header, Columns(len(lines), columns)), file, lines)
    if isinstance(index, np.ndarray):
        in_place(index, file, lines)
    once(history, file, lines)
    return history


class _Rows:
    """Rows that become columns so many at a time, since as objects of Python they take ten times the room."""

    def __init__(self, file: str) -> None:
        self.file, self.count = file, 0
        self.rows: list[dict[str, Any]] = []
        self.numbers: list[int] = []
        """Lines of these rows."""
        self.parts: dict[str, list[Any]] = {}
        """Of every column that was said anything of: NumPy arrays of numbers and words, Arrow's of texts."""
        self.lines: list[NDArray[np.int64]] = []

    def add(self, row: dict[str, Any], line: int) -> None:
        """Add a row; BadInput for a word or a number that cannot be, in this one or a few before it."""
        self.rows.append(row)
        self.numbers.append(line)
        if len(self.rows) == ROWS_AT_ONCE:
            self._put_away()

    def columns(self) -> tuple[dict[str, Any], NDArray[np.int64]]:
        """The columns that something was said of, and the line of every row."""
        import pyarrow as pa  # type: ignore[import-untyped]

        from loadtests.histories.parquet import column_of

        self._put_away()
        given: dict[str, Any] = {}
        for name, parts in self.parts.items():
            is_text = name in TEXTS
            given[name] = (
                column_of(pa.chunked_array(parts), name, self.file) if is_text else np.concatenate(parts)
            )
        return given, np.concatenate([np.zeros(0, dtype=np.int64), *self.lines])

    def _put_away(self) -> None:
        said = set().union(*self.rows) | self.parts.keys()
        for name in COLUMNS:
            if name not in said:
                continue
            if name not in self.parts:
                self.parts[name] = [_texts(absent_from(name, self.count), name)] if self.count else []
            values = [row.get(name) for row in self.rows]
            column = plain_array(name, values, self.file, self.numbers, begins=self.count)
            try:
                self.parts[name].append(_texts(column, name))
            except UnicodeEncodeError as error:  # half a surrogate pair, as JSON can have it
                row = next(row for row, value in enumerate(values) if not _is_text(value))
                what = f"{values[row]!r} is no text: {error.reason}"
                line = {self.count + row: self.numbers[row]}
                raise refusal(self.count + row, what, file=self.file, lines=line, key=name) from error
        self.lines.append(np.array(self.numbers, dtype=np.int64))
        self.count += len(self.rows)
        self.rows, self.numbers = [], []


def _is_text(value: Any) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


def _texts(column: Any, name: str) -> Any:
    """Texts as Arrow has them, in a quarter of the room; whatever else is in columns stays as it is."""
    if name not in TEXTS:
        return column
    import pyarrow as pa

    is_none = not isinstance(column, np.ndarray)
    return pa.nulls(len(column.codes), pa.string()) if is_none else pa.array(column.tolist(), pa.string())


def _row(line: bytes, number: int, file: str) -> dict[str, Any]:
    plain = _parsed(line, number, file)
    if isinstance(plain, dict) and not set(plain) - set(COLUMNS):
        return plain
    strange = ", ".join(sorted(set(plain) - set(COLUMNS))) if isinstance(plain, dict) else repr(plain)
    raise BadInput([Problem(f"unknown: {strange}", file=file, line=number, expected=", ".join(COLUMNS))])


def _parsed(line: bytes, number: int, file: str) -> Any:
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        text = line[:100].decode("utf-8", "replace").rstrip()
        raise BadInput([Problem(f"not JSON: {error}", file=file, line=number, text=text)]) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(one for one, other in pairwise(sorted(name for name, _ in pairs)) if one == other)
        raise ValueError(f"{twice} is there twice")
    return found


def _by_columns(path: Path, header: Header, begins: int, *, in_batches: bool = False) -> History | None:
    """The history, if every line is an object and nothing about any of them is wrong."""
    lines = _objects(path, begins)
    if not lines:
        return None
    import pyarrow as pa

    try:
        given = (_gathered if in_batches else _columns)(path, begins, lines)
        if given is None:
            return None  # two objects in one line
        index = given.pop("index", None)
        history = sound(History(header, Columns(lines, given)), str(path))
        if isinstance(index, np.ndarray):
            in_place(index, str(path))
        once(history, str(path))
    except MemoryError:
        raise  # Arrow's is an exception of Arrow, too
    except (pa.ArrowException, BadInput):
        return None  # line by line it is found where
    return history


def _batches(path: Path, begins: int) -> Iterator[Any]:
    """The lines as batches of Arrow; ArrowException for what is not as it should be."""
    import pyarrow as pa
    from pyarrow import json as arrow_json

    types = {name: pa.int64() for name in INTEGERS} | {"given_back": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    with path.open("rb") as source:
        source.seek(begins)
        yield from arrow_json.open_json(source, parse_options=options)


def _columns(path: Path, begins: int, count: int) -> dict[str, Any] | None:
    """The columns that something is said of; None if there is another number of rows."""
    import pyarrow as pa

    from loadtests.histories.parquet import column_of

    chunks: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for batch in _batches(path, begins):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            is_text = pa.types.is_string(column.type)
            chunks[name].append(column.dictionary_encode() if is_text else column)
    if sum(len(chunk) for chunk in chunks["op"]) != count:
        return None
    return {
        name: column_of(pa.chunked_array(parts), name, str(path))
        for name, parts in chunks.items()
        if any(chunk.null_count < len(chunk) for chunk in parts)
    }


def _gathered(path: Path, begins: int, count: int) -> dict[str, Any] | None:
    """The same, gathered batch by batch."""
    from loadtests.spilling.gathering import Gathered

    columns = {name: Gathered(name, count, str(path)) for name in COLUMNS}
    for batch in _batches(path, begins):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            columns[name].add(column)
    if columns["op"].filled != count:
        return None
    return {name: column.column() for name, column in columns.items() if column.is_said}


def _objects(path: Path, begins: int) -> int:
    """How many lines follow the header; 0 unless each is an object by its first and last byte."""
    before, count = b"\n", 0
    with path.open("rb") as source:
        source.seek(begins)
        while block := source.read(AT_ONCE):
            held = np.frombuffer(before + block, dtype=np.uint8)
            ends = np.flatnonzero(held[:-1] == ord("\n"))
            ends = ends[ends >= len(before) - 1]  # those before that have been looked at
            if (held[ends + 1] != ord("{")).any() or (held[ends[ends > 0] - 1] != ord("}")).any():
                return 0
            count += len(ends)
            before = bytes(held[-2:])
    return count if before.endswith((b"}\n", b"}")) else 0
