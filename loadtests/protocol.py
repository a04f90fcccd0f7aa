"""The words of the wire and of the history, and the contract's table told over HTTP.

The reference service speaks this protocol, the profile `reference` maps the harness onto it, the recorder
writes its words as small numbers, and the judge reads them back. Nothing here does anything: tables, and pure
functions over them.

Words
    op        what was asked; a *hold* is a holder found by an audit, a *fault* an interval of the nemesis
    result    what is known of an operation: ok, fail (certainly no effect), info (not known), pending
    answer    what it was told, classified
    code      the place of a word in its tuple: what a recorder's row holds; NONE where there is no word
    problem   the kind of a refusal or an error: the last part of the `type` in an answer of 400 and above
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sim import contract
from sim.contract import ROWS, Row, Told
from sim.ledger import (
    Cap,
    Claim,
    Close,
    Command,
    Count,
    Duplicate,
    Full,
    Granted,
    Open,
    Read,
    Refresh,
    Release,
    Released,
    Replayed,
    Reply,
    SetCap,
)

OPS: Final = (
    "claim", "release", "read", "open", "close", "set-cap", "refresh", "hold", "fault", "ticket",
)  # fmt: skip

RESULTS: Final = ("ok", "fail", "info", "pending")

Result = Literal["ok", "fail", "info", "pending"]

ANSWERS: Final = (
    "granted", "replayed", "duplicate", "full", "closed", "mismatch", "ineligible", "incomplete", "released",
    "unheld", "count", "accepted-async", "throttled", "conflict", "rejected", "error", "unmatched",
)  # fmt: skip

NONE: Final = -1
"""The code of no word: an operation that is pending has no answer, and neither has a command simply done."""

OP: Final = {word: code for code, word in enumerate(OPS)}
RESULT: Final = {word: code for code, word in enumerate(RESULTS)}
ANSWER: Final = {word: code for code, word in enumerate(ANSWERS)}

_RESULT_OF: Final[dict[str, Result]] = {
    "granted": "ok",
    "replayed": "ok",
    "duplicate": "ok",
    "full": "ok",
    "closed": "ok",
    "ineligible": "ok",
    "released": "ok",
    "count": "ok",
    "mismatch": "fail",
    "incomplete": "fail",
    "unheld": "fail",
    "throttled": "fail",
    "conflict": "fail",
    "rejected": "fail",
    # Taken in, and to be decided at some later time: nothing is known until it has been asked again.
    "accepted-async": "info",
    "error": "info",
    "unmatched": "info",
}


def result_of(answer: str) -> Result:
    """What an answer makes known of its operation."""
    return _RESULT_OF[answer]


PROBLEM_BASE: Final = "https://quotalab.invalid/problems/"
"""What the `type` of every problem begins with; a name that nobody can own, since nobody need look it up."""

PROBLEMS: Final = {
    "exhausted": "a cap has no room",
    "already-holds-slot": "the applicant holds a slot under another key",
    "idempotency-in-progress": "the key is at work already",
    "key-reused": "the key was used for another request",
    "incomplete": "the application is not complete",
    "ineligible": "a rule of eligibility is not met",
    "intake-closed": "the intake is not open",
    "not-held": "the applicant does not hold this slot",
    "unknown": "there is no such intake",
    "malformed": "the request cannot be read",
    "unfit": "the request can be read, and cannot be meant",
    "other-caps": "the intake has other caps",
    "other-spec": "the service has another spec, and slots that were granted by it",
    "unknown-cap": "the intake has no such cap",
    "unauthorized": "the admin token is missing or wrong",
    "not-admitted": "the waiting room has not let the applicant in yet",
    "unavailable": "nothing was done; ask again",
    "broken": "the service broke down; what was done is not known",
}
"""The last part of a problem's type, and its title."""

# Headers, in lower case as they are compared.
KEY_HEADER: Final = "idempotency-key"
APPLICANT_HEADER: Final = "applicant"
REPLAYED_HEADER: Final = "idempotent-replayed"  # "true" on a replay, absent otherwise
RETRY_HEADER: Final = "retry-after"
ADMIN_HEADER: Final = "authorization"  # Bearer, and the token

CLAIM_FIELDS: Final = ("applicant", "stream", "residence", "certificate", "letter", "complete")
RESIDENCES: Final = ("abroad", "other-province", "quebec")
GRANT_FIELDS: Final = ("claim_id", "slot", "position", "intake", "stream", "status", "received_at")
RELEASE_FIELDS: Final = ("status", "given_back")
QUOTA_FIELDS: Final = (
    "cap", "used", "held", "remaining", "streams", "caps",
    "version", "state", "opens_at", "closes_at", "spec",
)  # fmt: skip
AUDIT_FIELDS: Final = ("claims", "next")
HOLDING_FIELDS: Final = ("claim_id", "slot", "position", "applicant", "stream", "key", "received_at")
TICKET_FIELDS: Final = ("position", "admitted_at")
CURRENT: Final = "current"
"""The intake of a claim's path when the service is to choose it by its clock."""

FAR_OFF: Final = "2999-01-01T00:00:00Z"
"""An opening that is announced and does not come: the service knows the intake, and it never opened."""


def problem_type(problem: str) -> str:
    """The `type` of a problem document."""
    assert problem in PROBLEMS, problem
    return PROBLEM_BASE + problem


def claim_id(intake: str, slot: int) -> str:
    """The name of a holding: which slot of which intake."""
    return f"{intake}-{slot}"


def slot_of(claim: str, intake: str) -> int | None:
    """The slot that a claim id of this intake names; None if it is no such id."""
    head, _, tail = claim.rpartition("-")
    if head != intake or not (tail.isascii() and tail.isdigit()) or len(tail) > 15:
        return None
    return int(tail)


class Request(NamedTuple):
    """One request of the wire, as any HTTP client sends it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Answered(NamedTuple):
    """What the wire says to a command: the parts of the answer that the contract fixes."""

    status: int
    problem: str | None
    replayed: bool
    body: dict[str, object]  # fields that must be there, with these values


class Recorded(NamedTuple):
    """What the history says of it, without names, keys and times; None where the row has nothing."""

    op: str
    result: str
    answer: str | None
    value: int | None = None
    slot: str | None = None
    claim_id: str | None = None
    position: int | None = None
    cap: str | None = None
    given_back: bool | None = None


def cap_as_plain(cap: Cap) -> dict[str, object]:
    """A cap in the words of the wire; a stream of null is every stream of the intake."""
    pairs = sorted(cap.covers, key=lambda pair: (pair[0], pair[1] is not None, pair[1] or ""))
    return {"name": cap.name, "limit": cap.limit, "covers": [[intake, stream] for intake, stream in pairs]}


def request_of(command: Command, *, slot: int = 1) -> Request:
    """The command as a request. On the wire a release names its holding, hence the slot."""
    here = f"/quotas/{command.intake}"
    match command:
        case Claim():
            said: dict[str, Any] = {
                "applicant": command.applicant,
                "stream": command.stream,
                "residence": "abroad",
                "certificate": True,
                "letter": True,
                "complete": True,
            }
            return _sent("POST", f"{here}/claims", said, {"Idempotency-Key": command.key})
        case Release():
            headers = {"Applicant": command.applicant, "Idempotency-Key": command.key}
            path = f"{here}/claims/{claim_id(command.intake, slot)}?reason={command.reason}"
            return Request("DELETE", path, headers, b"")
        case Read():
            return Request("GET", here, {}, b"")
        case Open():
            return _sent("PUT", here, {"caps": [cap_as_plain(cap) for cap in command.caps]})
        case SetCap():
            return _sent("POST", f"{here}/caps", {"cap": command.cap, "limit": command.limit})
        case Refresh():
            return Request("POST", f"{here}/refresh", {}, b"")
        case Close():
            return Request("POST", f"{here}/close", {}, b"")


def _sent(method: str, path: str, said: object, headers: dict[str, str] | None = None) -> Request:
    body = json.dumps(said, separators=(",", ":")).encode()
    return Request(method, path, {"Content-Type": "application/json", **(headers or {})}, body)


def announcement(intake: str) -> Request:
    """The request that makes an intake known without opening it."""
    return _sent("PUT", f"/quotas/{intake}", {"caps": [], "opens_at": FAR_OFF})


def answered(command: Command, reply: Reply) -> Answered:
    """The wire's answer to a command that was given this reply."""
    told = contract.told(command, reply)
    said = reply.first if isinstance(reply, Replayed) else reply
    return Answered(told.http, told.problem, isinstance(reply, Replayed), _body(command, said))


def _body(command: Command, said: Reply) -> dict[str, object]:
    match command, said:
        case Claim(), Granted():
            return {
                "claim_id": claim_id(command.intake, said.slot),
                "slot": said.slot,
                "position": said.position,
                "intake": command.intake,
                "stream": command.stream,
                "status": "granted",
            }
        case _, Duplicate():
            return {"claim_id": claim_id(command.intake, said.slot)}
        case _, Full():
            return {"cap": said.cap}
        case _, Released():
            return {"status": "released", "given_back": said.given_back}
        case _, Count():
            return {"used": said.used}
    return {}


def recorded(command: Command, reply: Reply) -> Recorded:
    """The history's row of a command that was given this reply."""
    told: Told = contract.told(command, reply)
    said = reply.first if isinstance(reply, Replayed) else reply
    slot = said.slot if isinstance(said, Granted | Duplicate) else None
    return Recorded(
        op=contract.OPS[type(command)],
        result=told.result,
        answer=told.answer,
        value=said.used if isinstance(said, Count) else None,
        slot=None if slot is None else str(slot),
        claim_id=None if slot is None else claim_id(command.intake, slot),
        position=said.position if isinstance(said, Granted) else None,
        cap=said.cap if isinstance(said, Full) else None,
        given_back=said.given_back if isinstance(said, Released) else None,
    )


@dataclass(frozen=True, slots=True)
class WireRow:
    """A row of the contract's table, as the wire and the history show it."""

    row: Row
    before: tuple[Request, ...]
    request: Request
    answered: Answered
    recorded: Recorded


def _wire_row(row: Row) -> WireRow:
    commands = (*row.before, row.command)
    opened = {command.intake for command in row.before if isinstance(command, Open)}
    # A service knows an intake that was announced; one that never opened is announced, no more.
    known = () if isinstance(row.command, Open) or row.command.intake in opened else (row.command.intake,)
    requests = [request_of(command) for command in commands]
    return WireRow(
        row=row,
        before=(*(announcement(intake) for intake in known), *requests[:-1]),
        request=requests[-1],
        answered=answered(row.command, row.reply),
        recorded=recorded(row.command, row.reply),
    )


TABLE: Final = tuple(_wire_row(row) for row in ROWS)
"""The contract's table with what HTTP and the history make of every row. In all of them the holder, if there
is one, has slot 1, so a release names that."""
