"""What a scenario file says: one described situation, every number with its unit in its name.

The fields below are the manual of the file format; `quotalab scenario schema` prints it for editors. Most
numbers may carry a label that says where they come from (sim/labelled.py). Dates are local in `time_zone`; a
year closes at the midnight after `closes`. Unknown keys are errors. What must hold between the parts of a
file is in sim/scenario_files/rules.py.
"""

import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim import clock, labelled
from sim.labelled import Amount, Count, Positive, Share, Spread, Whole, plain
from sim.ledger import Spec
from sim.load import Load
from sim.pathways import Pathways
from sim.policy import CATALOGUE, Policy, Reason, Record, Refresh
from sim.shock import Shock
from sim.surges import Surge


class Programme(Record):
    """The rules of the programme: the allocator's switches and how long papers are valid."""

    counts: Literal["accepted", "received", "approved"] = "accepted"
    """The moment that takes a slot: found complete and eligible; filed, complete or not; approved."""
    gives_back: tuple[Reason, ...] = ()
    """Which releases lower the count: refusal, withdrawal, expiry (a permit overtaken before use)."""
    refusals: Literal["fresh", "sticky"] = "fresh"
    """Whether a claim refused before is decided anew under its key, by a service; no simulation reads it."""
    counter: Literal["exact"] | Refresh = "exact"
    """The figure claims are judged by: the true count, or a copy taken every refresh_days."""
    over_cap: Literal["return", "refuse", "queue"] = "return"
    """An application that finds the cap reached: handed back to try again, refused for good, or queued."""
    tolerance: Annotated[int, Field(ge=0, le=labelled.MOST)] = 0
    """How far over the cap a service under test may go before it is judged wrong; no simulation reads it."""
    permit_months: Annotated[int, Field(ge=1, le=240)] = 36
    """Validity of a permit."""
    certificate_months: Annotated[int, Field(ge=1, le=240)] = 24
    """Validity of a selection certificate without an application for permanent residence."""


class Intake(Record):
    """One year of the programme and its cap."""

    year: Annotated[int, Field(ge=1970, le=2200)]
    """The name of the intake."""
    opens: datetime.date
    """First day on which claims are taken."""
    closes: datetime.date
    """Last day on which claims are taken."""
    cap: Count
    """Slots of the year."""
    stream_caps: dict[str, Count] = {}
    """Ceilings of single streams under the cap: stream and slots."""
    permit_target: Count | None = None
    """Permits hoped for, for the permit fill rate."""

    @model_validator(mode="after")
    def _opens_before_closing(self) -> "Intake":
        if self.closes < self.opens:
            raise ValueError(f"closes: {self.closes} is before opens = {self.opens}")
        return self


class Stream(Record):
    """A class of applicants."""

    share: Share
    """Which part of certificate holders belongs to it; the streams' shares sum to 1."""
    eligible: bool = True
    """Whether the stream's certificate opens this programme."""
    summary: str = ""
    """What the stream is, for readers."""


class Residence(Record):
    """Where certificate holders live; the three shares sum to 1."""

    abroad: Share = plain(1.0)
    """Outside Canada."""
    other_province: Share = plain(0.0)
    """In Canada, outside Quebec."""
    quebec: Share = plain(0.0)
    """In Quebec: not eligible, as the programme is for people outside; less than 1."""


class Attribute(Record):
    """A property drawn for each applicant; a policy may limit its values, or weigh a draw by them."""

    values: dict[str, Annotated[float, Field(ge=0, le=1)]]
    """Value and share; the shares sum to 1."""


class Event(Record):
    """A stretch of time in which certificates are invited at another rate: a halt, a slump, a wave."""

    name: str
    """What happened, for readers; names one event among the others."""
    starts: datetime.date
    """First day."""
    ends: datetime.date
    """Last day."""
    factor: labelled.Factor
    """Times the usual number of invitations; 0 is a halt."""

    @model_validator(mode="after")
    def _starts_before_ending(self) -> "Event":
        if self.ends < self.starts:
            raise ValueError(f"ends: {self.ends} is before starts = {self.starts}")
        return self


class Demand(Record):
    """Supply of certificate holders who live outside Quebec; those in Quebec come on top, by [residence]."""

    backlog: Count = plain(0)
    """Holders at the start of the scenario."""
    backlog_quebec: Share | None = None
    """Of the opening backlog, those who live in Quebec, on top; left out: as residence.quebec."""
    backlog_age_months: labelled.Months = plain(24.0)
    """Ages of the backlog's certificates are even between 0 and this."""
    per_year: Amount = plain(0)
    """New holders a year, before the year's own variation and events."""
    multiple: Positive = plain(1.0)
    """Multiplies backlog, yearly supply and surges: for what-ifs."""
    arrivals: Literal["poisson", "fixed"] = "poisson"
    """Whether a year's number varies by chance around its mean."""
    year_factor_sd: Share = plain(0.0)
    """Standard deviation of a factor on each year's mean: demand varies more than Poisson."""
    round_days: Annotated[int, Field(ge=1, le=366)] = 14
    """Days between the rounds that invite people to apply for a certificate."""
    certificate_delay_months: Spread = Spread(low=4, mode=6, high=10)
    """From that round to the certificate."""
    seasonal: tuple[Annotated[float, Field(ge=0, le=labelled.MOST)], ...] = (1.0,) * 12
    """Twelve weights, January to December, of the rounds."""
    events: tuple[Event, ...] = ()
    """Halts, slumps and waves; where two overlap, their factors multiply."""
    surges: tuple[Surge, ...] = ()
    """Crowds on top of the yearly supply."""

    @model_validator(mode="after")
    def _twelve_months(self) -> "Demand":
        if len(self.seasonal) != 12 or sum(self.seasonal) <= 0:
            raise ValueError("seasonal: needs 12 weights, January to December, not all 0")
        return self


class Behaviour(Record):
    """What people do with a certificate and a letter."""

    score_mean: Amount = plain(590.0)
    """Mean of people's scores; normal."""
    score_sd: Amount = plain(40.0)
    """Standard deviation of the scores."""
    declines_share: Share = plain(0.0)
    """Letters answered with no."""
    applies_share: Share = plain(0.75)
    """Letters that lead to an application, if nothing else comes first."""
    answer_days: Positive = plain(30.0)
    """Median days from letter to application (or to the no); lognormal."""
    answer_sigma: labelled.Sigma = plain(0.7)
    """Spread of the lognormal times to answer and to file again."""
    letter_validity_days: Whole | Literal["none"] = "none"
    """Days in which a letter must be used."""
    incomplete_share: Share = plain(0.05)
    """Applications that are incomplete at first."""
    refile_share: Share = plain(0.5)
    """Of people whose application was handed back, those who file again."""
    refile_days: Positive = plain(30.0)
    """Median days to file again, from the return (incomplete) or the next release of slots (over the cap)."""
    withdrawal_per_year: Share = plain(0.02)
    """Of people waiting a year for a decision, those who withdraw."""
    landing_days_low: labelled.Days = plain(30.0)
    """From approval to arrival in Quebec: even between low and high."""
    landing_days_high: labelled.Days = plain(120.0)
    """The longest time from approval to arrival."""
    employment_share: Share = plain(0.85)
    """Of people who arrived, those in work."""
    family_size: labelled.Persons = plain(2.9)
    """Mean persons a case, the applicant included; the others are Poisson."""


class Offices(Record):
    """The processing office."""

    officers: labelled.Staff = plain(10)
    """Officers at work on every working day."""
    opens_at: datetime.time = datetime.time(8, 30)
    """Local time at which the doors open."""
    hours_per_day: Annotated[float, Field(gt=0, le=24)] = 7.5
    """Working hours of a day; the office closes by midnight."""
    weekdays: tuple[
        Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ...
    ] = ("monday", "tuesday", "wednesday", "thursday", "friday")
    """Days of the week on which the office works."""
    holidays: tuple[datetime.date, ...] = ()
    """Days on which it does not."""
    service_hours: Positive = plain(1.5)
    """Mean hours of an officer's work on a file; lognormal."""
    service_sigma: labelled.Sigma = plain(0.5)
    """Spread of the lognormal work on a file."""
    unstaffed_weeks: Spread = Spread(low=4, mode=8, high=16)
    """From acceptance to the officers' queue: checks that no officer waits for."""
    approval_share: Share = plain(0.952)
    """Decided applications that are approved."""


class Objectives(Record):
    """The limits a planner wants met."""

    decision_weeks: Positive = plain(16.0)
    """Service standard: weeks from application to decision."""
    margin_share: Share = plain(0.01)
    """What a comparison counts as no difference: this part of the baseline's mean; of 1 for shares."""


class Scenario(Record):
    """One described situation: the whole file."""

    format: Literal[1]
    """The version of the file format."""
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Short name, used for run folders: small letters, digits and hyphens."""
    title: str
    """What the scenario describes, in one sentence."""
    time_zone: str = "America/Toronto"
    """IANA name; dates turn at local midnight."""
    starts: datetime.date
    """First simulated day."""
    ends: datetime.date
    """Last simulated day."""
    seed: Annotated[int, Field(ge=0, le=10**18)] = 1
    """Seed of every random stream, unless the command line gives another."""
    baseline: str = "first-come"
    """The policy that is simulated when none is named."""
    programme: Programme = Programme()
    """The rules of the programme."""
    intake: Annotated[tuple[Intake, ...], Field(min_length=1)]
    """The years and their caps, each in a table [[intake]], in the order of their opening."""
    streams: Annotated[dict[str, Stream], Field(min_length=1)]
    """The classes of applicants, each in a table [streams.NAME]."""
    residence: Residence = Residence()
    """Where certificate holders live."""
    attribute: dict[str, Attribute] = {}
    """Further properties, each in a table [attribute.NAME], for policies to limit or to weigh by."""
    entries: dict[Annotated[int, Field(ge=1, le=10**9)], Annotated[float, Field(ge=0, le=1)]] = {1: 1.0}
    """Registrations a person makes, and their shares; only a draw with weights by entries heeds them."""
    demand: Demand
    """How many certificate holders there are, and when."""
    behaviour: Behaviour = Behaviour()
    """What they do."""
    offices: Offices = Offices()
    """Who works on their files."""
    pathways: Pathways = Pathways()
    """The other ways to Quebec."""
    objectives: Objectives = Objectives()
    """What a planner wants met."""
    load: Load = Load()
    """How the simulated people become traffic, for load tests."""
    shocks: dict[str, Shock] = {}
    """What may happen whatever the policy, each in a table [shocks.NAME], beside what is tried anyway."""
    policies: dict[str, Policy] = {}
    """Further policies, each in a table [policies.NAME]; those of the catalogue can always be named."""

    @property
    def starts_s(self) -> int:
        """The first second of the scenario."""
        return clock.at(self.starts, self.time_zone)

    @property
    def ends_s(self) -> int:
        """The second at which the last day is over: nothing from it on is seen."""
        return clock.after(self.ends, self.time_zone)

    def policy(self, name: str) -> Policy:
        """The policy of that name, from the file or else the catalogue; KeyError if there is none."""
        return self.policies[name] if name in self.policies else CATALOGUE[name]

    def policy_names(self) -> list[str]:
        """Every policy that can be named: the file's own first."""
        return [*self.policies, *(name for name in CATALOGUE if name not in self.policies)]

    def spec(self, policy: Policy) -> Spec:
        """The allocator's switches under a policy."""
        rules, counter = self.programme, policy.counter or self.programme.counter
        return Spec(
            counts=policy.counts or rules.counts,
            gives_back=frozenset(rules.gives_back if policy.gives_back is None else policy.gives_back),
            refusals=rules.refusals,
            counter=counter.refresh_days if isinstance(counter, Refresh) else "exact",
            over_cap=policy.over_cap or rules.over_cap,
            tolerance=rules.tolerance,
        )
