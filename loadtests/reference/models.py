"""What the wire's bodies look like, for checking what comes in and for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from loadtests.protocol import RESIDENCES
from sim.ledger import Cap, Spec

MOST_SLOTS = 10**12


def whole(number: object) -> object:
    """JSON has no integers: 3.0 is a whole number, too."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Visible = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]([ -~]*[!-~])?$")]
Name = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")]
Slots = Annotated[int, Field(ge=0, le=MOST_SLOTS), BeforeValidator(whole)]
Moment = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]


class Said(BaseModel):
    """A body that comes in: exact types, and nothing that nobody asked for."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ClaimBody(Said):
    """An application for one slot."""

    applicant: Visible
    stream: Visible
    residence: Literal["abroad", "other-province", "quebec"]
    certificate: bool
    letter: bool
    complete: bool


assert set(ClaimBody.model_fields["residence"].annotation.__args__) == set(RESIDENCES)  # type: ignore[union-attr]


class CapBody(Said):
    """A limit on the slots of some pairs of intake and stream; a stream of null is all streams."""

    name: Visible
    limit: Slots
    covers: Annotated[
        list[Annotated[tuple[Visible, Visible | None], Field(strict=False)]],
        Field(min_length=1, max_length=1000),
    ]

    def cap(self) -> Cap:
        return Cap(self.name, self.limit, frozenset(self.covers))


class RefreshBody(Said):
    """How often the copy that claims are judged by is taken."""

    refresh_days: Annotated[int, Field(ge=1, le=3660), BeforeValidator(whole)]


class SpecBody(Said):
    """The switches of the allocator; what is left out has its default."""

    counts: Literal["accepted", "received", "approved"] = "accepted"
    gives_back: list[Literal["refusal", "withdrawal", "expiry"]] = []
    refusals: Literal["fresh", "sticky"] = "fresh"
    counter: Literal["exact"] | RefreshBody = "exact"
    over_cap: Literal["return", "refuse", "queue"] = "return"
    tolerance: Slots = 0

    def spec(self) -> Spec:
        counter = self.counter.refresh_days if isinstance(self.counter, RefreshBody) else "exact"
        rest = self.model_dump(exclude={"gives_back", "counter"})
        return Spec(gives_back=frozenset(self.gives_back), counter=counter, **rest)  # type: ignore[arg-type]


class QuotaBody(Said):
    """An intake to open now, or to announce for later."""

    caps: Annotated[list[CapBody], Field(max_length=1000)] = []
    opens_at: Moment | None = None
    closes_at: Moment | None = None
    spec: SpecBody | None = None


class LimitBody(Said):
    """A new limit for one cap."""

    cap: Visible
    limit: Slots


class TicketBody(Said):
    """Who wants a place in the waiting room."""

    applicant: Visible


class ClockBody(Said):
    """How far to step the service's clock, on top of earlier steps."""

    step_s: Annotated[float, Field(ge=-1e9, le=1e9)]


class Problem(BaseModel):
    """Why the answer is no (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str | None = None
    cap: str | None = None
    claim_id: str | None = None
    rule: str | None = None


class Grant(BaseModel):
    """A slot that was granted. A replay has the same body."""

    claim_id: str
    slot: int
    position: int
    intake: str
    stream: str
    status: Literal["granted"]
    received_at: str


class ReleaseDone(BaseModel):
    """The holding has ended."""

    status: Literal["released"]
    given_back: bool


class Sum(BaseModel):
    """The figures of one cap or stream."""

    limit: int
    used: int
    held: int
    remaining: int


class CapSum(Sum):
    """The figures of one cap, and what it covers."""

    name: str
    judged: int
    covers: list[list[str | None]]


class Quota(BaseModel):
    """An intake: what it may take in, what it has, by which rules. `cap` is null where nothing limits it."""

    intake: str
    state: Literal["announced", "open", "closed"]
    cap: int | None
    used: int
    held: int
    remaining: int | None
    streams: dict[str, Sum]
    caps: list[CapSum]
    version: int
    opens_at: str | None
    closes_at: str | None
    spec: dict[str, object]


class Quotas(BaseModel):
    """Every intake that the service knows, and the one that claims go to by the clock."""

    current: str | None
    intakes: dict[str, Literal["announced", "open", "closed"]]


class Holder(BaseModel):
    """A claim that holds a slot."""

    claim_id: str
    slot: int
    position: int
    applicant: str
    stream: str
    key: str
    received_at: str


class Audit(BaseModel):
    """Holders by position; `next` is what to ask for after, null on the last page."""

    claims: list[Holder]
    next: int | None


class Place(BaseModel):
    """A place in the waiting room, and when it lets its owner in."""

    position: int
    admitted_at: str


class Time(BaseModel):
    """The service's clock."""

    now: str
    rate: float
    step_s: float


class Health(BaseModel):
    """The service answers, and so does its store."""

    status: Literal["ok"]
    store: str
    workers: int
    worker: int
    fault: str | None
