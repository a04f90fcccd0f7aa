"""What may be done when an interval ends: the moves of the search, and the walk over all ends.

Whatever is done between two events can as well be done just before the next end (everything open stays open),
and what is done after the operation whose interval ends can wait for the end after that. So at each end only
this need be tried, where `count` is moved one at a time and satisfies everybody on its way:

    end of a grant        releases, as many as make room for it, or down to the `high` of somebody who waits;
                          then the grant. (Of grants it is the first, because any other could change places
                          with it and then wait.)
    end of a release      grants, if there is nothing to release, or up to the `low` of somebody who waits;
                          then the release
    end of an observer    if it still waits, and sees more than is counted: releases down to the `high` of
                          somebody who waits, or none; then grants up to its `low`. Or the other way round.
    end of an optional    the same as if it must happen, or nothing at all

Runs of k steps take k operations of the queue that must happen, or some of them from the other queue. While
an operation that sets the limit is open, more can matter: then everything that can be reached is tried
(`closed`).

A search with a beam of one is LAZY: it does the first thing of each and serves nobody before it must. That
mostly explains what a correct counter did, and is much the fastest.
"""

from loadtests.pools.pool import Whole
from loadtests.pools.states import (
    COUNTED,
    EARLY,
    IS_CUT,
    LIMIT_NOW,
    LIMITS_DONE,
    NODE,
    NOW,
    OBSERVER,
    STEP,
    WAITING,
    Course,
    Desk,
    copy_state,
    execute,
    keep,
    note,
    pending,
    settle,
    waits,
)

LAZY = 1
"""The beam of a search that serves nobody before it must."""


def is_done(course: Course, desk: Desk, states: Whole, s: int, place: int) -> bool:
    """Whether a state has dealt with an operation, as it must at its end."""
    queue, rank = course.queue[place], course.rank[place]
    if queue == OBSERVER:
        return not waits(desk, states, s, course.group[place], rank)
    if queue == STEP:
        return (states[s, LIMITS_DONE] & bit_of(desk, place)) != 0
    early = states[s, EARLY + queue]
    return early > 0 and states[s, desk.offset[queue] + early - 1] == rank


def forget(course: Course, desk: Desk, states: Whole, s: int, place: int) -> None:
    """Take an operation that is done, and at its end, out of what was executed early."""
    queue = course.queue[place]
    if queue < OBSERVER:
        states[s, EARLY + queue] -= 1
    elif queue == STEP:
        states[s, LIMITS_DONE] &= ~bit_of(desk, place)


def bit_of(desk: Desk, place: int) -> int:
    """The bit of an open operation that sets the limit."""
    for k in range(len(desk.steps)):
        if desk.steps[k] == place:
            return 1 << k
    return 0


def are_steps_open(desk: Desk) -> bool:
    for place in desk.steps:  # noqa: SIM110, numba compiles no generators
        if place >= 0:
            return True
    return False


def needed(course: Course, states: Whole, s: int, side: int) -> int:
    """How many of the other side must come before one of this side may; -1 if that cannot be."""
    count, most = states[s, COUNTED], states[s, LIMIT_NOW] + course.tolerance
    if side == 0:
        return max(0, count - most + 1) if most > 0 else -1
    if count > 0:
        return 0
    return 1 - count if most > 0 else -1


def is_wanted(course: Course, states: Whole, s: int, at: int, side: int, steps: int) -> int:
    """How many steps of the other side satisfy the group waiting at `at`, if more than `steps`; else -1."""
    group, count = states[s, at], states[s, COUNTED]
    if side == 0:
        many = count - course.group_high[group]
    else:
        low = states[s, LIMIT_NOW] if group == 0 else course.group_low[group]
        if low > states[s, LIMIT_NOW] + course.tolerance:
            return -1
        many = low - count
    return many if many > steps else -1


def is_quiet(course: Course, desk: Desk, states: Whole, s: int, place: int, beam: int) -> bool:
    """Whether there is one thing to do at the end of an operation, and nobody to be served before it."""
    queue = course.queue[place]
    if is_done(course, desk, states, s, place):
        return True
    if queue >= 2:
        return False
    if needed(course, states, s, queue) != 0:
        return False
    if queue == 1 and states[s, WAITING] and are_steps_open(desk):
        return False
    for at in range(desk.offset[4], desk.offset[4] + 2 * states[s, WAITING], 2):
        if is_wanted(course, states, s, at, queue, 0) > 0:
            if beam > LAZY:
                return False
            desk.numbers[IS_CUT] = 1
    return True


def go_on(course: Course, desk: Desk, states: Whole, s: int, place: int) -> None:
    """The one thing to do."""
    if is_done(course, desk, states, s, place):
        forget(course, desk, states, s, place)
    else:
        states[s, COUNTED] += 1 - 2 * course.queue[place]
        states[s, NODE] = note(desk, states[s, NODE], place, course.rank[place])
        settle(course, desk, states, s)


def branch(
    course: Course, desk: Desk, s: int, side: int, first: int, then: int, place: int, live: int, beam: int
) -> int:
    """Take in what comes of state s by `first` steps on one side, `then` on the other, and the operation.

    The operation may be an observer, which the last step satisfies. How many states there are now.
    """
    states, coming = desk.frontier[desk.numbers[NOW]], desk.frontier[1 - desk.numbers[NOW]]
    queue, rank, other = course.queue[place], course.rank[place], 1 - side
    limited, limited_other = pending(desk, states, s, side + 2), pending(desk, states, s, other + 2)
    free, free_other = pending(desk, states, s, side), pending(desk, states, s, other)
    for a in range(max(0, first - free), min(first, limited) + 1):
        for b in range(max(0, then - free_other), min(then, limited_other) + 1):
            copy_state(states, s, coming, live, desk.offset)
            for k in range(first):
                execute(course, desk, coming, live, side + 2 if k < a else side, rank)
            for k in range(then):
                execute(course, desk, coming, live, other + 2 if k < b else other, rank)
            if queue < OBSERVER:
                execute(course, desk, coming, live, queue, rank)
            forget(course, desk, coming, live, place)
            live = keep(course, desk, coming, live, beam)
    return live


def move(course: Course, desk: Desk, s: int, place: int, live: int, beam: int) -> int:
    """Take in what comes of state s at the end of a grant or release."""
    states, side = desk.frontier[desk.numbers[NOW]], course.queue[place] % 2
    steps = needed(course, states, s, side)
    if steps < 0:
        return live
    live = branch(course, desk, s, 1 - side, steps, 0, place, live, beam)
    for at in range(desk.offset[4], desk.offset[4] + 2 * states[s, WAITING], 2):
        more = is_wanted(course, states, s, at, side, steps)
        if more > 0 and beam == LAZY:
            desk.numbers[IS_CUT] = 1
        elif more > 0:
            live = branch(course, desk, s, 1 - side, more, 0, place, live, beam)
    return live


def visit(course: Course, desk: Desk, s: int, place: int, live: int, beam: int) -> int:
    """Take in what comes of state s at the end of an observer that still waits."""
    states = desk.frontier[desk.numbers[NOW]]
    group, count = course.group[place], states[s, COUNTED]
    low = states[s, LIMIT_NOW] if group == 0 else course.group_low[group]
    if count < low:
        if low > states[s, LIMIT_NOW] + course.tolerance:
            return live
        side, distance = 1, low - count  # first releases, then grants
    else:
        side, distance = 0, count - course.group_high[group]
    live = branch(course, desk, s, side, 0, distance, place, live, beam)
    for at in range(desk.offset[4], desk.offset[4] + 2 * states[s, WAITING], 2):
        more = is_wanted(course, states, s, at, 1 - side, 0)
        if more > 0 and beam == LAZY:
            desk.numbers[IS_CUT] = 1
        elif more > 0:
            live = branch(course, desk, s, side, more, distance + more, place, live, beam)
    return live


def expand(course: Course, desk: Desk, place: int, live: int, beam: int) -> int:
    """The frontier after the end of an operation, into the one that comes; how many states it has."""
    states, coming = desk.frontier[desk.numbers[NOW]], desk.frontier[1 - desk.numbers[NOW]]
    new, queue = 0, course.queue[place]
    for s in range(live):
        done = is_done(course, desk, states, s, place)
        if done or queue == 2 or queue == 3:
            copy_state(states, s, coming, new, desk.offset)
            if done:
                forget(course, desk, coming, new, place)
            new = keep(course, desk, coming, new, beam)
        if not done:
            if queue == OBSERVER:
                new = visit(course, desk, s, place, new, beam)
            else:
                new = move(course, desk, s, place, new, beam)
    return new


def is_same(desk: Desk, states: Whole, a: int, b: int) -> bool:
    """Whether two states are the same, however they were reached."""
    for k in range(desk.offset[0]):
        if k != NODE and states[a, k] != states[b, k]:
            return False
    for queue in range(4):
        for k in range(desk.offset[queue], desk.offset[queue] + states[a, EARLY + queue]):
            if states[a, k] != states[b, k]:
                return False
    for k in range(desk.offset[4], desk.offset[4] + 2 * states[a, WAITING], 2):
        if not waits(desk, states, b, states[a, k], states[a, k + 1]):
            return False
    return True


def add(desk: Desk, states: Whole, count: int) -> int:
    """Keep the state in row `count` unless it is there; how many there are."""
    for s in range(count):
        if is_same(desk, states, s, count):
            return count
    if count + 1 >= len(states):
        desk.numbers[IS_CUT] = 1
        return count
    return count + 1


def step_once(course: Course, desk: Desk, s: int, count: int, rank: int) -> int:
    """Add to the closure everything that one step from its state s leads to."""
    states = desk.closure
    for queue in range(4):
        side = queue % 2
        if needed(course, states, s, side) == 0 and pending(desk, states, s, queue) > 0:
            copy_state(states, s, states, count, desk.offset)
            execute(course, desk, states, count, queue, rank)
            count = add(desk, states, count)
    for k in range(len(desk.steps)):
        place = desk.steps[k]
        if place >= 0 and not states[s, LIMITS_DONE] & (1 << k):
            copy_state(states, s, states, count, desk.offset)
            states[count, LIMITS_DONE] |= 1 << k
            states[count, LIMIT_NOW] = course.new_limit[place]
            states[count, NODE] = note(desk, states[count, NODE], place, rank)
            settle(course, desk, states, count)
            count = add(desk, states, count)
    return count


def closed(course: Course, desk: Desk, place: int, live: int, beam: int) -> int:
    """The frontier after the end of an operation, where the limit may step: by all that can be reached."""
    states, coming = desk.frontier[desk.numbers[NOW]], desk.frontier[1 - desk.numbers[NOW]]
    count = 0
    for s in range(live):
        copy_state(states, s, desk.closure, count, desk.offset)
        count = add(desk, desk.closure, count)
    new, s = 0, 0
    is_optional = course.queue[place] == 2 or course.queue[place] == 3
    while s < count:
        done = is_done(course, desk, desk.closure, s, place)
        if done or (is_optional and s < live):
            copy_state(desk.closure, s, coming, new, desk.offset)
            if done:
                forget(course, desk, coming, new, place)
            new = keep(course, desk, coming, new, beam)
        if not done:
            count = step_once(course, desk, s, count, course.rank[place])
        s += 1
    return new
