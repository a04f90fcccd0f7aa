"""When slots come free: the windows of an intake under a policy, and the turns of its calendar.

A *turn* is an instant at which the rules change by the calendar: an intake closes or opens, a *window*
releases its part of the cap, a stale counter is copied, collected claims are drawn, a cap is topped up, slots
spill. Turns are known before anything runs; only what a limit comes to can depend on the course of events,
through what was left unused.

What the caps are, and which claims they cover, is in sim.engine.caps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim import clock
from sim.clock import NEVER
from sim.engine.caps import caps, part
from sim.ledger import Spec
from sim.policy import Policy
from sim.scenario import Intake, Scenario

DRAW, CLOSE, OPEN, RELEASE, REFRESH, TOP_UP, SPILL = range(7)  # the order of simultaneous turns


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One change of the rules by the calendar; turns sort in the order in which they happen."""

    time_s: int
    kind: int
    """DRAW, CLOSE, OPEN, RELEASE, REFRESH, TOP_UP or SPILL."""
    intake: int
    """Index into the windows of the scenario."""
    window: int
    """For OPEN and RELEASE: the number of the window that begins, from 1. For DRAW: the number of the draw.
    For TOP_UP: its index in the windows' top-ups."""


@dataclass(frozen=True, slots=True)
class Windows:
    """One intake's opening times and caps under a policy."""

    year: int
    opens_s: int
    closes_s: int
    bounds_s: tuple[int, ...]
    """Beginnings of the second window and the later ones."""
    names: tuple[str, ...]
    """What each cap is, the same in every year: what one cap leaves unused goes to its namesake."""
    limits: tuple[int, ...]
    """The whole year's limit of each cap, before anything is carried in; NEVER for no limit."""
    cover: NDArray[np.bool_]
    """Which classes of claims each cap covers, shape (caps, classes); mostly a class is a stream."""
    borrow: float = 0.0
    """Which part of the next window's slots may be taken before it begins."""
    draws_s: tuple[int, ...] = ()
    """When collected claims are drawn."""
    top_ups: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """When the caps rise, and by how much each."""
    spills_s: tuple[int, ...] = ()
    """From when on slots spill."""

    @property
    def count(self) -> int:
        """How many windows the year has."""
        return len(self.bounds_s) + 1

    def available(self, full: int, window: int) -> int:
        """How much of a year's limit can be claimed in a window, what may be borrowed included."""
        so_far = released(full, window, self.count)
        if not self.borrow or window == self.count:
            return so_far
        return so_far + part(self.borrow, released(full, window + 1, self.count) - so_far)


def windows(scenario: Scenario, policy: Policy) -> tuple[Windows, ...]:
    """The intakes that open inside the scenario, in order, with their caps under a policy."""
    found = []
    for intake in sorted(scenario.intake, key=lambda each: each.opens):
        opens = max(scenario.starts_s, clock.at(intake.opens, scenario.time_zone))
        closes = clock.after(intake.closes, scenario.time_zone)
        if opens < scenario.ends_s and closes > scenario.starts_s:
            found.append(_windows(scenario, policy, intake, (opens, closes)))
    return tuple(found)


def _windows(scenario: Scenario, policy: Policy, intake: Intake, span: tuple[int, int]) -> Windows:
    opens, closes = span
    names, limits, cover = caps(scenario, intake, policy)
    spills = policy.spill.dates if policy.spill else ()
    return Windows(
        intake.year,
        opens,
        closes,
        _bounds(scenario, policy, opens, closes),
        names,
        limits,
        cover,
        policy.release.borrow,
        _draws(scenario, policy, opens, closes),
        tuple(_top_ups(scenario, policy, intake, span)),
        tuple(s for s in sorted(clock.at(day, scenario.time_zone) for day in spills) if opens < s < closes),
    )


def _bounds(scenario: Scenario, policy: Policy, opens: int, closes: int) -> tuple[int, ...]:
    zone, release = scenario.time_zone, policy.release
    if release.every == "month":
        return tuple(clock.month_starts(opens, closes, zone))
    if release.every == "quarter":
        return tuple(clock.month_starts(opens, closes, zone, months=3))
    dates = sorted({clock.at(day, zone) for day in release.dates})
    return tuple(bound for bound in dates if opens < bound < closes)


def _draws(scenario: Scenario, policy: Policy, opens: int, closes: int) -> tuple[int, ...]:
    """When the claims of an intake are drawn: in the last second of so many days, and of the intake."""
    if policy.claims is None:
        return ()
    first = clock.local(opens, scenario.time_zone).date()
    midnights = clock.every(policy.claims.every_days, first, closes, scenario.time_zone)[1:]
    return tuple(midnight - 1 for midnight in (*midnights, closes))


def _top_ups(
    scenario: Scenario, policy: Policy, intake: Intake, span: tuple[int, int]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The rises of an intake's caps: what the caps of the larger total are more than those of the smaller."""
    if not policy.top_ups:
        return
    opens, closes = span
    slots, (_, before, _) = 0, caps(scenario, intake, policy)
    for each in sorted(policy.top_ups, key=lambda each: each.date):
        time = clock.at(each.date, scenario.time_zone)
        if opens < time < closes:
            slots += each.slots
            _, now, _ = caps(scenario, intake, policy, topped_up=slots)
            yield time, tuple(more - less for more, less in zip(now, before, strict=True))
            before = now


def turns(scenario: Scenario, all_windows: tuple[Windows, ...], spec: Spec) -> tuple[Turn, ...]:
    """Every turn inside the scenario, in order; closing comes before opening at the same instant."""
    found = []
    draw = 0
    for index, each in enumerate(all_windows):
        found.append(Turn(each.opens_s, OPEN, index, 1))
        found.append(Turn(each.closes_s, CLOSE, index, 0))
        found += [Turn(bound, RELEASE, index, k + 2) for k, bound in enumerate(each.bounds_s)]
        found += [Turn(time, DRAW, index, draw + k) for k, time in enumerate(each.draws_s)]
        found += [Turn(time, TOP_UP, index, k) for k, (time, _) in enumerate(each.top_ups)]
        found += [Turn(time, SPILL, index, 0) for time in each.spills_s]
        draw += len(each.draws_s)
        if spec.counter != "exact":
            opens = clock.local(each.opens_s, scenario.time_zone).date()
            copies = clock.every(spec.counter, opens, each.closes_s, scenario.time_zone)
            found += [Turn(time, REFRESH, index, 0) for time in copies[1:]]
    return tuple(sorted(turn for turn in found if turn.time_s < scenario.ends_s))


def released(full: int, window: int, count: int) -> int:
    """How much of a year's limit the first windows release together: equal parts, rounded down."""
    return full if full >= NEVER else full * window // count
