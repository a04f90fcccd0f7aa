"""The pace of a run, bin by bin: what was due, what was sent, what was answered, and how late it left.

*Late* is the time from when a request was due to when it was sent: the load generator's own delay, or that
of a person who waits for an earlier answer. An answer is counted where it was read; a request that never had
one, where it was sent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Rows, Times
from loadtests.history import ABSENT, NEVER, History
from loadtests.protocol import ANSWERS, OPS
from loadtests.reporting.axis import Axis, sent_of

Figures = NDArray[np.float64]
MOST_KINDS: Final = 7
"""Kinds of answers that are told apart; the rest are one."""
UNANSWERED: Final = "no answer"
OTHER: Final = "everything else"


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """Requests of a run by bin; arrays with an item a bin."""

    due: Times
    sent: Times
    completed: Times
    late_ms: dict[str, Figures]
    """p50, p99 and max of those that were due in the bin; nan where none was."""
    answers: dict[str, Times]
    """Op and answer, such as "claim granted": how many were read in the bin; the most frequent first."""
    has_due: bool
    """Whether the record says when requests were due."""


def pace(history: History, axis: Axis) -> Pace:
    """The pace of a history."""
    rows = np.flatnonzero(sent_of(history))
    invoked, completed = history["invoked_ns"][rows], history["completed_ns"][rows]
    due = history["due_ns"][rows]
    has_due = bool(len(due)) and bool((due != ABSENT).any())
    due = np.where(due == ABSENT, invoked, due)
    done = completed < NEVER
    return Pace(
        due=axis.counted(due),
        sent=axis.counted(invoked),
        completed=axis.counted(completed[done]),
        late_ms=quantiles(axis.bin_of(due), (invoked - due) / 1e6, axis.count),
        answers=_answers(history, axis, rows),
        has_due=has_due,
    )


def kinds_of(history: History, rows: Rows) -> NDArray[np.int64]:
    """Op and answer of rows as one number; below zero for those without an answer."""
    op, answer = history["op"][rows].astype(np.int64), history["answer"][rows].astype(np.int64)
    return np.where(answer < 0, -1 - op, op * len(ANSWERS) + answer)


def kind_name(kind: int) -> str:
    """A kind in words."""
    if kind < 0:
        return f"{OPS[-1 - kind]}: done"
    return f"{OPS[kind // len(ANSWERS)]} {ANSWERS[kind % len(ANSWERS)]}"


def _answers(history: History, axis: Axis, rows: Rows) -> dict[str, Times]:
    completed = history["completed_ns"][rows]
    is_untold = (history["answer"][rows] < 0) & ~history.is_result("ok", "fail")[rows]
    is_silent = (completed == NEVER) | is_untold
    at = axis.bin_of(np.where(completed == NEVER, history["invoked_ns"][rows], completed))
    kinds = kinds_of(history, rows)
    found, counts = np.unique(kinds[~is_silent], return_counts=True)
    ranked = found[np.argsort(-counts, kind="stable")].tolist()
    told = {kind_name(kind): (kinds == kind) & ~is_silent for kind in ranked[:MOST_KINDS]}
    if len(ranked) > MOST_KINDS:
        told[OTHER] = np.isin(kinds, ranked[MOST_KINDS:]) & ~is_silent
    if is_silent.any():
        told[UNANSWERED] = is_silent
    return {name: np.bincount(at[mine], minlength=axis.count) for name, mine in told.items()}


def quantiles(
    bins: Rows, values: Figures, count: int, shares: tuple[float, ...] = (0.5, 0.99)
) -> dict[str, Figures]:
    """Quantiles of the values of each bin, as values that occurred, and the largest; nan for an empty bin."""
    order = np.lexsort((values, bins))
    ordered = values[order]
    size = np.bincount(bins, minlength=count)
    begins = np.concatenate([[0], np.cumsum(size)[:-1]])
    is_there = size > 0
    found = {}
    for name, share in (*((f"p{share * 100:g}", share) for share in shares), ("max", 1.0)):
        column = np.full(count, np.nan)
        place = np.maximum(1, np.ceil(size[is_there] * share - 1e-9)).astype(np.int64) - 1
        column[is_there] = ordered[begins[is_there] + place]
        found[name] = column
    return found
