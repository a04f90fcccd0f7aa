"""A pool as a sequence of begins and ends, without the observers that others imply."""

from typing import NamedTuple

import numpy as np

from loadtests.pools.pool import GRANT, LIMIT, MANY, NEVER, READ, REFUSAL, RELEASE, Flags, Pool, Whole
from loadtests.pools.states import OBSERVER, STEP, Course


class Timeline(NamedTuple):
    """What is walked over, and where it comes from."""

    course: Course
    positions: Whole
    """Of each place of the course, the position in the pool; in the order of `begins`."""


def timeline_of(pool: Pool) -> Timeline:
    """Everything that moves, the observers that matter, and their groups."""
    order = _by_begin(pool)
    group = np.full(len(pool), -1, dtype=np.int64)
    kinds = pool.kind[order]
    refusals, readings = order[kinds == REFUSAL], order[kinds == READ]
    refusals = refusals[_is_smallest(pool.begins[refusals], pool.ends[refusals])]
    group[refusals] = 0
    readings, low, high = _grouped(pool, readings, group)
    positions = order[(kinds == GRANT) | (kinds == RELEASE) | (kinds == LIMIT) | (group[order] >= 0)]
    queue = _queues(pool, positions)
    begins, ends = pool.begins[positions], pool.ends[positions]
    by_end = np.flatnonzero(~(pool.is_optional[positions] & (ends == NEVER)))
    by_end = by_end[np.argsort(ends[by_end], kind="stable")]
    rank = np.full(len(positions), -1, dtype=np.int64)
    rank[by_end] = np.arange(len(by_end))
    places = np.arange(len(positions))
    limits = np.where(queue == STEP, pool.low[positions], 0)
    course = Course(
        begins, ends, places, by_end, rank, queue, group[positions], low, high, limits, pool.tolerance
    )
    return Timeline(course, positions)


def _by_begin(pool: Pool) -> Whole:
    if (pool.begins[1:] < pool.begins[:-1]).any():
        return np.argsort(pool.begins, kind="stable")
    return np.arange(len(pool))


def _queues(pool: Pool, positions: Whole) -> Whole:
    """The queue of each grant and release; one without an end stands with those that must happen."""
    kinds = pool.kind[positions]
    is_limited = pool.is_optional[positions] & (pool.ends[positions] < NEVER)
    queue = np.where(kinds == RELEASE, 1, 0) + np.where(is_limited, 2, 0)
    queue[(kinds == READ) | (kinds == REFUSAL)] = OBSERVER
    queue[kinds == LIMIT] = STEP
    return queue.astype(np.int64)


def _is_smallest(begins: Whole, ends: Whole, group: Whole | None = None) -> Flags:
    """Which intervals contain no other of their group; of equal ones, the last. By group, then by begin.

    An interval contains a later one if it does not end before it. `ends` may not fall from one group to the
    next, so that a later group never counts.
    """
    later = np.append(np.minimum.accumulate(ends[::-1])[::-1][1:], np.iinfo(np.int64).max)
    is_kept = ends < later
    if len(is_kept):
        is_kept[-1] = True  # it may end at NEVER
    kept = np.flatnonzero(is_kept)
    # What is left ends the later the later it begins; of those that begin together, the first is inside.
    same = begins[kept[1:]] == begins[kept[:-1]]
    if group is not None:
        same &= group[kept[1:]] == group[kept[:-1]]
    is_kept[kept[1:][same]] = False
    return is_kept


def _grouped(pool: Pool, readings: Whole, group: Whole) -> tuple[Whole, Whole, Whole]:
    """The readings that matter, with [low, high] of all groups; fills in their groups."""
    if not len(readings):
        return readings, np.zeros(1, dtype=np.int64), np.full(1, MANY)
    low, high = np.maximum(pool.low[readings], 0), np.minimum(pool.high[readings], MANY)
    order = np.lexsort((high, low))  # stable: in a group they stay by begin
    readings, low, high = readings[order], low[order], high[order]
    is_new = np.append(True, (low[1:] != low[:-1]) | (high[1:] != high[:-1]))[: len(low)]
    groups = np.cumsum(is_new)
    _, end_index = np.unique(pool.ends[readings], return_inverse=True)
    apart = end_index + groups * (len(readings) + 1)
    is_kept = _is_smallest(pool.begins[readings], apart, groups)
    group[readings[is_kept]] = groups[is_kept]
    first = np.zeros(1, dtype=np.int64)
    return readings[is_kept], np.append(first, low[is_new]), np.append(first + MANY, high[is_new])
