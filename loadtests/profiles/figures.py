"""What a profile file says of the service's own figures: its readings, and how a list is read to its end."""

from typing import Annotated, Literal

from pydantic import Field

from loadtests.profiles.requests import Amount, Asking, Record, Seconds


class Page(Record):
    """How a list continues: by an address in the answer, or by counting."""

    next: str | None = None
    """Where the address of the next page stands: json:next, or header:link for a Link with rel="next"."""
    parameter: str | None = None
    """The query parameter that says where to go on."""
    cursor: str | None = None
    """Where the parameter's next value stands: json:meta.cursor, or json:items[-1].id."""
    by: Literal["items", "pages"] | None = None
    """Or the parameter counts: items as offset and skip do, or pages."""
    first: Annotated[int, Field(ge=0)] | None = None
    """What the parameter counts from: 0 for items, 1 for pages if left out."""
    size_parameter: str | None = None
    """The query parameter for the size of a page, as limit and take are."""
    size: Amount = 500
    """Items a page, where it can be asked for."""
    most: Amount = 100_000
    """Pages at most: a list that goes on for ever is a fault."""


class Reading(Asking):
    """A named figure of the service, read before and after a run."""

    value: str
    """Where the figure stands."""
    status: int | str | tuple[int | str, ...] = "2xx"
    """The statuses of an answer that has it."""
    settle_s: Seconds = 0.0
    """How long the figure may lag behind the truth."""


class SlotReading(Reading):
    """The slot that one applicant holds, if any."""

    none: int | str | tuple[int | str, ...] = 404
    """The status of an applicant who holds none; so does a value that is absent."""
    claim_id: str | None = None
    """Where the name of the claim stands, for its release."""


class Listing(Asking):
    """The list of those who hold a slot."""

    entries: str = "json:"
    """Where the list stands. A table counts as a list: each entry is its value, and its key is text:{key}."""
    applicant: str
    """Where in an entry the applicant stands."""
    shown_as: str = "{applicant}"
    """How the service shows an applicant, as a placeholder with filters: {applicant|uuid5}."""
    slot: str | None = None
    """Where in an entry the slot stands."""
    claim_id: str | None = None
    """Where in an entry the name of the claim stands."""
    position: str | None = None
    """Where in an entry its position in the order of grants stands."""
    page: Page | None = None
    """How the list continues; left out if it comes whole."""
    settle_s: Seconds = 0.0
    """How long the list may lag behind the truth."""


class Readings(Record):
    """What the service says of its own state. Without any, the answers alone are counted."""

    cap: Reading | None = None
    """The limit."""
    used: Reading | None = None
    """What the cap counts."""
    held: Reading | None = None
    """How many hold a slot, where that is not the same."""
    available: Reading | None = None
    """What is left."""
    slot: SlotReading | None = None
    """What one applicant holds."""
    holders: Listing | None = None
    """Everyone who holds a slot."""
