"""The nouns of a play: a flight is one attempt, a hand serves it, Done is how it ended."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from loadtests.answer import Response
from loadtests.chains import Chain
from loadtests.connection import Connection, Encoded
from loadtests.profile import Step, Who


class Failed(Exception):
    """What Locust shows in its list of failures."""


class Record(Protocol):
    """What keeps the attempts; see loadtests/recorder.py."""

    @property
    def invoke(self) -> Callable[..., int]: ...
    @property
    def complete(self) -> Callable[..., None]: ...


class Done(NamedTuple):
    """One attempt that came to its end, for whoever keeps statistics."""

    op: str
    answer: str
    due_ns: int
    invoked_ns: int
    completed_ns: int
    response: Response
    problem: str | None
    """Why it failed; None for any answer that a service may give."""


class Flight:
    """One attempt: made ahead of its time, then fired, answered, and done with."""

    __slots__ = ("chain", "due_ns", "encoded", "invoked_ns", "is_first", "row", "steps", "who")

    def __init__(
        self, chain: Chain, due_ns: int, who: Who, steps: tuple[Step, ...], encoded: Encoded
    ) -> None:
        self.chain, self.due_ns, self.who, self.steps, self.encoded = chain, due_ns, who, steps, encoded
        self.invoked_ns = 0
        self.row = -1
        self.is_first = True  # the first send of its chain: it waits for its person's turn

    def again(self, due_ns: int) -> "Flight":
        """The same request once more."""
        flight = Flight(self.chain, due_ns, self.who, self.steps, self.encoded)
        flight.is_first = False
        return flight


class Hand:
    """A greenlet that serves one attempt at a time, and its number, which the history has as the client."""

    __slots__ = ("connection", "flight", "greenlet", "is_partial", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.connection: Connection | None = None
        self.flight: Flight
        self.is_partial = False
        self.greenlet: Any = None
