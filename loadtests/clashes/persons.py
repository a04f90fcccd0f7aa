"""Fewer operations of persons: what may be left out where one person, key, slot or year is what clashes.

No count matters to such a clash, so none is kept: a cap of 0 with a boundless tolerance grants everybody and
may refuse anybody, and readings are left without what they saw. Of a person either everything goes, or no
more than what changes nothing: refusals, lists, repeats under a key.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from loadtests.clashes.relaxing import Relaxed
from loadtests.clashes.rows import with_few
from loadtests.history import AUDIT, History
from loadtests.linear.operations import Whole

BOUNDLESS: Final = 10**9


class Persons:
    """The rows of some persons, with the lists of holders and the orders of the years, in units."""

    def __init__(self, history: History, witness: Whole) -> None:
        self.history = history
        self.applicant = history.coded("applicant").codes
        people = np.unique(self.applicant[witness])
        is_mine = np.isin(self.applicant, people[people >= 0]) & history.is_op("claim", "release", "hold")
        is_list = history.is_op("read") & history.coded("note").starting(AUDIT)
        is_kept = history.header.spec.refusals == "sticky"
        refused = history.is_answer("full", "duplicate", "closed", "ineligible", "unheld") & (not is_kept)
        lone = (is_mine & (refused | history.is_op("hold"))) | is_list
        self.moves = np.flatnonzero(is_mine & ~lone)
        again: Whole = np.empty(0, dtype=np.int64)
        if not is_kept:
            self.moves, again = self._first_attempts(self.moves)
        alone = np.concatenate([np.flatnonzero(lone), again])
        owners = np.unique(self.applicant[self.moves]).tolist()
        self.units: list[Whole] = [np.array([row]) for row in alone.tolist()]
        self.units += [self.moves[self.applicant[self.moves] == who] for who in owners]
        self.units += [each for each in [np.flatnonzero(history.is_op("open", "close"))] if len(each)]

    def relaxed(self, units: Sequence[Whole]) -> Relaxed | None:
        """The history of these units alone; None if it has somebody's answers without their grants."""
        header = self.history.header
        rows = np.unique(np.concatenate(units))
        people = np.unique(self.applicant[rows])
        owned = self.moves[np.isin(self.applicant[self.moves], people[people >= 0])]
        if not np.isin(owned, rows).all():
            return None
        caps = tuple(replace(cap, limit=0) for cap in header.caps)
        spec = replace(header.spec, tolerance=BOUNDLESS, counter="exact")
        without = replace(header, caps=caps, spec=spec, complete=True)
        return Relaxed(with_few(self.history, rows, without, keep_values=False), tuple(rows.tolist()))

    def _first_attempts(self, rows: Whole) -> tuple[Whole, Whole]:
        """The first attempt of each request, and the further ones."""
        seen: set[tuple[object, ...]] = set()
        first: list[int] = []
        again: list[int] = []
        order = rows[np.argsort(self.history["invoked_ns"][rows], kind="stable")]
        for at, row in zip(order.tolist(), self.history.rows(order), strict=True):
            name = (row["op"], row.get("applicant"), row.get("key", at))
            (again if name in seen else first).append(at)
            seen.add(name)
        return np.array(sorted(first), dtype=np.int64), np.array(again, dtype=np.int64)
