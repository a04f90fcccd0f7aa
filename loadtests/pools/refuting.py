"""Why no order was left at some end: the smallest stretch of time before it that is contradictory by itself.

Take the time just after some end e. Of everything open then, suppose that nothing has been executed yet and
that no observer which began before waits: whatever was done in truth can be reached from there, by executing
more. So if the search dies from there too, the operations between are contradictory together, whatever came
before. The stretch is doubled backwards from where the search died until that is so.

Such a stretch is a pool of its own: `start` is what would be counted at e if everything happened as late as
it may (which can be less than nothing, or more than there is room for); what ends after the death need not
happen in it. This holds while the limit does not step and was not below the start: else what was executed
early might not be reached any more, and the whole beginning is the stretch.

If bounds on what was counted at the last operation alone show it, the argument is

    over-cap, refused-with-room, read-too-low, read-too-high, released-unheld

and `no-order` if it takes more than counting.
"""

from typing import NamedTuple

import numpy as np

from loadtests.pools import flavours
from loadtests.pools.pool import GRANT, LIMIT, NEVER, READ, REFUSAL, RELEASE, Judged, Pool, Whole, invalid
from loadtests.pools.searching import DEAD, Found, search
from loadtests.pools.states import OBSERVER
from loadtests.pools.timeline import Timeline, timeline_of

SHORTEST, LONGEST = 8, 1024
"""Ends in the first stretch that is tried, and in the last unless it is certain that there is one."""
NARROWEST = 16
"""The beam on a stretch, at least."""


class Stretch(NamedTuple):
    """Neighbouring operations that are contradictory by themselves."""

    pool: Pool
    """Those operations as a pool; its `start` is 0 where `count` is less."""
    before: int
    """What is counted at its beginning, nothing having been executed early."""
    positions: Whole
    """Of its operations, in the whole pool."""


def explained(
    pool: Pool, timeline: Timeline, found: Found, *, beam: int, loops: flavours.Loops
) -> Judged | None:
    """The contradiction at which a search died; None if it may have died for want of room."""
    last = int(timeline.positions[timeline.course.by_end[found.rank]])
    argument, count = bound(pool, last)
    stretch = refuted(pool, timeline, found, beam=beam, loops=loops)
    facts = {"time": int(pool.ends[last]), "last": last}
    if count is not None:
        facts["count"] = count
    if stretch is not None:
        facts["before"] = stretch.before
        return invalid(argument, stretch.positions, **facts)
    if found.is_exact:
        begun = timeline.positions[: found.begun]
        return invalid(argument, begun, before=pool.start, **facts)
    if count is not None:
        return invalid(argument, np.array([last]), **facts)
    return None


def refuted(
    pool: Pool, timeline: Timeline, found: Found, *, beam: int, loops: flavours.Loops
) -> Stretch | None:
    """The first of the doubling stretches that is contradictory by itself."""
    if (pool.kind == LIMIT).any() or pool.start > pool.limit + pool.tolerance:
        return None
    many = SHORTEST
    while many <= LONGEST or found.is_exact:
        first = max(0, found.rank + 1 - many)
        stretch = stretch_of(pool, timeline, found, first)
        if first == 0 and found.is_exact:
            return stretch  # it is what the search died of, dropping nothing: to search it again says no more
        course = timeline_of(stretch.pool).course
        again = search(course, stretch.before, pool.limit, beam=max(beam, NARROWEST), loops=loops)
        if again.ending == DEAD and again.is_exact:
            return stretch
        if first == 0:
            break
        many *= 2
    return None


def stretch_of(pool: Pool, timeline: Timeline, found: Found, first: int) -> Stretch:
    """The operations between the end before rank `first` and the death."""
    course, positions = timeline.course, timeline.positions
    ended, inside = course.by_end[:first], course.by_end[first : found.rank + 1]
    queue = course.queue[ended]
    count = pool.start + int((queue == 0).sum()) - int((queue == 1).sum())
    if first:
        since = course.ends[course.by_end[first - 1]]
        inside = inside[(course.queue[inside] != OBSERVER) | (course.begins[inside] > since)]
    begun = np.arange(found.begun)
    is_later = (course.rank[begun] > found.rank) | (course.rank[begun] < 0)
    later = begun[is_later & (course.queue[begun] < OBSERVER)]
    unsure = ended[(queue == 2) | (queue == 3)]
    chosen = positions[np.concatenate([inside, later, unsure])]
    ends, is_optional = pool.ends[chosen], pool.is_optional[chosen]
    ends[len(inside) :], is_optional[len(inside) :] = NEVER, True
    part = Pool(
        pool.kind[chosen],
        pool.begins[chosen],
        ends,
        is_optional,
        pool.low[chosen],
        pool.high[chosen],
        max(0, count),
        pool.limit,
        pool.tolerance,
    )
    return Stretch(part, count, chosen)


def bound(pool: Pool, last: int) -> tuple[str, int | None]:
    """Whether what was certainly, or possibly, counted at one operation shows it; and that count."""
    begins, ends = pool.begins[last], pool.ends[last]
    is_grant, is_release, must = pool.kind == GRANT, pool.kind == RELEASE, ~pool.is_optional
    least = pool.start + int((is_grant & must & (pool.ends < begins)).sum())
    least -= int((is_release & (pool.begins <= ends)).sum())
    most = pool.start + int((is_grant & (pool.begins <= ends)).sum())
    most -= int((is_release & must & (pool.ends < begins)).sum())
    kind, may_step = int(pool.kind[last]), bool((pool.kind == LIMIT).any())
    if kind == GRANT and not may_step:
        by_then = pool.start + int((is_grant & must & (pool.ends <= ends)).sum())
        by_then -= int((is_release & (pool.begins <= ends)).sum())
        if by_then > pool.room:
            return "over-cap", by_then
    if kind == REFUSAL and not may_step and most < pool.limit:
        return "refused-with-room", most
    if kind == READ and least > pool.high[last]:
        return "read-too-low", least
    if kind == READ and most < pool.low[last]:
        return "read-too-high", most
    if kind == RELEASE and must[last] and most <= 0:
        return "released-unheld", most
    return "no-order", None
