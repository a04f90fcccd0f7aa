"""States of a search for an order: what has been executed early, who still waits to be satisfied.

The search walks over the begins and the ends of operations in time. At any moment everything whose interval
has ended has been executed; a *state* says what has been executed besides, *early*, among what is open. Open
operations stand in four *queues*, by the order of their ends:

    0 grants, 1 releases               that must happen; where these are used up, optional ones without an end
    2 grants, 3 releases               optional ones that may happen only until some time

Of a queue it is always the pending operation that ends first which is executed next: nothing is lost by that.

An observer is satisfied as soon as the count is in its interval. Observers with the same [low, high] form a
*group*; of a group only intervals are kept that contain no other, so that those that wait are always the ones
which began last, and the end of the first of them says it all. Group 0 are the refusals, [limit, many].

A state is one row of numbers: a head, then the ends (as ranks) of what was executed early in each queue,
descending, then a pair for each group that waits: the group, and the rank of the first that waits.
"""

from typing import NamedTuple

from loadtests.pools.pool import Whole

COUNTED, LIMIT_NOW, LIMITS_DONE, NODE, USED, EARLY, WAITING, HEAD = 0, 1, 2, 3, 4, 6, 10, 11
"""Places in the head; USED and EARLY stand for 2 and 4 numbers, one a queue."""

OBSERVER, STEP = 4, 5
"""What is no queue: observers, and operations that set the limit."""

LOGGED, IS_LOG_FULL, IS_CUT, LIVE, BEGUN, ENDED, NOW, WIDEST = range(8)
"""Places in the numbers of a desk."""

MANY_WAIT = 1_000_000
"""More than wait."""


class Course(NamedTuple):
    """What is walked over: operations by place, 0 to the number of them."""

    begins: Whole
    ends: Whole
    by_begin: Whole
    """Places in the order of `begins`."""
    by_end: Whole
    """Places in the order of `ends`, without optional ones that have none; the index in it is the rank."""
    rank: Whole
    """Of each; -1 for an optional one without an end."""
    queue: Whole
    """0 to 3, OBSERVER or STEP."""
    group: Whole
    """Of an observer."""
    group_low: Whole
    group_high: Whole
    new_limit: Whole
    """Of a STEP."""
    tolerance: int


class Desk(NamedTuple):
    """What the walk writes on."""

    frontier: Whole
    """Two frontiers of states, the one that is and the one that comes: [2, states, width]."""
    closure: Whole
    """States that can be reached at one instant, where the limit may step: [states, width]."""
    offset: Whole
    """Where in a state the four queues and the waiting groups begin."""
    open: Whole
    """Ranks of the open operations in each queue, descending: [4, many]."""
    open_count: Whole
    endless: Whole
    """Places of optional operations without an end that have begun, grants and releases: [2, many]."""
    endless_count: Whole
    steps: Whole
    """Places of the open operations that set the limit, -1 for none; the index is the bit in LIMITS_DONE."""
    log: Whole
    """What was executed: the entry before, the place, the rank at whose end."""
    numbers: Whole
    """See LOGGED and the following."""


def copy_state(source: Whole, s: int, target: Whole, t: int, offset: Whole) -> None:
    for k in range(HEAD):
        target[t, k] = source[s, k]
    for queue in range(4):
        for k in range(offset[queue], offset[queue] + source[s, EARLY + queue]):
            target[t, k] = source[s, k]
    for k in range(offset[4], offset[4] + 2 * source[s, WAITING]):
        target[t, k] = source[s, k]


def note(desk: Desk, before: int, place: int, rank: int) -> int:
    """Write down that an operation is executed at an end; the entry. If there is no room: see IS_LOG_FULL."""
    entry = desk.numbers[LOGGED]
    if entry >= len(desk.log):
        desk.numbers[IS_LOG_FULL] = 1
        return before
    desk.log[entry, 0] = before
    desk.log[entry, 1] = place
    desk.log[entry, 2] = rank
    desk.numbers[LOGGED] = entry + 1
    return entry


def settle(course: Course, desk: Desk, states: Whole, s: int) -> None:
    """Satisfy every group that waits for the present count."""
    count, first = states[s, COUNTED], desk.offset[4]
    k = 0
    while k < states[s, WAITING]:
        at = first + 2 * k
        group = states[s, at]
        low = states[s, LIMIT_NOW] if group == 0 else course.group_low[group]
        if low <= count <= course.group_high[group]:
            states[s, WAITING] -= 1
            last = first + 2 * states[s, WAITING]
            states[s, at] = states[s, last]
            states[s, at + 1] = states[s, last + 1]
        else:
            k += 1


def waits(desk: Desk, states: Whole, s: int, group: int, rank: int) -> bool:
    """Whether the observer of this group and rank still waits."""
    for at in range(desk.offset[4], desk.offset[4] + 2 * states[s, WAITING], 2):
        if states[s, at] == group and states[s, at + 1] == rank:
            return True
    return False


def wait(course: Course, desk: Desk, states: Whole, s: int, place: int) -> None:
    """An observer begins."""
    group, first = course.group[place], desk.offset[4]
    low = states[s, LIMIT_NOW] if group == 0 else course.group_low[group]
    if low <= states[s, COUNTED] <= course.group_high[group]:
        return
    for at in range(first, first + 2 * states[s, WAITING], 2):
        if states[s, at] == group:
            return
    at = first + 2 * states[s, WAITING]
    states[s, at] = group
    states[s, at + 1] = course.rank[place]
    states[s, WAITING] += 1


def pending(desk: Desk, states: Whole, s: int, queue: int) -> int:
    """How many of a queue may still be executed."""
    many = desk.open_count[queue] - states[s, EARLY + queue]
    if queue < 2:
        many += desk.endless_count[queue] - states[s, USED + queue]
    return many


def execute(course: Course, desk: Desk, states: Whole, s: int, queue: int, rank: int) -> None:
    """Execute the next pending operation of a queue at the end that has this rank."""
    first, early = desk.offset[queue], states[s, EARLY + queue]
    k, o = early - 1, desk.open_count[queue] - 1
    while k >= 0 and desk.open[queue, o] == states[s, first + k]:
        k -= 1
        o -= 1
    if o >= 0:
        place = course.by_end[desk.open[queue, o]]
        for later in range(early, k + 1, -1):
            states[s, first + later] = states[s, first + later - 1]
        states[s, first + k + 1] = desk.open[queue, o]
        states[s, EARLY + queue] = early + 1
    else:
        place = desk.endless[queue, states[s, USED + queue]]
        states[s, USED + queue] += 1
    states[s, COUNTED] += 1 - 2 * (queue % 2)
    states[s, NODE] = note(desk, states[s, NODE], place, rank)
    settle(course, desk, states, s)


def has_less(desk: Desk, states: Whole, a: int, b: int, queue: int) -> bool:
    """Whether b can come from a, for this queue, by executing more (or what would have been as good)."""
    used_a = used_b = 0
    if queue < 2:
        used_a, used_b = states[a, USED + queue], states[b, USED + queue]
    many_a = states[a, EARLY + queue]
    shift = used_b - used_a  # so many of b's entries, before its list, are later than any
    if shift < 0 or many_a - shift > states[b, EARLY + queue]:
        return False
    first = desk.offset[queue]
    for k in range(shift, many_a):  # noqa: SIM110, numba compiles no generators
        if states[a, first + k] > states[b, first + k - shift]:
            return False
    return True


def executed(states: Whole, s: int, side: int) -> int:
    """How much of what is open, or never ends, has been executed on one side: 0 grants, 1 releases."""
    return states[s, USED + side] + states[s, EARLY + side] + states[s, EARLY + 2 + side]


def waits_for_less(desk: Desk, states: Whole, a: int, b: int) -> bool:
    """Whether all that wait in a wait in b."""
    first = desk.offset[4]
    for at in range(first, first + 2 * states[a, WAITING], 2):
        found = False
        for other in range(first, first + 2 * states[b, WAITING], 2):
            if states[b, other] == states[a, at] and states[b, other + 1] <= states[a, at + 1]:
                found = True
                break
        if not found:
            return False
    return True


def dominates(course: Course, desk: Desk, states: Whole, a: int, b: int) -> bool:
    """Whether everything that can follow on b can follow on a, b being reached from a by executing more."""
    if (
        states[a, LIMIT_NOW] != states[b, LIMIT_NOW]
        or states[a, LIMITS_DONE] != states[b, LIMITS_DONE]
        or states[a, WAITING] > states[b, WAITING]
    ):
        return False
    grants = executed(states, b, 0) - executed(states, a, 0)
    releases = executed(states, b, 1) - executed(states, a, 1)
    count = states[b, COUNTED]
    if states[a, COUNTED] + grants - releases != count:
        return False  # of optional operations that are over, not as many happened in both
    most = states[b, LIMIT_NOW] + course.tolerance
    # To execute more grants there must be room now; to execute more releases, something to release.
    if (grants > 0 and (count > most or most < 1)) or (releases > 0 and count < 0):
        return False
    for queue in range(4):
        if not has_less(desk, states, a, b, queue):
            return False
    return waits_for_less(desk, states, a, b)


def keep(course: Course, desk: Desk, states: Whole, count: int, beam: int) -> int:
    """Take the state in row `count` in, unless another is as good; drop those that it is as good as."""
    for s in range(count):
        if dominates(course, desk, states, s, count):
            return count
    new, s = count, 0
    while s < new:
        if dominates(course, desk, states, count, s):
            new -= 1
            copy_state(states, new, states, s, desk.offset)
        else:
            s += 1
    if new < count:
        copy_state(states, count, states, new, desk.offset)
    if new < beam:
        return new + 1
    desk.numbers[IS_CUT] = 1
    worst = new
    for s in range(new):
        if hope(states, s) > hope(states, worst):
            worst = s
    if worst < new:
        copy_state(states, new, states, worst, desk.offset)
    return new


def hope(states: Whole, s: int) -> int:
    """The less, the better: what has been executed early, then who waits."""
    return (executed(states, s, 0) + executed(states, s, 1)) * MANY_WAIT + states[s, WAITING]
