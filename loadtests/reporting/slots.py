"""Slots under a cap, moment by moment: what was certainly taken, what was possibly taken, and the limit.

    certainly   the grants completed until then, less the slots that can have been given back by then
    possibly    the grants invoked until then, less the slots certainly given back by then

Between the two lies what the counter was, whatever the order of what was under way. A cap is *over* where
more was certainly taken than the highest limit that it can have had, the spec's tolerance left aside: the
figures are those of the quantities (loadtests/checks/quantities.py).

A course has too many moments to be drawn. A *thinned* one keeps of every stretch the first moment, the last,
the one with most certainly taken and the one with least possibly taken, so that neither a slot too many nor
a slot that was free can hide.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from loadtests.checks.arrays import Rows, Times
from loadtests.checks.bounds import highest_until, least_within, limits_of, most_within, refusals
from loadtests.checks.moves import Moves, moments, moves_of
from loadtests.checks.requests import claims, releases
from loadtests.history import NEVER, History
from loadtests.reporting.axis import Axis
from sim.ledger import Cap

STRETCHES: Final = 240
"""Of a thinned course; each has four moments at most."""
MOST_MARKS: Final = 150
"""Refusals that are marked one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One cap over time; arrays of one length."""

    cap: Cap
    at_ns: Times
    least: Times
    """Certainly taken, from this moment on until the next."""
    most: Times
    """Possibly taken."""
    limit: Times
    """The highest that the cap can have had then."""
    is_start_known: bool
    """Whether it is known what was taken before, and nobody else takes any."""
    peak_over: int
    """Slots over the cap at the worst moment, at least; 0 if it was kept."""
    over_ns: int | None
    """When it was first over; None if never."""
    granted: int
    """Slots certainly granted under it."""
    phantoms: Rows
    """Rows that were refused while there was room."""
    first_refused_ns: int | None
    """When the first refusal by it was read."""

    def __len__(self) -> int:
        return len(self.at_ns)


def courses(history: History, axis: Axis) -> list[Course]:
    """The course of every cap, in the order of the header."""
    return [course(history, cap, axis) for cap in history.header.caps]


def course(history: History, cap: Cap, axis: Axis) -> Course:
    """The course of one cap, thinned."""
    found = whole(history, cap, axis)
    kept = _thinned(found.at_ns, found.least, found.most, axis)
    thin = {name: getattr(found, name)[kept] for name in ("at_ns", "least", "most", "limit")}
    return replace(found, **thin)


def whole(history: History, cap: Cap, axis: Axis) -> Course:
    """The course of one cap, with every moment at which anything changed."""
    asked, given_up = claims(history), releases(history)
    moves = moves_of(history, asked, given_up, cap)
    limits = limits_of(history, cap)
    at = _moments(moves, [begins for _, begins, _ in limits], axis)
    least, most = least_at(moves, at), most_at(moves, at)
    over = least - highest_until(limits, at)
    rows, begins, ends = refusals(history, asked, cap)
    room = least_within(limits, begins, ends) - (_until(moves, ends) + _before(moves, begins))
    return Course(
        cap=cap,
        at_ns=at,
        least=least,
        most=most,
        limit=most_within(limits, at, at),
        is_start_known=moves.is_alone,
        peak_over=int(over.max(initial=0)),
        over_ns=int(at[np.argmax(over > 0)]) if (over > 0).any() else None,
        granted=len(moves.ended),
        phantoms=rows[(room > 0) & moves.is_alone],
        first_refused_ns=int(ends.min()) if len(ends) else None,
    )


def least_at(moves: Moves, at: Times) -> Times:
    """What was certainly taken just after each moment."""
    return moves.course((moves.ended,), (moves.back_begun, moves.maybe_back), at)


def most_at(moves: Moves, at: Times) -> Times:
    """What was possibly taken just after each moment."""
    return moves.course((moves.begun, moves.maybe), (moves.back_ended,), at)


def _until(moves: Moves, ends: Times) -> Times:
    """The most that can have been granted until each moment."""
    return moves.course((moves.begun, moves.maybe), (), ends)


def _before(moves: Moves, begins: Times) -> Times:
    """Minus what was certainly given back before each moment."""
    return moves.course((), (moves.back_ended,), begins - 1) - moves.start


def _moments(moves: Moves, steps: list[int], axis: Axis) -> Times:
    """Every moment at which something changes, with the ends of the axis."""
    ends = np.array([axis.first_ns, axis.last_ns], dtype=np.int64)
    turns = np.array([step for step in steps if step > -NEVER], dtype=np.int64)
    every = (moves.begun, moves.ended, moves.maybe, moves.back_begun, moves.back_ended, moves.maybe_back)
    found = moments(None, *every, turns, ends)
    return found[found <= axis.last_ns]


def _thinned(at: Times, least: Times, most: Times, axis: Axis) -> Rows:
    """Places of a course that are kept."""
    if len(at) <= 4 * STRETCHES:
        return np.arange(len(at))
    edges = np.linspace(axis.first_ns, axis.last_ns + 1, STRETCHES + 1)
    starts = np.unique(np.searchsorted(at, edges[:-1], side="left"))
    starts = starts[starts < len(at)]
    ends = np.append(starts[1:], len(at))
    extremes = [
        begin + int(place)
        for begin, end in zip(starts.tolist(), ends.tolist(), strict=True)
        for place in (np.argmax(least[begin:end]), np.argmin(most[begin:end]))
    ]
    return np.unique(np.concatenate([starts, ends - 1, np.array(extremes, dtype=np.int64)]))
