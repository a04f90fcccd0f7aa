"""The nouns of a play: a flight is one attempt, Done is how it ended, a rusher is a user of a closed loop."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from loadtests.answer import Response
from loadtests.chains import Chain
from loadtests.connection import Encoded
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

    __slots__ = (
        *("chain", "client", "due_ns", "encoded", "invoked_ns", "is_first", "row", "steps", "user", "who"),
    )

    def __init__(
        self, chain: Chain, due_ns: int, who: Who, steps: tuple[Step, ...], encoded: Encoded
    ) -> None:
        self.chain, self.due_ns, self.who, self.steps, self.encoded = chain, due_ns, who, steps, encoded
        self.invoked_ns = 0
        self.row = -1
        self.client = -1
        self.user: Rusher | None = None  # whose next request follows when this is answered
        self.is_first = True  # the first send of its chain: it waits for its person's turn

    def again(self, due_ns: int) -> "Flight":
        """The same request once more."""
        flight = Flight(self.chain, due_ns, self.who, self.steps, self.encoded)
        flight.is_first = False
        return flight


class Event(Protocol):
    """Something that can be waited for, elsewhere."""

    def set(self) -> None: ...


class Rusher:
    """A user of a closed loop: its next request leaves when its last one is answered."""

    __slots__ = ("broken", "is_wanted", "number", "over")

    def __init__(self, number: int, is_wanted: Callable[[], bool], over: Event) -> None:
        self.number = number
        self.is_wanted = is_wanted  # whether it goes on
        self.over = over  # set when it has sent its last, and that was answered
        self.broken: Exception | None = None  # what broke it off
