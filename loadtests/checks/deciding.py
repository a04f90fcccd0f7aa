"""Claims decided by the simulator's array kernels, in an order that is given to them as their arrival times.

Words
    arrival   a claim that was decided, for a slot or against it: its place in the order is when it arrives
    pair      an intake and a stream: what caps cover
    turn      something between arrivals that changes what can be granted: a slot that comes back, another
              limit, a copy of the counter. A slot comes back when one did, whoever has it here: else each
              person who is served otherwise would leave one slot more, or fewer, to all who come later
Between two turns nothing comes back, which is what `sim.engine.kernels.first_come` is made for.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Rows
from loadtests.checks.bounds import start_of
from loadtests.history import ABSENT, History
from loadtests.proofs.columns import paired
from loadtests.proofs.replay import Played
from loadtests.proofs.rows import FULL, REFRESH, SET_CAP
from sim.clock import NEVER
from sim.engine.kernels import first_come
from sim.ledger import Cap

BACK, LIMIT, COPY = range(3)


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Claims in the order of their arrival, and the turns between them."""

    caps: tuple[Cap, ...]
    start: Rows
    """What each cap had taken before."""
    is_exact: bool
    """Whether claims are judged by the true count."""
    row: Rows
    """Row of the history of each arrival."""
    person: Rows
    """A number for its person and intake."""
    pair: Rows
    was_granted: Flags
    """Whether the service gave a slot."""
    cover: Flags
    """Which pairs each cap covers, shape (caps, pairs)."""
    touches: Flags
    """Which intakes each cap covers some stream of, shape (caps, codes of intakes)."""
    at: Rows
    """Of each turn how many arrivals are before it; ascending."""
    turn: Rows
    """BACK, LIMIT or COPY."""
    about: Rows
    """BACK: the pair of the slot. LIMIT: the cap. COPY: the intake's code."""
    value: Rows
    """LIMIT: the new limit."""
    turn_row: Rows
    """Row of the history of each turn."""
    number: Rows
    """Of each arrival its place in the order that was first given."""


class Outcome(NamedTuple):
    """What the kernels decided."""

    granted: Flags
    used: Rows
    """By cap, at the end."""
    arrival: Rows
    """Of each decision the place of the arrival in the order that was first given."""


def arrivals_of(history: History, played: Played) -> Arrivals | str:
    """The arrivals of an order that was replayed; why they cannot be decided anew, if they cannot."""
    order, caps = played.order, history.header.caps
    is_arrival = played.grants | ((played.kind == FULL) & played.decides)
    places = np.flatnonzero(is_arrival)
    starts = [start for cap in caps if (start := start_of(history, cap)) is not None]
    if len(starts) < len(caps):
        return "what was used before the run is not known of every cap"
    streams = len(played.streams) + 2
    pairs, pair = np.unique(played.intake[places] * streams + played.stream[places] + 1, return_inverse=True)
    turns, kinds, about = _turns(played, caps, is_arrival)
    if (kinds == BACK).any() and (about[kinds == BACK] < 0).any():
        return "slots came back that were taken before the run"
    about[kinds == BACK] = pair[about[kinds == BACK]]
    return Arrivals(
        caps=caps,
        start=np.array(starts, dtype=np.int64),
        is_exact=history.header.spec.counter == "exact",
        row=order[places],
        person=paired(played.who, played.intake)[places],
        pair=pair.astype(np.int64),
        was_granted=played.grants[places],
        cover=_cover(history, caps, pairs // streams, pairs % streams - 1),
        touches=_touches(history, caps),
        at=np.searchsorted(places, turns),
        turn=kinds,
        about=about,
        value=played.value[turns],
        turn_row=order[turns],
        number=np.arange(len(places)),
    )


def _turns(played: Played, caps: tuple[Cap, ...], is_arrival: Flags) -> tuple[Rows, Rows, Rows]:
    """Places of the order that are turns, of what kind, and about what."""
    number = np.cumsum(is_arrival) - 1
    is_back, is_copy = played.moves < 0, played.kind == REFRESH
    kind = np.full(len(played.at), -1, dtype=np.int64)
    about = np.full(len(played.at), -1, dtype=np.int64)
    kind[is_back], kind[is_copy] = BACK, COPY
    charged = played.charged(np.flatnonzero(is_back))
    about[is_back] = np.where(is_arrival[charged], number[charged], -1)
    about[is_copy] = played.intake[is_copy]
    for index, cap in enumerate(caps):
        mine = (played.kind == SET_CAP) & played.is_named(cap)
        kind[mine], about[mine] = LIMIT, index
    places = np.flatnonzero(kind >= 0)
    return places, kind[places], about[places]


def _cover(history: History, caps: tuple[Cap, ...], intakes: Rows, streams: Rows) -> Flags:
    intake_names, stream_names = history.coded("intake").names, history.coded("stream").names
    cover = np.zeros((len(caps), len(intakes)), dtype=np.bool_)
    for number, cap in enumerate(caps):
        for intake, stream in cap.covers:
            is_mine = intakes == intake_names.find(intake)
            cover[number] |= is_mine if stream is None else is_mine & (streams == stream_names.find(stream))
    return cover


def _touches(history: History, caps: tuple[Cap, ...]) -> Flags:
    names = history.coded("intake").names
    found = np.zeros((len(caps), len(names)), dtype=np.bool_)
    for number, cap in enumerate(caps):
        found[number] = names.among({intake for intake, _ in cap.covers})
    return found


def in_due_order(history: History, arrivals: Arrivals) -> Arrivals:
    """The same claims in the order of their due times; turns come when they were sent."""
    sent = history["invoked_ns"]
    due = np.where(history["due_ns"] == ABSENT, sent, history["due_ns"])[arrivals.row]
    order = np.lexsort((arrivals.number, due))
    at = np.searchsorted(due[order], sent[arrivals.turn_row], side="left")
    by_time = np.argsort(at, kind="stable")
    columns = {name: getattr(arrivals, name)[order] for name in ARRIVAL}
    turns = {name: getattr(arrivals, name)[by_time] for name in TURN}
    return replace(arrivals, at=at[by_time], **columns, **turns)


ARRIVAL: Final = ("row", "person", "pair", "was_granted", "number")
TURN: Final = ("turn", "about", "value", "turn_row")


def decided(arrivals: Arrivals) -> Outcome:
    """Every arrival decided by the kernels, turn by turn."""
    deciding = _Deciding(arrivals)
    for index, ends in enumerate(arrivals.at.tolist()):
        deciding.until(ends)
        deciding.turn(index)
    deciding.until(len(arrivals.row))
    return Outcome(deciding.granted, deciding.used, arrivals.number)


class _Deciding:
    """Arrivals on their way to being decided: what has been taken, and what claims are judged by."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self.limit = np.array([cap.limit for cap in arrivals.caps], dtype=np.int64)
        self.used, self.seen = arrivals.start.copy(), arrivals.start.copy()
        self.granted = np.zeros(len(arrivals.row), dtype=np.bool_)
        self.cover = arrivals.cover.astype(np.int64)
        self.begins = 0

    def until(self, ends: int) -> None:
        """Decide the arrivals before a place."""
        if ends <= self.begins:
            return
        pair = self.arrivals.pair[self.begins : ends]
        stale = np.where(self.seen < self.limit, NEVER, 0)
        room = np.maximum(0, self.limit - self.used) if self.arrivals.is_exact else stale
        granted = first_come(pair, self.arrivals.cover, room)
        self.granted[self.begins : ends] = granted
        self.used += self.cover @ np.bincount(pair[granted], minlength=self.cover.shape[1])
        self.begins = ends

    def turn(self, index: int) -> None:
        """Let one turn change what can be granted."""
        kind, about = int(self.arrivals.turn[index]), int(self.arrivals.about[index])
        if kind == LIMIT:
            self.limit[about] = self.arrivals.value[index]
        elif kind == COPY:
            mine = self.arrivals.touches[:, about]
            self.seen[mine] = self.used[mine]
        else:
            self.used = np.maximum(0, self.used - self.cover[:, about])
