"""A policy: who may claim a slot, in what order, and when slots come free. A frozen record, no behaviour.

A policy is a composition of small rules, each with one field: how letters go out (`invite`), how a year's
cap is released (`release`), in which order claims are decided (`claims`, `waiting_room`), what is kept back
for a stream (`reserves`, `spill`) or limited for a group (`value_limit`), how the cap changes (`top_ups`),
whether there is a cap at all (`capped`), and which switches of the programme it overrides. A policy draws
nothing: all luck is in the population. scenarios/README.md maps policies seen in real programmes to keys.

Words: an *invitation round* draws letters from the pool of certificate holders; a *window* is the stretch
between two releases of slots; *carry* says what happens to slots unused at the end of a window; a *soft*
reserve keeps other streams out of r slots, a *hard* one also keeps the stream out of everybody else's, and a
*ceiling* only limits the stream. A *charging* reserve (reserve-first, reserve-last) is a pool of slots of its
own beside the *common pool*, which is the rest of the cap; its name says which of the two is charged first.
"""

import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Reason = Literal["refusal", "withdrawal", "expiry"]
Order = Literal["first-come", "lottery", "ranked-lottery", "score"]


class Record(BaseModel):
    """Base of every record of a scenario file: frozen, and a key that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Refresh(Record):
    """A counter that claims are judged by and that is copied from the true count every few days."""

    refresh_days: Annotated[int, Field(ge=1, le=366)]
    """Days between two copies, counted from the opening of the intake."""


class Weights(Record):
    """Unequal chances in a draw: it goes on without replacement, each time by the weights of who is left."""

    by: str
    """entries: the registrations a person made; stream; or the name of an attribute."""
    values: dict[str, Annotated[float, Field(gt=0, le=1_000_000)]] = {}
    """Weight of each stream or value of the attribute; those left out weigh 1."""

    @model_validator(mode="after")
    def _values_unless_entries(self) -> "Weights":
        if self.by == "entries" and self.values:
            raise ValueError(
                'values: by = "entries" weighs a person by their number, so values are not given'
            )
        if self.by != "entries" and not self.values:
            raise ValueError(f'by: "{self.by}" needs values, the weight of each, beside it')
        return self


class Invite(Record):
    """How letters of invitation reach certificate holders."""

    by: Literal["rounds", "open"] = "rounds"
    """rounds: letters are drawn from the pool; open: no letter is needed, holders file when ready."""
    order: Order = "first-come"
    """Who is drawn first: oldest certificate, a fresh draw each round, one draw for good, highest score."""
    every_days: Annotated[int, Field(ge=1, le=366)] = 14
    """Days between rounds, counted from the start of the scenario."""
    dates: tuple[datetime.date, ...] = ()
    """The days on which rounds are held, in place of every_days; one date is a single draw."""
    weights: Weights | None = None
    """Unequal chances, for order = lottery or ranked-lottery; left out: one person, one entry."""
    size: Literal["pool", "fixed", "to-cap"] = "pool"
    """pool: everyone waiting; fixed: `number` letters; to-cap: factor x free slots - unanswered letters."""
    number: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Letters a round, for size = fixed."""
    factor: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Over-invitation factor, for size = to-cap: letters for each free slot."""
    adapts_after: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Over-invitation that learns: each round takes the factor from all letters settled so far, as if so many
    more had been settled at `factor`; left out: the factor stays."""
    letter_validity_days: Annotated[int, Field(ge=1, le=1_000_000_000)] | Literal["none"] | None = None
    """Days in which a letter must be used; none: unlimited; left out: as behaviour.letter_validity_days."""
    entry_validity_days: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Days from the certificate after which a place in the pool lapses; left out: it does not."""

    @model_validator(mode="after")
    def _number_goes_with_fixed(self) -> "Invite":
        if self.size == "fixed" and self.number is None:
            raise ValueError('size: "fixed" needs number, the letters of a round, beside it')
        if self.size != "fixed" and self.number is not None:
            raise ValueError('number: goes with size = "fixed" only')
        if self.by == "open" and (self.size != "pool" or self.order != "first-come"):
            raise ValueError('by: "open" sends no letters, so order and size cannot be chosen')
        return self

    @model_validator(mode="after")
    def _rounds_make_sense(self) -> "Invite":
        if self.by == "open" and (self.dates or self.entry_validity_days is not None):
            key = "dates" if self.dates else "entry_validity_days"
            raise ValueError(f'{key}: by = "open" has no rounds and no pool, so there is nothing to set')
        if self.dates and "every_days" in self.model_fields_set:
            raise ValueError("every_days: rounds are held on the dates given; one of the two is enough")
        if self.weights is not None and self.order not in ("lottery", "ranked-lottery"):
            raise ValueError(
                f'weights: nothing is drawn by order = "{self.order}", so nothing can be weighed'
            )
        if self.adapts_after is not None and self.size != "to-cap":
            raise ValueError('adapts_after: only size = "to-cap" has a factor to adapt')
        return self


class Release(Record):
    """When the slots of a year's cap become claimable."""

    every: Literal["year", "quarter", "month", "dates"] = "year"
    """Windows of equal parts of the cap: the whole year, calendar quarters, calendar months, or `dates`."""
    dates: tuple[datetime.date, ...] = ()
    """The first days of the further windows, for every = dates; the first window begins with the intake."""
    carry: Literal["none", "within-year", "across-years"] = "within-year"
    """Unused slots at the end of a window: lost, kept to the year's end, or kept into the next intake too."""
    borrow: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Which part of the next window's slots of the year may be taken before it begins."""

    @model_validator(mode="after")
    def _dates_go_with_dates(self) -> "Release":
        if self.every == "dates" and not self.dates:
            raise ValueError('every: "dates" needs dates, the first days of the further windows, beside it')
        if self.every != "dates" and self.dates:
            raise ValueError('dates: go with every = "dates" only')
        if self.borrow > 0 and self.every == "year":
            raise ValueError("borrow: a year in one window has no next window to take slots from")
        if self.borrow > 0 and self.carry == "none":
            raise ValueError('borrow: carry = "none" settles every window by itself, so none can owe another')
        return self


class Claims(Record):
    """Claims that are collected and decided together, in place of one by one as they come."""

    every_days: Annotated[int, Field(ge=1, le=366)]
    """Days over which claims are collected, from the opening of the intake, and decided in their last second;
    1: day by day. What is left is decided in the last second of the intake."""
    order: Literal["lottery", "score", "first-come"] = "lottery"
    """Who is served first of those collected: drawn afresh each time, highest score, earliest filing."""
    weights: Weights | None = None
    """Unequal chances, for order = lottery."""

    @model_validator(mode="after")
    def _weights_go_with_lottery(self) -> "Claims":
        if self.weights is not None and self.order != "lottery":
            raise ValueError(
                f'weights: nothing is drawn by order = "{self.order}", so nothing can be weighed'
            )
        return self


class WaitingRoom(Record):
    """A virtual waiting room before the form: first come, first admitted."""

    admitted_per_hour: Annotated[int, Field(ge=1, le=1_000_000_000)]
    """How many people are let in an hour, evenly; nobody files while waiting."""


class ValueLimit(Record):
    """At most a part of the slots, or of each round's letters, to people of one value of an attribute."""

    attribute: str
    """The attribute, as named under [attribute]; a country of birth, for example."""
    share: Annotated[float, Field(ge=0, le=1)]
    """The part that each value gets at most, rounded down."""
    of: Literal["cap", "round"] = "cap"
    """cap: of a year's cap; round: of the letters of each invitation round."""


class Spill(Record):
    """Slots that reserves have not used, opened to the other streams late in an intake."""

    dates: Annotated[tuple[datetime.date, ...], Field(min_length=1)]
    """From these days on, until the intake closes."""
    streams: Annotated[tuple[str, ...], Field(min_length=2)]
    """Slots fall down this list, nearest above first, and from its end to its beginning."""


class TopUp(Record):
    """A cap that rises during an intake."""

    date: datetime.date
    """The day from which the slots can be claimed, all at once."""
    slots: Annotated[int, Field(ge=0, le=1_000_000_000)]
    """How many more; reserves given as a share grow with them."""


class Reserve(Record):
    """Slots of every intake kept for one stream."""

    stream: str
    """The stream, as named under [streams]."""
    slots: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """How many slots a year; give this or `share`."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """Which part of the year's cap, rounded down; give this or `slots`."""
    kind: Literal["soft", "hard", "ceiling", "reserve-first", "reserve-last"] = "soft"
    """soft: others stay out of these slots; hard: neither side lends; ceiling: the stream gets no more;
    reserve-first, reserve-last: a pool of the stream's own, charged before or after the common one."""

    @model_validator(mode="after")
    def _slots_or_share(self) -> "Reserve":
        if self.slots is None and self.share is None:
            raise ValueError("stream: needs slots or share beside it")
        if self.slots is not None and self.share is not None:
            raise ValueError("share: slots is given too; one of the two is enough")
        return self


class Policy(Record):
    """One way of handing out the slots of a programme."""

    summary: str = ""
    """What it does, in one line."""
    seen_in: str = ""
    """A real programme that works this way."""
    capped: bool = True
    """False: every eligible claim is granted (the comparator)."""
    invite: Invite = Invite()
    """Who gets a letter, and when."""
    release: Release = Release()
    """When slots can be claimed."""
    claims: Claims | None = None
    """Claims decided together; left out: one by one, as they come."""
    waiting_room: WaitingRoom | None = None
    """A waiting room before the form; left out: none."""
    reserves: tuple[Reserve, ...] = ()
    """What is kept back for single streams."""
    spill: Spill | None = None
    """When unused slots of charging reserves fall to other streams; left out: never."""
    value_limit: ValueLimit | None = None
    """The most that people of one value of an attribute get; left out: no such limit."""
    top_ups: tuple[TopUp, ...] = ()
    """Rises of the cap."""
    received_factor: Annotated[float, Field(ge=1, le=1_000)] | None = None
    """Two-stage cap, for counts = received: applications taken in, complete or not, are capped at this many
    times the cap, and only complete ones count against the cap itself; left out: all count against it."""
    waitlist_expires: bool = False
    """For over_cap = queue: whoever still waits when the intake closes has the application handed back."""
    use_within_days: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Days after the decision in which a permit must be used; then it is void, and its slot expires."""
    counts: Literal["accepted", "received", "approved"] | None = None
    """Overrides programme.counts."""
    gives_back: tuple[Reason, ...] | None = None
    """Overrides programme.gives_back."""
    counter: Literal["exact"] | Refresh | None = None
    """Overrides programme.counter."""
    over_cap: Literal["return", "refuse", "queue"] | None = None
    """Overrides programme.over_cap."""


def charging(policy: Policy) -> dict[str, Reserve]:
    """The reserves that are pools of slots of their own, by stream."""
    return {each.stream: each for each in policy.reserves if each.kind in ("reserve-first", "reserve-last")}


def only_simulated(policy: Policy) -> list[str]:
    """The keys of a policy that no service is told: claims under them cannot be replayed as traffic.

    A service decides each claim as it comes, under caps on streams that the calendar alone moves.
    """
    found = [key for key in ("claims", "waiting_room", "spill", "received_factor") if getattr(policy, key)]
    found += [key for key in ("top_ups", "waitlist_expires") if getattr(policy, key)]
    found += ["release.borrow"] if policy.release.borrow else []
    found += ["reserves"] if charging(policy) else []
    found += ["value_limit"] if policy.value_limit and policy.value_limit.of == "cap" else []
    return found


CATALOGUE: dict[str, Policy] = {
    "first-come": Policy(
        summary="letters to the whole pool every 14 days; slots go in the order of applications",
        seen_in="IMP+ (its letters as assumed here); Home Care Worker pilots 2025",
    ),
    "lottery": Policy(
        summary="a fresh draw each round, as many letters as slots are free, letters valid for 60 days",
        seen_in="Parents and Grandparents Program 2020",
        invite=Invite(order="lottery", size="to-cap", letter_validity_days=60),
    ),
    "score-rounds": Policy(
        summary="highest scores first, 1.35 letters a free slot, letters valid for 60 days",
        seen_in="Arrima, Express Entry; over-invitation as in the Parents and Grandparents Program",
        invite=Invite(order="score", size="to-cap", factor=1.35, letter_validity_days=60),
    ),
    "monthly-release": Policy(
        summary="the cap in equal monthly parts, unused slots kept to the year's end",
        seen_in="UK Tier 2 restricted certificates",
        release=Release(every="month"),
    ),
    "carry-over": Policy(
        summary="first come; slots unused at the year's end join the next cap",
        seen_in="IMP+ from 2021 to 2022; Swiss third-country quotas",
        release=Release(carry="across-years"),
    ),
    "no-cap": Policy(
        summary="no letter and no cap: everyone eligible who files is accepted",
        seen_in="nominees of the other provinces",
        capped=False,
        invite=Invite(by="open"),
    ),
}
"""Policies that any scenario can name; a [policies.NAME] table of the same name replaces one. Policies that
need to know a scenario's streams, such as a reserve, are written in the scenario."""
