"""After the replay: claims and releases of which nobody knows whether they took effect are found out.

By the same request under the same key, since a service that keeps receipts answers as it did, or would have;
or by a reading of the applicant's slot, as the profile has it. These attempts are on record like all others,
by a worker of their own.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from loadtests.asking import Asker
from loadtests.checks.requests import Request, claims, releases
from loadtests.history import HARNESS, History
from loadtests.profile import Step, Who
from loadtests.profiles.reading_back import HELD, SEPARATOR
from loadtests.protocol import CURRENT, OP
from loadtests.recorder import KEYS, Recorder
from loadtests.trace import Trace

LINES = 4
"""Connections that ask at once."""
CLIENT = -1
"""The client of these attempts in the history."""
PATIENCE = 5
"""Times that a request is sent again while the service says that it has to wait."""
UNREACHABLE = 3
"""After so many attempts in a row without any answer the rest is left as it is."""


class Settled(NamedTuple):
    """How it went."""

    asked: int
    """Requests whose effect was unknown."""
    known: int
    """Those that are known now."""


def unknown(history: History) -> list[tuple[str, Request]]:
    """Claims and releases whose effect nobody knows: op and request."""
    asked, given_up = claims(history), releases(history)
    found = [("claim", each) for each in asked.some(asked.may_have & ~asked.was_done)]
    return found + [("release", each) for each in given_up.some(given_up.may_have & ~given_up.was_done)]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the history tells of everybody, gathered once."""

    trace: Trace
    history: History
    people: dict[str, int]
    """Applicant -> row of the trace's people."""
    granted: dict[str, list[Request]]
    """Applicant -> claims that were granted."""
    released: frozenset[str]
    """Applicants who certainly released a slot."""


def settle(asker: Asker, history: History, trace: Trace, folder: Path, *, deadline_s: float) -> Settled:
    """Find them out, each person's one after the other, until the deadline."""
    asked = unknown(history)
    if not asked or asker.target.retry.resolve == "none":
        return Settled(len(asked), 0)
    known = _known(history, trace)
    until = time.monotonic() + deadline_s
    shares = [[each for each in asked if known.people[each[1].applicant] % LINES == n] for n in range(LINES)]

    def one_line(line: int) -> int:
        return _line(asker, line, shares[line], known, folder, until)

    if asker.target.retry.resolve == "read-back" and asker.target.readings.slot is not None:
        time.sleep(asker.target.readings.slot.settle_s)
    with ThreadPoolExecutor(LINES) as lines:
        return Settled(len(asked), sum(lines.map(one_line, range(LINES))))


def _known(history: History, trace: Trace) -> _Known:
    granted: dict[str, list[Request]] = defaultdict(list)
    asked, given_up = claims(history), releases(history)
    for each in asked.some(asked.was_done):
        granted[each.applicant].append(each)
    released = frozenset(each.applicant for each in given_up.some(given_up.was_done))
    people = {name: number for number, name in enumerate(trace.applicant)}
    return _Known(trace, history, people, granted, released)


def _line(
    asker: Asker, line: int, asked: list[tuple[str, Request]], known: _Known, folder: Path, until: float
) -> int:
    """What one connection settles; how many requests are known."""
    if not asked:
        return 0
    mine = Asker(asker.target)
    mine.variables = asker.variables
    recorder = Recorder(folder, host=HARNESS, worker=line, rows=PATIENCE * len(asked))
    count = silent = 0
    try:
        for op, request in asked:
            if time.monotonic() > until or silent >= UNREACHABLE:
                break
            result = _again(mine, recorder, op, request, known)
            count += result in ("ok", "fail")
            silent = silent + 1 if result == "info" else 0
    finally:
        recorder.close()
        mine.close()
    return count


def _again(asker: Asker, recorder: Recorder, op: str, request: Request, known: _Known) -> str:
    """Send one request again, or read it back; what is known of it now."""
    who = _who(op, request, known)
    steps, variables = _steps(asker, op, request, known)
    is_read_back = HELD in variables
    variables |= asker.enrolled(who)
    chain = _row_chain(known.trace, known.people[request.applicant], who.chain, request.key)
    attempt = int(max(known.history["attempt"][request.rows]))
    result = "info"
    for pause_s in _pauses():
        attempt += 1
        now = time.monotonic_ns()
        number = recorder.invoke(
            op=OP[op],
            person=known.people[request.applicant],
            chain=chain,
            attempt=attempt,
            client=CLIENT,
            due_ns=now,
            invoked_ns=now,
        )
        told = asker.converse(steps, who, variables)
        found = told.classified
        chosen = told.variables.get("intake") if who.intake == CURRENT else None
        recorder.complete_as(number, time.monotonic_ns(), found, chosen)
        result = found.result
        if found.answer not in ("throttled", "conflict", "error") or (is_read_back and result == "fail"):
            break
        time.sleep(min(found.retry_after_s or pause_s, 1.0))
    return result


def _steps(asker: Asker, op: str, request: Request, known: _Known) -> tuple[tuple[Step, ...], dict[str, str]]:
    """What is asked: the operation again, or the reading, with the slots that the applicant had before."""
    if asker.target.retry.resolve == "same-key":
        return asker.target.operation(op), {}
    granted = () if request.applicant in known.released else known.granted.get(request.applicant, ())
    slots = [str(known.history["slot"][each.done[0]] or each.applicant) for each in granted]
    return asker.target.read_back[op], {HELD: SEPARATOR.join(slots)}


def _row_chain(trace: Trace, person: int, chain: int, key: str) -> int:
    """The chain as a row has it, with which of its keys this is."""
    renewed = (number for number in range(KEYS // 2) if trace.key(person, chain, number) == key)
    return chain + KEYS * next(renewed, 0)  # the key of a release is no key of a claim


def _pauses() -> Iterator[float]:
    return (0.1 * 2**number for number in range(PATIENCE))


def _who(op: str, request: Request, known: _Known) -> Who:
    """As whom the request spoke."""
    trace, history, person = known.trace, known.history, known.people[request.applicant]
    chain = int(history["chain"][request.rows[0]])
    claim_id = ""
    if op == "release":
        mine = known.granted.get(request.applicant, ())
        named = [history["claim_id"][row] for each in mine for row in each.done]
        claim_id = next((name for name in reversed(named) if name), "")
    return Who(
        request.applicant,
        trace.stream[person],
        trace.residence[person],
        bool(trace.certificate[person]),
        bool(trace.letter[person]),
        trace.is_complete(person, chain),
        request.key,
        request.intake or CURRENT,
        claim_id,
        chain,
        trace.reason(person, chain),
    )
