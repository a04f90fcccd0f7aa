"""What the caps of an intake come to, window by window, as it was simulated.

A limit can depend on what was left unused: a policy may carry slots into the next intake, or lose those of a
window that is over. A service that is told limits alone knows neither, so both are worked out here from the
simulated outcome. They are the same in every run of a trace; what a service really granted may differ by a
few slots from what was simulated, and the limits do not follow that.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.moments import releases
from loadtests.tracing.nouns import RELEASED_FOR
from sim.clock import NEVER
from sim.engine.windows import Windows, released, windows
from sim.outcome import Outcome
from sim.people import People
from sim.policy import Policy
from sim.scenario import Scenario


class Course(NamedTuple):
    """What was simulated, as far as limits depend on it."""

    people: People
    outcome: Outcome
    gives_back: Collection[str]
    carry: str
    """none, within-year or across-years."""

    def used(self, each: Windows, until_s: int) -> NDArray[np.int64]:
        """Slots of an intake that were used before a second, a number for each cap."""
        outcome = self.outcome
        used = (outcome.intake == each.year) & (outcome.slot_s < until_s)
        when, why = releases(outcome)
        gives_back = np.isin(why, [RELEASED_FOR.index(reason) for reason in self.gives_back])
        used &= ~gives_back | (when >= until_s)
        lost = (outcome.spent > 0) & (outcome.first_filed_s >= each.opens_s)  # taken by an incomplete one
        lost &= outcome.first_filed_s < min(until_s, each.closes_s)
        taken = np.concatenate([self.people.stream[used], self.people.stream[lost]])
        by_stream = np.bincount(taken, minlength=each.cover.shape[1])
        return np.asarray(each.cover @ by_stream, dtype=np.int64)

    def limits(self, each: Windows, window: int) -> list[int]:
        """The limit of each cap from the beginning of a window on; NEVER for none."""
        so_far = [released(limit, window, each.count) for limit in each.limits]
        if self.carry != "none" or window == 1:
            return so_far
        used = self.used(each, each.bounds_s[window - 2]).tolist()
        before = [released(limit, window - 1, each.count) for limit in each.limits]
        return [
            now if now >= NEVER else gone + now - then
            for gone, now, then in zip(used, so_far, before, strict=True)
        ]


def course(scenario: Scenario, policy: Policy, people: People, outcome: Outcome) -> Course:
    """What was simulated, for its limits."""
    return Course(people, outcome, scenario.spec(policy).gives_back, policy.release.carry)


def with_carried(scenario: Scenario, policy: Policy, simulated: Course) -> tuple[Windows, ...]:
    """The intakes; the limits of each have what the one before left unused, where that is carried over."""
    found: list[Windows] = []
    unused: dict[str, int] = {}
    for each in windows(scenario, policy):
        limits = zip(each.names, each.limits, strict=True)
        full = replace(each, limits=tuple(limit + unused.get(name, 0) for name, limit in limits))
        found.append(full)
        if policy.release.carry == "across-years" and policy.capped:
            used = simulated.used(full, full.closes_s).tolist()
            left = (max(0, limit - gone) for limit, gone in zip(full.limits, used, strict=True))
            unused = dict(zip(full.names, left, strict=True))
    return tuple(found)
