"""The whole allocator: is there an order of all operations that explains every answer?

The allocator is several counters coupled by its operations: a grant counts in every cap over it, and in its
person. Each part alone is judged exactly; a part that cannot be explained proves that the whole cannot
(INVALID). That all parts can is no proof: one order for all of them is built, and comes back as rows of the
history, to be replayed by somebody else (VALID). Where that fails a small history is searched whole. What
is left is UNKNOWN, with the reason.

    operations  requests from attempts     windows    when each can have been: wide, and narrow
    years       opening and close          people     each person alone; tangled: where theirs overlap
    counters    each cap, each reading     joint      one order for all; search: every order, if small
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.history import History
from loadtests.linear import echoes, people, stale, tangled, unanswered, years
from loadtests.linear.counters import Counter, counters, pool_of
from loadtests.linear.joint import Line, components, lined_up, one_line
from loadtests.linear.operations import (
    CLOSE,
    CLOSED,
    FINE,
    FULL,
    OPEN,
    REFRESH,
    SET_CAP,
    Clash,
    Operations,
    Whole,
)
from loadtests.linear.reading import operations
from loadtests.linear.search import searched
from loadtests.linear.tangled import Course
from loadtests.linear.unnamed import MEND, covering, guessed, loosened, misnamed, named, says
from loadtests.linear.windows import Windows, copied, windows_of
from loadtests.pools.kernel import judge
from loadtests.pools.pool import Judged

NONE: Final[Whole] = np.empty(0, dtype=np.int64)
SHARES: Final = (1.0, 0.5, 0.25, 0.75, 0.0)
"""Where overlapping windows of one person are cut, one after the other."""


@dataclass(frozen=True, eq=False, slots=True)
class Explained:
    """What was found of a history."""

    judgement: Literal["VALID", "INVALID", "UNKNOWN"]
    order: Whole
    """VALID: rows of the history in a legal order."""
    clash: tuple[int, ...] = ()
    """INVALID: rows that no order explains."""
    anomaly: str = ""
    says: str = ""
    counter: str = ""
    """The cap or intake whose count cannot be explained, if it is one."""
    argument: str = ""
    facts: dict[str, int] | None = None
    """Numbers for the sentence: `time` in ns after the first invocation, operations (`first`, `second`,
    `last`) as rows, -1 where none is on record."""
    mend: str = ""
    """UNKNOWN: what would decide it, if that is known."""


Replay: TypeAlias = Callable[[History, Whole], str | None]
"""Says what is wrong with an order of rows; None if nothing is."""


def explain(history: History, replay: Replay) -> Explained:
    """Whether some legal order explains every answer: one that the replay accepts."""
    found, clash = operations(history)
    clash = clash or misnamed(history, found)
    if clash:
        return _contradicted(clash)
    every = named(history, found)
    told = unanswered.mended(_explained(history, every, replay), every)
    loose = loosened(history, every) if told.judgement == "INVALID" else None
    if loose is None:
        return told
    again = _explained(history, loose, replay)
    return again if again.judgement == "INVALID" else _unknown(says(every, loose), MEND)


def _explained(history: History, every: Operations, replay: Replay) -> Explained:
    if unanswered.orders(every):
        settled = unanswered.settled(history, every, lambda some: _Case(history, some, replay))
        if settled:
            return settled
    case = _Case(history, every, replay)
    return _contradicted(case.clash) if case.clash else case.explained()


def refuted(history: History) -> Explained | None:
    """What is contradictory in one part of it alone; that None is says nothing. Quicker than to explain."""
    found, clash = operations(history)
    clash = clash or misnamed(history, found)
    if clash:
        return _contradicted(clash)
    every = named(history, found)
    told = _refuted(history, every)
    loose = loosened(history, every) if told else None
    return told if loose is None else _refuted(history, loose)


def _refuted(history: History, every: Operations) -> Explained | None:
    if unanswered.orders(every):
        settled = unanswered.settled(history, every, lambda some: _Case(history, some, _unasked))
        return settled if settled and settled.judgement == "INVALID" else None
    return _Case(history, every, _unasked).refuted()


def _unasked(_: History, __: Whole) -> str:
    return "no order is asked for"


def _contradicted(clash: Clash) -> Explained:
    return Explained("INVALID", NONE, clash.rows, clash.anomaly, clash.says)


class _Case:
    """One history on its way to a judgement."""

    def __init__(self, history: History, found: Operations, replay: Replay) -> None:
        self.history, self.operations, self.replay = history, found, replay
        self.wide = windows_of(found)
        self.courses: list[tuple[list[int], list[Course]]] = []
        self.counters: list[Counter] | None = None
        self.kept: dict[Counter, tuple[Whole, Judged]] = {}
        self.clash: Clash | None
        self.years, self.clash = years.clip(found, self.wide)
        if not self.clash:
            self.clash = self._persons()
        if self.clash and self.years.is_chosen:
            self.clash = None  # another choice of the year's end might have avoided it

    def _persons(self) -> Clash | None:
        everyone = people.everyone(self.history, self.operations)
        is_tangled, clash = people.walk(self.operations, everyone, self.wide)
        if clash:
            return clash
        for which in np.flatnonzero(is_tangled).tolist():
            places = everyone.of(which)
            if len(places) == 1 and everyone.start[which] == people.FREE:
                continue  # an attempt without an answer, and nothing else of the person
            found = tangled.courses(self.operations, self.wide, places, int(everyone.start[which]))
            if found is None:
                continue
            if not found:
                rows = tuple(sorted(int(row) for row in self.operations.row[places] if row >= 0))
                says = "what one person was told cannot all be true, in whatever order it happened"
                return Clash("person-contradiction", says, rows)
            tangled.widen(self.wide, places, found)
            self.courses.append((places, found))
        return None

    def refuted(self) -> Explained | None:
        """INVALID if one part of it is contradictory."""
        return _contradicted(self.clash) if self.clash else self.contradiction()

    def by_parts(self) -> Explained | None:
        """The judgement, as far as its parts tell; None if each can be explained, and no order was found."""
        if self.clash:
            return _contradicted(self.clash)
        reasons = self._reasons()
        if reasons:
            return self.contradiction() or _unknown(reasons[0])
        if not self.courses:  # its counters are judged once: the order is made of what they say
            clash = self.contradiction()
            if clash:
                return clash
        for share in SHARES if self.courses else SHARES[:1]:
            order = self._order_cut_at(share)
            if order is not None and self.replay(self.history, order) is None:
                return Explained("VALID", order)
        return self.contradiction()

    def explained(self) -> Explained:
        """The judgement, with its evidence."""
        told = self.by_parts()
        if told:
            return told
        found = searched(self.history, self.operations)
        if found is None:
            every = tuple(sorted(int(row) for row in self.operations.row if row >= 0))
            says = "no order of these operations explains every answer: all were tried"
            return Explained("INVALID", NONE, every, "no-order", says)
        if isinstance(found, str):
            return _unknown(f"each part can be explained, one order for all was not found: {found}")
        order = self._rows_of(Line(found, np.arange(len(found), dtype=np.int64)), is_whole=True)
        refused = self.replay(self.history, order)
        if refused is not None:
            return _unknown(f"an order was found, and its replay was refused: {refused}")
        return Explained("VALID", order)

    def _reasons(self) -> list[str]:
        """Why some of it cannot be judged."""
        which, covers = covering(self.history, self.operations)
        if len(which) and not covers.any(axis=0).all():
            return ["refused for want of room, and no cap that is known covers the claim"]
        if ((self.operations.kind == FULL) & (self.operations.cap == -2)).any():
            return ["refused by a cap that is not declared"]
        return []

    def _order_cut_at(self, share: float) -> Whole | None:
        """An order, if overlapping windows of a person are cut there; what it takes is given back at once."""
        windows = self.wide if not self.courses else copied(self.wide)
        for places, found in self.courses:
            tangled.narrow(windows, places, found, share=share)
        if self.courses and ((windows.begins > windows.ends) & ~windows.is_out).any():
            return None
        return self._order(windows)

    def _judgeable(self, found: Operations) -> list[Counter]:
        """The counters; none where it is not known whether an order of the administration was done."""
        if found is self.operations and self.counters is not None:
            return self.counters
        is_unsure = found.of(SET_CAP) & found.is_optional
        made = [] if is_unsure.any() else counters(self.history, found)
        if found is self.operations:
            self.counters = made
        return made

    def contradiction(self) -> Explained | None:
        """The first counter that cannot be explained."""
        if self.years.is_chosen:
            return None
        if ((self.wide.begins > self.wide.ends) & ~self.wide.is_out & ~self.wide.is_optional).any():
            return None
        for counter in self._judgeable(self.operations):
            if counter.is_stale:
                judged = stale.judged(self.history, self.operations, self.wide, counter)
                members = judged.clash if judged else NONE
                facts = judged.facts if judged else {}
            else:
                places, judged = self._judged(self.operations, self.wide, counter)
                members = places[judged.clash]
                facts = self._facts(judged.facts, places)
            if judged is not None and judged.judgement == "INVALID":
                rows = self.operations.row[members[members >= 0]]
                return Explained(
                    "INVALID",
                    NONE,
                    tuple(rows.tolist()),
                    judged.argument,
                    "",
                    counter.name,
                    judged.argument,
                    facts,
                )
        return None

    def _judged(self, found: Operations, windows: Windows, counter: Counter) -> tuple[Whole, Judged]:
        """What one counter says, and the operation at each position; of the wide windows it is remembered."""
        is_mine = found is self.operations and windows is self.wide
        if is_mine and counter in self.kept:
            return self.kept[counter]
        pool, places = pool_of(self.history, found, windows, counter)
        said = places, judge(pool)
        if is_mine:
            self.kept[counter] = said
        return said

    def _facts(self, facts: dict[str, int], places: Whole) -> dict[str, int]:
        """What a counter says, in the words of the history: times in ns, operations as rows."""
        told = dict(facts)
        if "time" in told:
            told["time"] = told["time"] // FINE - self.history.header.clock_bound_ns
        for name in {"first", "second", "last"} & told.keys():
            place = int(places[told[name]])
            told[name] = int(self.operations.row[place]) if place >= 0 else -1
        return told

    def _order(self, windows: Windows) -> Whole | None:
        """One order for all counters under these windows, as rows; None if it was not found."""
        found = self._judgeable(guessed(self.history, self.operations))
        if not found and self.operations.of(SET_CAP, REFRESH).any():
            return None
        if any(counter.is_stale for counter in found):
            settled = stale.settled(self.history, self.operations, windows, found)
            if settled is None:
                return None
            windows, found = settled
        if any(not counter.start_known for counter in found):
            return None
        lines = []
        for group in components(self.operations, found):
            line = lined_up(self.history, self.operations, windows, group, ask=self._judged)
            if line is None:
                return None
            lines.append(line)
        return self._rows_of(one_line(lines), windows=windows)

    def _rows_of(self, line: Line, *, windows: Windows | None = None, is_whole: bool = False) -> Whole:
        """Rows in order: those of the line, and around them whatever no counter counts."""
        count = len(self.operations)
        found = self.operations
        if len(line.place) == count and not is_whole and not (len(found.echo_row) or found.of(REFRESH).any()):
            rows = found.row[line.place]  # there is nothing around them
            return rows[rows >= 0]
        at, rank = np.full(count, -1, dtype=np.int64), np.zeros(count, dtype=np.int32)
        is_in = np.zeros(count, dtype=np.bool_)
        at[line.place], rank[line.place], is_in[line.place] = line.at, np.arange(len(line.place)), True
        if not is_whole:
            assert windows is not None
            counted = is_in.copy()
            rest = ~is_in & ~windows.is_out & ~windows.is_optional
            at[rest], is_in[rest] = windows.begins[rest], True
            phase = np.where(counted, np.int8(0), np.int8(2))
            for intake, year in self.years.of.items():
                for kind, when, turn in ((OPEN, year.opens, -2), (CLOSE, year.closes, 4)):
                    mine = (found.kind == kind) & (found.intake == intake)
                    at[mine] = np.clip(when, found.begins[mine], found.ends[mine])
                    phase[mine] = turn
            # A refresh is before whatever is done at that time, but for the one that finds the limit reached.
            phase[found.kind == REFRESH] = -1
            self._place_closed(at, phase)
            phase[(found.kind == REFRESH) & (windows.begins == windows.ends)] = 1
        else:
            phase = np.zeros(count, dtype=np.int8)
        order = np.lexsort((rank, phase, at))
        order = order[is_in[order]]
        if is_whole:
            return echoes.interleaved(found, order)
        order = order[found.row[order] >= 0]
        return echoes.with_echoes(found, order, at, phase, rank)

    def _place_closed(self, at: Whole, phase: NDArray[np.int8]) -> None:
        """Whoever was told "closed" comes before the opening, or else after the close."""
        found = self.operations
        for intake, year in self.years.of.items():
            mine = (found.kind == CLOSED) & (found.intake == intake)
            before = mine & (found.begins <= year.opens) & (year.opens > years.EARLIEST)
            phase[before] = -3
            after = mine & ~before
            at[after], phase[after] = np.maximum(found.begins[after], year.closes), 5


def _unknown(why: str, mend: str = "") -> Explained:
    return Explained("UNKNOWN", NONE, says=why, mend=mend)
