"""Array forms of a cap and of a queue of officers, and the words they share.

`first_come` grants the claims of one window in order, under any number of caps. `officers` serves files first
in, first out. `round_number` makes a fresh draw out of the luck a person already has. Where claims and
officers depend on each other, `sim.engine.event_loop` takes over.

Rows stand in lottery order, so a stable sort by time *is* the declared order of simultaneous events, and an
event is one integer: second, phase, row. Phases within a second, each a step of one institution:

    TURN < EXIT < DECISION < ROUND < CLAIM < READY < DRAW

Everyone who leaves does so before anyone who arrives; an officer who finishes takes the next waiting file
before a new file reaches the queue; a draw is held when all who come in its second are there. Officers work
in *working time* (`sim.clock`), in which an office never closes.
"""

import heapq
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
Numbers = Any  # a list of int or an int64 array: whichever the flavour of the kernel is quicker on

TURN, EXIT, DECISION, ROUND, CLAIM, READY, DRAW = range(7)

ROW_BITS = 24
PHASE_BITS = 3
ROWS_AT_MOST = 1 << ROW_BITS  # which leaves 36 bits for the second: enough to the year 4147

ACCEPTED, RECEIVED, APPROVED = range(3)  # counts: the moment that takes a slot
REFUSAL, WITHDRAWAL, EXPIRY = range(3)  # reasons of a release
RETURN, REFUSE, QUEUE = range(3)  # over_cap


def round_number(lottery: NDArray[np.uint64], round_index: int) -> NDArray[np.uint64]:
    """A fresh lottery number for each person and round, from the person's own (splitmix64's finaliser).

    A policy draws nothing, so a new draw must be a function of the luck already in the population.
    Source: Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    step = np.uint64((round_index * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
    z = np.asarray(lottery, dtype=np.uint64) + step
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), dtype=np.uint64)


def first_come(stream: Whole, cover: Flags, room: Whole) -> Flags:
    """Which claims are granted when each takes a slot of every cap that covers its stream, in order.

    `stream` has shape (claims,), `cover` (caps, streams), `room` (caps,). Nothing comes back inside a window,
    so a cap that is reached stays reached: grant all up to the first claim that finds a cap reached, strike
    out everything that cap covers, and go on with the rest; at most one pass a cap.
    """
    granted = np.zeros(len(stream), dtype=np.bool_)
    pending = np.arange(len(stream))
    room = room.copy()
    while len(pending):
        covered = cover[:, stream[pending]]
        if (covered.sum(axis=1) <= room).all():
            granted[pending] = True
            break
        taken = np.cumsum(covered, axis=1)
        too_many = taken > room[:, None]
        first = np.where(too_many.any(axis=1), too_many.argmax(axis=1), len(pending))
        cap = int(first.argmin())
        stop = int(first[cap])
        granted[pending[:stop]] = True
        if stop:
            room -= taken[:, stop - 1]
        pending = pending[stop:][~covered[cap, stop:]]
    return granted


def officers(
    ready_w: Numbers, leave_w: Numbers, service: Numbers, free_w: list[int], starts: Numbers
) -> None:
    """Fill in the starts, in working time, of files in their order; -1 for those that leave first.

    `free_w` is the heap of the officers' next free moments and is updated in place. A file leaves if its
    leaving comes no later than the moment an officer would take it up. All sequences have shape (files,);
    interpreted code is quicker on lists, compiled code on arrays.
    """
    for k in range(len(ready_w)):
        start = ready_w[k]
        if free_w[0] > start:  # max() would cost interpreted code a third of the loop
            start = free_w[0]
        if leave_w[k] <= start:
            starts[k] = -1
        else:
            starts[k] = start
            heapq.heapreplace(free_w, start + service[k])


def event(time: int, phase: int, row: int) -> int:
    """The key of an event: keys sort as (time, phase, row)."""
    return (((time << PHASE_BITS) | phase) << ROW_BITS) | row
