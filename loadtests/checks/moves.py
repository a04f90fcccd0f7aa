"""What moves a counter and when, and between what figures that leaves it.

A *band* is what a counter can have been at each moment, from the least to the most, by the moves that are
taken for certain. Intervals are closed: what completed at a moment need not have happened before it.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Flags, Times
from loadtests.checks.bounds import start_of
from loadtests.checks.requests import Requests
from loadtests.history import History
from sim.ledger import Cap

BLOCK: Final = 1_024
"""Moments that are looked at together."""


class Moves(NamedTuple):
    """Everything that moves one counter, or may; each array ascending."""

    start: int
    """What it was before the run, at least."""
    is_alone: bool
    """Whether it was exactly that, and nobody else moves it."""
    begun: Times
    """Certain grants: the earliest that each was."""
    ended: Times
    """Certain grants: the latest."""
    maybe: Times
    """Claims that may have been granted: the earliest."""
    back_begun: Times
    """Slots certainly given back: the earliest."""
    back_ended: Times
    """Slots certainly given back: the latest."""
    maybe_back: Times
    """Releases that may have given a slot back: the earliest."""

    def course(self, ups: tuple[Times, ...], downs: tuple[Times, ...], at: Times) -> Times:
        """The counter after everything until each moment, if these moves are all, at these times."""
        found = np.full(len(at), self.start, dtype=np.int64)
        for times in ups:
            found += np.searchsorted(times, at, side="right")
        for times in downs:
            found -= np.searchsorted(times, at, side="right")
        return found


def moves_of(history: History, asked: Requests, given_up: Requests, cap: Cap) -> Moves:
    """What moves the counter of a cap."""
    start = start_of(history, cap)
    of, ends_ns = asked.grants()
    is_mine = (asked.was_done & asked.counts_in(cap))[of]
    maybe = asked.may_have & asked.may_count_in(cap) & ~(asked.was_done & asked.counts_in(cap))
    certain, possible = backs_of(history, given_up, cap)
    return Moves(
        start=start or 0,
        is_alone=start is not None and not history.header.shared,
        begun=np.sort(asked.begins_ns[of[is_mine]]),
        ended=np.sort(ends_ns[is_mine]),
        maybe=np.sort(asked.begins_ns[maybe]),
        back_begun=np.sort(given_up.begins_ns[certain]),
        back_ended=np.sort(given_up.ends_ns[certain]),
        maybe_back=np.sort(given_up.begins_ns[possible]),
    )


def backs_of(history: History, given_up: Requests, cap: Cap) -> tuple[Flags, Flags]:
    """Releases that certainly gave a slot of a cap back, and those that may have."""
    backs = given_up.may_have & given_up.may_count_in(cap) & bool(history.header.spec.gives_back)
    flags = history["given_back"][given_up.rows]
    certain = backs & given_up.counts_in(cap) & given_up.any_of(given_up.is_done & (flags == 1))
    return certain, backs & ~certain & ~given_up.any_of(given_up.is_done & (flags == 0))


class Band(NamedTuple):
    """Between what a counter can have been: by the moves that lead to the least, and to the most."""

    moves: Moves
    least_ups: tuple[Times, ...]
    least_downs: tuple[Times, ...]
    most_ups: tuple[Times, ...]
    most_downs: tuple[Times, ...]

    def ages_ns(self, values: Times, begins: Times, ends: Times) -> NDArray[np.float64]:
        """How long before each window its value was last possible; 0 if in it, infinite if never before."""
        least = self._least(begins, ends)
        most = self._most(begins, ends)
        ages = np.zeros(len(values), dtype=np.float64)
        wrong = np.flatnonzero((values < least) | (values > most))
        if not len(wrong):
            return ages
        at = moments(None, *self.least_ups, *self.least_downs, *self.most_ups, *self.most_downs)
        lows, highs = self._least(at, at), self._most(at, at)
        until = np.searchsorted(at, begins[wrong], side="left")
        if not len(at):
            places = np.full(len(wrong), -1)
        elif any(len(times) for times in self.least_downs + self.most_downs):
            places = _last_places(lows, highs, values[wrong], until)
        else:  # it only grows
            places = np.minimum(np.searchsorted(lows, values[wrong], side="right"), until) - 1
            places = np.where(highs[places] < values[wrong], -1, places)
        is_known = places >= 0
        ages[wrong] = math.inf
        ages[wrong[is_known]] = begins[wrong[is_known]] - at[places[is_known]]
        return ages

    def _least(self, begins: Times, ends: Times) -> Times:
        ups = self.moves.course(self.least_ups, (), begins - 1)  # completed before: strictly
        return ups + self.moves.course((), self.least_downs, ends) - self.moves.start

    def _most(self, begins: Times, ends: Times) -> Times:
        ups = self.moves.course(self.most_ups, (), ends)
        return ups + self.moves.course((), self.most_downs, begins - 1) - self.moves.start


def _last_places(lows: Times, highs: Times, values: Times, ends: Times) -> Times:
    """For each value the last place before its end whose band has it, or -1.

    Between two moments a band is no wider than at either of them, so that looking at the moments suffices. It
    is sought block by block, backwards, among the blocks that have it between their least and their most.
    """
    begins = np.arange(0, len(lows), BLOCK)
    least, most = np.minimum.reduceat(lows, begins), np.maximum.reduceat(highs, begins)
    found = np.full(len(values), -1, dtype=np.int64)
    for number, (value, end) in enumerate(zip(values.tolist(), ends.tolist(), strict=True)):
        last = -(-end // BLOCK)
        may = np.flatnonzero((least[:last] <= value) & (value <= most[:last]))
        for block in may[::-1].tolist():
            inside = slice(block * BLOCK, min(end, (block + 1) * BLOCK))
            has = np.flatnonzero((lows[inside] <= value) & (value <= highs[inside]))
            if len(has):
                found[number] = inside.start + int(has[-1])
                break
    return found


def moments(until: int | None, *times: Times) -> Times:
    """All these times in order, once each, and until when to count."""
    every = np.sort(np.concatenate(times), kind="stable")  # quick where parts are in order already
    found = every[np.append(True, np.diff(every) != 0)[: len(every)]]
    return found if until is None else np.append(found[found < until], until)


def union(begins: Times, ends: Times) -> tuple[Times, Times]:
    """Intervals that do not overlap, and cover what these cover."""
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    is_new = np.append(True, begins[1:] > ends[:-1])
    return begins[is_new], ends[np.append(np.flatnonzero(is_new)[1:] - 1, len(ends) - 1)]
