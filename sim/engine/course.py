"""The course of everyone's application, as columns, and the gate it has to pass.

These records are what the offices work on, whichever way they work: as vectors (`offices`) or event by event
(`event_loop`). They hold arrays and codes only, so that compiled code can take them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.clock import DAY_S, NEVER, Seconds
from sim.engine import kernels
from sim.engine.caps import Classes
from sim.engine.kernels import Flags, Whole
from sim.engine.windows import CLOSE, DRAW, REFRESH, Turn, Windows
from sim.ledger import Spec
from sim.policy import Policy

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
    COLLECTED,
) = range(10)
"""Where an application stands: not filed; handed back; handed back or refused over the cap; on the waitlist;
with the office; decided; left while waiting; its owner lost standing before filing; collected for a draw."""


class Rows(NamedTuple):
    """What the loop reads of each row, and never changes: arrays of shape (rows,)."""

    stream: Whole
    """What the person is to the caps: the stream, or its group with the value of a limited attribute."""
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
    charged: Whole
    """The class of claims that the slot was charged to (event loop only)."""
    slot: Seconds
    spent: Whole
    ready: Seconds
    started: Seconds
    decided: Seconds
    left: Seconds
    next_filing: Seconds
    """When the person means to file next; NEVER if not at all."""
    admitted: Seconds
    """When the person is let through the waiting room, the last time."""
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
    """Which classes of claims each cap covers, shape (caps, classes)."""
    after: Whole
    """The class in which a claim is tried next when its own has no room, -1 for none, shape (classes,)."""
    granted: Whole
    """Grants of each intake, shape (intakes,)."""
    given_back: Whole
    """Slots given back to each intake, shape (intakes,)."""
    openings: Seconds
    """Instants at which slots are opened, ascending, then NEVER."""
    head: Whole
    """First row of each group on the waitlist, -1 if empty, shape (groups,)."""
    tail: Whole
    tally: Whole
    """[number of people ever put on the waitlist]."""
    room: Whole
    """[when the waiting room let in the last person, in seconds times the number admitted an hour]."""


class Rules(NamedTuple):
    """The switches as codes."""

    counts: int
    over_cap: int
    gives_back: tuple[bool, bool, bool]
    """Whether a refusal, a withdrawal, an expiry lowers the count."""
    exact: bool
    """Whether claims are judged by the true count."""
    horizon: int
    incomplete: int
    """The class of claims of an incomplete application, -1 if it is that of its person."""
    collects: bool
    """Whether claims are collected for a draw."""
    admits: int
    """People let through the waiting room an hour; 0 without one."""
    use_within: int
    """Seconds after the decision in which a permit must be used; NEVER for no such rule."""


class Hours(NamedTuple):
    """The office's table of working days, as in sim.clock.WorkingHours."""

    opens: Seconds
    worked: Seconds


def rules_of(spec: Spec, policy: Policy, horizon: int, incomplete: int) -> Rules:
    back = tuple(reason in spec.gives_back for reason in ("refusal", "withdrawal", "expiry"))
    refusal, withdrawal, expiry = back
    return Rules(
        COUNTS[spec.counts],
        OVER_CAP[spec.over_cap],
        (refusal, withdrawal, expiry),
        spec.counter == "exact",
        horizon,
        incomplete,
        policy.claims is not None,
        policy.waiting_room.admitted_per_hour if policy.waiting_room else 0,
        use_within_s(policy),
    )


def use_within_s(policy: Policy) -> int:
    """Seconds after the decision in which a permit must be used; NEVER for no such rule."""
    return NEVER if policy.use_within_days is None else policy.use_within_days * DAY_S


def blank_course(rows: int) -> Course:
    def column(value: int) -> Whole:
        return np.full(rows, value, dtype=np.int64)

    zeros = {"state", "attempts", "full_count", "spent"}
    blanks: dict[str, Callable[[], Whole]] = {name: lambda: column(NEVER) for name in Course._fields}
    blanks |= {name: lambda: column(0) for name in zeros}
    blanks |= {name: lambda: column(-1) for name in ("intake", "charged", "waits_after", "waits_since")}
    return Course(**{name: blank() for name, blank in blanks.items()})


def closed_gate(years: tuple[Windows, ...], turns: tuple[Turn, ...], among: Classes) -> Gate:
    """The gate before the first intake opens."""
    openings = sorted({turn.time_s for turn in turns if turn.kind not in (DRAW, CLOSE, REFRESH)})
    nothing = np.zeros(0, dtype=np.int64)
    return Gate(
        open_intake=np.array([-1]),
        limit=nothing,
        used=nothing,
        seen=nothing,
        cover=np.zeros((0, among.count), dtype=np.bool_),
        after=among.after,
        granted=np.zeros(len(years), dtype=np.int64),
        given_back=np.zeros(len(years), dtype=np.int64),
        openings=np.array([*openings, NEVER], dtype=np.int64),
        head=np.full(among.groups, -1),
        tail=np.full(among.groups, -1),
        tally=np.zeros(1, dtype=np.int64),
        room=np.zeros(1, dtype=np.int64),
    )
