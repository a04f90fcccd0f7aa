"""What a trace comes to, in numbers: who sends how much, how fast at its fastest, and what was simulated.

The *peak* over a second is the largest number of first sends and twins in any second, wherever that begins,
not only from full second to full second. Retries are not in it: how many there are depends on the answers.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import OP
from loadtests.trace import Trace
from loadtests.tracing.nouns import SECOND_NS


@dataclass(frozen=True, slots=True)
class Summary:
    """What will be sent; counts at the trace's scale."""

    people: int
    ineligible: int
    """Of them, those who may not have a slot."""
    claims: int
    """First sends of claims; with a waiting room they follow the tickets, one for each person."""
    incomplete: int
    """Of them, those of incomplete applications."""
    repeats: int
    """Of them, those of people who hold a slot already, as simulated."""
    waitlist: int
    """Of them, those from the waiting list, for a slot that came free."""
    tickets: int
    hedges: int
    """Claims that are sent twice at once under the same key."""
    withdrawals: int
    """Releases by the holders, as simulated."""
    revocations: int
    """Releases by the administration, as simulated: refused, or the permit not used."""
    reads: int
    orders: int
    """Commands of the administration: copies of the counter, new limits."""
    retries_at_most: int
    """Repeats of requests, if every answer gave a reason for them."""
    first_s: float
    """When the first request is due."""
    lasts_s: float
    seconds_in_one: float
    """Seconds of the scenario in a second of the run."""
    mean_per_s: float
    """First sends and twins a second, over the whole run."""
    peak_1s: int
    """The same in the busiest second."""
    peak_60s: float
    """A second in the busiest minute; of a shorter run, over the whole."""
    granted: int
    """Slots granted, as simulated."""
    refused: int
    """Claims refused for want of room, as simulated."""

    def as_plain(self) -> dict[str, Any]:
        """The numbers by name."""
        return asdict(self)


def summary(trace: Trace) -> Summary:
    """The numbers of a trace."""
    counts, due_ns = trace.counts, requests_ns(trace)
    lasts_s = trace.lasts_s
    room = trace.traffic.waiting_room is not None
    mine = trace.person[trace.person >= 0]
    nobody = trace.op[trace.person < 0]
    return Summary(
        people=counts["people"],
        ineligible=counts["ineligible"],
        claims=int((trace.op == OP["claim"]).sum()) + (counts["tickets"] if room else 0),
        incomplete=counts["incomplete"],
        repeats=counts["repeats"],
        waitlist=counts["waitlist"],
        tickets=counts["tickets"],
        hedges=counts["hedges"],
        withdrawals=counts["withdrawals"],
        revocations=counts["revocations"],
        reads=counts["reads"],
        orders=int((nobody != OP["read"]).sum()),
        retries_at_most=int(trace.retries[mine].sum(dtype=np.int64)),
        first_s=int(trace.due_ns[0]) / SECOND_NS,
        lasts_s=lasts_s,
        seconds_in_one=trace.clock.rate,
        mean_per_s=len(due_ns) / lasts_s,
        peak_1s=busiest(due_ns, 1.0),
        peak_60s=busiest(due_ns, 60.0) / min(60.0, max(1.0, lasts_s)),
        granted=counts["granted"],
        refused=counts["refused"],
    )


def requests_ns(trace: Trace) -> NDArray[np.int64]:
    """When every request is due that does not depend on an answer, ascending: first sends, and twins."""
    hedge_ns = trace.hedge_ns[trace.person]
    has_twin = (trace.op == OP["claim"]) & (trace.person >= 0) & (hedge_ns >= 0)
    return np.sort(np.concatenate([trace.due_ns, trace.due_ns[has_twin] + hedge_ns[has_twin]]))


def busiest(due_ns: NDArray[np.int64], seconds: float) -> int:
    """The most of these moments, ascending, within so many seconds; the end of a stretch is outside."""
    ends = np.searchsorted(due_ns, due_ns + round(seconds * SECOND_NS), side="left")
    return int((ends - np.arange(len(due_ns))).max(initial=0))
