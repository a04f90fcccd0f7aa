"""The search for the highest rate that a service bears: what a stage showed, and which rate is next.

A *stage* sends at one rate for a while. It *met* the level if its answers came in time, hardly any request
went unserved, and nothing that it did was wrong. Rates rise by a factor until one is missed, then halve the
ratio between the highest that was met and the lowest that was missed, until the two are close.

A stage whose sends left late says nothing of the service: the *generator* was too slow, or shared its
processors with others. Then that is said, and the service's own limit is higher.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from loadtests.history import HARNESS, NEVER, History
from loadtests.latency import Latencies
from sim.load import Ramp

LOWEST: Final = 0.1
"""If even the first rate is missed, the search goes down, to this share of it."""
UNSERVED: Final = ("error", "unmatched", "throttled", "rejected")


@dataclass(frozen=True, slots=True)
class Stage:
    """One rate that was tried."""

    number: int
    rate_per_s: float
    """First sends a second, as planned."""
    achieved_per_s: float
    """Applications decided a second, from the first due time to the last decision."""
    sent: int
    """Requests on record, retries and hedges among them."""
    from_due_ms: dict[str, float]
    """Quantiles of all answers, from the due time."""
    service_ms: dict[str, float]
    """The same from the send."""
    unserved_share: float
    """Of the requests, those that ended in an error, without an answer, or turned away."""
    late_share: float
    """Of people's first sends, those that left later than load.late_ms."""
    late_p99_ms: float
    """So late 99 of 100 first sends left, or earlier: the generator's own delay."""
    outcomes: dict[str, int]
    verdict: str
    says: str
    """The verdict's first finding that is not VALID; empty for VALID."""
    missed: tuple[str, ...]
    """What of the level was missed; empty if it was met."""
    is_generators: bool
    """Whether the generator, not the service, is to blame for that."""
    took_s: float

    @property
    def is_met(self) -> bool:
        return not self.missed

    def as_plain(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"is_met": self.is_met, "missed": list(self.missed)}


class Measured(NamedTuple):
    """A stage's own figures, before they are held against the level."""

    achieved_per_s: float
    sent: int
    unserved_share: float
    late_share: float
    late_p99_ms: float


def measured(history: History, late_ms: float) -> Measured:
    """What a stage's history says of its pace."""
    is_sent = ~history.is_op("hold", "fault") & (history["host"] != np.array(HARNESS, dtype=object))
    due, invoked, completed = (history[name][is_sent] for name in ("due_ns", "invoked_ns", "completed_ns"))
    unserved = history.is_answer(*UNSERVED) | history.is_result("pending")
    # A second application of somebody waits for the first, and a retry for its answer; first sends wait for
    # nobody, so only they tell how punctual the generator is.
    is_first = (history["attempt"] == 0) & (history["chain"] == 0)
    is_first &= np.array([name is not None for name in history["applicant"]], dtype=np.bool_)
    late_ns = (invoked - due)[is_first[is_sent]]
    decided = (history.is_result("ok") & history.is_op("claim", "ticket"))[is_sent]
    who, which = history["applicant"][is_sent][decided], history["chain"][is_sent][decided]
    applications = len(set(zip(who.tolist(), which.tolist(), strict=True)))
    lasted_ns = int(completed[decided].max() - due.min()) if applications else NEVER
    return Measured(
        applications / (lasted_ns / 1e9),
        int(is_sent.sum()),
        float(unserved[is_sent].mean()) if is_sent.any() else 1.0,
        float((late_ns > late_ms * 1e6).mean()) if len(late_ns) else 0.0,
        float(np.quantile(late_ns, 0.99)) / 1e6 if len(late_ns) else 0.0,
    )


def missed(found: Measured, latencies: Latencies, ramp: Ramp) -> tuple[tuple[str, ...], bool]:
    """What of the service level a stage missed, and whether the generator is to blame."""
    limit, plain = ramp.p99_ms.value, latencies.as_plain()
    if not latencies.count:
        return ("nothing was answered",), False
    p99, service_p99 = plain["from_due_ms"]["p99"], plain["service_ms"]["p99"]
    said = []
    if p99 > limit:
        said.append(f"99 of 100 answers came within {p99:,.0f} ms; the limit is {limit:g}")
    if found.unserved_share > ramp.error_share.value:
        said.append(
            f"{found.unserved_share:.1%} of the requests went unserved; {ramp.error_share.value:.1%} may"
        )
    is_late = found.late_share > ramp.late_share.value
    if is_late:
        said.append(f"{found.late_share:.1%} of the sends left late; {ramp.late_share.value:.1%} may")
    return tuple(said), is_late or (bool(said) and len(said) == 1 and p99 > limit >= service_p99)


class Bracket(NamedTuple):
    """Between which stages the answer is; None where there is no such stage yet."""

    met: Stage | None
    missed: Stage | None


def bracket(stages: Sequence[Stage]) -> Bracket:
    """The lowest rate that was missed, and the highest below it that was met."""
    lowest = min((each for each in stages if not each.is_met), key=lambda each: each.rate_per_s, default=None)
    below = math.inf if lowest is None else lowest.rate_per_s
    met = [each for each in stages if each.is_met and each.rate_per_s < below]
    return Bracket(max(met, key=lambda each: each.rate_per_s, default=None), lowest)


def next_rate(stages: Sequence[Stage], ramp: Ramp, fastest: float) -> float | None:
    """The rate to try next; None once the answer is known, or no faster rate is wanted."""
    first = min(ramp.starts_per_s.value, fastest)
    met, lowest = bracket(stages)
    if lowest is None:
        rate = first if met is None else min(met.rate_per_s * ramp.factor, fastest)
        return None if met is not None and rate <= met.rate_per_s else _round(rate)
    if met is None:
        rate = lowest.rate_per_s / ramp.factor
        return _round(rate) if rate >= LOWEST * first else None
    if lowest.rate_per_s <= met.rate_per_s * (1 + ramp.within):
        return None
    rate = _round(math.sqrt(lowest.rate_per_s * met.rate_per_s))
    return rate if met.rate_per_s < rate < lowest.rate_per_s else None


def _round(rate: float) -> float:
    """A rate that people read easily; below 20 a second tenths matter."""
    return float(round(rate)) if rate >= 20 else round(rate, 1)
