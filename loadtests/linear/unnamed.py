"""What answers leave unsaid: which cap refused, and whose claim it was.

Refusals that name no cap: which one is meant.

Where one cap alone covers the claim, it is that one. Where several do, any of them may have been full. For an
order it is enough to guess, since the replay asks only that one of them was: the guess is the cap that can
have been the fullest by then. A contradiction never rests on a guess.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from loadtests.history import History
from loadtests.linear.counters import count_before, covered
from loadtests.linear.operations import ABSENT, FULL, GRANT, HOLDS, NOTHING, RELEASE, Clash, Flags, Operations

MEND: Final = "say whose each claim and release is, or leave out who holds a slot"


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


def loosened(history: History, operations: Operations) -> Operations | None:
    """The operations without what is known of persons whom loose ones may be of; None if they are of none."""
    is_known = operations.person >= 0
    is_loose = operations.of(GRANT, RELEASE) & ~is_known & (operations.row >= 0)
    if not is_loose.any() or not is_known.any():
        return None
    touched = is_known & _touched(history, operations, np.flatnonzero(is_loose))
    if not touched.any():
        return None
    kind = np.where(touched & operations.of(HOLDS, ABSENT), NOTHING, operations.kind).astype(np.int8)
    return replace(operations, person=np.where(touched, -1, operations.person), kind=kind)


def _touched(history: History, operations: Operations, loose: np.ndarray) -> Flags:
    """Operations of persons whom some of these may be of."""
    applicant = history.coded("applicant").codes[operations.row[loose]]
    nameless = loose[applicant < 0]
    count = len(operations.names.intakes)
    found = np.isin(operations.person // count, np.unique(applicant[applicant >= 0]))
    if len(nameless):
        intakes = operations.intake[nameless]
        found |= np.isin(operations.intake, intakes) | bool((intakes < 0).any())
    return np.asarray(found, dtype=np.bool_)


def says(operations: Operations, loose_now: Operations) -> str:
    """Why persons cannot be judged."""
    many = int((operations.of(GRANT, RELEASE) & (operations.person < 0) & (operations.row >= 0)).sum())
    people = len(np.unique(operations.person[(operations.person >= 0) & (loose_now.person < 0)]))
    which = "1 claim or release does" if many == 1 else f"{many:,} claims and releases do"
    whom = "1 person" if people == 1 else f"{people:,} people"
    return (
        f"{which} not say whose, or of which intake, it is, so nobody can tell whether {whom} of whom the "
        "file has the name, as a holder or by other requests, got or gave up a slot by one of them"
    )
