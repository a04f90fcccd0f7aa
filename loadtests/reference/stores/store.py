"""What every store does, and the records that go in and out.

A store is asked with the ledger's commands and answers with the ledger's replies; `apply` is one atomic step.
Beside the ledger's own state it keeps what the service has to remember: when intakes open and close, and the
tickets of the waiting room. Times are milliseconds of UTC since 1970, by the service's clock.
"""

import json
from typing import Any, Literal, NamedTuple, Protocol

from sim.ledger import (
    Cap,
    Claim,
    Closed,
    Command,
    Duplicate,
    Full,
    Granted,
    Mismatch,
    Release,
    Released,
    Replayed,
    Reply,
    Spec,
    Unheld,
)

State = Literal["announced", "open", "closed"]


class Busy(Exception):
    """The store could not take the command now. Nothing was done."""


class Answer(NamedTuple):
    """A reply, and when it was first given: a replay keeps the time of its first answer."""

    reply: Reply
    at: int


class Announced(NamedTuple):
    """An intake as the service knows it, opened or not yet."""

    intake: str
    caps: tuple[Cap, ...]
    opens_at: int | None
    closes_at: int | None
    state: State


class CapFigures(NamedTuple):
    """The running figures of a cap."""

    cap: Cap  # with the limit of now
    used: int
    held: int
    judged: int  # what claims are judged by: `used`, or the copy of it


class Figures(NamedTuple):
    """The running figures of an intake and of the caps over it, at one moment."""

    state: State
    granted: int
    used: int
    held: int
    version: int  # rises with every change
    opens_at: int | None
    closes_at: int | None
    caps: tuple[CapFigures, ...]


class Holding(NamedTuple):
    """A claim that holds a slot."""

    position: int
    slot: int
    applicant: str
    stream: str
    key: str
    at: int


class Ticket(NamedTuple):
    """A place in the waiting room of an intake."""

    position: int
    issued_at: int
    first_at: int  # when the first ticket of the intake was issued


class Asked(NamedTuple):
    """What a receipt was given for."""

    intake: str
    stream: str


class Store(Protocol):
    """One atomic step a call. Every method but `close` may raise Busy, and then nothing was done."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        """Decide and record. A release with a slot is of that slot only; the receipt remembers it.

        `unchecked` grants without looking for room. No correct service asks for it; the planted faults do.
        """
        ...

    async def spec(self) -> Spec: ...

    async def adopt(self, spec: Spec) -> bool:
        """Take this spec; False, without effect, if an intake was opened under another one."""
        ...

    async def announce(
        self, intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None
    ) -> None:
        """Make an intake known, or change its times. The caps of one that has opened stay as they are."""
        ...

    async def schedule(self) -> list[Announced]:
        """Every known intake, in the order in which they became known."""
        ...

    async def figures(self, intake: str) -> Figures | None: ...

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        """The holders with a position above `after`, by position, at one moment."""
        ...

    async def asked(self, applicant: str, key: str) -> Asked | None:
        """What was claimed under a key, if that left a receipt."""
        ...

    async def ticket(self, intake: str, applicant: str, at: int, *, issue: bool) -> Ticket | None:
        """The applicant's place in the waiting room; with `issue`, a new one behind all others if needed."""
        ...

    async def reset(self) -> None:
        """Forget everything but the spec."""
        ...


Kept = tuple[str, int, str]
"""A definite answer as a store writes it under a key: its kind, its number, its cap."""


def kept(reply: Reply) -> Kept:
    """The answer as it is kept. Slots are numbered by position, so one number tells both."""
    match reply:
        case Granted():
            return "granted", reply.slot, ""
        case Duplicate():
            return "duplicate", reply.slot, ""
        case Full():
            return "full", 0, reply.cap
        case Closed():
            return "closed", 0, ""
        case Released():
            return "released", int(reply.given_back), ""
        case Unheld():
            return "unheld", 0, ""
    raise AssertionError(f"{reply!r} is never kept under a key")


def reply_of(kind: str, number: int, cap: str) -> Reply:
    """The reply that was kept as these three words."""
    match kind:
        case "granted":
            return Granted(number, number)
        case "duplicate":
            return Duplicate(number)
        case "full":
            return Full(cap)
        case "closed":
            return Closed()
        case "released":
            return Released(bool(number))
        case "unheld":
            return Unheld()
        case "mismatch":
            return Mismatch()
    raise AssertionError(f"no store says {kind!r}")


def replayed(first: Reply) -> Replayed:
    assert isinstance(first, Granted | Duplicate | Full | Closed | Released | Unheld), first
    return Replayed(first)


def answer_of(kind: str, number: int, cap: str, at: int, is_replay: bool) -> Answer:
    """The answer that a store's own language has put into these words."""
    reply = reply_of(kind, number, cap)
    return Answer(replayed(reply) if is_replay else reply, at)


def again(command: Claim | Release, slot: int | None, receipt: tuple[Any, ...]) -> Answer:
    """The answer to a command whose key has a receipt: one key names one request.

    The receipt is (kind, intake, stream, slot, reply, number, cap, at), the slot being what a release named.
    """
    kind, intake, stream, named, reply, number, cap, at = receipt
    match command:
        case Claim():
            is_same = (kind, intake, stream) == ("claim", command.intake, command.stream)
        case Release():
            is_same = (kind, intake, named) == ("release", command.intake, slot)
    return Answer(replayed(reply_of(reply, number, cap)) if is_same else Mismatch(), at)


def caps_as_text(caps: tuple[Cap, ...]) -> str:
    """Caps as JSON, equal exactly if the caps are."""
    return json.dumps(
        [[cap.name, cap.limit, sorted([each, stream or ""] for each, stream in cap.covers)] for cap in caps]
    )


def caps_of_text(text: str | bytes) -> tuple[Cap, ...]:
    return tuple(
        Cap(name, limit, frozenset((intake, stream or None) for intake, stream in covers))
        for name, limit, covers in json.loads(text)
    )


def spec_of_plain(plain: dict[str, Any]) -> Spec:
    """The spec in the words of scenario files and history headers; raises ValueError or TypeError."""
    said = dict(plain)
    if "gives_back" in said:
        said["gives_back"] = frozenset(said["gives_back"])
    if isinstance(said.get("counter"), dict):
        said["counter"] = said["counter"]["refresh_days"]
    return Spec(**said)
