"""The coupled course of events, for rules under which slots come back or applications wait for one.

Then a claim can depend on a decision and a decision on a claim, so neither the intake office nor the officers
can be computed alone: one loop takes the events of both in their declared order. A heap of event keys
(`kernels`) holds the future; the loop stops before any given key and goes on from there at the next call.

First in, first out makes a file's start final when the file becomes ready: no later file can change it. So
the loop computes the end of service at once and needs no event for a start.

What a claim is charged to, and who waits for a slot, is in sim.engine.slots.

Everything here runs as it is or compiled (`flavours`): arrays and heaps in, arrays changed in place.
"""

import heapq

import numpy as np

from sim.clock import NEVER
from sim.engine.course import (
    COLLECTED,
    DECIDED,
    IN_PROCESS,
    INCOMPLETE,
    LEFT,
    NO_STANDING,
    WAITING,
    Course,
    Gate,
    Hours,
    Rows,
    Rules,
)
from sim.engine.kernels import (
    APPROVED,
    CLAIM,
    DECISION,
    EXIT,
    EXPIRY,
    PHASE_BITS,
    READY,
    RECEIVED,
    REFUSAL,
    ROW_BITS,
    WITHDRAWAL,
    Numbers,
)
from sim.engine.slots import claim, give_back, leaves_at, overtaken_at, plan, process


def _working(hours: Hours, wall: int) -> int:
    if wall >= NEVER:
        return NEVER
    day = np.searchsorted(hours.opens, wall, side="right") - 1
    if day < 0:
        return 0
    return hours.worked[day] + min(wall - hours.opens[day], hours.worked[day + 1] - hours.worked[day])


def _begins(hours: Hours, working: int) -> int:
    day = np.searchsorted(hours.worked[1:], working, side="right")
    if day >= len(hours.opens):
        return NEVER
    return hours.opens[day] + working - hours.worked[day]


def _ends(hours: Hours, working: int) -> int:
    day = np.searchsorted(hours.worked[1:], working, side="left")
    if day >= len(hours.opens):
        return NEVER
    return hours.opens[day] + working - hours.worked[day]


def _admitted(gate: Gate, rules: Rules, time: int) -> int:
    """When the next person of the waiting room is let in: whole seconds, rounded up.

    Admissions are 3600 / n seconds apart, so they are kept in n-ths of a second, which are whole numbers.
    """
    gate.room[0] = max(time * rules.admits, gate.room[0] + 3600)
    return -(-gate.room[0] // rules.admits)


def _file(
    rows: Rows,
    course: Course,
    gate: Gate,
    rules: Rules,
    events: list[int],
    filings: list[int],
    time: int,
    row: int,
) -> None:
    """An application arrives; or first its owner, at the waiting room."""
    if time >= rows.standing_until[row]:
        course.state[row] = NO_STANDING
        return
    if rules.admits > 0:
        if course.admitted[row] != time:
            course.admitted[row] = _admitted(gate, rules, time)
            if course.admitted[row] > time:
                plan(rules, events, course.admitted[row], CLAIM, row)
                return
        course.admitted[row] = NEVER  # whoever comes again, in this second perhaps, waits again
    course.attempts[row] += 1
    course.filed[row] = time
    filings.append(time)
    if course.attempts[row] == 1:
        course.first_filed[row] = time
    complete = rows.complete[row] or course.attempts[row] > 1
    if not complete and rules.counts != RECEIVED:
        course.state[row] = INCOMPLETE
        if rows.refiles[row]:
            again = time + rows.refile_delay[row]
            plan(rules, events, again, CLAIM, row)
    elif rules.counts == APPROVED:
        process(rows, course, rules, events, time, row)
    elif rules.collects and gate.open_intake[0] >= 0:
        course.state[row] = COLLECTED
        leave = leaves_at(rows, course, row)
        plan(rules, events, leave, EXIT, row)
    else:
        claim(rows, course, gate, rules, events, time, row)


def _decide(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """An officer finishes a file."""
    course.state[row] = DECIDED
    course.decided[row] = time
    if not rows.approved[row]:
        give_back(rows, course, gate, rules, events, time, row, REFUSAL)
        return
    if rules.counts == APPROVED:
        claim(rows, course, gate, rules, events, time, row)
        if course.intake[row] < 0:
            return
    plan(rules, events, overtaken_at(rows, course, rules, row), EXIT, row)


def _exit(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """Someone leaves the waitlist, a draw or the office's queue, or does not use a permit.

    A row may have been granted since the event was planned, or have filed again; the event counts only if it
    is still the moment at which the row would leave.
    """
    if course.state[row] == DECIDED:
        if course.left[row] >= NEVER and time == overtaken_at(rows, course, rules, row):
            course.left[row] = time
            give_back(rows, course, gate, rules, events, time, row, EXPIRY)
    elif (
        (course.state[row] == WAITING or course.state[row] == COLLECTED or course.state[row] == IN_PROCESS)
        and course.started[row] >= NEVER
        and time == leaves_at(rows, course, row)
    ):
        course.state[row] = LEFT
        course.left[row] = time
        give_back(rows, course, gate, rules, events, time, row, WITHDRAWAL)


def _reach_officers(
    rows: Rows,
    course: Course,
    rules: Rules,
    hours: Hours,
    events: list[int],
    free_w: list[int],
    time: int,
    row: int,
) -> None:
    """A file becomes ready: its start, its end or its leaving is known from here on."""
    course.ready[row] = time
    leave = leaves_at(rows, course, row)
    start_w = max(_working(hours, time), free_w[0])
    started = _begins(hours, start_w)
    if leave <= started:
        plan(rules, events, leave, EXIT, row)
        return
    course.started[row] = started
    end_w = start_w + rows.service[row]
    heapq.heapreplace(free_w, end_w)
    plan(rules, events, _ends(hours, end_w), DECISION, row)


def course_until(
    rows: Rows,
    course: Course,
    gate: Gate,
    rules: Rules,
    hours: Hours,
    events: list[int],
    free_w: list[int],
    filings: list[int],
    bound: int,
) -> None:
    """Run the course up to, not including, an event key; the heaps are kept for the next call."""
    mask = (1 << ROW_BITS) - 1
    phases = (1 << PHASE_BITS) - 1
    while len(events) > 0 and events[0] < bound:
        event = heapq.heappop(events)
        row = event & mask
        phase = (event >> ROW_BITS) & phases
        time = event >> (ROW_BITS + PHASE_BITS)
        if time >= rules.horizon:
            continue
        if phase == CLAIM:
            _file(rows, course, gate, rules, events, filings, time, row)
        elif phase == READY:
            _reach_officers(rows, course, rules, hours, events, free_w, time, row)
        elif phase == DECISION:
            _decide(rows, course, gate, rules, events, time, row)
        else:
            _exit(rows, course, gate, rules, events, time, row)


def plan_filings(rules: Rules, events: list[int], times: Numbers, rows: Numbers) -> None:
    """Put the first filings of people with a new letter on the heap."""
    for k in range(len(rows)):
        plan(rules, events, times[k], CLAIM, rows[k])
