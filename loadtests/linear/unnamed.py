"""Refusals that name no cap: which one is meant.

Where one cap alone covers the claim, it is that one. Where several do, any of them may have been full. For an
order it is enough to guess, since the replay asks only that one of them was: the guess is the cap that can
have been the fullest by then. A contradiction never rests on a guess.
"""

from dataclasses import replace

import numpy as np

from loadtests.history import History
from loadtests.linear.counters import count_before, covered
from loadtests.linear.operations import FULL, GRANT, RELEASE, Clash, Operations


def named(history: History, operations: Operations) -> Operations:
    """The operations with the cap of each refusal that can mean only one."""
    if not history.header.caps:
        return operations
    which, covers = covering(history, operations)
    sure = covers.sum(axis=0) == 1
    if not sure.any():
        return operations
    cap = operations.cap.copy()
    cap[which[sure]] = np.argmax(covers[:, sure], axis=0)
    return replace(operations, cap=cap)


def misnamed(history: History, operations: Operations) -> Clash | None:
    """A refusal by a cap that does not cover the claim."""
    for index, cap in enumerate(history.header.caps):
        mine = operations.of(FULL) & (operations.cap == index)
        wrong = np.flatnonzero(mine & ~covered(history, operations, index) & (operations.intake >= 0))
        if len(wrong):
            says = f"a claim was refused by cap {cap.name}, which does not cover it"
            return Clash("other-cap", says, (int(operations.row[wrong[0]]),))
    return None


def guessed(history: History, operations: Operations) -> Operations:
    """The operations with a cap for every refusal."""
    which, covers = covering(history, operations)
    if not covers.size:
        return operations
    excess = np.full(covers.shape, -(2**62))
    for index, cap in enumerate(history.header.caps):
        mine = covered(history, operations, index)
        grants = np.sort(operations.begins[mine & operations.of(GRANT)])
        certain = mine & operations.of(RELEASE) & operations.moves & ~operations.is_optional
        backs = np.sort(operations.ends[certain])
        start, _ = count_before(history, cap.name, sorted({intake for intake, _ in cap.covers}))
        most = start + np.searchsorted(grants, operations.ends[which], side="right")
        most -= np.searchsorted(backs, operations.begins[which], side="left")
        excess[index] = np.where(covers[index], most - cap.limit, excess[index])
    cap_of = operations.cap.copy()
    cap_of[which] = np.where(covers.any(axis=0), np.argmax(excess, axis=0), -1)
    return replace(operations, cap=cap_of)


def covering(history: History, operations: Operations) -> tuple[np.ndarray, np.ndarray]:
    """Refusals without a cap, and for every cap which of them it covers."""
    which = np.flatnonzero((operations.kind == FULL) & (operations.cap == -1))
    caps = range(len(history.header.caps))
    covers = [covered(history, operations, index)[which] for index in caps] if len(which) else []
    return which, np.array(covers, dtype=np.bool_).reshape(len(caps), len(which))
