"""The fewest grants that would have to be withdrawn for a cap to be kept at every moment.

Each grant occupies a slot from its time until a release. Going through time, wherever more slots are occupied
than the limit allows one of those that occupy must go; it is best the one that would stay longest, because it
burdens whatever comes later the most and nothing that came before needs it gone.
"""

import heapq
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Numbers, Times
from loadtests.checks.bounds import Limit, highest_until
from loadtests.history import NEVER


def fewest_withdrawn(begins: Times, ends: Times, limits: list[Limit]) -> int:
    """Of slots that are occupied in these intervals, how many are too many; at a tie the end comes first."""
    order = np.argsort(begins, kind="stable")
    order = order[(begins < ends)[order]]
    begins, ends = begins[order], ends[order]
    limit = highest_until(limits, begins)
    over = np.flatnonzero(_occupied(begins, ends) > limit)
    if not len(over):
        return 0
    # Nobody goes before the first time that there are too many, nor after the last.
    first, last = int(over[0]), int(over[-1]) + 1
    there = ends[:first][ends[:first] > begins[first]].tolist()
    rest = (column[first:last].tolist() for column in (begins, ends, limit))
    return _gone(there, list(zip(*rest, strict=True)))


def _occupied(begins: Times, ends: Times) -> Times:
    """How many are occupied just after each begin, those that begin at the same moment later left aside."""
    left = np.searchsorted(np.sort(ends), begins, side="right")
    return np.asarray(np.arange(1, len(begins) + 1) - left, dtype=np.int64)


def _gone(there: list[int], coming: list[tuple[int, int, int]]) -> int:
    """How many must go of those that are there, by their ends, and those that come: begin, end, limit."""
    leaving = there
    staying = [-ended for ended in there]  # negative ends: the last to leave comes first
    heapq.heapify(leaving)
    heapq.heapify(staying)
    withdrawn: Counter[int] = Counter()
    occupied, gone = len(there), 0
    for begun, ended, limit in coming:
        while leaving and leaving[0] <= begun:
            left = heapq.heappop(leaving)
            is_gone = withdrawn[left] > 0  # whoever ends with it: they are alike from here on
            withdrawn[left] -= is_gone
            occupied -= not is_gone
        heapq.heappush(leaving, ended)
        heapq.heappush(staying, -ended)
        occupied += 1
        if occupied > limit:
            withdrawn[-heapq.heappop(staying)] += 1
            occupied -= 1
            gone += 1
    return gone


class Held(NamedTuple):
    """Grants, with whose each is, from when it counts, and since when a release may be of it."""

    applicant: Numbers
    at: Times
    since: Times


class Freed(NamedTuple):
    """Releases: whose each is, and when."""

    applicant: Numbers
    at: Times


def stays(granted: Held, freed: Freed, start: int) -> tuple[Times, Times]:
    """When each slot was occupied: `start` from before, the others from a grant to the person's next release.

    A release of nobody's grant is of a slot from before.
    """
    order = np.argsort(granted.at, kind="stable")
    held = Held(granted.applicant[order], granted.at[order], granted.since[order])
    order = np.argsort(freed.at, kind="stable")
    back = Freed(freed.applicant[order], freed.at[order])
    ends = np.full(len(held.at), NEVER, dtype=np.int64)
    is_used = np.zeros(len(back.at), dtype=np.bool_)
    # Most people have one grant and one release; only the others need to be gone through.
    is_plain = _is_alone(held.applicant) & _is_alone(back.applicant, of=held.applicant)
    _paired(held, back, is_plain, ends, is_used)
    _in_turn(held, back, ~is_plain, ends, is_used)
    left = back.at[~is_used][:start].tolist()
    before = [*left, *[NEVER] * (start - len(left))]
    begins = np.concatenate([np.full(start, -NEVER, dtype=np.int64), held.at])
    return begins, np.concatenate([np.array(before, dtype=np.int64), ends])


def _is_alone(applicant: Numbers, of: Numbers | None = None) -> Flags:
    """Whose name (of `of`, or of these themselves) is there once at most."""
    asked = applicant if of is None else of
    most = int(max(applicant.max(initial=0), asked.max(initial=0))) + 2
    return np.asarray(np.bincount(applicant + 1, minlength=most)[asked + 1] <= 1)


def _paired(held: Held, back: Freed, which: Flags, ends: Times, is_used: Flags) -> None:
    """The ends of grants whose people have no other grant, and one release at most."""
    place = np.full(int(max(held.applicant.max(initial=0), back.applicant.max(initial=0))) + 2, -1)
    place[back.applicant + 1] = np.arange(len(back.at))
    mine = place[held.applicant + 1]
    found = np.flatnonzero(which & (mine >= 0))
    found = found[back.at[mine[found]] >= held.since[found]]
    ends[found] = np.maximum(held.at[found], back.at[mine[found]])
    is_used[mine[found]] = True


def _in_turn(held: Held, back: Freed, which: Flags, ends: Times, is_used: Flags) -> None:
    """The ends of the other grants, one by one: the first release that is left, and can be of it."""
    names = set(held.applicant[which].tolist())
    mine: dict[int, list[int]] = defaultdict(list)
    for place, name in enumerate(back.applicant.tolist()):
        if name in names:
            mine[name].append(place)
    times = back.at
    for number in np.flatnonzero(which).tolist():
        places = mine[int(held.applicant[number])]
        later = next((each for each in places if times[each] >= held.since[number]), None)
        if later is not None:
            places.remove(later)
            ends[number] = max(int(held.at[number]), int(times[later]))
            is_used[later] = True
