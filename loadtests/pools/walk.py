"""The walk over the begins and ends of operations, and the way back: what was executed, in order.

At equal times begins come before ends, since intervals are closed. The walk stops where the log of what was
executed has no room for the next end, so that its owner can give it more; it then goes on at the same place.
"""

from loadtests.pools.moves import are_steps_open, closed, expand, go_on, is_done, is_quiet
from loadtests.pools.pool import Whole
from loadtests.pools.states import (
    BEGUN,
    ENDED,
    IS_LOG_FULL,
    LIVE,
    LOGGED,
    NODE,
    NOW,
    OBSERVER,
    STEP,
    WAITING,
    WIDEST,
    Course,
    Desk,
    copy_state,
    keep,
    wait,
)

THROUGH, DEAD, LOG_FULL, CROWDED, PAUSED = range(5)
"""How a walk stops: at the last end; where no state is left; where the log has no room, or the list of open
operations that set the limit; before the end at which it was to pause."""


def widths(course: Course, widest: Whole) -> None:
    """How many are open at most: of each queue (0 to 3), observers (4), those without an end (5, 6)."""
    begun = ended = 0
    now = [0, 0, 0, 0, 0, 0, 0]
    while begun < len(course.by_begin):
        place = course.by_begin[begun]
        if ended < len(course.by_end) and course.ends[course.by_end[ended]] < course.begins[place]:
            queue = course.queue[course.by_end[ended]]
            if queue <= OBSERVER:
                now[queue] -= 1
            ended += 1
            continue
        queue = course.queue[place]
        if queue < 2 and course.rank[place] < 0:
            queue += 5
        elif queue == STEP:
            queue = OBSERVER  # not counted; it does no harm there
        now[queue] += course.queue[place] != STEP
        widest[queue] = max(widest[queue], now[queue])
        begun += 1


def begin(course: Course, desk: Desk, place: int) -> bool:
    """An operation begins; False if there is no room for it."""
    queue, rank = course.queue[place], course.rank[place]
    if queue == OBSERVER:
        states = desk.frontier[desk.numbers[NOW]]
        for s in range(desk.numbers[LIVE]):
            wait(course, desk, states, s, place)
    elif queue == STEP:
        for k in range(len(desk.steps)):
            if desk.steps[k] < 0:
                desk.steps[k] = place
                return True
        return False
    elif rank < 0:
        desk.endless[queue, desk.endless_count[queue]] = place
        desk.endless_count[queue] += 1
    else:
        k = desk.open_count[queue]
        while k > 0 and desk.open[queue, k - 1] < rank:
            desk.open[queue, k] = desk.open[queue, k - 1]
            k -= 1
        desk.open[queue, k] = rank
        desk.open_count[queue] += 1
    return True


def end(course: Course, desk: Desk, place: int, beam: int) -> None:
    """The interval of an operation ends: the frontier goes on, and the operation is open no more."""
    now, live, before = desk.numbers[NOW], desk.numbers[LIVE], desk.numbers[LOGGED]
    states, quiet = desk.frontier[now], True
    for s in range(live):
        if not is_quiet(course, desk, states, s, place, beam):
            quiet = False
            break
    if quiet:
        alike, waiting, done = True, 0, is_done(course, desk, states, 0, place)
        for s in range(live):
            alike = alike and done == is_done(course, desk, states, s, place)
            waiting += states[s, WAITING]
            go_on(course, desk, states, s, place)
            waiting -= states[s, WAITING]
        if not alike or waiting:  # else none has become as good as another
            new = 0
            for s in range(live):
                copy_state(states, s, desk.frontier[1 - now], new, desk.offset)
                new = keep(course, desk, desk.frontier[1 - now], new, beam)
            now, live = 1 - now, new
    else:
        if are_steps_open(desk):
            live = closed(course, desk, place, live, beam)
        else:
            live = expand(course, desk, place, live, beam)
        if desk.numbers[IS_LOG_FULL]:
            desk.numbers[LOGGED] = before  # the frontier is as it was: this end is taken again
            return
        now = 1 - now
    desk.numbers[NOW], desk.numbers[LIVE] = now, live
    desk.numbers[WIDEST] = max(desk.numbers[WIDEST], live)
    queue = course.queue[place]
    if queue < OBSERVER:
        desk.open_count[queue] -= 1
    elif queue == STEP:
        for k in range(len(desk.steps)):
            if desk.steps[k] == place:
                desk.steps[k] = -1


def walk(course: Course, desk: Desk, beam: int, until: int) -> int:
    """Walk on from where the desk says, to the end of rank `until`; how it stops. Its numbers say where."""
    numbers = desk.numbers
    numbers[IS_LOG_FULL] = 0
    while numbers[ENDED] < len(course.by_end):
        place = course.by_end[numbers[ENDED]]
        if numbers[BEGUN] < len(course.by_begin):
            coming = course.by_begin[numbers[BEGUN]]
            if course.begins[coming] <= course.ends[place]:
                if not begin(course, desk, coming):
                    return CROWDED
                numbers[BEGUN] += 1
                continue
        if numbers[LOGGED] + numbers[LIVE] > len(desk.log):
            return LOG_FULL
        end(course, desk, place, beam)
        if numbers[IS_LOG_FULL]:
            return LOG_FULL
        if numbers[LIVE] == 0:
            return DEAD
        numbers[ENDED] += 1
        if numbers[ENDED] == until:
            return PAUSED
    return THROUGH


def walked(desk: Desk, places: Whole, ranks: Whole) -> int:
    """What the first state that is left executed, in order, with the ranks of the ends; how many."""
    node, many = desk.frontier[desk.numbers[NOW], 0, NODE], 0
    while node >= 0:
        node = desk.log[node, 0]
        many += 1
    node, k = desk.frontier[desk.numbers[NOW], 0, NODE], many
    while node >= 0:
        k -= 1
        places[k], ranks[k] = desk.log[node, 1], desk.log[node, 2]
        node = desk.log[node, 0]
    return many


def first_seen(counts: Whole, full: Whole, since: Whole, low: Whole, high: Whole) -> None:
    """For each observer, into `since`, the first place from there on at which the count is in [low, high].

    counts[k] is the count after k steps, full[k] the first place from k on at which a refusal could be; an
    observer with low = -1 is a refusal.
    """
    for i in range(len(since)):
        k = since[i]
        if low[i] < 0:
            since[i] = full[k]
            continue
        while k < len(counts) and not low[i] <= counts[k] <= high[i]:
            k += 1
        since[i] = k
