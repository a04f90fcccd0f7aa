"""Which limit of a cap may have been in force when, if orders to set it have windows; and what follows.

An order to set a cap is in force from some moment of its window until another one is. So a limit is possible
at a moment if its order can have been by then, and no other one certainly came between: one that wholly
followed it, and had been by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear.counters import counters
from loadtests.linear.operations import FULL, GRANT, NOTHING, RELEASE, SET_CAP, Flags, Operations, Whole
from loadtests.pools.pool import EVER

Window: TypeAlias = tuple[int, int]
Effects: TypeAlias = Mapping[int, Window]
"""Orders that nobody answered and that took effect: place -> the window of the effect."""
MOST_ORDERS: Final = 64
"""Orders of one cap, answered or not, that are reckoned with."""


class NotSettled(Exception):
    """These rules say nothing of such a history."""


class _Order(NamedTuple):
    begins: int
    ends: int
    limit: int


def narrowed(history: History, found: Operations, chosen: Sequence[int]) -> Effects | None:
    """The windows of these orders, all having taken effect and no others; None if that cannot be."""
    windows = {each: (int(found.begins[each]), NEVER) for each in chosen}
    caps = sorted({int(found.cap[each]) for each in chosen})
    sides = {cap: _Side(history, found, cap) for cap in caps}
    while True:
        before = dict(windows)
        for place in chosen:
            side = sides[int(found.cap[place])]
            others = side.orders({each: windows[each] for each in chosen if each != place})
            window = side.narrowed(windows[place], int(found.value[place]), others)
            if window[0] > window[1]:
                return None
            windows[place] = window
        if windows == before:
            return windows


def last(found: Operations) -> int:
    """The last time that is on record."""
    ends = found.ends[found.ends < NEVER]
    return int(max(ends.max(initial=0), found.begins.max(initial=0)))


def begins_in(found: Operations, place: int, window: Window) -> Whole:
    """When operations begin in a window of an order, its beginning left out: what can matter to it."""
    begins = found.begins[~found.of(SET_CAP, NOTHING)]
    return np.unique(begins[(begins > window[0]) & (begins <= window[1])])


class _Side:
    """Who observes a cap, and what can have been counted when."""

    def __init__(self, history: History, found: Operations, cap: int) -> None:
        name = history.header.caps[cap].name
        counter = next(each for each in counters(history, found) if each.name == name)
        self.found, self.cap, self.counter = found, cap, counter
        self.tolerance = history.header.spec.tolerance
        answered = np.flatnonzero(found.of(SET_CAP) & (found.cap == cap) & ~found.is_optional)
        if counter.is_stale or not counter.start_known or history.header.shared:
            raise NotSettled
        if len(answered) > MOST_ORDERS:
            raise NotSettled
        self.answered = [_Order(*each) for each in _columns(found, answered)]
        kind, members = found.kind[counter.members], counter.members
        perhaps = np.isin(members, counter.perhaps)
        grants, releases = members[kind == GRANT], members[kind == RELEASE]
        sure = members[(kind == GRANT) & ~found.is_optional[members] & ~perhaps]
        back = members[(kind == RELEASE) & ~found.is_optional[members] & ~perhaps]
        self.sure, self.refused = sure, members[kind == FULL]
        self.begun, self.ended = np.sort(found.begins[grants]), np.sort(found.ends[sure])
        self.back_begun, self.back_ended = np.sort(found.begins[releases]), np.sort(found.ends[back])

    def orders(self, effects: Effects) -> list[_Order]:
        """The orders of this cap, answered ones and these."""
        mine = [each for each in effects if int(self.found.cap[each]) == self.cap]
        return [*self.answered, *(_Order(*effects[each], int(self.found.value[each])) for each in mine)]

    def least(self, begins: Whole, ends: Whole) -> Whole:
        """What was certainly counted at any moment of intervals."""
        ups = np.searchsorted(self.ended, begins, side="left")
        return self.counter.start + ups - np.searchsorted(self.back_begun, ends, side="right")

    def most(self, begins: Whole, ends: Whole) -> Whole:
        """What can have been counted at any moment of intervals."""
        ups = np.searchsorted(self.begun, ends, side="right")
        return self.counter.start + ups - np.searchsorted(self.back_ended, begins, side="left")

    def narrowed(self, window: Window, limit: int, others: list[_Order]) -> Window:
        """The window of an order to set the cap to `limit`; empty, its end before its beginning, if none."""
        begins, ends = window
        first = self.counter.limit
        since, until = self.found.begins[self.refused], self.found.ends[self.refused]
        most = self.most(since, until)
        low, _ = possible(others, first, since, until)
        is_low = most < low  # refused by none of the other limits, so by this one
        if (is_low & (most < limit)).any():
            return 0, EVER
        ends = min(ends, int(until[is_low].min(initial=NEVER)))
        begins = max(begins, self._after(since[most < limit], until[most < limit], begins, others))
        # At the end of a grant so many had been counted, by a grant under some limit until then.
        since, until = self.found.begins[self.sure], self.found.ends[self.sure]
        count = self.counter.start + np.searchsorted(self.ended, until, side="right")
        count -= np.searchsorted(self.back_begun, until, side="right")
        high = _highest(others, first, until) + self.tolerance
        is_high = (count > high) & (count > self.counter.start)
        if (is_high & (count > limit + self.tolerance)).any():
            return 0, EVER
        ends = min(ends, int(until[is_high].min(initial=NEVER)))
        is_full = self.least(since, until) >= limit + self.tolerance
        return max(begins, self._after(since[is_full], until[is_full], begins, others)), ends

    @staticmethod
    def _after(since: Whole, until: Whole, begins: int, others: list[_Order]) -> int:
        """When the order can have been at the earliest, these intervals not being wholly under its limit.

        That is so unless another limit can have been set between the order and the interval.
        """
        later = min((each.begins for each in others if each.ends >= begins), default=NEVER)
        return int(since[until < later].max(initial=EVER))


def _columns(found: Operations, places: Whole) -> list[tuple[int, int, int]]:
    columns = (found.begins, found.ends, found.value)
    return list(zip(*(column[places].tolist() for column in columns), strict=True))


def possible(orders: list[_Order], first: int, begins: Whole, ends: Whole) -> tuple[Whole, Whole]:
    """The lowest and the highest limit that may have been in force at some moment of intervals."""
    low, high = np.full(len(begins), NEVER), np.full(len(begins), EVER)
    for each in (_Order(EVER, EVER, first), *orders):
        later = min((other.ends for other in orders if other.begins > each.ends), default=NEVER)
        may_be = (each.begins <= ends) & (begins <= later)
        low = np.where(may_be, np.minimum(low, each.limit), low)
        high = np.where(may_be, np.maximum(high, each.limit), high)
    return low, high


def _highest(orders: list[_Order], first: int, ends: Whole) -> Whole:
    """The highest limit that may have been in force until a moment."""
    high = np.full(len(ends), first)
    for each in orders:
        high = np.where(each.begins <= ends, np.maximum(high, each.limit), high)
    return high


def relaxed(history: History, base: Operations, found: Operations, effects: Effects) -> Operations:
    """Operations that have an order if those of `found` have one with these effects, and perhaps without.

    The limit steps up as soon as it may be higher, and down when it must be lower; whoever was refused while
    it may have been one of several is not asked why. `base`: the operations without these orders.
    """
    kind, cap = base.kind.copy(), base.cap.copy()
    steps: list[tuple[int, int, int, int]] = []
    for each in sorted({int(found.cap[place]) for place in effects}):
        side = _Side(history, found, each)
        orders = side.orders(effects)
        kind[found.of(SET_CAP) & (found.cap == each)] = NOTHING
        row = next(int(found.row[place]) for place in effects if int(found.cap[place]) == each)
        steps += [(row, each, *step) for step in _steps(orders, side.counter.limit)]
        low, high = possible(orders, side.counter.limit, base.begins[side.refused], base.ends[side.refused])
        cap[side.refused[low < high]] = -1
    return _with_steps(replace(base, kind=kind, cap=cap), steps)


def _steps(orders: list[_Order], first: int) -> list[tuple[int, int]]:
    """When the highest limit that is possible changes, and to what."""
    marks = {each.begins for each in orders} | {each.ends + 1 for each in orders if each.ends < NEVER}
    at = np.array(sorted(marks), dtype=np.int64)
    _, high = possible(orders, first, at, at)
    before = [first, *high[:-1].tolist()]
    return [(int(when), int(now)) for when, now, then in zip(at, high, before, strict=True) if now != then]


def _with_steps(found: Operations, steps: list[tuple[int, int, int, int]]) -> Operations:
    """With further orders: row, cap, when, limit."""
    if not steps:
        return found
    row, cap, when, limit = (np.array(column, dtype=np.int64) for column in zip(*steps, strict=True))
    nothing = np.full(len(steps), -1)
    off: Flags = np.zeros(len(steps), dtype=np.bool_)
    more: dict[str, Any] = {
        "row": row, "kind": np.full(len(steps), SET_CAP), "begins": when, "ends": when, "is_optional": off,
        "person": nothing, "request": nothing, "intake": nothing, "stream": nothing, "cap": cap,
        "value": limit, "moves": off,
    }  # fmt: skip
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(found, name), column]).astype(getattr(found, name).dtype)
        for name, column in more.items()
    }
    return replace(found, **joined)
