"""The course of everyone's application, as columns, and the gate it has to pass.

These records are what the offices work on, whichever way they work: as vectors (`offices`) or event by event
(`event_loop`). They hold arrays and codes only, so that compiled code can take them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.clock import NEVER, Seconds
from sim.engine import kernels
from sim.engine.kernels import Flags, Whole
from sim.engine.windows import CLOSE, REFRESH, Turn, Windows
from sim.ledger import Spec

COUNTS = {"accepted": kernels.ACCEPTED, "received": kernels.RECEIVED, "approved": kernels.APPROVED}
OVER_CAP = {"return": kernels.RETURN, "refuse": kernels.REFUSE, "queue": kernels.QUEUE}

(
    IDLE,
    INCOMPLETE,
    OVER_CAP_RETURNED,
    OVER_CAP_REFUSED,
    WAITING,
    IN_PROCESS,
    DECIDED,
    LEFT,
    NO_STANDING,
) = range(9)
"""Where an application stands: not filed; handed back; handed back or refused over the cap; on the waitlist;
with the office; decided; left while waiting; its owner lost standing before filing."""


class Rows(NamedTuple):
    """What the loop reads of each row, and never changes: arrays of shape (rows,)."""

    stream: Whole
    standing_until: Seconds
    pr_decided: Seconds
    pr_approved: Flags
    complete: Flags
    refiles: Flags
    refile_delay: Seconds
    withdraws_after: Seconds
    unstaffed: Seconds
    service: Seconds
    approved: Flags
    landing: Seconds


class Course(NamedTuple):
    """What the loop writes about each row: arrays of shape (rows,), times NEVER until they happen."""

    state: Whole
    """Where the application stands: IDLE ... NO_STANDING."""
    attempts: Whole
    first_filed: Seconds
    filed: Seconds
    full_count: Whole
    first_full: Seconds
    intake: Whole
    """Index of the intake charged, -1 without a slot."""
    slot: Seconds
    spent: Whole
    ready: Seconds
    started: Seconds
    decided: Seconds
    left: Seconds
    next_filing: Seconds
    """When the person means to file next; NEVER if not at all."""
    waits_after: Whole
    """Next row of the same stream on the waitlist, -1 at its end."""
    waits_since: Whole
    """Number in the waitlist's order."""


class Gate(NamedTuple):
    """The open intake as the loop sees it; `open_intake` and `tally` are arrays so that they can change."""

    open_intake: Whole
    """[index of the open intake], -1 when none is open."""
    limit: Whole
    """Limit of each cap, shape (caps,)."""
    used: Whole
    seen: Whole
    """The figure claims are judged by: under a stale counter the last copy of `used`; else kept equal to it
    by the event loop, and not looked at by the vector way."""
    cover: Flags
    """Which streams each cap covers, shape (caps, streams)."""
    granted: Whole
    """Grants of each intake, shape (intakes,)."""
    given_back: Whole
    """Slots given back to each intake, shape (intakes,)."""
    openings: Seconds
    """Instants at which slots are opened, ascending, then NEVER."""
    head: Whole
    """First row of each stream on the waitlist, -1 if empty, shape (streams,)."""
    tail: Whole
    tally: Whole
    """[number of people ever put on the waitlist]."""


class Rules(NamedTuple):
    """The switches as codes."""

    counts: int
    over_cap: int
    gives_back: tuple[bool, bool, bool]
    """Whether a refusal, a withdrawal, an expiry lowers the count."""
    exact: bool
    """Whether claims are judged by the true count."""
    horizon: int


class Hours(NamedTuple):
    """The office's table of working days, as in sim.clock.WorkingHours."""

    opens: Seconds
    worked: Seconds


def rules_of(spec: Spec, horizon: int) -> Rules:
    back = tuple(reason in spec.gives_back for reason in ("refusal", "withdrawal", "expiry"))
    refusal, withdrawal, expiry = back
    return Rules(
        COUNTS[spec.counts],
        OVER_CAP[spec.over_cap],
        (refusal, withdrawal, expiry),
        spec.counter == "exact",
        horizon,
    )


def blank_course(rows: int) -> Course:
    def column(value: int) -> Whole:
        return np.full(rows, value, dtype=np.int64)

    zeros = {"state", "attempts", "full_count", "spent"}
    blanks: dict[str, Callable[[], Whole]] = {name: lambda: column(NEVER) for name in Course._fields}
    blanks |= {name: lambda: column(0) for name in zeros}
    blanks |= {name: lambda: column(-1) for name in ("intake", "waits_after", "waits_since")}
    return Course(**{name: blank() for name, blank in blanks.items()})


def closed_gate(years: tuple[Windows, ...], turns: tuple[Turn, ...], streams: int) -> Gate:
    """The gate before the first intake opens."""
    openings = sorted({turn.time_s for turn in turns if turn.kind not in (CLOSE, REFRESH)})
    nothing = np.zeros(0, dtype=np.int64)
    return Gate(
        open_intake=np.array([-1]),
        limit=nothing,
        used=nothing,
        seen=nothing,
        cover=np.zeros((0, streams), dtype=np.bool_),
        granted=np.zeros(len(years), dtype=np.int64),
        given_back=np.zeros(len(years), dtype=np.int64),
        openings=np.array([*openings, NEVER], dtype=np.int64),
        head=np.full(streams, -1),
        tail=np.full(streams, -1),
        tally=np.zeros(1, dtype=np.int64),
    )
