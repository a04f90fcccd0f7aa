"""Traces for tests: of shipped scenarios, made small or changed; and who an exact service would serve."""

from typing import Any, NamedTuple

import numpy as np

from loadtests.protocol import OP, OPS
from loadtests.trace import Trace, build
from loadtests.tracing.scaling import scaled
from sim.ledger import Claim, Close, Command, Granted, Ledger, Open, Release, SetCap
from sim.outcome import Outcome
from sim.people import People, settle
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load, replaced

SECOND_NS = 1_000_000_000


def changed(name: str, **settings: Any) -> Scenario:
    """A shipped scenario with some values replaced; __ for the dots of a key."""
    return replaced(load(name), {key.replace("__", "."): value for key, value in settings.items()})


def of(name: str, **wanted: Any) -> Trace:
    """The trace of a shipped scenario, small enough for a test."""
    return build(load(name), run="t", **{"scale": 0.02, **wanted})


def is_op(trace: Trace, op: str) -> Any:
    return trace.op == OPS.index(op)


def simulated(scenario: Scenario, policy: str | None = None, scale: float = 1.0) -> tuple[People, Outcome]:
    """The people of a scenario, and what became of them."""
    small = scaled(scenario, scale)
    people = settle(small, draw(small, 0, outside_only=True))
    return people, simulate(prepare(small, people), small.policy(policy or small.baseline))


def slots(people: People, outcome: Outcome) -> dict[int, int]:
    """Who had a slot at some time in the end, and in which year."""
    has_slot = np.flatnonzero(outcome.intake)
    return dict(zip(people.applicant[has_slot].tolist(), outcome.intake[has_slot].tolist(), strict=True))


class Served(NamedTuple):
    """What an exact service that answers at once, in due order, would come to."""

    ledger: Ledger
    years: dict[int, int]
    """Row of the people -> year of the last slot granted for a complete application."""

    def of(self, trace: Trace) -> dict[int, int]:
        """The same by the applicants' ids."""
        return {int(trace.ids[person]): year for person, year in self.years.items()}


def served(trace: Trace) -> Served:
    """Everything that a trace would have a service do, done in its order."""
    ledger, years = Ledger(trace.spec), dict[int, int]()
    waiting = [*_turns(trace), *_orders(trace)]
    for due, op, person, chain in zip(
        *(column.tolist() for column in (trace.due_ns, trace.op, trace.person, trace.chain)), strict=True
    ):
        if op != OP["claim"]:
            continue
        waiting.sort(key=lambda each: each[:2])
        while waiting and waiting[0][0] <= due:
            ledger.apply(waiting.pop(0)[2])
        intake = next((each for each in trace.intakes if _is_open(trace, each, due)), None)
        may = trace.ids[person] >= 0 and (trace.is_complete(person, chain) or trace.spec.counts == "received")
        if intake is None or not may:
            continue
        who, name = trace.applicant[person], intake.intake
        reply = ledger.apply(Claim(who, trace.key(person, chain), name, trace.stream[person]))
        if isinstance(reply, Granted):
            if trace.is_complete(person, chain):
                years[person] = int(name)
            if (released := trace.release_due_ns(person, chain)) >= 0:
                why = trace.reason(person, chain)
                release = Release(who, trace.release_key(person, chain), name, why)
                waiting.append((max(due, released), RELEASE, release))
    return Served(ledger, years)


CLOSE, OPEN, ORDER, RELEASE = range(4)
Waiting = tuple[float, int, Command]
"""When it is due in ns, its place among those due at once, and the command."""


def _is_open(trace: Trace, each: Any, due: int) -> bool:
    return bool(each.opens_s <= trace.clock.shows(due) < each.closes_s)


def _at(trace: Trace, second: int) -> float:
    return (second - trace.clock.origin_s) / trace.clock.rate * SECOND_NS


def _turns(trace: Trace) -> list[Waiting]:
    opens = [(_at(trace, each.opens_s), OPEN, Open(each.intake, each.caps)) for each in trace.intakes]
    return [*opens, *((_at(trace, each.closes_s), CLOSE, Close(each.intake)) for each in trace.intakes)]


def _orders(trace: Trace) -> list[Waiting]:
    rows = np.flatnonzero(is_op(trace, "set-cap")).tolist()
    found = [(int(trace.due_ns[row]), trace.orders[trace.chain[row]]) for row in rows]
    return [(due, ORDER, SetCap(each.intake, each.cap, each.limit)) for due, each in found]
