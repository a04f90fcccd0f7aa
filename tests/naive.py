"""The baseline for speed: the programme as one would first write it in SimPy, a process for every person.

It plays first-come policies only: letters to the whole pool, one cap a year, slots counted when a complete
application is filed, nothing given back. Everybody is a process, in Quebec or not, with permanent residence
and the bridging permit as events of its life; officers are a `simpy.Resource`, the cap is a plain counter.
There is no ledger and no order of simultaneous events but SimPy's own. It is meant to be reasonable code, not
slow code.
"""

from bisect import bisect_right
from collections import Counter, namedtuple
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import simpy

from sim.clock import DAY_S, NEVER, after, at, working_hours
from sim.people import People
from sim.policy import Policy
from sim.population import QUEBEC
from sim.scenario import Scenario

COLUMNS = (
    *(
        "certified_s",
        "standing_until_s",
        "files_pr",
        "pr_decided_s",
        "pr_approved",
        "pr_arrival_s",
        "in_scope",
    ),
    *("residence", "bridging_s", "declines", "applies", "answer_delay_s", "complete", "refiles"),
    *("refile_delay_s", "withdraws_after_s", "unstaffed_s", "service_s", "approved", "landing_s"),
)
One = namedtuple("One", COLUMNS)  # type: ignore[misc]
Life = Generator[simpy.Event, Any, None]


@dataclass(slots=True)
class Case:
    """What happened to a person, for the statistics."""

    status: str = "out-of-scope"
    letter_s: int = NEVER
    filed_s: int = NEVER
    slot_s: int = NEVER
    started_s: int = NEVER
    decided_s: int = NEVER
    arrived_s: int = NEVER
    left_s: int = NEVER


class World:
    """The clock, the counters and the offices."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.scenario, self.policy = scenario, policy
        self.env = simpy.Environment(initial_time=scenario.starts_s)
        self.officers = simpy.Resource(self.env, capacity=int(scenario.offices.officers.value))
        self.ends_s = scenario.ends_s
        self.year, self.cap = 0, 0
        self.used: Counter[int] = Counter()
        self.pool: dict[int, simpy.Event] = {}
        self.next_opening = self.env.event()
        self.residents = 0
        offices = scenario.offices
        table = working_hours(
            scenario.starts,
            scenario.ends + timedelta(days=60),
            scenario.time_zone,
            opens_at=offices.opens_at,
            hours=offices.hours_per_day,
            weekdays=frozenset(offices.weekdays),
            holidays=frozenset(offices.holidays),
        )
        self.opens_s = table.opens_s.tolist()
        self.day_s = round(offices.hours_per_day * 3600)

    @property
    def now(self) -> int:
        return int(self.env.now)

    def until(self, time_s: int) -> simpy.Event:
        """A timeout, or an event that never happens."""
        if time_s >= self.ends_s:
            return self.env.event()
        return self.env.timeout(max(0, time_s - self.now))

    def closed_for_s(self) -> int:
        """Seconds until the office is open; 0 if it is."""
        now = self.now
        day = bisect_right(self.opens_s, now) - 1
        return 0 if day >= 0 and now < self.opens_s[day] + self.day_s else self.opens_s[day + 1] - now

    def work_lasts_s(self, service_s: int) -> int:
        """Seconds on the wall clock for so many seconds of open office, from an open moment."""
        day = bisect_right(self.opens_s, self.now) - 1
        days, rest = divmod(self.now - self.opens_s[day] + service_s - 1, self.day_s)
        if day + days >= len(self.opens_s):
            return NEVER
        return self.opens_s[day + days] + rest + 1 - self.now

    def has_room(self) -> bool:
        return bool(self.year) and (not self.policy.capped or self.used[self.year] < self.cap)


def intakes(world: World) -> Life:
    """One year after the other."""
    zone = world.scenario.time_zone
    for intake in world.scenario.intake:
        yield world.until(at(intake.opens, zone))
        world.year, world.cap = intake.year, int(intake.cap.value)
        opening, world.next_opening = world.next_opening, world.env.event()
        opening.succeed()
        yield world.until(after(intake.closes, zone))
        world.year = 0


def invitation_rounds(world: World) -> Life:
    """Letters to everyone in the pool."""
    while True:
        waiting, world.pool = world.pool, {}
        for letter in waiting.values():
            letter.succeed()
        yield world.env.timeout(world.policy.invite.every_days * DAY_S)


def residence(world: World, one: Any) -> Life:
    """The way round the programme, for the rest of the process of a person."""
    if one.pr_approved:
        yield world.until(one.pr_arrival_s)
        world.residents += 1


def person(world: World, number: int, one: Any, case: Case) -> Life:
    """One life, from the certificate on."""
    if one.certified_s > world.now:
        yield world.until(one.certified_s)
    if one.residence == QUEBEC:
        if one.bridging_s < one.pr_decided_s:
            yield world.until(one.bridging_s)
            case.status = "bridging"
    elif one.in_scope:
        yield from programme(world, number, one, case)
    yield from residence(world, one)


def programme(world: World, number: int, one: Any, case: Case) -> Life:
    """A person's way through the programme."""
    env, scenario, policy = world.env, world.scenario, world.policy
    standing = world.until(one.standing_until_s)

    def overtaken() -> str:
        case.left_s = one.standing_until_s
        if not one.files_pr:
            return "certificate-expired"
        return "pr-first" if one.pr_approved else "pr-refused"

    case.status = "pool"
    if policy.invite.by == "rounds":
        letter = env.event()
        world.pool[number] = letter
        yield letter | standing
        if not letter.triggered:
            del world.pool[number]
            case.status = overtaken()
            return
    case.letter_s, case.status = world.now, "invited"
    days = policy.invite.letter_validity_days
    if days is None:
        rule = scenario.behaviour.letter_validity_days
        days = "none" if rule == "none" else int(rule.value)
    lapses_s = NEVER if days == "none" or policy.invite.by == "open" else world.now + days * DAY_S
    answers = one.declines or one.applies
    answer = world.until(world.now + one.answer_delay_s if answers else NEVER)
    happened = yield answer | standing | world.until(lapses_s)
    if answer not in happened:
        case.status = overtaken() if standing in happened else "lapsed"
        case.left_s = world.now
        return
    if one.declines:
        case.status, case.left_s = "declined", world.now
        return

    complete = one.complete
    while True:
        case.filed_s = world.now
        if complete and world.has_room():
            break
        if complete:
            case.status = "returned-over-cap"
            opening = world.next_opening
        else:
            case.status = "returned-incomplete"
            opening = None
        if not one.refiles:
            return
        if opening is not None:
            yield opening
        refiles_s = world.now + one.refile_delay_s
        yield world.until(refiles_s)
        if standing.processed:
            case.status = overtaken()
            return
        complete = True
    world.used[world.year] += 1
    case.slot_s, case.status = world.now, "accepted"

    leaves_s = min(case.filed_s + one.withdraws_after_s, one.pr_decided_s)
    leaving = world.until(leaves_s)
    yield world.until(world.now + one.unstaffed_s) | leaving
    if not leaving.processed:
        with world.officers.request() as officer:
            yield officer | leaving
            if officer.triggered and (closed_s := world.closed_for_s()):
                yield env.timeout(closed_s) | leaving
            if not leaving.processed:
                case.started_s = world.now
                yield world.until(world.now + world.work_lasts_s(one.service_s))
    if case.started_s == NEVER:
        withdrew = leaves_s < one.pr_decided_s
        case.status, case.left_s = "withdrawn" if withdrew else overtaken(), world.now
        return
    case.decided_s = world.now
    if not one.approved:
        case.status = "refused"
        return
    case.status = "permit"
    arrival_s = world.now + one.landing_s
    if one.pr_approved and one.pr_decided_s <= arrival_s:
        yield world.until(max(one.pr_decided_s, world.now + 1))
        case.status, case.left_s = "permit-unused", world.now
        return
    yield world.until(arrival_s)
    case.arrived_s = world.now


def simulate(scenario: Scenario, people: People, policy: Policy) -> dict[str, int]:
    """How many people came to each end, slots used in each year as used-YEAR, and three further counts."""
    spec = scenario.spec(policy)
    assert (spec.counts, spec.over_cap, spec.counter) == ("accepted", "return", "exact")
    assert (policy.invite.size, policy.release.every) == ("pool", "year")
    assert not spec.gives_back
    assert not policy.reserves
    assert all(not intake.stream_caps for intake in scenario.intake)
    assert all(a.closes < b.opens for a, b in pairwise(scenario.intake))
    world = World(scenario, policy)
    columns = {name: getattr(people, name).tolist() for name in COLUMNS}
    cases = [Case() for _ in range(len(people))]
    world.env.process(intakes(world))
    for number, values in enumerate(zip(*columns.values(), strict=True)):
        world.env.process(person(world, number, One(*values), cases[number]))
    if policy.invite.by == "rounds":
        world.env.process(invitation_rounds(world))
    world.env.run(until=scenario.ends_s)
    told = Counter(case.status for case in cases)
    told |= Counter({f"used-{year}": used for year, used in world.used.items()})
    decided = np.array([case.decided_s - case.filed_s for case in cases if case.decided_s < NEVER])
    arrived = sum(case.arrived_s < NEVER for case in cases)
    median_s = int(np.median(decided)) if len(decided) else 0
    return dict(told) | {"arrived": arrived, "residents": world.residents, "median-wait-s": median_s}
