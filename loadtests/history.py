"""The history of a load test: one row an operation attempted, with the interval in which it took effect.

Any tool may write one: a Parquet file, or JSON lines. It is judged by what is in the file alone.

JSON lines. The first line is the header, an object; every other line is an operation. A field that does not
apply is left out or null. The smallest useful history:

    {"format": "quotalab-history-1", "caps": [{"name": "2022", "limit": 1, "covers": [["2022", null]]}]}
    {"applicant": "ana", "intake": "2022", "op": "claim", "key": "k1", "invoked_ns": 10, "completed_ns": 25,
     "result": "ok", "answer": "granted", "slot": "1"}             (one line in the file)

Parquet. The same columns, integers as BIGINT; the header as JSON under the key "quotalab" of the file's
metadata.

Columns
    index         order of the rows, from 0; by invoked_ns, then host, worker and the worker's own order
    host, worker  which process sent it; client: which of its simulated clients
    applicant, stream, intake
    op            claim, release, read, open, close, set-cap, refresh; hold: one row a holder of an audit, the
                  interval being that of the audit; fault: an interval of the nemesis; and others that
                  loadtests/protocol.py lists, which no check of slots looks at
    key, chain, attempt   the idempotency key; the person's how-manieth chain of attempts; the attempt in it
    due_ns        when it should have begun; invoked_ns: before its first byte was written;
    completed_ns  after the last byte of its answer was read, null if it never was
    result        ok: a decision was read, refusals included; fail: certainly without effect; info: not known,
                  may take effect at any later time; pending: not completed, read as info
    answer        what it was told, in the words of loadtests/protocol.py; null where nothing was
    value         what a read saw; slot, claim_id, position, cap, given_back: from the answer
    http_status
    note          anything; begins with "not eligible: RULE" where the applicant may not have a slot, and with
                  "audit" in a reading after the run: "audit; listed" if the hold rows are all the holders

Times are int64 nanoseconds of the master's CLOCK_MONOTONIC; intervals are closed, and equal times are
concurrent. Where several hosts sent, `clock_bound_ns` is by how much any time may be wrong, and `widened`
gives the intervals that are certain.

In memory a column is an array: words of op, result and answer as int8 codes (index in protocol's tuples, -1
for none), other words as objects (None for none), integers as int64 (ABSENT for none), completed_ns as NEVER
where null, given_back as int8 (-1, 0, 1).
"""

import json
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.header import FORMAT, Header, header_from_plain
from loadtests.protocol import ANSWERS, OPS, RESULTS
from sim.errors import BadInput, Problem, complaint

if TYPE_CHECKING:
    from loadtests.trace import Trace

METADATA_KEY: Final = "quotalab"
NEVER: Final = 2**63 - 1
"""completed_ns of an operation that never completed: it may take effect at any later time."""
NOT_ELIGIBLE: Final = "not eligible: "
"""What the note of a claim begins with whose applicant may not be granted a slot; the rule comes next."""
HARNESS: Final = "harness"
"""The host of operations that are not of the trace: what was asked again, and the audit."""
AUDIT: Final = "audit"
"""What the note begins with of a reading that was taken when nothing was under way any more."""
ABSENT: Final = -(2**63)
"""An integer that is not there."""

WORDS: Final[dict[str, tuple[str, ...]]] = {"op": OPS, "result": RESULTS, "answer": ANSWERS}
TEXTS: Final = ("host", "applicant", "stream", "intake", "key", "slot", "claim_id", "cap", "note")
INTEGERS: Final = (
    *("index", "worker", "client", "chain", "attempt"),
    *("due_ns", "invoked_ns", "completed_ns", "value", "position", "http_status"),
)
COLUMNS: Final = (
    *("index", "host", "worker", "client", "applicant", "stream", "intake", "op", "key", "chain", "attempt"),
    *("due_ns", "invoked_ns", "completed_ns", "result", "answer", "value", "slot", "claim_id", "position"),
    *("cap", "given_back", "http_status", "note"),
)

Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class History:
    """A header and its operations, in the order of `index`."""

    header: Header
    columns: dict[str, Column]

    def __post_init__(self) -> None:
        assert set(self.columns) == set(COLUMNS), set(self.columns) ^ set(COLUMNS)
        lengths = {len(column) for column in self.columns.values()}
        assert len(lengths) == 1, lengths

    def __len__(self) -> int:
        return len(self.columns["index"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def is_op(self, *ops: str) -> NDArray[np.bool_]:
        """Which rows have one of these ops."""
        return np.isin(self.columns["op"], [OPS.index(op) for op in ops])

    def is_answer(self, *answers: str) -> NDArray[np.bool_]:
        """Which rows have one of these answers."""
        return np.isin(self.columns["answer"], [ANSWERS.index(answer) for answer in answers])

    def is_result(self, *results: str) -> NDArray[np.bool_]:
        """Which rows have one of these results."""
        return np.isin(self.columns["result"], [RESULTS.index(result) for result in results])

    def widened(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Intervals in which each operation certainly took effect, if at all: invoked and completed, in ns.

        An operation whose result is not ok or fail may take effect at any time after its invocation.
        """
        bound = self.header.clock_bound_ns
        invoked = self.columns["invoked_ns"] - bound
        is_known = self.is_result("ok", "fail") & (self.columns["completed_ns"] < NEVER - bound)
        completed = np.where(is_known, np.where(is_known, self.columns["completed_ns"], 0) + bound, NEVER)
        return invoked, completed

    def rows(self, which: Iterable[int] | None = None) -> Iterator[dict[str, Any]]:
        """Rows as plain dicts without what is absent: all of them, or those with these positions."""
        chosen = list(range(len(self)) if which is None else which)
        plain = {name: plain_column(name, column[chosen]) for name, column in self.columns.items()}
        for values in zip(*(plain[name] for name in COLUMNS), strict=True):
            yield {name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None}


def plain_column(name: str, column: Column) -> list[Any]:
    """A column as plain values, None for what is absent."""
    values: list[Any] = column.tolist()
    if name in WORDS:
        words = WORDS[name]
        return [words[code] if code >= 0 else None for code in values]
    if name == "given_back":
        return [None if flag < 0 else bool(flag) for flag in values]
    if name in INTEGERS:
        absent = NEVER if name == "completed_ns" else ABSENT
        return [None if number == absent else number for number in values]
    return values


def history_of(header: Header, rows: Iterable[dict[str, Any]], file: str = "") -> History:
    """A history of plain rows, in their order; BadInput for a word or a number that cannot be."""
    rows = list(rows)
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        columns[name] = _array(name, [row.get(name) for row in rows], file)
    columns["index"] = np.arange(len(rows), dtype=np.int64)
    return _checked(History(header, columns), file)


def _checked(history: History, file: str) -> History:
    columns = history.columns
    wrong = (columns["op"] < 0) | (columns["invoked_ns"] == ABSENT)
    if wrong.any():
        what = f"operation {int(np.argmax(wrong))} has no op or no invoked_ns"
        raise complaint(what, file=file, expected="both, for every operation")
    backwards = columns["completed_ns"] < columns["invoked_ns"]
    if backwards.any():
        raise complaint(f"operation {int(np.argmax(backwards))} completed before it was invoked", file=file)
    columns["result"][columns["result"] < 0] = RESULTS.index("pending")
    return history


def _array(name: str, values: list[Any], file: str) -> Column:
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
        column = np.empty(len(values), dtype=object)
        column[:] = [None if value is None else str(value) for value in values]
        return column
    except KeyError as error:
        raise complaint(
            f"{error.args[0]!r} is not known", file=file, key=name, expected=", ".join(WORDS[name])
        ) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise complaint(f"not a column of whole numbers: {error}", file=file, key=name) from error


def text_column(names: list[str | None], which: Column) -> Column:
    """Words by their codes, as objects that share one string each; -1 is None."""
    table = np.empty(len(names) + 1, dtype=object)
    table[: len(names)] = names
    return table[which]


def write(history: History, path: Path) -> None:
    """Write a Parquet file, or JSON lines if the name ends in .jsonl; the same history, the same bytes."""
    temporary = path.with_name(path.name + ".unfinished")
    try:
        if path.suffix == ".jsonl":
            with temporary.open("w", encoding="utf-8") as file:
                for plain in (history.header.as_plain(), *history.rows()):
                    file.write(json.dumps(plain, ensure_ascii=False) + "\n")
        else:
            _write_parquet(history, temporary)
        temporary.replace(path)
    except OSError as error:
        raise _unwritten(path, error.strerror or str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path) -> History:
    """Read a file of either form; BadInput if it cannot be a history."""
    if not path.is_file():
        raise complaint("there is no such file", file=str(path))
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return _read_parquet(path) if is_parquet else _read_lines(path)


def merge(folder: Path, trace: "Trace", header: Header) -> History:
    """One history of what all workers left in the folder, dead ones included, on the master's clock."""
    from loadtests.merging import merged

    return merged(folder, trace, header)


def _write_parquet(history: History, path: Path) -> None:
    import duckdb

    arrays: dict[str, Column] = {}
    select = []
    for name in COLUMNS:
        column = history.columns[name]
        if name in WORDS:
            column = text_column(list(WORDS[name]), column)
        arrays[name] = column
        if name in INTEGERS:
            absent = NEVER if name == "completed_ns" else ABSENT
            select.append(f"nullif({name}, {absent})::BIGINT AS {name}")
        elif name == "given_back":
            select.append("CASE WHEN given_back >= 0 THEN given_back = 1 END AS given_back")
        else:
            select.append(f'"{name}"::VARCHAR AS "{name}"')
    header = json.dumps(history.header.as_plain(), sort_keys=True, ensure_ascii=False)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("arrays", arrays)
        try:
            connection.execute(
                f"COPY (SELECT {', '.join(select)} FROM arrays) TO {_quoted(str(path))} "
                f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{METADATA_KEY}: {_quoted(header)}}})"
            )
        except duckdb.IOException as error:
            raise _unwritten(path, str(error).splitlines()[0]) from error


def _unwritten(path: Path, why: str) -> Exception:
    return complaint(
        f"the history cannot be written: {why}",
        file=str(path),
        mend="free some room; the rows of the workers beside it are kept, so nothing is lost",
    )


def _read_parquet(path: Path) -> History:
    import duckdb

    place = _quoted(str(path))
    with duckdb.connect() as connection:
        try:
            metadata = dict(
                connection.execute(f"SELECT key, value FROM parquet_kv_metadata({place})").fetchall()
            )
            found = connection.execute(f"SELECT * FROM read_parquet({place})").fetchnumpy()
        except duckdb.Error as error:
            raise complaint(f"not a Parquet file: {str(error).splitlines()[0]}", file=str(path)) from error
    stored = metadata.get(METADATA_KEY.encode())
    header = header_from_plain(json.loads(stored) if stored else {"format": FORMAT}, str(path))
    return _from_arrays(header, found, str(path))


def _from_arrays(header: Header, found: dict[str, Any], file: str) -> History:
    """A history of columns as a reader of Parquet gives them; integers keep their speed."""
    count = len(next(iter(found.values()), ()))
    if strange := set(found) - set(COLUMNS):
        raise complaint(
            f"unknown columns: {', '.join(sorted(strange))}", file=file, expected=", ".join(COLUMNS)
        )
    columns: dict[str, Column] = {}
    for name in COLUMNS:
        column: Any = np.ma.asarray(found[name]) if name in found else _nothing(count)
        if name in INTEGERS and column.dtype.kind in "iu":
            absent = NEVER if name == "completed_ns" else ABSENT
            columns[name] = column.astype(np.int64).filled(absent)
        else:
            columns[name] = _array(name, column.tolist(), file)  # what is masked is None
    columns["index"] = np.arange(count, dtype=np.int64)
    return _checked(History(header, columns), file)


def _nothing(count: int) -> Any:
    """A column that is absent throughout."""
    return np.ma.array(np.empty(count, dtype=object), mask=True)


def _read_lines(path: Path) -> History:
    rows: list[dict[str, Any]] = []
    header: Header | None = None
    for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
        except ValueError as error:
            raise BadInput(
                [Problem(f"not JSON: {error}", file=str(path), line=number, text=line[:100])]
            ) from error
        if header is None:
            header = header_from_plain(plain if isinstance(plain, dict) else {}, str(path))
        elif not isinstance(plain, dict) or (set(plain) - set(COLUMNS)):
            strange = ", ".join(sorted(set(plain) - set(COLUMNS))) if isinstance(plain, dict) else repr(plain)
            raise BadInput(
                [Problem(f"unknown: {strange}", file=str(path), line=number, expected=", ".join(COLUMNS))]
            )
        else:
            rows.append(plain)
    if header is None:
        raise complaint("the file is empty", file=str(path), expected="a header, then one line an operation")
    return history_of(header, rows, str(path))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
