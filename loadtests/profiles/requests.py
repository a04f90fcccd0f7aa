"""What a profile file says of one request: the request as a template, and the rules of its answers.

Texts may hold placeholders (templates.py); where a value of an answer stands is a source (sources.py).
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from sim.policy import Record as ScenarioRecord

Answer = Literal[
    "granted", "replayed", "duplicate", "full", "closed", "mismatch", "ineligible", "incomplete", "released",
    "unheld", "count", "accepted-async", "throttled", "conflict", "rejected", "error",
]  # fmt: skip
"""protocol.ANSWERS without unmatched, which is no rule's to give."""

Seconds = Annotated[float, Field(ge=0, le=3600)]
Amount = Annotated[int, Field(ge=1, le=1_000_000)]
Text = dict[str, str]


class Record(ScenarioRecord):
    """Base of every record of a profile: frozen, and a key that is not known is an error."""

    model_config = ConfigDict(serialize_by_alias=True)


class Condition(Record):
    """What an answer must look like: its status, and tests of one header or JSON value, and of the body."""

    status: int | str | tuple[int | str, ...] = ()
    """A status code, a class as "2xx", a range as "500-599", or a list of these; any if left out."""
    header: str = ""
    """The response header that is tested."""
    path: str | None = Field(None, alias="json")
    """The path into the JSON body that is tested."""
    body: str = ""
    """A regular expression that is searched in the body."""
    equals: str | int | float | bool | None = None
    """The header or the JSON value is this; a text may have placeholders."""
    contains: str | int | float | bool | None = None
    """It contains this: as part of a text, a member of a list, a key of a table."""
    matches: str | None = None
    """This regular expression is found in it."""
    exists: bool | None = None
    """It is there (true), or is absent or null (false)."""


class Rule(Condition):
    """What it means if an answer looks like that. Rules are tried in order; the first that holds counts."""

    also: tuple[Condition, ...] = ()
    """Further conditions, all of which must hold too."""
    answer: Answer | None = None
    """What the applicant was told. It ends the operation, unless `go` says otherwise."""
    go: Literal["next", "again"] | None = None
    """next: go on with the next step; again: ask this step again, as `poll` says."""
    slot: str | None = None
    """Where the slot stands; overrides the step's `take`, as do the following."""
    claim_id: str | None = None
    """Where the name of the claim stands, for its release."""
    position: str | None = None
    """Where the position in the order of grants stands."""
    value: str | None = None
    """Where the figure stands that a reading saw."""
    cap: str | None = None
    """Where the cap stands that had no room."""
    given_back: str | None = None
    """Where it stands whether a release lowered the count."""


class Poll(Record):
    """How a step is repeated until a rule ends it."""

    first_s: Seconds = 0.0
    """Pause before it is asked for the first time."""
    every_s: Seconds = 0.2
    """Pause before it is asked again; the service's Retry-After, if it gives one, comes first."""
    deadline_s: Seconds = 30.0
    """After so long the operation ends undecided."""


class Take(Record):
    """Where in an answer the parts of a grant stand. A grant without its slot or claim id is unmatched."""

    slot: str | None = None
    """Where the slot stands: a replay names the same, a second grant another. See `slot` of the profile."""
    claim_id: str | None = None
    """Where the name of the claim stands, for its release."""
    position: str | None = None
    """Where the position in the order of grants stands."""
    value: str | None = None
    """Where the figure stands that a reading saw."""
    cap: str | None = None
    """Where the cap stands that had no room."""
    given_back: str | None = None
    """Where it stands whether a release lowered the count."""


class Asking(Record):
    """A request as a template."""

    request: Annotated[
        str, Field(pattern=r"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*$", examples=["GET /"])
    ]
    """The method and the path, with placeholders: POST /quotas/{intake}/claims."""
    query: Text = {}
    """Parameters after the question mark."""
    headers: Text = {}
    """Headers of this request; they come after, and instead of, those of the profile."""
    json_body: Any = Field(None, alias="json")
    """The body as JSON, written as TOML; a text that is one placeholder of a truth value becomes one."""
    form: Text | None = None
    """The body as fields of a form."""
    graphql: dict[str, Any] | None = None
    """The body as a GraphQL request: query, taken word for word, and variables."""
    body: str | None = None
    """The body as text; a Content-Type goes into headers."""


class Step(Asking):
    """One request of an operation, and what its answers mean."""

    rules: tuple[Rule, ...] = ()
    """What the answers mean, in order; the profile's `rules` come after them."""
    take: Take = Take()
    """Where the parts of a grant stand, for every rule that does not say it itself."""
    extract: Text = {}
    """Variables for the requests after this one: name and where the value stands. Absent: unmatched."""
    poll: Poll = Poll()
    """How it is repeated, for rules that say `go = "again"`."""
