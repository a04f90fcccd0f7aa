"""Surges: crowds that come on top of the yearly supply, and what is known of the people in them.

What is *known* of somebody is said in the scenario, in place of what chance would draw. Where a surge is a
single person, the scenario is a story about people with names, and every number in it can be read.
"""

import datetime
from typing import Annotated, Literal

from pydantic import Field

from sim.labelled import Count, Positive
from sim.policy import Record

Length = Annotated[float, Field(ge=0, le=36_500)]


class Known(Record):
    """What is known of the people of a surge."""

    stream: str | None = None
    """Their stream, as named under [streams]."""
    score: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Their score."""
    lottery: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Their number in every draw; lower ones come first, also among simultaneous events."""
    answer: Literal["applies", "declines", "none"] | None = None
    """What they do with a letter: apply, say no, or let it lie."""
    answer_days: Length | None = None
    """Days from the letter to the application, or to the no."""
    complete: bool | None = None
    """Whether the first application is complete; a second one always is."""
    refiles: bool | None = None
    """Whether they file again after an application was handed back."""
    refile_days: Length | None = None
    """Days to that, from the return (incomplete) or the next release of slots (over the cap)."""
    withdraws_after_days: Length | Literal["never"] | None = None
    """Days from filing after which they withdraw unless decided."""
    unstaffed_days: Length | None = None
    """Days from acceptance to the officers' queue."""
    service_hours: Length | None = None
    """Hours of an officer's work on the file."""
    approved: bool | None = None
    """Whether the decision is positive."""
    landing_days: Length | None = None
    """Days from the approval to the arrival."""
    permanent_residence_days: Length | Literal["never"] | None = None
    """Days from the certificate to permanent residence, which ends their standing; never: no application."""


class Surge(Record):
    """A crowd that comes on top of the yearly supply, its certificates spread evenly over some hours."""

    name: str
    """What happened, for readers; names one surge among the others."""
    people: Count
    """How many, outside Quebec."""
    starts: datetime.datetime
    """Local date and time of the first certificate."""
    hours: Positive
    """Hours over which the certificates are spread."""
    known: Known = Known()
    """What is known of them, in place of chance; the rest is drawn."""
