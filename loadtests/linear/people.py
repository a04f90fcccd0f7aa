"""Each person alone: whether what they were told can be, and in which order it happened.

A person holds a slot of an intake or does not. Whoever waits for each answer before asking again is judged in
one pass over everybody, a *layer* at a time: first everyone's first operation, then everyone's second. Those
whose operations overlap, or of whom something is not known, are *tangled* (tangled.py).
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from loadtests.history import History
from loadtests.linear.operations import (
    ABSENT,
    CLOSED,
    DUPLICATE,
    FULL,
    GRANT,
    HOLDS,
    PERSONAL,
    RELEASE,
    UNHELD,
    Clash,
    Names,
    Operations,
    Whole,
    among,
)
from loadtests.linear.windows import Flags, Windows

PIECE: Final = 1 << 18
"""Persons that are walked over at once: what a piece needs stays near the processor, and is little."""
HELD, FREE, UNKNOWN = 1, 0, -1
NEEDS: Final = {
    GRANT: FREE,
    FULL: FREE,
    UNHELD: FREE,
    ABSENT: FREE,
    RELEASE: HELD,
    DUPLICATE: HELD,
    HOLDS: HELD,
    CLOSED: UNKNOWN,
}
LEAVES: Final = {GRANT: HELD, RELEASE: FREE}
SAYS: Final = {
    GRANT: ("two-slots", "a person was granted a second slot while holding one"),
    FULL: ("duplicate-missed", "a person who held a slot was refused for want of room"),
    UNHELD: ("lost-grant", "a person who held a slot was told that they hold none"),
    ABSENT: (
        "lost-grant",
        "a person was granted a slot, did not release it, and is not on the list of holders",
    ),
    RELEASE: ("released-without-slot", "a person released a slot that they cannot have held"),
    DUPLICATE: ("duplicate-without-slot", "a person was refused for a slot that they cannot have held"),
    HOLDS: ("unexplained-holder", "a person is on the list of holders who cannot have held a slot"),
}


class Everyone(NamedTuple):
    """The operations of persons, person by person, each in the order of beginning."""

    place: Whole
    """Places in the operations."""
    first: Whole
    """Where each person begins; one entry more at the end."""
    start: Whole
    """Whether each held a slot before: HELD, FREE or UNKNOWN."""

    def of(self, which: int) -> list[int]:
        """The operations of one person."""
        found: list[int] = self.place[self.first[which] : self.first[which + 1]].tolist()
        return found


def everyone(history: History, operations: Operations) -> Everyone:
    """The persons of a history."""
    place = np.flatnonzero((operations.person >= 0) & operations.of(*PERSONAL))
    order = np.lexsort((operations.begins[place], operations.person[place]))
    place = place[order]
    person = operations.person[place]
    first = np.flatnonzero(np.concatenate([[True], person[1:] != person[:-1]])) if len(place) else place[:0]
    names = operations.names
    start = _start(history, person[first], names)
    return Everyone(place, np.append(first, len(place)), start)


def _start(history: History, person: Whole, names: Names) -> Whole:
    """Who held a slot before the run."""
    initial = history.header.initial
    if initial is None:
        return np.full(len(person), FREE)
    if initial.holders is None:
        nothing = [place for place, intake in enumerate(names.intakes) if initial.used.get(intake) == 0]
        return np.where(np.isin(person % len(names.intakes), nothing), FREE, UNKNOWN)
    applicants = {str(name): code for code, name in enumerate(history.coded("applicant").names)}
    holders = [
        applicants[who] * len(names.intakes) + names.intakes.index(intake)
        for intake, people in initial.holders.items()
        for who in people
        if who in applicants and intake in names.intakes
    ]
    return np.where(np.isin(person, holders), HELD, FREE)


def walk(operations: Operations, people: Everyone, windows: Windows) -> tuple[Flags, Clash | None]:
    """Who is tangled, a flag a person; and a contradiction among the others, if there is one."""
    count = len(people.first) - 1
    tangled = np.zeros(count, dtype=np.bool_)
    if not count:
        return tangled, None
    lengths = np.diff(people.first)
    owner = np.repeat(np.arange(count), lengths)
    layer = np.arange(len(people.place)) - people.first[:-1][owner]
    changes = among(operations.kind[people.place], (GRANT, RELEASE))
    tangled[owner[windows.is_optional[people.place]]] = True
    held = people.start.copy()
    slot = np.full(count, -1, dtype=np.int64)
    last = np.full(count, np.iinfo(np.int64).min)  # the latest end so far, and that of what changes something
    last_change = last.copy()
    wrong: list[Whole] = []
    # What is told in 16 bits is sorted in one pass.
    by_layer = np.argsort(layer.astype(np.int16) if lengths.max() < 2**15 else layer, kind="stable")
    for places in _pieces(by_layer, np.cumsum(np.bincount(layer)).tolist()):
        who, which = owner[places], people.place[places]
        begins, ends = windows.begins[which], windows.ends[which]
        is_change = changes[places]
        overlaps = (last_change[who] >= begins) | (is_change & (last[who] >= begins))
        tangled[who[overlaps]] = True
        last[who] = np.maximum(last[who], ends)
        last_change[who] = np.where(is_change, np.maximum(last_change[who], ends), last_change[who])
        needs, leaves = _NEEDS[operations.kind[which]], _LEAVES[operations.kind[which]]
        bad = (held[who] != UNKNOWN) & (needs != UNKNOWN) & (held[who] != needs)
        told = np.where(operations.kind[which] == HOLDS, operations.value[which], -1)
        bad |= (told >= 0) & (slot[who] >= 0) & (told != slot[who])
        wrong.append(places[bad])
        known = np.where(leaves == UNKNOWN, needs, leaves)
        held[who] = np.where(known == UNKNOWN, held[who], known)
        slot[who] = np.where(operations.kind[which] == GRANT, operations.value[which], slot[who])
    found = np.concatenate(wrong)
    found = found[~tangled[owner[found]]]
    if not len(found):
        return tangled, _after_grant(operations, people, tangled, owner)
    return tangled, contradiction(operations, people.of(int(owner[found[0]])), int(people.place[found[0]]))


def _pieces(by_layer: Whole, ends: list[int]) -> Iterator[Whole]:
    """Each layer in pieces: everybody has one operation of it at most, so that its order means nothing."""
    for begin, end in pairwise([0, *ends]):
        for first in range(begin, end, PIECE):
            yield by_layer[first : min(end, first + PIECE)]


_NEEDS = np.full(16, UNKNOWN)
_LEAVES = np.full(16, UNKNOWN)
for _kind, _needs in NEEDS.items():
    _NEEDS[_kind] = _needs
for _kind, _leaves in LEAVES.items():
    _LEAVES[_kind] = _leaves


def _after_grant(operations: Operations, people: Everyone, tangled: Flags, owner: Whole) -> Clash | None:
    """A refusal under a key that had taken effect before, by somebody who is not tangled."""
    kind, request = operations.kind[people.place], operations.request[people.place]
    refused = np.flatnonzero(
        among(kind, (FULL, DUPLICATE, CLOSED, UNHELD)) & (request >= 0) & ~tangled[owner]
    )
    done = among(kind, (GRANT, RELEASE))
    if not len(refused) or not done.any():
        return None
    ends = np.full(int(operations.request.max()) + 1, np.iinfo(np.int64).max)
    ends[request[done]] = operations.ends[people.place[done]]
    late = refused[operations.begins[people.place[refused]] > ends[request[refused]]]
    if not len(late):
        return None
    place = int(people.place[late[0]])
    both = [
        each
        for each in people.of(int(owner[late[0]]))
        if operations.request[each] == operations.request[place]
    ]
    says = "a key had been granted a slot, and was refused"
    if kind[late[0]] == UNHELD:
        says = "a key had released a slot, and was told that there was none"
    return Clash("same-key-other-answer", says, _rows(operations, both))


def contradiction(operations: Operations, places: list[int], wrong: int) -> Clash:
    """A person's operations, one of which cannot be."""
    kind = int(operations.kind[wrong])
    anomaly, says = SAYS[kind]
    return Clash(anomaly, says, _rows(operations, places))


def _rows(operations: Operations, places: list[int]) -> tuple[int, ...]:
    rows = (int(operations.row[each]) for each in places)
    return tuple(row for row in rows if row >= 0)
