"""What passes between a target and whoever sends: who asks, a request, an answer classified."""

from collections.abc import Mapping
from typing import Final, NamedTuple

NOTHING: Mapping[str, str] = {}
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests say how long their body is, though it be empty."""


class Who(NamedTuple):
    """One applicant and one attempt chain, as far as a request can speak of them."""

    applicant: str
    stream: str = ""
    residence: str = "abroad"
    certificate: bool = True
    letter: bool = True
    complete: bool = True
    key: str = ""
    """The idempotency key of the chain."""
    intake: str = "current"
    claim_id: str = ""
    """What the claim was called by the service; for a release."""
    chain: int = 0
    reason: str = "withdrawal"
    """Why the slot is released: withdrawal, refusal or expiry."""


class Request(NamedTuple):
    """One request, ready to be written; Host and Content-Length are the client's."""

    method: str
    path: str
    """With its query, and with the path of the base URL before it."""
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Classified(NamedTuple):
    """What an answer means by the rules of its step. None is absent, never False."""

    answer: str
    """A word of protocol.ANSWERS; "unmatched" if no rule holds; "" for a command that was simply done."""
    result: str
    """What is known of the operation, if it ends here."""
    slot: str | None = None
    claim_id: str | None = None
    position: int | None = None
    value: int | None = None
    cap: str | None = None
    given_back: bool | None = None
    retry_after_s: float | None = None
    """How long the service asks to wait."""
    extracted: Mapping[str, str] = NOTHING
    """Variables for later requests of this applicant."""
    done: bool = True
    """Whether this ends the operation. If not: the same step again after poll_s, or else the next step."""
    poll_s: float | None = None
    """When to ask the same step again."""
    rule: int = -1
    """Which rule of the step held, from 0; -1 for none."""
    note: str | None = None
    """Why an answer is unmatched though a rule held: what it promised was not there."""
