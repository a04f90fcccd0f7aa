"""Texts coded as they come: the same text, the same code, with everything that is kept in arrays.

A dictionary of ten million names as Arrow or Python have it lies in memory, and nowhere else. Here it is
an open table of hashes over the bytes of the texts, in arrays that may lie on disk (shelf.py).
Texts are told apart by their bytes; the hash only says where to look.
"""

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.histories.columns import NOBODY, Names
from sim.engine.compiling import compiled_together

Bytes = NDArray[np.uint8]
Codes = NDArray[np.int32]
Places = NDArray[np.int64]
FREE: Final = -1
SIZE_BITS: Final = 16


def hashed(text: Bytes) -> Any:
    """FNV-1a over the bytes, with its upper half folded in."""
    found = np.uint64(14695981039346656037)
    for byte in text:
        found = (found ^ np.uint64(byte)) * np.uint64(1099511628211)
    return np.int64((found ^ (found >> np.uint64(32))) & np.uint64(0x7FFFFFFF))


def coded(
    begins: Places,
    ends: Places,
    data: Bytes,
    first: int,
    codes: Codes,
    table: Codes,
    starts: Places,
    kept: Bytes,
) -> int:
    """Code texts from `first` on, until all are or there is no room for one more; how many have a code then.

    A text is data[begins:ends]; none where `ends` is before `begins`. `starts` has, at its end, how many
    texts are kept and where the next begins: starts[code] is where the text of a code begins in `kept`.
    """
    mask = len(table) - 1
    count = int(starts[-2])
    for at in range(first, len(begins)):
        if ends[at] < begins[at]:
            codes[at] = -1
            continue
        text = data[begins[at] : ends[at]]
        place = hashed(text) & mask
        code = table[place]
        while code >= 0:
            begin, size = starts[code], len(text)
            is_same = (starts[code + 1] if code + 1 < count else starts[-1]) - begin == size
            step = 0
            while is_same and step < size:
                is_same = kept[begin + step] == text[step]
                step += 1
            if is_same:
                break
            place = (place + 1) & mask
            code = table[place]
        if code < 0:
            end = starts[-1]
            if 2 * count >= len(table) or count + 3 > len(starts) or end + len(text) > len(kept):
                return at
            kept[end : end + len(text)] = text
            starts[count], table[place], code = end, count, count
            count += 1
            starts[-2], starts[-1] = count, end + len(text)
        codes[at] = code
    return len(begins)


def tabled(table: Codes, starts: Places, kept: Bytes) -> None:
    """Put every text that is kept into a new table."""
    mask, count = len(table) - 1, int(starts[-2])
    for code in range(count):
        end = starts[code + 1] if code + 1 < count else starts[-1]
        place = hashed(kept[starts[code] : end]) & mask
        while table[place] >= 0:
            place = (place + 1) & mask
        table[place] = code


@cache
def _compiled() -> dict[str, Any]:
    """The loops under numba; ImportError without the `fast` extra."""
    names = {"np": np, "hashed": hashed, "coded": coded, "tabled": tabled}
    return compiled_together(names, entries=("coded", "tabled"))


class Dictionary:
    """Distinct texts in the order of their first appearance."""

    def __init__(self) -> None:
        self.table: Codes = np.full(1 << SIZE_BITS, FREE, dtype=np.int32)
        self.starts: Places = np.zeros((1 << SIZE_BITS - 1) + 2, dtype=np.int64)
        self.kept: Bytes = np.empty(1 << SIZE_BITS + 3, dtype=np.uint8)

    def __len__(self) -> int:
        return int(self.starts[-2])

    def add(self, begins: Places, ends: Places, data: Bytes, codes: Codes) -> None:
        """Write the code of every text; NOBODY where it ends before it begins."""
        done = 0
        while True:
            args = (begins, ends, data, done, codes, self.table, self.starts, self.kept)
            done = int(_compiled()["coded"](*args))
            if done == len(begins):
                return
            self._grow(int(ends[done] - begins[done]))

    def _grow(self, size: int) -> None:
        """Room for a text of so many bytes, and for more."""
        count, end = len(self), int(self.starts[-1])
        if end + size > len(self.kept):
            kept = np.empty(2 * (end + size), dtype=np.uint8)
            kept[:end] = self.kept[:end]
            self.kept = kept
        if count + 3 > len(self.starts) or 2 * count >= len(self.table):
            starts = np.zeros(2 * len(self.starts), dtype=np.int64)
            starts[:count], starts[-2], starts[-1] = self.starts[:count], count, end
            self.starts = starts
            self.table = np.full(2 * len(self.table), FREE, dtype=np.int32)
            _compiled()["tabled"](self.table, self.starts, self.kept)

    def names(self) -> Names:
        """The texts by code; they stay where they are."""
        import pyarrow as pa  # type: ignore[import-untyped]

        count, end = len(self), int(self.starts[-1])
        is_small = end < 2**31
        starts = np.empty(count + 1, dtype=np.int32 if is_small else np.int64)
        starts[:count], starts[count] = self.starts[:count], end
        kind = pa.string() if is_small else pa.large_string()
        buffers = [None, pa.py_buffer(starts), pa.py_buffer(self.kept[:end])]
        return Names(pa.Array.from_buffers(kind, count, buffers))


assert NOBODY == FREE
