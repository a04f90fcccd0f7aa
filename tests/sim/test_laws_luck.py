"""All luck is in the people: growth, other cohorts and other policies leave everyone's luck alone.

Two scenarios that differ in size share their people: the same applicant id is the same person in every
column.
"""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.people import People, settle
from sim.population import BACKLOG, QUEBEC, draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load

LARGER = {
    "backlog": {"backlog": 90},
    "per_year": {"per_year": 170},
    "multiple": {"multiple": 2.5},
    "certainty": {"per_year": 400, "backlog": 61},
}


def smoke(**demand) -> Scenario:
    """The shipped small world, with another demand."""
    scenario = load("smoke")
    data = scenario.demand.model_dump() | {
        name: {"value": value} if not isinstance(value, (tuple, str)) else value
        for name, value in demand.items()
    }
    return scenario.model_copy(update={"demand": type(scenario.demand).model_validate(data)})


def columns(people: People) -> dict[str, np.ndarray]:
    found = {each.name: getattr(people, each.name) for each in fields(People) if each.name != "attributes"}
    return found | {f"attribute:{name}": column for name, column in people.attributes.items()}


def assert_same_people(one: People, other: People, chosen=None) -> None:
    """Everyone of the first (or the chosen ids of it) is in the second, and is the same in every column."""
    ids = one.applicant if chosen is None else one.applicant[chosen]
    assert np.isin(ids, other.applicant).all()
    for name, column in columns(one).items():
        here = column[np.isin(one.applicant, ids)]
        there = columns(other)[name][np.isin(other.applicant, ids)]
        assert (here == there).all(), name


@pytest.mark.parametrize("how", LARGER)
@pytest.mark.parametrize("replication", [0, 1, 417])
def test_more_people_leave_the_old_ones_as_they_were(how, replication):
    small, large = smoke(), smoke(**LARGER[how])
    before, after = (settle(each, draw(each, replication)) for each in (small, large))
    assert len(after) > len(before)
    assert_same_people(before, after)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 10**6))
def test_any_growth_keeps_the_old_ones(fewer, more, seed):
    small, large = sorted((fewer, more))
    before, after = (
        settle(scenario, draw(scenario, 3, seed=seed))
        for scenario in (smoke(per_year=small, backlog=small), smoke(per_year=large, backlog=large))
    )
    assert_same_people(before, after)


def test_another_cohort_leaves_this_one_alone():
    before = settle(smoke(), draw(smoke(), 5))
    bigger = smoke(backlog=200)
    after = settle(bigger, draw(bigger, 5))
    assert_same_people(before, after, before.cohort > 0)
    assert len(after) - len(before) == round(200 / 0.7) - round(60 / 0.7)  # 0.3 of all holders live in Quebec
    assert (np.sort(after.applicant[after.cohort > 0]) == np.sort(before.applicant[before.cohort > 0])).all()


def test_drawing_is_pure():
    scenario = load("smoke")
    once = settle(scenario, draw(scenario, 2))
    settle(scenario, draw(scenario, 3))
    again = settle(scenario, draw(scenario, 2))
    other = settle(scenario, draw(scenario, 3))
    assert all((columns(once)[name] == columns(again)[name]).all() for name in columns(once))
    assert len(other) != len(once) or (other.score != once.score).any()


@pytest.mark.parametrize("scenario", [smoke(), smoke(backlog_quebec=0.5)], ids=["one-share", "own-share"])
def test_leaving_out_quebec_keeps_exactly_the_others_as_they_were(scenario):
    everyone, outside = (settle(scenario, draw(scenario, 1, outside_only=each)) for each in (False, True))
    assert (outside.applicant == everyone.applicant[everyone.residence != QUEBEC]).all()
    assert_same_people(outside, everyone)


def test_a_share_of_the_backlog_in_quebec_changes_the_backlog_only():
    before, after = (settle(each, draw(each, 2)) for each in (smoke(), smoke(backlog_quebec=0.6)))
    later = before.cohort != BACKLOG
    assert (after.applicant[after.cohort != BACKLOG] == before.applicant[later]).all()
    assert_same_people(before, after, later)
    assert (after.cohort == BACKLOG).sum() == round(60 / 0.4)


def test_the_backlog_of_the_flagship_is_the_published_stock():
    """48,662 persons, 40-60 % of them outside Quebec; abroad and other province keep their proportion."""
    scenario = load("imp-plus")
    people = settle(scenario, draw(scenario, 0))
    where = people.residence[people.cohort == BACKLOG]
    assert len(where) * scenario.behaviour.family_size.value == pytest.approx(48_662, rel=0.01)
    abroad, other, quebec = np.bincount(where) / len(where)
    assert quebec == pytest.approx(0.5, abs=0.015)
    assert abroad / other == pytest.approx(0.24 / 0.02, rel=0.2)


def test_a_policy_leaves_everybodys_luck_alone():
    scenario = load("smoke")
    people = settle(scenario, draw(scenario, 0))
    luck = {name: column.tobytes() for name, column in columns(people).items()}
    prepared = prepare(scenario, people)
    alone = {
        name: simulate(prepare(scenario, people), scenario.policy(name)) for name in scenario.policy_names()
    }
    for name in reversed(scenario.policy_names()):
        again = simulate(prepared, scenario.policy(name)).columns()
        assert all((again[each] == alone[name].columns()[each]).all() for each in again), name
    assert luck == {name: column.tobytes() for name, column in columns(people).items()}
