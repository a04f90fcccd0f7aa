"""A policy: who may claim a slot, in what order, and when slots come free. A frozen record, no behaviour.

A policy is a composition of small rules, each with one field: how letters go out (`invite`), how a year's
cap is released (`release`), what is kept back for a stream (`reserves`), whether there is a cap at all
(`capped`), and which switches of the programme it overrides. A policy draws nothing: all luck is in the
population.

Words: an *invitation round* draws letters from the pool of certificate holders; a *window* is the stretch
between two releases of slots; *carry* says what happens to slots unused at the end of a window; a *soft*
reserve keeps other streams out of r slots, a *hard* one also keeps the stream out of everybody else's, and a
*ceiling* only limits the stream.
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


class Invite(Record):
    """How letters of invitation reach certificate holders."""

    by: Literal["rounds", "open"] = "rounds"
    """rounds: letters are drawn from the pool; open: no letter is needed, holders file when ready."""
    order: Order = "first-come"
    """Who is drawn first: oldest certificate, a fresh draw each round, one draw for good, highest score."""
    every_days: Annotated[int, Field(ge=1, le=366)] = 14
    """Days between rounds, counted from the start of the scenario."""
    size: Literal["pool", "fixed", "to-cap"] = "pool"
    """pool: everyone waiting; fixed: `number` letters; to-cap: factor x free slots - unanswered letters."""
    number: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """Letters a round, for size = fixed."""
    factor: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Over-invitation factor, for size = to-cap: letters for each free slot."""
    letter_validity_days: Annotated[int, Field(ge=1, le=1_000_000_000)] | Literal["none"] | None = None
    """Days in which a letter must be used; none: unlimited; left out: as behaviour.letter_validity_days."""

    @model_validator(mode="after")
    def _number_goes_with_fixed(self) -> "Invite":
        if self.size == "fixed" and self.number is None:
            raise ValueError('size: "fixed" needs number, the letters of a round, beside it')
        if self.size != "fixed" and self.number is not None:
            raise ValueError('number: goes with size = "fixed" only')
        if self.by == "open" and (self.size != "pool" or self.order != "first-come"):
            raise ValueError('by: "open" sends no letters, so order and size cannot be chosen')
        return self


class Release(Record):
    """When the slots of a year's cap become claimable."""

    every: Literal["year", "quarter", "month", "dates"] = "year"
    """Windows of equal parts of the cap: the whole year, calendar quarters, calendar months, or `dates`."""
    dates: tuple[datetime.date, ...] = ()
    """The first days of the further windows, for every = dates; the first window begins with the intake."""
    carry: Literal["none", "within-year", "across-years"] = "within-year"
    """Unused slots at the end of a window: lost, kept to the year's end, or kept into the next intake too."""

    @model_validator(mode="after")
    def _dates_go_with_dates(self) -> "Release":
        if self.every == "dates" and not self.dates:
            raise ValueError('every: "dates" needs dates, the first days of the further windows, beside it')
        if self.every != "dates" and self.dates:
            raise ValueError('dates: go with every = "dates" only')
        return self


class Reserve(Record):
    """Slots of every intake kept for one stream."""

    stream: str
    """The stream, as named under [streams]."""
    slots: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    """How many slots a year; give this or `share`."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """Which part of the year's cap, rounded down; give this or `slots`."""
    kind: Literal["soft", "hard", "ceiling"] = "soft"
    """soft: others stay out of these slots; hard: neither side lends; ceiling: the stream gets no more."""

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
    reserves: tuple[Reserve, ...] = ()
    """What is kept back for single streams."""
    counts: Literal["accepted", "received", "approved"] | None = None
    """Overrides programme.counts."""
    gives_back: tuple[Reason, ...] | None = None
    """Overrides programme.gives_back."""
    counter: Literal["exact"] | Refresh | None = None
    """Overrides programme.counter."""
    over_cap: Literal["return", "refuse", "queue"] | None = None
    """Overrides programme.over_cap."""


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
