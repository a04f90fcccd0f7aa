"""What a run has seen so far, in a few numbers that are cheap to keep and to send.

This is for people who watch: the verdict comes later, from the history. An *anomaly* is something that no
right service does, as far as one worker can see it; the judge sees more.
"""

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

LATE_NS: Final = 50_000_000


class Tally:
    """The counts of one worker, or the sum of several."""

    def __init__(self, *, late_ns: int = LATE_NS) -> None:
        self.answers: Counter[str] = Counter()
        """"claim granted" -> how often."""
        self.anomalies: Counter[str] = Counter()
        self.planned = 0
        """First sends in the trace."""
        self.sent = 0
        """Attempts that left, of whatever kind."""
        self.first_sends = 0
        self.late = 0
        """Attempts that left later than late_ns after they were due."""
        self.dropped = 0
        """First sends that were never made: the person's earlier effect stayed unknown."""
        self.in_flight = 0
        self.granted: Counter[str] = Counter()
        """By intake: slots that were granted, each once, less those given back."""
        self.late_ns = late_ns
        self.lateness = array("q")
        """Of every attempt, in nanoseconds."""

    def left(self, late_ns: int, *, is_first: bool) -> None:
        """An attempt leaves, so much after it was due."""
        self.sent += 1
        self.in_flight += 1
        self.first_sends += is_first
        self.lateness.append(late_ns)
        if late_ns > self.late_ns:
            self.late += 1

    def came(self, op: str, answer: str) -> None:
        """An attempt came to its end."""
        self.in_flight -= 1
        self.answers[f"{op} {answer}"] += 1
        if answer == "unmatched":
            self.anomalies["answers that no rule matches"] += 1

    def quantile(self, share: float) -> float:
        """Milliseconds of lateness that so many of the attempts kept within; 0 before the first."""
        if not self.lateness:
            return 0.0
        ordered = sorted(self.lateness)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] / 1e6

    def as_plain(self) -> dict[str, Any]:
        """For a message from a worker to the master."""
        return {
            "answers": dict(self.answers),
            "anomalies": dict(self.anomalies),
            "granted": dict(self.granted),
            "planned": self.planned,
            "sent": self.sent,
            "first_sends": self.first_sends,
            "late": self.late,
            "dropped": self.dropped,
            "in_flight": self.in_flight,
        }


def together(plain: Iterable[dict[str, Any]]) -> Tally:
    """The sum of what several workers sent."""
    total = Tally()
    for each in plain:
        for name in ("answers", "anomalies", "granted"):
            getattr(total, name).update(each[name])
        for name in ("planned", "sent", "first_sends", "late", "dropped", "in_flight"):
            setattr(total, name, getattr(total, name) + each[name])
    return total


def over_the_cap(tally: Tally, caps: dict[str, int]) -> Counter[str]:
    """The anomalies, with the slots granted beyond the caps of whole intakes."""
    found = Counter(tally.anomalies)
    for intake, cap in caps.items():
        if tally.granted[intake] > cap:
            found[f"over the cap of {intake}"] += tally.granted[intake] - cap
    return found
