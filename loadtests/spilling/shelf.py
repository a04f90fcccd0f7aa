"""Arrays that lie on disk: every large one that NumPy makes meanwhile is a stretch of a file without a name.

    with on_disk(folder) as shelf:
        ...                       # what is made here lies on disk, if it is large

So a history larger than memory is judged by the very code that judges any other, and nothing about a verdict
depends on where its arrays lie. The kernel keeps in memory what is being looked at and writes the rest to the
file; most of what is done with a history goes through a few columns from end to end, for which that is made.

Why not in parts, person by person: only what is asked of one person or one slot can be judged in parts. The
counters, the one order that everything rests on, its replay, the audit and the sensitivity look at the whole,
so that each would have to be written again, with its own mistakes, and what gives slots back would be left
out. Judged on disk, every fragment is judged, by the same rules. What stays in memory was measured (see
loadtests/spilling/room.py).

The file has no name, so that it is gone with the process, however that ends. This needs Linux, a file system
that keeps room for files (ext4, XFS, Btrfs, ...), and the `fast` extra, since what NumPy calls must be
machine code: its memory handlers are those of NEP 49, set through the table of its C interface.
"""

import contextlib
import ctypes
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from loadtests.spilling import stretches
from loadtests.spilling.stretches import FILE, PEAK, SIZE, SMALLEST, Table

LEAST: Final = 1 << 18
"""Bytes from which an array lies on disk: of smaller ones there is never enough to matter."""
SET_HANDLER: Final = 304
"""Place of PyDataMem_SetHandler in the table of NumPy's C interface; it never changes."""
NAME: Final = b"quotalab on disk"


class _Allocator(ctypes.Structure):
    """NumPy's PyDataMem_Handler, version 1."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        *((name, ctypes.c_void_p) for name in ("context", "new", "zeros", "resized", "freed")),
    )


class Shelf:
    """The arrays on disk of one time that some were."""

    def __init__(self, folder: Path, *, least: int = LEAST) -> None:
        """OSError if no file without a name can be made there, or no hole in it."""
        self.table: Table = np.zeros(SIZE, dtype=np.int64)
        """See loadtests/spilling/stretches.py."""
        self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed when the time is over
        self.table[FILE], self.table[SMALLEST] = self.file.fileno(), least
        addresses = [each.address for each in stretches.handlers()]
        self.allocator = _Allocator(NAME, 1, self.table.ctypes.data, *addresses)
        if not stretches.has_room(self.table):
            self.close()
            raise OSError(f"there is no room in {folder}, or none that can be kept for a file")

    @property
    def peak(self) -> int:
        """The most bytes that were on disk at once."""
        return int(self.table[PEAK])

    def close(self) -> None:
        """What is made from now on lies in memory; what lies on disk stays there until nobody needs it."""
        stretches.close(self.table)
        self.file.close()


_KEPT: Final[list[Shelf]] = []
"""Arrays may outlive the time, and need the table to be freed."""


@contextlib.contextmanager
def on_disk(folder: Path, *, least: int = LEAST) -> Iterator[Shelf]:
    """Meanwhile arrays of `least` bytes and more lie in a file without a name in the folder.

    Of this thread only. OSError if the folder will not do; ImportError without the `fast` extra.
    """
    shelf = Shelf(folder, least=least)
    _KEPT.append(shelf)
    before = _set_handler(_capsule(shelf.allocator))
    try:
        yield shelf
    finally:
        _set_handler(before)
        shelf.close()


def _set_handler(capsule: object) -> object:
    """The handler that was there before."""
    umath = import_module("numpy._core._multiarray_umath")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    interface = pointer(umath._ARRAY_API, None)
    assert interface is not None
    table = ctypes.cast(interface, ctypes.POINTER(ctypes.c_void_p))
    function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(table[SET_HANDLER] or 0)
    return function(capsule)


def _capsule(allocator: _Allocator) -> object:
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return make(ctypes.addressof(allocator), b"mem_handler", None)
