"""The twin: the same programme once more, slow and plain, to hold the engine to.

Every applicant is a SimPy process, told top to bottom in `life`; the intakes, the ministry that sends
letters and the processing office are processes too. Slots are in the hands of the real ledger. Nothing is
shared with the engine but the tables of `sim.clock` and the hash of a lottery round.

What happens in one second happens in the order (phase, lottery, row). SimPy takes events of one time by
their integer priority, of which it uses 0 and 1 itself, so phase and rank become one integer of 2 or more. A
process that another one wakes resumes at priority 0 or 1: at once, before anything else of that second.
"""

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import count, groupby
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import simpy

from sim import outcome as o
from sim.clock import DAY_S, NEVER, after, at, month_starts, working_hours
from sim.engine.kernels import round_number
from sim.ledger import Cap as LedgerCap
from sim.ledger import Claim, Close, Full, Granted, Ledger, Open, Reason, Refresh, Release, Released, SetCap
from sim.outcome import IntakeAccount, Outcome
from sim.people import People
from sim.policy import Policy
from sim.population import QUEBEC
from sim.scenario import Intake, Scenario

TURN, EXIT, DECISION, ROUND, CLAIM, READY = range(6)
CLOSES, OPENS, RELEASES, REFRESHES = range(4)  # the order of turns within one second
COLUMNS = [column.name for column in fields(Outcome) if column.name not in ("filings_s", "intakes")]
NOTHING = {
    "attempts": 0,
    "full_count": 0,
    "intake": 0,
    "spent": 0,
}  # of people out of scope; the rest is NEVER
Life = Generator[simpy.Event, Any, None]


@dataclass(slots=True, eq=False)
class Person:
    """What one applicant would do, and then what became of them, in the words of People and Outcome."""

    row: int
    rank: int
    """Position by (lottery, row)."""
    stream: str
    score: int
    lottery: int
    certified_s: int
    standing_until_s: int
    files_pr: bool
    pr_decided_s: int
    pr_approved: bool
    declines: bool
    applies: bool
    answer_delay_s: int
    complete: bool
    refiles: bool
    refile_delay_s: int
    withdraws_after_s: int
    unstaffed_s: int
    service_s: int
    approved: bool
    landing_s: int

    status: int = o.POOL
    letter_s: int = NEVER
    first_filed_s: int = NEVER
    filed_s: int = NEVER
    attempts: int = 0
    full_count: int = 0
    first_full_s: int = NEVER
    intake: int = 0
    slot_s: int = NEVER
    spent: int = 0
    ready_s: int = NEVER
    started_s: int = NEVER
    decided_s: int = NEVER
    permit_s: int = NEVER
    arrived_s: int = NEVER
    left_s: int = NEVER

    lapses_s: int = NEVER
    """When the letter lapses."""
    answered: bool = False
    """Whether the ministry has had a no or an application."""
    woken: simpy.Event | None = None
    """What the person waits for from others: a letter, a slot, an officer."""

    @property
    def is_complete(self) -> bool:
        return self.complete or self.attempts >= 2

    @property
    def leaves_s(self) -> int:
        """When someone who waits for a slot or a decision gives up, or has permanent residence decided."""
        return min(self.filed_s + self.withdraws_after_s, self.pr_decided_s)

    def end(self, status: int, left_s: int) -> None:
        self.status, self.left_s = status, left_s

    def is_overtaken(self) -> None:
        """The standing ended before there was an application, or before the next one."""
        answer = o.PR_FIRST if self.pr_approved else o.PR_REFUSED
        self.end(answer if self.files_pr else o.CERTIFICATE_EXPIRED, self.standing_until_s)

    def leaves(self) -> None:
        """Somebody who waits stops waiting."""
        answer = o.PR_FIRST if self.pr_approved else o.PR_REFUSED
        withdrew = self.filed_s + self.withdraws_after_s < self.pr_decided_s
        self.end(o.WITHDRAWN if withdrew else answer, self.leaves_s)


@dataclass(slots=True, eq=False)
class Year:
    """One intake as it is played."""

    year: int
    opens_s: int
    closes_s: int
    cap: int
    kinds: list[str]
    """What each cap is, the same from year to year; the first is the total."""
    streams: list[tuple[str, ...]]
    """Which streams each cap covers."""
    full: list[int]
    """The whole limit of each cap; its own until the intake opens, then with what was carried in."""
    windows_s: list[int]
    """When slots come free: the opening, then the further windows."""
    carried_in: int = 0

    def name(self, cap: int) -> str:
        return f"{self.year}/{cap}"


class Model:
    """One replication under one policy: the clock, the institutions, everyone."""

    def __init__(self, scenario: Scenario, people: People, policy: Policy) -> None:
        self.scenario, self.policy, self.spec = scenario, policy, scenario.spec(policy)
        self.starts_s, self.ends_s = scenario.starts_s, scenario.ends_s
        self.env = simpy.Environment(initial_time=self.starts_s)
        self.size = len(people)
        self.filings_s: list[int] = []
        self.persons = _persons(scenario, people)
        self.intakes = Intakes(self)
        self.ministry = Ministry(self, people)
        self.office = Office(self)
        for process in (self.intakes.turns, self.ministry.rounds, self.office.openings):
            self.env.process(process())
        for person in self.persons:
            self.env.process(life(self, person))

    @property
    def now(self) -> int:
        return int(self.env.now)

    def at(self, time_s: int, phase: int, rank: int = 0) -> simpy.Event:
        """That moment, as an event; it never comes if it lies beyond the horizon."""
        moment = simpy.Event(self.env)
        if time_s < self.ends_s:
            moment._ok, moment._value = True, None  # as simpy.Timeout does, which has no priority to choose
            delay = max(0, time_s - self.env.now)  # a standing may have ended before the start
            self.env.schedule(moment, priority=2 + phase * self.size + rank, delay=delay)  # type: ignore[arg-type]
        return moment

    def lapses_s(self, letter_s: int) -> int:
        days = self.policy.invite.letter_validity_days
        if days is None:
            rule = self.scenario.behaviour.letter_validity_days
            days = "none" if rule == "none" else int(rule.value)
        return NEVER if days == "none" or self.policy.invite.by == "open" else letter_s + days * DAY_S


def life(model: Model, p: Person) -> Life:
    """One applicant's way through the programme."""
    intakes, ministry, office, spec = model.intakes, model.ministry, model.office, model.spec

    # --- A letter, or by = open the certificate itself.
    standing_ends = model.at(p.standing_until_s, EXIT, p.rank)
    if model.policy.invite.by == "rounds":
        p.woken = simpy.Event(model.env)
        ministry.pool[p.rank] = p
        yield p.woken | standing_ends
        ministry.pool.pop(p.rank, None)
        invited = p.letter_s < NEVER
    else:
        first_chance_s = max(p.certified_s, model.starts_s)
        invited = first_chance_s < p.standing_until_s
        yield model.at(first_chance_s, ROUND, p.rank) if invited else standing_ends
        p.letter_s = first_chance_s if invited else NEVER
    if not invited:
        return p.is_overtaken()
    p.status = o.INVITED
    p.lapses_s = model.lapses_s(p.letter_s)

    # --- An answer, unless the letter lapses or the standing ends before it.
    answer_s = p.letter_s + p.answer_delay_s
    answers = (p.declines or p.applies) and answer_s < p.lapses_s
    if p.standing_until_s <= (answer_s if answers else p.lapses_s):
        yield standing_ends
        return p.is_overtaken()
    if not answers:
        yield model.at(p.lapses_s, EXIT, p.rank)
        return p.end(o.LAPSED, p.lapses_s)
    if p.declines:
        yield model.at(answer_s, EXIT, p.rank)
        p.answered = True
        return p.end(o.DECLINED, answer_s)

    # --- An application, and further ones until one has a slot (counts = approved: until one is complete).
    files_s = answer_s
    while True:
        yield model.at(files_s, CLAIM, p.rank)
        if p.standing_until_s <= files_s:
            return p.is_overtaken()
        p.answered = True
        p.attempts += 1
        model.filings_s.append(files_s)
        p.filed_s, p.first_filed_s = files_s, min(files_s, p.first_filed_s)
        if spec.counts == "received" or p.is_complete:
            if spec.counts == "approved":
                p.status = o.ACCEPTED
                break
            if not intakes.admits(p):
                opening_s = intakes.next_opening_s(files_s)
                if spec.over_cap == "refuse":
                    p.status = o.REFUSED_OVER_CAP
                    return
                if spec.over_cap == "return":
                    p.status = o.RETURNED_OVER_CAP
                    if not p.refiles or opening_s == NEVER:
                        return
                    files_s = opening_s + p.refile_delay_s
                    continue
                p.status = o.WAITLISTED
                p.woken = simpy.Event(model.env)
                intakes.waitlist[p.rank] = p
                yield p.woken | model.at(p.leaves_s, EXIT, p.rank)
                if not p.woken.triggered:
                    del intakes.waitlist[p.rank]
                    return p.leaves()
            if p.is_complete:
                break
        p.status = o.RETURNED_INCOMPLETE
        if not p.refiles:
            return
        files_s = model.now + p.refile_delay_s

    # --- Checks that no officer waits for, then the officers' queue.
    ministry.in_process += 1
    ready_s = model.now + p.unstaffed_s
    if p.leaves_s > ready_s:
        yield model.at(ready_s, READY, p.rank)
        p.ready_s = ready_s
        p.woken = simpy.Event(model.env)
        office.join(p)
        yield p.woken | model.at(p.leaves_s, EXIT, p.rank)
    else:
        yield model.at(p.leaves_s, EXIT, p.rank)
    if p.started_s == NEVER:
        p.leaves()
        ministry.in_process -= 1
        intakes.takes_back(p, "withdrawal")
        return

    # --- An officer's work, which nothing interrupts, and the decision.
    yield model.at(office.done_s(p), DECISION, p.rank)
    p.decided_s = model.now
    ministry.in_process -= 1
    if not p.approved:
        p.status = o.REFUSED
        intakes.takes_back(p, "refusal")
    elif spec.counts == "approved" and not intakes.claims(p):
        p.status = o.REFUSED_OVER_CAP if spec.over_cap == "refuse" else o.RETURNED_OVER_CAP
    else:
        p.status, p.permit_s = o.PERMIT, p.decided_s
    office.free_officers += 1
    office.start_files()
    if p.status != o.PERMIT:
        return

    # --- Arrival, unless permanent residence comes first.
    arrives_s = p.permit_s + p.landing_s
    if p.pr_approved and p.pr_decided_s <= arrives_s:
        overtaken_s = max(p.pr_decided_s, p.permit_s + 1)
        yield model.at(overtaken_s, EXIT, p.rank)
        p.end(o.PERMIT_UNUSED, overtaken_s)
        intakes.takes_back(p, "expiry")
    elif arrives_s < model.ends_s:
        p.arrived_s = arrives_s


class Intakes:
    """The intakes one after the other, their ledger, and the waitlist."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.ledger = Ledger(model.spec, journal=False)
        every = [self._year(intake) for intake in model.scenario.intake]
        self.years = [year for year in every if year.opens_s < model.ends_s]
        self.open: Year | None = None
        self.carried: dict[str, int] = {}  # unused slots of the year before, by the kind of cap
        self.keys = count(1)
        self.waitlist: dict[int, Person] = {}  # by rank, in the order in which they were put on it
        openings = [second for year in self.years for second in year.windows_s if second < model.ends_s]
        self.openings_s = sorted(openings)

    def _year(self, intake: Intake) -> Year:
        scenario, policy = self.model.scenario, self.model.policy
        zone, everyone = scenario.time_zone, tuple(scenario.streams)
        opens_s = max(scenario.starts_s, at(intake.opens, zone))
        closes_s = after(intake.closes, zone)
        cap = int(intake.cap.value) if policy.capped else NEVER
        caps: list[tuple[str, tuple[str, ...], int]] = [("total", everyone, cap)]
        if policy.capped:
            for stream, ceiling in intake.stream_caps.items():
                caps.append((f"at most for {stream}", (stream,), int(ceiling.value)))
            for kept in policy.reserves:
                others = tuple(name for name in everyone if name != kept.stream)
                slots = math.floor((kept.share or 0) * cap) if kept.slots is None else kept.slots
                if kept.kind in ("soft", "hard") and others:
                    caps.append((f"others than {kept.stream}", others, max(0, cap - slots)))
                if kept.kind in ("hard", "ceiling"):
                    caps.append((f"reserve of {kept.stream}", (kept.stream,), slots))
        bounds: list[int] = []
        if policy.release.every == "dates":
            bounds = sorted({at(day, zone) for day in policy.release.dates})
        elif policy.release.every != "year":
            months = 3 if policy.release.every == "quarter" else 1
            bounds = month_starts(opens_s, closes_s, zone, months=months)
        windows_s = [opens_s, *(bound for bound in bounds if opens_s < bound < closes_s)]
        kinds, streams, limits = (list(column) for column in zip(*caps, strict=True))
        return Year(intake.year, opens_s, closes_s, cap, kinds, streams, limits, windows_s)

    def turns(self) -> Life:
        """The calendar: closings, openings, releases, refreshes; after those of one second, the waitlist."""
        for second, simultaneous in groupby(sorted(self._turns(), key=itemgetter(0, 1)), key=itemgetter(0)):
            yield self.model.at(second, TURN)
            for _, kind, year, window in simultaneous:
                if kind == CLOSES:
                    self._close(year)
                elif kind == OPENS:
                    self._open(year)
                elif kind == RELEASES:
                    self._release_slots(year, window)
                else:
                    self.ledger.apply(Refresh(str(year.year)))
            self.serve()

    def _turns(self) -> Iterator[tuple[int, int, Year, int]]:
        counter = self.model.spec.counter
        for year in self.years:
            yield year.opens_s, OPENS, year, 1
            yield year.closes_s, CLOSES, year, 0
            for window, second in enumerate(year.windows_s[1:], start=2):
                yield second, RELEASES, year, window
            if counter != "exact":
                zone = self.model.scenario.time_zone
                opens = datetime.fromtimestamp(year.opens_s, ZoneInfo(zone)).date()
                for step in count(1):
                    second = at(opens + timedelta(days=step * counter), zone)
                    if second >= year.closes_s:
                        break
                    yield second, REFRESHES, year, 0

    def _open(self, year: Year) -> None:
        for cap, kind in enumerate(year.kinds):
            year.full[cap] += self.carried.get(kind, 0)
        year.carried_in = self.carried.get("total", 0)
        self.carried = {}
        caps = [
            LedgerCap(
                year.name(cap), self._limit(year, cap, 1), frozenset((str(year.year), s) for s in streams)
            )
            for cap, streams in enumerate(year.streams)
        ]
        self.ledger.apply(Open(str(year.year), tuple(caps)))
        self.open = year

    def _release_slots(self, year: Year, window: int) -> None:
        for cap in range(len(year.full)):
            self.ledger.apply(SetCap(str(year.year), year.name(cap), self._limit(year, cap, window)))

    def _limit(self, year: Year, cap: int, window: int) -> int:
        """How many slots a cap allows in a window, counted from 1."""
        full, windows = year.full[cap], len(year.windows_s)
        if full == NEVER:
            return NEVER
        if self.model.policy.release.carry == "none" and window > 1:
            used = self.ledger.cap(year.name(cap)).used
            return used + full * window // windows - full * (window - 1) // windows
        return full * window // windows

    def _close(self, year: Year) -> None:
        if self.model.policy.release.carry == "across-years" and self.model.policy.capped:
            used = [self.ledger.cap(year.name(cap)).used for cap in range(len(year.full))]
            unused = [max(0, full - taken) for full, taken in zip(year.full, used, strict=True)]
            self.carried = dict(zip(year.kinds, unused, strict=True))
        self.ledger.apply(Close(str(year.year)))
        self.open = None

    def next_opening_s(self, second: int) -> int:
        """The first moment after that second at which slots come free; NEVER if there is none."""
        later = bisect_right(self.openings_s, second)
        return self.openings_s[later] if later < len(self.openings_s) else NEVER

    def claims(self, p: Person) -> bool:
        """Whether the person has a slot now."""
        granted = False
        if self.open is not None:
            claim = Claim(str(p.row), str(next(self.keys)), str(self.open.year), p.stream)
            reply = self.ledger.apply(claim)
            assert isinstance(reply, Granted | Full), f"{reply} to {claim}"
            granted = isinstance(reply, Granted)
        if granted:
            assert self.open is not None
            p.status, p.slot_s, p.intake = o.ACCEPTED, self.model.now, self.open.year
        else:
            p.full_count += 1
            p.first_full_s = min(p.first_full_s, self.model.now)
        return granted

    def admits(self, p: Person) -> bool:
        """Whether the application has a slot; an incomplete one (counts = received) loses it at once."""
        granted = self.claims(p)
        if granted and not p.is_complete and self._takes_incomplete_back(p):
            self.serve()
        return granted

    def _takes_incomplete_back(self, p: Person) -> bool:
        given_back = self._release(p, "refusal")
        p.spent += not given_back
        p.intake, p.slot_s = 0, NEVER
        return given_back

    def takes_back(self, p: Person, reason: Reason) -> None:
        """The slot, if there is one; if that gave it back to the open intake, the waitlist moves up."""
        if p.slot_s < NEVER and self._release(p, reason) and self.open and self.open.year == p.intake:
            self.serve()

    def _release(self, p: Person, reason: Reason) -> bool:
        reply = self.ledger.apply(Release(str(p.row), str(next(self.keys)), str(p.intake), reason))
        assert isinstance(reply, Released), f"{reply} to a release by {p}"
        return reply.given_back

    def serve(self) -> None:
        """Slots for the waitlist, in order. Nobody needs asking twice: serving never makes room."""
        if self.open is None:
            return
        year, without_room = str(self.open.year), set[str]()
        for p in list(self.waitlist.values()):
            caps = () if p.stream in without_room else self.ledger.caps_over(year, p.stream)
            if not caps or any(cap.judged >= (cap.limit or 0) for cap in caps):
                without_room.add(p.stream)
                if len(without_room) == len(self.model.scenario.streams):
                    return
            else:
                assert self.claims(p), f"no slot for {p}, although there was room"
                if not p.is_complete:
                    self._takes_incomplete_back(p)
                del self.waitlist[p.rank]
                assert p.woken is not None
                p.woken.succeed()

    def accounts(self) -> tuple[IntakeAccount, ...]:
        self.ledger.audit()
        told = []
        for year in self.years:
            tally = self.ledger.tally(str(year.year))
            mine = (year.year, year.opens_s, year.closes_s, year.cap, year.carried_in)
            told.append(IntakeAccount(*mine, granted=tally.granted, used=tally.used))
        return tuple(told)


class Ministry:
    """Sends letters to people in the pool, round by round. It sees answers, but not who has silently gone."""

    def __init__(self, model: Model, people: People) -> None:
        self.model = model
        self.pool: dict[int, Person] = {}
        self.letters: list[Person] = []
        """Letters that may still be answered, and some that no longer can."""
        self.in_process = 0
        """Files complete and neither decided nor left; it matters where the decision takes the slot."""
        self.lottery = people.lottery

    def rounds(self) -> Life:
        invite = self.model.policy.invite
        for k in count() if invite.by == "rounds" else ():
            day = self.model.scenario.starts + timedelta(days=k * invite.every_days)
            yield self.model.at(at(day, self.model.scenario.time_zone), ROUND)
            now = self.model.now
            pool = [p for p in self.pool.values() if p.certified_s <= now < p.standing_until_s]
            for p in self._in_order(pool, k)[: self._size(pool)]:
                p.letter_s = now
                self.letters.append(p)
                del self.pool[p.rank]
                assert p.woken is not None
                p.woken.succeed()

    def _in_order(self, pool: list[Person], k: int) -> list[Person]:
        order = self.model.policy.invite.order
        if order == "first-come":
            return sorted(pool, key=attrgetter("certified_s", "rank"))
        if order == "ranked-lottery":
            return sorted(pool, key=attrgetter("rank"))
        if order == "score":
            return sorted(pool, key=lambda p: (-p.score, p.certified_s, p.rank))
        numbers = round_number(self.lottery, k).tolist()
        return sorted(pool, key=lambda p: (numbers[p.row], p.rank))

    def _size(self, pool: list[Person]) -> int:
        invite = self.model.policy.invite
        if invite.size == "pool":
            return len(pool)
        if invite.size == "fixed":
            assert invite.number is not None
            return invite.number
        year = self.model.intakes.open
        total = None if year is None else self.model.intakes.ledger.cap(year.name(0))
        free = 0 if total is None or total.limit is None else max(0, total.limit - total.used)
        return max(0, math.ceil(invite.factor * free) - self._outstanding())

    def _outstanding(self) -> int:
        self.letters = [p for p in self.letters if not p.answered and p.lapses_s > self.model.now]
        return len(self.letters) + (self.in_process if self.model.spec.counts == "approved" else 0)


class Office:
    """Officers, the hours they keep, and the files that wait for them in the order in which they came."""

    def __init__(self, model: Model) -> None:
        offices, scenario = model.scenario.offices, model.scenario
        self.model = model
        self.free_officers = int(offices.officers.value)
        self.queue: deque[Person] = deque()
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
        self.closes_s = (table.opens_s + np.diff(table.worked_s)).tolist()

    def openings(self) -> Life:
        """Every morning the first files are taken up; after the exits of that second, which come before."""
        for second in self.opens_s:
            yield self.model.at(second, READY)
            self.start_files()

    def join(self, p: Person) -> None:
        self.queue.append(p)
        self.start_files()

    def start_files(self) -> None:
        """As many files as there are free officers, if the office is open."""
        now = self.model.now
        day = bisect_right(self.opens_s, now) - 1
        if day < 0 or now >= self.closes_s[day]:
            return
        while self.free_officers and self.queue:
            p = self.queue.popleft()
            if p.left_s == NEVER:
                self.free_officers -= 1
                p.started_s = now
                assert p.woken is not None
                p.woken.succeed()

    def done_s(self, p: Person) -> int:
        """When the officer's work ends: so many seconds from its start on, counting open hours only."""
        day = bisect_right(self.opens_s, p.started_s) - 1
        begins_s, work_s = p.started_s, p.service_s
        while work_s > (today_s := self.closes_s[day] - begins_s):
            work_s, day = work_s - today_s, day + 1
            if day == len(self.opens_s):
                return NEVER
            begins_s = self.opens_s[day]
        return begins_s + work_s


def _persons(scenario: Scenario, people: People) -> list[Person]:
    """Everyone in scope, in the order of the rows."""
    n = len(people)
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((np.arange(n), people.lottery))] = np.arange(n)
    names = list(scenario.streams)
    given = {
        column.name: getattr(people, column.name).tolist()
        for column in fields(Person)
        if column.name not in ("row", "rank", "stream") and hasattr(people, column.name)
    }
    return [
        Person(row, int(rank[row]), names[people.stream[row]], **{name: given[name][row] for name in given})
        for row in np.flatnonzero(people.in_scope).tolist()
    ]


def simulate(scenario: Scenario, people: People, policy: Policy) -> Outcome:
    """The outcome of these people under this policy, one process an applicant."""
    spec = scenario.spec(policy)
    if spec.over_cap == "queue":
        assert spec.counts != "approved", "no queue for slots that are taken at approval"
        assert spec.counter == "exact", "no queue by a copied count"
    assert policy.capped or policy.invite.size != "to-cap", "no letters to a cap that is not there"
    model = Model(scenario, people, policy)
    model.env.run(until=model.ends_s)
    bridged = (people.residence == QUEBEC) & (
        people.bridging_s < np.minimum(model.ends_s, people.pr_decided_s)
    )
    columns = {name: np.full(len(people), NOTHING.get(name, NEVER), dtype=np.int64) for name in COLUMNS}
    columns["status"] = np.where(bridged, o.BRIDGING, o.OUT_OF_SCOPE).astype(np.int64)
    rows = [p.row for p in model.persons]
    for name, column in columns.items():
        column[rows] = [getattr(p, name) for p in model.persons]
    filings = np.sort(np.array(model.filings_s, dtype=np.int64))
    return Outcome(**columns, filings_s=filings, intakes=model.intakes.accounts())
