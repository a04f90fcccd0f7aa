"""How much was wrong, beside whether anything was: figures in slots and seconds, each as [least, most].

What is certain is taken in the order that is kindest to the service: grants at their completions, releases at
their invocations. No order of the operations has fewer slots over a cap, or for a shorter time, so that a
figure without operations of unknown outcome is exact, and `least` equals `most`. Where operations of unknown
outcome remain, `least` takes each of them as it is best for the service, and `most` as it is worst; what lies
between is their effect. On a history of a correct service with an exact counter every `least` is 0.

Words
    over a cap       more slots taken than the highest limit that it can have had until then; a cap that is
                     cut below what is taken is not exceeded. The spec's tolerance is not deducted
    withdrawn        grants that must not have been made for the cap to be kept at every moment
    vacancy          slots under a cap that were certainly free all through the window of a refusal
    stale            a reading of a figure that the counter cannot have had in its window; its staleness is
                     the time since it last can have had it, infinite if never before
The seconds end with the last operation of the history.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import numpy as np

from loadtests.checks.arrays import Times
from loadtests.checks.bounds import Limit, highest_until, least_within, limits_of, refusals, start_of
from loadtests.checks.moves import Band, Moves, backs_of, moments, moves_of, union
from loadtests.checks.requests import Requests, claims, intakes, releases
from loadtests.checks.withdrawals import Freed, Held, fewest_withdrawn, stays
from loadtests.history import ABSENT, NEVER, History
from sim.ledger import Cap, cap_of

NS: Final = 1e9


class Span(NamedTuple):
    """A figure, as far as it is known."""

    least: float
    """If every operation of unknown outcome went as it is best for the service."""
    most: float
    """If every one went as it is worst; infinite where nothing bounds it."""


@dataclass(frozen=True, slots=True)
class OverAllocation:
    """By how much a cap was exceeded."""

    cap: str
    peak_slots: Span
    """Slots over the cap at the worst moment."""
    slot_seconds: Span
    """Slots over the cap, by how long they were."""
    withdrawn: Span
    """The fewest grants without which the cap would have been kept."""
    unknown_claims: int
    """Claims of which nobody knows whether they took a slot of it."""
    unknown_releases: int
    """Releases of which nobody knows whether they gave one back."""


@dataclass(frozen=True, slots=True)
class RefusedWhileFree:
    """What a cap refused although it had room."""

    cap: str
    refusals: int
    """All refusals by the cap."""
    while_free: Span
    """Those during which it had room all the time."""
    vacancy: Span
    """The most slots that were free during one of them."""
    slot_seconds: Span
    """Slots that were free while somebody was so refused, by how long they were."""


@dataclass(frozen=True, slots=True)
class Staleness:
    """How old the figures were that readings of an intake saw."""

    intake: str
    readings: int
    """Readings that saw a figure."""
    stale: Span
    """Readings of a figure that the counter cannot have had meanwhile."""
    worst_s: Span
    """How old the oldest figure was; infinite if the counter had never had it."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """All figures of a history."""

    over: tuple[OverAllocation, ...]
    refused: tuple[RefusedWhileFree, ...]
    stale: tuple[Staleness, ...]

    def as_plain(self) -> dict[str, Any]:
        """The figures as JSON has them; null for infinite."""
        return {each.name: [_plain(record) for record in getattr(self, each.name)] for each in fields(self)}


def _plain(record: Any) -> dict[str, Any]:
    found = {each.name: getattr(record, each.name) for each in fields(record)}
    return {
        name: [None if math.isinf(bound) else bound for bound in value] if isinstance(value, Span) else value
        for name, value in found.items()
    }


def quantities(history: History) -> Quantities:
    """All figures of a history."""
    asked, given_up = claims(history), releases(history)
    caps = history.header.caps
    moves = [moves_of(history, asked, given_up, cap) for cap in caps]
    stale = [
        _staleness(history, intake, moves_of(history, asked, given_up, cap_of(intake, 0)))
        for intake in intakes(history)
    ]
    return Quantities(
        over=tuple(_over(history, asked, given_up, cap, mine) for cap, mine in zip(caps, moves, strict=True)),
        refused=tuple(_refused(history, asked, cap, mine) for cap, mine in zip(caps, moves, strict=True)),
        stale=tuple(each for each in stale if each.readings),
    )


def _over(history: History, asked: Requests, given_up: Requests, cap: Cap, moves: Moves) -> OverAllocation:
    limits, until = limits_of(history, cap), _last(history)
    kind = _exceeded(moves, (moves.ended,), (moves.back_begun, moves.maybe_back), limits, until)
    harsh = _exceeded(moves, (moves.ended, moves.maybe), (moves.back_begun,), limits, until)
    is_falling = len(moves.back_begun) + len(moves.maybe_back) > 0
    if is_falling and kind.peak:
        kind = kind._replace(withdrawn=_withdrawn(history, cap, asked, given_up, is_kind=True))
    if is_falling and harsh.peak:
        harsh = harsh._replace(withdrawn=_withdrawn(history, cap, asked, given_up, is_kind=False))
    if history.header.shared and history.header.spec.gives_back:
        kind = _Exceeded(0, 0.0, 0)  # others may have given back what they held
    if not moves.is_alone:
        harsh = _Exceeded(math.inf, math.inf, math.inf)
    return OverAllocation(
        cap=cap.name,
        peak_slots=Span(kind.peak, harsh.peak),
        slot_seconds=Span(kind.slot_seconds, harsh.slot_seconds),
        withdrawn=Span(kind.withdrawn, harsh.withdrawn),
        unknown_claims=len(moves.maybe),
        unknown_releases=len(moves.maybe_back),
    )


class _Exceeded(NamedTuple):
    peak: float
    slot_seconds: float
    withdrawn: float


def _exceeded(
    moves: Moves, ups: tuple[Times, ...], downs: tuple[Times, ...], limits: list[Limit], until: int
) -> _Exceeded:
    """By how much a counter exceeds its limit if these moves are all, at these times."""
    steps = np.array([begins for _, begins, _ in limits], dtype=np.int64)
    at = moments(until, *ups, *downs, steps[steps > -NEVER])
    over = np.maximum(0, moves.course(ups, downs, at) - highest_until(limits, at))
    peak = int(over.max(initial=0))
    seconds = float(np.dot(over[:-1].astype(np.float64), np.diff(at) / NS)) if peak else 0.0
    return _Exceeded(peak, seconds, peak)  # as many must go, if none leaves by itself


def _withdrawn(history: History, cap: Cap, asked: Requests, given_up: Requests, *, is_kind: bool) -> int:
    """The fewest grants without which the cap would have been kept; only asked where it was not."""
    of, ends_ns = asked.grants()
    known = asked.was_done & asked.counts_in(cap)
    of, ends_ns = of[known[of]], ends_ns[known[of]]
    also = np.flatnonzero(asked.may_have & asked.may_count_in(cap) & ~known)
    also = also[:0] if is_kind else also
    whose = np.concatenate([of, also])
    granted = Held(
        asked.applicant[whose], np.concatenate([ends_ns, asked.begins_ns[also]]), asked.begins_ns[whose]
    )
    certain, possible = backs_of(history, given_up, cap)
    backs = np.flatnonzero(certain | possible if is_kind else certain)
    freed = Freed(given_up.applicant[backs], given_up.begins_ns[backs])
    begins, ends = stays(granted, freed, start_of(history, cap) or 0)
    return fewest_withdrawn(begins, ends, limits_of(history, cap))


def _refused(history: History, asked: Requests, cap: Cap, moves: Moves) -> RefusedWhileFree:
    rows, begins, ends = refusals(history, asked, cap)
    limits = limits_of(history, cap)
    kind = _vacant(moves, (moves.begun, moves.maybe), (moves.back_ended,), limits, begins, ends)
    harsh = _vacant(moves, (moves.begun,), (moves.back_ended, moves.maybe_back), limits, begins, ends)
    if not moves.is_alone:
        kind = _Vacant(0, 0, 0.0)  # others may have had the slots
    return RefusedWhileFree(
        cap=cap.name,
        refusals=len(rows),
        while_free=Span(kind.refusals, harsh.refusals),
        vacancy=Span(kind.worst, harsh.worst),
        slot_seconds=Span(kind.slot_seconds, harsh.slot_seconds),
    )


class _Vacant(NamedTuple):
    refusals: int
    worst: int
    slot_seconds: float


def _vacant(
    moves: Moves,
    ups: tuple[Times, ...],
    downs: tuple[Times, ...],
    limits: list[Limit],
    begins: Times,
    ends: Times,
) -> _Vacant:
    """How much was free within windows, if these moves are all, at these times."""

    def free(since: Times, until: Times) -> Times:
        taken = moves.course(ups, (), until) - moves.start
        back = moves.course((), downs, since - 1) - moves.start  # what came back before: strictly
        return least_within(limits, since, until) - (moves.start + taken + back)

    vacancy = free(begins, ends)
    is_wrong = vacancy > 0
    if not is_wrong.any():
        return _Vacant(0, 0, 0.0)
    begins, ends = union(begins[is_wrong], ends[is_wrong])
    bounds = [np.array(each, dtype=np.int64) for each in zip(*limits, strict=True)][1:]
    at = moments(int(ends[-1]), *ups, *downs, begins, ends, *(each[abs(each) < NEVER] for each in bounds))
    middle = at[:-1] + np.diff(at) // 2  # nothing moves inside
    is_inside = np.searchsorted(begins, middle, side="right") > np.searchsorted(ends, middle, side="left")
    slots = np.maximum(0, free(middle, middle)) * is_inside
    seconds = float(np.dot(slots.astype(np.float64), np.diff(at) / NS))
    return _Vacant(int(is_wrong.sum()), int(vacancy.max()), seconds)


def _staleness(history: History, intake: str, moves: Moves) -> Staleness:
    is_reading = history.is_op("read") & history.is_answer("count") & (history["value"] != ABSENT)
    rows = np.flatnonzero(is_reading & history.coded("intake").is_text(intake))
    invoked, completed = history.widened()
    seen = history["value"][rows], invoked[rows], completed[rows]
    ups, downs = (moves.begun, moves.ended), (moves.back_begun, moves.back_ended)
    anything = Band(moves, (moves.ended,), (moves.back_begun, moves.maybe_back),
                     (moves.begun, moves.maybe), (moves.back_ended,))  # fmt: skip
    high = Band(moves, (ups[1], moves.maybe), downs[:1], (ups[0], moves.maybe), downs[1:])
    low = Band(moves, ups[1:], (downs[0], moves.maybe_back), ups[:1], (downs[1], moves.maybe_back))
    least = anything.ages_ns(*seen)
    most = np.maximum(high.ages_ns(*seen), low.ages_ns(*seen))
    if not moves.is_alone:
        least, most = np.zeros(len(rows)), np.full(len(rows), math.inf)
    return Staleness(
        intake=intake,
        readings=len(rows),
        stale=Span(int((least > 0).sum()), int((most > 0).sum())),
        worst_s=Span(float(least.max(initial=0)) / NS, float(most.max(initial=0)) / NS),
    )


def _last(history: History) -> int:
    """The end of the last operation that ended, or the begin of one that began after it."""
    invoked, completed = history.widened()
    known = completed[completed < NEVER]
    return max(int(invoked.max(initial=0)), int(known.max(initial=0)))
