"""From the counters one by one to one order of everything.

Counters that count the same grants, such as a cap and the quota of one stream under it, need an order that
suits them all. The one that has every grant is put in order first; the others then get the grants at those
places and only look for a place for what observed them. *Places* alternate: 2i is the i-th operation of the
order, 2i - 1 the gap before it. Where that fails it is tried with every grant as early as can be, and with
the small counters first. An order found is legal, as its replay shows; that none is found means nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.history import History
from loadtests.linear.counters import Counter, pool_of
from loadtests.linear.operations import GRANT, RELEASE, Operations, Whole, among
from loadtests.linear.windows import Windows, copied
from loadtests.pools import pool as pool_module
from loadtests.pools.kernel import judge
from loadtests.pools.pool import GRANT as GRANTS
from loadtests.pools.pool import LIMIT, MANY, Judged, Pool
from loadtests.pools.pool import READ as READS
from loadtests.pools.pool import REFUSAL as REFUSALS
from loadtests.pools.pool import RELEASE as RELEASES

NONE: Final = np.empty(0, dtype=np.int64)


class Line(NamedTuple):
    """Operations in a legal order, each with a time inside its window that never falls."""

    place: Whole
    at: Whole


def components(operations: Operations, counters: list[Counter]) -> list[list[Counter]]:
    """Counters that have operations of one intake in common belong together."""
    groups: list[tuple[set[int], list[Counter]]] = []
    if len(counters) == 1:
        return [counters]
    for counter in counters:
        intakes = set(np.unique(operations.intake[counter.members]).tolist())
        mine, rest = [counter], []
        for others, group in groups:
            if others & intakes:
                intakes |= others
                mine = [*group, *mine]
            else:
                rest.append((others, group))
        groups = [*rest, (intakes, mine)]
    return [sorted(group, key=lambda each: -len(each.members)) for _, group in groups]


def one_line(lines: list[Line]) -> Line:
    """The lines of counters that have nothing to do with each other, in one."""
    if len(lines) == 1:
        return lines[0]
    place = np.concatenate([line.place for line in lines]) if lines else NONE
    at = np.concatenate([line.at for line in lines]) if lines else NONE
    order = np.argsort(at, kind="stable")
    return Line(place[order], at[order])


Ask: TypeAlias = Callable[[Operations, Windows, Counter], tuple[Whole, Judged]]
"""What one counter says under some windows, with the operation at each position of its pool."""


def lined_up(
    history: History, operations: Operations, windows: Windows, group: list[Counter], *, ask: Ask
) -> Line | None:
    """An order of all operations of counters that belong together; None if none was found."""
    master, *others = _with_master(operations, group)
    for narrower in _attempts(history, operations, windows, [master, *others]):
        members, judged = ask(operations, narrower, master)
        if judged.judgement != "VALID":
            continue
        line = _with_others(history, operations, narrower, others, Line(members[judged.order], judged.at))
        if line is not None:
            return Line(line.place[line.place >= 0], line.at[line.place >= 0])
        if not others:
            return None
    return None


def _with_master(operations: Operations, group: list[Counter]) -> list[Counter]:
    """The counters, the one first that has every grant; one without a limit is added if there is none."""
    if len(group) == 1:
        return group
    changes = [each.members[among(operations.kind[each.members], (GRANT, RELEASE))] for each in group]
    every = np.unique(np.concatenate(changes))
    for index, mine in enumerate(changes):
        if len(mine) == len(every):
            return [group[index], *group[:index], *group[index + 1 :]]
    return [Counter("everything", every, MANY, int(np.sum([each.start for each in group])), True), *group]


def _attempts(
    history: History, operations: Operations, windows: Windows, group: list[Counter]
) -> Iterator[Windows]:
    yield windows
    if len(group) == 1:
        return
    between = _between(history, operations, windows, group[1:])
    if between is not None:
        yield between
    early = copied(windows)
    grants = (operations.kind == GRANT) & ~windows.is_optional
    early.ends[grants] = early.begins[grants]
    yield early
    yield from _small_first(history, operations, windows, group[1:])
    yield from _small_first(history, operations, replace(windows, ends=early.ends), group[1:])


def _between(
    history: History, operations: Operations, windows: Windows, small: list[Counter]
) -> Windows | None:
    """Windows in which every choice suits the small counters: from their earliest order to their latest.

    In the latest order each grant is as late as what is observed allows, in the earliest as early. Whatever
    lies between counts no less than the latest at the end of an observation and no more than the earliest at
    its beginning; and counts go one by one, so that the observed count is passed on the way.
    """
    found = copied(windows)
    for counter in reversed(small):
        pool, members = pool_of(history, operations, found, counter)
        if among(pool.kind, (RELEASES, LIMIT)).any():
            return None
        latest = judge(pool)
        if latest.judgement != "VALID":
            return None
        chosen = latest.order[pool.kind[latest.order] == GRANTS]
        late = latest.at[pool.kind[latest.order] == GRANTS]
        earliest = judge(_turned(pool, chosen))
        if earliest.judgement != "VALID":
            return None
        turned = np.concatenate(
            [chosen, np.flatnonzero(pool.kind == READS), np.flatnonzero(pool.kind == REFUSALS)]
        )
        early = np.full(len(pool), pool_module.EVER)
        early[turned[earliest.order]] = -earliest.at
        place = members[chosen]
        begins = np.minimum(early[chosen], late)
        found.begins[place] = np.maximum(found.begins[place], begins)
        found.ends[place] = np.minimum(found.ends[place], late)
        found.is_optional[place] = False
        left_out = members[(pool.kind == GRANTS) & ~np.isin(np.arange(len(pool)), chosen)]
        found.is_out[left_out[left_out >= 0]] = True
    return found


def _turned(pool: Pool, chosen: Whole) -> Pool:
    """The pool with time running backwards: what is left to be granted is counted instead."""
    readings, refusals = np.flatnonzero(pool.kind == READS), np.flatnonzero(pool.kind == REFUSALS)
    which = np.concatenate([chosen, readings, refusals])
    total = pool.start + len(chosen)
    low = np.concatenate(
        [np.zeros(len(chosen), np.int64), total - pool.high[readings], np.full(len(refusals), -MANY)]
    )
    high = np.concatenate(
        [np.full(len(chosen), MANY), total - pool.low[readings], np.full(len(refusals), total - pool.limit)]
    )
    return Pool(
        kind=np.where(pool.kind[which] == GRANTS, GRANTS, READS).astype(np.int8),
        begins=-pool.ends[which],
        ends=-pool.begins[which],
        is_optional=np.zeros(len(which), dtype=np.bool_),
        low=np.maximum(low, 0),
        high=high,
        start=0,
        limit=MANY,
        tolerance=0,
        among=pool.among,
    )


def _small_first(
    history: History, operations: Operations, windows: Windows, small: list[Counter]
) -> Iterator[Windows]:
    """The small counters in order, and their grants and releases at those very times."""
    fixed = copied(windows)
    for counter in reversed(small):
        pool, members = pool_of(history, operations, fixed, counter)
        judged = judge(pool)
        if judged.judgement != "VALID":
            return
        place = members[judged.order]
        mine = (place >= 0) & among(operations.kind[place], (GRANT, RELEASE))
        fixed.begins[place[mine]] = fixed.ends[place[mine]] = judged.at[mine]
        fixed.is_optional[place[mine]] = False
        left_out = np.setdiff1d(members, place)
        fixed.is_out[left_out[left_out >= 0]] = True
    yield fixed


def _with_others(
    history: History, operations: Operations, windows: Windows, others: list[Counter], line: Line
) -> Line | None:
    """The line with what observed the other counters in its gaps; None if one of them cannot be suited."""
    place_of = np.full(len(operations) + 1, -1, dtype=np.int64)
    place_of[line.place] = 2 * np.arange(len(line.place))
    place_of[-1] = -1
    parts, ats, keys = [line.place], [line.at], [2 * np.arange(len(line.place))]
    is_member = among(operations.kind, (GRANT, RELEASE))
    for counter in others:
        gaps = gaps_of(windows.begins, windows.ends, line.at)
        begins = np.where(is_member, place_of[:-1], gaps[0])
        ends = np.where(is_member, place_of[:-1], gaps[1])
        out = windows.is_out | (is_member & (place_of[:-1] < 0))
        fixed = Windows(begins, ends, np.zeros(len(operations), dtype=np.bool_), out)
        pool, members = pool_of(history, operations, fixed, counter)
        judged = judge(pool)
        if judged.judgement != "VALID":
            return None
        found = members[judged.order]
        observers = ~is_member[found]
        gap = _gaps(judged.at, ~observers)[observers]
        parts.append(found[observers])
        keys.append(gap)
        ats.append(times_in(gap, windows.begins[found[observers]], line.at))
    if len(parts) == 1:
        return line
    place, at, key = np.concatenate(parts), np.concatenate(ats), np.concatenate(keys)
    order = np.lexsort((at, key))
    return Line(place[order], at[order])


def _gaps(at: Whole, is_change: NDArray[np.bool_]) -> Whole:
    """The gap of each in an order: what is at a change's own place comes right before or right after it."""
    last = np.maximum.accumulate(np.where(is_change, at, -1)) if len(at) else at
    return np.where(at % 2 == 1, at, np.where(last == at, at + 1, at - 1))


def gaps_of(begins: Whole, ends: Whole, at: Whole) -> tuple[Whole, Whole]:
    """The first and the last gap of an order, by its times, in which a window has a moment."""
    return 2 * np.searchsorted(at, begins, side="left") - 1, 2 * np.searchsorted(at, ends, side="right") - 1


def times_in(gap: Whole, begins: Whole, at: Whole) -> Whole:
    """A time in each gap, not before the window begins."""
    if not len(at):
        return begins
    before = (gap - 1) // 2
    return np.where(before >= 0, np.maximum(begins, at[np.maximum(before, 0)]), begins)
