"""The counters of a history: one for each cap, and one for each intake that was read and has no such cap.

A counter is a pool (pool.py) with the places of its operations. `start_known` says whether the count before
the run is known; where it is not, nothing that observes the counter says anything, and only the cap is
judged.
"""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.history import History
from loadtests.linear.operations import FULL, GRANT, READ, RELEASE, SET_CAP, Names, Operations, Whole
from loadtests.linear.windows import Windows
from loadtests.pools import pool
from loadtests.pools.pool import MANY, Pool

KINDS: Final = {
    GRANT: pool.GRANT,
    RELEASE: pool.RELEASE,
    FULL: pool.REFUSAL,
    READ: pool.READ,
    SET_CAP: pool.LIMIT,
}
_KIND = np.full(16, -1, dtype=np.int8)
for _mine, _theirs in KINDS.items():
    _KIND[_mine] = _theirs


Watch: TypeAlias = tuple[int, int, int, int]
"""From when to when a count was seen, and its least and most."""


@dataclass(frozen=True, eq=False, slots=True)
class Counter:
    """What one counter counts, and who observes it."""

    name: str
    members: Whole
    """Places in the operations; others' claims, of which nothing is on record, are not among them."""
    limit: int
    start: int
    start_known: bool
    perhaps: Whole = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Members of which it is not known whether this counter counts them."""
    is_stale: bool = False
    """Whether claims are judged by a copy of it."""
    watched: tuple[Watch, ...] = ()
    """What must have been counted besides."""


def counters(history: History, operations: Operations) -> list[Counter]:
    """The counters, those with the most operations first."""
    header, names = history.header, operations.names
    moves = operations.of(GRANT) | (operations.of(RELEASE) & operations.moves)
    loose = np.flatnonzero(moves & (operations.stream == -2))  # in whose stream they count, nobody knows
    found = []
    whole = set()
    for index, cap in enumerate(header.caps):
        is_mine = moves & covered(history, operations, index)
        observers = operations.of(FULL) & (operations.cap == index)
        observers |= operations.of(SET_CAP) & (operations.cap == index)
        intakes = {intake for intake, _ in cap.covers}
        if len(intakes) == 1 and (next(iter(intakes)), None) in cap.covers:
            intake = names.intakes.index(next(iter(intakes)))
            whole.add(intake)
            observers |= operations.of(READ) & (operations.intake == intake)
        start, known = count_before(history, cap.name, sorted(intakes))
        perhaps = loose
        if len(loose):
            is_touched = np.isin(operations.intake[loose], _places(names, intakes))
            perhaps = loose[is_touched & ~is_mine[loose]]
            observers[perhaps] = True
        members = np.flatnonzero(is_mine | observers)
        is_stale = header.spec.counter != "exact"
        found.append(Counter(cap.name, members, cap.limit, start, known, perhaps, is_stale))
    for intake, name in enumerate(names.intakes):
        read = operations.of(READ) & (operations.intake == intake)
        if intake not in whole and read.any():
            start, known = count_before(history, name, [name])
            mine = moves & (operations.intake == intake)
            found.append(Counter(name, np.flatnonzero(mine | read), MANY, start, known))
    return sorted(found, key=lambda each: -len(each.members))


def _places(names: Names, intakes: set[str]) -> list[int]:
    return [names.intakes.index(each) for each in intakes]


def covered(history: History, operations: Operations, index: int) -> NDArray[np.bool_]:
    """Operations of the intakes and streams that a cap covers."""
    names, cap = operations.names, history.header.caps[index]
    table = np.array(
        [
            [cap.is_over(intake, stream) for stream in [*names.streams, "\0none"]]
            for intake in [*names.intakes, "\0none"]
        ],
        dtype=np.bool_,
    )
    return table[operations.intake, np.maximum(operations.stream, -1)]  # -1, not known, is the last of each


def count_before(history: History, name: str, intakes: list[str]) -> tuple[int, bool]:
    """What was counted before the run, and whether that is known."""
    initial = history.header.initial
    if initial is None:
        return 0, True
    if name in initial.used:
        return initial.used[name], True
    if (
        len(intakes) == 1
        and intakes[0] in initial.used
        and (name == intakes[0] or not initial.used[intakes[0]])
    ):
        return initial.used[intakes[0]], True
    if all(initial.used.get(intake) == 0 for intake in intakes):
        return 0, True
    return 0, False


def pool_of(
    history: History, operations: Operations, windows: Windows, counter: Counter
) -> tuple[Pool, Whole]:
    """The pool of a counter under these windows, and the operation at each position (-1: none of them)."""
    members = counter.members[~windows.is_out[counter.members]]
    kind = _KIND[operations.kind[members]]
    if not counter.start_known:
        members, kind = _keep(members, kind, kind != pool.READ)
        members, kind = _keep(members, kind, kind != pool.REFUSAL)
    if counter.is_stale:
        members, kind = _keep(members, kind, kind != pool.REFUSAL)
    value = operations.value[members]
    watched = [(pool.READ, begins, ends, 0, low, high) for begins, ends, low, high in counter.watched]
    more = np.array(watched, dtype=np.int64).reshape(-1, 6)
    is_read = kind == pool.READ
    is_optional = windows.is_optional[members]
    if len(counter.perhaps):
        is_optional = is_optional | np.isin(members, counter.perhaps)
    made = Pool(
        kind=np.append(kind, more[:, 0].astype(np.int8)),
        begins=np.append(windows.begins[members], more[:, 1]),
        ends=np.append(windows.ends[members], more[:, 2]),
        is_optional=np.append(is_optional & (kind <= pool.RELEASE), more[:, 3] == 1),
        low=np.append(np.where(is_read | (kind == pool.LIMIT), value, 0), more[:, 4]),
        high=np.append(np.where(is_read, value, MANY), more[:, 5]),
        start=counter.start,
        limit=MANY if counter.is_stale else counter.limit,
        tolerance=history.header.spec.tolerance,
        among=len(operations),
    )
    return made, np.append(members, np.full(len(more), -1))


def _keep(members: Whole, kind: NDArray[np.int8], which: NDArray[np.bool_]) -> tuple[Whole, NDArray[np.int8]]:
    return members[which], kind[which]
