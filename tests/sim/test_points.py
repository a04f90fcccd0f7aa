"""Points of a scenario: on the same people, and what each would be alone, whatever stands beside it."""

import dataclasses
import datetime
from typing import Any

import numpy as np
import pytest

from sim import study
from sim.errors import BadInput
from sim.exploring import points as exploring
from sim.exploring.points import Point, people_of, values
from sim.people import People, settle
from sim.population import draw
from sim.scenario_file import load, replaced
from sim.studying import blocks
from sim.studying.blocks import Crew

SMOKE = load("smoke").model_copy(update={"policies": {}})
"""Without the file's own policies, whose reserves forbid small caps."""
MEASURES = ("grants", "used/2022", "median_wait_days", "years_saved", "bridging_permits", "letters")

LEAVES_PEOPLE_ALONE: dict[str, Any] = {
    "title": "another",
    "seed": 99,
    "baseline": "lottery",
    "intake.2022.cap": 3,
    "intake.2022.permit_target": 5,
    "policies.lottery.invite.every_days": 20,
    "objectives.decision_weeks": 3,
    "load.policy": "lottery",
    "programme.counts": "received",
    "programme.gives_back": ["withdrawal"],
    "programme.refusals": "sticky",
    "programme.counter": {"refresh_days": 7},
    "programme.over_cap": "queue",
    "programme.tolerance": 2,
    "programme.permit_months": 24,
    "behaviour.letter_validity_days": 40,
    "offices.officers": 3,
    "offices.opens_at": datetime.time(10),
    "offices.hours_per_day": 4,
    "offices.weekdays": ["monday"],
    "offices.holidays": [datetime.date(2022, 2, 1)],
}
"""A value for every kind of key that `people_of` leaves out."""

OTHERS: dict[str, Any] = {
    "programme.certificate_months": 6,
    "demand.per_year": 200,
    "behaviour.answer_days": 3,
    "offices.service_hours": 9,
    "offices.approval_share": 0.5,
    "residence.abroad": 0.4,
    "time_zone": "UTC",
}


def crew(jobs: int = 1) -> Crew:
    return Crew(jobs, lambda *_: None)


def found(points: list[Point], replications: range = range(1), **options: Any) -> Any:
    given = {"seed": 1, "crew": crew()} | options
    return values(SMOKE, points, MEASURES, replications=replications, **given)


def columns(people: People) -> dict[str, Any]:
    names = [field.name for field in dataclasses.fields(people) if field.name != "attributes"]
    return {name: getattr(people, name) for name in names} | people.attributes


@pytest.mark.parametrize("key", LEAVES_PEOPLE_ALONE)
def test_what_only_institutions_look_at_leaves_people_alone(key: str) -> None:
    other = replaced(SMOKE, {key: LEAVES_PEOPLE_ALONE[key]})
    assert other != SMOKE
    assert people_of(other) == people_of(SMOKE)
    ours, theirs = (settle(each, draw(each, 0, seed=1)) for each in (SMOKE, other))
    for name, column in columns(ours).items():
        assert np.array_equal(column, columns(theirs)[name]), name


@pytest.mark.parametrize("key", OTHERS)
def test_whatever_else_is_set_makes_other_people(key: str) -> None:
    settings = {key: OTHERS[key]} | ({"residence.other_province": 0.3} if "residence" in key else {})
    assert people_of(replaced(SMOKE, settings)) != people_of(SMOKE)


def test_sharing_people_gives_the_same_bytes_as_each_point_alone() -> None:
    keys = [key for key in (*LEAVES_PEOPLE_ALONE, *OTHERS) if key != "residence.abroad"]
    settings = [((key, (LEAVES_PEOPLE_ALONE | OTHERS)[key]),) for key in keys]
    points = [Point(each, policy) for each in ((), *settings) for policy in ("first-come", "lottery")]
    together = found(points)
    alone = np.concatenate([found([point]) for point in points])
    assert np.array_equal(together, alone, equal_nan=True)
    assert len({row.tobytes() for row in together}) > len(points) // 2


def test_a_point_is_what_run_with_the_same_settings_gives() -> None:
    point = Point((("intake.2022.cap", 6), ("demand.per_year", 90)), "lottery")
    ran = study.run(
        replaced(SMOKE, dict(point.settings)),
        policy="lottery",
        replications=3,
        seed=5,
        jobs=1,
        register=False,
    )
    ours = found([Point((), "first-come"), point], range(3), seed=5)[1]
    for k, name in enumerate(MEASURES):
        assert np.array_equal(ours[:, k], ran.chance[name], equal_nan=True), name


def test_order_portions_and_workers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [Point((("intake.2022.cap", cap),), "first-come") for cap in range(1, 9)]
    points += [Point((("demand.per_year", rate),), "lottery") for rate in (50, 80)]
    once = found(points, range(3, 6))
    assert np.array_equal(found(points[::-1], range(3, 6))[::-1], once, equal_nan=True)
    assert np.array_equal(found(points, range(4, 5)), once[:, 1:2], equal_nan=True)
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    monkeypatch.setattr(blocks, "BLOCK_S", 1e-9)
    assert np.array_equal(found(points, range(3, 6), crew=crew(2)), once, equal_nan=True)


def test_one_replication_of_many_points_is_cut_up_for_the_workers() -> None:
    points = [Point((("intake.2022.cap", cap),), "first-come") for cap in range(1, 21)]
    question = exploring.asked(exploring.ready(SMOKE, points), MEASURES, seed=1)
    assert len(question.groups) == 1
    parts = exploring._parts(question, 1, 2)
    assert len(parts) >= 5
    assert sorted(sum(parts, ())) == list(range(20))
    assert len(exploring._parts(question, 1, 1)) == 1


def test_a_point_that_a_rule_forbids_has_no_value_but_a_reason() -> None:
    points = [
        Point((), "first-come"),
        Point((("intake.2022.cap", -3),), "first-come"),
        Point((("programme.over_cap", "queue"),), "no-cap"),
        Point((("intake.2022.caps", 3),), "first-come"),
    ]
    whole = found(points)
    reasons = [each.reason for each in exploring.ready(SMOKE, points)]
    for k, reason in enumerate(reasons):
        assert bool(reason) == bool(np.isnan(whole[k]).all()), (k, reason)
    assert "intake.2022.cap: -3" in reasons[1]
    assert "caps" in reasons[3]
    assert not reasons[0]


def test_a_policy_that_nobody_knows_is_bad_input() -> None:
    with pytest.raises(BadInput, match="write lottery"):
        found([Point((), "lotery")])
