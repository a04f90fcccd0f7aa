"""Pools whose count never falls: no releases, one limit. Exact, in O(n log n).

Every observer saw a count in [low, high]: a reading what it says, a refusal [limit, many]. For observers o,
with begins < ends of others meaning strictly before,

    N(t)    mandatory grants that ended before t
    E(t)    grants, optional ones included, that began by t
    B(s,t)  mandatory grants that began after s and ended before t
    room    limit + tolerance, or start if that is more

a legal order exists if and only if low <= high for every observer and

    over-cap            start + mandatory grants <= room
    read-too-low        start + N(o.begins) <= o.high
    refused-with-room   o.low <= start + E(o.ends), where o is a refusal
    read-too-high       the same, where o is a reading
    fell-between        first.low + B(first.ends, second.begins) <= second.high, first before second
    over-cap-after      o.low + B(o.ends, end of time) <= room

(The words are the arguments of an INVALID; `empty-reading` is an observer with low > high.) That each is
necessary one sees by counting; that together they suffice, the laziest schedule shows (`laziest`): it makes
an order whenever all of them hold.

What clashes: the grants that are too many, with the observers that say so; for refused-with-room and
read-too-high the observer alone, since there it is the absence of grants that contradicts it.

An optional grant that may have happened only until some time is the one thing that the laziest schedule
cannot settle in every case, because it would have to know in advance that it will be needed: then `judge` is
None.
"""

from typing import NamedTuple

import numpy as np

from loadtests.pools import flavours
from loadtests.pools.pool import (
    EVER,
    GRANT,
    LIMIT,
    NEVER,
    NONE,
    REFUSAL,
    RELEASE,
    Flags,
    Judged,
    Pool,
    Whole,
    invalid,
)
from loadtests.pools.witness import Observers, Schedule, merged, observers_of


class Needs(NamedTuple):
    """What must be counted by when: both ascend, since a smaller need that is due later is no need."""

    time: Whole
    least: Whole
    by: Whole
    """Position of the observer that says so."""


def judge(pool: Pool, *, loops: flavours.Loops | None = None) -> Judged | None:
    """Whether the pool is legal; None in the one case that is not settled here (see above)."""
    assert not ((pool.kind == RELEASE) | (pool.kind == LIMIT)).any(), "the count may fall, or the limit step"
    loops = loops or flavours.fitting(pool)
    observers = observers_of(pool)
    mandatory = np.flatnonzero((pool.kind == GRANT) & ~pool.is_optional)
    mandatory = mandatory[np.argsort(pool.ends[mandatory], kind="stable")]
    contradiction = _at_once(pool, mandatory, observers)
    if contradiction is not None:
        return contradiction
    needs = _needs(pool, observers)
    contradiction = _unreachable(pool, needs)
    if contradiction is not None:
        return contradiction
    schedule = _laziest(pool, mandatory, needs, loops)
    counted = np.searchsorted(schedule.times, observers.begins, side="left") + pool.start
    too_low = counted > observers.high
    if too_low.any():
        return _fell(pool, mandatory, needs, observers, int(too_low.argmax()))
    if pool.start + len(schedule.times) > pool.room:
        return _over_after(pool, mandatory, needs)
    if (schedule.positions < 0).any():
        return None
    after = np.maximum(counted, observers.low) - pool.start
    return merged(schedule, observers, after, loops)


def _at_once(pool: Pool, mandatory: Whole, observers: Observers) -> Judged | None:
    """Contradictions that show without a schedule."""
    empty = observers.low > observers.high
    if empty.any():
        first = int(empty.argmax())
        position = observers.positions[first : first + 1]
        return invalid(
            "empty-reading", position, low=int(observers.low[first]), high=int(observers.high[first])
        )
    over = pool.start + len(mandatory) - pool.room
    if over > 0:
        clash = mandatory[: len(mandatory) - over + 1]
        time = int(pool.ends[clash[-1]])
        return invalid("over-cap", clash, time=time, count=pool.start + len(clash), room=pool.room, over=over)
    return None


def _needs(pool: Pool, observers: Observers) -> Needs:
    """For each count that some observer needs, the earliest time by which, unless another need implies it."""
    grants = int((pool.kind == GRANT).sum())
    which = np.flatnonzero(observers.low > pool.start)
    if not len(which):
        return Needs(NONE, NONE, NONE)
    # More than there are grants is as impossible as one more than there are.
    index = np.minimum(observers.low[which] - pool.start, grants + 1)
    earliest = np.full(grants + 2, NEVER, dtype=np.int64)
    np.minimum.at(earliest, index, observers.ends[which])
    implied = np.minimum.accumulate(earliest[::-1])[::-1]
    is_needed = np.append(implied[:-1] < implied[1:], True)
    is_needed[index.max()] = True  # it may be due at NEVER
    is_needed[index.max() + 1 :] = False
    time, counts = implied[is_needed], np.flatnonzero(is_needed)
    says = which[(observers.ends[which] == implied[index]) & is_needed[index]]
    by = np.zeros(grants + 2, dtype=np.int64)
    by[np.minimum(observers.low[says] - pool.start, grants + 1)[::-1]] = observers.positions[says][::-1]
    return Needs(time, counts + pool.start, by[is_needed])


def _unreachable(pool: Pool, needs: Needs) -> Judged | None:
    """An observer that saw more than can have been."""
    begins = pool.begins[pool.kind == GRANT]
    index = np.searchsorted(needs.time, begins, side="left")
    possible = np.cumsum(np.bincount(index, minlength=len(needs.time) + 1))[: len(needs.time)] + pool.start
    wrong = possible < needs.least
    if not wrong.any():
        return None
    first = int(wrong.argmax())
    position = int(needs.by[first])
    is_refusal = pool.kind[position] == REFUSAL
    return invalid(
        "refused-with-room" if is_refusal else "read-too-high",
        needs.by[first : first + 1],
        time=int(pool.ends[position]),
        possible=int(possible[first]),
        low=pool.limit if is_refusal else int(pool.low[position]),
        first=position,
    )


def _laziest(pool: Pool, mandatory: Whole, needs: Needs, loops: flavours.Loops) -> Schedule:
    """The grants in the order of their times; -1 for a credit that nobody paid."""
    most = len(needs.time)
    times, credits = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64)
    following = np.zeros(most + 1, dtype=np.int64)
    paid_by = np.empty(len(mandatory), dtype=np.int64)
    begins, ends = pool.begins[mandatory], pool.ends[mandatory]
    batches = loops.run_lazily(
        begins, ends, needs.time, needs.least, pool.start, times, credits, following, paid_by
    )
    positions, when = [mandatory], [np.where(paid_by >= 0, times[paid_by], ends) if batches else ends]
    if batches and credits.any():
        optional = np.flatnonzero((pool.kind == GRANT) & pool.is_optional)
        optional = optional[np.argsort(pool.ends[optional], kind="stable")]
        used_by = np.empty(len(optional), dtype=np.int64)
        loops.pay(pool.begins[optional], pool.ends[optional], times, credits, following, batches, used_by)
        unpaid = np.repeat(times[:batches], credits[:batches])
        positions += [optional[used_by >= 0], np.full(len(unpaid), -1, dtype=np.int64)]
        when += [times[used_by[used_by >= 0]], unpaid]
    if not batches:
        return Schedule(mandatory, ends)
    joined = np.concatenate(when)
    order = np.argsort(joined, kind="stable")
    return Schedule(np.concatenate(positions)[order], joined[order])


def _fell(pool: Pool, mandatory: Whole, needs: Needs, observers: Observers, second: int) -> Judged:
    """An observer that saw fewer than were counted before it began, and by whose evidence."""
    time, high = int(observers.begins[second]), int(observers.high[second])
    before = mandatory[pool.ends[mandatory] < time]
    position = observers.positions[second : second + 1]
    if pool.start + len(before) > high:
        clash = np.concatenate([position, before[: max(0, high - pool.start + 1)]])
        count = pool.start + len(before)
        return invalid("read-too-low", clash, time=time, count=count, high=high, second=int(position[0]))
    first, least = _witness(pool, before, needs, needs.time < time)
    grants = before[pool.begins[before] > needs.time[first]][: max(0, high - int(needs.least[first]) + 1)]
    assert least > high, (least, high)
    return invalid(
        "fell-between",
        np.concatenate([needs.by[first : first + 1], position, grants]),
        time=time,
        count=least,
        low=int(needs.least[first]),
        high=high,
        first=int(needs.by[first]),
        second=int(position[0]),
    )


def _over_after(pool: Pool, mandatory: Whole, needs: Needs) -> Judged:
    """An observer after which more grants were wholly than there was room for."""
    first, count = _witness(pool, mandatory, needs, np.ones(len(needs.time), dtype=np.bool_))
    assert count > pool.room, (count, pool.room)
    grants = mandatory[pool.begins[mandatory] > needs.time[first]]
    grants = grants[: max(0, pool.room - int(needs.least[first]) + 1)]
    return invalid(
        "over-cap-after",
        np.concatenate([needs.by[first : first + 1], grants]),
        time=int(pool.ends[grants].max()) if len(grants) else int(needs.time[first]),
        count=count,
        low=int(needs.least[first]),
        room=pool.room,
        first=int(needs.by[first]),
    )


def _witness(pool: Pool, before: Whole, needs: Needs, in_time: Flags) -> tuple[int, int]:
    """The need that makes the count greatest, with the grants `before` that began after it; that count."""
    begins = np.sort(pool.begins[before])
    later = len(begins) - np.searchsorted(begins, needs.time, side="right")
    least = np.where(in_time, needs.least + later, EVER)
    first = int(least.argmax())
    return first, int(least[first])
