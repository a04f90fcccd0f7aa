"""What a profile file says: how one deployed service is asked, and what its answers mean.

The fields below, those of a request (requests.py) and those of the readings (figures.py) are the manual of
the format. Unknown keys are errors; what must hold between keys is in rules.py.
"""

from typing import Annotated, Literal

from pydantic import Field

from loadtests.profiles.figures import Listing, Page, Reading, Readings, SlotReading
from loadtests.profiles.requests import (
    Amount,
    Answer,
    Asking,
    Condition,
    Poll,
    Record,
    Rule,
    Seconds,
    Step,
    Take,
    Text,
)

__all__ = [
    "OPERATIONS", "ORDERS", "Answer", "Asking", "Capabilities", "Condition", "Listing", "Page", "Poll",
    "Profile", "Reading", "Readings", "Ready", "Record", "Reset", "Retry", "Rule", "SlotReading", "Step",
    "Take", "Tls",
]  # fmt: skip


class Ready(Asking):
    """The request that tells whether the service is ready; any 2xx says yes."""

    status: int | str | tuple[int | str, ...] = "2xx"
    """The status of a service that is ready."""
    every_s: Seconds = 0.1
    """Pause between two tries."""
    deadline_s: Seconds = 30.0
    """How long to wait for it."""


class Reset(Record):
    """How the service is brought to the state that runs begin with. Nothing of it happens unasked."""

    command: tuple[str, ...] = ()
    """A program and its arguments, run in the folder of the profile."""
    says: str = ""
    """What a person must do, where no command can."""
    deadline_s: Seconds = 60.0
    """How long the command may take."""


class Retry(Record):
    """What is asked again, and when. A chain of attempts keeps its key, but for `new_key_after`."""

    after: tuple[Answer, ...] = ("throttled", "conflict", "error")
    """The answers after which the same is tried again; a refusal such as full may be among them."""
    most: Annotated[int, Field(ge=0, le=100)] = 3
    """Tries after the first, at most; a scenario may ask for fewer."""
    pause_s: Seconds | None = None
    """Pause before the first of them; left out: as the scenario draws it for each person."""
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    """What the pause is multiplied by each time."""
    longest_pause_s: Seconds = 10.0
    """The pause grows no longer than this."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Which part of a pause is left to chance, told by a hash of person, chain and attempt: with 0.5 a pause
    lasts from half of its length to all of it. A pause that the scenario draws differs from person to person
    already."""
    retry_after: bool = True
    """Whether a Retry-After of the service replaces the pause."""
    from_step: Annotated[int, Field(ge=1)] = 1
    """The step of the claim with which a new try begins, once the steps before it are done."""
    new_key_after: tuple[Answer, ...] = ()
    """The answers that the service keeps under the key, so that asking anew needs another one. They are among
    `after`, and none of them leaves it open whether anything was done."""
    resolve: Literal["same-key", "read-back", "none"] = "same-key"
    """How an unknown effect is found out: by the same claim again, by the reading `slot`, or not at all. With
    read-back, a duplicate after an unknown effect is looked up too: the slot may be the chain's own."""


class Capabilities(Record):
    """What the service promises; each switches a check on or off."""

    idempotent: bool = True
    """The same key again gets the first answer."""
    conflicts: bool = False
    """A claim may fail for another's sake without effect, and has to be tried again; of a service that does
    not say so, a conflict counts as an error."""
    one_slot_each: bool = True
    """An applicant holds one slot at most."""
    most_clients: Amount = 10_000
    """Connections at once, at most: whoever finds all of them in use waits for one."""
    error_budget: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of requests that may end in an error; with more of them a run proves nothing."""


class Tls(Record):
    """How an https address is trusted."""

    verify: bool = True
    """Whether the certificate must be right."""
    ca_file: str | None = None
    """A file of authorities to trust."""
    certificate_file: str | None = None
    """Our own certificate, where the service asks for one."""
    key_file: str | None = None
    """Its key."""


class Profile(Record):
    """A service under test, as the harness sees it."""

    format: Literal[1]
    """The version of this format."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    """Short name."""
    title: Annotated[str, Field(min_length=1)]
    """What the service is, in a line."""
    extends: str | None = None
    """Another profile, by name or by path from here: tables are joined, anything else is replaced."""
    base_url: str
    """Where the service is: http://127.0.0.1:8080, with a path if it has one."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long an answer is waited for."""
    shared: bool = False
    """Whether others use the service at the same time."""
    cookies: bool = False
    """Whether each applicant has a jar of cookies."""
    slot: Literal["answer", "applicant"] = "answer"
    """What tells a replay from a second grant: a slot named in the answer, or nothing but the applicant."""
    headers: Text = {}
    """Headers of every request."""
    variables: Text = {}
    """Names for texts that several requests need; secrets come as ${NAME} from the environment."""
    rules: tuple[Rule, ...] = ()
    """What answers mean where the rules of a step do not say it."""
    tls: Tls = Tls()
    """For https."""
    ready: Ready | None = None
    """How to tell that the service is ready."""
    reset: Reset = Reset()
    """How to bring it to a clean state."""
    setup: tuple[Step, ...] = ()
    """Requests sent once, before a run: log in, create what is claimed."""
    enrol: tuple[Step, ...] = ()
    """Requests sent once for each applicant, before the first claim: create a user, fetch a token."""
    claim: tuple[Step, ...] = ()
    """How a slot is claimed."""
    release: tuple[Step, ...] = ()
    """How it is given back, if it can be."""
    read: tuple[Step, ...] = ()
    """How an applicant looks at what is left."""
    ticket: tuple[Step, ...] = ()
    """How an applicant enters the waiting room."""
    open: tuple[Step, ...] = ()
    """How an intake is opened; also with {limit}, {cap} (the cap's name), {caps} and {spec} (as JSON)."""
    close: tuple[Step, ...] = ()
    """How it is closed."""
    refresh: tuple[Step, ...] = ()
    """How the copy of the count is renewed that claims are judged by."""
    set_cap: tuple[Step, ...] = ()
    """How a cap is given another limit: {cap} is its name, {limit} the limit."""
    retry: Retry = Retry()
    """What is asked again, and when."""
    readings: Readings = Readings()
    """What the service says of its own state."""
    capabilities: Capabilities = Capabilities()
    """What it promises."""


OPERATIONS = ("claim", "release", "read", "ticket", "open", "close", "refresh", "set_cap")
"""Parts of a profile that are operations of the history; `setup` and `enrol` are not."""

ORDERS = ("open", "close", "refresh", "set_cap")
"""Those of them that an administration sends, for nobody in particular."""
