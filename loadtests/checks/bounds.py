"""The cap, by counting intervals: how many slots were certainly taken at a moment, how many can have been.

Take an operation with the interval [a, b]. Whatever the order of the others, when it took effect
    at least   the grants completed before a, less the slots that can have been given back by b
    at most    the grants invoked by b, less the slots certainly given back before a
were counted. Both bounds are sharp for a counter that answers at once, and neither can be passed by a correct
service: intervals are closed, equal times are concurrent, clocks of several hosts are widened by their bound.

Anomalies
    over-cap       a grant took effect when the cap had certainly no room, or more than the cap allows were
                   certainly taken at one moment
    phantom-full   a claim was refused by a cap that certainly had room
    wrong-reading  a reading saw a figure that the counter cannot have had
"""

from dataclasses import dataclass

import numpy as np

from loadtests.checks.arrays import Times
from loadtests.checks.requests import Requests, claims, releases
from loadtests.history import ABSENT, NEVER, NOBODY, History
from loadtests.verdict import MOST_SHOWN, Finding, many
from sim.ledger import Cap

CHECK = "bounds"


@dataclass(frozen=True, slots=True)
class Count:
    """What one counter can have been: times at which it may or must have moved, each array ascending."""

    begun: Times
    """Grants, certain or not: the earliest that each can have been."""
    ended: Times
    """Certain grants: the latest that each was."""
    back_begun: Times
    """Slots given back, certainly or not: the earliest."""
    back_ended: Times
    """Slots certainly given back: the latest."""
    start: int
    """What it was before the run, at least."""
    is_start_known: bool
    """Whether it was exactly that."""

    def least(self, begins: Times, ends: Times) -> Times:
        """The least that it can have been within [begins, ends]."""
        taken = np.searchsorted(self.ended, begins, side="left")  # completed before: strictly
        back = np.searchsorted(self.back_begun, ends, side="right")
        return np.asarray(self.start + taken - back, dtype=np.int64)

    def most(self, begins: Times, ends: Times) -> Times:
        """The most that it can have been within [begins, ends]."""
        taken = np.searchsorted(self.begun, ends, side="right")
        back = np.searchsorted(self.back_ended, begins, side="left")
        return np.asarray(self.start + taken - back, dtype=np.int64)


def check(history: History) -> list[Finding]:
    """Every cap and every reading against what can have been counted."""
    header = history.header
    asked, given_up = claims(history), releases(history)
    if not header.caps:
        says = "no cap is known, so none can be exceeded"
        return [Finding(CHECK, "UNKNOWN", says, mend="give one, as in --cap 2022=14700")]
    if header.spec.counter != "exact" and header.spec.gives_back:
        says = "claims are judged by a copy of a count that also falls; intervals cannot bound that"
        return [Finding(CHECK, "UNKNOWN", says, mend='judge with counter = "exact" or gives_back = []')]
    if header.shared and header.spec.gives_back:
        says = "others use the service, and may give slots back; intervals cannot bound that"
        return [Finding(CHECK, "UNKNOWN", says, mend="run alone on the service")]
    findings, looked = [], 0
    for cap in header.caps:
        count = counted(history, asked, given_up, cap)
        found = [*_over(history, asked, cap, count), *_phantoms(history, asked, cap, count)]
        findings += found
        looked += len(count.ended)
    findings += _readings(history, asked, given_up)
    if findings:
        return findings
    refused, read = (
        int(history.is_answer("full").sum()),
        int((history.is_op("read") & history.is_answer("count")).sum()),
    )
    numbers = ((len(header.caps), "cap"), (looked, "grant"), (refused, "refusal"), (read, "reading"))
    counts = ", ".join(many(number, one) for number, one in numbers)
    says = (
        f"no moment had more slots taken than its cap allows, no refusal met a cap with room, no reading was "
        f"impossible: {counts}, "
        "by counting what was certainly and what was possibly done around each"
    )
    return [Finding(CHECK, "VALID", says, count=looked + refused + read)]


def counted(history: History, asked: Requests, given_up: Requests, cap: Cap) -> Count:
    """The counter of a cap; of a request that may be about it, what may be."""
    start = start_of(history, cap)
    of, ends_ns = asked.grants()
    grants = asked.may_have & asked.may_count_in(cap)
    times = np.maximum(np.bincount(of, minlength=len(asked)), 1)[grants]
    backs = given_up.may_have & given_up.may_count_in(cap)
    backs &= bool(history.header.spec.gives_back)
    flags = history["given_back"][given_up.rows]
    certain = backs & given_up.counts_in(cap) & given_up.any_of(given_up.is_done & (flags == 1))
    possible = backs & ~given_up.any_of(given_up.is_done & (flags == 0))
    return Count(
        begun=np.sort(np.repeat(asked.begins_ns[grants], times)),
        ended=np.sort(ends_ns[asked.counts_in(cap)[of]]),
        back_begun=np.sort(given_up.begins_ns[possible]),
        back_ended=np.sort(given_up.ends_ns[certain]),
        start=start or 0,
        is_start_known=start is not None and not history.header.shared,
    )


def start_of(history: History, cap: Cap) -> int | None:
    """What a cap had taken before the run; None if it was not read."""
    initial = history.header.initial
    if initial is None:
        return 0
    whole = cap.name if (cap.name, None) in cap.covers else ""
    start = initial.used.get(cap.name, initial.used.get(whole))
    if start is None and all(initial.used.get(intake) == 0 for intake, _ in cap.covers):
        return 0
    return start


def _over(history: History, asked: Requests, cap: Cap, count: Count) -> list[Finding]:
    """Grants that had certainly no room, and moments at which too many were certainly taken."""
    grants = np.flatnonzero(asked.was_done & asked.counts_in(cap))
    if not len(grants):
        return []
    tolerance = history.header.spec.tolerance
    begins, ends = asked.begins_ns[grants], asked.ends_ns[grants]
    limits = limits_of(history, cap)
    is_exact = history.header.spec.counter == "exact"
    before = count.least(begins, ends) if is_exact else _copied(history, cap, count, begins)
    wrong = grants[before >= most_within(limits, begins, ends) + tolerance]
    excess = len(wrong)
    if is_exact and not excess:
        moments = count.ended
        taken = (
            count.start
            + np.arange(1, len(moments) + 1)
            - np.searchsorted(count.back_begun, moments, side="right")
        )
        over = taken - highest_until(limits, moments) - tolerance
        excess = int(max(0, over.max()))
        if excess:
            wrong = grants[np.argsort(ends, kind="stable")][: int(np.argmax(over)) + 1]
            wrong = wrong[-MOST_SHOWN:]
    if not excess:
        return []
    limit = max(int(limit) for limit, _, _ in limits)
    total = (
        f"{many(len(grants), 'slot was', 'slots were')} granted under a limit of {limit:,}"
        if not count.back_begun.size
        else (f"a limit of {limit:,} was passed, counting every slot that can have been given back")
    )
    says = f"cap {cap.name} was exceeded by {excess:,} at least: {total}"
    shown = wrong[np.argsort(asked.ends_ns[wrong], kind="stable")]
    rows = asked.first_done[shown].tolist()
    return [Finding(CHECK, "INVALID", says, "over-cap", tuple(rows), excess)]


def _phantoms(history: History, asked: Requests, cap: Cap, count: Count) -> list[Finding]:
    """Refusals by a cap that certainly had room."""
    if not count.is_start_known:
        return []
    rows, begins, ends = refusals(history, asked, cap)
    if not len(rows):
        return []
    most = count.most(begins, ends)
    least = least_within(limits_of(history, cap), begins, ends)
    wrong = np.flatnonzero(most < least)
    if not len(wrong):
        return []
    worst = wrong[np.argmax(least[wrong] - most[wrong])]
    says = (
        f"{many(len(wrong), 'claim was', 'claims were')} refused by cap {cap.name} while it had room; "
        f"the first when at most {int(most[worst]):,} of {int(least[worst]):,} slots can have been taken"
    )
    shown = (int(rows[worst]), *rows[wrong[wrong != worst]].tolist())
    return [Finding(CHECK, "INVALID", says, "phantom-full", shown, len(wrong))]


def refusals(history: History, asked: Requests, cap: Cap) -> tuple[Times, Times, Times]:
    """Rows refused by a cap, and within which times it must have been reached."""
    codes, names = history.coded("cap")
    rows = np.flatnonzero(history.is_answer("full"))
    is_mine = codes[rows] == names.find(cap.name)
    if len(history.header.caps) == 1:
        covers = {intake for intake, _ in cap.covers}
        intakes = history.coded("intake")
        is_covered = np.append(intakes.names.among(covers), False)[intakes.codes[rows]]
        is_mine |= (codes[rows] == NOBODY) & is_covered
    rows = rows[is_mine]
    invoked, completed = history.widened()
    begins = invoked[rows]
    if history.header.spec.refusals == "sticky" and len(asked):
        # The answer may be that of an earlier attempt.
        first = np.full(len(history), NEVER, dtype=np.int64)
        first[asked.rows] = np.minimum.reduceat(invoked[asked.rows], asked.first[:-1])[asked.request]
        begins = np.minimum(begins, first[rows])
    return rows, begins, completed[rows]


def _readings(history: History, asked: Requests, given_up: Requests) -> list[Finding]:
    """Readings of an intake that its counter cannot have shown."""
    is_reading = history.is_op("read") & history.is_answer("count") & (history["value"] != ABSENT)
    invoked, completed = history.widened()
    wrong: list[tuple[int, int, int]] = []
    codes, names = history.coded("intake")
    for intake in sorted(names[code] for code in np.unique(codes[is_reading]).tolist() if code >= 0):
        rows = np.flatnonzero(is_reading & (codes == names.find(intake)))
        count = counted(history, asked, given_up, Cap(intake, 0, frozenset({(intake, None)})))
        least = count.least(invoked[rows], completed[rows])
        most = count.most(invoked[rows], completed[rows])
        value = history["value"][rows]
        bad = (value < least) | ((value > most) & count.is_start_known)
        wrong += [(int(rows[each]), int(least[each]), int(most[each])) for each in np.flatnonzero(bad)]
    if not wrong:
        return []
    row, low, high = wrong[0]
    says = (
        f"{many(len(wrong), 'reading')} saw a count that cannot have been; "
        f"the first saw {history['value'][row]:,} where it was between {low:,} and {high:,}"
    )
    return [Finding(CHECK, "INVALID", says, "wrong-reading", tuple(each[0] for each in wrong), len(wrong))]


def _copied(history: History, cap: Cap, count: Count, begins: Times) -> Times:
    """The least that the copy of the counter showed to claims from `begins` on.

    The last copy certainly taken before had at least what was certainly taken before that; a later copy that
    nobody recorded shows no less, because without giving back the count never falls.
    """
    invoked, completed = history.widened()
    is_copy = history.is_op("refresh") & history.is_result("ok")
    codes, names = history.coded("intake")
    is_mine = np.append(names.among({intake for intake, _ in cap.covers}), False)[codes]
    rows = np.flatnonzero(is_copy & is_mine)
    if not len(rows):
        return np.full(len(begins), -1, dtype=np.int64)
    order = rows[np.argsort(completed[rows])]
    seen = np.maximum.accumulate(count.least(invoked[order], invoked[order]))
    last = np.searchsorted(completed[order], begins, side="left") - 1
    return np.where(last >= 0, seen[np.maximum(last, 0)], -1)


Limit = tuple[int, int, int]
"""A limit, the earliest at which it can have begun, and the latest at which it can have ended."""


def limits_of(history: History, cap: Cap) -> list[Limit]:
    """The limits that a cap had, by its header and the orders on record, with where each may have held."""
    is_order = history.is_op("set-cap") & ~history.is_result("fail") & (history["value"] != ABSENT)
    is_order &= ~history.is_answer("closed")
    mine = np.flatnonzero(is_order)
    mine = mine[history.coded_at("cap", mine).is_text(cap.name)]
    steps = [(cap.limit, -NEVER, -NEVER)]
    if len(mine):
        invoked, completed = history.widened()
        columns = (history["value"][mine], invoked[mine], completed[mine])
        steps += zip(*(column.tolist() for column in columns), strict=True)
    found = []
    for limit, begins, ends in steps:
        # It held until an order that certainly came after it was certainly done.
        until = min((done for _, start, done in steps if start > ends), default=NEVER)
        found.append((limit, begins, until))
    return found


def most_within(limits: list[Limit], begins: Times, ends: Times) -> Times:
    """The highest limit that can have held at some time of each interval."""
    found = np.full(len(begins), -NEVER, dtype=np.int64)
    for limit, start, until in limits:
        found[(start <= ends) & (until >= begins) & (found < limit)] = limit
    return found


def least_within(limits: list[Limit], begins: Times, ends: Times) -> Times:
    """The lowest limit that can have held at some time of each interval."""
    found = np.full(len(begins), NEVER, dtype=np.int64)
    for limit, start, until in limits:
        found[(start <= ends) & (until >= begins) & (found > limit)] = limit
    return found


def highest_until(limits: list[Limit], moments: Times) -> Times:
    """The highest limit that can have held at some time until each moment."""
    steps = sorted((begins, limit) for limit, begins, _ in limits)
    highest = np.maximum.accumulate(np.array([limit for _, limit in steps], dtype=np.int64))
    begun = np.searchsorted(np.array([begins for begins, _ in steps], dtype=np.int64), moments, side="right")
    return highest[begun - 1]
