"""Pools whose count may fall, or whose limit steps: an exact search for an order, by a frontier of states.

In general nobody knows a way that is quick in every case. This one is quick where few observers wait at once:
it walks over the ends in time, keeps every state that is not as good as another (`states`), tries at each end
what can matter (`moves`), and usually has one state or a few. Where there would be more than a *beam* of them
it goes on with the most hopeful; it is then tried again with a wider beam if no order was found. An order
found is an order, however it was found; that there is none is said only if nothing was dropped, or if a
stretch of the pool is contradictory by itself (`refuting`, which has the arguments of an INVALID).

UNKNOWN: the widest beam was too narrow; or more than 62 operations that set the limit were open at once.
"""

import numpy as np

from loadtests.pools import flavours
from loadtests.pools.pool import MANY, READ, Judged, Pool, invalid, unknown
from loadtests.pools.refuting import explained
from loadtests.pools.searching import CROWDED, THROUGH, Found, search
from loadtests.pools.timeline import Timeline, timeline_of
from loadtests.pools.witness import Schedule, after_which_step, merged, observers_of

BEAMS = (16, 256, 4096)


def judge(pool: Pool, *, beams: tuple[int, ...] = BEAMS, loops: flavours.Loops | None = None) -> Judged:
    """Whether the pool is legal, with the order or the contradiction; by the loops that fit if left out."""
    is_empty = (pool.kind == READ) & (np.maximum(pool.low, 0) > np.minimum(pool.high, MANY))
    if is_empty.any():
        first = int(is_empty.argmax())
        return invalid(
            "empty-reading", np.array([first]), low=int(pool.low[first]), high=int(pool.high[first])
        )
    timeline = timeline_of(pool)
    for beam, is_lazy in [*((beam, True) for beam in beams), (beams[-1], False)]:
        hand = loops or flavours.fitting(pool, beam)
        found = search(timeline.course, pool.start, pool.limit, beam=beam, loops=hand, is_lazy=is_lazy)
        if found.ending == THROUGH:
            schedule = _schedule(timeline, found)
            del timeline, found  # as large as the pool, and not needed any more
            observers = observers_of(pool)
            return merged(schedule, observers, after_which_step(pool, schedule, observers, hand), hand)
        if found.ending == CROWDED:
            return unknown("too many operations set the limit at once")
        judged = explained(pool, timeline, found, beam=beam, loops=hand)
        if judged is not None:
            return judged
    last = timeline.positions[timeline.course.by_end[found.rank]]
    return unknown("too many orders to try", beam=beam, last=int(last), time=int(pool.ends[last]))


def _schedule(timeline: Timeline, found: Found) -> Schedule:
    """The steps that were found, with the times of the ends at which they were taken."""
    course = timeline.course
    return Schedule(timeline.positions[found.places], course.ends[course.by_end[found.ranks]])
