"""Claims alone give the same slots, caps and refusals as the whole programme, wherever they stand alone."""

import math

import numpy as np
import pytest

from sim import measures
from sim.clock import NEVER
from sim.engine import claims
from sim.engine.flavours import PLAIN
from sim.engine.prepared import prepare
from sim.exploring import points as exploring
from sim.exploring.points import Point
from sim.measuring.claimed import IN_TOTAL, claim_measures, is_measured, permit_measures
from sim.people import settle
from sim.policy import Invite, Policy, charging
from sim.population import draw
from sim.programme import simulate
from sim.scenario import Scenario
from sim.scenario_file import load, replaced
from sim.studying.blocks import Crew
from tests.random_worlds import is_legal, random_composition, random_people, random_world

SMOKE = load("smoke")


def compare(scenario: Scenario, policy: Policy, seed: int) -> int:
    """Holds both ways equal in every measure that claims determine; how many slots there were."""
    people = random_people(scenario, seed)
    prepared = prepare(scenario, people)
    outcome = simulate(prepared, policy)
    whole = measures.measure(scenario, people, outcome, spec=scenario.spec(policy))
    first = claims.claims(prepared, policy)
    claimed = claims.claimed(prepared, policy, first)
    ours = claim_measures(scenario, len(prepared.scope), first, claimed)
    ours |= permit_measures(scenario, claimed, claims.permits(prepared, claimed, PLAIN))
    assert set(ours) == {name for name in whole if is_measured(name)}
    for name, value in ours.items():
        assert np.array_equal(value, whole[name], equal_nan=True), (seed, name, value, whole[name])
    for k, (account, theirs) in enumerate(zip(claimed.accounts, outcome.intakes, strict=True)):
        assert account == theirs
        slots = outcome.slot_s[(outcome.slot_s < NEVER) & (outcome.intake == account.year)]
        assert np.array_equal(np.sort(slots), claimed.granted_s(k))
    return sum(account.granted for account in claimed.accounts)


def alone(first: int, count: int) -> list[tuple[int, Scenario, Policy]]:
    """Random worlds, their policies without what makes claims depend on more, where that is a policy."""
    found = []
    for number in range(first, first + count):
        for scenario, policy in (random_world(number), random_composition(number)):
            policy = simplified(policy, number)
            if is_legal(scenario, policy):
                assert claims.stand_alone(scenario, policy)
                found.append((number, scenario, policy))
    return found


def simplified(policy: Policy, number: int) -> Policy:
    """Release, top-ups, counter, ceilings and soft and hard reserves stay as they are."""
    own = charging(policy)
    days = policy.invite.letter_validity_days, policy.invite.entry_validity_days
    rounds = Invite(every_days=5 + number % 20, letter_validity_days=days[0], entry_validity_days=days[1])
    plain = dict.fromkeys(("claims", "waiting_room", "received_factor", "value_limit", "spill"))
    return policy.model_copy(
        update=plain
        | {
            "invite": rounds if number % 4 else Invite(by="open"),
            "reserves": tuple(each for each in policy.reserves if each.stream not in own),
            "waitlist_expires": False,
            "counts": "accepted",
            "gives_back": (),
            "over_cap": "refuse" if number % 3 == 0 else "return",
        }
    )


def test_claims_alone_are_those_of_the_whole_programme() -> None:
    worlds = alone(0, 60)
    slots = [compare(scenario, policy, number) for number, scenario, policy in worlds]
    assert len(worlds) >= 80
    assert sum(1 for each in slots if each) >= 40


@pytest.mark.long
def test_the_same_in_two_thousand_worlds() -> None:
    worlds = alone(1_000, 1_000)
    assert len(worlds) >= 1_400
    for number, scenario, policy in worlds:
        compare(scenario, policy, number)


@pytest.mark.parametrize(
    ("policy", "settings"),
    [
        ("first-come", {}),
        ("first-come", {"intake.2022.cap": 30, "intake.2023.cap": 20}),
        ("first-come", {"intake.2022.cap": 30, "programme.over_cap": "refuse"}),
        ("monthly-release", {"intake.2022.cap": 40}),
        ("carry-over", {"intake.2022.cap": 500}),
        ("no-cap", {}),
        ("weekly-counter", {"intake.2022.cap": 40}),
        ("two-windows", {}),
        ("arts-reserve", {"intake.2022.cap": 40}),
    ],
)
def test_every_switch_that_claims_can_stand(policy: str, settings: dict[str, object]) -> None:
    base = load("smoke")
    if "programme.over_cap" in settings:
        base = base.model_copy(update={"policies": {}})
    scenario = replaced(base, settings)
    assert claims.stand_alone(scenario, scenario.policy(policy))
    for seed in range(5):
        compare(scenario, scenario.policy(policy), seed)


@pytest.mark.parametrize("policy", ["lottery", "score-rounds", "waiting-list", "gives-back", "received"])
def test_what_depends_on_more_than_claims_is_simulated_whole(policy: str) -> None:
    assert not claims.stand_alone(SMOKE, SMOKE.policy(policy))


def test_people_with_only_the_luck_that_matters_fare_alike() -> None:
    drawn, policy = draw(SMOKE, 3, outside_only=True), SMOKE.policy("first-come")
    found = []
    for purposes in (None, claims.OF_DECISIONS, claims.PURPOSES):
        prepared = prepare(SMOKE, settle(SMOKE, drawn, purposes=purposes))
        claimed = claims.claimed(prepared, policy, claims.claims(prepared, policy))
        found.append((claimed, claims.permits(prepared, claimed, PLAIN)))
    (whole, permits), (decided, same), (bare, other) = found
    assert sum(permits) > 50
    assert permits == same != other, "only what is asked for is drawn"
    for account in range(len(whole.granted)):
        assert np.array_equal(whole.granted[account], decided.granted[account])
        assert np.array_equal(whole.granted[account], bare.granted[account])


def test_a_point_has_the_same_value_whatever_else_is_asked() -> None:
    """Alone by its claims, beside a measure that needs the offices, or beside a policy that does."""
    points = [Point((("intake.2022.cap", cap),), "first-come") for cap in (30, 60)]
    names = ["grants", "days_to_cap/2022", "unused_slots", "permits", *IN_TOTAL]

    def found(also: list[Point], more: list[str]) -> np.ndarray:  # type: ignore[type-arg]
        return exploring.values(
            SMOKE,
            [*points, *also],
            [*names, *more],
            replications=range(3),
            seed=1,
            crew=Crew(1, lambda *_: None),
        )[:2, :, : len(names)]

    by_claims = found([], [])
    assert np.isfinite(by_claims).all()
    for also, more in (
        ([], ["permits"]),
        ([Point((), "lottery")], []),
        ([Point((), "lottery")], ["permits"]),
    ):
        assert np.array_equal(by_claims, found(also, more))
    assert not math.isnan(by_claims.sum())
