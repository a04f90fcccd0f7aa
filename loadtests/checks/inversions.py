"""How many pairs stand the wrong way round: in one order the one comes first, in another the other.

The values, in the order of the one, are split by their highest bit, then each part by the next bit, and so
on: a pair is counted at the bit at which its two values first differ. Every bit is a few passes over arrays,
so that a million values take about a second.
"""

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Flags, Rows, Times


def inversions(first: Times, second: Times) -> int:
    """Pairs of which the one is before the other by `first`, and after it by `second`; a tie is none."""
    # Of a tie by `first`, the one that is earlier by `second` goes first, so that the pair is none.
    values = second[np.lexsort((second, first))]
    everything = np.ones(len(values), dtype=np.bool_)
    return _crossed(_ranks(values), everything, everything)


def overtakings(ends: Times, begins: Times, places: Times) -> int:
    """Pairs of operations of which one was over before the other began, and has the later place."""
    count = len(places)
    times = np.concatenate([begins, ends])
    is_end = np.arange(2 * count) >= count
    order = np.lexsort((is_end, times))  # at equal times the begin goes first: they are concurrent
    values = _ranks(np.concatenate([places, places]))[order]
    return _crossed(values, is_end[order], ~is_end[order])


def _ranks(values: Times) -> Rows:
    return np.asarray(np.unique(values, return_inverse=True)[1], dtype=np.int64)


def _crossed(values: Rows, is_first: Flags, is_second: Flags) -> int:
    """Pairs of which the first comes before the second, and has the greater value; values are 0, 1, 2, ..."""
    found = 0
    size = len(values)
    starts = np.append(0, np.cumsum(np.bincount(values))) if size else np.zeros(1, dtype=np.int64)
    for bit in reversed(range(int(values.max(initial=0)).bit_length())):
        part = (values >> (bit + 1)) << (bit + 1)
        is_high = (values >> bit) & 1 == 1
        begins = starts[part]  # where the part of each begins
        high = _before(is_high & is_first)
        low = ~is_high & is_second
        found += int((high[:-1] - high[begins])[low].sum())
        ones = _before(is_high)
        mine = ones[:-1] - ones[begins]
        middle = starts[np.minimum(part + (1 << bit), len(starts) - 1)]
        places = np.where(is_high, middle + mine, np.arange(size) - mine)
        order = np.empty(size, dtype=np.int64)
        order[places] = np.arange(size)
        values, is_first, is_second = values[order], is_first[order], is_second[order]
    return found


def _before(which: Flags) -> NDArray[np.int64]:
    """How many are before each place, and before the end."""
    return np.append(0, np.cumsum(which, dtype=np.int64))
