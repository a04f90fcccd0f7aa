"""Caps that may have been set: orders that nobody answered, each without effect or done at some moment.

They are few. Every choice of those that took effect is a *possibility*, with a *window* for each of them:
from its invocation on, for ever. Counting narrows the windows (limits.py): what was granted above the other
limits came after the order, what was refused below them as well, and so on. Then

    VALID     of one possibility an order is found with the caps set at some moments, tried here and there
    INVALID   no possibility is left. One is refuted by an empty window; by a relaxed history, in which the
              limit is the highest that it may have been, and refusals are left out where it is not known; or
              by halving a window until the moment matters to nothing: between two begins of operations the
              earlier moment is as good as the later, since more is under way at it
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear import limits
from loadtests.linear.limits import Effects, NotSettled
from loadtests.linear.operations import NOTHING, SET_CAP, Operations

if TYPE_CHECKING:
    from loadtests.linear.object import Explained

MEND: Final = "leave out those orders that certainly had no effect; give the others the result ok and a time"
MOST_ORDERS: Final = 4
"""Of which every choice is tried."""
SHARES: Final = (0.5, 1.0, 0.0, 0.25, 0.75, 0.125, 0.875)
"""Of a window: where its order is tried."""
MOST_TRIALS: Final = 24
"""Moments that are tried of one possibility."""
MOST_PARTS: Final = 160
"""Stretches of windows that are refuted one by one, in all possibilities together."""


class Case(Protocol):
    """One history on its way to a judgement."""

    def by_parts(self) -> "Explained | None":
        """VALID or INVALID, by its parts alone; None if that settles nothing."""

    def refuted(self) -> "Explained | None":
        """INVALID if one part of it is contradictory."""


Make = Callable[[Operations], Case]


def orders(found: Operations) -> list[int]:
    """Places of the orders to set a cap that nobody answered."""
    places: list[int] = np.flatnonzero(found.of(SET_CAP) & found.is_optional).tolist()
    return places


def mended(told: "Explained", found: Operations) -> "Explained":
    """The same; where it is UNKNOWN, with what may have to do with it, and would decide it."""
    places = orders(found)
    if told.judgement != "UNKNOWN" or not places:
        return told
    which = f"operation {int(found.row[places[0]]):,}"
    many = (
        f"{which} is an order" if len(places) == 1 else f"{len(places):,} operations, as {which}, are orders"
    )
    says = f"{told.says}; {many} to set a cap that nobody answered, with an effect or not, at any moment"
    return replace(told, says=says, mend=told.mend or MEND)


def settled(history: History, found: Operations, make: Make) -> "Explained | None":
    """The judgement; UNKNOWN, with the reason, or None where nothing can be said of it here."""
    return _Possibilities(history, found, make).judged()


@dataclass
class _Possibilities:
    """All that may have become of the orders, and what has been found of it."""

    history: History
    found: Operations
    make: Make
    clashes: list["Explained"] = field(default_factory=list)
    """Why possibilities were refuted."""
    parts: int = 0
    """Stretches that were looked at."""

    def judged(self) -> "Explained | None":
        unsure = [each for each in orders(self.found) if self.found.cap[each] >= 0]
        without = self.make(without_orders(self.found)).by_parts()
        if without is None or without.judgement != "INVALID" or not unsure:
            return without if without is None or without.judgement != "UNKNOWN" else None
        if not without.argument:
            return without  # it is no count that is contradictory
        left: list[Effects] = []
        for chosen in _choices(unsure):
            try:
                windows = limits.narrowed(self.history, self.found, chosen)
            except NotSettled:
                return None
            if windows is None:
                continue
            found = self._tried(windows)
            if found is not None:
                return found
            left.append(windows)
        if len(unsure) > MOST_ORDERS:
            return None
        for windows in left:
            verdict = self._refuted(windows)
            if verdict is None or verdict.judgement == "VALID":
                return verdict
        return self._impossible(without, unsure)

    def _tried(self, windows: Effects) -> "Explained | None":
        """VALID, if an order is found with the caps set at some moments of their windows."""
        for number, moments in enumerate(_moments(windows, limits.last(self.found))):
            if number == MOST_TRIALS:
                break
            found = self.make(at_moments(self.found, moments)).by_parts()
            if found is not None and found.judgement == "VALID":
                return found
        return None

    def _refuted(self, windows: Effects) -> "Explained | None":
        """INVALID if no moments of the windows will do, VALID if some will; None if it was not settled."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            return None
        marks = {place: limits.begins_in(self.found, place, window) for place, window in windows.items()}
        place = max(marks, key=lambda each: len(marks[each]))
        if not len(marks[place]):
            moments = {each: begins for each, (begins, _) in windows.items()}
            return self.make(at_moments(self.found, moments)).by_parts()
        relaxed = limits.relaxed(self.history, without_orders(self.found), self.found, windows)
        clash = self.make(relaxed).refuted()
        if clash is not None:
            return clash
        middle = int(marks[place][len(marks[place]) // 2])
        begins, ends = windows[place]
        for part in ((middle, ends), (begins, middle - 1)):
            verdict = self._refuted({**windows, place: part})
            if verdict is None or verdict.judgement == "VALID":
                return verdict
        return verdict

    def _impossible(self, without: "Explained", unsure: list[int]) -> "Explained":
        """INVALID: what is contradictory if the orders had no effect, and that no effect explains it."""
        rows = [int(self.found.row[each]) for each in unsure]
        many = "the order to set a cap that nobody answered" if len(rows) == 1 else (
            f"the {len(rows)} orders to set a cap that nobody answered"
        )  # fmt: skip
        says = f"no effect of {many}, at whatever moment, explains it"
        return replace(without, clash=tuple(dict.fromkeys((*without.clash, *rows))), says=says)


def _choices(unsure: list[int]) -> Iterator[list[int]]:
    """Which of the orders took effect, fewer first; not all choices where they are many."""
    most = len(unsure) if len(unsure) <= MOST_ORDERS else 2
    for size in range(1, most + 1):
        yield from map(list, combinations(unsure, size))


def _moments(windows: Effects, last: int) -> Iterator[Mapping[int, int]]:
    """Where in their windows the orders are tried: all at one share, then at any."""

    def at(place: int, share: float) -> int:
        begins, ends = windows[place]
        ends = max(begins, last) if ends == NEVER else ends
        return begins + int((ends - begins) * share)

    for share in SHARES:
        yield {place: at(place, share) for place in windows}
    if len(windows) > 1:
        for shares in product(SHARES[:3], repeat=len(windows)):
            if len(set(shares)) > 1:
                yield {place: at(place, share) for place, share in zip(windows, shares, strict=True)}


def without_orders(found: Operations) -> Operations:
    """The operations if none of the orders had an effect."""
    return at_moments(found, {})


def at_moments(found: Operations, moments: Mapping[int, int]) -> Operations:
    """The operations if these orders took effect at these moments, and the others never."""
    never = [each for each in orders(found) if each not in moments]
    changed: dict[str, Any] = {name: getattr(found, name).copy() for name in ("kind", "is_optional")}
    changed |= {name: getattr(found, name).copy() for name in ("begins", "ends")} if moments else {}
    changed["kind"][never] = NOTHING
    for place, moment in moments.items():
        changed["is_optional"][place] = False
        changed["begins"][place] = changed["ends"][place] = moment
    return replace(found, **changed)
