"""Whole columns at once: what a replay of ten million rows is made of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def paired(first: NDArray[Any], second: NDArray[Any]) -> Ints:
    """One number for two, neither below -1."""
    return (first.astype(np.int64) + 1) * (int(second.max(initial=0)) + 2) + second + 1


def among(codes: NDArray[np.integer], *wanted: int) -> Flags:
    """Which codes are one of a few."""
    found: Flags = codes == wanted[0]
    for each in wanted[1:]:
        found |= codes == each
    return found


def places(count: int) -> NDArray[np.integer]:
    """0, 1, 2 ..., in as few bytes as they need."""
    return np.arange(count, dtype=np.int32 if count < 2**31 else np.int64)


def repeated(codes: NDArray[np.integer]) -> Ints:
    """The places whose code another place has as well; not those with a code below 0."""
    at, most = places(len(codes)), int(codes.max(initial=-1)) + 1
    if not most:
        return np.empty(0, dtype=np.int64)
    if most > 8 * len(codes) + 1_000:
        codes = np.where(codes < 0, -1, np.unique(codes, return_inverse=True)[1])
        most = int(codes.max(initial=-1)) + 1
    last, is_often = np.empty(most + 1, dtype=at.dtype), np.zeros(most + 1, dtype=np.bool_)
    last[codes] = at  # of those that write to one place, one wins
    is_often[codes[last[codes] != at]] = True
    is_often[-1] = False
    return np.flatnonzero(is_often[codes])


class Groups:
    """Places that belong together, each group in its order.

    Most places are alone, and for them there is nothing to sum; only the others are put in order.
    """

    def __init__(self, first: NDArray[np.integer], *more: NDArray[np.integer]) -> None:
        """A group is alike in all of these; a place with -1 in the first is in no group but its own."""
        self.at = places(len(first))
        many = repeated(first)
        names = first[many].astype(np.int64)
        for each in more:
            names = paired(names, each[many])
        order = np.argsort(names, kind="stable")
        names = names[order]
        is_first = np.ones(len(names), dtype=np.bool_)
        is_first[1:] = names[1:] != names[:-1]
        self.places = many[order]
        """Those that may not be alone, group by group."""
        self.starts = np.maximum.accumulate(np.where(is_first, np.arange(len(names)), 0))
        """In that order, where the group of each begins."""

    def before(self, moves: NDArray[np.integer]) -> NDArray[np.integer]:
        """At each place, the sum of the moves before it in its group."""
        found = np.zeros(len(moves), dtype=self.at.dtype)
        moved = moves[self.places]
        sums = np.cumsum(moved, dtype=np.int64) - moved
        found[self.places] = sums - sums[self.starts]
        return found

    def any(self, marked: Flags) -> Flags:
        """At each place, whether any of its whole group is marked."""
        found, has = marked.copy(), np.zeros(len(self.places), dtype=np.bool_)
        has[self.starts[marked[self.places]]] = True
        found[self.places] = has[self.starts]
        return found

    def total(self, values: NDArray[np.integer]) -> NDArray[np.integer]:
        """At each place, the sum over its whole group."""
        found = values.copy()
        if len(self.places):
            sums = np.cumsum(values[self.places], dtype=np.int64)
            ends = np.append(np.flatnonzero(self.starts[1:] != self.starts[:-1]), len(sums) - 1)
            found[self.places] = np.repeat(np.diff(sums[ends], prepend=0), np.diff(ends, prepend=-1))
        return found

    def last(self, marked: Flags) -> NDArray[np.integer]:
        """At each place, the last marked one of its group that is not after it; -1 where there is none."""
        found = np.where(marked, self.at, -1)
        latest = np.maximum.accumulate(np.where(marked[self.places], np.arange(len(self.places)), -1))
        found[self.places] = np.where(latest >= self.starts, self.places[latest], -1)
        return found

    def first(self, marked: Flags) -> NDArray[np.integer]:
        """At each place, the first marked one of its group that is not after it; -1 where there is none."""
        return self.last(marked & (self.before(marked.view(np.int8)) == 0))


def latest(marked: Flags, values: NDArray[Any], beginning: int) -> Ints:
    """At each place, the value at the last marked place before it; the beginning where there is none."""
    at = np.flatnonzero(marked)
    if not len(at):
        return np.broadcast_to(np.int64(beginning), len(marked))
    since = np.diff(at, append=len(marked) - 1, prepend=-1)
    return np.repeat(np.append(np.int64(beginning), values[at]), since)
