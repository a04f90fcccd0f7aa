"""`quotalab paradox` as a user meets it: what it prints and writes, and what it answers to a mistake."""

import json
import sys
from pathlib import Path

import duckdb
import pytest

from sim import cli, results
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
LIMITED = 'policies.lottery.value_limit={attribute="country", share=0.5}'
SMALL = ["paradox", "--about", "frequency", "--instances", "46", "--jobs", "1"]


def test_it_leads_with_the_smallest_example_and_ends_with_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*SMALL, "--out", str(tmp_path / "run")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 of 1 things that one would think are not always true")
    commands = [line.split() for line in lines if line.startswith("  quotalab run ")]
    assert [words[:2] for words in commands] == [["quotalab", "run"]] * 2
    assert lines[-2:] == [
        f"Everything is in {tmp_path / 'run'}",
        f"The page: {tmp_path / 'run' / 'report.html'}",
    ]
    granted = []
    for k, words in enumerate(commands):
        out = tmp_path / f"variant-{k}"
        assert cli.main([*words[1:], "--out", str(out), "--json"]) == 0
        granted.append(json.loads(capsys.readouterr().out)["measures"]["grants"]["chance"]["mean"])
    assert granted[1] < granted[0], "both commands as printed, and the second grants fewer"


def test_the_folder_is_that_of_a_run_and_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert cli.main([*SMALL, "--quiet", "--out", str(tmp_path / name)]) == 0
    first, second = (results.read(tmp_path / name)[0] for name in ("a", "b"))
    assert first["complete"] is True
    assert first["files"] == second["files"]
    assert set(first["files"]) >= {"summary.json", "worlds.parquet", "paradox-frequency-total.toml"}
    found = results.read(tmp_path / "a")[1]
    assert found is not None
    broken = sum(each["times"] for rate in found["rates"] for each in rate["harms"].values())
    with duckdb.connect() as connection:
        file = tmp_path / "a" / "worlds.parquet"
        sql = f"SELECT count(*), count(*) FILTER (harm <> '') FROM '{file}'"
        assert connection.execute(sql).fetchall() == [(46, broken)]


def test_csv_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [*SMALL, "--json", "--csv", str(tmp_path / "csv"), "--out", str(tmp_path / "run")]
    assert cli.main(asked) == 0
    assert capsys.readouterr().out == (tmp_path / "run" / "summary.json").read_text("utf-8")
    assert sorted(each.stem for each in (tmp_path / "csv").iterdir()) == ["events", "examples", "rates"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--about", "scor"], "write score"),
        (["--policy", "lotery"], "write lottery"),
        (["--policy", "no-cap"], "is not a policy for random worlds"),
        (["--instances", "0"], "at least 1"),
        (["--jobs", "0"], "--jobs"),
        (["--seed", "-1"], "--seed"),
        (["--set", "demand.multiple=2"], "no scenario"),
        (["smok"], "smoke"),
        (["smoke", "--policy", "frist-come"], "write first-come"),
        (["smoke", "--policy", "first-come,lottery"], "several policies"),
        (["smoke", "--policy", "lottery", "--set", LIMITED], "looks at attributes"),
    ],
)
def test_a_mistake_is_answered_and_leaves_no_folder(
    more: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["paradox", *more]) == 3
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_search_that_is_interrupted_leaves_a_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by("SIGINT", *SMALL, "--out", str(path), label="worlds: frequency")
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE: interrupted after" in ended.stdout
    assert "Traceback" not in ended.stderr
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert found is not None
    assert 2 <= found["tried"] <= 3
