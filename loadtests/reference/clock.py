"""The service's clock, which may run faster than time and may be stepped, and a board that its workers share.

A compressed year end is the service's year end too: the clock starts at `origin` and runs `rate` times as
fast as time. The nemesis steps this clock and never the machine's. All workers of a service read the same
board, a small mapped file: the step of the clock, a number that rises when the schedule has changed, and how
far the service has come with what it orders by itself.
"""

import asyncio
import contextlib
import datetime
import fcntl
import mmap
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

_WORD = struct.Struct("<q")  # eight aligned bytes: written and read whole
_STEP, _GENERATION, _ORDERED = 0, 8, 16
SIZE = 24
NEVER_AGAIN = 2**62
TURN_S = 0.005  # between two looks whether another worker has made the orders


class Board:
    """What all workers of one service see at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._words = mmap.mmap(self._file.fileno(), SIZE)

    @staticmethod
    def create(path: Path) -> None:
        """A new board; of one that an earlier service has left here, what was ordered is kept."""
        before = path.read_bytes() if path.exists() else b""
        ordered = _WORD.unpack_from(before, _ORDERED)[0] if len(before) == SIZE else 0
        words = bytearray(SIZE)
        _WORD.pack_into(words, _ORDERED, 0 if ordered == NEVER_AGAIN else ordered)
        path.write_bytes(words)

    @property
    def step_ms(self) -> int:
        return int(_WORD.unpack_from(self._words, _STEP)[0])

    @step_ms.setter
    def step_ms(self, step: int) -> None:
        _WORD.pack_into(self._words, _STEP, step)

    @property
    def generation(self) -> int:
        return int(_WORD.unpack_from(self._words, _GENERATION)[0])

    @property
    def ordered_ms(self) -> int:
        """Every order that was due by then has been made; NEVER_AGAIN: there will be no other."""
        return int(_WORD.unpack_from(self._words, _ORDERED)[0])

    @ordered_ms.setter
    def ordered_ms(self, at: int) -> None:
        _WORD.pack_into(self._words, _ORDERED, at)

    @contextlib.asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """While this worker makes the orders no other does; the lock of one that is killed is free again."""
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(TURN_S)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def changed(self) -> None:
        """Tell every worker that the schedule has changed. Two at once may count as one: both are told."""
        _WORD.pack_into(self._words, _GENERATION, time.time_ns())


@dataclass(frozen=True, slots=True)
class Clock:
    """Milliseconds of UTC since 1970, by the service's reckoning."""

    origin_ms: int  # what it showed when it was started
    rate: float  # its seconds in a second
    started_s: float  # when that was, by the machine
    board: Board

    def now_ms(self) -> int:
        elapsed = max(0.0, time.time() - self.started_s)
        return self.origin_ms + int(elapsed * self.rate * 1000) + self.board.step_ms


def iso(at_ms: int) -> str:
    """A moment as text."""
    moment = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(moment: datetime.datetime) -> int:
    """A moment with its zone as milliseconds."""
    assert moment.tzinfo is not None, moment
    return round(moment.timestamp() * 1000)
