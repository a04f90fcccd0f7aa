"""The order that a search has found, written out: the steps it took, with every observer put between them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from loadtests.pools import flavours
from loadtests.pools.pool import EVER, GRANT, LIMIT, MANY, READ, REFUSAL, RELEASE, Judged, Pool, Whole, valid


class Observers(NamedTuple):
    """All observers of a pool, in the order of `begins`."""

    positions: Whole
    begins: Whole
    ends: Whole
    low: Whole
    high: Whole


class Schedule(NamedTuple):
    """What moved the counter (or set its limit), in order."""

    positions: Whole
    times: Whole


def observers_of(pool: Pool) -> Observers:
    """The observers, a refusal seeing from the first limit to many."""
    positions = np.flatnonzero((pool.kind == READ) | (pool.kind == REFUSAL))
    begins = pool.begins[positions]
    if (begins[1:] < begins[:-1]).any():
        order = np.argsort(begins, kind="stable")
        positions, begins = positions[order], begins[order]
    is_refusal = pool.kind[positions] == REFUSAL
    low = np.where(is_refusal, pool.limit, np.maximum(pool.low[positions], 0))
    high = np.where(is_refusal, MANY, np.minimum(pool.high[positions], MANY))
    return Observers(positions, begins, pool.ends[positions], low, high)


def after_which_step(pool: Pool, schedule: Schedule, observers: Observers, loops: flavours.Loops) -> Whole:
    """After how many steps each observer sees what it saw, as soon as it may."""
    kinds = pool.kind[schedule.positions]
    counts = np.full(len(kinds) + 1, pool.start, dtype=np.int64)
    counts[1:] += np.cumsum((kinds == GRANT).view(np.int8) - (kinds == RELEASE).view(np.int8), dtype=np.int64)
    is_full = counts >= pool.limit
    steps = np.flatnonzero(kinds == LIMIT).tolist()
    for step, until in pairwise([*steps, len(kinds)]):
        limit = pool.low[schedule.positions[step]]
        is_full[step + 1 : until + 1] = counts[step + 1 : until + 1] >= limit
    full = np.where(is_full, np.arange(len(counts)), len(counts))
    np.minimum.accumulate(full[::-1], out=full[::-1])
    since = np.searchsorted(schedule.times, observers.begins, side="left")
    is_refusal = pool.kind[observers.positions] == REFUSAL
    loops.first_seen(counts, full, since, np.where(is_refusal, -1, observers.low), observers.high)
    return since


def merged(schedule: Schedule, observers: Observers, after: Whole, loops: flavours.Loops) -> Judged:
    """The order: every observer after so many steps, as early as that may be."""
    steps, many = len(schedule.times), len(schedule.times) + len(after)
    places = np.empty(len(after), dtype=np.int64)
    loops.place(after, steps, np.zeros(steps + 1, dtype=np.int64), places)
    is_step = np.ones(many, dtype=np.bool_)
    is_step[places] = False
    order, at = np.empty(many, dtype=np.int64), np.empty(many, dtype=np.int64)
    order[places], order[is_step] = observers.positions, schedule.positions
    taken = np.append(EVER, schedule.times)
    at[places], at[is_step] = np.maximum(observers.begins, taken[after]), schedule.times
    assert (at[places] <= observers.ends).all(), "an observer cannot be placed"
    return valid(order, at)
