"""What the service is to be told of its intakes: caps as they stand when the replay begins, and later orders.

Slots taken before the replayed part begins are gone: each cap has only the room that was left. An *order*
is a command of the programme's administration at its due time: a copy of a stale counter, a window that
releases its part of the cap, the limits of an intake that opens with what the one before left. Opening and
closing are left to the service's own clock.
"""

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.limits import course, with_carried
from loadtests.tracing.moments import mark_of
from loadtests.tracing.nouns import SECOND_NS, Order, PlannedIntake
from sim.clock import NEVER
from sim.engine.windows import OPEN, REFRESH, RELEASE, Windows, turns, windows
from sim.ledger import Cap, cap_of
from sim.outcome import Outcome
from sim.people import People
from sim.policy import Policy
from sim.scenario import Scenario


def calendar(
    scenario: Scenario, policy: Policy, people: People, outcome: Outcome, part: tuple[int, int]
) -> tuple[tuple[PlannedIntake, ...], tuple[Order, ...]]:
    """The intakes that are open in the replayed part, and the orders that fall into it."""
    simulated = course(scenario, policy, people, outcome)
    own = windows(scenario, policy)
    every = with_carried(scenario, policy, simulated)
    begins, ends = (scenario.starts_s + mark // SECOND_NS for mark in part)
    planned, orders = [], []
    taken = [simulated.used(each, begins) for each in every]
    for each, gone in zip(every, taken, strict=True):
        if each.closes_s > begins and each.opens_s < ends:
            window = 1 + sum(bound <= begins for bound in each.bounds_s)
            caps = _caps(scenario, each, simulated.limits(each, window), gone)
            planned.append(PlannedIntake(str(each.year), each.opens_s, each.closes_s, caps))
    for turn in turns(scenario, every, scenario.spec(policy)):
        each, mark = every[turn.intake], mark_of(scenario, turn.time_s)
        if not begins <= turn.time_s < ends:
            continue
        if turn.kind == REFRESH:
            orders.append(Order("refresh", str(each.year), mark=mark))
        elif turn.kind == RELEASE or (turn.kind == OPEN and each.limits != own[turn.intake].limits):
            limits = simulated.limits(each, turn.window)
            caps = _caps(scenario, each, limits, taken[turn.intake])
            mark += SECOND_NS if turn.kind == OPEN else 0  # the intake has to be open before
            orders += [Order("set-cap", str(each.year), cap.name, cap.limit, mark) for cap in caps]
    return tuple(planned), tuple(orders)


def _caps(scenario: Scenario, each: Windows, limits: list[int], taken: NDArray[np.int64]) -> tuple[Cap, ...]:
    """The caps of an intake with these limits, less what was taken before the replay."""
    streams = np.array(list(scenario.streams))
    found: dict[str, Cap] = {}
    rows = zip(each.names, limits, each.cover, taken.tolist(), strict=True)
    for name, limit, cover, gone in rows:
        if limit >= NEVER:
            continue
        room = max(0, limit - gone)
        covered = [] if name == "total" else sorted(streams[cover].tolist())
        cap = cap_of(str(each.year), room, *covered)
        if cap.name not in found or room < found[cap.name].limit:
            found[cap.name] = cap
    return tuple(found.values())
