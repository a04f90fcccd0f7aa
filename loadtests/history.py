"""The history of a load test: one row an operation attempted, with the interval in which it took effect.

Any tool may write one: a Parquet file, or JSON lines. It is judged by what is in the file alone.

JSON lines. The first line is the header, an object; every other line is an operation. A field that does not
apply is left out or null. The header may also say how many `operations` follow, so that a file which lost
its last lines is noticed; ours do. The smallest useful history:

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
    note          anything; begins with "not eligible: RULE" where the applicant may not have a slot, with
                  "reason: WHY" in a release that is no withdrawal (refusal or expiry), and with "audit" in a
                  reading after the run: "audit; listed" if the hold rows are all the holders

Times are int64 nanoseconds of the master's CLOCK_MONOTONIC; intervals are closed, and equal times are
concurrent. Where several hosts sent, `clock_bound_ns` is by how much any time may be wrong, and `widened`
gives the intervals that are certain.

In memory a column is an array: words of op, result and answer as int8 codes (index in protocol's tuples, -1
for none), other words as objects (None for none), integers as int64 (ABSENT for none), completed_ns as NEVER
where null, given_back as int8 (-1, 0, 1). `history.coded(name)` gives other words as int32 codes beside the
distinct texts, which is how anything that looks at every row should read them. Columns are read from a
Parquet file when they are first asked for.

The header of JSON lines may say how many `operations` follow. One that does not can have lost its end, and is
never VALID, unless it ends with an audit.

A file may leave out any column but op and invoked_ns; loadtests/histories/sound.py lists what is refused.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from loadtests.header import Header
from loadtests.histories.columns import (
    ABSENT,
    COLUMNS,
    INTEGERS,
    NEVER,
    NOBODY,
    NOWHERE,
    TEXTS,
    WORDS,
    Coded,
    Column,
    Columns,
    Names,
    text_column,
)
from loadtests.histories.plain import history_of
from loadtests.histories.table import History, plain_column
from sim.errors import BadInput, complaint

if TYPE_CHECKING:
    from loadtests.trace import Trace

NOT_ELIGIBLE: Final = "not eligible: "
"""What the note of a claim begins with whose applicant may not be granted a slot; the rule comes next."""
REASON: Final = "reason: "
"""What the note of a release begins with that is no withdrawal; refusal or expiry comes next."""
HARNESS: Final = "harness"
"""The host of operations that are not of the trace: what was asked again, and the audit."""
AUDIT: Final = "audit"
"""What the note begins with of a reading that was taken when nothing was under way any more."""

__all__ = [
    "ABSENT",
    "AUDIT",
    "COLUMNS",
    "HARNESS",
    "INTEGERS",
    "NEVER",
    "NOBODY",
    "NOT_ELIGIBLE",
    "NOWHERE",
    "REASON",
    "TEXTS",
    "WORDS",
    "Coded",
    "Column",
    "Columns",
    "History",
    "Names",
    "glance",
    "history_of",
    "merge",
    "plain_column",
    "read",
    "text_column",
    "write",
]


def write(history: History, path: Path) -> None:
    """Write a Parquet file, or JSON lines if the name ends in .jsonl; the same history, the same bytes."""
    from loadtests.histories import lines, parquet

    temporary = path.with_name(path.name + ".unfinished")
    try:
        if path.suffix == ".jsonl":
            lines.write_lines(history, temporary)
        else:
            parquet.write_parquet(history, temporary)
        temporary.replace(path)
    except OSError as error:
        raise _unwritten(path, error.strerror or str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path, *, in_batches: bool = False) -> History:
    """Read a file of either form; BadInput if it cannot be a history.

    `in_batches`: so that memory never has a whole column; for arrays that lie on disk (loadtests/spilling).
    """
    from loadtests.histories import lines, parquet

    if not path.is_file():
        raise complaint("there is no such file", file=str(path))
    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    reader = parquet.read_parquet if is_parquet else lines.read_lines
    return reader(path, in_batches=in_batches)


def glance(path: Path) -> tuple[Header, int]:
    """The header of a file, and how many operations it has: about, where only its size says so.

    BadInput if it has no header of ours; OSError if it cannot be read.
    """
    from loadtests.histories import lines, parquet

    with path.open("rb") as file:
        is_parquet = file.read(4) == b"PAR1"
    return parquet.glance(path) if is_parquet else lines.glance(path)


def merge(folder: Path, trace: "Trace", header: Header) -> History:
    """One history of what all workers left in the folder, dead ones included, on the master's clock."""
    from loadtests.merging import merged

    return merged(folder, trace, header)


def _unwritten(path: Path, why: str) -> BadInput:
    return complaint(
        f"the history cannot be written: {why}",
        file=str(path),
        mend="free some room; the rows of the workers beside it are kept, so nothing is lost",
    )
