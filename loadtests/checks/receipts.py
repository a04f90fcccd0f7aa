"""One slot a person and key, and the same answer to the same key: what holds of receipts, whatever the order.

Anomalies
    same-key-other-answer    a key that had a slot was told of another one, or was refused afterwards
    two-slots                one person was granted more slots of an intake than can have been released
    one-slot-two-holders     a slot, or a position in the order of grants, went to two requests
    granted-to-ineligible    a slot went to somebody who may not have one
    duplicate-without-slot   a claim was refused for a slot that the person cannot have held
    released-without-slot    more was released than a person can have held
The argument needs no order: each is a count over one key, one person or one slot. Where a row names no person
nothing is counted by person, since two such rows may be of two.
"""

from collections.abc import Callable, Iterable

import numpy as np

from loadtests.checks.arrays import Flags, Numbers, Rows, is_repeated
from loadtests.checks.people import PerPerson, held_before
from loadtests.checks.requests import Requests, claims, releases
from loadtests.history import ABSENT, NOBODY, NOT_ELIGIBLE, History
from loadtests.protocol import ANSWER
from loadtests.verdict import Finding, many

CHECK = "receipts"
REFUSALS = ("full", "closed", "duplicate")
REFUSAL_CODES = frozenset(ANSWER[word] for word in REFUSALS)
NAMES = ("slot", "claim_id", "position")
"""What a grant is told apart by."""
NOTHING = {"slot": NOBODY, "claim_id": NOBODY, "position": ABSENT}
Case = tuple[str, list[int]]
"""A sentence about one case, and its operations."""


def check(history: History, *, idempotent: bool = True, one_slot_each: bool = True) -> list[Finding]:
    """Every anomaly of receipts, or one finding that says what was looked at.

    A service that does not promise the same answer to the same key, or one slot a person, is not held to it.
    """
    asked, given_up = claims(history), releases(history)
    kinds: dict[str, Callable[[], Iterable[Case]]] = {
        "same-key-other-answer": lambda: _other_answers(history, asked),
        "two-slots": lambda: _two_slots(asked, given_up),
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
    count = len(asked.rows) + len(given_up.rows)
    held = [("every key had one answer", idempotent), ("every person at most one slot", one_slot_each)]
    says = ", ".join([*(words for words, is_so in held if is_so), "every slot one holder"])
    says += f": {many(len(asked), 'claim')} and {many(len(given_up), 'release')}"
    says += ", counted by key, by person and by slot"
    return [Finding(CHECK, "VALID", says, count=count)]


def _other_answers(history: History, asked: Requests) -> Iterable[Case]:
    invoked, completed = history.widened()
    is_sticky = history.header.spec.refusals == "sticky"
    is_refused = history.is_answer(*REFUSALS)[asked.rows] & asked.was_done[asked.request]
    if not is_sticky:
        is_refused &= invoked[asked.rows] > asked.ends_ns[asked.request]
    for request in asked.some(asked.any_of(is_refused) | _told_of_two(history, asked)):
        who = f"{request.applicant}'s key {request.key[:8]}"
        for name in NAMES:
            seen = {history.some(name, [row])[0]: row for row in request.done}
            seen.pop(None, None)
            seen.pop(ABSENT, None)
            if len(seen) > 1:
                said = " and ".join(str(each) for each in list(seen)[:2])
                yield f"{who} was told of two grants: {name} {said}", list(seen.values())
                break
        first = min(request.done, key=lambda row: completed[row])
        for row in request.rows:
            if history["answer"][row] in REFUSAL_CODES and (is_sticky or invoked[row] > completed[first]):
                yield f"{who} was granted a slot, and was refused under the same key", [first, row]
                break


def _told_of_two(history: History, asked: Requests) -> Flags:
    """Requests whose attempts were told of different slots, claim ids or positions."""
    of = asked.request[asked.is_done]
    is_again = is_repeated(of)
    of, rows = of[is_again], asked.rows[asked.is_done][is_again].astype(np.int64)
    found = np.zeros(len(asked), dtype=np.bool_)
    for name in NAMES:
        values = _values(history, name, rows)
        is_said = values != NOTHING[name]
        mine, said = of[is_said], values[is_said]
        order = np.lexsort((said, mine))
        mine, said = mine[order], said[order]
        found[mine[1:][(np.diff(mine) == 0) & (np.diff(said) != 0)]] = True
    return found


def _two_slots(asked: Requests, given_up: Requests) -> Iterable[Case]:
    granted = np.flatnonzero(asked.was_done & (asked.intake != NOBODY) & (asked.applicant != NOBODY))
    granted = granted[is_repeated(asked.applicant[granted])]
    who, intake = asked.applicant[granted], asked.intake[granted]
    had = PerPerson(asked, asked.was_done, who).exactly(who, intake)
    released = PerPerson(given_up, given_up.may_have, who).concerning(who, intake)
    for numbers in _by_person(asked, granted[had > 1 + released]):
        request = asked[numbers[0]]
        times = int(released[granted == numbers[0]][0])
        freed = f", and released {times} at most" if times else ""
        says = (
            f"{request.applicant} was granted {many(len(numbers), 'slot')} of intake {request.intake}{freed}"
        )
        yield says, asked.first_done[numbers].tolist()


def _shared_slots(history: History, asked: Requests) -> Iterable[Case]:
    is_named = asked.is_done & (asked.intake[asked.request] != NOBODY)
    of, rows = asked.request[is_named], asked.rows[is_named].astype(np.int64)
    for name in ("slot", "position", "claim_id"):
        values = _values(history, name, rows)
        is_said = values != NOTHING[name]
        is_said[is_said] = is_repeated(values[is_said])
        mine, value, at = of[is_said], values[is_said], rows[is_said]
        intake = asked.intake[mine]
        order = np.lexsort((mine, value, intake))  # stable: a request's attempts stay in their order
        mine, value, at, intake = mine[order], value[order], at[order], intake[order]
        begins = np.append(True, (np.diff(value) != 0) | (np.diff(intake) != 0))[: len(mine)]
        first = np.flatnonzero(begins)[np.cumsum(begins) - 1]
        others = np.flatnonzero(mine != mine[first])
        others = others[np.lexsort((at[others], mine[others]))]
        others = others[np.unique(mine[others], return_index=True)[1]]  # one case a request
        for other in others.tolist():
            row, one, two = int(at[other]), asked[int(mine[first[other]])], asked[int(mine[other])]
            says = f"{name} {history.some(name, [row])[0]} of intake {one.intake} went to two requests: "
            yield says + f"{one.applicant}'s and {two.applicant}'s", [one.done[0], row]


def _ineligible(history: History, asked: Requests) -> Iterable[Case]:
    counts_incomplete = history.header.spec.counts == "received"
    is_barred = asked.is_done & history.coded("note").starting(NOT_ELIGIBLE)[asked.rows]
    for request in asked.some(asked.any_of(is_barred)):
        for row in request.done:
            note = history.coded("note").at(row) or ""
            rule = note.removeprefix(NOT_ELIGIBLE).split(";")[0]
            if note.startswith(NOT_ELIGIBLE) and not (counts_incomplete and rule == "complete"):
                yield f"{request.applicant} was granted a slot against the rule: {rule}", [row]
                break


def _empty_duplicates(history: History, asked: Requests) -> Iterable[Case]:
    is_told = history.is_answer("duplicate")[asked.rows]
    told = np.flatnonzero(asked.any_of(is_told) & (asked.intake != NOBODY) & (asked.applicant != NOBODY))
    who, intake = asked.applicant[told], asked.intake[told]
    others = PerPerson(asked, asked.may_have, who).concerning(who, intake) - asked.may_have[told]
    is_empty = (others == 0) & ~_may_have_held(history, who, intake)
    for number in told[is_empty].tolist():
        request = asked[number]
        says = f"{request.applicant} was told of a slot held under another key, and never had another key"
        yield says, [row for row in request.rows if history["answer"][row] == ANSWER["duplicate"]]


def _empty_releases(history: History, asked: Requests, given_up: Requests) -> Iterable[Case]:
    is_known = (given_up.intake != NOBODY) & (given_up.applicant != NOBODY)
    released = np.flatnonzero(given_up.was_done & is_known)
    who, intake = given_up.applicant[released], given_up.intake[released]
    had = PerPerson(asked, asked.may_have, who).concerning(who, intake)
    had += _may_have_held(history, who, intake)
    times = PerPerson(given_up, given_up.was_done, who).exactly(who, intake)
    initial = history.header.initial
    is_told = initial is None or initial.holders is not None
    for numbers in _by_person(given_up, released[(times > had) & is_told]):
        request, most = given_up[numbers[0]], int(had[released == numbers[0]][0])
        says = (
            f"{request.applicant} released {many(len(numbers), 'slot')} of intake {request.intake}, "
            f"and had {most} at most"
        )
        yield says, given_up.first_done[numbers].tolist()


def _may_have_held(history: History, who: Numbers, intake: Numbers) -> Flags:
    """Which of these people may have held a slot of the intake before the run."""
    found = np.ones(len(who), dtype=np.bool_)
    names = history.coded("intake").names
    for code in np.unique(intake).tolist():
        is_mine = intake == code
        held = held_before(history, names[code], who[is_mine])
        if held is not None:
            found[is_mine] = held
    return found


def _by_person(requests: Requests, numbers: Rows) -> list[list[int]]:
    """Requests by person and intake, in the order of the first of each."""
    found: dict[tuple[int, int], list[int]] = {}
    for number in numbers.tolist():
        pair = int(requests.applicant[number]), int(requests.intake[number])
        found.setdefault(pair, []).append(number)
    return list(found.values())


def _values(history: History, name: str, rows: Rows) -> Rows:
    """What rows say, as integers; NOTHING[name] where they say nothing."""
    values = history["position"][rows] if name == "position" else history.coded_at(name, rows).codes
    return np.asarray(values, dtype=np.int64)
