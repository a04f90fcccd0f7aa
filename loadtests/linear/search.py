"""Every order of a small history, tried until one explains all answers: exact, where it comes to an end.

Operations are taken one at a time. An answer that changes nothing is taken as soon as it is true, which never
hurts; only grants, releases and orders of the administration are choices. What was done and what followed
from it is remembered, so that no two ways to the same state are both followed (Wing and Gong 1993; Lowe
2017).
"""

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear.counters import count_before
from loadtests.linear.operations import (
    ABSENT,
    CLOSE,
    CLOSED,
    DUPLICATE,
    FULL,
    GRANT,
    HOLDS,
    OPEN,
    READ,
    REFRESH,
    REFUSED,
    RELEASE,
    SET_CAP,
    UNHELD,
    Operations,
    Whole,
)
from loadtests.linear.people import HELD, UNKNOWN, everyone

MOST_STEPS: Final = 60_000
MOST_OPERATIONS: Final = 400
MOST_GUESSED: Final = 8
"""People of whom it is not known whether they held a slot before."""
REFUSALS: Final = (FULL, DUPLICATE, CLOSED, UNHELD)
CHANGES: Final = (GRANT, RELEASE, OPEN, CLOSE, SET_CAP, REFRESH)


class State(NamedTuple):
    """What the allocator is in."""

    used: tuple[int, ...]
    """Of each cap, then of each intake."""
    copies: tuple[int, ...]
    """Of each cap, as claims are judged by it."""
    limits: tuple[int, ...]
    phase: tuple[int, ...]
    """Of each intake: 0 not yet open, 1 open, 2 closed."""
    held: tuple[tuple[int, int], ...]
    """Persons who hold a slot, each with the place of the grant, or -1 from before; ascending."""


class World:
    """The rules of one history, with everything looked up beforehand."""

    def __init__(self, history: History, operations: Operations) -> None:
        header, names = history.header, operations.names
        self.kind = operations.kind.tolist()
        self.person, self.request = operations.person.tolist(), operations.request.tolist()
        self.cap, self.value = operations.cap.tolist(), operations.value.tolist()
        self.intake, self.moves = operations.intake.tolist(), operations.moves.tolist()
        self.caps = header.caps
        self.over = [self._over(operations, names, place) for place in range(len(operations))]
        self.tolerance = header.spec.tolerance
        self.is_stale = header.spec.counter != "exact"
        self.has_orders = [
            bool(((operations.intake == place) & operations.of(OPEN, CLOSE)).any())
            for place in range(len(names.intakes))
        ]
        self.begins_open = [
            not ((operations.intake == place) & operations.of(OPEN)).any()
            for place in range(len(names.intakes))
        ]
        self.names = names
        self.row = operations.row.tolist()
        self.absent: dict[int, list[int]] = {}
        """Who is not on a list, by the row of the list."""
        for place in np.flatnonzero(operations.of(ABSENT)).tolist():
            self.absent.setdefault(self.value[place], []).append(self.person[place])
        self.told = set(operations.value[operations.of(GRANT)].tolist())

    def _over(self, operations: Operations, names: object, place: int) -> tuple[int, ...]:
        intake, stream = int(operations.intake[place]), int(operations.stream[place])
        where = operations.names.intakes[intake] if intake >= 0 else ""
        who = operations.names.streams[stream] if stream >= 0 else ""
        return tuple(index for index, cap in enumerate(self.caps) if cap.is_over(where, who))

    def start(self, used: list[int], held: list[int]) -> State:
        """The state before the run."""
        copies = tuple(used[: len(self.caps)]) if self.is_stale else ()
        limits = tuple(cap.limit for cap in self.caps)
        phase = tuple(int(is_open) for is_open in self.begins_open)
        return State(tuple(used), copies, limits, phase, tuple((each, -1) for each in sorted(held)))

    def judged(self, state: State, cap: int) -> int:
        """The count by which a claim is judged."""
        return state.copies[cap] if self.is_stale else state.used[cap]

    def is_true(self, state: State, place: int) -> bool:
        """Whether an answer that changes nothing is true of a state; a refusal, if it is no repeat."""
        kind, held = self.kind[place], dict(state.held)
        if kind == ABSENT:
            return True  # judged with its list
        if any(person in held for person in self.absent.get(self.row[place], ())):
            return False
        if kind == REFUSED:  # an answer that says nothing of the slots is kept as well: not eligible, say
            return True
        person, intake = self.person[place], self.intake[place]
        is_open = intake < 0 or state.phase[intake] == 1
        if kind in (FULL, DUPLICATE) and not is_open:
            return False
        if kind == FULL:
            if person in held:
                return False
            cap = self.cap[place]
            which = self.over[place] if cap == -1 else (cap,)
            return cap == -2 or any(self.judged(state, each) >= state.limits[each] for each in which)
        if kind == DUPLICATE:
            return person < 0 or person in held
        if kind == UNHELD:
            return person < 0 or person not in held
        if kind == HOLDS:
            return person < 0 or (person in held and self._is_slot(held[person], self.value[place]))
        if kind == CLOSED:
            return intake < 0 or not is_open or not self.has_orders[intake]
        if kind == READ:
            return intake < 0 or state.used[len(self.caps) + intake] == self.value[place]
        return True

    def after(self, state: State, place: int) -> State | None:
        """The state once a change was made; None if it cannot be made."""
        kind, person, intake = self.kind[place], self.person[place], self.intake[place]
        if kind in (OPEN, CLOSE):
            phase = list(state.phase)
            if intake >= 0 and phase[intake] < 2:
                phase[intake] = 1 if kind == OPEN else 2
            return state._replace(phase=tuple(phase))
        if kind == SET_CAP:
            limits = list(state.limits)
            if self.cap[place] >= 0:
                limits[self.cap[place]] = self.value[place]
            return state._replace(limits=tuple(limits))
        if kind == REFRESH:
            fresh = (
                [
                    state.used[index] if cap.touches(self.names.intakes[intake]) else state.copies[index]
                    for index, cap in enumerate(self.caps)
                ]
                if self.is_stale and intake >= 0
                else list(state.copies)
            )
            return state._replace(copies=tuple(fresh))
        held = dict(state.held)
        if kind == GRANT:
            if person in held or (intake >= 0 and state.phase[intake] != 1):
                return None
            if any(
                self.judged(state, each) >= state.limits[each] + self.tolerance for each in self.over[place]
            ):
                return None
            return self._moved(state, place, 1, held | ({person: place} if person >= 0 else {}))
        if person >= 0 and person not in held:
            return None
        granted = held.pop(person, -1)
        return self._moved(state, place, -1 if self.moves[place] else 0, held, over=granted)

    def _is_slot(self, granted: int, slot: int) -> bool:
        """Whether the slot of a grant can be this one; a slot that was told of another is not."""
        own = self.value[granted] if granted >= 0 else -1
        return slot < 0 or own == slot or (own < 0 and slot not in self.told)

    def _moved(
        self, state: State, place: int, by: int, held: dict[int, int], *, over: int = -1
    ) -> State | None:
        used = list(state.used)
        # What is given back is a slot of the stream that it was granted in.
        for each in self.over[over if over >= 0 else place]:
            used[each] += by
        if self.intake[place] >= 0:
            used[len(self.caps) + self.intake[place]] += by
        if min(used, default=0) < 0:
            return None
        return state._replace(used=tuple(used), held=tuple(sorted(held.items())))


def searched(history: History, operations: Operations) -> Whole | str | None:
    """Places of the operations in a legal order; None if there is none; a sentence if it was not settled."""
    if len(operations) > MOST_OPERATIONS:
        return f"{len(operations):,} operations are too many to try every order"
    world = World(history, operations)
    people = everyone(history, operations)
    known = [
        count_before(history, cap.name, sorted({each for each, _ in cap.covers}))
        for cap in history.header.caps
    ]
    known += [count_before(history, intake, [intake]) for intake in operations.names.intakes]
    if not all(is_known for _, is_known in known):
        return "what was used before the run is not known"
    used = [count for count, _ in known]
    persons = operations.person[people.place[people.first[:-1]]]
    sure, perhaps = persons[people.start == HELD].tolist(), persons[people.start == UNKNOWN].tolist()
    if len(perhaps) > MOST_GUESSED:
        return "who held a slot before the run is not known"
    for count in range(len(perhaps) + 1):
        for guessed in combinations(perhaps, count):
            held = [*sure, *guessed]
            if any(
                _held(world, held, intake) > used[len(world.caps) + intake]
                for intake in range(len(operations.names.intakes))
            ):
                continue
            found = _Search(world, operations).run(world.start(used, held))
            if found is not None:
                return found
    return None


def _held(world: World, held: list[int], intake: int) -> int:
    """How many of these persons are of the intake."""
    count = len(world.names.intakes)
    return sum(each % count == intake for each in held)


class _Search:
    """Depth first, with a memory; operations done are bits of a number, the first to begin the lowest.

    A state is a number too, from when it is first met: the same few are met again and again, among other
    operations, and what is true of one and what comes after it is worked out once.
    """

    def __init__(self, world: World, operations: Operations) -> None:
        self.world = world
        self.begins, self.ends = operations.begins.tolist(), operations.ends.tolist()
        self.count = len(operations)
        self.optional = operations.is_optional.tolist()
        self.by_begin = np.argsort(operations.begins, kind="stable").tolist()
        self.bit = [0] * self.count
        for rank, place in enumerate(self.by_begin):
            self.bit[place] = 1 << rank
        self.certain = sum(
            bit for bit, is_optional in zip(self.bit, self.optional, strict=True) if not is_optional
        )
        self.steps = 0
        self.numbers: dict[State, int] = {}
        self.states: list[State] = []
        self.true: dict[tuple[int, int], bool] = {}
        self.changed: dict[tuple[int, int], int | None] = {}

    def run(self, start: State) -> Whole | str | None:
        """The first legal order, depth first."""
        met: set[tuple[int, int]] = set()  # before what is true of the state was taken, and after
        seen: set[tuple[int, int]] = set()
        # A change is made only when it is its turn: most are never reached.
        stack: list[tuple[int, int, int, frozenset[int], tuple[object, ...]]] = []
        stack.append((0, self._numbered(start), -1, frozenset(), ()))
        while stack:
            done, before, place, taken, path = stack.pop()
            state = before if place < 0 else self._after(before, place)
            if state is None or (done, state) in met:
                continue
            met.add((done, state))
            done, path = self._answers(done, state, taken, path)
            if done & self.certain == self.certain:
                return _unrolled(path)
            if (done, state) in seen:
                continue
            seen.add((done, state))
            self.steps += 1
            if self.steps > MOST_STEPS:
                return f"no order was found in {MOST_STEPS:,} steps, and not all were tried"
            for place in reversed(self._next(done)):
                if self.world.kind[place] not in CHANGES:
                    continue
                request = self.world.request[place]
                if request >= 0 and request in taken:
                    continue
                more = taken | {request} if request >= 0 else taken
                stack.append((done | self.bit[place], state, place, more, (path, place)))
        return None

    def _numbered(self, state: State) -> int:
        number = self.numbers.setdefault(state, len(self.states))
        if number == len(self.states):
            self.states.append(state)
        return number

    def _after(self, state: int, place: int) -> int | None:
        """The state after a change, worked out once."""
        if (state, place) not in self.changed:
            after = self.world.after(self.states[state], place)
            self.changed[state, place] = None if after is None else self._numbered(after)
        return self.changed[state, place]

    def _next(self, done: int) -> list[int]:
        """What may come next: whatever begins before everything certain that is left has ended.

        Only operations without an answer are optional, and their windows never end.
        """
        left, latest = [], NEVER
        for rank in range((~done & done + 1).bit_length() - 1, self.count):
            place = self.by_begin[rank]
            if self.begins[place] > latest:
                break  # and so does all that begins later, which cannot end before
            if not done & self.bit[place]:
                left.append(place)
                if not self.optional[place]:
                    latest = min(latest, self.ends[place])
        return [place for place in left if self.begins[place] <= latest]

    def _answers(
        self, done: int, state: int, taken: frozenset[int], path: tuple[object, ...]
    ) -> tuple[int, tuple[object, ...]]:
        again = True
        while again:
            again = False
            for place in self._next(done):
                if self.world.kind[place] not in CHANGES and self._is_true(state, place, taken):
                    done |= self.bit[place]
                    path = (path, place)
                    again = True
        return done, path

    def _is_true(self, state: int, place: int, taken: frozenset[int]) -> bool:
        """Whether an answer is true of a state, these requests having taken effect."""
        if self.world.kind[place] in REFUSALS and self.world.request[place] in taken:
            return False
        if (state, place) not in self.true:
            self.true[state, place] = self.world.is_true(self.states[state], place)
        return self.true[state, place]


def _unrolled(path: tuple[object, ...]) -> Whole:
    places = []
    while path:
        path, place = path  # type: ignore[assignment]
        places.append(place)
    return np.array(places[::-1], dtype=np.int64)
