"""Whole columns at once: what a replay of ten million rows is made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def paired(first: NDArray[Any], second: NDArray[Any]) -> Ints:
    """One number for two, neither below -1."""
    return (first.astype(np.int64) + 1) * (int(second.max(initial=0)) + 2) + second + 1


class Groups:
    """Places that belong together, each group in its order."""

    def __init__(self, names: Ints) -> None:
        is_rising = bool((names[1:] > names[:-1]).all())
        self.order = np.arange(len(names)) if is_rising else np.argsort(names, kind="stable")
        ordered = names if is_rising else names[self.order]
        is_first = np.ones(len(names), dtype=np.bool_)
        is_first[1:] = ordered[1:] != ordered[:-1]
        self.is_alone = bool(is_first.all())
        """Whether every group is of one place, for then there is nothing to sum."""
        self.starts = np.maximum.accumulate(np.where(is_first, np.arange(len(names)), 0))
        """In that order, where the group of each begins."""

    def _back(self, ordered: NDArray[Any]) -> NDArray[Any]:
        places = np.empty_like(ordered)
        places[self.order] = ordered
        return places

    def before(self, moves: Ints) -> Ints:
        """At each place, the sum of the moves before it in its group."""
        if self.is_alone:
            return np.zeros(len(moves), dtype=np.int64)
        moved = moves[self.order]
        sums = np.cumsum(moved, dtype=np.int64) - moved
        return self._back(sums - sums[self.starts])

    def any(self, marked: Flags) -> Flags:
        """At each place, whether any of its whole group is marked."""
        if self.is_alone or not marked.any():
            return marked
        has = np.zeros(len(marked), dtype=np.bool_)
        has[self.starts[marked[self.order]]] = True
        return np.asarray(self._back(has[self.starts]), dtype=np.bool_)

    def total(self, values: Ints) -> Ints:
        """At each place, the sum over its whole group."""
        if self.is_alone:
            return values
        sums = np.cumsum(values[self.order])
        ends = np.append(np.flatnonzero(self.starts[1:] != self.starts[:-1]), len(sums) - 1)
        sizes = np.diff(ends, prepend=-1)
        return self._back(np.repeat(np.diff(sums[ends], prepend=0), sizes) if len(sums) else sums)

    def last(self, marked: Flags) -> Ints:
        """At each place, the last marked one of its group that is not after it; -1 where there is none."""
        if self.is_alone:
            return np.where(marked, np.arange(len(marked)), -1)
        latest = np.maximum.accumulate(np.where(marked[self.order], np.arange(len(marked)), -1))
        return self._back(np.where(latest >= self.starts, self.order[latest], -1))

    def first(self, marked: Flags) -> Ints:
        """At each place, the first marked one of its group that is not after it; -1 where there is none."""
        if self.is_alone:
            return self.last(marked)
        return self.last(marked & (self.before(marked.astype(np.int64)) == 0))


def latest(marked: Flags, values: Ints, beginning: int) -> Ints:
    """At each place, the value at the last marked place before it; the beginning where there is none."""
    at = np.flatnonzero(marked)
    if not len(at):
        return np.full(len(marked), beginning, dtype=np.int64)
    since = np.diff(at, append=len(marked) - 1, prepend=-1)
    return np.repeat(np.append(np.int64(beginning), values[at]), since)
