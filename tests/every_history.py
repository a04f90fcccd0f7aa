"""Every small history, up to isomorphism: all interval orders of a few operations, of all kinds.

Two sets of intervals are alike if the same operations come before the same others; of each likeness there
is one here, its times being numbers of turns. With m turns, an operation that begins in turn b and ends in
turn e stands in the cell (b, e) of an upper triangle, and the picture is the smallest one of its likeness
exactly if no row and no column of the triangle is empty (Fishburn). So a history of n operations is a way of
putting n kinds of operation, as a multiset, into the cells, with no row and no column empty.

Kinds: G granted, J refused, L released, R0 R1 ... read so many. Each claim is another person's. Whose slot a
release gives up makes a difference: every choice that makes one is a history of its own. A release for which
there is nobody is one by somebody who never claimed.
"""

from collections.abc import Iterator
from functools import cache
from itertools import combinations_with_replacement, islice, permutations, product
from typing import Any

from loadtests.header import Header
from sim.ledger import Spec, cap_of

Cell = tuple[int, int]
Placed = tuple[tuple[Cell, str], ...]
"""Operations: when each begins and ends, and its kind; in the order of the cells."""


def kinds_of(cap: int) -> tuple[str, ...]:
    """The kinds of operation of a counter with such a cap."""
    return ("G", "J", "L", *(f"R{value}" for value in range(cap + 1)))


@cache
def shapes(size: int) -> tuple[tuple[tuple[Cell, int], ...], ...]:
    """Cells with how many operations each has: all interval orders of so many."""
    found = []
    for turns in range(1, size + 1):
        cells = [(begin, end) for begin in range(turns) for end in range(begin, turns)]
        for counts in _split(size, len(cells)):
            used = [(cell, count) for cell, count in zip(cells, counts, strict=True) if count]
            if {begin for (begin, _), _ in used} == {end for (_, end), _ in used} == set(range(turns)):
                found.append(tuple(used))
    return tuple(found)


def _split(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _split(total - first, parts - 1):
            yield (first, *rest)


def every_placing(size: int, cap: int) -> Iterator[Placed]:
    """Every history of so many operations on one counter, once."""
    kinds = kinds_of(cap)
    for shape in shapes(size):
        choices = [combinations_with_replacement(kinds, count) for _, count in shape]
        for chosen in product(*choices):
            yield tuple((cell, kind) for (cell, _), here in zip(shape, chosen, strict=True) for kind in here)


def header_of(cap: int) -> Header:
    """What all of them are judged by."""
    return Header(caps=(cap_of("2022", cap),), spec=Spec(gives_back=frozenset({"withdrawal"})))


def every_history(size: int, cap: int, *, part: int = 0, parts: int = 1) -> Iterator[list[dict[str, Any]]]:
    """The same as rows of people; more of them, since a release is somebody's. Of `parts`, one part."""
    for placed, owners in islice(_with_owners(size, cap), part, None, parts):
        yield rows_of(placed, owners)


def _with_owners(size: int, cap: int) -> Iterator[tuple[Placed, dict[int, int]]]:
    """Whose slot each release gives up, -1 for somebody who never claimed: every choice that differs."""
    for placed in every_placing(size, cap):
        seen: set[tuple[tuple[Cell, Cell], ...]] = set()
        grants = [at for at, (_, kind) in enumerate(placed) if kind == "G"]
        releases = [at for at, (_, kind) in enumerate(placed) if kind == "L"]
        padded = grants + [-1] * max(0, len(releases) - len(grants))
        for owners in permutations(padded, len(releases)):
            pairs = zip(releases, owners, strict=True)
            match = tuple(
                sorted((placed[at][0], placed[who][0] if who >= 0 else (-1, -1)) for at, who in pairs)
            )
            if match not in seen:  # who of several alike it was makes no difference
                seen.add(match)
                yield placed, dict(zip(releases, owners, strict=True))


def rows_of(placed: Placed, owners: dict[int, int]) -> list[dict[str, Any]]:
    """Plain rows: the n-th operation is that of person n, or of the one whose slot it gives up."""
    rows = []
    for at, ((begin, end), kind) in enumerate(placed):
        row: dict[str, Any] = {"intake": "2022", "invoked_ns": begin, "completed_ns": end, "result": "ok"}
        if kind in "GJ":
            answer = {"op": "claim", "answer": "granted" if kind == "G" else "full"}
            row |= answer | {"applicant": f"p{at}", "key": f"k{at}", "stream": "regular"}
        elif kind == "L":
            who = owners[at] if owners[at] >= 0 else at
            row |= {"op": "release", "applicant": f"p{who}", "key": f"r{at}", "answer": "released"}
            row["given_back"] = True
        else:
            row |= {"op": "read", "answer": "count", "value": int(kind[1:])}
        rows.append(row)
    return rows
