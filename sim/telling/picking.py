"""Whose story is worth hearing: a person picked by what became of them, the same one every time."""

from collections.abc import Callable

import numpy as np

from sim.clock import NEVER
from sim.comparing.persons import exchange
from sim.errors import complaint
from sim.outcome import DECLINED, LAPSED, POOL, PR_FIRST, WITHDRAWN, Outcome, Whole
from sim.people import People
from sim.population import Flags

Picked = tuple[Flags, Whole]
"""Who it could be (flags), and what the one picked has least of (numbers)."""


def _lost(people: People, base: Outcome, other: Outcome) -> Picked:
    return exchange(base, other).lost, base.slot_s


def _gained(people: People, base: Outcome, other: Outcome) -> Picked:
    return exchange(base, other).gained, other.slot_s


def _sooner(people: People, base: Outcome, other: Outcome) -> Picked:
    found = exchange(base, other)
    return found.earlier, -found.sooner_s


def _later(people: People, base: Outcome, other: Outcome) -> Picked:
    found = exchange(base, other)
    return found.later, found.sooner_s


def _waited_longest(people: People, base: Outcome, other: Outcome) -> Picked:
    return other.permit_s < NEVER, people.certified_s - other.permit_s


def _served_fastest(people: People, base: Outcome, other: Outcome) -> Picked:
    return other.permit_s < NEVER, other.permit_s - people.certified_s


def _first(people: People, base: Outcome, other: Outcome) -> Picked:
    return other.slot_s < NEVER, other.slot_s


def _last(people: People, base: Outcome, other: Outcome) -> Picked:
    return other.slot_s < NEVER, -other.slot_s


def _turned_away(people: People, base: Outcome, other: Outcome) -> Picked:
    return other.full_count > 0, -other.full_count.astype(np.int64)


def _ending(status: int) -> Callable[[People, Outcome, Outcome], Picked]:
    def picked(people: People, base: Outcome, other: Outcome) -> Picked:
        return other.status == status, people.certified_s

    return picked


WHO: dict[str, tuple[str, Callable[[People, Outcome, Outcome], Picked]]] = {
    "lost": ("loses a slot that the baseline gives", _lost),
    "gained": ("gets a slot that the baseline does not give", _gained),
    "sooner": ("has the permit sooner than under the baseline, by most", _sooner),
    "later": ("has the permit later than under the baseline, by most", _later),
    "waited-longest": ("waits longest from certificate to permit", _waited_longest),
    "served-fastest": ("waits least from certificate to permit", _served_fastest),
    "first-slot": ("gets the first slot", _first),
    "last-slot": ("gets the last slot", _last),
    "turned-away": ("finds no slot left, most often", _turned_away),
    "overtaken": ("becomes a permanent resident first", _ending(PR_FIRST)),
    "lapsed": ("lets the letter lapse", _ending(LAPSED)),
    "declined": ("answers the letter with no", _ending(DECLINED)),
    "withdrawn": ("withdraws while waiting", _ending(WITHDRAWN)),
    "never": ("still waits for a letter at the end", _ending(POOL)),
}
"""Name -> what it means, and how the person is found."""
BESIDE_A_BASELINE = ("lost", "gained", "sooner", "later")


def pick(who: str, people: People, base: Outcome, other: Outcome) -> int:
    """The row of the person; BadInput if there is nobody like that."""
    means, find = WHO[who]
    flags, order = find(people, base, other)
    rows = np.flatnonzero(flags & people.in_scope)
    if not len(rows):
        raise complaint(
            f"nobody of this replication {means}",
            key="--who",
            mend="try another replication, or another --who",
        )
    return int(rows[np.lexsort((rows, people.lottery[rows], order[rows]))[0]])


def default(people: People, base: Outcome, other: Outcome) -> str:
    """Whom to tell of if nobody says: the first kind of which there is somebody."""
    for who in ("lost", "gained", "sooner", "later", "waited-longest", "turned-away", "never"):
        if (WHO[who][1](people, base, other)[0] & people.in_scope).any():
            return who
    return "never"
