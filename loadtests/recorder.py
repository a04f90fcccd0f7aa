"""The record of a load test as it is made: one row an attempt, on file before the request leaves.

A *worker* is a process that sends requests. It has three files in the run folder's `history/`, which it
shares with nobody, so nothing is locked and nothing waits:

    NAME.rows     fixed rows of 64 bytes, little-endian, in the order in which the attempts began
    NAME.strings  text of the answers: a length (4 bytes) and UTF-8, found by the offset in the row
    NAME.json     who wrote them: host, worker, pid, and what is known of this host's clock

A row has two halves. The *invocation* is written before the send; the *completion* once the answer was read.

    offset  invocation        completion
       0    due_ns       int64          32    completed_ns  int64
       8    invoked_ns   int64          40    value         int64   what a read saw
      16    person       int32          48    position      uint32
      20    client       int32          52    text          uint32  offset in NAME.strings
      24    chain        int16          56    http_status   uint16
      26    attempt      int16          58    present       uint16  which of the optional fields there are
      28    op           uint8          60    result        uint8   index in protocol.RESULTS
      29    mark         uint8          61    answer        int8    index in protocol.ANSWERS, -1 for none
                                        62    mark          uint8

The chain of a person is its number, and KEYS times which of its keys the attempt was under (0: the first).

Each half ends with its mark, which is stored last: a half without its mark was being written when the process
died, and does not count. The pages belong to the kernel, so a SIGKILL of the process loses at most that half
row. (A crash of the whole machine may lose more; nothing is synced to the disk.) Room is allocated before it
is used, so a full disk is an error here, never a bus error in the middle of a row.
"""

import json
import mmap
import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import ANSWER, NONE, RESULT
from sim.errors import complaint

if TYPE_CHECKING:
    from loadtests.profiles.exchange import Classified

ROW_BYTES: Final = 64
MARK: Final = 0xA5
KEYS: Final = 256
"""What the number of a key is multiplied by in a row's chain: 127 renewals of 256 chains a person."""
INVOCATION: Final = struct.Struct("<qqiihhBB")
COMPLETION: Final = struct.Struct("<qqIIHHBbB")
COMPLETION_AT: Final = 32
_invocation, _completion = INVOCATION.pack_into, COMPLETION.pack_into

ROW: Final = np.dtype(
    {
        "names": [
            *("due_ns", "invoked_ns", "person", "client", "chain", "attempt", "op", "invoked"),
            *("completed_ns", "value", "position", "text", "http_status", "present"),
            *("result", "answer", "completed"),
        ],
        "formats": [
            *("<i8", "<i8", "<i4", "<i4", "<i2", "<i2", "u1", "u1"),
            *("<i8", "<i8", "<u4", "<u4", "<u2", "<u2", "u1", "i1", "u1"),
        ],
        "offsets": [0, 8, 16, 20, 24, 26, 28, 29, 32, 40, 48, 52, 56, 58, 60, 61, 62],
        "itemsize": ROW_BYTES,
    }
)

HAS_VALUE, HAS_POSITION, HAS_GIVEN_BACK, GIVEN_BACK = 1, 2, 4, 8
TEXTS: Final = ("slot", "claim_id", "cap", "note", "intake")
"""The fields kept as text, in the order in which they are joined; the flag of the i-th is 16 << i."""
LENGTH: Final = struct.Struct("<I")
_length = LENGTH.pack
SEPARATOR: Final = b"\x1f"

STRINGS_STEP: Final = 1 << 20
MOST_TEXT: Final = 4_000
"""Longest text of one answer in bytes; a longer one loses its end."""


class Recorder:
    """The rows of one worker: opened before the first send, appended to, closed; never changed afterwards."""

    def __init__(self, folder: Path, *, host: str, worker: int, rows: int) -> None:
        """Make the three files, with room for so many rows; more are allocated as they are needed."""
        assert rows > 0, rows
        folder.mkdir(parents=True, exist_ok=True)
        safe = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in host)
        self.path = folder / f"{safe}-{worker}-{os.getpid()}"
        self._about = {
            "format": "quotalab-recorder-1",
            "host": host,
            "worker": worker,
            "pid": os.getpid(),
            "monotonic_ns": time.monotonic_ns(),
            "epoch_ns": time.time_ns(),
            "offset_ns": 0,
            "bound_ns": 0,
            "closed": False,
        }
        self._rows = _Pages(self.path.with_name(self.path.name + ".rows"), rows * ROW_BYTES)
        self._strings = _Pages(self.path.with_name(self.path.name + ".strings"), STRINGS_STEP)
        self._next = 0
        self._text_at = 0
        self._caps: dict[str, int] = {}
        self._room = rows
        self._write_about()

    def clock(self, *, offset_ns: int, bound_ns: int) -> None:
        """Keep how this host's clock stands to the master's: ours less theirs, give or take bound."""
        self._about |= {"offset_ns": offset_ns, "bound_ns": bound_ns}
        self._about.setdefault("related_ns", time.monotonic_ns())
        self._write_about()

    # Names for the arguments would cost as much as the writing, so both halves take them in order too.

    def invoke(
        self, op: int, person: int, chain: int, attempt: int, client: int, due_ns: int, invoked_ns: int
    ) -> int:
        """Put an attempt on file, before its request is written to the socket; the row's number."""
        row = self._next
        if row == self._room:
            self._grow_rows()
        view, at = self._rows.view, row * ROW_BYTES
        _invocation(view, at, due_ns, invoked_ns, person, client, chain, attempt, op, MARK)
        self._next = row + 1
        return row

    def complete(
        self,
        row: int,
        completed_ns: int,
        result: int,
        answer: int,
        http_status: int = 0,
        value: int | None = None,
        slot: str | None = None,
        claim_id: str | None = None,
        position: int | None = None,
        cap: str | None = None,
        given_back: bool | None = None,
        note: str | None = None,
        intake: str | None = None,
    ) -> None:
        """Put the answer of an attempt on file; `intake` only if the service chose it."""
        present = 0
        text_at = 0
        if value is not None:
            present = HAS_VALUE
        if position is not None:
            present |= HAS_POSITION
        if given_back is not None:
            present |= HAS_GIVEN_BACK | (GIVEN_BACK if given_back else 0)
        if slot is not None or claim_id is not None or note is not None or intake is not None:
            text_at = self._keep(
                f"{slot or ''}\x1f{claim_id or ''}\x1f{cap or ''}\x1f{note or ''}\x1f{intake or ''}"
            )
            present |= (
                (16 if slot is not None else 0)
                | (32 if claim_id is not None else 0)
                | (64 if cap is not None else 0)
                | (128 if note is not None else 0)
                | (256 if intake is not None else 0)
            )
        elif cap is not None:  # a rush has thousands of refusals by the same few caps
            present |= 64
            if (text_at := self._caps.get(cap, -1)) < 0:
                text_at = self._caps[cap] = self._keep(f"\x1f\x1f{cap}\x1f\x1f")
        view, at = self._rows.view, row * ROW_BYTES + COMPLETION_AT
        what = (completed_ns, value or 0, position or 0, text_at, http_status, present, result, answer, MARK)
        _completion(view, at, *what)

    def complete_as(self, row: int, completed_ns: int, told: "Classified", intake: str | None = None) -> None:
        """Put a classified answer on file; a play has the fields at hand and writes them itself."""
        self.complete(
            row,
            completed_ns,
            RESULT[told.result],
            ANSWER.get(told.answer, NONE),
            value=told.value,
            slot=told.slot,
            claim_id=told.claim_id,
            position=told.position,
            cap=told.cap,
            given_back=told.given_back,
            note=told.note,
            intake=intake,
        )

    def close(self) -> None:
        """Give back the room that was not used. Files of a process that never comes here are as good."""
        self._rows.close(self._next * ROW_BYTES)
        self._strings.close(self._text_at)
        self._about |= {"closed": True}
        self._write_about()

    def _keep(self, joined: str) -> int:
        data = joined.encode("utf-8", "replace")
        if data.count(SEPARATOR) != len(TEXTS) - 1 or len(data) > MOST_TEXT:  # no answer of a sane service
            data = SEPARATOR.join(data.split(SEPARATOR, len(TEXTS) - 1))[:MOST_TEXT]
        at = self._text_at
        self._text_at = end = at + 4 + len(data)
        if end > self._strings.size:
            self._strings.grow(self._strings.size + STRINGS_STEP)
        self._strings.view[at:end] = _length(len(data)) + data
        return at

    def _grow_rows(self) -> None:
        self._room *= 2
        self._rows.grow(self._room * ROW_BYTES)

    def _write_about(self) -> None:
        place = self.path.with_name(self.path.name + ".json")
        temporary = place.with_name(place.name + ".unfinished")
        try:
            temporary.write_text(json.dumps(self._about), "utf-8")
            os.replace(temporary, place)
        except OSError as error:
            raise _no_room(place, error) from error


class _Pages:
    """A file mapped into memory, which grows by allocation."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self.size = 0
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            self._allocate(size)
        except BaseException:
            os.close(self._file)
            path.unlink()
            raise
        self.view = mmap.mmap(self._file, size)

    def grow(self, size: int) -> None:
        self._allocate(size)
        self.view.close()
        self.view = mmap.mmap(self._file, size)

    def close(self, size: int) -> None:
        if self._file < 0:
            return
        self.view.close()
        os.ftruncate(self._file, size)
        os.close(self._file)
        self._file = -1

    def _allocate(self, size: int) -> None:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file, self.size, size - self.size)
            else:
                os.pwrite(self._file, bytes(size - self.size), self.size)
        except OSError as error:
            raise _no_room(self.path, error) from error
        self.size = size


def _no_room(path: Path, error: OSError) -> Exception:
    return complaint(
        f"the history cannot be recorded: {error.strerror}",
        file=str(path),
        expected="room for 64 bytes an attempt, and for the text of the answers",
        mend="free some room, or give a folder on another disk with --out",
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one worker left behind."""

    host: str
    worker: int
    offset_ns: int
    """This host's monotonic clock minus the master's."""
    bound_ns: int
    """How far the offset may be wrong, either way."""
    pid: int
    is_closed: bool
    """Whether it came to its end; False for a worker that died, or is still at work."""
    rows: NDArray[np.void]
    """Whole invocations in the order in which they were made, as ROW."""
    strings: bytes

    def texts(self, row: NDArray[np.void]) -> tuple[str | None, ...]:
        """The texts of one completed row, in the order of TEXTS."""
        present = int(row["present"])
        if not present >> 4:
            return (None,) * len(TEXTS)
        at = int(row["text"])
        length = int.from_bytes(self.strings[at : at + 4], "little")
        kept = self.strings[at + 4 : at + 4 + length].decode("utf-8", "replace").split("\x1f", len(TEXTS) - 1)
        kept += [""] * (len(TEXTS) - len(kept))
        return tuple(text if present & (16 << i) else None for i, text in enumerate(kept))


def left_in(folder: Path, *, with_rows: bool = True) -> list[Recorded]:
    """What the workers left in a history folder, in the order of host and worker; also those that died."""
    found = [_left_by(place, with_rows) for place in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda each: (each.host, each.worker))


def pack(folder: Path) -> dict[str, bytes]:
    """The files of a history folder, by name, to be sent from a worker's host to the master's."""
    return {
        place.name: place.read_bytes()
        for place in sorted(folder.iterdir())
        if place.suffix in (".rows", ".strings", ".json")
    }


def unpack(folder: Path, files: dict[str, bytes]) -> None:
    """Put files that came from another host into this folder; names are names, never paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        assert Path(name).name == name, name
        assert Path(name).suffix in (".rows", ".strings", ".json"), name
        (folder / name).write_bytes(data)


def related_ns(folder: Path) -> int | None:
    """When the first worker was told how its clock stands, by its clock: the run starts a moment later."""
    told = [json.loads(place.read_text("utf-8")).get("related_ns") for place in folder.glob("*.json")]
    return min((moment for moment in told if moment is not None), default=None)


def _left_by(place: Path, with_rows: bool) -> Recorded:
    about = json.loads(place.read_text("utf-8"))
    data = place.with_suffix(".rows").read_bytes() if with_rows else b""
    rows = np.frombuffer(data[: len(data) // ROW_BYTES * ROW_BYTES], dtype=ROW)
    return Recorded(
        host=about["host"],
        worker=about["worker"],
        offset_ns=about["offset_ns"],
        bound_ns=about["bound_ns"],
        pid=about["pid"],
        is_closed=about["closed"],
        rows=rows[rows["invoked"] == MARK],
        strings=place.with_suffix(".strings").read_bytes() if with_rows else b"",
    )
