"""`quotalab sensitivity` as a user meets it: what it prints and writes, and what it answers to a mistake."""

import csv
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sim import cli, results
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")
SMALL = ["sensitivity", SMOKE, "--trajectories", "2", "--samples", "4", "--jobs", "1"]


def ranked(out: Path, *more: str) -> dict[str, Any]:
    """The summary of a small analysis."""
    assert cli.main([*SMALL, "--measures", "grants", "--out", str(out), *more]) == 0
    found = results.read(out)[1]
    assert found is not None
    return found


def test_it_leads_with_where_the_uncertainty_comes_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranked(tmp_path / "run")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("grants is ")
    assert any(line.startswith("grants: what its variance comes from") for line in lines)
    assert any(line.startswith("grants: one number at a time") for line in lines)
    assert lines[-2:] == [
        f"Everything is in {tmp_path / 'run'}",
        f"The page: {tmp_path / 'run' / 'report.html'}",
    ]


def test_the_folder_is_that_of_a_run_and_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ranked(tmp_path / name)
    first, second = (results.read(tmp_path / name)[0] for name in ("a", "b"))
    assert first["complete"] is True
    assert first["files"] == second["files"]
    points = {f"{name}_{what}.parquet" for name in ("morris", "sobol") for what in ("points", "answers")}
    assert set(first["files"]) == {"summary.json", "scenario.toml", *points}


def test_parquet_has_every_point_and_csv_the_figures_of_the_summary(tmp_path: Path) -> None:
    found = ranked(tmp_path / "run", "--csv", str(tmp_path / "csv"), "--quiet")
    with duckdb.connect() as connection:
        file = tmp_path / "run" / "sobol_answers.parquet"
        rows = connection.execute(f"SELECT count(*), avg(value) FROM '{file}'").fetchall()
    factors = len(found["measures"]["grants"]["sobol"])
    assert rows[0][0] == 4 * (factors + 2)
    with (tmp_path / "csv" / "sobol.csv").open(encoding="utf-8", newline="") as file:
        for row, each in zip(csv.DictReader(file), found["measures"]["grants"]["sobol"], strict=True):
            assert (row["name"], row["total"]) == (each["name"], repr(each["total"]))


@pytest.mark.parametrize("method", ["morris", "sobol"])
def test_a_single_method(method: str, tmp_path: Path) -> None:
    found = ranked(tmp_path / "run", "--method", method, "--quiet")
    measure = found["measures"]["grants"]
    assert bool(measure["morris"]) == (method == "morris")
    assert bool(measure["sobol"]) == (method == "sobol")
    assert len(measure["tornado"]) == len(found["numbers"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--policy", "frist-come"], "write first-come"),
        (["--measures", "grant"], "write grants"),
        (["--samples", "100"], "write 128"),
        (["--samples", "0"], "--samples"),
        (["--trajectories", "1"], "at least 2"),
        (["--method", "saltelli"], "method"),
        (["--jobs", "0"], "--jobs"),
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
    assert cli.main(["sensitivity", SMOKE, *more]) == 3
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_scenario_without_ranges_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["sensitivity", "last-slots"]) == 3
    assert "has a range" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_analysis_that_is_interrupted_leaves_a_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by("SIGINT", *SMALL, "--out", str(path), label="Sobol")
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE: interrupted before Sobol" in ended.stdout
    assert "Traceback" not in ended.stderr
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert found is not None
    assert found["measures"]["grants"]["morris"]
    assert not found["measures"]["grants"]["sobol"]
