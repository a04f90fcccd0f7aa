"""What the service is to be told of its intakes: caps as they stand when the replay begins, and later orders.

Slots taken before the replayed part begins are gone: each cap has only the room that was left. An *order*
is a command of the programme's administration at its due time: a copy of a stale counter, a window that
releases its part of the cap. Opening and closing are left to the service's own clock.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.moments import mark_of, withdrawals
from loadtests.tracing.nouns import SECOND_NS, Order, PlannedIntake
from sim.clock import NEVER
from sim.engine.windows import REFRESH, RELEASE, Windows, released, turns, windows
from sim.errors import complaint
from sim.ledger import Cap, cap_of
from sim.outcome import PERMIT_UNUSED, REFUSED, Outcome
from sim.people import People
from sim.policy import Policy
from sim.scenario import Scenario


def calendar(
    scenario: Scenario, policy: Policy, people: People, outcome: Outcome, part: tuple[int, int]
) -> tuple[tuple[PlannedIntake, ...], tuple[Order, ...]]:
    """The intakes that are open in the replayed part, and the orders that fall into it."""
    every = windows(scenario, policy)
    if policy.release.carry != "within-year" and (len(every) > 1 or every[0].count > 1):
        carry = policy.release.carry
        raise complaint(
            f'slots are released with carry = "{carry}", so what is released depends on what was left unused',
            key="load.policy",
            expected='a policy with carry = "within-year"',
        )
    begins, ends = (scenario.starts_s + mark // SECOND_NS for mark in part)
    spec = scenario.spec(policy)
    planned, orders = [], []
    taken = {each.year: _taken(each, spec.gives_back, people, outcome, begins) for each in every}
    for each in every:
        if each.closes_s > begins and each.opens_s < ends:
            window = 1 + sum(bound <= begins for bound in each.bounds_s)
            caps = _caps(scenario, each, window, taken[each.year])
            planned.append(PlannedIntake(str(each.year), each.opens_s, each.closes_s, caps))
    for turn in turns(scenario, every, spec):
        each, mark = every[turn.intake], mark_of(scenario, turn.time_s)
        if not begins <= turn.time_s < ends:
            continue
        if turn.kind == REFRESH:
            orders.append(Order("refresh", str(each.year), mark=mark))
        elif turn.kind == RELEASE:
            caps = _caps(scenario, each, turn.window, taken[each.year])
            orders += [Order("set-cap", str(each.year), cap.name, cap.limit, mark) for cap in caps]
    return tuple(planned), tuple(orders)


def _caps(scenario: Scenario, each: Windows, window: int, taken: NDArray[np.int64]) -> tuple[Cap, ...]:
    """The caps of an intake once some of its windows have begun, less what was taken before the replay."""
    streams = np.array(list(scenario.streams))
    found: dict[str, Cap] = {}
    for name, limit, cover in zip(each.names, each.limits, each.cover, strict=True):
        if limit >= NEVER:
            continue
        room = max(0, released(limit, window, each.count) - int(taken[cover].sum()))
        covered = [] if name == "total" else sorted(streams[cover].tolist())
        cap = cap_of(str(each.year), room, *covered)
        if cap.name not in found or room < found[cap.name].limit:
            found[cap.name] = cap
    return tuple(found.values())


def _taken(
    each: Windows, gives_back: Collection[str], people: People, outcome: Outcome, begins: int
) -> NDArray[np.int64]:
    """Slots of an intake that were used before a second, a number for each stream."""
    mine = outcome.intake == each.year
    used = mine & (outcome.slot_s < begins)
    given_back = {
        "withdrawal": withdrawals(outcome),
        "refusal": np.where(outcome.status == REFUSED, outcome.decided_s, NEVER),
        "expiry": np.where(outcome.status == PERMIT_UNUSED, outcome.left_s, NEVER),
    }
    for reason in gives_back:
        used &= given_back[reason] >= begins
    lost = (outcome.spent > 0) & (outcome.first_filed_s >= each.opens_s)  # taken by an incomplete one
    lost &= outcome.first_filed_s < min(begins, each.closes_s)
    taken = np.concatenate([people.stream[used], people.stream[lost]])
    return np.bincount(taken, minlength=each.cover.shape[1]).astype(np.int64)
