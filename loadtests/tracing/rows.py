"""The rows of a trace: applications, readings, orders of the administration, each with its due time."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import OP
from loadtests.tracing import pace
from loadtests.tracing.moments import Marks, Whole
from loadtests.tracing.nouns import SECOND_NS, Clock, Order, PlannedIntake
from loadtests.tracing.senders import Luck

NOBODY = -1


class Rows(NamedTuple):
    """Rows in the order of their due times; columns of one length."""

    due_ns: Marks
    op: NDArray[np.int8]
    person: NDArray[np.int32]
    chain: NDArray[np.int16]
    intake: NDArray[np.int32]


def rows_of(due_ns: Marks, op: Whole, person: Whole, chain: Whole, intake: Whole) -> Rows:
    """Rows of these columns, in the narrow types that a trace keeps."""
    return Rows(
        due_ns,
        op.astype(np.int8),
        person.astype(np.int32),
        chain.astype(np.int16),
        intake.astype(np.int32),
    )


def merged(*parts: Rows) -> Rows:
    """All rows in the order of their due times; rows due at once stay in the order of the parts."""
    whole = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    order = np.argsort(whole[0], kind="stable")
    return Rows(*(column[order] for column in whole))


def applications(due_ns: Marks, person: Whole, chain: Whole, intake: Whole, *, tickets: bool) -> Rows:
    """The rows of people; in a waiting room the first of each person is a ticket."""
    first = np.zeros(len(person), dtype=np.bool_)
    first[np.unique(person, return_index=True)[1]] = True
    op = np.where(first & tickets, OP["ticket"], OP["claim"])
    return rows_of(due_ns, op, person, chain, intake)


def intake_at(seconds: Marks, planned: tuple[PlannedIntake, ...]) -> Whole:
    """The year of the intake that is open at each second; the one that closed last, or else the first."""
    opens = np.array([each.opens_s for each in planned])
    years = np.array([int(each.intake) for each in planned])
    return years[np.maximum(np.searchsorted(opens, seconds, side="right") - 1, 0)]


def readings(
    reads_per_s: float, ends_ns: int, clock: Clock, planned: tuple[PlannedIntake, ...], luck: Luck
) -> Rows:
    """Readings of the open intake's counter by nobody in particular, evenly over the run; an intake's
    readings are about the order at its place."""
    count = int(reads_per_s * ends_ns / SECOND_NS)
    due = pace.evenly(reads_per_s, ends_ns, luck("reads", count)) if count else np.empty(0, dtype=np.int64)
    shown = clock.origin_s + (due * clock.rate / SECOND_NS).astype(np.int64)
    year = intake_at(shown, planned)
    names = [int(each.intake) for each in planned]
    place = np.array([names.index(each) for each in year.tolist()], dtype=np.int64)
    return rows_of(due, np.full(count, OP["read"]), np.full(count, NOBODY), place, year)


def told(orders: tuple[Order, ...], due: Callable[[Marks], Marks], *, first: int) -> Rows:
    """The orders of the administration, numbered from `first` on; `due` leads from marks to due times."""
    marks = np.array([each.mark for each in orders], dtype=np.int64)
    op = np.array([OP[each.op] for each in orders], dtype=np.int64)
    years = np.array([int(each.intake) for each in orders], dtype=np.int64)
    place = first + np.arange(len(orders))
    return rows_of(due(marks), op, np.full(len(orders), NOBODY), place, years)
