"""Fewer operations, and still a proof: the rule by which operations may be left out of a history.

A history is *relaxed* by a step that keeps every legal order legal. So if what is left has no legal order,
the whole had none, and the few operations that are left prove it. What observes nothing but one moment may
go at any time: refusals, readings, repeats, lists. A grant may not: without it a refusal after it might have
met room. It goes only together with its *trace* in the count before the run, `used` in the header, as
follows. `lo` is the first moment at which something that is kept must not have happened yet, `hi` the last at
which something kept was under way.

    ended before lo      it counts as held before: exactly what it was
    began after hi       it goes, trace and all
    between              a certain grant counts as held before if nothing kept is a release, or a reading that
                         can have been before it; the count is then higher than it was until the grant, and
                         never higher than it came to be, so the cap is not in the way
    nothing kept is a    the count may be made lower: whoever may have released counts as not holding; what
    refusal or reading   was never answered as not granted
    a refusal alone, or  one is compared with the most, or the least, that can have been counted then
    a reading alone

A person of whom one operation is kept begins as that needs it; of others all grants and releases are kept.
A history in which claims are judged by a copy of the count loses only what observes.
"""

from dataclasses import dataclass, replace

import numpy as np

from loadtests.clashes.rows import rows_of, with_few
from loadtests.header import Header, Initial
from loadtests.history import NEVER, History
from loadtests.linear.counters import Counter
from loadtests.linear.operations import FULL, GRANT, READ, REFRESH, RELEASE, SET_CAP, Flags, Operations, Whole
from loadtests.linear.people import FREE, HELD, UNKNOWN, everyone
from loadtests.pools.pool import EVER


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What is left of a history."""

    history: History
    rows: tuple[int, ...]
    """The positions that its rows had."""
    counter: str = ""
    """Of which cap or intake it is about; empty if no count matters."""
    before: int = 0
    """How many more slots of that than before the run are counted as held from the beginning."""
    bound: str = ""
    """Whether as many were held as that, or at most, or at least."""


class Counting:
    """One counter of a history, and what may be left out of it."""

    def __init__(self, history: History, operations: Operations, counter: Counter) -> None:
        self.history, self.operations, self.counter = history, operations, counter
        members = counter.members[operations.row[counter.members] >= 0]
        self.members = members[np.argsort(operations.begins[members], kind="stable")]
        self.kind = operations.kind[self.members]
        self.begins, self.ends = operations.begins[self.members], operations.ends[self.members]
        self.is_optional = operations.is_optional[self.members] | np.isin(self.members, counter.perhaps)
        self.person = operations.person[self.members]
        self.is_possible = self._can_be_alone()
        self.is_done = ~self.is_optional
        moves = np.flatnonzero(
            operations.of(GRANT, RELEASE) & (operations.row >= 0) & (operations.person >= 0)
        )
        self.uncounted = np.setdiff1d(moves, members)
        """What changed persons and not this count, such as a release that gave nothing back."""
        self.whole: Whole = np.empty(0, dtype=np.int64)
        self.lo, self.hi, self.bound = EVER, NEVER, ""
        people = everyone(history, operations)
        self.start = dict(
            zip(
                operations.person[people.place[people.first[:-1]]].tolist(),
                people.start.tolist(),
                strict=True,
            )
        )

    def __len__(self) -> int:
        return len(self.members)

    def relaxed(self, kept: Whole, until: int = NEVER) -> Relaxed | None:
        """The history of these members alone; None where no rule allows that.

        What is under way at `until` is left unanswered: it may have been done by then, or not.
        """
        is_kept = np.zeros(len(self), dtype=np.bool_)
        is_kept[kept] = True
        moves = np.isin(self.kind, (GRANT, RELEASE))
        is_open = is_kept & (self.ends > until) & ~self.is_optional
        if not len(kept) or not self.is_possible or (is_open & (~moves | (self.begins > until))).any():
            return None
        self.is_done = ~self.operations.is_optional[self.members] & ~is_open
        self.lo, self.hi = self._span(is_kept)
        limit, before, persons = self._limit(is_kept), self._before(is_kept), self._persons(is_kept)
        if limit is None or before is None or persons is None or self.counter.start + before < 0:
            return None
        rows = rows_of(self.operations, self._with_uncounted(self.members[kept]))
        unanswered = rows_of(self.operations, self.members[is_open])
        header = self._header(limit, before, persons)
        history = with_few(self.history, rows, header, unanswered=set(unanswered.tolist()))
        return Relaxed(history, tuple(rows.tolist()), self.counter.name, before, self.bound)

    def _can_be_alone(self) -> bool:
        """Whether the counter can be judged without the others: strangers may claim by them."""
        header = self.history.header
        if not header.shared:
            return True
        return any(each.name == self.counter.name for each in header.caps) and (
            max(each.limit for each in header.caps) <= self.counter.limit
        )

    def _span(self, is_kept: Flags) -> tuple[int, int]:
        """`lo` and `hi`; whatever is kept and begins before lo is a grant or release under way at lo."""
        moves = np.isin(self.kind, (GRANT, RELEASE))
        lo = min(
            int(self.begins[is_kept & ~moves].min(initial=NEVER)),
            int(self.ends[is_kept & moves].min(initial=NEVER)),
        )
        early = self.person[is_kept & moves & (self.begins < lo)]
        early = early[early >= 0]
        if len(np.unique(early)) < len(early):  # two of one person have an order that the trace might break
            lo = int(self.begins[is_kept].min())
        return lo, int(self.ends[is_kept & self.is_done].max(initial=-NEVER))

    def _limit(self, is_kept: Flags) -> int | None:
        """The limit at the beginning, of the orders that are left out; None if one is in between.

        A grant that is under way at lo may be older than what ended before lo, and there may have been room.
        """
        steps = self.kind == SET_CAP
        if not steps.any():
            return self.counter.limit
        gone = np.flatnonzero(steps & ~is_kept & (self.begins <= self.hi))
        first = int(self.begins[is_kept].min())
        is_clear = (self.ends[gone] < first).all() and (self.begins[gone[1:]] > self.ends[gone[:-1]]).all()
        if not is_clear or self.is_optional[gone].any():
            return None
        return int(self.operations.value[self.members[gone[-1]]]) if len(gone) else self.counter.limit

    def _before(self, is_kept: Flags) -> int | None:
        """The trace of what is left out, in the count before the run."""
        observers = is_kept & np.isin(self.kind, (FULL, READ))
        steps, moves = is_kept & (self.kind == SET_CAP), is_kept & np.isin(self.kind, (GRANT, RELEASE))
        self.bound = ""
        if self.counter.is_stale:
            return 0 if not (np.isin(self.kind, (GRANT, RELEASE, SET_CAP)) & ~is_kept).any() else None
        if not observers.any() and not steps.any() and not (moves & (self.kind == RELEASE)).any():
            self.bound = "at least"
            return self._at_least(is_kept)
        if not self.counter.start_known:
            return None
        if not moves.any() and not steps.any() and int(observers.sum()) == 1:
            return self._alone(int(np.argmax(observers)))
        return self._exactly(is_kept)

    def _at_least(self, is_kept: Flags) -> int | None:
        """Of grants alone: no more than were held before, in any order."""
        hi = self.hi
        counted = ~is_kept & (self.begins <= hi)
        releases = counted & (self.kind == RELEASE)
        back = np.unique(self.person[releases])
        if np.isin(self.person[is_kept], back[back >= 0]).any():
            return None
        sure = counted & (self.kind == GRANT) & ~self.is_optional & ~np.isin(self.person, back[back >= 0])
        sure &= self.ends <= self.hi
        holding = sum(self.start.get(each, UNKNOWN) != FREE for each in back[back >= 0].tolist())
        return int(sure.sum()) - holding - int((releases & (self.person < 0)).sum())

    def _alone(self, which: int) -> int | None:
        """Of one refusal or reading: the most that can have been counted then, or the least."""
        begins, ends = self.begins[which], self.ends[which]
        grants, releases, sure = self.kind == GRANT, self.kind == RELEASE, ~self.is_optional
        most = int((grants & (self.begins <= ends)).sum())
        most -= int((releases & sure & (self.ends < begins)).sum())
        least = int((grants & sure & (self.ends < begins)).sum())
        least -= int((releases & (self.begins <= ends)).sum())
        if self.kind[which] == FULL:
            self.bound = "at most"
            return most
        value = int(self.operations.value[self.members[which]]) - self.counter.start
        self.bound = "at most" if value > most else "at least"
        return most if value > most else least if value < least else None

    def _exactly(self, is_kept: Flags) -> int | None:
        """Of anything: what was before, and grants that may as well have been."""
        lo, hi = self.lo, self.hi
        sign = np.where(self.kind == GRANT, 1, np.where(self.kind == RELEASE, -1, 0))
        left_out = ~is_kept & (sign != 0) & (self.begins <= hi)
        is_before = left_out & (self.ends < lo) & ~self.is_optional
        between = left_out & ~is_before
        if between.any():
            reads = is_kept & (self.kind == READ)
            gone_steps = ~is_kept & (self.kind == SET_CAP) & (self.ends < lo)
            last = int(self.ends[between].max())
            falls = np.isin(self.kind, (RELEASE, SET_CAP)) & ~is_before & (self.begins <= max(hi, last))
            is_free = not (falls & ~gone_steps).any()
            is_certain = not (self.is_optional[between] | (self.kind[between] == RELEASE)).any()
            if not is_free or not is_certain or (self.begins[reads] <= last).any():
                return None
        return int(sign[left_out].sum())

    def _persons(self, is_kept: Flags) -> dict[int, int] | None:
        """Who of those kept holds a slot at the beginning; None if somebody's grants are torn apart."""
        moves = np.isin(self.kind, (GRANT, RELEASE))
        held: dict[int, int] = {}
        persons, counts = np.unique(self.person[is_kept & (self.person >= 0)], return_counts=True)
        torn = set(self.person[moves & ~is_kept & (self.begins <= self.hi)].tolist())
        torn |= set(self.operations.person[self.uncounted[self._late()]].tolist())
        has_streams = any(stream for cap in self.history.header.caps for _, stream in cap.covers)
        for person, count in zip(persons.tolist(), counts.tolist(), strict=True):
            held[person] = self.start.get(person, UNKNOWN)
            if person in torn:
                kind = self.kind[is_kept & (self.person == person)][0]
                if count > 1 or (kind == RELEASE and has_streams):  # of which stream, its grant would say
                    return None
                held[person] = HELD if kind == RELEASE else FREE
        self.whole = np.array([each for each in held if each not in torn], dtype=np.int64)
        return held

    def _late(self) -> Flags:
        """Uncounted ones that need not be done when what is kept is over."""
        found = self.operations
        return np.asarray((found.ends[self.uncounted] > self.hi) & (found.begins[self.uncounted] <= self.hi))

    def _with_uncounted(self, places: Whole) -> Whole:
        """With what else the persons were granted or released that are kept whole."""
        found, rest = self.operations, self.uncounted
        mine = np.isin(found.person[rest], self.whole) & (found.begins[rest] <= self.hi)
        more = np.flatnonzero(found.of(REFRESH)) if self.counter.is_stale else rest[:0]
        return np.concatenate([places, rest[mine], more])

    def _header(self, limit: int, before: int, persons: dict[int, int]) -> Header:
        """The header with the trace: what is held at the beginning, and by whom of those who are left."""
        header, name = self.history.header, self.counter.name
        caps = tuple(replace(cap, limit=limit) for cap in header.caps if cap.name == name)
        names = self.operations.names
        initial: Initial | None = Initial({}, header.initial.holders if header.initial else {})
        if header.initial is None or header.initial.holders is not None:
            holders: dict[str, list[str]] = {}
            applicants = self.history.coded("applicant").names
            for person, state in persons.items():
                if state == HELD:
                    who, intake = divmod(person, len(names.intakes))
                    holders.setdefault(names.intakes[intake], []).append(str(applicants[who]))
            initial = Initial({}, {intake: tuple(who) for intake, who in sorted(holders.items())})
        if self.counter.start_known or before > 0:
            initial.used[name] = self.counter.start + before  # type: ignore[union-attr]
        if header.initial is None and not before and not initial.holders:  # type: ignore[union-attr]
            initial = None
        return replace(header, caps=caps, initial=initial, complete=True)

    def without_waiting(self, stretch: Whole, since: int, until: int) -> Whole:
        """The members of a stretch, without observers that began before it or end after it."""
        moves = np.isin(self.kind[stretch], (GRANT, RELEASE))
        return stretch[moves | ((self.begins[stretch] >= since) & (self.ends[stretch] <= until))]

    def observers(self, named: Whole) -> list[int]:
        """Refusals and readings among some members."""
        found: list[int] = named[np.isin(self.kind[named], (FULL, READ))].tolist()
        return found

    def tail(self, named: Whole, many: int) -> Whole:
        """Of some members, all that observe, and of the others the last so many."""
        moves = np.isin(self.kind[named], (GRANT, RELEASE))
        last = named[moves][np.argsort(self.ends[named[moves]], kind="stable")][-many:]
        return np.sort(np.concatenate([named[~moves], last]))

    def last_grants(self, kept: list[int], seed: Whole, count: int) -> list[int]:
        """The last certain grants by the end of what is kept: those in the seed, if it has any."""
        end = self.hi if len(kept) > 1 else int(self.ends[kept].max())
        rest = np.setdiff1d(np.arange(len(self)), kept)
        rest = rest[(self.kind[rest] == GRANT) & ~self.is_optional[rest] & (self.ends[rest] <= end)]
        named = rest[np.isin(rest, seed)]
        rest = named if len(named) else rest
        found: list[int] = rest[np.argsort(self.ends[rest], kind="stable")][::-1][:count].tolist()
        return found
