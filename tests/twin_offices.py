"""The twin's ministry, which sends letters round by round, and its processing office."""

import math
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from sim.clock import DAY_S, NEVER, at, working_hours
from sim.engine.kernels import round_number
from sim.people import People
from tests.twin_intakes import READY, ROUND, Life

if TYPE_CHECKING:
    from tests.twin import Model, Person


class Ministry:
    """Sends letters to people in the pool, round by round. It sees answers, but not who has silently gone."""

    def __init__(self, model: "Model", people: People) -> None:
        self.model = model
        self.pool: dict[int, Person] = {}
        self.letters: list[Person] = []
        """Letters that may still be answered, and some that no longer can."""
        self.in_process = 0
        """Files complete and neither decided nor left; it matters where the decision takes the slot."""
        self.lottery = people.lottery

    def rounds(self) -> Life:
        invite = self.model.policy.invite
        for k, day in enumerate(self._days()) if invite.by == "rounds" else ():
            yield self.model.at(at(day, self.model.scenario.time_zone), ROUND)
            now = self.model.now
            pool = [p for p in self.pool.values() if p.certified_s <= now < p.standing_until_s]
            if invite.entry_validity_days is not None:
                pool = [p for p in pool if now < p.certified_s + invite.entry_validity_days * DAY_S]
            for p in self._limited(self._in_order(pool, k), self._size(pool)):
                p.letter_s = now
                self.letters.append(p)
                del self.pool[p.rank]
                assert p.woken is not None
                p.woken.succeed()

    def _days(self) -> Iterator[date]:
        invite, scenario = self.model.policy.invite, self.model.scenario
        if invite.dates:
            yield from sorted({day for day in invite.dates if scenario.starts <= day <= scenario.ends})
        else:
            for k in count():
                yield scenario.starts + timedelta(days=k * invite.every_days)

    def _limited(self, pool: list["Person"], letters: int) -> Iterator["Person"]:
        """The first of an ordered pool, so many, and at most a part of them of one value."""
        limit = self.model.policy.value_limit
        letters = min(letters, len(pool))
        had: Counter[str] = Counter()
        for p in pool:
            if had.total() == letters:
                return
            value = p.attributes[limit.attribute] if limit and limit.of == "round" else ""
            if not limit or not value or had[value] < math.floor(round(limit.share * letters, 6)):
                had[value] += 1
                yield p

    def _in_order(self, pool: list["Person"], k: int) -> list["Person"]:
        invite = self.model.policy.invite
        order = invite.order
        if not pool:
            return []
        if order == "first-come":
            return sorted(pool, key=attrgetter("certified_s", "rank"))
        if order == "score":
            return sorted(pool, key=lambda p: (-p.score, p.certified_s, p.rank))
        luck, bits = (self.lottery, 53) if order == "ranked-lottery" else (round_number(self.lottery, k), 64)
        chances = self.model.chances(pool, invite.weights, luck.tolist(), bits)
        return sorted(pool, key=lambda p: (chances[p.rank], p.rank))

    def _size(self, pool: list["Person"]) -> int:
        invite = self.model.policy.invite
        if invite.size == "pool":
            return len(pool)
        if invite.size == "fixed":
            assert invite.number is not None
            return invite.number
        year = self.model.intakes.open
        total = None if year is None else self.model.intakes.ledger.cap(year.name(0))
        free = 0 if total is None or total.limit is None else max(0, total.limit - total.used)
        outstanding, factor = self._outstanding(), invite.factor
        if invite.adapts_after is not None:
            persons = self.model.persons
            reached = sum(p.slot_s < NEVER or p.full_count > 0 or p.spent > 0 for p in persons)
            settled = invite.adapts_after + sum(p.letter_s < NEVER for p in persons) - outstanding
            factor = settled / (invite.adapts_after / factor + reached)
        return max(0, math.ceil(factor * free) - outstanding)

    def _outstanding(self) -> int:
        self.letters = [p for p in self.letters if not p.answered and p.lapses_s > self.model.now]
        undecided = self.in_process if self.model.spec.counts == "approved" else 0
        return len(self.letters) + undecided + len(self.model.intakes.collected)


class Office:
    """Officers, the hours they keep, and the files that wait for them in the order in which they came."""

    def __init__(self, model: "Model") -> None:
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

    def join(self, p: "Person") -> None:
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

    def done_s(self, p: "Person") -> int:
        """When the officer's work ends: so many seconds from its start on, counting open hours only."""
        day = bisect_right(self.opens_s, p.started_s) - 1
        begins_s, work_s = p.started_s, p.service_s
        while work_s > (today_s := self.closes_s[day] - begins_s):
            work_s, day = work_s - today_s, day + 1
            if day == len(self.opens_s):
                return NEVER
            begins_s = self.opens_s[day]
        return begins_s + work_s
