"""The intake desk of the event loop: claims, the caps they are charged to, and who waits for a slot.

A claim is tried in the classes of its group's chain, one after the other (sim.engine.caps), and charged to
every cap that covers the first one with room. A release is charged back to the same class.

Like the event loop, everything here runs as it is or compiled (`flavours`).
"""

import heapq

import numpy as np

from sim.clock import NEVER
from sim.engine.course import (
    DECIDED,
    IDLE,
    IN_PROCESS,
    INCOMPLETE,
    OVER_CAP_REFUSED,
    OVER_CAP_RETURNED,
    WAITING,
    Course,
    Gate,
    Rows,
    Rules,
)
from sim.engine.kernels import (
    APPROVED,
    CLAIM,
    EXIT,
    READY,
    RECEIVED,
    REFUSAL,
    REFUSE,
    RETURN,
    Numbers,
    event,
)


def plan(rules: Rules, events: list[int], time: int, phase: int, row: int) -> None:
    """Put an event on the heap, unless it lies beyond the horizon."""
    if time < rules.horizon:
        heapq.heappush(events, event(time, phase, row))


def _room_for(gate: Gate, group: int) -> int:
    """The first class of a group's chain in which a claim has room under every cap; -1 if none has."""
    if gate.open_intake[0] < 0:
        return -1
    kind = group
    while kind >= 0:
        has_room = True
        for cap in range(len(gate.limit)):
            if gate.cover[cap, kind] and gate.seen[cap] >= gate.limit[cap]:
                has_room = False
        if has_room:
            return kind
        kind = gate.after[kind]
    return -1


def _charge(gate: Gate, rules: Rules, kind: int, intake: int, amount: int) -> None:
    """Move the count of an intake up or down by one claim of a class."""
    if gate.cover[0, kind]:  # an intake's account is that of its total cap
        if amount > 0:
            gate.granted[intake] += amount
        else:
            gate.given_back[intake] -= amount
    if intake != gate.open_intake[0]:
        return
    for cap in range(len(gate.limit)):
        if gate.cover[cap, kind]:
            gate.used[cap] += amount
            if rules.exact:
                gate.seen[cap] = gate.used[cap]


def leaves_at(rows: Rows, course: Course, row: int) -> int:
    return min(course.filed[row] + rows.withdraws_after[row], rows.pr_decided[row])


def overtaken_at(rows: Rows, course: Course, rules: Rules, row: int) -> int:
    """When a permit becomes void before its holder has arrived: overtaken, or not used in time; or NEVER."""
    decided = course.decided[row]
    void = NEVER
    if not rows.approved[row]:
        return void
    if rows.pr_approved[row] and rows.pr_decided[row] <= decided + rows.landing[row]:
        void = max(rows.pr_decided[row], decided + 1)
    if rows.landing[row] > rules.use_within:
        void = min(void, decided + rules.use_within)
    return void


def process(rows: Rows, course: Course, rules: Rules, events: list[int], time: int, row: int) -> None:
    """Hand a file to the office: it reaches the officers, or its owner leaves before that."""
    course.state[row] = IN_PROCESS
    ready = time + rows.unstaffed[row]
    leave = leaves_at(rows, course, row)
    if leave <= ready:
        plan(rules, events, leave, EXIT, row)
    else:
        plan(rules, events, ready, READY, row)


def _group(rows: Rows, course: Course, rules: Rules, row: int) -> int:
    """What the row's claim is to the caps: its group, or in a two-stage cap an incomplete application."""
    if rules.incomplete >= 0 and not rows.complete[row] and course.attempts[row] == 1:
        return rules.incomplete
    return rows.stream[row]


def claim(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int
) -> None:
    """Ask for a slot: it is granted if there is room."""
    kind = _room_for(gate, _group(rows, course, rules, row))
    if kind >= 0:
        _grant(rows, course, gate, rules, events, time, row, kind)
    else:
        _over_cap(rows, course, gate, rules, events, time, row)


def claim_drawn(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, drawn: Numbers
) -> None:
    """Collected claims ask for slots in the order drawn."""
    for row in drawn:
        kind = _room_for(gate, _group(rows, course, rules, row))
        course.state[row] = IDLE
        if kind >= 0:
            _grant(rows, course, gate, rules, events, time, row, kind)
        else:
            _over_cap(rows, course, gate, rules, events, time, row)


def _grant(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int, kind: int
) -> None:
    """Charge a claim that has room; under counts = received an incomplete application is then handed back."""
    intake = gate.open_intake[0]
    _charge(gate, rules, kind, intake, 1)
    course.charged[row] = kind
    if rules.counts == RECEIVED and not rows.complete[row] and course.attempts[row] == 1:
        course.state[row] = INCOMPLETE
        if rules.gives_back[REFUSAL]:
            _charge(gate, rules, kind, intake, -1)
        elif gate.cover[0, kind]:
            course.spent[row] += 1
        if rows.refiles[row]:
            again = time + rows.refile_delay[row]
            plan(rules, events, again, CLAIM, row)
        return
    course.slot[row] = time
    course.intake[row] = intake
    if rules.counts == APPROVED:
        course.state[row] = DECIDED
    else:
        process(rows, course, rules, events, time, row)


def _first_waiting(course: Course, gate: Gate, group: int) -> int:
    """The head of a group's waitlist after striking out those at the front who no longer wait."""
    while gate.head[group] >= 0 and course.state[gate.head[group]] != WAITING:
        gate.head[group] = course.waits_after[gate.head[group]]
    return gate.head[group]


def serve_waitlist(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int
) -> None:
    """Grant slots to the waitlist in its order, as far as there is room: after a turn or a give-back."""
    while True:
        chosen = -1
        kind = -1
        for group in range(len(gate.head)):
            row = _first_waiting(course, gate, group)
            if row < 0:
                continue
            found = _room_for(gate, group)
            if found < 0:
                continue
            if chosen < 0 or course.waits_since[row] < course.waits_since[chosen]:
                chosen, kind = row, found
        if chosen < 0:
            return
        course.state[chosen] = IDLE  # off the waitlist
        _grant(rows, course, gate, rules, events, time, chosen, kind)


def expire_waitlist(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int
) -> None:
    """The intake closes: whoever waits has the application handed back, before slots open in this second."""
    for group in range(len(gate.head)):
        row = gate.head[group]
        while row >= 0:
            if course.state[row] == WAITING:
                _hand_back(rows, course, gate, rules, events, time - 1, row)
            row = course.waits_after[row]
        gate.head[group] = -1


def give_back(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], time: int, row: int, reason: int
) -> None:
    """Release the slot of a row, if it has one, and let the waitlist have what came back."""
    if course.intake[row] < 0 or not rules.gives_back[reason]:
        return
    _charge(gate, rules, course.charged[row], course.intake[row], -1)
    serve_waitlist(rows, course, gate, rules, events, time)


def _hand_back(
    rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], since: int, row: int
) -> None:
    """Hand an application back over the cap; its owner may file again after the next opening past `since`."""
    course.state[row] = OVER_CAP_RETURNED
    opening = gate.openings[np.searchsorted(gate.openings, since, side="right")]
    if rules.counts != APPROVED and rows.refiles[row] and opening < NEVER:
        again = opening + rows.refile_delay[row]
        plan(rules, events, again, CLAIM, row)


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
        _hand_back(rows, course, gate, rules, events, time, row)
    else:
        _wait(rows, course, gate, rules, events, row)


def _wait(rows: Rows, course: Course, gate: Gate, rules: Rules, events: list[int], row: int) -> None:
    """Put an application at the end of its group's waitlist."""
    group = rows.stream[row]
    first = _first_waiting(course, gate, group)  # a row that comes again is off the list by now
    course.state[row] = WAITING
    course.waits_since[row] = gate.tally[0]
    gate.tally[0] += 1
    if first < 0:
        gate.head[group] = row
    else:
        course.waits_after[gate.tail[group]] = row
    course.waits_after[row] = -1
    gate.tail[group] = row
    leave = leaves_at(rows, course, row)
    plan(rules, events, leave, EXIT, row)
