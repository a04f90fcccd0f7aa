"""What became of everyone: one row an applicant, with a status and every time stamp.

An *outcome* is the sequential record of one replication under one policy. Its rows stand in the order of the
people; a time is `NEVER` where the thing did not happen inside the scenario. The event log and the number of
people in each state over time are derived from it here, not recorded on the way.
"""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import NEVER, Seconds

Whole = NDArray[np.integer[Any]]

(
    POOL,
    INVITED,
    DECLINED,
    LAPSED,
    PR_FIRST,
    PR_REFUSED,
    CERTIFICATE_EXPIRED,
    RETURNED_INCOMPLETE,
    RETURNED_OVER_CAP,
    REFUSED_OVER_CAP,
    WAITLISTED,
    ACCEPTED,
    WITHDRAWN,
    REFUSED,
    PERMIT,
    PERMIT_UNUSED,
    BRIDGING,
    OUT_OF_SCOPE,
) = range(18)

STATUSES = (
    "pool",
    "invited",
    "declined",
    "lapsed",
    "pr-first",
    "pr-refused",
    "certificate-expired",
    "returned-incomplete",
    "returned-over-cap",
    "refused-over-cap",
    "waitlisted",
    "accepted",
    "withdrawn",
    "refused",
    "permit",
    "permit-unused",
    "bridging",
    "out-of-scope",
)
"""The name of each status, by its code; the last thing that happened to the person before the horizon."""


class IntakeAccount(NamedTuple):
    """What one intake's total cap came to."""

    year: int
    opens_s: int
    closes_s: int
    """The second at which it closes; may lie beyond the horizon."""
    cap: int
    """Slots of the year's own cap; NEVER under a policy without one."""
    carried_in: int
    """Unused slots of the year before that were added."""
    granted: int
    """Claims granted, whether or not they were kept."""
    used: int
    """What the cap counted at the end: granted less given back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One replication under one policy; columns of shape (n,), in the order of the people; times int64."""

    status: Whole
    letter_s: Seconds
    """When the letter went out (by = open: when the person could first file)."""
    first_filed_s: Seconds
    filed_s: Seconds
    """The last filing."""
    attempts: Whole
    full_count: Whole
    """How often an application found the cap reached."""
    first_full_s: Seconds
    intake: Whole
    """Year of the intake charged; 0 without a slot."""
    slot_s: Seconds
    spent: Whole
    """Slots used up by applications returned as incomplete (counts = received)."""
    ready_s: Seconds
    """When the file reached the officers' queue."""
    started_s: Seconds
    decided_s: Seconds
    permit_s: Seconds
    arrived_s: Seconds
    left_s: Seconds
    """When the person left the programme's course: declined, lapsed, overtaken, withdrew."""
    filings_s: Seconds
    """Every filing of everybody, those after a return included, ascending; shape (filings,)."""
    intakes: tuple[IntakeAccount, ...]

    def __len__(self) -> int:
        return len(self.status)

    def columns(self) -> dict[str, Whole]:
        """Name -> column, in the order above."""
        names = [field.name for field in fields(self) if field.name not in ("filings_s", "intakes")]
        return {name: getattr(self, name) for name in names}


EVENTS = (
    ("letter", "letter_s"),
    ("filed", "filed_s"),
    ("slot", "slot_s"),
    ("ready", "ready_s"),
    ("started", "started_s"),
    ("decided", "decided_s"),
    ("permit", "permit_s"),
    ("arrived", "arrived_s"),
    ("left", "left_s"),
)
"""The kinds of event an outcome tells, in the order in which a person meets them."""


def event_log(outcome: Outcome) -> tuple[Seconds, Whole, Whole]:
    """Every event as (time, row, index into EVENTS), by time, then kind, then row; arrays of one length."""
    times, rows, kinds = [], [], []
    for kind, (_, column) in enumerate(EVENTS):
        row = np.flatnonzero(getattr(outcome, column) < NEVER)
        times.append(getattr(outcome, column)[row])
        rows.append(row)
        kinds.append(np.full(len(row), kind))
    time, row, kind_of = (np.concatenate(parts).astype(np.int64) for parts in (times, rows, kinds))
    order = np.lexsort((row, kind_of, time))
    return time[order], row[order], kind_of[order]


def stock(entered_s: Seconds, left_s: Seconds, at_s: Seconds) -> Whole:
    """How many people are inside at each time: entered by it and not yet left, shape of `at_s`.

    Times in both columns may be NEVER; someone who enters and leaves in the same second is never counted.
    """
    inside = np.searchsorted(np.sort(entered_s), at_s, side="right")
    gone = np.searchsorted(np.sort(np.maximum(entered_s, left_s)), at_s, side="right")
    return (inside - gone).astype(np.int64)


def waits(outcome: Outcome) -> dict[str, tuple[Seconds, Seconds]]:
    """The stages people wait in, each as (entered, left): with a letter, in processing, in the queue."""
    never = np.full(len(outcome), NEVER)
    through = np.minimum(outcome.decided_s, outcome.left_s)
    accepted = np.where(outcome.slot_s < NEVER, np.minimum(outcome.slot_s, outcome.ready_s), never)
    letter_over = np.minimum(outcome.first_filed_s, np.where(outcome.attempts == 0, outcome.left_s, never))
    return {
        "letter": (outcome.letter_s, letter_over),
        "processing": (accepted, through),
        "queue": (outcome.ready_s, np.minimum(outcome.started_s, through)),
    }
