"""When slots come free: the caps of an intake under a policy, and the turns of its calendar.

A *turn* is an instant at which the rules change by the calendar: an intake closes or opens, a *window*
releases its part of the cap, a stale counter is copied. Turns are known before anything runs; only what a
limit comes to can depend on the course of events, through what was left unused.

A cap covers a set of streams, and a claim needs room under every cap that covers its stream. A *soft* reserve
of r slots for a stream is therefore a cap of C - r on all the others; a *hard* one adds a cap of r on the
stream itself.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim import clock
from sim.clock import NEVER
from sim.ledger import Spec
from sim.policy import Policy
from sim.scenario import Intake, Scenario

CLOSE, OPEN, RELEASE, REFRESH = range(4)  # the order of simultaneous turns


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """One change of the rules by the calendar; turns sort in the order in which they happen."""

    time_s: int
    kind: int
    """CLOSE, OPEN, RELEASE or REFRESH."""
    intake: int
    """Index into the windows of the scenario."""
    window: int
    """For OPEN and RELEASE: the number of the window that begins, from 1."""


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
    """Which streams each cap covers, shape (caps, streams)."""

    @property
    def count(self) -> int:
        """How many windows the year has."""
        return len(self.bounds_s) + 1


def windows(scenario: Scenario, policy: Policy) -> tuple[Windows, ...]:
    """The intakes that open inside the scenario, in order, with their caps under a policy."""
    found = []
    for intake in sorted(scenario.intake, key=lambda each: each.opens):
        opens = max(scenario.starts_s, clock.at(intake.opens, scenario.time_zone))
        closes = clock.after(intake.closes, scenario.time_zone)
        if opens < scenario.ends_s and closes > scenario.starts_s:
            names, limits, cover = caps(scenario, intake, policy)
            bounds = _bounds(scenario, policy, opens, closes)
            found.append(Windows(intake.year, opens, closes, bounds, names, limits, cover))
    return tuple(found)


def caps(
    scenario: Scenario, intake: Intake, policy: Policy
) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.bool_]]:
    """Names, limits and coverage of an intake's caps: the total first, ceilings of streams, then reserves."""
    streams = list(scenario.streams)
    if not policy.capped:
        return ("total",), (NEVER,), np.ones((1, len(streams)), dtype=np.bool_)
    total = int(intake.cap.value)
    found: list[tuple[str, int, set[str]]] = [("total", total, set(streams))]
    found += [(f"ceiling of {name}", int(most.value), {name}) for name, most in intake.stream_caps.items()]
    for reserve in policy.reserves:
        slots = reserve.slots if reserve.slots is not None else int((reserve.share or 0.0) * total)
        if reserve.kind != "ceiling":
            others = set(streams) - {reserve.stream}
            found.append((f"all but {reserve.stream}", max(0, total - slots), others))
        if reserve.kind != "soft":
            found.append((f"only {reserve.stream}", slots, {reserve.stream}))
    cover = np.array([[stream in covered for stream in streams] for _, _, covered in found])
    return tuple(name for name, _, _ in found), tuple(limit for _, limit, _ in found), cover


def _bounds(scenario: Scenario, policy: Policy, opens: int, closes: int) -> tuple[int, ...]:
    zone, release = scenario.time_zone, policy.release
    if release.every == "month":
        return tuple(clock.month_starts(opens, closes, zone))
    if release.every == "quarter":
        return tuple(clock.month_starts(opens, closes, zone, months=3))
    dates = sorted({clock.at(day, zone) for day in release.dates})
    return tuple(bound for bound in dates if opens < bound < closes)


def turns(scenario: Scenario, all_windows: tuple[Windows, ...], spec: Spec) -> tuple[Turn, ...]:
    """Every turn inside the scenario, in order; closing comes before opening at the same instant."""
    found = []
    for index, each in enumerate(all_windows):
        found.append(Turn(each.opens_s, OPEN, index, 1))
        found.append(Turn(each.closes_s, CLOSE, index, 0))
        found += [Turn(bound, RELEASE, index, k + 2) for k, bound in enumerate(each.bounds_s)]
        if spec.counter != "exact":
            opens = clock.local(each.opens_s, scenario.time_zone).date()
            copies = clock.every(spec.counter, opens, each.closes_s, scenario.time_zone)
            found += [Turn(time, REFRESH, index, 0) for time in copies[1:]]
    return tuple(sorted(turn for turn in found if turn.time_s < scenario.ends_s))


def released(full: int, window: int, count: int) -> int:
    """How much of a year's limit the first windows release together: equal parts, rounded down."""
    return full if full >= NEVER else full * window // count
