"""What a trace says to a service beside its rows: the intakes, the orders that come later, the clock."""

from typing import NamedTuple

from sim.ledger import REASONS, Cap, Reason

SECOND_NS = 1_000_000_000
RELEASED_FOR: tuple[Reason, ...] = ("withdrawal", "refusal", "expiry")
"""Why a slot is released, by the code that a trace keeps: its holder withdraws; the administration refuses
the application, or finds that the permit will not be used."""
WITHDRAWAL, REFUSAL, EXPIRY = range(3)
assert set(RELEASED_FOR) == REASONS


class Clock(NamedTuple):
    """The virtual clock: at the run's start it shows `origin_s`, and it runs `rate` times as fast."""

    origin_s: int
    """Epoch seconds."""
    rate: float
    """Seconds of scenario time in a second of the run: the compression."""

    def shows(self, elapsed_ns: int) -> float:
        """Epoch seconds of scenario time, so long after the run's start."""
        return self.origin_s + self.rate * elapsed_ns / SECOND_NS


class PlannedIntake(NamedTuple):
    """One intake as the service is to be given it."""

    intake: str
    """Its name: the year."""
    opens_s: int
    """Epoch second of the service's clock at which it opens; may be before the run."""
    closes_s: int
    caps: tuple[Cap, ...]
    """Limits as they stand when the run begins; none under a policy without a cap."""


class Order(NamedTuple):
    """What a row of nobody is about, and when: a read has no mark of its own."""

    op: str
    """read, refresh or set-cap."""
    intake: str
    cap: str = ""
    """For set-cap: the cap's name."""
    limit: int = 0
    """For set-cap: its new limit."""
    mark: int = -1
    """When, in nanoseconds since the scenario's start; -1 for a read."""
