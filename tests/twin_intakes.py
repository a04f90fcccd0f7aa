"""The twin's intakes: their calendar, the ledger that holds their slots, who waits for one.

To the ledger a stream is text: "arts/BR/arts" is a claim by an artist of Brazil on the slots reserved for the
arts, "arts/BR/" one on everybody's, "incomplete" an application that lacks a paper. A claim that may be
charged to several is made to one after the other.
"""

import math
from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import count, groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import simpy

from sim import outcome as o
from sim.clock import DAY_S, NEVER, after, at, month_starts
from sim.engine.kernels import round_number
from sim.ledger import Cap as LedgerCap
from sim.ledger import Claim, Close, Full, Granted, Ledger, Open, Reason, Refresh, Release, Released, SetCap
from sim.outcome import IntakeAccount
from sim.policy import Policy
from sim.scenario import Intake

if TYPE_CHECKING:
    from tests.twin import Model, Person

TURN, EXIT, DECISION, ROUND, CLAIM, READY, DRAW = range(7)
CLOSES, OPENS, RELEASES, REFRESHES, RISES, SPILLS = range(6)  # the order of turns within one second
FULL = "full"
"""What somebody who waits for a slot is told instead of one."""
Life = Generator[simpy.Event, Any, None]


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
    rises: list[tuple[int, list[int]]] = field(default_factory=list)
    """When the caps rise, and by how much each."""
    risen: list[int] = field(default_factory=list)
    """By how much they have risen so far."""
    seen: int = 0
    """By how much the total rises inside the scenario."""

    def name(self, cap: int) -> str:
        return f"{self.year}/{cap}"


class Room:
    """The waiting room: one person every so many seconds, a fraction perhaps."""

    def __init__(self, policy: Policy) -> None:
        self.every_s = Fraction(3600, policy.waiting_room.admitted_per_hour) if policy.waiting_room else None
        self.last_s = Fraction(0)

    def ticket(self, now_s: int) -> int:
        """The second at which somebody who comes now is let in."""
        assert self.every_s is not None
        self.last_s = max(Fraction(now_s), self.last_s + self.every_s)
        return math.ceil(self.last_s)


class Intakes:
    """The intakes one after the other, their ledger, and the waitlist."""

    def __init__(self, model: "Model") -> None:
        self.model = model
        self.ledger = Ledger(model.spec, journal=False)
        every = [self._year(intake) for intake in model.scenario.intake]
        self.years = [year for year in every if year.opens_s < model.ends_s]
        self.open: Year | None = None
        self.carried: dict[str, int] = {}  # unused slots of the year before, by the kind of cap
        self.keys = count(1)
        self.waitlist: dict[int, Person] = {}  # by rank, in the order in which they were put on it
        self.collected: dict[int, Person] = {}  # by rank, those who wait for a draw
        self.has_spilt = False
        opens = (OPENS, RELEASES, RISES, SPILLS)
        openings = {second for second, kind, _, _ in self._turns() if kind in opens}
        self.openings_s = sorted(second for second in openings if second < model.ends_s)

    def _year(self, intake: Intake) -> Year:
        scenario, policy = self.model.scenario, self.model.policy
        zone = scenario.time_zone
        everyone = tuple(self._columns())
        opens_s = max(scenario.starts_s, at(intake.opens, zone))
        closes_s = after(intake.closes, zone)
        cap = int(intake.cap.value) if policy.capped else NEVER
        caps = self._caps(intake, cap) if policy.capped else [("total", everyone, cap)]
        rises = []
        slots = 0
        for top_up in sorted(policy.top_ups, key=attrgetter("date")):
            second = at(top_up.date, zone)
            if opens_s < second < closes_s:
                before = [limit for _, _, limit in self._caps(intake, cap + slots)]
                slots += top_up.slots
                now = [limit for _, _, limit in self._caps(intake, cap + slots)]
                rises.append((second, [new - old for old, new in zip(before, now, strict=True)]))
        bounds: list[int] = []
        if policy.release.every == "dates":
            bounds = sorted({at(day, zone) for day in policy.release.dates})
        elif policy.release.every != "year":
            months = 3 if policy.release.every == "quarter" else 1
            bounds = month_starts(opens_s, closes_s, zone, months=months)
        windows_s = [opens_s, *(bound for bound in bounds if opens_s < bound < closes_s)]
        kinds, streams, limits = (list(column) for column in zip(*caps, strict=True))
        seen = sum(more[0] for second, more in rises if second < self.model.ends_s)
        return Year(
            intake.year, opens_s, closes_s, cap, kinds, streams, limits, windows_s, rises=rises, seen=seen
        )

    def _columns(self) -> Iterator[str]:
        """Everything a claim can be to the ledger, incomplete applications apart."""
        limit = self.model.policy.value_limit
        values = [""]
        if limit is not None and limit.of == "cap":
            values = list(self.model.scenario.attribute[limit.attribute].values)
        for stream in self.model.scenario.streams:
            for value in values:
                for source in ("", *self.model.scenario.streams):
                    yield f"{stream}/{value}/{source}"

    def _caps(self, intake: Intake, cap: int) -> list[tuple[str, tuple[str, ...], int]]:
        """What each cap is, what it covers and its limit for the whole year."""
        policy, everything = self.model.policy, tuple(self._columns())

        def of(place: int, wanted: str) -> tuple[str, ...]:
            return tuple(each for each in everything if each.split("/")[place] == wanted)

        caps: list[tuple[str, tuple[str, ...], int]] = [("total", everything, cap)]
        for stream, ceiling in intake.stream_caps.items():
            caps.append((f"at most for {stream}", of(0, stream), int(ceiling.value)))
        common = cap
        for kept in policy.reserves:
            others = tuple(each for each in everything if each not in of(0, kept.stream))
            slots = math.floor((kept.share or 0) * cap) if kept.slots is None else kept.slots
            if kept.kind in ("soft", "hard") and others:
                caps.append((f"others than {kept.stream}", others, max(0, cap - slots)))
            if kept.kind in ("hard", "ceiling"):
                caps.append((f"reserve of {kept.stream}", of(0, kept.stream), slots))
            if kept.kind in ("reserve-first", "reserve-last"):
                caps.append((f"slots of {kept.stream}", of(2, kept.stream), slots))
                common -= slots
        if common < cap:
            caps.append(("everybody's", of(2, ""), max(0, common)))
        limit = policy.value_limit
        if limit is not None and limit.of == "cap":
            for value in self.model.scenario.attribute[limit.attribute].values:
                caps.append((f"at most for {value}", of(1, value), math.floor(round(limit.share * cap, 6))))
        if policy.received_factor is not None:
            received = math.floor(round(policy.received_factor * cap, 6))
            caps.append(("received", (*everything, "incomplete"), received))
        return caps

    def sources(self, stream: str) -> list[str]:
        """Whose slots a stream's claims may take now, in order; "" is everybody's."""
        kinds = {kept.stream: kept.kind for kept in self.model.policy.reserves}
        found = [""]
        if kinds.get(stream) == "reserve-first":
            found = [stream, ""]
        elif kinds.get(stream) == "reserve-last":
            found = ["", stream]
        spill = self.model.policy.spill
        if self.has_spilt and spill is not None and stream in spill.streams:
            ring, place = spill.streams, spill.streams.index(stream)
            found += [ring[(place - step) % len(ring)] for step in range(1, len(ring))]
        return found

    def turns(self) -> Life:
        """The calendar: closings, openings, releases, refreshes; after those of one second, the waitlist."""
        for second, simultaneous in groupby(sorted(self._turns(), key=itemgetter(0, 1)), key=itemgetter(0)):
            yield self.model.at(second, TURN)
            for _, kind, year, window in simultaneous:
                if kind == RISES:
                    self._rise(year, year.rises[window][1])
                elif kind == SPILLS:
                    self.has_spilt = True
                elif kind == CLOSES:
                    self._close(year)
                elif kind == OPENS:
                    self._open(year)
                elif kind == RELEASES:
                    self._release_slots(year, window)
                else:
                    self.ledger.apply(Refresh(str(year.year)))
            self.serve()

    def _turns(self) -> Iterator[tuple[int, int, Year, int]]:
        counter, policy = self.model.spec.counter, self.model.policy
        for year in self.years:
            yield year.opens_s, OPENS, year, 1
            yield year.closes_s, CLOSES, year, 0
            for window, second in enumerate(year.windows_s[1:], start=2):
                yield second, RELEASES, year, window
            for number, (second, _) in enumerate(year.rises):
                yield second, RISES, year, number
            for second in self._days(year, policy.spill.dates if policy.spill else ()):
                yield second, SPILLS, year, 0
            if counter != "exact":
                zone = self.model.scenario.time_zone
                opens = datetime.fromtimestamp(year.opens_s, ZoneInfo(zone)).date()
                for step in count(1):
                    second = at(opens + timedelta(days=step * counter), zone)
                    if second >= year.closes_s:
                        break
                    yield second, REFRESHES, year, 0

    def _days(self, year: Year, days: Iterable[date]) -> set[int]:
        """The beginnings of those days that lie inside the intake, after its opening."""
        seconds = {at(day, self.model.scenario.time_zone) for day in days}
        return {second for second in seconds if year.opens_s < second < year.closes_s}

    def draws(self) -> Life:
        """The last seconds in which collected claims are decided, after everything else in them."""
        claims, zone = self.model.policy.claims, self.model.scenario.time_zone
        midnights = []
        for year in self.years if claims is not None else ():
            assert claims is not None
            opens = datetime.fromtimestamp(year.opens_s, ZoneInfo(zone)).date()
            steps = range(claims.every_days, (year.closes_s - year.opens_s) // DAY_S + 2, claims.every_days)
            midnights += [at(opens + timedelta(days=step), zone) for step in steps]
            midnights = [midnight for midnight in midnights if midnight < year.closes_s] + [year.closes_s]
        for number, midnight in enumerate(midnights):
            yield self.model.at(midnight - 1, DRAW)
            self._draw(number)

    def _draw(self, number: int) -> None:
        """Collected claims, in the order of a draw; who gets nothing is told so, or goes to the waitlist."""
        rules, model = self.model.policy.claims, self.model
        assert rules is not None
        persons = list(self.collected.values())
        if not persons:
            return
        numbers = round_number(model.ministry.lottery, 2**32 + number).tolist()
        chances = model.chances(persons, rules.weights, numbers, 64) if rules.order == "lottery" else {}

        def key(p: "Person") -> tuple[float, ...]:
            if rules.order == "lottery":
                return chances[p.rank], p.rank
            return (-p.score if rules.order == "score" else 0), p.filed_s, p.rank

        drawn = sorted(persons, key=key)
        self.collected = {}
        for p in drawn:
            assert p.woken is not None
            if self.claims(p):
                p.woken.succeed()
            elif model.spec.over_cap == "queue":
                p.status = o.WAITLISTED
                self.waitlist[p.rank] = p
            else:
                p.woken.succeed(FULL)

    def _rise(self, year: Year, more: list[int]) -> None:
        year.risen = [old + new for old, new in zip(year.risen, more, strict=True)]
        for cap, slots in enumerate(more):
            now = self.ledger.cap(year.name(cap)).limit
            assert now is not None
            self.ledger.apply(SetCap(str(year.year), year.name(cap), now + slots))

    def _open(self, year: Year) -> None:
        self.has_spilt = False
        year.risen = [0] * len(year.full)
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
        released = full * window // windows
        if window < windows:
            next_part = full * (window + 1) // windows - released
            released += math.floor(round(self.model.policy.release.borrow * next_part, 6))
        return released + year.risen[cap]

    def _close(self, year: Year) -> None:
        if self.model.policy.release.carry == "across-years" and self.model.policy.capped:
            used = [self.ledger.cap(year.name(cap)).used for cap in range(len(year.full))]
            whole = [full + more for full, more in zip(year.full, year.risen, strict=True)]
            unused = [max(0, full - taken) for full, taken in zip(whole, used, strict=True)]
            self.carried = dict(zip(year.kinds, unused, strict=True))
        self.ledger.apply(Close(str(year.year)))
        self.open = None
        if self.model.policy.waitlist_expires:
            expired, self.waitlist = self.waitlist, {}
            for p in expired.values():
                assert p.woken is not None
                p.woken.succeed(FULL)

    def next_opening_s(self, second: int) -> int:
        """The first moment after that second at which slots come free; NEVER if there is none."""
        later = bisect_right(self.openings_s, second)
        return self.openings_s[later] if later < len(self.openings_s) else NEVER

    def claims(self, p: "Person") -> bool:
        """Whether the person has a slot now."""
        granted = False
        for stream in self.model.claims_as(p) if self.open is not None else ():
            assert self.open is not None
            claim = Claim(str(p.row), str(next(self.keys)), str(self.open.year), stream)
            reply = self.ledger.apply(claim)
            assert isinstance(reply, Granted | Full), f"{reply} to {claim}"
            granted = isinstance(reply, Granted)
            if granted:
                break
        if granted:
            assert self.open is not None
            p.status, p.slot_s, p.intake = o.ACCEPTED, self.model.now, self.open.year
        else:
            p.full_count += 1
            p.first_full_s = min(p.first_full_s, self.model.now)
        return granted

    def admits(self, p: "Person") -> bool:
        """Whether the application has a slot; an incomplete one (counts = received) loses it at once."""
        granted = self.claims(p)
        if granted and not p.is_complete and self._takes_incomplete_back(p):
            self.serve()
        return granted

    def _takes_incomplete_back(self, p: "Person") -> bool:
        given_back = self._release(p, "refusal")
        p.spent += not given_back and self.model.policy.received_factor is None
        p.intake, p.slot_s = 0, NEVER
        return given_back

    def takes_back(self, p: "Person", reason: Reason) -> None:
        """The slot, if there is one; if that gave it back to the open intake, the waitlist moves up."""
        if p.slot_s < NEVER and self._release(p, reason) and self.open and self.open.year == p.intake:
            self.serve()

    def _release(self, p: "Person", reason: Reason) -> bool:
        reply = self.ledger.apply(Release(str(p.row), str(next(self.keys)), str(p.intake), reason))
        assert isinstance(reply, Released), f"{reply} to a release by {p}"
        return reply.given_back

    def serve(self) -> None:
        """Slots for the waitlist, in order. Nobody needs asking twice: serving never makes room."""
        if self.open is None:
            return
        year, without_room = str(self.open.year), set[str]()
        for p in list(self.waitlist.values()):
            kinds = [kind for kind in self.model.claims_as(p) if kind not in without_room]
            without_room |= {kind for kind in kinds if not self._has_room(year, kind)}
            if not set(kinds) <= without_room:
                assert self.claims(p), f"no slot for {p}, although there was room"
                if not p.is_complete:
                    self._takes_incomplete_back(p)
                del self.waitlist[p.rank]
                assert p.woken is not None
                p.woken.succeed()

    def _has_room(self, year: str, kind: str) -> bool:
        return all(cap.judged < (cap.limit or 0) for cap in self.ledger.caps_over(year, kind))

    def accounts(self) -> tuple[IntakeAccount, ...]:
        self.ledger.audit()
        told = []
        for year in self.years:
            tally = self.ledger.cap(year.name(0))
            mine = (year.year, year.opens_s, year.closes_s, year.cap + year.seen, year.carried_in)
            told.append(IntakeAccount(*mine, granted=tally.granted, used=tally.used))
        return tuple(told)
