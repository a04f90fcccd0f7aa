"""How the simulated people become traffic: the table [load] of a scenario, with a default for every key.

A load test replays a simulated outcome against a service: one *send* for every application, at the moment
when it was filed in the simulation (or decided, where approvals count), in compressed time. *Scenario time*
is the time of the simulation; one second of a run is `compress` seconds of it. Time-outs, back-off, hedges
and reads are in the run's own time and are never compressed.

A *hedge* is a second send of a request under the same key while the first is under way; a *repeat* is a
second application of a person who has one already, under another key.
"""

import datetime
from typing import Annotated

from pydantic import Field, model_validator

from sim.labelled import Amount, Positive, Share, Spread, Whole, plain
from sim.policy import Record


class Window(Record):
    """The part of the scenario that is replayed: one day, or from one local date and time to another."""

    day: datetime.date | None = None
    """The day, from midnight to midnight; give this, or starts and ends."""
    starts: datetime.datetime | None = None
    """Local date and time at which the replay begins; slots taken before it are gone."""
    ends: datetime.datetime | None = None
    """Local date and time at which the replay ends."""

    @model_validator(mode="after")
    def _day_or_both_ends(self) -> "Window":
        if self.day is not None and (self.starts is not None or self.ends is not None):
            raise ValueError("day: starts and ends are given too; give a day, or those two")
        if self.day is None and (self.starts is None or self.ends is None):
            raise ValueError("starts: a window has a day, or both starts and ends")
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError(f"ends: {self.ends.isoformat()} is not after starts")
        return self


class WaitingRoom(Record):
    """A waiting room before the form: people take a ticket, and claim once they are let in."""

    admitted_per_minute: Positive
    """People let in a minute of scenario time, in the order of their tickets."""


class Ramp(Record):
    """A search for the highest rate that a service bears: stages, each faster than the one before."""

    starts_per_s: Positive = plain(100)
    """Sends a second in the first stage."""
    factor: Annotated[float, Field(gt=1, le=10)] = 1.5
    """The rate of a stage, times that of the stage before."""
    ends_per_s: Positive = plain(2_000)
    """No stage is faster than this."""
    stage_seconds: Positive = plain(8)
    """How long a stage lasts."""
    p99_ms: Positive = plain(250)
    """The service level: a stage is borne if 99 of 100 answers come within this from their due time."""
    error_share: Share = plain(0.01)
    """The service level: no larger part of the requests ends in an error, or is turned away unserved."""
    late_share: Share = plain(0.01)
    """If a larger part of the sends leaves late, the generator is too slow to judge the service by."""
    within: Annotated[float, Field(gt=0, le=1)] = 0.1
    """The search ends once the lowest rate that was missed is this close above the highest that was met."""

    def rates(self) -> list[float]:
        """The rates of the stages, in order."""
        found = [self.starts_per_s.value]
        while found[-1] * self.factor <= self.ends_per_s.value:
            found.append(found[-1] * self.factor)
        return found


class MustSee(Record):
    """What must have happened for a run to prove anything; counts are at full scale, and shrink with it."""

    cap_reached: bool = False
    """Some claim found a cap without room."""
    intakes: Annotated[int, Field(ge=0)] = 1
    """How many intakes granted slots."""
    refusals: Annotated[int, Field(ge=0)] = 0
    """Claims that were told that a cap is full."""
    hedges: Annotated[int, Field(ge=0)] = 0
    """Pairs of sends under one key of which both were answered."""
    repeats: Annotated[int, Field(ge=0)] = 0
    """Second applications that were told that the person holds a slot."""
    withdrawals: Annotated[int, Field(ge=0)] = 0
    """Releases by those who hold the slot that were answered."""
    revocations: Annotated[int, Field(ge=0)] = 0
    """Releases by the administration (refused, or the permit not used) that were answered."""
    incomplete: Annotated[int, Field(ge=0)] = 0
    """Incomplete applications that were answered."""
    ineligible: Annotated[int, Field(ge=0)] = 0
    """Ineligible applications that were answered."""
    tickets: Annotated[int, Field(ge=0)] = 0
    """Tickets of the waiting room that were answered."""
    reads: Annotated[int, Field(ge=0)] = 0
    """Readings of the counter that were answered."""
    refreshes: Annotated[int, Field(ge=0)] = 0
    """Copies of the counter that were taken."""
    sent_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Which part of the planned sends was made, late or not."""


class Load(Record):
    """How the simulated people become traffic."""

    policy: str | None = None
    """The policy whose simulated outcome gives the moments; left out: the scenario's baseline."""
    compress: Positive | None = None
    """Seconds of scenario time in a second of the run; left out: whatever makes the run last `minutes`."""
    minutes: Positive | None = None
    """How long the replay lasts, without compress; left out: 2."""
    window: Window | None = None
    """The part of the scenario that is replayed; left out: from the first send to the last."""
    current: bool = False
    """Whether applications leave the choice of the intake to the service and its clock."""
    clients: Whole = plain(200)
    """Connections that the people share."""
    retries: Spread = Spread(low=2, mode=4, high=9, basis="assumption", note="3 to 10 requests a person")
    """How often a person repeats a request that was not answered or not served, by the target's rules."""
    backoff_ms: Spread = Spread(low=200, mode=400, high=1_000, basis="assumption")
    """A person's pause before the first retry; it doubles with each."""
    hedge_share: Share = plain(0.01)
    """Of people, those who send every request twice at once, under the same key."""
    hedge_ms: Spread = Spread(low=0, mode=0, high=5, basis="assumption")
    """How far the second of the two is behind the first."""
    repeat_share: Share = plain(0.0)
    """Of people, those who apply a second time under another key, having had no answer that they trust."""
    repeat_minutes: Positive = plain(5)
    """The second application comes within so many minutes of scenario time, evenly."""
    ineligible_share: Share = plain(0.0)
    """Of all who apply, those who may not: no certificate, no letter, or resident of Quebec."""
    reads_per_s: Amount = plain(0)
    """Readings of the counter a second, by anybody."""
    budget_s: Positive = plain(120)
    """How long a run may take in all; one that would take longer is not begun."""
    waitlist_ms: Amount = plain(50)
    """How long it takes the next on the waiting list (over_cap = queue) to claim a slot that came free."""
    late_ms: Positive = plain(50)
    """A send that leaves later than this after its due time counts as late."""
    waiting_room: WaitingRoom | None = None
    """A waiting room before the form; left out: none."""
    ramp: Ramp | None = None
    """A search for the highest rate; it sets the due times instead of the simulated moments."""
    must_see: MustSee = MustSee()
    """What must have happened for a run to prove anything."""
