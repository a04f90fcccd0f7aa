"""The engine against the twin: the same table, bit for bit, though one has a process for every applicant.

The twin (tests/twin.py) is a plain SimPy model that drives the ledger with its assertions on. The engine
wakes offices over rows. They share the people, the calendar and nothing of the rules.
"""

import functools
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.compare import misfit
from sim.outcome import Outcome
from sim.people import settle
from sim.policy import CATALOGUE, Policy
from sim.population import draw
from sim.programme import Prepared, prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load, replaced
from tests import twin
from tests.random_worlds import random_composition, random_mixture, random_people, random_world
from tests.stories import Story, stories

WORLDS_A_TEST = 25

FLAVOURS = (False,) if find_spec("numba") is None else (False, True)
"""Plain and, where the extra `fast` is installed, compiled."""


def assert_same(expected: Outcome, found: Outcome, what: str) -> None:
    for name, column in expected.columns().items():
        differs = np.flatnonzero(column != found.columns()[name])
        rows = [(int(row), int(column[row]), int(found.columns()[name][row])) for row in differs[:3]]
        assert len(differs) == 0, f"{what}: {name} differs in {len(differs)} rows: row, twin, engine {rows}"
    assert np.array_equal(expected.filings_s, found.filings_s), f"{what}: filings"
    assert expected.intakes == found.intakes, what


@pytest.mark.parametrize("story", stories(), ids=lambda story: story.name)
@pytest.mark.parametrize("loop", [None, True], ids=["as-needed", "event-loop"])
def test_engine_tells_the_twins_stories(story: Story, loop: bool | None) -> None:
    story.check(simulate(prepare(story.scenario, story.people), story.policy, loop=loop))


@pytest.mark.parametrize("first", range(0, 250, WORLDS_A_TEST))
@pytest.mark.parametrize("whole_days", [False, True], ids=["seconds", "whole-days"])
def test_engine_equals_twin(first: int, whole_days: bool) -> None:
    _compare(range(first, first + WORLDS_A_TEST), whole_days)


def test_who_files_again_in_the_same_second_comes_after_the_first_filing() -> None:
    """Incomplete applications take slots, and the last one is between both filings of one person."""
    _compare(range(11_420, 11_421), whole_days=True)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("first", range(0, 250, WORLDS_A_TEST))
def test_engine_equals_twin_in_every_composition_of_the_catalogue(first: int) -> None:
    _compare_compositions(range(first, first + WORLDS_A_TEST))


@pytest.mark.long
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("first", range(10_000, 10_500, 250))
def test_engine_equals_twin_in_many_more_compositions(first: int) -> None:
    _compare_compositions(range(first, first + 250))


@pytest.mark.parametrize(
    ("first", "wanted"),
    [(0, 12), *(pytest.param(n, 130, marks=pytest.mark.long) for n in (10_000, 20_000, 30_000, 40_000))],
)
def test_keys_of_any_policies_together_are_refused_with_a_reason_or_equal_the_twin(
    first: int, wanted: int
) -> None:
    compiled = find_spec("numba") is not None and wanted > 100
    compared, refused, keys, number = 0, 0, set(), first
    while compared < wanted:
        number += 1
        scenario, mixed = random_mixture(number)
        reason, policy = reason_against(scenario, mixed)
        if policy is None:
            assert len(reason.split()) > 3, f"mixture {number}: {reason!r} says nothing"
            refused += 1
            continue
        people = random_people(scenario, number, whole_days=number % 2 == 0)
        expected = twin.simulate(scenario, people, policy)
        prepared = prepare(scenario, people)
        assert_same(expected, simulate(prepared, policy), f"mixture {number}")
        looped = simulate(prepared, policy, fast=compiled, loop=True, wake_days=11)
        assert_same(expected, looped, f"mixture {number}, event loop")
        compared, keys = compared + 1, keys | set(mixed)
    assert wanted < refused < 9 * wanted
    assert wanted < 100 or keys >= set(Policy.model_fields) - {"summary", "seen_in"}


def reason_against(scenario: Scenario, mixed: dict[str, Any]) -> tuple[str, Policy | None]:
    """Why these keys cannot be a policy of the scenario, or else the policy."""
    try:
        policy = Policy.model_validate(mixed)
    except ValidationError as error:
        return error.errors()[0]["msg"], None
    reason = misfit(scenario, policy)
    return reason, None if reason else policy


@pytest.mark.parametrize("wake_days", [1, 7, 30, 365])
def test_waking_offices_more_often_changes_nothing_of_the_twin(wake_days: int) -> None:
    for number in range(1000, 1000 + WORLDS_A_TEST):
        prepared, policy, expected = _told_by_the_twin(number)
        for loop in (None, True):
            found = simulate(prepared, policy, wake_days=wake_days, loop=loop)
            assert_same(expected, found, f"world {number}, wake_days {wake_days}, loop {loop}")


@functools.cache
def _told_by_the_twin(number: int) -> tuple[Prepared, Policy, Outcome]:
    """A world with its people, and what becomes of them; for tests that ask the same worlds several times."""
    scenario, policy = random_world(number)
    people = random_people(scenario, number, whole_days=number % 2 == 0)
    return prepare(scenario, people), policy, twin.simulate(scenario, people, policy)


@pytest.mark.usefixtures("compiled")
def test_compiled_engine_equals_twin() -> None:
    pytest.importorskip("numba", reason="numba, the extra 'fast', is not installed")
    for number in range(2000, 2000 + WORLDS_A_TEST):
        scenario, policy = random_world(number)
        people = random_people(scenario, number, whole_days=number % 2 == 0)
        expected = twin.simulate(scenario, people, policy)
        found = simulate(prepare(scenario, people), policy, fast=True)
        assert_same(expected, found, f"world {number}, compiled")


@pytest.mark.long
@pytest.mark.parametrize("whole_days", [False, True], ids=["seconds", "whole-days"])
@pytest.mark.parametrize("first", range(10_000, 12_500, 250))
def test_engine_equals_twin_in_many_more_worlds(first: int, whole_days: bool) -> None:
    _compare(range(first, first + 250), whole_days)


@pytest.mark.long
@pytest.mark.parametrize("name", list(CATALOGUE))
@pytest.mark.parametrize("applicants", [12_000, 120_000])
def test_flagship_equals_twin(applicants: int, name: str) -> None:
    """So many people in scope: those who can get a slot at all."""
    scenario = load("imp-plus")
    in_scope = int(settle(scenario, draw(scenario, 0)).in_scope.sum())
    scenario = replaced(scenario, {"demand.multiple": applicants / in_scope})
    people = settle(scenario, draw(scenario, 0))
    expected = twin.simulate(scenario, people, CATALOGUE[name])
    assert abs(int(people.in_scope.sum()) / applicants - 1) < 0.1
    found = simulate(prepare(scenario, people), CATALOGUE[name])
    assert_same(expected, found, f"{applicants} applicants, {name}")


def _compare_compositions(numbers: range) -> None:
    """The engine plain and, where numba is installed, compiled: a twin takes longer than either."""
    for number in numbers:
        scenario, policy = random_composition(number)
        people = random_people(scenario, number, whole_days=number % 2 == 0)
        expected = twin.simulate(scenario, people, policy)
        prepared = prepare(scenario, people)
        for fast in FLAVOURS:
            what = f"composition {number}, {'compiled' if fast else 'plain'}"
            assert_same(expected, simulate(prepared, policy, fast=fast), what)
            looped = simulate(prepared, policy, fast=fast, loop=True, wake_days=11)
            assert_same(expected, looped, f"{what}, event loop")


def _compare(numbers: range, whole_days: bool) -> None:
    for number in numbers:
        scenario, policy = random_world(number)
        people = random_people(scenario, number, whole_days=whole_days)
        expected = twin.simulate(scenario, people, policy)
        prepared = prepare(scenario, people)
        assert_same(expected, simulate(prepared, policy), f"world {number}")
        assert_same(expected, simulate(prepared, policy, loop=True), f"world {number}, event loop")
