"""Shocks: what they change, how policies stand up to them, and that it is said everywhere alike."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from openpyxl import load_workbook

from sim import cli, population
from sim.comparing.contrasts import HEADLINES
from sim.comparing.robustness import AS_IS, Shocked, lower_tail, robustness
from sim.comparing.shocks import Shock, possible, shocks
from sim.errors import BadInput
from sim.people import settle
from sim.scenario_file import load, replaced, shipped
from sim.scenario_files.check import Faulty
from tests.sim.building import world

SMOKE = load("smoke")
NAMES = (
    "demand-halved",
    "demand-doubled",
    "fewer-approvals",
    "stop-3-months",
    "stop-9-months",
    "sooner-residence",
)


@pytest.mark.parametrize("name", [each.name for each in shipped()])
def test_every_shock_of_the_catalogue_can_be_tried_on_every_shipped_scenario(name: str) -> None:
    scenario = load(name)
    policies = ((scenario.baseline, scenario.policy(scenario.baseline)),)
    found, left_out = possible(scenario, policies, people=1, most=10)
    assert tuple(shock.name for shock, _ in found) == NAMES
    assert left_out == {}


def test_a_stop_takes_arrivals_out_and_brings_nobody_later() -> None:
    """A steady 10 a day, certificates at once: from the fourth month on nothing for three months."""
    steady = world(days=365, demand={"per_year": 3650, "round_days": 1, "arrivals": "fixed"})
    stop = next(each for each in shocks(steady) if each.name == "stop-3-months")
    after = settle(struck := replaced(steady, stop.settings), population.draw(struck, 0))
    month = np.bincount((after.certified_s - steady.starts_s) // (86_400 * 365 // 12), minlength=12)
    assert month[[3, 4, 5]].sum() < 0.05 * month.sum()
    assert month.sum() == pytest.approx(3650 * 9 / 12, rel=0.02)
    before = settle(steady, population.draw(steady, 0))
    assert len(before) == 3650


def test_a_scenario_names_its_own_and_replaces_one_of_the_catalogue() -> None:
    own = {
        "fewer-officers": {"settings": {"offices.officers": 1}},
        "demand-doubled": {"summary": "thrice", "settings": {"demand.multiple": 3}},
    }
    scenario = world(shocks=own)
    found = {each.name: each for each in shocks(scenario)}
    assert set(found) == {*NAMES, "fewer-officers"}
    assert found["demand-doubled"] == Shock("demand-doubled", "thrice", {"demand.multiple": 3})


def test_a_misspelt_key_of_a_shock_is_a_fault_of_the_file() -> None:
    with pytest.raises(Faulty) as caught:
        world(shocks={"fewer-officers": {"settings": {"offices.officer": 1}}})
    assert [fault.path for fault in caught.value.faults] == [("shocks", "fewer-officers", "settings")]
    assert "officers" in caught.value.faults[0].mend


def test_a_shock_may_not_change_the_policies_or_ask_for_a_crowd() -> None:
    scenario = SMOKE.model_copy(update={"shocks": {}})
    named = world(shocks={"other-rules": {"settings": {"policies.lottery.invite.factor": 2}}})
    found, left_out = possible(named, (("lottery", named.policy("lottery")),), people=10, most=1e9)
    assert left_out == {"other-rules": "a shock changes the policies"}
    found, left_out = possible(scenario, (), people=300, most=500)
    assert left_out == {"demand-doubled": "more than 500 people"}
    assert len(found) == 5
    with pytest.raises(BadInput):
        replaced(scenario, {"demand.events.0.factor": 2})


def situation(name: str, **permits: list[float]) -> Shocked:
    """A situation in which policies have these permits, and nothing else is known."""
    blank = {measure: np.full(2, np.nan) for measure in HEADLINES}
    return Shocked(
        Shock(name, "", {}), {policy: blank | {"permits": np.array(each)} for policy, each in permits.items()}
    )


def test_worst_case_and_regret_by_hand() -> None:
    """Bold is best as it is (by 20) and worst in a slump (by 60); the uncapped one has no regret."""
    situations = (
        situation(AS_IS, bold=[110, 130], safe=[100, 100], free=[200, 200]),
        situation("slump", bold=[20, 40], safe=[80, 100], free=[90, 90]),
    )
    told = {each.policy: each for each in robustness(situations, frozenset({"bold", "safe"}))}
    assert (told["bold"].worst, told["bold"].means["slump"]) == ("slump", 30.0)
    assert (told["bold"].most, told["bold"].regrets["slump"].mean) == ("slump", 60.0)
    assert (told["safe"].most, told["safe"].regrets[AS_IS].mean) == (AS_IS, 20.0)
    assert told["bold"].regrets[AS_IS] == ("bold", 0.0, 0.0, 0.0)
    assert told["free"].regrets == {}
    assert told["bold"].cvar10 == 20.0, "the worst of four outcomes is more than a tenth of them"
    low, high = told["safe"].regrets[AS_IS].low, told["safe"].regrets[AS_IS].high
    assert low is not None
    assert high is not None
    assert (low, high) == pytest.approx((20 - 12.7062 * 10, 20 + 12.7062 * 10), rel=1e-4), "t with one degree"


def test_the_mean_of_the_worst_tenth_is_that_of_the_sorted_values() -> None:
    rng = np.random.default_rng(5)
    same = [rng.normal(size=40) for _ in range(5)]
    assert lower_tail(same) == pytest.approx(np.sort(np.concatenate(same))[:20].mean())
    assert lower_tail([np.arange(10.0), np.full(10, 9.0)]) == pytest.approx((0 + 1) / 2)
    short = lower_tail([np.arange(5.0)])  # a tenth is half of the lowest value
    assert short == 0.0


def test_shocks_are_told_in_the_summary_the_tables_and_the_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        "compare",
        "smoke",
        "--policies",
        "lottery,no-cap",
        "--replications",
        "3",
        "--no-register",
        "--shocks",
    ]
    files = [
        "--out",
        str(tmp_path / "run"),
        "--csv",
        str(tmp_path / "csv"),
        "--xlsx",
        str(tmp_path / "a.xlsx"),
    ]
    assert cli.main([*asked, *files, "--jobs", "1"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Permits under shocks (most is best" in printed
    assert "Under 6 shocks and without one" in printed
    found = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))["shocks"]
    assert [each["name"] for each in found["situations"]] == [AS_IS, *NAMES]
    rows = [row for row in found["rows"] if row["measure"] == "permits"]
    assert [row["policy"] for row in rows] == ["first-come", "lottery", "no-cap"]
    assert rows[2]["regrets"] == {}
    best = {name: max(row["means"][name] for row in rows[:2]) for name in rows[0]["means"]}
    for row in rows[:2]:
        assert row["max_regret"] == pytest.approx(max(best[n] - row["means"][n] for n in best))
        assert row["worst"] == min(row["means"].values())
        assert row["cvar10"] <= row["worst"]
    with (tmp_path / "csv" / "shocks.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    page = list(load_workbook(tmp_path / "a.xlsx")["shocks"].iter_rows(values_only=True))
    assert [dict(zip(page[0], row, strict=True))["mean"] for row in page[1:]] == [
        float(r["mean"]) for r in written
    ]
    told = {(row["policy"], row["measure"], name): row for row in found["rows"] for name in row["means"]}
    assert len(written) == len(told)
    for line in written:
        row = told[line["policy"], line["measure"], line["situation"]]
        assert float(line["mean"]) == row["means"][line["situation"]]
        assert float(line["cvar10"]) == row["cvar10"]
        assert line["max_regret"] == ("" if row["max_regret"] is None else str(row["max_regret"]))
        assert float(line["backlog_max"]) == found["load"][row["policy"]][line["situation"]]["backlog_max"]
