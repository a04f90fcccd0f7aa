"""The campaign goes on where it stopped, and its cases are commands that can be planned."""

import json
from pathlib import Path

import pytest

from loadtests.loading.plan import Options, plan
from tests import campaign, every_agreement, hedges


def test_what_ended_as_it_must_on_this_commit_is_not_done_again(tmp_path: Path) -> None:
    progress = tmp_path / "campaign.jsonl"
    lines = [
        {"case": "soak", "commit": "abc", "is_right": True},
        {"case": "ramp", "commit": "abc", "is_right": False},
        {"case": "churn", "commit": "abd", "is_right": True},
    ]
    assert campaign.done("abc", progress) == set()
    progress.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    assert campaign.done("abc", progress) == {"soak"}


def test_an_unknown_case_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert campaign.main(["opening-night"]) == 3
    assert "no such case: opening-night; there are crowd-sqlite" in capsys.readouterr().out


@pytest.mark.parametrize(("fault", "verdict"), [(None, "VALID"), ("non-idempotent-retry", "INVALID")])
def test_short_runs_with_hedged_pairs(tmp_path: Path, fault: str | None, verdict: str) -> None:
    """One correct service for all of them; one that gives a slot to each of two twins is caught."""
    first, runs = (1, 1) if fault else (4, 2)
    found = hedges.batch(first, first + runs - 1, tmp_path, fault=fault)
    assert found["pace"] >= 60
    assert found["verdicts"] == {verdict: runs}
    assert found["pairs_at_once"] > 20 * runs
    assert found["kept"] == (["0001"] if fault else [])


def test_a_part_of_a_world_is_one_case(tmp_path: Path) -> None:
    asked = ["repeats", "--size", "2", "--cap", "1", "--spec", "sticky", "--part", "1", "--parts", "2"]
    assert every_agreement.main([*asked, "--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert sum(summary["verdicts"].values()) > 50
    assert sum(case.module == "tests.every_agreement" for case in campaign.CASES) == 40


def test_the_crowd_is_as_large_as_it_says() -> None:
    crowd = plan(Options(str(campaign.ROOT / "tests" / "crowd.toml"), workers=2, service_workers=4))
    [intake] = crowd.trace.intakes
    assert [cap.limit for cap in intake.caps] == [14_700]
    assert 44_500 < crowd.trace.counts["people"] < 46_000
    assert crowd.replay_s < 150
    assert len({case.name for case in campaign.CASES}) == len(campaign.CASES)
