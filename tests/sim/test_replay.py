"""Every simulated outcome replays through the ledger: it grants what was granted and refuses what was
refused.

From an outcome the commands are told again in the declared order of simultaneous events: turns of the
calendar, exits, decisions, claims; within a phase by lottery number and row. Refused claims are part of the
tale where an outcome tells them, by the rules of filing again; with a waiting list, whose members are
served at moments of others' making, only their first refusal and the grants are told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from sim.clock import NEVER
from sim.engine.windows import CLOSE, OPEN, REFRESH, released, turns, windows
from sim.ledger import Cap, Claim, Close, Full, Granted, Ledger, Open, Refresh, Release, Released, SetCap
from sim.outcome import PERMIT_UNUSED, REFUSED, Outcome
from sim.people import People, settle
from sim.policy import Policy
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load
from tests.random_worlds import random_people, random_world

EXIT, DECISION, SERVED, CLAIM = range(4)
"""Phases of a second after its turns; the waiting list is told to be served when all that came back is in."""


@dataclass(frozen=True, slots=True)
class Told:
    """One claim or release that an outcome tells of."""

    time_s: int
    phase: int
    row: int
    granted: bool | None
    """Whether the claim was granted; None for a release."""
    reason: str = ""
    at_once: bool = False
    """A slot that an incomplete application takes and loses in the same second."""


def filings(people: People, outcome: Outcome, openings: list[int], row: int, counts: str) -> Iterator[Told]:
    """The claims of somebody who files, is handed back, and files again, with what became of each."""
    time, attempts = int(outcome.first_filed_s[row]), int(outcome.attempts[row])
    delay, refused = int(people.refile_delay_s[row]), 0
    for attempt in range(1, attempts + 1):
        complete = bool(people.complete[row]) or attempt > 1
        again = time + delay
        if complete or counts == "received":
            full = refused < outcome.full_count[row] and time != outcome.slot_s[row]
            if not complete:  # every filing claims here, so one without a trace had a slot and lost it
                full = outcome.full_count[row] + (outcome.slot_s[row] < NEVER) == attempts
            refused += full
            yield Told(time, CLAIM, row, granted=not full, at_once=not complete)
            if full:
                later = [opening for opening in openings if opening > time]
                again = (later[0] if later else NEVER) + delay
        if attempt == attempts:
            assert time == outcome.filed_s[row], row
        time = again
    assert refused == outcome.full_count[row], row


def tale(scenario: Scenario, people: People, policy: Policy, outcome: Outcome) -> list[Told]:
    """Everything the outcome tells of slots, in the declared order."""
    spec = scenario.spec(policy)
    calendar = turns(scenario, windows(scenario, policy), spec)
    openings = sorted({turn.time_s for turn in calendar if turn.kind not in (CLOSE, REFRESH)})
    told: list[Told] = []
    for row in np.flatnonzero(outcome.attempts > 0).tolist():
        slot, first_full = int(outcome.slot_s[row]), int(outcome.first_full_s[row])
        if spec.counts == "approved":
            if slot < NEVER:
                told.append(Told(slot, DECISION, row, granted=True))
            if first_full < NEVER:
                told.append(Told(first_full, DECISION, row, granted=False))
        elif spec.over_cap != "queue":
            told += filings(people, outcome, openings, row, spec.counts)
        else:
            if first_full < NEVER:
                told.append(Told(first_full, CLAIM, row, granted=False))
            if slot < NEVER:
                waited = (
                    EXIT if slot == outcome.left_s[row] else SERVED
                )  # served, and gone in the same second
                told.append(Told(slot, waited if slot > outcome.filed_s[row] else CLAIM, row, granted=True))
        if slot < NEVER:
            left = int(outcome.left_s[row])
            if outcome.status[row] == REFUSED:
                told.append(Told(int(outcome.decided_s[row]), DECISION, row, None, "refusal"))
            elif left < NEVER:
                unused = outcome.status[row] == PERMIT_UNUSED
                told.append(Told(left, EXIT, row, None, "expiry" if unused else "withdrawal"))
    lottery = people.lottery.tolist()
    return sorted(told, key=lambda each: (each.time_s, each.phase, lottery[each.row], each.row))


def replay(scenario: Scenario, people: People, policy: Policy, outcome: Outcome) -> int:
    """Tell the ledger everything and assert that it answers alike; how many commands it was told."""
    spec = scenario.spec(policy)
    ledger, all_windows, names = (
        Ledger(spec, journal=False),
        windows(scenario, policy),
        list(scenario.streams),
    )
    calendar = list(turns(scenario, all_windows, spec))
    tells_all = not (spec.over_cap == "queue" and spec.counts == "received")
    is_open: str | None = None
    full: list[int] = []
    carried: dict[str, int] = {}
    carried_in = dict.fromkeys((each.year for each in all_windows), 0)
    told = 0

    def turn_until(time_s: int) -> None:
        nonlocal is_open, full, carried
        while calendar and calendar[0].time_s <= time_s:
            turn = calendar.pop(0)
            each = all_windows[turn.intake]
            year, caps = str(each.year), [f"{each.year}/{k}" for k in range(len(each.limits))]
            used = [ledger.cap(cap).used for cap in caps] if is_open == year else []
            if turn.kind == CLOSE:
                if policy.release.carry == "across-years" and policy.capped:
                    unused = [max(0, limit - count) for limit, count in zip(full, used, strict=True)]
                    carried = dict(zip(each.names, unused, strict=True))
                ledger.apply(Close(year))
                is_open = None
            elif turn.kind == OPEN:
                extra = [carried.get(name, 0) for name in each.names]
                full = [limit + more for limit, more in zip(each.limits, extra, strict=True)]
                carried, carried_in[each.year], is_open = {}, extra[0], year
                covers = [
                    frozenset((year, name) for name, covered in zip(names, row, strict=True) if covered)
                    for row in each.cover
                ]
                limits = [released(limit, 1, each.count) for limit in full]
                declared = (Cap(*cap) for cap in zip(caps, limits, covers, strict=True) if cap[2])
                ledger.apply(Open(year, tuple(declared)))
            elif turn.kind == REFRESH:
                ledger.apply(Refresh(year))
            else:
                limits = [released(limit, turn.window, each.count) for limit in full]
                if (
                    policy.release.carry == "none" and policy.capped and tells_all
                ):  # else what a year may give
                    before = [released(limit, turn.window - 1, each.count) for limit in full]
                    parts = [limit - less for limit, less in zip(limits, before, strict=True)]
                    limits = [count + part for count, part in zip(used, parts, strict=True)]
                for cap, limit in zip(caps, limits, strict=True):
                    ledger.apply(SetCap(year, cap, limit))

    for event in tale(scenario, people, policy, outcome):
        turn_until(event.time_s)
        told += 1
        applicant, key = str(event.row), f"{event.time_s}/{told}"
        if event.granted is None:
            year = str(outcome.intake[event.row])
            reply = ledger.apply(Release(applicant, key, year, event.reason))
            assert isinstance(reply, Released), (event, reply)
            assert reply.given_back == (event.reason in spec.gives_back), (event, reply)
            continue
        if is_open is None:
            assert not event.granted, event
            continue
        if not event.granted and not tells_all:
            continue  # slots that were taken and lost within a second are missing from the tale
        reply = ledger.apply(Claim(applicant, key, is_open, names[people.stream[event.row]]))
        assert isinstance(reply, Granted if event.granted else Full), (event, reply, ledger.tally(is_open))
        if event.granted and event.at_once:
            assert isinstance(ledger.apply(Release(applicant, f"{key}/lost", is_open, "refusal")), Released)
    turn_until(NEVER)
    ledger.audit()
    for account in outcome.intakes:
        tally = ledger.tally(str(account.year))
        if tells_all:
            assert (tally.granted, tally.used) == (account.granted, account.used), account
        else:
            assert tally.granted <= account.granted
        assert account.carried_in == carried_in[account.year] or not tells_all, account
        if spec.counter == "exact":
            assert tally.used <= account.cap + account.carried_in, account
    return told


SMOKE = load("smoke")


@pytest.mark.parametrize("name", SMOKE.policy_names())
def test_the_small_scenario_replays(name):
    policy = SMOKE.policy(name)
    for replication in range(3):
        people = settle(SMOKE, draw(SMOKE, replication))
        outcome = simulate(prepare(SMOKE, people), policy)
        assert replay(SMOKE, people, policy, outcome) > 50


@pytest.mark.parametrize("shipped", ["imp-plus", "imp-plus-high-demand", "imp-plus-supply-shock"])
def test_a_tenth_of_a_shipped_scenario_replays(shipped):
    """All policies that the file can name, with a tenth of the people and of the slots."""
    scenario = load(shipped)
    demand = scenario.demand
    multiple = demand.multiple.model_copy(update={"value": demand.multiple.value / 10})
    intakes = tuple(
        each.model_copy(update={"cap": each.cap.model_copy(update={"value": each.cap.value // 10})})
        for each in scenario.intake
    )
    small = {"demand": demand.model_copy(update={"multiple": multiple}), "intake": intakes}
    scenario = scenario.model_copy(update=small)
    people = settle(scenario, draw(scenario, 0, outside_only=True))
    prepared = prepare(scenario, people)
    for name in scenario.policy_names():
        policy = scenario.policy(name)
        if any((reserve.slots or 0) > each.cap.value for reserve in policy.reserves for each in intakes):
            policy = policy.model_copy(
                update={"reserves": tuple(r.model_copy(update={"slots": 55}) for r in policy.reserves)}
            )
        assert replay(scenario, people, policy, simulate(prepared, policy)) > 100, name


@pytest.mark.parametrize("whole_days", [False, True], ids=["any second", "whole days"])
def test_random_worlds_replay(whole_days):
    told = 0
    for number in range(120):
        scenario, policy = random_world(number)
        people = random_people(scenario, number, whole_days=whole_days)
        told += replay(scenario, people, policy, simulate(prepare(scenario, people), policy))
    assert told > 1000


@pytest.mark.long
def test_many_random_worlds_replay():
    for number in range(120, 4000):
        scenario, policy = random_world(number)
        people = random_people(scenario, number, whole_days=number % 2 == 0)
        replay(scenario, people, policy, simulate(prepare(scenario, people), policy))


def test_a_slot_too_many_does_not_replay():
    """The replay is worth its name: a grant that the cap has no room for is told."""
    people = settle(SMOKE, draw(SMOKE, 0))
    outcome = simulate(prepare(SMOKE, people), SMOKE.policy("first-come"))
    opens_s, closes_s, year = outcome.intakes[0].opens_s, outcome.intakes[0].closes_s, outcome.intakes[0].year
    inside = (outcome.filed_s >= opens_s) & (outcome.filed_s < closes_s)
    row = int(np.flatnonzero(inside & (outcome.full_count == 1) & (outcome.attempts == 1))[0])
    for name, value in {"full_count": 0, "slot_s": outcome.filed_s[row], "intake": year}.items():
        getattr(outcome, name)[row] = value
    with pytest.raises(AssertionError):
        replay(SMOKE, people, SMOKE.policy("first-come"), outcome)
