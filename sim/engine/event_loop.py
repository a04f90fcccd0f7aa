"""The coupled course of events, for rules under which slots come back or applications wait for one.

Then a claim can depend on a decision and a decision on a claim, so neither the intake office nor the officers
can be computed alone: one loop takes the events of both in their declared order. A heap of event keys
(`kernels`) holds the future; the loop stops before any given key and goes on from there at the next call.

First in, first out makes a file's start final when the file becomes ready: no later file can change it. So
the loop computes the end of service at once and needs no event for a start.

Everything here runs as it is or compiled (`flavours`): arrays and heaps in, arrays changed in place.
"""

import heapq

import numpy as np

from sim.clock import NEVER
from sim.engine.course import (
    DECIDED,
    IDLE,
    IN_PROCESS,
    INCOMPLETE,
    LEFT,
    NO_STANDING,
    OVER_CAP_REFUSED,
    OVER_CAP_RETURNED,
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
    REFUSE,
    RETURN,
    ROW_BITS,
    WITHDRAWAL,
    Numbers,
    event,
)


def _plan(rules: Rules, events: list[int], time: int, phase: int, row: int) -> None:
    """Put an event on the heap, unless it lies beyond the horizon."""
    if time < rules.horizon:
        heapq.heappush(events, event(time, phase, row))


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


def _has_room(gate: Gate, stream: int) -> bool:
    if gate.open_intake[0] < 0:
        return False
    for cap in range(len(gate.limit)):
        if gate.cover[cap, stream] and gate.seen[cap] >= gate.limit[cap]:
            return False
    return True


def _charge(gate: Gate, rules: Rules, stream: int, intake: int, amount: int) -> None:
    """Move the count of an intake up or down by one claim of a stream."""
    if amount > 0:
        gate.granted[intake] += amount
    else:
        gate.given_back[intake] -= amount
    if intake != gate.open_intake[0]:
        return
    for cap in range(len(gate.limit)):
        if gate.cover[cap, stream]:
            gate.used[cap] += amount
            if rules.exact:
                gate.seen[cap] = gate.used[cap]


def _leaves_at(rows: Rows, course: Course, row: int) -> int:
    return min(course.filed[row] + rows.withdraws_after[row], rows.pr_decided[row])


def _overtaken_at(rows: Rows, course: Course, row: int) -> int:
    """When permanent residence overtakes a permit before its holder has arrived; NEVER if it does not."""
    decided = course.decided[row]
    if rows.approved[row] and rows.pr_approved[row] and rows.pr_decided[row] <= decided + rows.landing[row]:
        return max(rows.pr_decided[row], decided + 1)
    return NEVER


def _process(rows: Rows, course: Course, rules: Rules, events: list[int], time: int, row: int) -> None:
    """Hand a file to the office: it reaches the officers, or its owner leaves before that."""
    course.state[row] = IN_PROCESS
    ready = time + rows.unstaffed[row]
    leave = _leaves_at(rows, course, row)
    if leave <= ready:
        _plan(rules, events, leave, EXIT, row)
    else:
        _plan(rules, events, ready, READY, row)


def _grant(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """Charge a claim that has room; under counts = received an incomplete application is then handed back."""
    intake = gate.open_intake[0]
    stream = rows.stream[row]
    _charge(gate, rules, stream, intake, 1)
    if rules.counts == RECEIVED and not rows.complete[row] and course.attempts[row] == 1:
        course.state[row] = INCOMPLETE
        if rules.gives_back[REFUSAL]:
            _charge(gate, rules, stream, intake, -1)
        else:
            course.spent[row] += 1
        if rows.refiles[row]:
            again = time + rows.refile_delay[row]
            _plan(rules, events, again, CLAIM, row)
        return
    course.slot[row] = time
    course.intake[row] = intake
    if rules.counts == APPROVED:
        course.state[row] = DECIDED
    else:
        _process(rows, course, rules, events, time, row)


def _first_waiting(course: Course, gate: Gate, stream: int) -> int:
    """The head of a stream's waitlist after striking out those at the front who no longer wait."""
    while gate.head[stream] >= 0 and course.state[gate.head[stream]] != WAITING:
        gate.head[stream] = course.waits_after[gate.head[stream]]
    return gate.head[stream]


def serve_waitlist(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int
) -> None:
    """Grant slots to the waitlist in its order, as far as there is room: after a turn or a give-back."""
    while True:
        chosen = -1
        for stream in range(len(gate.head)):
            row = _first_waiting(course, gate, stream)
            if row < 0 or not _has_room(gate, stream):
                continue
            if chosen < 0 or course.waits_since[row] < course.waits_since[chosen]:
                chosen = row
        if chosen < 0:
            return
        course.state[chosen] = IDLE  # off the waitlist
        _grant(rows, course, gate, rules, events, time, chosen)


def _give_back(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int, reason: int
) -> None:
    """Release the slot of a row, if it has one, and let the waitlist have what came back."""
    if course.intake[row] < 0 or not rules.gives_back[reason]:
        return
    _charge(gate, rules, rows.stream[row], course.intake[row], -1)
    serve_waitlist(rows, course, gate, rules, events, time)


def _over_cap(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """A claim found no room: hand it back, refuse it, or put it on the waitlist."""
    course.full_count[row] += 1
    if course.first_full[row] >= NEVER:
        course.first_full[row] = time
    if rules.over_cap == REFUSE:
        course.state[row] = OVER_CAP_REFUSED
    elif rules.over_cap == RETURN:
        course.state[row] = OVER_CAP_RETURNED
        opening = gate.openings[np.searchsorted(gate.openings, time, side="right")]
        if rules.counts != APPROVED and rows.refiles[row] and opening < NEVER:
            again = opening + rows.refile_delay[row]
            _plan(rules, events, again, CLAIM, row)
    else:
        stream = rows.stream[row]
        first = _first_waiting(course, gate, stream)  # a row that comes again is off the list by now
        course.state[row] = WAITING
        course.waits_since[row] = gate.tally[0]
        gate.tally[0] += 1
        if first < 0:
            gate.head[stream] = row
        else:
            course.waits_after[gate.tail[stream]] = row
        course.waits_after[row] = -1
        gate.tail[stream] = row
        leave = _leaves_at(rows, course, row)
        _plan(rules, events, leave, EXIT, row)


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
    """An application arrives."""
    if time >= rows.standing_until[row]:
        course.state[row] = NO_STANDING
        return
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
            _plan(rules, events, again, CLAIM, row)
    elif rules.counts == APPROVED:
        _process(rows, course, rules, events, time, row)
    elif _has_room(gate, rows.stream[row]):
        _grant(rows, course, gate, rules, events, time, row)
    else:
        _over_cap(rows, course, gate, rules, events, time, row)


def _decide(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """An officer finishes a file."""
    course.state[row] = DECIDED
    course.decided[row] = time
    if not rows.approved[row]:
        _give_back(rows, course, gate, rules, events, time, row, REFUSAL)
        return
    if rules.counts == APPROVED:
        if not _has_room(gate, rows.stream[row]):
            _over_cap(rows, course, gate, rules, events, time, row)
            return
        _grant(rows, course, gate, rules, events, time, row)
    _plan(rules, events, _overtaken_at(rows, course, row), EXIT, row)


def _exit(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """Someone leaves the waitlist or the office's queue, or does not use a permit.

    A row may have been granted since the event was planned, or have filed again; the event counts only if it
    is still the moment at which the row would leave.
    """
    if course.state[row] == DECIDED:
        if course.left[row] >= NEVER and time == _overtaken_at(rows, course, row):
            course.left[row] = time
            _give_back(rows, course, gate, rules, events, time, row, EXPIRY)
    elif (
        (course.state[row] == WAITING or course.state[row] == IN_PROCESS)
        and course.started[row] >= NEVER
        and time == _leaves_at(rows, course, row)
    ):
        course.state[row] = LEFT
        course.left[row] = time
        _give_back(rows, course, gate, rules, events, time, row, WITHDRAWAL)


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
    leave = _leaves_at(rows, course, row)
    start_w = max(_working(hours, time), free_w[0])
    started = _begins(hours, start_w)
    if leave <= started:
        _plan(rules, events, leave, EXIT, row)
        return
    course.started[row] = started
    end_w = start_w + rows.service[row]
    heapq.heapreplace(free_w, end_w)
    _plan(rules, events, _ends(hours, end_w), DECISION, row)


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
        _plan(rules, events, times[k], CLAIM, rows[k])
