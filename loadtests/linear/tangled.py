"""A person whose operations overlap, or who was left without an answer: every order in which they can be.

Grants and releases of one person alternate; a handful of orders remain. For each, what the person was told
falls into the *gaps* between them. The wide windows are the hull of all orders. The narrow ones follow one
order, cut apart where two windows overlap: at the later end of the common part, the middle, or elsewhere, by
`share`.
"""

from collections.abc import Iterator
from itertools import accumulate, chain, pairwise
from typing import Final, NamedTuple

from loadtests.history import NEVER
from loadtests.linear.operations import GRANT, HOLDS, RELEASE, Operations
from loadtests.linear.people import FREE, HELD, NEEDS, UNKNOWN
from loadtests.linear.windows import Windows

MOST_CHANGES: Final = 40
"""Grants and releases of one tangled person that are put in order; mostly time leaves few orders."""
MOST_ORDERS: Final = 400
MOST_STEPS: Final = 20_000
EARLIEST: Final = -(2**63) + 1


class Course(NamedTuple):
    """One order of a person's grants and releases, and the gaps in which each answer can be."""

    changes: tuple[int, ...]
    gaps: dict[int, tuple[int, ...]]
    begins: tuple[int, ...]
    """The earliest moment of each gap; gap g comes after g changes."""
    ends: tuple[int, ...]


def courses(operations: Operations, windows: Windows, places: list[int], start: int) -> list[Course] | None:
    """Every course that explains a person's answers; None if there are too many to list."""
    changes = [
        each for each in places if operations.kind[each] in (GRANT, RELEASE) and not windows.is_out[each]
    ]
    answers = [each for each in places if operations.kind[each] not in (GRANT, RELEASE)]
    if len(changes) > MOST_CHANGES:
        return None
    found: list[Course] = []
    steps = [MOST_STEPS]
    for begin in (FREE, HELD) if start == UNKNOWN else (start,):
        for order in _orders(operations, windows, changes, begin, steps):
            course = _course(operations, windows, order, answers, begin)
            if course is not None:
                found.append(course)
            if len(found) > MOST_ORDERS:
                return None
    return found if steps[0] > 0 else None


def _orders(
    operations: Operations, windows: Windows, changes: list[int], start: int, steps: list[int]
) -> Iterator[tuple[int, ...]]:
    """Orders in which grants and releases alternate, each in its window, no certain one left out."""

    def further(
        order: tuple[int, ...], left: frozenset[int], held: int, now: int
    ) -> Iterator[tuple[int, ...]]:
        steps[0] -= 1
        certain = [each for each in left if not windows.is_optional[each]]
        if steps[0] <= 0 or any(windows.ends[each] < now for each in certain):
            return
        if not certain:
            yield order
        for each in sorted(left):
            if NEEDS[int(operations.kind[each])] == held and windows.ends[each] >= now:
                later = max(now, int(windows.begins[each]))
                yield from further((*order, each), left - {each}, 1 - held, later)

    yield from further((), frozenset(changes), start, EARLIEST)


def _course(
    operations: Operations, windows: Windows, order: tuple[int, ...], answers: list[int], start: int
) -> Course | None:
    """The course of one order, with what the answers say of its moments; None if one has no gap."""
    states = _states(operations, order, start)
    low = [int(windows.begins[each]) for each in order]
    high = [int(windows.ends[each]) for each in order]
    while True:
        begins = tuple(accumulate(low, max, initial=EARLIEST))
        ends = tuple(reversed([*accumulate(reversed(high), min, initial=NEVER)]))
        if any(first > last for first, last in zip(begins[1:], ends[:-1], strict=True)):
            return None
        gaps = {
            each: tuple(
                gap
                for gap, state in enumerate(states)
                if _is_true(operations, each, state)
                and windows.begins[each] <= ends[gap]
                and windows.ends[each] >= begins[gap]
            )
            for each in answers
        }
        if not all(gaps.values()):
            return None
        # An answer that comes after a change in every gap left to it bounds the change, and so on.
        closer = [
            (
                max(
                    [low[index], *(int(windows.begins[each]) for each in answers if gaps[each][-1] <= index)]
                ),
                min([high[index], *(int(windows.ends[each]) for each in answers if gaps[each][0] > index)]),
            )
            for index in range(len(order))
        ]
        if closer == list(zip(low, high, strict=True)):
            return Course(order, gaps, begins, ends)
        low, high = [first for first, _ in closer], [last for _, last in closer]


class _State(NamedTuple):
    held: int
    slot: int
    """Of the holding, -1 if it was not told."""
    done: frozenset[int]
    """Requests that took effect so far."""
    told: frozenset[int]
    """Slots that were told of any of the person's grants."""


def _states(operations: Operations, order: tuple[int, ...], start: int) -> list[_State]:
    """What each gap of an order finds."""
    told = frozenset(int(operations.value[each]) for each in order if operations.kind[each] == GRANT)
    states = [_State(start, -1, frozenset(), told)]
    for each in order:
        before = states[-1]
        done = before.done | {int(operations.request[each])}
        if operations.kind[each] == GRANT:
            states.append(_State(HELD, int(operations.value[each]), done, told))
        else:
            states.append(_State(FREE, -1, done, told))
    return states


def _is_true(operations: Operations, answer: int, state: _State) -> bool:
    request = int(operations.request[answer])
    slot = int(operations.value[answer]) if operations.kind[answer] == HOLDS else -1
    return (
        NEEDS[int(operations.kind[answer])] in (state.held, UNKNOWN)
        and (request < 0 or request not in state.done)
        and (slot < 0 or slot == state.slot or (state.slot < 0 and slot not in state.told))
    )


def widen(windows: Windows, places: list[int], found: list[Course]) -> None:
    """Set the windows of a person's operations to the hull of all courses."""
    hull: dict[int, tuple[int, int]] = {}
    always = set(places)
    for course in found:
        spans = _spans(windows, course)
        always &= set(spans)
        for each, (begins, ends) in spans.items():
            low, high = hull.get(each, (begins, ends))
            hull[each] = (min(low, begins), max(high, ends))
    for each in places:
        if each not in hull:
            windows.is_out[each] = True
            continue
        windows.begins[each], windows.ends[each] = hull[each]
        windows.is_optional[each] &= each not in always


def _spans(windows: Windows, course: Course) -> dict[int, tuple[int, int]]:
    """Where each operation can be in this course, as far as two at a time tell."""
    spans = {}
    for each, gaps in course.gaps.items():
        begins = max(int(windows.begins[each]), course.begins[gaps[0]])
        spans[each] = (begins, min(int(windows.ends[each]), course.ends[gaps[-1]]))
    for index, each in enumerate(course.changes):
        spans[each] = (course.begins[index + 1], course.ends[index])
    return spans


def narrow(windows: Windows, places: list[int], found: list[Course], *, share: float) -> None:
    """Cut the windows of a person's operations apart, along the course that leaves the most open."""
    course = max(found, key=lambda each: (len(each.changes), -sum(map(len, each.gaps.values()))))
    legal = {each.changes for each in found}
    line = _line(windows, course)
    named = set(chain.from_iterable(line))
    for each in places:
        windows.is_out[each] |= each not in named
    for index, each in enumerate(course.changes):
        if windows.is_optional[each]:
            windows.is_optional[each] = course.changes[:index] + course.changes[index + 1 :] in legal
    _cut_apart(windows, line, share)


def _cut_apart(windows: Windows, line: list[list[int]], share: float) -> None:
    """Leave no moment to two operations of the line that have an order.

    Every operation keeps a moment of its own before all that come after it in the line, even where the first
    of three takes all that it may. Those that end in the same nanosecond get them after its beginning: a
    window is told in parts of a nanosecond, and nothing else begins before the next.
    """
    begins, ends = windows.begins, windows.ends
    for block, later in zip(reversed(line[:-1]), reversed(line[1:]), strict=True):
        last = min(int(ends[each]) for each in later)
        for each in block:
            ends[each] = min(int(ends[each]), last - 1 if last < NEVER else NEVER)
    for block, later in pairwise(line):
        first = max(int(begins[each]) for each in block)
        for each in later:
            begins[each] = max(int(begins[each]), first + 1)
        low = min(int(begins[each]) for each in later) - 1
        high = min(max(int(ends[each]) for each in block), min(int(ends[each]) for each in later) - 1)
        # An open end leaves nothing to share: the middle of for ever is no time.
        high = high if high < NEVER - 1 else low + 1
        cut = low + max(0, int((high - low) * share))
        for each in block:
            ends[each] = min(int(ends[each]), cut)
        for each in later:
            begins[each] = max(int(begins[each]), cut + 1)
    for each in chain.from_iterable(line):
        ends[each] = max(begins[each], ends[each])


def _line(windows: Windows, course: Course) -> list[list[int]]:
    """The operations of a course in one order: each answer in the gap that leaves it the most time.

    Answers of one gap stand together, for they have no order among themselves.
    """
    by_gap: dict[int, list[int]] = {}
    for each, gaps in course.gaps.items():

        def room(gap: int, each: int = each) -> int:
            begins = max(int(windows.begins[each]), course.begins[gap])
            return min(int(windows.ends[each]), course.ends[gap]) - begins

        by_gap.setdefault(max(gaps, key=room), []).append(each)
    line: list[list[int]] = []
    for gap in range(len(course.changes) + 1):
        line += [by_gap[gap]] if gap in by_gap else []
        line += [[each] for each in course.changes[gap : gap + 1]]
    return line
