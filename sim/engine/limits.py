"""What the limit of each cap comes to in the course of a run: windows, top-ups, and slots carried over."""

import numpy as np

from sim.engine.kernels import Whole
from sim.engine.windows import Windows, released
from sim.policy import Policy


class Limits:
    """The limits of the open intake's caps. Each method is a turn of the calendar."""

    def __init__(self, policy: Policy, intakes: int) -> None:
        self.release = policy.release
        self.is_capped = policy.capped
        self.full: list[int] = []
        """Whole limit of each cap, with what was carried in."""
        self.topped_up = np.zeros(0, dtype=np.int64)
        """By how much each cap has risen since the intake opened."""
        self.names: tuple[str, ...] = ()
        self.carry: dict[str, int] = {}
        """Unused slots of each cap, by its name, that wait for the next intake."""
        self.carried_in = [0] * intakes

    def opened(self, index: int, year: Windows) -> Whole:
        """An intake begins with its first window: its limits."""
        extra = [self.carry.get(name, 0) for name in year.names]
        self.names = year.names
        self.full = [limit + more for limit, more in zip(year.limits, extra, strict=True)]
        self.topped_up = np.zeros(len(self.full), dtype=np.int64)
        self.carried_in[index] = extra[0]
        self.carry = {}
        return np.array([year.available(full, 1) for full in self.full], dtype=np.int64)

    def closed(self, used: Whole) -> None:
        """The open intake ends; its unused slots wait for the next one if the policy carries them over."""
        if self.release.carry == "across-years" and self.is_capped:
            unused = np.maximum(0, np.array(self.full) + self.topped_up - used).tolist()
            self.carry = dict(zip(self.names, unused, strict=True))

    def released(self, year: Windows, window: int, used: Whole) -> Whole:
        """A later window begins: its part is added, or replaces what was left: the new limits."""
        if self.release.carry == "none" and self.is_capped:
            before = np.array([released(full, window - 1, year.count) for full in self.full])
            return np.array([released(full, window, year.count) for full in self.full]) - before + used
        return np.array([year.available(full, window) for full in self.full]) + self.topped_up

    def rise(self, year: Windows, number: int) -> Whole:
        """The caps rise by so much; the further slots can be claimed at once."""
        more = np.array(year.top_ups[number][1], dtype=np.int64)
        self.topped_up += more
        return more
