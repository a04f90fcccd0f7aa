"""Studies: replications in order, when they are enough, and the questions asked around them."""

import math
from typing import Any

import numpy as np
import pytest

from sim import study
from sim.errors import BadInput, complaint
from sim.scenario import Scenario
from sim.scenario_file import load, replaced
from sim.showing.summary import summary
from sim.studying import binding, blocks, influence
from sim.studying.blocks import Crew
from sim.studying.intervals import chance, half_width, spread
from sim.studying.replication import Question

SMOKE = load("smoke")


def run(scenario: Scenario = SMOKE, **options: Any) -> study.Study:
    return study.run(scenario, **{"jobs": 1, "register": False, "replications": 6} | options)


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[name], b[name], equal_nan=True) for name in a)


def question(scenario: Scenario = SMOKE, policy: str = "first-come") -> Question:
    return Question(scenario, scenario.policy(policy), scenario.seed)


def quiet_crew() -> Crew:
    return Crew(1, lambda *_: None)


@pytest.fixture
def quick_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the register: the demand at which a cap binds is found in two replications only."""
    monkeypatch.setattr(binding, "REPLICATIONS", 2)


def test_a_longer_study_begins_with_the_shorter_one() -> None:
    short, long = run(replications=4), run(replications=6)
    for name, values in short.chance.items():
        assert np.array_equal(values, long.chance[name][:4], equal_nan=True), name
        assert np.array_equal(short.assumed[name], long.assumed[name][:4], equal_nan=True), name


def test_workers_and_portions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influence, "REPLICATIONS_OF_FEW", 3)
    monkeypatch.setattr(binding, "REPLICATIONS", binding.FIRST + 1)
    alone = run(register=True, replications=12)
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    monkeypatch.setattr(blocks, "BLOCK_S", 1e-9)
    spread_out = run(register=True, replications=12, jobs=2)
    assert same(alone.chance, spread_out.chance)
    assert same(alone.assumed, spread_out.assumed)
    assert alone.register == spread_out.register
    assert alone.binding == spread_out.binding
    assert summary(alone) == summary(spread_out)


def test_another_seed_gives_other_people_and_the_same_seed_the_same() -> None:
    assert same(run(seed=3).chance, run(seed=3).chance)
    assert not same(run(seed=3).chance, run(seed=4).chance)


def test_a_scenario_without_ranges_has_one_interval_only() -> None:
    plain = load("smoke")
    for key in ("residence.quebec", "demand.backlog", "demand.per_year"):
        first, second = key.split(".")
        part = getattr(plain, first)
        number = getattr(part, second).model_copy(update={"low": None, "high": None})
        plain = plain.model_copy(update={first: part.model_copy(update={second: number})})
    found = run(plain)
    assert found.assumed == {}
    assert summary(found)["measures"]["grants"]["assumptions"] is None


def test_a_wanted_precision_stops_at_the_first_number_that_has_it() -> None:
    found = run(replications=None, precision=0.017)
    everything = run(replications=found.replications + 20)
    floors = {"grants": 14.0, "unused_slots": 14.0, "median_wait_days": 7.0}

    def is_enough(n: int) -> bool:
        headlines = {name: everything.chance[name][:n] for name in study.HEADLINES}
        return all(
            (half_width(values) or 0.0) <= 0.017 / 1.017 * max(abs(values.mean()), floors[name])
            for name, values in headlines.items()
        )

    assert found.replications == next(n for n in range(study.FEWEST, 200) if is_enough(n))
    assert found.replications > study.FEWEST, "the example should need more than the fewest"


def test_a_precision_prints_the_rule_it_stops_by() -> None:
    # e / (1 + e) of 5 % is 4.76 %; a tenth of all slots is 14.
    stopped = run(replications=None, precision=0.05).stopped
    assert "at most 4.76 % of its mean (a mean below 14 slots or 7 days counts as that)" in stopped


def test_a_precision_out_of_reach_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "MOST", 14)
    found = run(replications=None, precision=1e-6)
    assert found.replications == 14
    assert "given up before" in found.stopped


@pytest.mark.parametrize(
    "options",
    [{"replications": 0}, {"replications": 5, "precision": 0.1}, {"precision": 1.5, "replications": None}],
)
def test_what_cannot_be_asked_is_bad_input(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        run(**options)


def test_an_unknown_policy_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="write lottery"):
        run(policy="lotery")


class Interrupt:
    """Progress that is interrupted when a stage has come so far."""

    def __init__(self, label: str, done: int) -> None:
        self.at = (label, done)

    def __call__(self, label: str, done: int, total: int) -> None:
        if (label, done) == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("label", "done", "kept"),
    [
        ("replications", 2, (2, 0, 0)),
        ("replications", 5, (5, 0, 0)),
        ("replications with assumptions drawn", 3, (6, 3, 0)),
        ("influence of each assumption", 25, (6, 6, 1)),
        ("demand from which on a cap binds", 2, (6, 6, 3)),
    ],
)
def test_an_interrupted_study_keeps_what_is_finished(
    label: str, done: int, kept: tuple[int, int, int]
) -> None:
    found = run(register=True, progress=Interrupt(label, done))
    # A replication given out in the same moment may or may not be among those kept.
    sizes = (found.replications, study.size(found.assumed), len(found.register))
    assert all(0 <= want - have <= 1 for want, have in zip(kept, sizes, strict=True)), sizes
    assert not found.complete
    assert found.binding is None
    assert summary(found)["complete"] is False


def test_interrupted_before_anything_is_finished_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "measured", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()


def test_the_register_is_ranked_and_a_number_without_effect_has_none(quick_search: None) -> None:
    scenario = replaced(
        SMOKE, {"behaviour.employment_share": {"value": 0.9, "low": 0.1, "high": 1, "basis": "assumption"}}
    )
    found = run(scenario, register=True)
    ranks = [(each.is_above_chance(found.moved), each.on(found.moved)) for each in found.register]
    assert ranks == sorted(ranks, reverse=True)
    assert found.register[-1].assumption.key == "behaviour.employment_share"
    assert ranks[-1] == (False, 0.0)


def test_a_number_is_above_chance_if_the_paired_differences_leave_0_out() -> None:
    # Means 2 and s = 1, 4 pairs: 2 +- 3.182 / 2; with s three times as large the interval holds 0.
    close, wide = (
        influence._paired(np.array([1.0, 2.0, 2.0, 3.0])),
        influence._paired(np.array([-2.0, 2, 2, 6])),
    )
    assert close == (2.0, pytest.approx(3.182 * np.sqrt(2 / 3) / 2, abs=1e-3))
    assert abs(close[0]) > close[1]
    assert abs(wide[0]) < wide[1]
    assert influence._paired(np.array([5.0, np.nan]))[1] == math.inf, "of one pair nothing is known"


def test_the_base_of_the_register_is_the_scenario_itself_on_the_same_replications(quick_search: None) -> None:
    found = run(register=True, replications=8)
    for each in found.register:
        assert each.replications == influence.REPLICATIONS_OF_FEW
        assert each.at_base["grants"] == pytest.approx(found.chance["grants"].mean())
    numbers = summary(found)["register"]["numbers"]
    assert all(
        number["influence_low"] <= number["influence"] <= number["influence_high"] for number in numbers
    )


def test_many_people_are_tried_on_fewer_replications() -> None:
    assert influence.replications(replaced(SMOKE, {"demand.multiple": 100})) == influence.REPLICATIONS


def test_an_end_that_the_rules_forbid_has_no_influence_and_stops_nothing(
    quick_search: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(scenario: Scenario, key: str, value: float) -> Scenario:
        if key == "demand.per_year":
            raise complaint("not with the other numbers", key=key)
        return scenario

    monkeypatch.setattr(influence, "changed", changed)
    found = run(register=True)
    assert found.complete
    assert found.register[-1].assumption.key == "demand.per_year"
    assert math.isnan(found.register[-1].on("grants"))
    assert summary(found)["register"]["numbers"][-1]["influence"] is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("residence.quebec", 0.4), ("streams.arts.share", 0.5), ("behaviour.declines_share", 0.9)],
)
def test_a_changed_share_takes_its_family_along(key: str, value: float) -> None:
    changed = influence.changed(SMOKE, key, value)  # the scenario's rules are checked in full
    shares = changed.residence
    assert shares.abroad.value + shares.other_province.value + shares.quebec.value == pytest.approx(1)
    assert sum(stream.share.value for stream in changed.streams.values()) == pytest.approx(1)


def test_a_cap_binds_above_its_multiple_and_not_below() -> None:
    found = binding.search(question(), quiet_crew())
    assert found is not None
    assert found.quarter <= found.half <= found.three_quarters

    def times_reached(multiple: float) -> int:
        at = run(replaced(SMOKE, {"demand.multiple": multiple}), replications=binding.REPLICATIONS)
        return int((at.chance["caps_reached"] > 0).sum())

    assert times_reached(found.half * 0.95) <= binding.REPLICATIONS / 2 <= times_reached(found.half * 1.05)


def test_a_cap_nobody_can_reach_never_binds_and_one_of_none_always_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binding, "REPLICATIONS", 2)
    monkeypatch.setattr(binding, "MOST", 4.0)
    never = binding.search(
        question(replaced(SMOKE, {"intake.2022.cap": 50_000, "intake.2023.cap": 50_000})), quiet_crew()
    )
    nothing = {"intake.2022.cap": 0, "intake.2022.stream_caps": {}, "policies.arts-reserve.reserves": []}
    always = binding.search(question(replaced(SMOKE, nothing)), quiet_crew())
    assert never is not None
    assert math.isinf(never.half)
    assert never.year == 0
    assert always is not None
    assert always.half == 0.0


def test_where_no_cap_binds_few_replications_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "MOST", 2.0)
    found = binding.search(
        question(replaced(SMOKE, {"intake.2022.cap": 900, "intake.2023.cap": 900})), quiet_crew()
    )
    assert found is not None
    assert (found.replications, found.half, found.most) == (binding.FIRST, math.inf, 2.0)


def test_the_climb_ends_where_more_demand_fills_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def level(changed: Question, outcome: object) -> tuple[float, int, bool]:
        tried.append(changed.scenario.demand.multiple.value)
        return min(0.97, 0.5 * tried[-1]), 2022, False

    monkeypatch.setattr(binding, "filled", level)
    multiple, year, top = binding.critical(question(), 0)
    assert (multiple, year) == (math.inf, 0)
    assert top == tried[-1] < binding.MOST
    assert top > 1.5 * 1.94, "the level is seen over a stretch of demand"


def test_a_search_ends_when_it_has_simulated_many_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "PEOPLE_IN_ALL", 1)
    monkeypatch.setattr(binding, "CROWDS_IN_ALL", 1)
    multiple, _, top = binding.critical(question(replaced(SMOKE, {"demand.multiple": 0.1})), 0)
    assert (multiple, top) == (math.inf, 0.1)


def test_without_a_cap_nothing_binds() -> None:
    assert binding.search(question(policy="no-cap"), quiet_crew()) is None
    found = summary(run(policy="no-cap"))
    assert found["headline_year"] is None
    assert found["intakes"][0]["reached"] is None


def test_the_interval_of_a_mean_is_students() -> None:
    # Mean 3, s = sqrt(2.5), t(4, 97.5 %) = 2.776: 3 +- 1.963.
    found = spread(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    assert (found.mean_low, found.mean_high) == pytest.approx((1.037, 4.963), abs=1e-3)


@pytest.mark.parametrize(("n", "is_estimable"), [(71, False), (72, True)])
def test_percentiles_need_72_replications(n: int, is_estimable: bool) -> None:
    found = spread(np.arange(n, dtype=float))
    assert (found.p5 is not None, found.p95 is not None) == (is_estimable, is_estimable)
    assert 0.95**71 > 0.025 >= 0.95**72  # where the number comes from


def test_replications_without_a_value_are_left_out_and_counted() -> None:
    assert spread(np.array([1.0, np.nan, 3.0])).n == 2
    assert spread(np.array([np.nan])).mean is None


def test_never_in_a_hundred_is_not_impossible() -> None:
    # Wilson at 0 of n: z^2 / (n + z^2) = 3.84 / 103.84.
    assert chance(0, 100).high == pytest.approx(0.0370, abs=1e-4)
    assert chance(0, 100).low == 0.0


def test_a_cap_reached_in_few_replications_has_no_median_day() -> None:
    tight = run(replications=8)
    slack = run(replaced(SMOKE, {"demand.multiple": 0.5}), replications=8)
    reached = [summary(found)["intakes"][0]["reached"] for found in (tight, slack)]
    assert reached[0]["quantiles"]["median"] is not None
    assert reached[1]["times"] < 4
    assert reached[1]["quantiles"]["median"] is None


def test_the_chance_of_a_full_cap_rises_over_the_year() -> None:
    by_month = summary(run(replications=8))["intakes"][0]["reached"]["by_month_end"]
    probabilities = [each["probability"] for each in by_month]
    assert probabilities == sorted(probabilities)
    assert by_month[-1]["date"] == "2022-12-31"
