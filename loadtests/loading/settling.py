"""After the replay: claims and releases of which nobody knows whether they took effect are sent again.

The same request under the same key: a service that keeps receipts answers as it did, or would have. These
attempts are on record like all others, by a worker of their own.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from loadtests.asking import Asker
from loadtests.checks.requests import Request, claims, releases
from loadtests.history import HARNESS, History
from loadtests.profile import Who
from loadtests.protocol import ANSWER, CURRENT, NONE, OP, RESULT
from loadtests.recorder import Recorder
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
    found = [("claim", each) for each in claims(history)] + [("release", each) for each in releases(history)]
    return [(op, each) for op, each in found if each.unknown and not each.done]


def settle(asker: Asker, history: History, trace: Trace, folder: Path, *, deadline_s: float) -> Settled:
    """Send them again, each person's one after the other, until the deadline."""
    asked = unknown(history)
    if not asked or asker.target.retry.resolve != "same-key":
        return Settled(len(asked), 0)
    people = {name: number for number, name in enumerate(trace.applicant)}
    until = time.monotonic() + deadline_s
    shares = [[each for each in asked if people[each[1].applicant] % LINES == line] for line in range(LINES)]

    def one_line(line: int) -> int:
        return _line(asker, line, shares[line], history, trace, folder, until)

    with ThreadPoolExecutor(LINES) as lines:
        return Settled(len(asked), sum(lines.map(one_line, range(LINES))))


def _line(
    asker: Asker,
    line: int,
    asked: list[tuple[str, Request]],
    history: History,
    trace: Trace,
    folder: Path,
    until: float,
) -> int:
    """What one connection settles; how many requests are known."""
    if not asked:
        return 0
    mine = Asker(asker.target)
    mine.variables = asker.variables
    recorder = Recorder(folder, host=HARNESS, worker=line, rows=PATIENCE * len(asked))
    people = {name: number for number, name in enumerate(trace.applicant)}
    known = silent = 0
    try:
        for op, request in asked:
            if time.monotonic() > until or silent >= UNREACHABLE:
                break
            result = _again(mine, recorder, op, request, history, trace, people[request.applicant])
            known += result in ("ok", "fail")
            silent = silent + 1 if result == "info" else 0
    finally:
        recorder.close()
        mine.close()
    return known


def _again(
    asker: Asker,
    recorder: Recorder,
    op: str,
    request: Request,
    history: History,
    trace: Trace,
    person: int,
) -> str:
    """Send one request again; what is known of it now."""
    row = request.rows[0]
    chain = int(history["chain"][row])
    steps = asker.target.operation(op)
    who = _who(op, request, person, chain, history, trace)
    attempt = int(max(history["attempt"][request.rows]))
    result = "info"
    for pause_s in _pauses():
        attempt += 1
        now = time.monotonic_ns()
        number = recorder.invoke(
            op=OP[op],
            person=person,
            chain=chain,
            attempt=attempt,
            client=CLIENT,
            due_ns=now,
            invoked_ns=now,
        )
        told = asker.converse(steps, who)
        found = told.classified
        recorder.complete(
            number,
            completed_ns=time.monotonic_ns(),
            result=RESULT[found.result],
            answer=ANSWER.get(found.answer, NONE),
            value=found.value,
            slot=found.slot,
            claim_id=found.claim_id,
            position=found.position,
            cap=found.cap,
            given_back=found.given_back,
            note=found.note,
            intake=told.variables.get("intake") if who.intake == CURRENT else None,
        )
        result = found.result
        if found.answer not in ("throttled", "conflict", "error"):
            break
        time.sleep(min(found.retry_after_s or pause_s, 1.0))
    return result


def _pauses() -> Iterator[float]:
    return (0.1 * 2**number for number in range(PATIENCE))


def _who(op: str, request: Request, person: int, chain: int, history: History, trace: Trace) -> Who:
    claim_id = ""
    if op == "release":
        mine = [each for each in claims(history) if each.applicant == request.applicant]
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
    )
