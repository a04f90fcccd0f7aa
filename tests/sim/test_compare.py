"""Comparisons: the same people under every policy, exact exchanges, and what the sentences may say."""

import json
from typing import Any

import numpy as np
import pytest

from sim import compare, study
from sim.clock import DAY_S, NEVER
from sim.comparing import contrasts, persons, worlds
from sim.comparing.groups import groupings
from sim.comparing.leading import lead
from sim.errors import BadInput
from sim.measures import in_scope
from sim.policy import Policy, Reserve
from sim.results import json_text
from sim.scenario import Scenario
from sim.scenario_file import load, replaced
from sim.showing import comparison_summary
from sim.showing import summary as run_summary
from sim.showing.comparison_sentences import sentences
from sim.showing.comparison_summary import summary
from sim.studying import binding, blocks
from tests.sim.building import world as plain_world

SMOKE = load("smoke")
THREE = ("lottery", "monthly-release", "carry-over")


def run(scenario: Scenario = SMOKE, **options: Any) -> compare.Comparison:
    return compare.compare(
        scenario, **{"policies": THREE, "jobs": 1, "register": False, "replications": 5} | options
    )


def asked(scenario: Scenario = SMOKE, *names: str) -> worlds.Asked:
    chosen = names or ("first-come", *THREE)
    return worlds.Asked(scenario, tuple((name, scenario.policy(name)) for name in chosen), scenario.seed)


def told(found: compare.Comparison) -> str:
    return " ".join(sentences(json.loads(json_text(summary(found)))))


def test_every_policy_is_measured_as_a_run_of_its_own_would() -> None:
    found = run(replications=4)
    for name in found.policies:
        alone = study.run(SMOKE, policy=name, replications=4, jobs=1, register=False)
        for measure, values in alone.chance.items():
            if measure not in worlds.OUTSIDE_ONLY:
                assert np.array_equal(values, found.chance[name][measure], equal_nan=True), (name, measure)


def test_workers_and_portions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    slack = replaced(SMOKE, {"demand.multiple": 0.3})
    monkeypatch.setattr(binding, "REPLICATIONS", 3)
    alone = json_text(summary(run(slack, replications=6, register=True)))
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    monkeypatch.setattr(blocks, "BLOCK_S", 1e-9)
    assert alone == json_text(summary(run(slack, replications=6, register=True, jobs=2)))


def test_who_gains_and_who_loses_is_counted_person_by_person() -> None:
    (name, people, base), (_, _, other) = worlds.outcomes(asked(SMOKE, "first-come", "monthly-release"), 2)
    assert name == "first-come"
    _, before = in_scope(people, base)
    people, after = in_scope(people, other)
    found = persons.exchange_measures(before, after, groupings(SMOKE, people))
    pairs = list(zip(before.slot_s < NEVER, after.slot_s < NEVER, strict=True))
    counted = {"slot_gained": (False, True), "slot_lost": (True, False), "slot_both": (True, True)}
    for measure, kind in counted.items():
        assert found[measure] == sum(pair == kind for pair in pairs) > 0
        for part in ("stream", "season", "quarter", "decile"):
            parts = [value for key, value in found.items() if key.startswith(f"{measure}/{part}=")]
            assert sum(parts) == found[measure], part
    days = [
        (b - a) / DAY_S
        for a, b in zip(before.permit_s.tolist(), after.permit_s.tolist(), strict=True)
        if a < NEVER and b < NEVER
    ]
    assert found["permit_later"] == sum(day >= 1 for day in days)
    assert found["permit_days_later"] == pytest.approx(np.mean([day for day in days if day >= 1]))


@pytest.mark.parametrize("policy", SMOKE.policy_names())
def test_every_gain_and_every_loss_has_a_reason(policy: str) -> None:
    if policy == SMOKE.baseline or compare.misfit(SMOKE, SMOKE.policy(policy)):
        return
    found = worlds.world(asked(SMOKE, SMOKE.baseline, policy), 1)[policy]
    for change in ("slot_gained", "slot_lost", "permit_earlier", "permit_later"):
        why = {key: value for key, value in found.items() if key.startswith(f"{change}/why=")}
        assert sum(why.values()) == found[change], why
        assert not why.get(f"{change}/why=other"), why


def test_the_reason_of_a_loss_is_what_happened() -> None:
    world = worlds.world(asked(replaced(SMOKE, {"demand.multiple": 3}), "no-cap", "first-come", "lottery"), 0)
    assert world["first-come"]["slot_lost/why=cap-reached"] > 0
    assert world["lottery"]["slot_lost/why=no-letter"] > 0


def test_seasons_are_those_of_the_certificate() -> None:
    scenario = plain_world(demand={"per_year": 400}, days=730)
    _, people, _ = next(worlds.outcomes(asked(scenario, "first-come", "lottery"), 0))
    season = next(each for each in groupings(scenario, people) if each.kind == "season")
    months = people.certified_s.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12 + 1
    for name, which in (("winter", {12, 1, 2}), ("spring", {3, 4, 5}), ("autumn", {9, 10, 11})):
        assert set(months[season.member == season.names.index(name)].tolist()) == which


def test_without_names_it_is_every_policy_that_fits() -> None:
    bare = plain_world(streams={"all": {"share": 1}})
    names, left_out = compare.chosen(bare, None, None)
    assert names[0] == "first-come"
    assert set(names) | set(left_out) == set(bare.policy_names())


def test_a_policy_that_does_not_fit_is_left_out_or_refused_with_the_reason() -> None:
    strange = Policy(reserves=(Reserve(stream="nobody", slots=3),))
    scenario = SMOKE.model_copy(update={"policies": {**SMOKE.policies, "strange": strange}})
    _, left_out = compare.chosen(scenario, None, None)
    assert "nobody" in left_out["strange"]
    with pytest.raises(BadInput, match="nobody"):
        compare.chosen(scenario, ("strange",), None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policies": ("lotery",)}, "write lottery"),
        ({"baseline": "first"}, "first-come"),
        ({"policies": ("first-come",)}, "nothing to compare"),
        ({"replications": 3, "precision": 0.1}, "one of the two"),
    ],
)
def test_what_cannot_be_compared_is_bad_input(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        run(**options)


def test_a_wanted_precision_stops_at_the_first_number_that_has_it() -> None:
    found = run(replications=None, precision=0.4)
    assert found.replications > study.FEWEST + 20, "the example should need more than the fewest"
    more = run(replications=found.replications + 2)

    def ratio(n: int) -> float:
        cut = {name: {m: v[:n] for m, v in columns.items()} for name, columns in more.chance.items()}
        return contrasts.imprecision(SMOKE, cut, 0.4)

    enough = [n for n in range(study.FEWEST, found.replications + 3) if ratio(n) <= 1]
    assert found.replications == enough[0]
    assert "every headline contrast" in found.stopped


class Interrupt:
    """Progress that is interrupted when a stage has come so far."""

    def __init__(self, label: str, done: int) -> None:
        self.at = (label, done)

    def __call__(self, label: str, done: int, total: int) -> None:
        if (label, done) == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("label", "done", "kept"),
    [("replications", 4, 4), ("replications with assumptions drawn", 2, 5), ("replications", 1, 1)],
)
def test_an_interrupted_comparison_keeps_what_is_finished(label: str, done: int, kept: int) -> None:
    found = run(register=True, progress=Interrupt(label, done))
    assert found.replications == kept
    assert not found.complete
    assert summary(found)["complete"] is False
    assert told(found)


def test_a_policy_that_changes_nothing_is_the_same_by_every_test() -> None:
    twin = SMOKE.model_copy(update={"policies": {"copy": SMOKE.policy("first-come")}})
    found = run(twin, policies=("copy",))
    assert {each.verdict for each in found.contrasts} == {"same"}
    assert "does not differ from first come in any headline measure" in told(found)


def test_do_not_differ_is_said_only_by_equivalence() -> None:
    few, margin = run(policies=("lottery",), replications=4), run(policies=("lottery",), margin=0.9)
    permits = next(each for each in few.contrasts if each.measure == "permits")
    assert permits.verdict != "same"
    assert (permits.p_equivalent or 0) > 0.05
    assert {each.verdict for each in margin.contrasts if each.measure == "permits"} == {"same"}


def test_the_lead_is_the_largest_standardised_difference_beyond_the_margin() -> None:
    found = run(replications=12)
    chosen = lead(found.contrasts, capped=frozenset(THREE))
    assert chosen is not None
    gaps = found.chance[chosen.policy][chosen.measure] - found.chance["first-come"][chosen.measure]
    assert chosen.size == pytest.approx(abs(gaps.mean()) / gaps.std(ddof=1))
    for each in found.contrasts:
        if each.measure in ("grants", "permits", "slot_probability") and each.verdict in ("better", "worse"):
            assert abs(each.difference or 0) <= each.margin or (each.size or 0) <= (chosen.size or 0)


def test_a_policy_without_a_cap_leads_only_if_no_other_differs() -> None:
    tight = replaced(SMOKE, {"demand.multiple": 3})
    assert told(run(tight, policies=("no-cap",))).startswith("No cap instead of first come gives ")
    assert not told(run(tight, policies=("no-cap", "monthly-release"), replications=8)).startswith("No cap")


def test_where_the_cap_is_slack_that_is_said_first_and_more_demand_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(binding, "REPLICATIONS", 3)
    found = run(replaced(SMOKE, {"demand.multiple": 0.25}), register=True)
    assert found.slack
    assert found.binding is not None
    times = [side.times for side in found.sides]
    assert times == sorted([2.0, 4.0, found.binding.half / 0.25])
    assert [side.binds for side in found.sides].count(True) == 1
    alone = run(replaced(SMOKE, {"demand.multiple": 0.5}))
    twice = found.sides[times.index(2.0)]
    assert np.array_equal(alone.chance["lottery"]["grants"], twice.found["lottery"]["grants"])
    assert told(found).startswith(
        "The cap is slack: under first come it is reached in none of 5 replications"
    )
    assert "from which on the cap binds: " in told(found)


def test_a_tight_cap_and_no_cap_are_not_called_slack() -> None:
    assert not run().slack
    assert not run(baseline="no-cap", policies=("first-come",)).slack


def test_few_replications_have_no_bad_year_and_many_have_one() -> None:
    few, many = (run(policies=("monthly-release",), replications=n) for n in (8, 100))
    for found, is_known in ((few, False), (many, True)):
        permits = next(each for each in found.contrasts if each.measure == "permits")
        assert (permits.tail.low is not None, permits.ratio.low is not None) == (is_known, is_known)
    gini = next(each for each in many.contrasts if each.measure == "gini_wait")
    assert (gini.method, few.contrasts[0].method) == ("bca", "t")


def test_simultaneous_intervals_are_wider_and_every_policy_has_its_load() -> None:
    found = run(replications=12)
    for each in found.contrasts:
        if each.all_low is not None and each.method == "t":
            assert each.all_low <= each.low <= each.difference <= each.high <= each.all_high  # type: ignore[operator]
    assert {(each.policy, each.measure) for each in found.contrasts} >= {
        (policy, measure) for policy in THREE for measure in contrasts.LOAD
    }


def test_how_intakes_fill_is_that_of_a_run() -> None:
    """Every policy's uptake is the one that a study of the policy alone gives."""
    found = summary(run(policies=("lottery",), replications=3))
    for name in ("first-come", "lottery"):
        alone = run_summary.summary(study.run(SMOKE, policy=name, replications=3, jobs=1, register=False))
        for mine, other in zip(found["policies"][name]["intakes"], alone["intakes"], strict=True):
            assert mine["uptake"] == json.loads(json_text(comparison_summary.rounded(other["uptake"])))
            assert mine["uptake"]["spreads"]


def test_a_front_is_certain_where_a_policy_wins_every_time() -> None:
    """Without a cap nobody gets fewer permits or slots, so no other policy is on that front."""
    found = summary(run(policies=("no-cap",), replications=4))
    assert found["front"]["grants"]["no-cap"] == 1.0
    assert found["front"]["grants"]["first-come"] < 1.0
    assert "permits" not in found["front"]
    assert "order_inversions" not in found["front"], "no side of it is better"
