"""Stretches of a file as the memory of arrays: what NumPy calls for a new array, and for one that is done.

A large array is given a stretch of its own before it is used, so that a disk that is full is a MemoryError
like any other, and no crash. A stretch that is done with is spared for the next array of about its size: most
arrays are short-lived and of a few sizes, and a disk takes new stretches, and holes, ill. (All checks of a
million operations took 12 s of CPU without that, and 7 with it; 5 in memory.)
If too much is spared the longest is given back. Whoever calls these functions holds the GIL, so that the
table of stretches needs no lock; and they are compiled, because they are called in the midst of anything.
"""

import types
from functools import cache
from typing import Any, Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from loadtests.spilling import libc
from loadtests.spilling.libc import (
    calloc,
    fallocate,
    free,
    malloc,
    memcpy,
    memset,
    mmap,
    munmap,
    realloc,
)
from sim.engine.compiling import last_changed

PAGE: Final = 4096
FILE, NEXT, LIVE, PEAK, SPARE, SMALLEST, COUNT = range(7)
"""What the table begins with: the file, -1 when it is closed; where the next stretch begins; bytes in use,
the most that were, and bytes that are spared; the least size; how many stretches there are."""
BEGIN: Final = 8
"""Where the stretches begin in the table, each of four: address, length, place in the file, whether it is in
use."""
MOST: Final = 4_000
"""Stretches at once; whatever is more stays in memory."""
SIZE: Final = BEGIN + 4 * MOST
SPARED: Final = 1 << 26
"""Bytes that are spared whatever is in use; and half of what is."""
READ_WRITE, SHARED, HOLE = 3, 1, 3
"""Modes of mmap, and of fallocate: a hole that keeps the size of the file."""
Table: TypeAlias = NDArray[np.int64]


def on_file(table: Table, size: Any, is_zero: bool) -> Any:
    """The address of so many bytes, all 0 if that is asked; 0 if the disk is full, -1 if the table is."""
    length = (size + PAGE - 1) // PAGE * PAGE
    at = fitting(table, length)
    if at >= 0:
        if is_zero:
            memset(table[at], np.int32(0), length)
    else:
        while table[SPARE] > table[LIVE] // 2 + SPARED:
            forget(table, largest_spare(table))
        if table[COUNT] == MOST:
            return -1
        at = added(table, length)
        if at < 0:
            return 0
    table[at + 3] = 1
    table[LIVE] += table[at + 1]
    table[PEAK] = max(table[PEAK], table[LIVE])
    return table[at]


def fitting(table: Table, length: Any) -> Any:
    """Where the table has the least spare stretch that is long enough and not much too long; -1: none."""
    best = -1
    for index in range(table[COUNT]):
        at = BEGIN + 4 * index
        fits = table[at + 3] == 0 and length <= table[at + 1] <= length + length // 4
        if fits and (best < 0 or table[at + 1] < table[best + 1]):
            best = at
    if best >= 0:
        table[SPARE] -= table[best + 1]
    return best


def largest_spare(table: Table) -> Any:
    """Where the table has the longest stretch that is not in use."""
    best = -1
    for index in range(table[COUNT]):
        at = BEGIN + 4 * index
        if table[at + 3] == 0 and (best < 0 or table[at + 1] > table[best + 1]):
            best = at
    table[SPARE] -= table[best + 1]
    return best


def added(table: Table, length: Any) -> Any:
    """Where the table has a new stretch; -1 if the disk is full."""
    begin, file = table[NEXT], np.int32(table[FILE])
    for _ in range(3):  # a signal may come between
        failed = fallocate(file, np.int32(0), begin, length)
        if failed == 0:
            break
    if failed != 0:
        return -1
    address = np.int64(mmap(0, length, np.int32(READ_WRITE), np.int32(SHARED), file, begin))
    if address == -1:
        return -1
    at = BEGIN + 4 * table[COUNT]
    table[at], table[at + 1], table[at + 2] = address, length, begin
    table[COUNT] += 1
    table[NEXT] += length
    return at


def found(table: Table, address: Any) -> Any:
    """Where the table has the stretch at an address; -1 if it is ordinary memory."""
    if address % PAGE == 0:  # as all stretches begin
        for index in range(table[COUNT] - 1, -1, -1):
            if table[BEGIN + 4 * index] == address:
                return BEGIN + 4 * index
    return -1


def give_back(table: Table, at: Any) -> None:
    """Spare a stretch for another array; forget it if there will be none on disk."""
    table[LIVE] -= table[at + 1]
    if table[FILE] < 0:
        forget(table, at)
        return
    table[SPARE] += table[at + 1]
    table[at + 3] = 0


def forget(table: Table, at: Any) -> None:
    """Take a stretch out of memory, and out of the file while that is open."""
    munmap(table[at], table[at + 1])
    if table[FILE] >= 0:
        fallocate(np.int32(table[FILE]), np.int32(HOLE), table[at + 2], table[at + 1])
    table[COUNT] -= 1
    last = BEGIN + 4 * table[COUNT]
    for part in range(4):
        table[at + part] = table[last + part]


def closed(table: Table) -> None:
    """What is in use stays; what is spared is forgotten, with the file."""
    table[FILE] = -1
    for index in range(table[COUNT] - 1, -1, -1):
        if table[BEGIN + 4 * index + 3] == 0:
            forget(table, BEGIN + 4 * index)
    table[SPARE] = 0


def new(context: Any, size: Any) -> Any:
    """NumPy's malloc."""
    table = numba.carray(context, (SIZE,))
    if table[FILE] >= 0 and np.int64(size) >= table[SMALLEST]:
        address = on_file(table, np.int64(size), False)
        if address >= 0:
            return address
    return malloc(size)


def zeros(context: Any, many: Any, size: Any) -> Any:
    """NumPy's calloc."""
    table = numba.carray(context, (SIZE,))
    if table[FILE] >= 0 and np.int64(many * size) >= table[SMALLEST]:
        address = on_file(table, np.int64(many * size), True)
        if address >= 0:
            return address
    return calloc(many, size)


def resized(context: Any, address: Any, size: Any) -> Any:
    """NumPy's realloc."""
    table = numba.carray(context, (SIZE,))
    at = found(table, np.int64(address))
    if at < 0:
        return realloc(address, size)
    moved = new(context, size)
    if moved != 0:
        at = found(table, np.int64(address))  # making room may have moved the entry
        memcpy(moved, address, min(np.int64(size), table[at + 1]))
        give_back(table, at)
    return moved


def freed(context: Any, address: Any, _: Any) -> None:
    """NumPy's free."""
    table = numba.carray(context, (SIZE,))
    at = found(table, np.int64(address))
    if at < 0:
        free(address)
    else:
        give_back(table, at)


def has_room(table: Table) -> bool:
    """Whether a first stretch can be made."""
    at = _compiled()["added"](table, PAGE)
    table[SPARE] += PAGE if at >= 0 else 0
    return bool(at >= 0)


@cache
def handlers() -> tuple[Any, Any, Any, Any]:
    """malloc, calloc, realloc and free as machine code, each with its `address`."""
    namespace = _compiled()
    word, table = numba.types.uintp, numba.types.CPointer(numba.types.int64)
    one, two, none = (table, word), (table, word, word), numba.types.void
    kinds = ((new, word(*one)), (zeros, word(*two)), (resized, word(*two)), (freed, none(*two)))
    made = [numba.cfunc(kind, cache=True)(_among(function, namespace)) for function, kind in kinds]
    return made[0], made[1], made[2], made[3]


def close(table: Table) -> None:
    """What is in use stays; what is spared is forgotten, with the file."""
    _compiled()["closed"](table)


@cache
def _compiled() -> dict[str, Any]:
    """The functions that call each other, as machine code that is kept for the next process."""
    namespace: dict[str, Any] = dict(globals())
    for inner in (forget, fitting, largest_spare, added, found, give_back, on_file, closed, new):
        namespace[inner.__name__] = numba.njit(cache=True)(_among(inner, namespace))
    return namespace


def _among(function: Any, namespace: dict[str, Any]) -> Any:
    """The function as one of those in the namespace, and of the file that changed last of the two it is of.

    sim.engine.compiling says why; it makes functions for Python, and these are called by C.
    """
    code = function.__code__.replace(co_filename=last_changed((libc.__file__, __file__)))
    return types.FunctionType(code, namespace, function.__name__)
