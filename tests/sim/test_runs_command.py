"""`quotalab runs` lists what is there, newest first, whatever made it and whatever became of it."""

import json
from pathlib import Path

import pytest

from sim import cli, results
from sim.run_folders import listing
from sim.showing import headline
from tests.sim.test_extend import quotalab


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "runs"
    common = ("--no-register", "--jobs", "1", "--replications")
    assert quotalab("run", "smoke", *common, "2", "--out", str(folder / "first")) == 0
    arguments = ("--policies", "lottery", "--out", str(folder / "second"))
    assert quotalab("compare", "smoke", *common, "3", *arguments) == 0
    for name, started in (("first", "2026-01-01T00:00:00Z"), ("second", "2026-01-02T00:00:00Z")):
        file = folder / name / "manifest.json"
        file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"started": started}))
    return folder


def test_the_newest_comes_first_with_its_facts_and_its_sentence(runs: Path) -> None:
    second, first = listing.listed()
    assert (second.name, second.what, second.policies) == ("second", "comparison", ["first-come", "lottery"])
    assert (first.name, first.what, first.policies) == ("first", "run", ["first-come"])
    assert (first.replications, second.replications) == (2, 3)
    assert first.complete
    assert first.scenario == "smoke"
    summary = results.read(runs / "first")[1]
    assert summary is not None
    assert first.headline == headline.sentences(summary)[0]
    assert "first come" in second.headline


def test_it_prints_them(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "second"
    assert lines[1] == "  comparison; smoke; first-come, lottery; 3 replications; 2026-01-02 00:00:00 UTC"
    assert "first" in lines
    assert cli.main(["runs", str(runs), "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)] == ["second", "first"]


def test_what_was_killed_or_cannot_be_read_is_listed_as_incomplete(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((runs / "first" / "manifest.json").read_text("utf-8"))
    (runs / "first" / "manifest.json").write_text(json.dumps(manifest | {"complete": False}))
    (runs / "first" / "summary.json").unlink()
    (runs / "broken").mkdir()
    (runs / "broken" / "manifest.json").write_text("{")
    found = {each.name: each for each in listing.listed()}
    assert not found["first"].complete
    assert found["first"].headline == ""
    assert found["first"].replications is None
    assert found["broken"].what == "unknown"
    assert cli.main(["runs"]) == 0
    assert "INCOMPLETE" in capsys.readouterr().out


def test_a_load_test_is_listed_with_its_verdict(runs: Path) -> None:
    folder = runs / "load"
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"started": "2027", "question": {"target": "x"}}))
    (folder / "verdict.json").write_text(json.dumps({"says": "VALID: all is well"}))
    assert listing.listed()[0][:3] == ("load", listing.RUNS / "load", "load")
    assert listing.listed()[0].headline == "VALID: all is well"


def test_without_runs_it_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["runs"]) == 0
    assert "quotalab run SCENARIO" in capsys.readouterr().out
    assert cli.main(["runs", "nowhere"]) == cli.USAGE
    assert "there is no such folder" in capsys.readouterr().err


def test_every_kind_of_summary_has_sentences() -> None:
    import importlib

    for module in listing.SHOWN_BY.values():
        assert callable(importlib.import_module(f"sim.showing.{module}").sentences)
