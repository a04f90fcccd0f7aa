"""Single values replaced, as on the command line: keys found, labels kept, the result checked in full."""

import datetime

import pytest

from sim.errors import BadInput
from sim.policy import CATALOGUE
from sim.scenario import Scenario
from sim.scenario_file import load, parse_setting, replaced


@pytest.fixture(scope="module")
def flagship() -> Scenario:
    return load("imp-plus")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("demand.multiple=2", ("demand.multiple", 2)),
        ("demand.multiple = 2.5", ("demand.multiple", 2.5)),
        ("baseline=lottery", ("baseline", "lottery")),
        ("baseline=score-rounds", ("baseline", "score-rounds")),
        ("title='two words'", ("title", "two words")),
        ("ends=2024-12-31", ("ends", datetime.date(2024, 12, 31))),
        ("demand.per_year={value=3_000}", ("demand.per_year", {"value": 3000})),
        ("programme.gives_back=['refusal']", ("programme.gives_back", ["refusal"])),
    ],
)
def test_a_setting_is_read_as_toml(setting: str, expected: tuple[str, object]) -> None:
    assert parse_setting(setting) == expected


@pytest.mark.parametrize(
    "setting", ["", "=", "key", "key=", "=2", "key=7,350", "key=75%", "key=two words", "k=1\nj=2"]
)
def test_what_is_no_setting_is_complained_about(setting: str) -> None:
    with pytest.raises(BadInput):
        parse_setting(setting)


def test_nothing_replaced_is_the_same_scenario(flagship: Scenario) -> None:
    assert replaced(flagship, {}) == flagship


def test_a_number_keeps_its_label(flagship: Scenario) -> None:
    number = replaced(flagship, {"demand.per_year": 3_000}).demand.per_year
    assert (number.value, number.low, number.high, number.basis) == (3_000, 1_000, 6_000, "assumption")


def test_a_number_outside_its_range_loses_the_range(flagship: Scenario) -> None:
    number = replaced(flagship, {"demand.per_year": 9_000}).demand.per_year
    assert (number.value, number.low, number.high, number.basis) == (9_000, None, None, "assumption")


def test_a_table_replaces_the_label_too(flagship: Scenario) -> None:
    number = replaced(flagship, {"demand.per_year": {"value": 9_000}}).demand.per_year
    assert (number.value, number.basis, number.source) == (9_000, None, "")


def test_an_intake_is_named_by_its_year(flagship: Scenario) -> None:
    scenario = replaced(flagship, {"intake.2023.cap": 10_000})
    assert [intake.cap.value for intake in scenario.intake][:3] == [14_700, 10_000, 7_350]
    assert scenario.intake[1].cap.source == "S1"


def test_an_event_is_named_by_its_name_or_number(flagship: Scenario) -> None:
    by_name = replaced(flagship, {"demand.events.people-in-quebec-first.factor": 0.5})
    assert by_name == replaced(flagship, {"demand.events.2.factor": 0.5})
    assert by_name.demand.events[1].factor.value == 0.5


def test_a_policy_of_the_catalogue_is_copied(flagship: Scenario) -> None:
    scenario = replaced(flagship, {"policies.lottery.invite.every_days": 7})
    assert scenario.policy("lottery").invite == CATALOGUE["lottery"].invite.model_copy(
        update={"every_days": 7}
    )
    assert flagship.policy("lottery") == CATALOGUE["lottery"]


def test_a_key_that_the_file_leaves_out_can_be_set(flagship: Scenario) -> None:
    scenario = replaced(
        flagship, {"pathways.permanent_residence.throughput_persons.2022": 9_000, "offices.hours_per_day": 6}
    )
    assert scenario.pathways.permanent_residence.throughput_persons[2022].value == 9_000
    assert scenario.offices.hours_per_day == 6


def test_a_new_policy_can_be_given_as_a_table(flagship: Scenario) -> None:
    scenario = replaced(flagship, {"policies.quarters": {"release": {"every": "quarter"}}})
    assert scenario.policy("quarters").release.every == "quarter"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("demand.multple", 2, "write demand.multiple"),
        ("multiple", 2, "write demand.multiple"),
        ("intake.2021.cap", 5, "one of 2022, 2023, 2024, 2025, 2026"),
        ("policies.lotery.invite.every_days", 7, "write policies.lottery.invite.every_days"),
        ("policies.lottery.invite.every_day", 7, "write policies.lottery.invite.every_days"),
        ("demand.events.9.factor", 7, "people-in-quebec-first"),
        ("demand.backlog", -1, "demand.backlog: -1 is less than 0"),
        ("behaviour.applies_share", "75 %", "write 0.75, without quotes"),
        ("streams.pilot.share", 0.2, "0.943 (regular) + 0.2 (pilot) = 1.143"),
        ("starts", datetime.date(2030, 1, 1), "before starts = 2030-01-01"),
        ("policies.no-cap.reserves", [{"stream": "pilot", "slots": 5}], "has no slots to keep back"),
        ("demand.multiple", 1e9, "more than fit into memory"),
        ("", 1, 'there is no ""'),
    ],
)
def test_a_value_that_cannot_be_is_complained_about(
    flagship: Scenario, key: str, value: object, says: str
) -> None:
    with pytest.raises(BadInput) as caught:
        replaced(flagship, {key: value})
    assert says in str(caught.value)
    assert key in str(caught.value)


def test_all_settings_are_judged_at_once(flagship: Scenario) -> None:
    with pytest.raises(BadInput) as caught:
        replaced(flagship, {"demand.backlog": -1, "intake.2022.cap": 0.5})
    assert [problem.key for problem in caught.value.problems] == ["intake.2022.cap", "demand.backlog"]


@pytest.mark.parametrize("written", ["[" * 3000 + "]" * 3000, "9" * 5000], ids=["nested", "digits"])
def test_a_value_beyond_reading_is_complained_about_in_short(written: str) -> None:
    with pytest.raises(BadInput, match=r"\.\.\. cannot be read") as caught:
        parse_setting(f"intake.2022.cap={written}")
    assert len(str(caught.value)) < 400
