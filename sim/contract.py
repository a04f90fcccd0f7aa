"""The contract as a table that runs: command x state -> reply, and what each reply is on the wire.

`ROWS` has a row for every state that matters to a command; played to a ledger, each gives its reply. `TOLD`
says how a reply to a command appears elsewhere: on the wire of the reference service, in the history, to the
checker. `BEFORE_THE_LEDGER` lists what the service answers without asking the ledger. Together they are
total: whatever a command can be told is in here.

Words
    op        the command, as the history writes it: claim, release, read, open, close, set-cap, refresh
    problem   the last part of the problem type in an answer of 400 and above
    result    what is known of the operation: ok (a decision was read), fail (certainly no effect) or info
    answer    what it was told, as the history classifies it; None for a command that was simply done
    checker   the kind of observation it is to the checker, in the letters of CHECKER_KINDS
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from sim.ledger import (
    Cap,
    Claim,
    Close,
    Closed,
    Command,
    Count,
    Done,
    Duplicate,
    Full,
    Granted,
    Mismatch,
    Open,
    Read,
    Refresh,
    Release,
    Released,
    Replayed,
    Reply,
    SetCap,
    Spec,
    Unheld,
    cap_of,
)

OPS: Final[dict[type[Command], str]] = {
    Open: "open",
    SetCap: "set-cap",
    Refresh: "refresh",
    Close: "close",
    Claim: "claim",
    Release: "release",
    Read: "read",
}

CHECKER_KINDS: Final = {
    "G": "a grant: the counts go up",
    "L": "a release: the holding ends, and `used` falls if it gives back",
    "J": "a refusal: the named cap had no room",
    "D": "a duplicate: the applicant held a slot",
    "NL": "no holder: the applicant held no slot",
    "R": "a reading of `used`",
    "B": "a boundary: the intake opened, closed, or was seen not to be open",
    "C": "a new limit",
    "S": "a new copy of `used` to judge claims by",
}

Result = Literal["ok", "fail", "info"]


@dataclass(frozen=True, slots=True)
class Told:
    """What an operation is told, as seen from outside the ledger."""

    http: int
    problem: str | None
    result: Result
    answer: str | None
    checker: str | None  # None: nothing happened and nothing was observed


TOLD: Final[dict[tuple[type[Command], type[Reply]], Told]] = {
    (Claim, Granted): Told(201, None, "ok", "granted", "G"),
    (Claim, Mismatch): Told(422, "key-reused", "fail", "mismatch", None),
    (Claim, Closed): Told(410, "intake-closed", "ok", "closed", "B"),
    (Claim, Duplicate): Told(409, "already-holds-slot", "ok", "duplicate", "D"),
    (Claim, Full): Told(409, "exhausted", "ok", "full", "J"),
    (Release, Released): Told(200, None, "ok", "released", "L"),
    (Release, Mismatch): Told(422, "key-reused", "fail", "mismatch", None),
    (Release, Unheld): Told(404, "not-held", "fail", "unheld", "NL"),
    (Read, Count): Told(200, None, "ok", "count", "R"),
    (Open, Done): Told(200, None, "ok", None, "B"),
    (Open, Mismatch): Told(422, "other-caps", "fail", "mismatch", None),
    (Open, Closed): Told(410, "intake-closed", "ok", "closed", "B"),
    (SetCap, Done): Told(200, None, "ok", None, "C"),
    (SetCap, Mismatch): Told(422, "unknown-cap", "fail", "mismatch", None),
    (SetCap, Closed): Told(410, "intake-closed", "ok", "closed", "B"),
    (Refresh, Done): Told(200, None, "ok", None, "S"),
    (Refresh, Closed): Told(410, "intake-closed", "ok", "closed", "B"),
    (Close, Done): Told(200, None, "ok", None, "B"),
    (Close, Closed): Told(410, "intake-closed", "ok", "closed", "B"),
}
"""Every reply but Replayed, which is told like its first answer; see `told`."""


def told(command: Command, reply: Reply) -> Told:
    """How the reply to the command appears outside. A replay differs from its first answer in `answer` alone.

    On the wire it also bears the header Idempotent-Replayed: true. To the checker the two are one operation.
    """
    if isinstance(reply, Replayed):
        first = TOLD[type(command), type(reply.first)]
        return Told(first.http, first.problem, first.result, "replayed", first.checker)
    return TOLD[type(command), type(reply)]


@dataclass(frozen=True, slots=True)
class Aside:
    """An answer of the reference service that the ledger has no part in."""

    when: str
    told: Told


BEFORE_THE_LEDGER: Final = (
    Aside("the request cannot be read", Told(400, "malformed", "fail", "rejected", None)),
    Aside("the service knows no such intake", Told(404, "unknown", "fail", "rejected", None)),
    Aside("a rule of eligibility is not met", Told(403, "ineligible", "ok", "ineligible", None)),
    Aside(
        "incomplete, and claims do not count when received",
        Told(422, "incomplete", "fail", "incomplete", None),
    ),
    Aside("the key is at work already", Told(409, "idempotency-in-progress", "fail", "conflict", None)),
    Aside("too many requests", Told(429, None, "fail", "throttled", None)),
    Aside("the service is not available", Told(503, None, "fail", "throttled", None)),
    Aside("the service broke down, at an unknown point", Told(500, None, "info", "error", None)),
)


_PLAIN = Spec(gives_back=frozenset({"withdrawal"}))


@dataclass(frozen=True, slots=True)
class Row:
    """One state, brought about from nothing, one command to it, and the reply."""

    state: str
    before: tuple[Command, ...]
    command: Command
    reply: Reply
    spec: Spec = _PLAIN

    @property
    def op(self) -> str:
        return OPS[type(self.command)]

    @property
    def told(self) -> Told:
        return told(self.command, self.reply)


_STICKY = Spec(refusals="sticky")
_WEEKLY = Spec(counter=7)

_OPEN = Open("2022", (cap_of("2022", 1),))
_WIDE = Open("2022", (cap_of("2022", 5), cap_of("2022", 1, "pilot")))
_NEXT = Open("2023", (cap_of("2023", 1),))
_LATE_CAP = Open("2023", (Cap("both", 1, frozenset({("2022", None), ("2023", None)})),))
_ANA = Claim("ana", "k1", "2022", "main")
_ANA_AGAIN = Claim("ana", "k2", "2022", "main")
_BO = Claim("bo", "k1", "2022", "main")
_WITHDRAWS = Release("ana", "k3", "2022", "withdrawal")
_LAPSES = Release("ana", "k3", "2022", "expiry")
_CUT = SetCap("2022", "2022", 0)
_CLOSE = Close("2022")
_FIRST = Granted(slot=1, position=1)
_SECOND = Granted(slot=2, position=2)

ROWS: Final = (
    Row("the intake never opened", (), _ANA, Closed()),
    Row("there is room", (_OPEN,), _ANA, _FIRST),
    Row("there is room; another applicant has used the key", (_WIDE, _ANA), _BO, _SECOND),
    Row("the key has this claim's grant", (_OPEN, _ANA), _ANA, Replayed(_FIRST)),
    Row("the key has this claim's grant, released since", (_OPEN, _ANA, _WITHDRAWS), _ANA, Replayed(_FIRST)),
    Row(
        "the key has this claim's grant; the intake has closed", (_OPEN, _ANA, _CLOSE), _ANA, Replayed(_FIRST)
    ),
    Row(
        "the key has a grant in another stream",
        (_OPEN, _ANA),
        Claim("ana", "k1", "2022", "pilot"),
        Mismatch(),
    ),
    Row(
        "the key has a grant in another intake",
        (_OPEN, _NEXT, _ANA),
        Claim("ana", "k1", "2023", "main"),
        Mismatch(),
    ),
    Row("the key has a release", (_OPEN, _ANA, _WITHDRAWS), Claim("ana", "k3", "2022", "main"), Mismatch()),
    Row("the applicant holds a slot", (_WIDE, _ANA), _ANA_AGAIN, Duplicate(slot=1)),
    Row("the applicant holds a slot, and the cap is full", (_OPEN, _ANA), _ANA_AGAIN, Duplicate(slot=1)),
    Row("the applicant holds a slot; the intake has closed", (_OPEN, _ANA, _CLOSE), _ANA_AGAIN, Closed()),
    Row("the intake has closed", (_OPEN, _CLOSE), _ANA, Closed()),
    Row("the cap is full", (_OPEN, _ANA), _BO, Full("2022")),
    Row("the cap was cut below what is used", (_WIDE, _ANA, _CUT), _BO, Full("2022")),
    Row(
        "the stream's own cap is full, the intake's is not",
        (_WIDE, Claim("ana", "k1", "2022", "pilot")),
        Claim("bo", "k1", "2022", "pilot"),
        Full("2022/pilot"),
    ),
    Row(
        "the key was refused, and is decided anew",
        (_OPEN, _CUT, _ANA, SetCap("2022", "2022", 1)),
        _ANA,
        _FIRST,
    ),
    Row(
        "the key was refused, and refusals stick",
        (_OPEN, _CUT, _ANA, SetCap("2022", "2022", 1)),
        _ANA,
        Replayed(Full("2022")),
        _STICKY,
    ),
    Row("the cap is full, and the copy does not show it", (_OPEN, _ANA), _BO, _SECOND, _WEEKLY),
    Row("the cap is full, and the copy shows it", (_OPEN, _ANA, Refresh("2022")), _BO, Full("2022"), _WEEKLY),
    Row("the slot was given back", (_OPEN, _ANA, _WITHDRAWS), _ANA_AGAIN, _SECOND),
    Row("the slot was released, not given back", (_OPEN, _ANA, _LAPSES), _ANA_AGAIN, Full("2022")),
    Row("the intake never opened", (), _WITHDRAWS, Unheld()),
    Row("the applicant holds nothing", (_OPEN,), _WITHDRAWS, Unheld()),
    Row("somebody else holds a slot", (_OPEN, _BO), _WITHDRAWS, Unheld()),
    Row("the applicant holds a slot; the reason gives back", (_OPEN, _ANA), _WITHDRAWS, Released(True)),
    Row("the applicant holds a slot; the reason does not give back", (_OPEN, _ANA), _LAPSES, Released(False)),
    Row(
        "the applicant holds a slot; the intake has closed", (_OPEN, _ANA, _CLOSE), _WITHDRAWS, Released(True)
    ),
    Row("the key has this release", (_OPEN, _ANA, _WITHDRAWS), _WITHDRAWS, Replayed(Released(True))),
    Row(
        "released under another key", (_OPEN, _ANA, _LAPSES), Release("ana", "k4", "2022", "expiry"), Unheld()
    ),
    Row("the key has a claim", (_OPEN, _ANA), Release("ana", "k1", "2022", "withdrawal"), Mismatch()),
    Row("the intake never opened", (), Read("2022"), Count(0)),
    Row("the intake is open, a slot given back", (_OPEN, _ANA, _WITHDRAWS), Read("2022"), Count(0)),
    Row("the intake is open; the copy lags", (_OPEN, _ANA), Read("2022"), Count(1), _WEEKLY),
    Row("the intake has closed", (_OPEN, _ANA, _CLOSE), Read("2022"), Count(1)),
    Row("the intake never opened", (), _OPEN, Done()),
    Row("the intake is open with these caps", (_OPEN,), _OPEN, Done()),
    Row("the intake is open with other caps", (_OPEN,), _WIDE, Mismatch()),
    Row("a new cap covers an intake opened without it", (_OPEN,), _LATE_CAP, Mismatch()),
    Row("the intake has closed", (_OPEN, _CLOSE), _OPEN, Closed()),
    Row("the intake never opened", (), _CUT, Closed()),
    Row("the intake is open", (_OPEN,), _CUT, Done()),
    Row("the intake has no such cap", (_OPEN, _NEXT), SetCap("2022", "2023", 1), Mismatch()),
    Row("the intake has closed", (_OPEN, _CLOSE), _CUT, Closed()),
    Row("the intake never opened", (), Refresh("2022"), Closed()),
    Row("the intake is open", (_OPEN,), Refresh("2022"), Done()),
    Row("the intake has closed", (_OPEN, _CLOSE), Refresh("2022"), Closed()),
    Row("the intake never opened", (), _CLOSE, Closed()),
    Row("the intake is open", (_OPEN,), _CLOSE, Done()),
    Row("the intake has closed", (_OPEN, _CLOSE), _CLOSE, Closed()),
)

assert set(OPS) == set(get_args(Command)), f"an op for every command, not {OPS}"
