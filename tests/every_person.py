"""Every small history of people, up to the names: who asks again, under which key, which slot they were told.

The kinds of operation are more than in `tests.every_history`, where each claim is another person's:

    G granted, with a slot    J refused: full    D refused: has a slot    c a claim that nobody answered
    L released    N nothing to release    l a release that nobody answered    R0 R1 ... read so many

and operations of a kind differ in whose they are, in the key and in the slot. Names mean nothing: persons
are numbered in the order in which they first appear, a person's keys and all slots likewise; and of histories
that differ only in which of several alike operations is which, the one with the smallest numbers is taken.
What nobody answered is over before nothing, so it stands in the last column of the triangle of cells.
"""

from collections.abc import Iterator
from itertools import combinations_with_replacement, groupby, islice, permutations, product
from typing import Any, Final

from loadtests.header import Header
from sim.ledger import Reason, Spec, cap_of
from tests.every_history import Cell, shapes

Label = tuple[int, int, int]
"""Person, the person's key, slot; -1 for what the operation has not."""
Labelled = tuple[tuple[Cell, str, Label], ...]

CLAIMS: Final = "GJDc"
RELEASES: Final = "LNl"
UNANSWERED: Final = "cl"
BACK: Final[frozenset[Reason]] = frozenset({"withdrawal"})
FRESH: Final = Spec(gives_back=BACK)
SPECS: Final = {
    "fresh": FRESH,
    "kept-back": Spec(),
    "sticky": Spec(gives_back=BACK, refusals="sticky"),
    "soft": Spec(gives_back=BACK, tolerance=1),
    "copied": Spec(gives_back=BACK, counter=7),
}
ANSWERS: Final = {"G": "granted", "J": "full", "D": "duplicate", "L": "released", "N": "unheld"}


def kinds_of(cap: int) -> tuple[str, ...]:
    """The kinds of operation under such a cap."""
    return (*CLAIMS, *RELEASES, *(f"R{value}" for value in range(cap + 1)))


def every_labelled(size: int, cap: int) -> Iterator[Labelled]:
    """Every history of so many operations of people, once."""
    kinds = kinds_of(cap)
    answered = tuple(kind for kind in kinds if kind not in UNANSWERED)
    for shape in shapes(size):
        last = max(end for (_, end), _ in shape)
        choices = [
            combinations_with_replacement(kinds if end == last else answered, count)
            for (_, end), count in shape
        ]
        cells = [cell for cell, count in shape for _ in range(count)]
        for chosen in product(*choices):
            row = [kind for here in chosen for kind in here]
            alike = _alike(cells, row)
            for labels in _labelled(row, (), (), 0):
                if not alike or _is_smallest(row, labels, alike):
                    yield tuple(zip(cells, row, labels, strict=True))


def _labelled(
    row: list[str], labels: tuple[Label, ...], keys: tuple[tuple[int, int], ...], slots: int
) -> Iterator[tuple[Label, ...]]:
    """Every way of naming what is left of a row; `keys`: how many each person has used, on either side."""
    at = len(labels)
    if at == len(row):
        yield labels
        return
    kind = row[at]
    if kind[0] == "R":
        yield from _labelled(row, (*labels, (-1, -1, -1)), keys, slots)
        return
    side = int(kind in RELEASES)
    for person in range(len(keys) + 1):
        used = keys[person] if person < len(keys) else (0, 0)
        for key in range(used[side] + 1):
            more = (max(used[0], key + 1), used[1]) if side == 0 else (used[0], max(used[1], key + 1))
            after = (*keys[:person], more, *keys[person + 1 :])
            for slot in range(slots + 1) if kind == "G" else (-1,):
                label = (person, key, slot)
                yield from _labelled(row, (*labels, label), after, max(slots, slot + 1))


def _alike(cells: list[Cell], row: list[str]) -> list[list[int]]:
    """Places of operations that only their names tell apart."""
    groups = (list(group) for _, group in groupby(range(len(row)), key=lambda at: (cells[at], row[at])))
    return [group for group in groups if len(group) > 1 and row[group[0]][0] != "R"]


def _is_smallest(row: list[str], labels: tuple[Label, ...], alike: list[list[int]]) -> bool:
    """Whether no exchange of operations that are alike, and new names, makes the numbers smaller."""
    for orders in product(*(permutations(group) for group in alike)):
        moved = list(labels)
        for group, order in zip(alike, orders, strict=True):
            for to, of in zip(group, order, strict=True):
                moved[to] = labels[of]
        if _renamed(row, moved) < labels:
            return False
    return True


def _renamed(row: list[str], labels: list[Label]) -> tuple[Label, ...]:
    """The same names, numbered in the order in which they appear."""
    persons: dict[int, int] = {}
    keys: dict[tuple[int, bool, int], int] = {}
    used: dict[tuple[int, bool], int] = {}
    slots: dict[int, int] = {}
    found = []
    for kind, (person, key, slot) in zip(row, labels, strict=True):
        if person < 0:
            found.append((-1, -1, -1))
            continue
        side = kind in RELEASES
        whose = persons.setdefault(person, len(persons))
        if (person, side, key) not in keys:
            keys[person, side, key] = used.get((person, side), 0)
            used[person, side] = keys[person, side, key] + 1
        named = slots.setdefault(slot, len(slots)) if slot >= 0 else -1
        found.append((whose, keys[person, side, key], named))
    return tuple(found)


def header_of(cap: int, spec: Spec = FRESH) -> Header:
    """What all of them are judged by."""
    return Header(caps=(cap_of("2022", cap),), spec=spec)


def every_history(
    size: int, cap: int, spec: Spec = FRESH, *, part: int = 0, parts: int = 1
) -> Iterator[list[dict[str, Any]]]:
    """The same as rows, under one cap. Of `parts`, one part."""
    for labelled in islice(every_labelled(size, cap), part, None, parts):
        yield rows_of(labelled, is_given_back="withdrawal" in spec.gives_back)


def every_repeated(
    size: int, cap: int, spec: Spec = FRESH, *, part: int = 0, parts: int = 1
) -> Iterator[list[dict[str, Any]]]:
    """The same with at least one answer to a claim told as a replay, which need not say of what."""
    seen: set[str] = set()
    for rows in every_history(size, cap, spec, part=part, parts=parts):
        for told in product(*(_repeated(row, spec) for row in rows)):
            if any(row.get("answer") == "replayed" for row in told) and repr(told) not in seen:
                seen.add(repr(told))
                yield list(told)


def _repeated(row: dict[str, Any], spec: Spec) -> Iterator[dict[str, Any]]:
    """A row as it is, and as the replays that it may be; a refusal is repeated only where it is kept."""
    yield row
    is_kept = spec.refusals == "sticky"
    plain = {name: value for name, value in row.items() if name != "slot"} | {"answer": "replayed"}
    if row.get("answer") == "granted":
        yield row | {"answer": "replayed"}
        yield plain
    elif row.get("answer") == "full" and is_kept:
        yield row | {"answer": "replayed", "cap": row["intake"]}
        yield plain
    elif row.get("answer") == "duplicate" and is_kept:
        yield plain


def rows_of(labelled: Labelled, *, is_given_back: bool = True) -> list[dict[str, Any]]:
    """Plain rows."""
    rows = []
    for (begin, end), kind, (person, key, slot) in labelled:
        is_known = kind not in UNANSWERED
        row: dict[str, Any] = {"intake": "2022", "invoked_ns": begin, "result": "ok" if is_known else "info"}
        row |= {"completed_ns": end} if is_known else {}
        if kind[0] == "R":
            row |= {"op": "read", "answer": "count", "value": int(kind[1:])}
        elif kind in CLAIMS:
            row |= {"op": "claim", "applicant": f"p{person}", "key": f"p{person}k{key}", "stream": "regular"}
        else:
            row |= {"op": "release", "applicant": f"p{person}", "key": f"p{person}r{key}"}
        row |= {"answer": ANSWERS[kind]} if kind in ANSWERS else {}
        row |= {"slot": str(slot)} if slot >= 0 else {}
        row |= {"given_back": is_given_back} if kind == "L" else {}
        rows.append(row)
    return rows
