"""From a scenario to a trace: simulate once, take the moments, set the pace, and write down who sends what.

Everything that a person does differently from another is drawn from named random streams, so a trace is the
same on any machine and for any number of workers.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import OP
from loadtests.trace import Trace
from loadtests.tracing import moments, pace
from loadtests.tracing.calendar import calendar
from loadtests.tracing.moments import Flags, Marks, Sends, Whole
from loadtests.tracing.nouns import SECOND_NS, WITHDRAWAL, Clock, Order, PlannedIntake
from loadtests.tracing.pace import Wanted
from loadtests.tracing.rows import Rows, applications, intake_at, merged, readings, told
from loadtests.tracing.senders import MS_NS, Ineligible, Luck, Senders, ineligible, senders
from loadtests.tracing.story import Story
from sim import streams
from sim.load import Load
from sim.population import Population
from sim.streams import Floats


def built(story: Story, *, run: str, wanted: Wanted, scale: float) -> Trace:
    """The trace of a story at the pace that is wanted; `scale` is what the story was scaled by."""
    load, population, (origin, end) = story.scenario.load, story.population, story.part
    luck: Luck = functools.partial(_drawn, population)
    planned, orders = calendar(story.scenario, story.policy, story.people, story.outcome, story.part)
    others = ineligible(load, story.sends, luck)
    rows = np.unique(story.sends.row)
    table = _table(story, rows, others, luck)
    queue = _in_order(story.sends, others, rows)
    speed = pace.compression(load, wanted, span_ns=end - origin, sends=len(queue.mark))
    due = functools.partial(pace.due, origin=origin, rate=speed)
    clock = Clock(story.scenario.starts_s + origin // SECOND_NS, speed)
    ends_ns = int(due(np.array([end]))[0])
    sent = _applications(story, queue, due(queue.mark), planned)
    looks = readings(load.reads_per_s.value, ends_ns, clock, planned, luck)
    traffic = _held_back(merged(sent, looks), None if load.ramp is not None else wanted.rate)
    all_rows = merged(told(orders, due, first=len(planned)), traffic)
    return Trace(
        run=run,
        scenario=story.scenario.name,
        seed=population.seed,
        replication=population.replication,
        policy=story.name,
        scale=scale,
        clock=clock,
        ends_ns=max(ends_ns, int(all_rows.due_ns[-1]) + 1),
        spec=story.scenario.spec(story.policy),
        intakes=planned,
        orders=(*(Order("read", each.intake) for each in planned), *orders),
        traffic=_within_reach(load, len(looks.due_ns)),
        counts=_counts(story, table, all_rows),
        stream_names=tuple(story.scenario.streams),
        **all_rows._asdict(),
        **table._asdict(),
        **_released(story, rows, len(others.mark), due)._asdict(),
    )


def _within_reach(load: Load, reads: int) -> Load:
    """The traffic, asking for no more than half of the planned readings: a shorter run has fewer of them."""
    seen = load.must_see.model_copy(update={"reads": min(load.must_see.reads, reads // 2)})
    return load.model_copy(update={"must_see": seen})


def _held_back(traffic: Rows, rate: float | None) -> Rows:
    """The rows with no more than so many a second."""
    return traffic if rate is None else traffic._replace(due_ns=pace.capped(traffic.due_ns, rate))


class Released(NamedTuple):
    """When what the people of the table were granted is released, and why; columns of the trace."""

    release_ns: Marks
    reasons: NDArray[np.int8]


def _released(story: Story, rows: Whole, others: int, due: Callable[[Marks], Marks]) -> Released:
    """Releases of what is granted to the people of the table: inside the replayed part, or never."""
    marks, why = moments.release_marks(story.scenario, story.policy, story.people, story.outcome)
    marks = np.concatenate([marks[rows], np.full(others, -1)])
    why = np.concatenate([why[rows], np.full(others, WITHDRAWAL, dtype=np.int8)])
    begins, ends = story.part
    return Released(np.where((marks >= begins) & (marks < ends), due(marks), -1), why)


def _drawn(population: Population, purpose: str, count: int) -> Floats:
    """Uniforms of a random stream of the load test."""
    return streams.uniforms(population.seed, population.replication, f"load:{purpose}", count)


def _table(story: Story, rows: Whole, others: Ineligible, luck: Luck) -> Senders:
    """The people; where approvals count, whoever has come so far was complete."""
    table = senders(story.scenario.load, story.population, story.people, rows, others, luck)
    if story.scenario.spec(story.policy).counts == "approved":
        return table._replace(complete=np.ones(len(table.ids), dtype=np.bool_))
    return table


class Queue(NamedTuple):
    """The applications in their order: when, whose, which of the person's."""

    mark: Marks
    person: Whole
    chain: Whole
    is_listed: Flags
    """Whether it is made from the waiting list."""


def _in_order(sends: Sends, others: Ineligible, rows: Whole) -> Queue:
    """Everyone's applications, the ineligible among them; people are numbered as in the table."""
    mark = np.concatenate([sends.mark, others.mark])
    person = np.concatenate([np.searchsorted(rows, sends.row), len(rows) + np.arange(len(others.mark))])
    chain = np.concatenate([sends.chain, np.zeros(len(others.mark), dtype=np.int64)])
    is_listed = np.concatenate([sends.is_listed, np.zeros(len(others.mark), dtype=np.bool_)])
    order = np.argsort(mark, kind="stable")
    return Queue(mark[order], person[order], chain[order], is_listed[order])


def _applications(story: Story, queue: Queue, due_ns: Marks, planned: tuple[PlannedIntake, ...]) -> Rows:
    """The rows of people at their due times; a ramp has due times of its own, and who is on the waiting list
    takes a moment of the run's own time to hear that a slot came free."""
    load = story.scenario.load
    if load.ramp is not None:
        due_ns = pace.ramped(load.ramp, len(due_ns))
    else:
        due_ns = due_ns + np.where(queue.is_listed, round(load.waitlist_ms.value * MS_NS), 0)
    asked = intake_at(story.scenario.starts_s + queue.mark // SECOND_NS, planned)
    asked = np.zeros_like(asked) if load.current else asked
    in_room = load.waiting_room is not None
    return applications(due_ns, queue.person, queue.chain, asked, tickets=in_room)


def _counts(story: Story, table: Senders, rows: Rows) -> dict[str, int]:
    """What is planned, by the names of must_see; what the simulation granted and refused meanwhile."""
    scenario, outcome = story.scenario, story.outcome
    begins, ends = (scenario.starts_s + mark // SECOND_NS for mark in story.part)

    def inside(times: Whole) -> Flags:
        return (times >= begins) & (times < ends)

    granted = inside(outcome.slot_s)
    when, why = moments.releases(outcome)
    released = granted & inside(when)
    sent = rows.person >= 0
    incomplete = sent & (rows.chain == 0)
    incomplete[incomplete] = ~table.complete[rows.person[incomplete]]
    again = story.sends.picked(story.sends.is_repeat)
    holds_already = outcome.slot_s[again.row] <= scenario.starts_s + again.mark // SECOND_NS
    return {
        "people": len(table.ids),
        "sends": int(sent.sum()),
        "tickets": int((rows.op == OP["ticket"]).sum()),
        "reads": int((rows.op == OP["read"]).sum()),
        "refreshes": int((rows.op == OP["refresh"]).sum()),
        "hedges": int((table.hedge_ns[rows.person[sent]] >= 0).sum()),
        "repeats": int(holds_already.sum()),
        "incomplete": int(incomplete.sum()),
        "ineligible": int((table.ids < 0).sum()),
        "withdrawals": int((released & (why == WITHDRAWAL)).sum()),
        "revocations": int((released & (why != WITHDRAWAL)).sum()),
        "waitlist": int(story.sends.is_listed.sum()),
        "intakes": len(np.unique(outcome.intake[granted])),
        "granted": int(granted.sum()),
        "refused": int(outcome.full_count[inside(outcome.first_full_s)].sum()),
    }
