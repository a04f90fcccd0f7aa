"""What a policy asks of the traffic: releases for a reason, the waiting list, slots that are carried over."""

import datetime
from functools import partial
from typing import Any

import numpy as np
import pytest

from loadtests.protocol import OP
from loadtests.trace import Trace, build
from sim.outcome import PERMIT_UNUSED, REFUSED
from sim.scenario import Scenario
from sim.scenario_file import load
from tests.loadtests.traced import SECOND_NS, changed, of, served, simulated, slots

ALL_BACK = ["refusal", "withdrawal", "expiry"]
QUARTERS = {"every": "quarter", "carry": "none"}
ACROSS = {"every": "quarter", "carry": "across-years"}


def small_world(policy: dict[str, Any], **settings: Any) -> Scenario:
    """The smoke scenario with a policy "this"; a waiting list hears of a slot within half a second of it."""
    settings = {"policies__this": policy, "load__waitlist_ms": 0.001, **settings}
    return changed("smoke", **settings)


WORLDS = {
    "releases that give back": partial(small_world, {"gives_back": ALL_BACK}, offices__approval_share=0.5),
    "releases that give nothing back": partial(small_world, {}, offices__approval_share=0.5),
    "a waiting list": partial(small_world, {"over_cap": "queue"}, demand__multiple=2),
    "a waiting list that slots come back to": partial(
        small_world,
        {"over_cap": "queue", "gives_back": ALL_BACK},
        demand__multiple=3,
        offices__approval_share=0.6,
    ),
    "a waiting list and windows": partial(
        small_world, {"over_cap": "queue", "release": {"every": "month"}}, demand__multiple=2
    ),
    "what comes late is lost": partial(small_world, {"release": QUARTERS}),
    "what is lost, with slots that come back": partial(
        small_world, {"release": QUARTERS, "gives_back": ALL_BACK}, demand__multiple=2
    ),
    "carried into the next year": partial(small_world, {"release": ACROSS}, demand__multiple=0.7),
    "carried, under a reserve": partial(
        small_world,
        {"release": ACROSS, "reserves": [{"stream": "arts", "slots": 30, "kind": "hard"}]},
        demand__multiple=0.9,
    ),
    "carried, with slots that come back": partial(
        small_world,
        {"release": {"carry": "across-years"}, "gives_back": ALL_BACK},
        offices__approval_share=0.5,
    ),
    "counted when received": partial(small_world, {"counts": "received"}, behaviour__incomplete_share=0.4),
    "counted when received, refusals come back": partial(
        small_world, {"counts": "received", "gives_back": ["refusal"]}, behaviour__incomplete_share=0.4
    ),
    "counted when received, and carried": partial(
        small_world,
        {"counts": "received", "release": ACROSS},
        behaviour__incomplete_share=0.4,
        demand__multiple=0.5,
    ),
    "counted when received, what comes late is lost": partial(
        small_world,
        {"counts": "received", "release": QUARTERS},
        behaviour__incomplete_share=0.4,
        demand__multiple=2,
    ),
    "counted when approved, and carried": partial(small_world, {"counts": "approved", "release": ACROSS}),
    "counted when approved": partial(small_world, {"counts": "approved"}, demand__multiple=3),
    "refused over the cap": partial(small_world, {"over_cap": "refuse"}, demand__multiple=2),
}


@pytest.mark.parametrize("world", WORLDS)
def test_served_in_order_every_rule_comes_to_the_simulated_outcome(world: str) -> None:
    scenario = WORLDS[world]()
    people, outcome = simulated(scenario, "this")
    trace = build(scenario, run="t", policy="this")
    came = served(trace)
    assert came.of(trace) == slots(people, outcome)
    granted = {str(each.year): each.granted for each in outcome.intakes}
    assert {name: came.ledger.tally(name).granted for name in granted} == granted


def released(trace: Trace, reason: str) -> set[int]:
    """Ids of those whose grant is released for a reason."""
    people = np.flatnonzero(trace.release_ns >= 0).tolist()
    return {int(trace.ids[person]) for person in people if trace.reason(person, 0) == reason}


@pytest.mark.parametrize(
    ("reason", "status", "column"),
    [("refusal", REFUSED, "decided_s"), ("expiry", PERMIT_UNUSED, "left_s")],
)
def test_the_administration_releases_at_the_simulated_moment(reason: str, status: int, column: str) -> None:
    scenario = small_world(
        {"gives_back": ALL_BACK},
        offices__approval_share=0.6,
        pathways__permanent_residence__medians=[{"filed": datetime.date(2022, 1, 1), "months": 5}],
        behaviour__landing_days_high=400,
    )
    people, outcome = simulated(scenario, "this")
    rows = np.flatnonzero((outcome.status == status) & (outcome.intake > 0))
    trace = build(scenario, run="t", policy="this")
    moments = dict(zip(people.applicant[rows].tolist(), getattr(outcome, column)[rows].tolist(), strict=True))
    inside = {who: at for who, at in moments.items() if at < trace.clock.shows(trace.ends_ns)}
    assert released(trace, reason) >= inside.keys() != set()
    number = {int(each): person for person, each in enumerate(trace.ids)}
    for who, at in inside.items():
        assert trace.clock.shows(int(trace.release_ns[number[who]])) == pytest.approx(at, abs=1)


def test_an_incomplete_application_that_took_a_slot_is_refused_at_once() -> None:
    trace = build(WORLDS["counted when received"](), run="t", policy="this")
    incomplete, complete = (int(np.flatnonzero(trace.complete == is_so)[0]) for is_so in (False, True))
    assert (trace.release_due_ns(incomplete, 0), trace.reason(incomplete, 0)) == (0, "refusal")
    assert trace.release_due_ns(complete, 0) == trace.release_ns[complete]
    accepted = build(load("smoke"), run="t")
    incomplete = int(np.flatnonzero(~accepted.complete)[0])
    assert accepted.release_due_ns(incomplete, 0) == accepted.release_ns[incomplete]


def test_nobody_withdraws_a_permit() -> None:
    trace = build(WORLDS["counted when approved"](), run="t", policy="this")
    released = np.flatnonzero(trace.release_ns >= 0).tolist()
    assert {trace.reason(person, 0) for person in released} == {"expiry"}


def test_who_waits_claims_again_under_a_new_key_when_a_slot_comes_free() -> None:
    scenario = WORLDS["a waiting list that slots come back to"]()
    people, outcome = simulated(scenario, "this")
    waited = np.flatnonzero(
        (outcome.full_count > 0) & (outcome.slot_s > outcome.filed_s) & (outcome.intake > 0)
    )
    trace = build(scenario, run="t", policy="this")
    assert trace.counts["waitlist"] == len(waited) > 5
    number = {int(each): person for person, each in enumerate(trace.ids)}
    for row in waited.tolist():
        mine = np.flatnonzero(trace.person == number[int(people.applicant[row])])
        first, second = mine[-2:].tolist()
        assert trace.clock.shows(int(trace.due_ns[second])) == pytest.approx(outcome.slot_s[row], abs=1)
        assert trace.key(int(trace.person[first]), int(trace.chain[first])) != trace.key(
            int(trace.person[second]), int(trace.chain[second])
        )


def test_the_waiting_list_hears_of_a_slot_a_moment_later() -> None:
    at_once = build(WORLDS["a waiting list and windows"](), run="t", policy="this")
    scenario = small_world(
        {"over_cap": "queue", "release": {"every": "month"}}, demand__multiple=2, load__waitlist_ms=80
    )
    later = build(scenario, run="t", policy="this")
    moved = np.sort(later.due_ns).sum() - np.sort(at_once.due_ns).sum()
    assert moved == at_once.counts["waitlist"] * (80_000_000 - 1_000) > 0


def test_nobody_is_on_a_waiting_list_that_is_not_there() -> None:
    assert build(load("smoke"), run="t").counts["waitlist"] == 0


def test_what_a_year_leaves_unused_is_in_the_next_cap_and_told_again_at_its_opening() -> None:
    scenario = WORLDS["carried into the next year"]()
    _, outcome = simulated(scenario, "this")
    carried = outcome.intakes[1].carried_in
    assert carried > 0
    trace = build(scenario, run="t", policy="this")
    told = [each for each in trace.orders if each.op == "set-cap" and each.intake == "2023"]
    in_time = [each.limit for each in told if each.cap == "2023"]
    assert in_time == [(60 + carried) * quarter // 4 for quarter in (1, 2, 3, 4)]
    assert trace.intakes[1].caps[0].limit == in_time[0]
    opening = next(each for each in trace.orders if each.op == "set-cap" and each.intake == "2023")
    assert scenario.starts_s + opening.mark // SECOND_NS == trace.intakes[1].opens_s + 1


def test_windows_that_lose_their_slots_count_from_what_was_used_by_then() -> None:
    scenario = WORLDS["what comes late is lost"]()
    _, outcome = simulated(scenario, "this")
    trace = build(scenario, run="t", policy="this")
    raised = [each for each in trace.orders if each.cap == "2022"]
    for number, order in enumerate(raised, 1):
        second = scenario.starts_s + order.mark // SECOND_NS
        used = int(((outcome.slot_s < second) & (outcome.intake == 2022)).sum())
        assert order.limit == used + 80 * (number + 1) // 4 - 80 * number // 4


def test_a_window_of_the_scenario_starts_from_the_carried_cap() -> None:
    scenario = WORLDS["carried into the next year"]()
    whole = build(scenario, run="t", policy="this")
    late = scenario.load.model_validate(
        {"window": {"starts": "2023-06-01T00:00:00", "ends": "2023-12-01T00:00:00"}}
    )
    part = build(scenario, run="t", policy="this", window=late.window)
    taken = served(whole).ledger.tally("2023").used
    assert [each.intake for each in part.intakes] == ["2023"]
    last = [each.limit for each in part.orders if each.cap == "2023"][-1]
    granted_before = last_of(whole) - last
    assert 0 < granted_before < taken


def last_of(trace: Trace) -> int:
    """The last limit of the cap of 2023."""
    return [each.limit for each in trace.orders if each.cap == "2023"][-1]


def test_the_flagship_with_carry_over_can_be_replayed() -> None:
    trace = build(load("imp-plus"), run="t", policy="carry-over", scale=0.1)
    _, outcome = simulated(load("imp-plus"), "carry-over", 0.1)
    assert [each.caps[0].limit for each in trace.intakes] == [
        each.cap + each.carried_in for each in outcome.intakes
    ]
    assert (trace.op[trace.person < 0] == OP["set-cap"]).sum() >= 1
    assert of("churn").counts["revocations"] > 0
