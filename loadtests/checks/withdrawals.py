"""The fewest grants that would have to be withdrawn for a cap to be kept at every moment.

Each grant occupies a slot from its time until a release. Going through time, wherever more slots are occupied
than the limit allows one of those that occupy must go; it is best the one that would stay longest, because it
burdens whatever comes later the most and nothing that came before needs it gone.
"""

import heapq
import operator
from collections import Counter, defaultdict
from typing import NamedTuple

import numpy as np

from loadtests.checks.arrays import Times
from loadtests.checks.bounds import Limit, highest_until
from loadtests.history import NEVER


def fewest_withdrawn(begins: Times, ends: Times, limits: list[Limit]) -> int:
    """Of slots that are occupied in these intervals, how many are too many; at a tie the end comes first."""
    order = np.argsort(begins, kind="stable")
    order = order[(begins < ends)[order]]
    begins, ends = begins[order], ends[order]
    staying: list[int] = []  # negative ends: the last to leave comes first
    leaving: list[int] = []
    withdrawn: Counter[int] = Counter()
    occupied = gone = 0
    for begun, ended, limit in zip(
        begins.tolist(), ends.tolist(), highest_until(limits, begins).tolist(), strict=True
    ):
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
    """A grant, with whose it is, from when it counts, and since when a release may be of it."""

    applicant: int
    at: int
    since: int


def stays(granted: list[Held], freed: list[tuple[int, int]], start: int) -> tuple[Times, Times]:
    """When each slot was occupied: `start` from before, the others from a grant to the person's next release.

    `freed` has applicant and time. A release of nobody's grant is of a slot from before.
    """
    mine: dict[int, list[int]] = defaultdict(list)
    for applicant, time in sorted(freed, key=operator.itemgetter(1)):
        mine[applicant].append(time)
    begins, ends = [-NEVER] * start, []
    for applicant, at, since in sorted(granted, key=operator.attrgetter("at")):
        later = [time for time in mine[applicant] if time >= since]
        if later:
            mine[applicant].remove(later[0])
        begins.append(at)
        ends.append(max(at, later[0]) if later else NEVER)
    left = sorted(time for times in mine.values() for time in times)[:start]
    before = [*left, *[NEVER] * (start - len(left))]
    return np.array(begins, dtype=np.int64), np.array([*before, *ends], dtype=np.int64)
