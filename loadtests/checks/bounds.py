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

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.requests import Request, claims, releases
from loadtests.history import ABSENT, NEVER, History
from loadtests.verdict import MOST_SHOWN, Finding
from sim.ledger import Cap

CHECK = "bounds"
Times = NDArray[np.int64]


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
        count = _count(history, asked, given_up, cap)
        found = [*_over(history, asked, cap, count), *_phantoms(history, cap, count)]
        findings += found
        looked += len(count.ended)
    findings += _readings(history, asked, given_up)
    if findings:
        return findings
    refused, read = (
        int(history.is_answer("full").sum()),
        int((history.is_op("read") & history.is_answer("count")).sum()),
    )
    says = (
        f"no moment had more slots taken than its cap allows, no refusal met a cap with room, no reading was "
        f"impossible: {len(header.caps)} caps, {looked:,} grants, {refused:,} refusals, {read:,} readings, "
        "by counting what was certainly and what was possibly done around each"
    )
    return [Finding(CHECK, "VALID", says, count=looked + refused + read)]


def _count(history: History, asked: list[Request], given_up: list[Request], cap: Cap) -> Count:
    """The counter of a cap; of a request that may be about it, what may be."""
    initial = history.header.initial
    start: int | None = 0
    if initial is not None:
        whole = cap.name if (cap.name, None) in cap.covers else ""
        start = initial.used.get(cap.name, initial.used.get(whole))
        if start is None and all(initial.used.get(intake) == 0 for intake, _ in cap.covers):
            start = 0
    gives_back = bool(history.header.spec.gives_back)
    grants = [each for each in asked if each.may_have and _may_count(cap, each)]
    certain = [each for each in grants if each.done and _counts(cap, each)]
    backs = [each for each in given_up if gives_back and each.may_have and _may_count(cap, each)]
    flags = history["given_back"]
    certain_backs = [
        each for each in backs if any(flags[row] == 1 for row in each.done) and _counts(cap, each)
    ]
    possible_backs = [each for each in backs if not any(flags[row] == 0 for row in each.done)]
    return Count(
        begun=_sorted(each.begins_ns for each in grants for _ in range(max(1, len(each.grants)))),
        ended=_sorted(ends_ns for each in certain for ends_ns in each.grants.values()),
        back_begun=_sorted(each.begins_ns for each in possible_backs),
        back_ended=_sorted(each.ends_ns for each in certain_backs),
        start=start or 0,
        is_start_known=start is not None and not history.header.shared,
    )


def _over(history: History, asked: list[Request], cap: Cap, count: Count) -> list[Finding]:
    """Grants that had certainly no room, and moments at which too many were certainly taken."""
    grants = [each for each in asked if each.done and _counts(cap, each)]
    if not grants:
        return []
    tolerance = history.header.spec.tolerance
    begins = np.array([each.begins_ns for each in grants], dtype=np.int64)
    ends = np.array([each.ends_ns for each in grants], dtype=np.int64)
    limits = _limits(history, cap)
    is_exact = history.header.spec.counter == "exact"
    before = count.least(begins, ends) if is_exact else _copied(history, cap, count, begins)
    most = np.array([_most(limits, low, high) for low, high in zip(begins, ends, strict=True)])
    wrong = [grants[index] for index in np.flatnonzero(before >= most + tolerance)]
    excess = len(wrong)
    if is_exact and not wrong:
        moments = count.ended
        taken = (
            count.start
            + np.arange(1, len(moments) + 1)
            - np.searchsorted(count.back_begun, moments, side="right")
        )
        over = taken - _highest_until(limits, moments) - tolerance
        excess = int(max(0, over.max()))
        if excess:
            wrong = sorted(grants, key=lambda each: each.ends_ns)[: int(np.argmax(over)) + 1]
            wrong = wrong[-MOST_SHOWN:]
    if not excess:
        return []
    limit = max(int(limit) for limit, _, _ in limits)
    total = (
        f"{len(grants):,} slots were granted under a limit of {limit:,}"
        if not count.back_begun.size
        else (f"a limit of {limit:,} was passed, counting every slot that can have been given back")
    )
    says = f"cap {cap.name} was exceeded by {excess:,} at least: {total}"
    rows = [each.done[0] for each in sorted(wrong, key=lambda each: each.ends_ns)]
    return [Finding(CHECK, "INVALID", says, "over-cap", tuple(rows), excess)]


def _phantoms(history: History, cap: Cap, count: Count) -> list[Finding]:
    """Refusals by a cap that certainly had room."""
    if not count.is_start_known:
        return []
    covers = {intake for intake, _ in cap.covers}
    named = history["cap"]
    rows = [
        row
        for row in history.is_answer("full").nonzero()[0].tolist()
        if named[row] == cap.name
        or (named[row] is None and len(history.header.caps) == 1 and history["intake"][row] in covers)
    ]
    if not rows:
        return []
    invoked, completed = history.widened()
    begins, ends = invoked[rows].copy(), completed[rows]
    if history.header.spec.refusals == "sticky":  # the answer may be that of an earlier attempt
        first: dict[tuple[object, object], int] = {}
        pairs = list(zip(history["applicant"].tolist(), history["key"].tolist(), strict=True))
        for row, pair in enumerate(pairs):
            first.setdefault(pair, int(invoked[row]))
        begins = np.array([first[pairs[row]] for row in rows], dtype=np.int64)
    most = count.most(begins, ends)
    limits = _limits(history, cap)
    least = np.array([_least(limits, low, high) for low, high in zip(begins, ends, strict=True)])
    wrong = np.flatnonzero(most < least)
    if not len(wrong):
        return []
    worst = wrong[np.argmax(least[wrong] - most[wrong])]
    says = (
        f"{len(wrong):,} claims were refused by cap {cap.name} while it had room; the first when at most "
        f"{int(most[worst]):,} of {int(least[worst]):,} slots can have been taken"
    )
    order = [int(worst), *(int(each) for each in wrong if each != worst)]
    shown = tuple(rows[each] for each in order)
    return [Finding(CHECK, "INVALID", says, "phantom-full", shown, len(wrong))]


def _readings(history: History, asked: list[Request], given_up: list[Request]) -> list[Finding]:
    """Readings of an intake that its counter cannot have shown."""
    is_reading = history.is_op("read") & history.is_answer("count") & (history["value"] != ABSENT)
    invoked, completed = history.widened()
    wrong: list[tuple[int, int, int]] = []
    for intake in sorted({str(each) for each in history["intake"][is_reading] if each is not None}):
        rows = np.flatnonzero(is_reading & np.equal(history["intake"], np.array(intake, dtype=object)))
        count = _count(history, asked, given_up, Cap(intake, 0, frozenset({(intake, None)})))
        least = count.least(invoked[rows], completed[rows])
        most = count.most(invoked[rows], completed[rows])
        value = history["value"][rows]
        bad = (value < least) | ((value > most) & count.is_start_known)
        wrong += [(int(rows[each]), int(least[each]), int(most[each])) for each in np.flatnonzero(bad)]
    if not wrong:
        return []
    row, low, high = wrong[0]
    says = (
        f"{len(wrong):,} readings saw a count that cannot have been; the first saw {history['value'][row]:,} "
        f"where it was between {low:,} and {high:,}"
    )
    return [Finding(CHECK, "INVALID", says, "wrong-reading", tuple(each[0] for each in wrong), len(wrong))]


def _copied(history: History, cap: Cap, count: Count, begins: Times) -> Times:
    """The least that the copy of the counter showed to claims from `begins` on.

    The last copy certainly taken before had at least what was certainly taken before that; a later copy that
    nobody recorded shows no less, because without giving back the count never falls.
    """
    invoked, completed = history.widened()
    is_copy = history.is_op("refresh") & history.is_result("ok")
    is_mine = np.array([cap.touches(str(each)) for each in history["intake"]], dtype=np.bool_)
    rows = np.flatnonzero(is_copy & is_mine)
    if not len(rows):
        return np.full(len(begins), -1, dtype=np.int64)
    order = rows[np.argsort(completed[rows])]
    seen = np.maximum.accumulate(count.least(invoked[order], invoked[order]))
    last = np.searchsorted(completed[order], begins, side="left") - 1
    return np.where(last >= 0, seen[np.maximum(last, 0)], -1)


Limit = tuple[int, int, int]
"""A limit, the earliest at which it can have begun, and the latest at which it can have ended."""


def _limits(history: History, cap: Cap) -> list[Limit]:
    """The limits that a cap had, by its header and the orders on record, with where each may have held."""
    invoked, completed = history.widened()
    is_order = history.is_op("set-cap") & ~history.is_result("fail") & (history["value"] != ABSENT)
    is_order &= ~history.is_answer("closed")
    mine = [row for row in np.flatnonzero(is_order).tolist() if history["cap"][row] == cap.name]
    steps = [(cap.limit, -NEVER, -NEVER)]
    steps += [(int(history["value"][row]), int(invoked[row]), int(completed[row])) for row in mine]
    found = []
    for limit, begins, ends in steps:
        # It held until an order that certainly came after it was certainly done.
        until = min((done for _, start, done in steps if start > ends), default=NEVER)
        found.append((limit, begins, until))
    return found


def _most(limits: list[Limit], begins: int, ends: int) -> int:
    return max(limit for limit, start, until in limits if start <= ends and until >= begins)


def _highest_until(limits: list[Limit], moments: Times) -> Times:
    """The highest limit that can have held at some time until each moment."""
    steps = sorted((begins, limit) for limit, begins, _ in limits)
    highest = np.maximum.accumulate(np.array([limit for _, limit in steps], dtype=np.int64))
    begun = np.searchsorted(np.array([begins for begins, _ in steps], dtype=np.int64), moments, side="right")
    return highest[begun - 1]


def _least(limits: list[Limit], begins: int, ends: int) -> int:
    return min(limit for limit, start, until in limits if start <= ends and until >= begins)


def _counts(cap: Cap, request: Request) -> bool:
    """Whether a request certainly counts in the cap."""
    return request.intake is not None and cap.is_over(request.intake, request.stream or "")


def _may_count(cap: Cap, request: Request) -> bool:
    """Whether a request may count in the cap: the intake is not always known."""
    return request.intake is None or cap.is_over(request.intake, request.stream or "")


def _sorted(times: Iterable[int]) -> Times:
    return np.sort(np.array(list(times), dtype=np.int64))
