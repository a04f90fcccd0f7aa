"""One search over one timeline, in whichever flavour, and what it came to.

It goes on with a lazy beam as long as that finds a way, remembers now and then where it was, and where it is
stuck goes back a little and past the place with a wide beam. With loops that are plain at first, it goes on
with compiled ones from where it is, once there is more work than it looked like.
"""

from typing import NamedTuple

import numpy as np

from loadtests.pools import flavours
from loadtests.pools.moves import LAZY
from loadtests.pools.pool import LIMIT, NONE, Whole
from loadtests.pools.states import (
    BEGUN,
    ENDED,
    HEAD,
    IS_CUT,
    LIMIT_NOW,
    LIVE,
    LOGGED,
    NODE,
    NOW,
    STEP,
    WIDEST,
    Course,
    Desk,
)
from loadtests.pools.walk import CROWDED, DEAD, LOG_FULL, PAUSED, THROUGH

MOST_STEPS = 62
"""Operations that set the limit and are open at once: one bit each."""


EVERY = 2_048
"""Ends from one place that is remembered to the next."""
SOME = 64
"""Ends after which it is seen whether plain loops still do."""


class Kept(NamedTuple):
    """Where a search was: copies of what is not only added to."""

    frontier: Whole
    rest: tuple[Whole, ...]


class Found(NamedTuple):
    """What a search came to."""

    ending: int
    """THROUGH, DEAD or CROWDED."""
    is_exact: bool
    """Whether no state was dropped for want of room."""
    begun: int
    """So many had begun when it ended, in the order of begins."""
    rank: int
    """At which end no state was left."""
    places: Whole
    """THROUGH: what moved the counter, in order."""
    ranks: Whole
    """At whose ends."""
    widest: int
    """States at once."""


def desk_for(course: Course, start: int, limit: int, beam: int, loops: flavours.Loops) -> Desk:
    """An empty desk, the one state being that nothing has been executed."""
    widest = np.zeros(7, dtype=np.int64)
    loops.widths(course, widest)
    many = max(1, int(widest[:4].max()))
    steps = int((course.queue == STEP).sum())
    sizes = [HEAD, *widest[:4].tolist(), 2 * int(widest[4]) + 2]
    width = sum(sizes)
    frontier = np.zeros((2, beam + 2, width), dtype=np.int64)
    frontier[0, 0, 0], frontier[0, 0, LIMIT_NOW], frontier[0, 0, NODE] = start, limit, -1
    numbers = np.zeros(8, dtype=np.int64)
    numbers[LIVE] = numbers[WIDEST] = 1
    movers = int((course.queue < 4).sum())
    return Desk(
        frontier,
        np.zeros((max(64, 4 * beam) if steps else 1, width), dtype=np.int64),
        np.cumsum(sizes)[:5],
        np.zeros((4, many), dtype=np.int64),
        np.zeros(4, dtype=np.int64),
        np.zeros((2, max(1, int(widest[5:].max()))), dtype=np.int64),
        np.zeros(2, dtype=np.int64),
        np.full(min(steps, MOST_STEPS), -1, dtype=np.int64),
        np.empty((movers + movers // 4 + 64, 3), dtype=np.int32),
        numbers,
    )


def kept(desk: Desk) -> Kept:
    states = desk.frontier[desk.numbers[NOW], : desk.numbers[LIVE]].copy()
    return Kept(states, tuple(each.copy() for each in _changing(desk)))


def restore(desk: Desk, place: Kept) -> None:
    for each, then in zip(_changing(desk), place.rest, strict=True):
        each[:] = then
    desk.frontier[desk.numbers[NOW], : desk.numbers[LIVE]] = place.frontier


def _changing(desk: Desk) -> tuple[Whole, ...]:
    return (desk.open, desk.open_count, desk.endless_count, desk.steps, desk.numbers)


def _go(course: Course, desk: Desk, beam: int, loops: flavours.Loops) -> tuple[Desk, flavours.Loops, int]:
    """Go on for EVERY ends: the desk, whose log may have grown, the loops that fit by now, how it stopped."""
    until = int(desk.numbers[ENDED]) + EVERY
    while True:
        pause = min(until, int(desk.numbers[ENDED]) + SOME) if loops is flavours.AT_FIRST else until
        ending = loops.walk(course, desk, beam, pause)
        if ending == LOG_FULL:
            desk = desk._replace(log=np.concatenate([desk.log, np.empty_like(desk.log)]))
        elif ending != PAUSED or pause == until:
            return desk, loops, ending
        if loops is flavours.AT_FIRST and desk.numbers[LOGGED] > flavours.MOST_PLAIN:
            loops = flavours.fastest()


def search(
    course: Course, start: int, limit: int, *, beam: int, loops: flavours.Loops, is_lazy: bool = False
) -> Found:
    """Walk over the course from one state, which may count anything; lazily, where that is wanted."""
    assert len(course.begins) < 2**31, len(course.begins)
    desk = desk_for(course, start, limit, beam, loops)
    before = last = kept(desk)
    now, stuck = LAZY if is_lazy else beam, -1
    while True:
        desk, loops, ending = _go(course, desk, now, loops)
        if ending == PAUSED:
            before, last = last, kept(desk)
            now = LAZY if is_lazy and desk.numbers[ENDED] > stuck else beam
        elif ending == DEAD and desk.numbers[IS_CUT] and now != beam:
            stuck = int(desk.numbers[ENDED])
            restore(desk, before)
            last, now = before, beam
        else:
            break
    numbers = desk.numbers
    places = ranks = NONE
    if ending == THROUGH:
        most = len(desk.log)
        places, ranks = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
        many = loops.walked(desk, places, ranks)
        places, ranks = places[:many], ranks[:many]
    return Found(
        ending,
        not numbers[IS_CUT],
        int(numbers[BEGUN]),
        int(numbers[ENDED]),
        places,
        ranks,
        int(numbers[WIDEST]),
    )


__all__ = ["CROWDED", "DEAD", "LIMIT", "THROUGH", "Found", "search"]
