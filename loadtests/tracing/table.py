"""A trace as a table for other tools: CSV, JSON lines or Parquet, one row a first send.

Columns
    due_s            when, in seconds after the start
    op               claim, ticket, read, refresh or set-cap
    applicant, stream, residence, certificate, letter, complete
                     who applies, and with what; empty in rows of nobody
    intake           the year, or "current" where the service is to choose
    key, chain       the idempotency key, and which application of the person it is, from 0
    hedge_ms         how far behind it the same request is sent again under the same key; empty for not at all
    retries, backoff_ms
                     how often it may be repeated, and the pause before the first time, which doubles
    release_s, reason
                     when what is granted is released, and why: withdrawal, refusal or expiry
    cap, limit       of a set-cap: which cap, and its new limit
What follows from an answer (retries, the claim after a ticket, releases) has no row: nobody knows it before.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from loadtests.protocol import CURRENT, OPS
from loadtests.trace import Trace
from loadtests.tracing.nouns import SECOND_NS
from loadtests.tracing.senders import MS_NS
from sim.errors import complaint

TYPES = {
    "due_s": "DOUBLE",
    "op": "VARCHAR",
    "applicant": "VARCHAR",
    "stream": "VARCHAR",
    "intake": "VARCHAR",
    "key": "VARCHAR",
    "chain": "INTEGER",
    "residence": "VARCHAR",
    "certificate": "BOOLEAN",
    "letter": "BOOLEAN",
    "complete": "BOOLEAN",
    "hedge_ms": "DOUBLE",
    "retries": "INTEGER",
    "backoff_ms": "DOUBLE",
    "release_s": "DOUBLE",
    "reason": "VARCHAR",
    "cap": "VARCHAR",
    "limit": "BIGINT",
}
"""The columns in their order, with their types in Parquet."""
COLUMNS = tuple(TYPES)
Row = dict[str, Any]


def rows(trace: Trace, *, head: int | None = None) -> Iterator[Row]:
    """The rows in the order of their due times, as plain values; what does not apply is None."""
    columns = (trace.due_ns, trace.op, trace.person, trace.chain, trace.intake)
    stop = len(trace.due_ns) if head is None else head
    for due_ns, op, person, chain, year in zip(*(each[:stop].tolist() for each in columns), strict=True):
        row: Row = dict.fromkeys(COLUMNS)
        row |= {"due_s": due_ns / SECOND_NS, "op": OPS[op], "intake": str(year) if year else CURRENT}
        if person >= 0:
            row |= _of_person(trace, person, chain)
        elif (order := trace.orders[chain]).cap:
            row |= {"cap": order.cap, "limit": order.limit}
        yield row


def _of_person(trace: Trace, person: int, chain: int) -> Row:
    hedge_ns, released_ns = int(trace.hedge_ns[person]), trace.release_due_ns(person, chain)
    return {
        "applicant": trace.applicant[person],
        "stream": trace.stream[person],
        "key": trace.key(person, chain),
        "chain": chain,
        "residence": trace.residence[person],
        "certificate": bool(trace.certificate[person]),
        "letter": bool(trace.letter[person]),
        "complete": trace.is_complete(person, chain),
        "hedge_ms": None if hedge_ns < 0 else hedge_ns / MS_NS,
        "retries": int(trace.retries[person]),
        "backoff_ms": int(trace.backoff_ns[person]) / MS_NS,
        "release_s": None if released_ns < 0 else released_ns / SECOND_NS,
        "reason": None if released_ns < 0 else trace.reason(person, chain),
    }


def write_csv(table: Iterable[Row], file: TextIO) -> None:
    """Comma-separated values under a line of names; truth values as true and false."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(row[name]) for name in COLUMNS] for row in table)


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.9f}" if isinstance(value, float) else value


def write_lines(table: Iterable[Row], file: TextIO) -> None:
    """JSON lines without what does not apply."""
    for row in table:
        file.write(json.dumps({name: each for name, each in row.items() if each is not None}) + "\n")


def _write_text(write: Callable[[Iterable[Row], TextIO], None]) -> Callable[[Iterable[Row], Path], None]:
    def written(table: Iterable[Row], path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            write(table, file)

    return written


def _write_parquet(table: Iterable[Row], path: Path) -> None:
    """The CSV with the types of TYPES, which is far quicker than a row at a time."""
    import duckdb

    rough = path.with_name(f"{path.name}.csv")
    try:
        FORMS[".csv"](table, rough)
        columns = ", ".join(f"'{name}': '{kind}'" for name, kind in TYPES.items())
        with duckdb.connect(config={"threads": 1}) as connection:
            connection.execute(
                f"COPY (SELECT * FROM read_csv({_quoted(rough)}, header = true, columns = {{{columns}}})) "
                f"TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
            )
    finally:
        rough.unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


FORMS: dict[str, Callable[[Iterable[Row], Path], None]] = {
    ".csv": _write_text(write_csv),
    ".jsonl": _write_text(write_lines),
    ".parquet": _write_parquet,
}
"""Ending of a file's name -> how its form is written."""


def write(trace: Trace, path: Path, *, head: int | None = None) -> None:
    """Write the rows, or the first of them, in the form that the file's name asks for; BadInput if none."""
    form = FORMS.get(path.suffix)
    if form is None:
        raise complaint(
            f"{path.suffix or 'no ending'} names no form",
            key="--out",
            file=str(path),
            expected=" or ".join(FORMS),
        )
    temporary = path.with_name(f".{path.name}.unfinished")
    try:
        form(rows(trace, head=head), temporary)
        temporary.replace(path)
    except OSError as error:
        raise complaint(
            f"it cannot be written: {error.strerror}", key="--out", file=str(path), mend="give another folder"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
