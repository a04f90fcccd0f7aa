"""The smallest set of operations that still has no legal order: delta debugging (Zeller's ddmin).

Every trial is a relaxed history (relaxing.py), so that what is left proves what the whole was found to be.
The trials begin with what the finding names; where that does not suffice, with ever longer stretches before
it; and at last with everything that the counter counts, if that is not too much.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

import numpy as np

from loadtests.clashes.persons import Persons
from loadtests.clashes.relaxing import Counting, Relaxed
from loadtests.history import NEVER, History
from loadtests.linear import stale
from loadtests.linear.counters import counters, pool_of
from loadtests.linear.operations import Whole
from loadtests.linear.reading import operations
from loadtests.linear.windows import windows_of
from loadtests.pools.kernel import judge

MOST_TRIALS: Final = 300
MOST_ROWS: Final = 2_000
"""Operations of one trial."""
BEAMS: Final = (16, 64)
"""Of the searches in trials: a clash that takes more is left larger."""
ALONE: Final = 16
"""Refusals and readings that are tried each by itself."""
COMPANY: Final = 2
"""Grants that are drawn with a clash of one operation, since they say what was taken."""

Unit = TypeVar("Unit")
IsBad = Callable[[History], bool]


def shrunk(history: History, witness: Sequence[int], is_bad: IsBad) -> Relaxed | None:
    """The fewest operations that are still bad; None where the rules lead to none."""
    rows = np.array(sorted({row for row in witness if 0 <= row < len(history)}), dtype=np.int64)
    if not len(rows):
        return None
    found = _of_people(history, rows, is_bad)
    if found is not None:
        return found
    every, _ = operations(history)
    for counter in counters(history, every):
        counting = Counting(history, every, counter)
        named = np.flatnonzero(np.isin(every.row[counting.members], rows))
        if len(named):
            found = _of_counter(counting, named, is_bad)
            if found is not None:
                return found
    return None


def fewest(units: Sequence[Unit], is_bad: Callable[[list[Unit]], bool]) -> list[Unit]:
    """A subset of these, bad all together, that is bad and no longer so without any one of them.

    Stops early after many trials, with a subset that is bad and may not be the smallest.
    """
    kept, parts, trials = list(units), 2, 0
    while len(kept) > 1 and trials < MOST_TRIALS:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            trials += 1
            if rest and is_bad(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(2 * parts, len(kept))
    return kept


def _of_people(history: History, witness: Whole, is_bad: IsBad) -> Relaxed | None:
    """The clash of one person, key, slot or year: no count matters to it."""
    persons = Persons(history, witness)
    if not persons.units or sum(map(len, persons.units)) > MOST_ROWS:
        return None

    def bad(kept: Sequence[Whole]) -> bool:
        found = persons.relaxed(kept)
        return found is not None and is_bad(found.history)

    return persons.relaxed(fewest(persons.units, bad)) if bad(persons.units) else None


def _of_counter(counting: Counting, named: Whole, is_bad: IsBad) -> Relaxed | None:
    """The clash of a count; trials ask only whether some count is contradictory, the last one everything."""
    for seed, until in _seeds(counting, named):
        if len(seed) > MOST_ROWS:
            continue

        def relaxed(kept: Sequence[int], until: int = until) -> Relaxed | None:
            return counting.relaxed(np.array(sorted(kept), dtype=np.int64), until)

        def bad(kept: Sequence[int]) -> bool:
            found = relaxed(kept)
            return found is not None and is_count_wrong(found.history)

        if bad(seed.tolist()):
            kept = fewest(seed.tolist(), bad)
            found = relaxed(_with_company(counting, kept, seed, bad))
            if found is not None and is_bad(found.history):
                return found
    return None


def is_count_wrong(history: History) -> bool:
    """Whether some count of a history is contradictory by itself; False where that takes long to say."""
    every, clash = operations(history)
    if clash:
        return True
    windows = windows_of(every)
    for counter in counters(history, every):
        if counter.is_stale:
            found = stale.judged(history, every, windows, counter)
        else:
            found = judge(pool_of(history, every, windows, counter)[0], beams=BEAMS)
        if found is not None and found.judgement == "INVALID":
            return True
    return False


def _seeds(counting: Counting, named: Whole) -> Iterator[tuple[Whole, int]]:
    """Members to begin with, and until when: what is named, stretches before its end, and everything."""
    for observer in counting.observers(named)[:ALONE]:
        yield np.array([observer]), NEVER
    for many in (8, 64, 512, len(counting)):
        yield counting.tail(named, many), NEVER
    death = int(counting.ends[named][counting.ends[named] < NEVER].max(initial=0))
    lo = int(counting.begins[named].min())
    begun = np.flatnonzero(counting.begins <= death)
    before = np.sort(counting.ends[begun])
    many = len(before) - int(np.searchsorted(before, lo))
    while True:
        since = int(before[max(0, len(before) - many)])
        stretch = begun[counting.ends[begun] >= since]
        if len(stretch) > MOST_ROWS:
            break
        yield counting.without_waiting(stretch, since, death), death
        if many >= len(before):
            break
        many = max(8, 2 * many)
    yield np.arange(len(counting)), NEVER


def _with_company(
    counting: Counting, kept: list[int], seed: Whole, is_bad: Callable[[Sequence[int]], bool]
) -> list[int]:
    """A clash of very few, with the last grants that were certainly before it."""
    for each in counting.last_grants(kept, seed, COMPANY):
        if len(kept) <= COMPANY and is_bad([*kept, each]):
            kept = [*kept, each]
    return kept
