"""The register of labelled numbers, and draws from their ranges: reproducible, inside, one by one."""

import time

import pytest

from sim.assumptions import drawn, register
from sim.scenario import Scenario
from sim.scenario_file import load, replaced


@pytest.fixture(scope="module")
def flagship() -> Scenario:
    return load("imp-plus")


def uncertain(scenario: Scenario) -> dict[str, float]:
    """The values of the scenario at the keys that are uncertain in the flagship."""
    keys = [each.key for each in register(load("imp-plus")) if each.uncertain]
    return {each.key: each.number.value for each in register(scenario) if each.key in keys}


def test_the_register_names_every_labelled_number_in_order(flagship: Scenario) -> None:
    keys = [each.key for each in register(flagship)]
    assert keys[0] == "intake.2022.cap"
    assert keys.index("streams.pilot.share") < keys.index("demand.backlog") < keys.index("offices.officers")
    assert "demand.events.people-in-quebec-first.factor" in keys
    assert "pathways.permanent_residence.medians.2022-01-01.months" in keys
    assert "pathways.permanent_residence.throughput_persons.2020" in keys
    assert len(keys) == len(set(keys))


def test_every_key_of_the_register_can_be_set(flagship: Scenario) -> None:
    same = {each.key: each.number.value for each in register(flagship)}
    assert replaced(flagship, same) == flagship


def test_draws_are_reproducible_and_differ_between_replications(flagship: Scenario) -> None:
    assert drawn(flagship, 3, 1) == drawn(flagship, 3, 1)
    assert drawn(flagship, 3, 1) != drawn(flagship, 4, 1)
    assert drawn(flagship, 3, 1) != drawn(flagship, 3, 2)


def test_draws_stay_in_their_range_and_whole_numbers_whole(flagship: Scenario) -> None:
    for replication in range(50):
        values = uncertain(drawn(flagship, replication, 1))
        for each in register(flagship):
            if each.uncertain:
                assert each.number.low is not None
                assert each.number.high is not None
                assert each.number.low <= values[each.key] <= each.number.high, each.key
        assert values["offices.officers"] == int(values["offices.officers"])
        assert values["demand.backlog"] == int(values["demand.backlog"])


def test_a_drawn_scenario_has_nothing_left_to_draw(flagship: Scenario) -> None:
    once = drawn(flagship, 0, 1)
    assert not any(each.uncertain for each in register(once))
    assert drawn(once, 1, 1) is once
    assert {each.key for each in register(once)} == {each.key for each in register(flagship)}


def test_an_assumption_more_changes_no_other_draw(flagship: Scenario) -> None:
    label = {"value": 0.1, "low": 0.0, "high": 0.2, "basis": "assumption"}
    more = replaced(flagship, {"demand.year_factor_sd": label, "behaviour.score_sd": label | {"high": 90}})
    assert uncertain(drawn(more, 7, 1)) == uncertain(drawn(flagship, 7, 1))


def test_what_is_not_drawn_is_left_alone(flagship: Scenario) -> None:
    found = drawn(flagship, 0, 1)
    assert found.intake is flagship.intake
    assert found.policies is flagship.policies
    assert found.model_fields_set == flagship.model_fields_set


def test_shares_still_sum_to_one(flagship: Scenario) -> None:
    label = {"value": 0.057, "low": 0.0, "high": 0.3, "basis": "assumption"}
    scenario = replaced(flagship, {"streams.pilot.share": label})
    for replication in range(20):
        found = drawn(scenario, replication, 1)
        where = found.residence
        assert sum(stream.share.value for stream in found.streams.values()) == pytest.approx(1, abs=1e-9)
        assert where.abroad.value + where.other_province.value + where.quebec.value == pytest.approx(
            1, abs=1e-9
        )
        assert where.abroad.value / where.other_province.value == pytest.approx(0.24 / 0.02)


def test_shares_that_are_all_uncertain_are_scaled_together(flagship: Scenario) -> None:
    def label(value: float) -> dict[str, object]:
        return {"value": value, "low": value * 0.5, "high": min(1.0, value * 1.5), "basis": "assumption"}

    shares = {"streams.regular.share": label(0.943), "streams.pilot.share": label(0.057)}
    for replication in range(20):
        found = drawn(replaced(flagship, shares), replication, 1)
        assert sum(stream.share.value for stream in found.streams.values()) == pytest.approx(1, abs=1e-9)


def test_people_never_answer_more_letters_than_they_have(flagship: Scenario) -> None:
    label = {"value": 0.25, "low": 0.0, "high": 0.9, "basis": "assumption"}
    scenario = replaced(flagship, {"behaviour.declines_share": label})
    sums = [
        drawn(scenario, replication, 1).behaviour.declines_share.value
        + drawn(scenario, replication, 1).behaviour.applies_share.value
        for replication in range(50)
    ]
    assert max(sums) == pytest.approx(1.0)


def test_a_draw_takes_under_three_milliseconds(flagship: Scenario) -> None:
    drawn(flagship, 0, 1)
    begun = time.process_time()
    for replication in range(100):
        drawn(flagship, replication, 1)
    assert (time.process_time() - begun) / 100 < 0.003
