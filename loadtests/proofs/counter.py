"""What one cap counts before each place of an order, and what others may have added on a shared service."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from loadtests.header import Header
from loadtests.history import ABSENT
from loadtests.proofs.columns import Flags, Ints, latest
from loadtests.proofs.rows import FULL, HOLD, READ, REFRESH, SET_CAP
from sim.ledger import Cap

if TYPE_CHECKING:
    from loadtests.proofs.replay import Played

BOUNDLESS = 2**62


class Counter:
    """A cap along an order."""

    def __init__(self, played: "Played", cap: Cap) -> None:
        self.cap, header = cap, played.header
        nowhere = np.zeros(len(played.at), dtype=np.bool_)
        self.covered, self.touched = nowhere.copy(), nowhere.copy()
        """Places whose intake and stream it is over; whose intake it touches."""
        for intake, stream in cap.covers:
            here = played.intake_is.get(intake, nowhere)
            self.touched |= here
            self.covered |= here if stream is None else here & (played.stream == played.streams.find(stream))
        moves = np.where(self.covered, played.moves, 0)
        back = np.flatnonzero(played.releases)
        moves[back] = np.where(self.covered[played.charged(back)], played.moves[back], 0)
        start = start_of_cap(header, cap)
        self.count = np.cumsum(moves, dtype=np.int64)
        self.count += start or 0
        self.count -= moves
        is_mine = (played.kind == SET_CAP) & played.is_named(cap)
        self.is_cut = bool(is_mine.any())
        self.limit = latest(is_mine, played.value, cap.limit) if self.is_cut else cap.limit
        judged = self.count
        if header.spec.counter != "exact":
            judged = latest((played.kind == REFRESH) & self.touched, self.count, start or 0)
        self.has_room = judged < self.limit + header.spec.tolerance
        self.is_full = (judged >= self.limit) | (start is None)


def start_of_intake(header: Header, intake: str) -> int:
    """What was used of an intake before the run."""
    if header.initial is None:
        return 0
    return header.initial.used.get(intake, len((header.initial.holders or {}).get(intake, ())))


def start_of_cap(header: Header, cap: Cap) -> int | None:
    """What a cap counted before the run; None if that is not known."""
    if header.initial is None:
        return 0
    if cap.name in header.initial.used:
        return header.initial.used[cap.name]
    starts = [start_of_intake(header, intake) for intake, _ in cap.covers]
    is_whole = all(stream is None for _, stream in cap.covers)
    return sum(starts) if is_whole or not any(starts) else None


def wrong_with_others(played: "Played") -> Iterator[tuple[Flags, str]]:
    """Refusals and readings that grants to others do not explain.

    Others only ever add. Each counter needs some of them by each place, and allows only so many. Counters are
    looked at one by one, so with several caps this is necessary, not sufficient.
    """
    if played.header.spec.counter != "exact":
        return
    spare = set(played.intakes)
    for cap in played.header.caps:
        counter = Counter(played, cap)
        mine = played.is_named(cap) | (len(played.header.caps) == 1)
        refuses = played.decides & (played.kind == FULL) & counter.covered & mine
        needs = np.where(refuses, counter.limit - counter.count, 0)
        most = counter.limit + played.header.spec.tolerance - counter.count
        grants = played.grants & counter.covered
        allows = np.where(grants, most - 1, BOUNDLESS if counter.is_cut else np.maximum(most, 0))
        whole = [intake for intake, _ in cap.covers] if all(not stream for _, stream in cap.covers) else []
        if len(whole) == 1 and whole[0] in spare:
            spare.remove(whole[0])
            needs, allows = _observed(played, whole[0], counter.count, needs, allows)
        yield np.maximum.accumulate(needs) > allows, f"not even others explain what {cap.name} counted"
    for intake in sorted(spare):
        moves = np.where(played.intake_is[intake], played.moves, 0)
        count = start_of_intake(played.header, intake) + np.cumsum(moves) - moves
        needs, allows = _observed(played, intake, count, np.zeros_like(count), np.full_like(count, BOUNDLESS))
        yield np.maximum.accumulate(needs) > allows, "not even others explain what was read"


def _observed(played: "Played", intake: str, count: Ints, needs: Ints, allows: Ints) -> tuple[Ints, Ints]:
    """What readings and the list of holders add to what a counter needs and allows."""
    here = played.intake_is[intake]
    reads = here & (played.kind == READ)
    values = reads & (played.value != ABSENT)
    needs = np.where(values, played.value - count, needs)
    allows = np.where(values, np.minimum(allows, played.value - count), allows)
    strangers = here & (played.kind == HOLD) & played.is_stranger
    needs = np.where(strangers, np.maximum(needs, np.cumsum(strangers)), needs)
    if (here & played.lists).any():
        allows = np.minimum(allows, int(strangers.sum()))
    return needs, allows
