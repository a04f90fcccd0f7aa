"""One slot a person and key, and the same answer to the same key: what holds of receipts, whatever the order.

Anomalies
    same-key-other-answer    a key that had a slot was told of another one, or was refused afterwards
    two-slots                one person was granted more slots of an intake than can have been released
    one-slot-two-holders     a slot, or a position in the order of grants, went to two requests
    granted-to-ineligible    a slot went to somebody who may not have one
    duplicate-without-slot   a claim was refused for a slot that the person cannot have held
    released-without-slot    more was released than a person can have held
The argument needs no order: each is a count over one key, one person or one slot.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from loadtests.checks.requests import Request, claims, initial_holders, releases
from loadtests.history import ABSENT, NOT_ELIGIBLE, History
from loadtests.protocol import ANSWER
from loadtests.verdict import Finding

CHECK = "receipts"
Case = tuple[str, list[int]]
"""A sentence about one case, and its operations."""


def check(history: History, *, idempotent: bool = True, one_slot_each: bool = True) -> list[Finding]:
    """Every anomaly of receipts, or one finding that says what was looked at.

    A service that does not promise the same answer to the same key, or one slot a person, is not held to it.
    """
    asked, given_up = claims(history), releases(history)
    kinds: dict[str, Callable[[], Iterable[Case]]] = {
        "same-key-other-answer": lambda: _other_answers(history, asked),
        "two-slots": lambda: _two_slots(history, asked, given_up),
        "one-slot-two-holders": lambda: _shared_slots(history, asked),
        "granted-to-ineligible": lambda: _ineligible(history, asked),
        "duplicate-without-slot": lambda: _empty_duplicates(history, asked),
        "released-without-slot": lambda: _empty_releases(history, asked, given_up),
    }
    if not idempotent:
        del kinds["same-key-other-answer"]
    if not one_slot_each:
        del kinds["two-slots"], kinds["duplicate-without-slot"]
    findings = []
    for anomaly, look in kinds.items():
        cases = list(look())
        if cases:
            says, rows = cases[0]
            findings.append(Finding(CHECK, "INVALID", says, anomaly, tuple(rows), len(cases)))
    if findings:
        return findings
    count = sum(len(each.rows) for each in (*asked, *given_up))
    held = [("every key had one answer", idempotent), ("every person at most one slot", one_slot_each)]
    says = ", ".join([*(words for words, is_so in held if is_so), "every slot one holder"])
    says += f": {len(asked):,} claims and {len(given_up):,} releases, counted by key, by person and by slot"
    return [Finding(CHECK, "VALID", says, count=count)]


def _other_answers(history: History, asked: list[Request]) -> Iterable[Case]:
    invoked, completed = history.widened()
    refusals = {ANSWER[word] for word in ("full", "closed", "duplicate")}
    is_sticky = history.header.spec.refusals == "sticky"
    for request in asked:
        if not request.done:
            continue
        who = f"{request.applicant}'s key {request.key[:8]}"
        for name in ("slot", "claim_id", "position"):
            seen = {history[name][row]: row for row in request.done}
            seen.pop(None, None)
            seen.pop(ABSENT, None)
            if len(seen) > 1:
                said = " and ".join(str(each) for each in list(seen)[:2])
                yield f"{who} was told of two grants: {name} {said}", list(seen.values())
                break
        refused = [row for row in request.rows if history["answer"][row] in refusals]
        first = min(request.done, key=lambda row: completed[row])
        for row in refused:
            if is_sticky or invoked[row] > completed[first]:
                yield f"{who} was granted a slot, and was refused under the same key", [first, row]
                break


def _two_slots(history: History, asked: list[Request], given_up: list[Request]) -> Iterable[Case]:
    granted = _by_person(request for request in asked if request.done)
    released = _by_person(request for request in given_up if request.may_have)
    for (applicant, intake), requests in granted.items():
        may_be_released = len(released.get((applicant, intake), ())) + len(
            released.get((applicant, None), ())
        )
        if intake is not None and len(requests) > 1 + may_be_released:
            freed = f", and released {may_be_released} at most" if may_be_released else ""
            says = f"{applicant} was granted {len(requests)} slots of intake {intake}{freed}"
            yield says, [request.done[0] for request in requests]


def _shared_slots(history: History, asked: list[Request]) -> Iterable[Case]:
    for name in ("slot", "position", "claim_id"):
        column = history[name]
        holders: dict[tuple[str | None, object], Request] = {}
        for request in asked:
            for row in request.done if request.intake is not None else ():
                if column[row] is None or column[row] == ABSENT:
                    continue
                first = holders.setdefault((request.intake, column[row]), request)
                if first is not request:
                    says = f"{name} {column[row]} of intake {request.intake} went to two requests: "
                    yield says + f"{first.applicant}'s and {request.applicant}'s", [first.done[0], row]
                    break


def _ineligible(history: History, asked: list[Request]) -> Iterable[Case]:
    counts_incomplete = history.header.spec.counts == "received"
    for request in asked:
        for row in request.done:
            note = history["note"][row] or ""
            if note.startswith(NOT_ELIGIBLE):
                rule = note.removeprefix(NOT_ELIGIBLE).split(";")[0]
                if not (counts_incomplete and rule == "complete"):
                    yield f"{request.applicant} was granted a slot against the rule: {rule}", [row]
                    break


def _empty_duplicates(history: History, asked: list[Request]) -> Iterable[Case]:
    by_person: dict[str, list[Request]] = defaultdict(list)
    for request in asked:
        if request.may_have:
            by_person[request.applicant].append(request)
    for request in asked:
        told = [row for row in request.rows if history["answer"][row] == ANSWER["duplicate"]]
        if not told or request.intake is None:
            continue
        before = initial_holders(history, request.intake)
        if before is None or request.applicant in before:
            continue
        others = [
            other
            for other in by_person[request.applicant]
            if other is not request and other.concerns(request.intake)
        ]
        if not others:
            says = f"{request.applicant} was told of a slot held under another key, and never had another key"
            yield says, told


def _empty_releases(history: History, asked: list[Request], given_up: list[Request]) -> Iterable[Case]:
    granted = _by_person(request for request in asked if request.may_have)
    released = _by_person(request for request in given_up if request.done)
    for (applicant, intake), requests in released.items():
        if intake is None:
            continue
        before = initial_holders(history, intake)
        if before is None:
            continue
        had = len(granted.get((applicant, intake), ())) + len(granted.get((applicant, None), ()))
        had += applicant in before
        if len(requests) > had:
            says = f"{applicant} released {len(requests)} slots of intake {intake}, and had {had} at most"
            yield says, [request.done[0] for request in requests]


def _by_person(requests: Iterable[Request]) -> dict[tuple[str, str | None], list[Request]]:
    found: dict[tuple[str, str | None], list[Request]] = defaultdict(list)
    for request in requests:
        found[request.applicant, request.intake].append(request)
    return found
