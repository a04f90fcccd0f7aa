"""Whether a history fits into memory, and where its arrays lie if it does not.

    fits        it is judged in memory, as most are
    on disk     its arrays lie in a file without a name (loadtests/spilling/shelf.py), in TMPDIR if that is
                set, else beside the history, else where temporary files are; never in a folder of memory
    too large   neither: nothing is judged, and UNKNOWN says what would be needed

What judging needs is reckoned from how many operations the file has: its own metadata say so (Parquet), or
its size, by the lines it begins with. What there is: what was said (--memory), or what the machine has
(loadtests/spilling/machine.py). Bytes an operation were measured, on histories with people, keys and slots;
they vary with the lengths of names and with what was asked.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from loadtests.histories.columns import Columns
from loadtests.history import History, glance
from loadtests.spilling.machine import available, is_memory
from loadtests.verdict import Finding, Verdict, verdict_of
from sim.errors import BadInput, complaint

if TYPE_CHECKING:
    from loadtests.spilling.shelf import Shelf

IN_MEMORY: Final = 500
"""Bytes an operation that judging takes at its peak."""
ON_DISK: Final = 1_000
"""Bytes an operation of the file, where arrays lie on disk."""
LEFT: Final = 20
"""Bytes an operation that stay in memory all the same, beside BASE."""
BASE: Final = 1 << 28
SHARE: Final = 0.8
"""Of what is available, so much is counted on."""
SMALL: Final = 1 << 19
"""A file of fewer bytes is not worth a look at the machine."""
UNITS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
CSV: Final = (".csv", ".tsv")
CHECK: Final = "memory"


@dataclass(frozen=True, slots=True)
class Room:
    """What was decided of one file."""

    operations: int = 0
    """How many it has, or has about."""
    needed: int = 0
    """Bytes that judging it in memory would take."""
    usable: int | None = None
    """Bytes that may be used; None if that was not looked at, or nobody knows."""
    folder: Path | None = None
    """Where arrays lie, if they do not fit."""
    why_not: str = ""
    """Why it cannot be judged at all; empty if it can."""


def bytes_of(text: str) -> int:
    """A size as it is written: 800MB, 1.5GB, 4GiB; BadInput for what is none."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([KMGT]?)(I?)B?", text.strip().upper())
    if found is None or not float(found[1]):
        raise complaint(f"{text!r} is no amount of memory", key="--memory", expected="such as 800MB or 1.5GB")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** UNITS[found[2]])


def room_for(path: Path, *, memory: int | None = None) -> Room:
    """Where the history of a file is to be judged; `memory`: bytes that may be used, None: what there is.

    Nothing is complained of here: whoever reads the file says what is wrong with it.
    """
    try:
        if not path.is_file() or (memory is None and path.stat().st_size < SMALL):
            return Room()
        _, count = glance(path)
    except (BadInput, OSError):
        return Room()
    needed = count * IN_MEMORY
    there = available() if memory is None else memory
    if there is None:
        return Room(count, needed)
    usable = there if memory is not None else int(SHARE * there)
    if needed <= usable:
        return Room(count, needed, usable)
    folder, why_not = _place_for(path, count, usable)
    return Room(count, needed, usable, folder, why_not)


def _place_for(path: Path, count: int, usable: int) -> tuple[Path | None, str]:
    """A folder for the arrays, or why there is none."""
    least = BASE + count * LEFT
    if path.suffix.lower() in CSV:
        return None, "a CSV file is not judged on disk; as Parquet or JSON lines it would be"
    if find_spec("numba") is None:
        return None, "to judge it on disk needs numba, which quotalab[fast] installs"
    if least > usable:
        return None, f"even with its columns on disk it takes {told(least)}"
    folders = [
        Path(folder) for folder in (os.environ.get("TMPDIR"), path.parent, tempfile.gettempdir()) if folder
    ]
    wanted = count * ON_DISK
    for folder in folders:
        can_write = folder.is_dir() and os.access(folder, os.W_OK) and not is_memory(folder)
        if can_write and shutil.disk_usage(folder).free >= wanted:
            return folder, ""
    places = " nor ".join(dict.fromkeys(str(folder) for folder in folders))
    return None, f"neither {places} is on a disk with {told(wanted)} free"


@contextlib.contextmanager
def arrays_in(room: Room) -> "Iterator[Shelf | None]":
    """Meanwhile arrays lie where they are to; BadInput where the folder will not do after all."""
    if room.folder is None:
        yield None
        return
    from loadtests.spilling.shelf import on_disk

    with contextlib.ExitStack() as stack:
        try:
            shelf = stack.enter_context(on_disk(room.folder))
        except OSError as error:
            why = f"the history does not fit into memory, and its columns cannot lie here: {error}"
            raise complaint(why, file=str(room.folder), mend="name another folder: TMPDIR=FOLDER") from error
        yield shelf


class Told(NamedTuple):
    """A file that was judged, or was not."""

    history: History
    """Of one that was not judged the header only."""
    verdict: Verdict
    read_s: float
    judged_s: float


def judged_in(
    room: Room,
    shelf: "Shelf | None",
    path: Path,
    *,
    read: Callable[[], History],
    judge: Callable[[History], Verdict],
) -> Told:
    """Read and judge a file, its arrays lying where `arrays_in` has them; UNKNOWN if there is no room."""
    if room.why_not:
        return _unjudged(path, room, room.why_not)
    begun = time.monotonic()
    try:
        history = read()
    except MemoryError:  # Arrow's is one, too
        where = f"on the disk of {room.folder}" if room.folder else "in memory"
        return _unjudged(path, room, f"there was no room left {where} while it was read")
    is_read = time.monotonic()
    verdict = judge(history)
    if shelf is not None:
        verdict = verdict_of([*verdict.findings, _on_disk(room, shelf)])
    return Told(history, verdict, is_read - begun, time.monotonic() - is_read)


def _unjudged(path: Path, room: Room, why: str) -> Told:
    usable = "" if room.usable is None else f" and may take {told(room.usable)}"
    says = f"not judged: it needs {told(room.needed)} of memory{usable}; {why}"
    on_disk = told(room.operations * ON_DISK)
    mend = f"--memory if there is more, a machine that has it, or TMPDIR=FOLDER with {on_disk} free"
    header, count = glance(path)
    finding = Finding(CHECK, "UNKNOWN", says, mend=mend)
    return Told(History(header, Columns(count, {})), verdict_of([finding]), 0.0, 0.0)


def _on_disk(room: Room, shelf: "Shelf") -> Finding:
    """That a history was judged with its arrays on disk."""
    says = (
        f"judged with its columns on disk, {told(shelf.peak)} at most: in memory it needs "
        f"{told(room.needed)}, and may take {told(room.usable or 0)}"
    )
    return Finding(CHECK, "NOTED", says)


def told(size: int) -> str:
    """An amount of memory for people."""
    if size < 10**6:
        return f"{max(1, round(size / 1e3)):,} kB"
    return f"{size / 1e9:,.1f} GB" if size >= 10**9 else f"{round(size / 1e6):,} MB"
