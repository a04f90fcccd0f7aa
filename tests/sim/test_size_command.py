"""`quotalab size` as a user meets it: what it prints and writes, and what it answers to a mistake."""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sim import cli, results
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")


def sized(out: Path, *more: str) -> dict[str, Any]:
    """The summary of a small search."""
    asked = ["size", SMOKE, "--replications", "6", "--jobs", "1", "--within", "21d", "--out", str(out)]
    assert cli.main([*asked, *more]) == 0
    found = results.read(out)[1]
    assert found is not None
    return found


def test_it_leads_with_how_many_and_ends_with_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sized(tmp_path / "run", "--level", "60%")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{found['answer']} officer")
    assert any(line.startswith("  quotalab load ") and "--window" in line for line in lines)
    assert any("evenly round the clock" in line for line in lines)
    assert lines[-2:] == [
        f"Everything is in {tmp_path / 'run'}",
        f"The page: {tmp_path / 'run' / 'report.html'}",
    ]


def test_the_folder_is_that_of_a_run_and_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sized(tmp_path / name)
    first, second = (results.read(tmp_path / name)[0] for name in ("a", "b"))
    assert first["complete"] is True
    assert first["files"] == second["files"]
    tables = {f"{name}.parquet" for name in ("needed", "officers", "peaks", "over_time")}
    assert set(first["files"]) == {"summary.json", "scenario.toml", *tables}


def test_parquet_and_csv_hold_the_numbers_of_the_summary(tmp_path: Path) -> None:
    found = sized(tmp_path / "run", "--csv", str(tmp_path / "csv"))
    with duckdb.connect() as connection:
        file = tmp_path / "run" / "officers.parquet"
        sql = f"SELECT officers, avg(value) FROM '{file}' WHERE measure = 'level' GROUP BY 1 ORDER BY 1"
        means = connection.execute(sql).fetchall()
    assert means == [
        (row["officers"], pytest.approx(row["measures"]["level"]["mean"])) for row in found["officers"]
    ]
    with (tmp_path / "csv" / "officers.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["measure"] == "backlog_max"]
    for row, each in zip(rows, found["officers"], strict=True):
        assert row["mean"] == repr(each["measures"]["backlog_max"]["mean"])


def test_quiet_prints_sentences_and_json_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sized(tmp_path / "run", "--quiet")
    printed = capsys.readouterr()
    assert "over time" not in printed.out
    assert printed.err == ""
    sized(tmp_path / "run", "--json")
    assert capsys.readouterr().out == (tmp_path / "run" / "summary.json").read_text("utf-8")


def test_no_line_for_a_load_test_where_it_would_replay_something_else(tmp_path: Path) -> None:
    found = sized(tmp_path / "run", "--set", "demand.multiple=2")
    assert found["load"]["command"] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--policy", "frist-come"], "write first-come"),
        (["--policy", "first-come,lottery"], "several policies"),
        (["--level", "much"], "--level"),
        (["--level", "90"], "write 90%"),
        (["--confidence", "0"], "--confidence"),
        (["--within", "soon"], "60d, 8w"),
        (["--within", "0"], "--within"),
        (["--officers", "9..2"], "the lower first"),
        (["--officers", "few"], "2..40"),
        (["--officers", "0..4"], "from 1"),
        (["--jobs", "0"], "--jobs"),
        (["--replications", "0"], "at least 1"),
        (["--seed", "-1"], "--seed"),
        (["--set", "demand.multple=2"], "write demand.multiple"),
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
    assert cli.main(["size", SMOKE, *more]) == 3
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_search_that_is_interrupted_leaves_a_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by("SIGINT", "size", "smoke", "--out", str(path), "--jobs", "1", label="officers needed")
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE: interrupted after" in ended.stdout
    assert "Traceback" not in ended.stderr
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert found is not None
    assert 2 <= found["needed"]["replications"] <= 3
    assert json.loads((path / "summary.json").read_text("utf-8"))["complete"] is False
