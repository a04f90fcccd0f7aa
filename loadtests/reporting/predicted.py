"""Slots as the simulation has them taken: the same scenario and people, on the run's own clock.

What was replayed was simulated first. It is simulated again here, in a second or less, from what the run's
folder keeps; whoever got a slot then got it with one of the sends of the trace, and is counted at its due
time. The service answers a little later, and where many are due at once it decides in another order: that the
two differ somewhat is no fault (`prediction` says what is).
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Rows, Times
from loadtests.tracing.moments import Whole
from loadtests.tracing.nouns import RELEASED_FOR, SECOND_NS
from sim.ledger import Cap

if TYPE_CHECKING:
    from loadtests.trace import Trace
    from loadtests.tracing.story import Story
    from sim.scenario import Scenario


class Predicted(NamedTuple):
    """What the simulation has of one cap; moments as the history has them, each array ascending."""

    taken_ns: Times
    """When its slots are taken."""
    back_ns: Times
    """When slots come back to it."""

    def at(self, moments: Times) -> Times:
        """How many are taken at each moment."""
        taken = np.searchsorted(self.taken_ns, moments, side="right")
        return np.asarray(taken - np.searchsorted(self.back_ns, moments, side="right"), dtype=np.int64)


def predicted(scenario: "Scenario", trace: "Trace", start_ns: int) -> dict[str, Predicted]:
    """By the name of the cap; `start_ns` is the first moment of the run's own clock."""
    from loadtests.tracing.scaling import scaled
    from loadtests.tracing.story import simulated

    changes = {"window": trace.traffic.window, "ramp": trace.traffic.ramp}
    load = scenario.load.model_copy(update=changes)
    same = scaled(scenario.model_copy(update={"load": load}), trace.scale)
    story = simulated(same, trace.seed, trace.replication, trace.policy)
    served = _inside(story, story.outcome.slot_s)
    taken = start_ns + _due_of(trace, story.people.applicant[served], story.outcome.slot_s[served])
    returned, back = _returned(story, trace, start_ns)
    return {
        cap.name: Predicted(
            np.sort(taken[_counted(story, served, cap)]), np.sort(back[_counted(story, returned, cap)])
        )
        for cap in {cap.name: cap for intake in trace.intakes for cap in intake.caps}.values()
    }


def _inside(story: "Story", times: Whole) -> Rows:
    """Rows of the people whose moment lies in the replayed part."""
    begins, ends = (story.scenario.starts_s + mark // SECOND_NS for mark in story.part)
    return np.flatnonzero((times >= begins) & (times < ends))


def _counted(story: "Story", rows: Rows, cap: Cap) -> Flags:
    """Which of these people's slots count in a cap."""
    names = list(story.scenario.streams)
    intake, stream = story.outcome.intake[rows], story.people.stream[rows]
    found = np.zeros(len(rows), dtype=np.bool_)
    for year, of in cap.covers:
        is_mine = intake == int(year)
        found |= is_mine if of is None else is_mine & (stream == names.index(of))
    return found


def _returned(story: "Story", trace: "Trace", start_ns: int) -> tuple[Rows, Times]:
    """Who gives a slot back that the cap counts no longer, and when."""
    from loadtests.tracing import moments

    when, why = moments.releases(story.outcome)
    gives = np.array([reason in trace.spec.gives_back for reason in RELEASED_FOR], dtype=np.bool_)
    rows = _inside(story, np.where(gives[why], when, -1))
    due_ns = np.rint((when[rows] - trace.clock.origin_s) / trace.clock.rate * SECOND_NS)
    return rows, start_ns + due_ns.astype(np.int64)


def _due_of(trace: "Trace", ids: Whole, slot_s: Whole) -> Times:
    """When the sends were due that got people their slots: of each person's the one nearest to the moment."""
    known = np.flatnonzero(trace.ids >= 0)
    by_id = known[np.argsort(trace.ids[known])]
    wanted = np.full(len(trace.ids), -1, dtype=np.int64)
    wanted[by_id[np.searchsorted(trace.ids[by_id], ids)]] = np.arange(len(ids))
    rows = np.flatnonzero(trace.person >= 0)
    rows = rows[wanted[trace.person[rows]] >= 0]
    mine = wanted[trace.person[rows]]
    shown_s = trace.clock.origin_s + trace.due_ns[rows] / SECOND_NS * trace.clock.rate
    order = np.lexsort((np.abs(shown_s - slot_s[mine]), mine))
    first = order[np.append(True, np.diff(mine[order]) != 0)[: len(order)]]
    found = np.zeros(len(ids), dtype=np.int64)
    found[mine[first]] = trace.due_ns[rows[first]]
    return found
