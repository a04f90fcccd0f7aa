"""Histories as JSON lines: the header, then one line an operation.

A file that is as it should be is read by columns, quickly; any other is read line by line, slowly, which
finds the first line that is wrong, and why. The header may say how many `operations` follow; ours do, so
that a file which lost its last lines is noticed.
"""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from loadtests.header import COUNT, Header, header_from_plain
from loadtests.histories.columns import COLUMNS, INTEGERS, Columns
from loadtests.histories.plain import history_of, plain_array
from loadtests.histories.sound import in_place, once, sound
from loadtests.histories.table import History
from sim.errors import BadInput, Problem, complaint

OPERATIONS: Final = COUNT
"""How many operations follow the header."""
AT_ONCE: Final = 1 << 24
"""Bytes that are looked at in one go."""


def write_lines(history: History, path: Path) -> None:
    """Write the file; OSError if there is no room."""
    header = history.header.as_plain() | {OPERATIONS: len(history)}
    with path.open("w", encoding="utf-8") as file:
        for plain in (header, *history.rows()):
            file.write(json.dumps(plain, ensure_ascii=False) + "\n")


def read_lines(path: Path) -> History:
    """Read the file; BadInput with the line of the first thing that is wrong."""
    header, expected, begins = _header(path)
    found = _by_columns(path, header, begins)
    if found is None or expected not in (None, len(found)):
        found = _by_lines(path, header, expected)
    return replace(found, is_whole=expected is not None)


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
    file = str(path)
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    with path.open("rb") as source:
        number = 0
        for number, line in enumerate(source, start=1):
            if line.strip():
                rows.append(_row(line, number, file) if lines else {})
                lines.append(number)
    del rows[0], lines[0]  # the header
    if expected is not None and len(rows) != expected:
        what = f"the header says that {expected:,} operations follow, and {len(rows):,} do"
        raise BadInput(
            [Problem(what, file=file, line=number, mend="restore the file: it was cut or doubled")]
        )
    history = history_of(header, rows, file, lines=lines)
    if any("index" in row for row in rows):
        index = plain_array("index", [row.get("index") for row in rows], file, lines)
        in_place(index, file, lines)
    once(history, file, lines)
    return history


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


def _by_columns(path: Path, header: Header, begins: int) -> History | None:
    """The history, if every line is an object and nothing about any of them is wrong."""
    lines = _objects(path, begins)
    if not lines:
        return None
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import json as arrow_json

    from loadtests.histories.parquet import column_of

    types = {name: pa.int64() for name in INTEGERS} | {"given_back": pa.bool_()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    chunks: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    try:
        with path.open("rb") as source:
            source.seek(begins)
            for batch in arrow_json.open_json(source, parse_options=options):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    chunks[name].append(column.dictionary_encode() if name not in types else column)
        count = sum(len(chunk) for chunk in chunks["op"])
        if count != lines:
            return None  # two objects in one line
        given = {
            name: column_of(pa.chunked_array(parts), name, str(path))
            for name, parts in chunks.items()
            if any(chunk.null_count < len(chunk) for chunk in parts)
        }
        index = given.pop("index", None)
        history = sound(History(header, Columns(count, given)), str(path))
        if isinstance(index, np.ndarray):
            in_place(index, str(path))
        once(history, str(path))
    except (pa.ArrowException, BadInput):
        return None  # line by line it is found where
    return history


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
