"""What a profile file says: how one deployed service is asked, and what its answers mean.

The fields below are the manual of the format. Texts may hold placeholders (templates.py); where a value of an
answer stands is a source (sources.py). Unknown keys are errors; what must hold between keys is in rules.py.
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


class Retry(Record):
    """What is asked again, and when. A chain of attempts keeps its key."""

    after: tuple[Answer, ...] = ("throttled", "conflict", "error")
    """The answers after which the claim is tried again."""
    most: Annotated[int, Field(ge=0, le=100)] = 3
    """Tries after the first, at most; a scenario may ask for fewer."""
    pause_s: Seconds = 0.2
    """Pause before the first of them."""
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    """What the pause is multiplied by each time."""
    longest_pause_s: Seconds = 30.0
    """The pause grows no longer than this."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Which part of a pause is left to chance."""
    retry_after: bool = True
    """Whether a Retry-After of the service replaces the pause."""
    from_step: Annotated[int, Field(ge=1)] = 1
    """The step of the claim with which a new try begins."""
    new_key_after: tuple[Answer, ...] = ()
    """The answers that the service keeps under the key, so that asking anew needs another one."""
    resolve: Literal["same-key", "read-back", "none"] = "same-key"
    """How an unknown effect is found out: by the same claim again, by the reading `slot`, or not at all."""


class Capabilities(Record):
    """What the service promises; each switches a check on or off."""

    idempotent: bool = True
    """The same key again gets the first answer."""
    conflicts: bool = False
    """A claim may fail for another's sake without effect, and has to be tried again."""
    one_slot_each: bool = True
    """An applicant holds one slot at most."""
    most_clients: Amount = 10_000
    """Connections at once, at most."""
    error_budget: Annotated[float, Field(ge=0, le=1)] = 0.0
    """The share of requests that may end in an error."""


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
    """How an intake is opened."""
    close: tuple[Step, ...] = ()
    """How it is closed."""
    refresh: tuple[Step, ...] = ()
    """How the copy of the count is renewed that claims are judged by."""
    retry: Retry = Retry()
    """What is asked again, and when."""
    readings: Readings = Readings()
    """What the service says of its own state."""
    capabilities: Capabilities = Capabilities()
    """What it promises."""


OPERATIONS = ("claim", "release", "read", "ticket", "open", "close", "refresh")
"""Parts of a profile that are operations of the history; `setup` and `enrol` are not."""
