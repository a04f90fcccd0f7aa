"""`quotalab compare` as a user meets it: what it prints and writes, and what it answers to a mistake."""

import csv
import hashlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from openpyxl import load_workbook

from sim import cli, results
from sim.showing import sheets
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")
SMALL = ["compare", SMOKE, "--jobs", "1"]
TWO = "lottery,monthly-release"


def compared(out: Path, *more: str, policies: str = TWO, replications: int = 3) -> dict[str, Any]:
    """The summary of a small comparison."""
    asked = ["--policies", policies, "--replications", str(replications), "--no-register", "--out", str(out)]
    assert cli.main([*SMALL, *asked, *more]) == 0
    found = results.read(out)[1]
    assert found is not None
    return found


def query(path: Path, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(sql.format(f"'{path}'")).fetchall()


def test_it_leads_with_a_sentence_and_then_the_planners_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared(tmp_path / "run", replications=8)
    lines = capsys.readouterr().out.splitlines()
    assert " instead of first come " in lines[0]
    assert next(line for line in lines if line.startswith(" policy")).split()[-2:] == ["hour", "backlog"]
    assert lines[-2:] == [
        f"Everything is in {tmp_path / 'run'}",
        f"The page: {tmp_path / 'run' / 'report.html'}",
    ]
    assert any(line.startswith("Why a slot is lost: ") for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_every_table_has_the_load_of_the_portal_and_of_the_offices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared(tmp_path / "run")
    out = capsys.readouterr().out
    assert out.count("applications, busiest hour") == 2, "a table of contrasts for each policy"
    assert " ".join(out.split()).count("files in processing ") >= 2


def test_quiet_prints_sentences_and_json_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared(tmp_path / "run", "--quiet")
    printed = capsys.readouterr()
    assert "busiest" not in printed.out
    assert printed.err == ""
    compared(tmp_path / "run", "--json")
    assert capsys.readouterr().out == (tmp_path / "run" / "summary.json").read_text("utf-8")


def test_the_folder_is_that_of_a_run_and_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        compared(tmp_path / name, "--applicants", "1")
    first, second = (results.read(tmp_path / name)[0] for name in ("a", "b"))
    assert first["complete"] is True
    assert first["question"]["compare"] == ["first-come", "lottery", "monthly-release"]
    assert first["files"] == second["files"]
    assert set(first["files"]) == {
        *("summary.json", "replications.parquet", "applicants.parquet", "scenario.toml", "finished.jsonl.gz")
    }
    for name, digest in first["files"].items():
        assert hashlib.sha256((tmp_path / "a" / name).read_bytes()).hexdigest() == digest


def test_parquet_has_one_row_a_replication_policy_and_measure(tmp_path: Path) -> None:
    found = compared(tmp_path / "run")
    file = tmp_path / "run" / "replications.parquet"
    sql = "SELECT policy, avg(value), count(*) FROM {} WHERE measure = 'grants' GROUP BY ALL ORDER BY policy"
    for policy, mean, count in query(file, sql):
        assert count == 3
        assert mean == pytest.approx(found["policies"][policy]["measures"]["grants"]["mean"])
    assert len(query(file, sql)) == 3


def test_rows_of_people_tell_who_gained_and_who_lost(tmp_path: Path) -> None:
    found = compared(tmp_path / "run", "--applicants", "3")
    file = tmp_path / "run" / "applicants.parquet"
    sql = (
        "SELECT count(*) / 3 FROM {} a JOIN {} b USING (replication, applicant) WHERE a.policy = 'lottery' "
        "AND b.policy = 'first-come' AND (a.slot_at IS NULL) AND (b.slot_at IS NOT NULL)"
    ).replace("{}", f"'{file}'")
    lost = found["policies"]["lottery"]["measures"]["slot_lost"]["mean"]
    assert query(file, sql) == [(pytest.approx(lost),)]
    sql = (
        "SELECT count(*) / 3 FROM {} WHERE policy = 'lottery' AND against_baseline = 'lost' AND reason <> ''"
    )
    assert query(file, sql) == [(pytest.approx(lost),)]


def test_a_workbook_and_csv_files_hold_the_numbers_of_the_summary(tmp_path: Path) -> None:
    book, folder = tmp_path / "tables" / "compared.xlsx", tmp_path / "csv"
    found = compared(tmp_path / "run", "--xlsx", str(book), "--csv", str(folder))
    pages = load_workbook(book)
    assert pages.sheetnames == ["headline", "policies", "groups", "assumptions", "method"]
    assert sorted(each.name for each in folder.iterdir()) == sorted(f"{n}.csv" for n in pages.sheetnames)

    def rows(name: str) -> list[dict[str, Any]]:
        header, *body = pages[name].iter_rows(values_only=True)
        return [dict(zip(map(str, header), row, strict=True)) for row in body]

    for row in rows("headline"):
        for measure in found["headlines"] + found["load"]:
            assert row[measure] == found["policies"][row["policy"]]["measures"][measure]["mean"]
    for row, each in zip(rows("policies"), found["contrasts"], strict=True):
        assert {name: row[name] for name in sheets.CONTRAST} == {name: each[name] for name in sheets.CONTRAST}
        assert row["tail_low"] == each["tail"]["low"]
    for row, each in zip(rows("groups"), found["groups"], strict=True):
        assert {name: row[name] for name in sheets.GROUP} == {name: each[name] for name in sheets.GROUP}
    assert {row["key"]: row["value"] for row in rows("assumptions")} == {
        each["key"]: each["value"] for each in found["assumptions"]
    }
    method = {row["what"]: row["value"] for row in rows("method")}
    assert (method["seed"], method["replications"]) == (7, 3)
    with (folder / "policies.csv").open(encoding="utf-8", newline="") as file:
        for line, each in zip(csv.DictReader(file), found["contrasts"], strict=True):
            assert line["difference"] == ("" if each["difference"] is None else repr(each["difference"]))


def test_text_that_a_spreadsheet_would_compute_stays_text(tmp_path: Path) -> None:
    book = tmp_path / "compared.xlsx"
    formula = 'policies.weekly-counter.summary="=1+1"'
    compared(tmp_path / "run", "--xlsx", str(book), "--set", formula, policies="weekly-counter")
    cells = [row[1] for row in load_workbook(book)["headline"].iter_rows(values_only=True)]
    assert "'=1+1" in cells


def test_assumptions_are_drawn_with_the_register(tmp_path: Path) -> None:
    asked = ["--policies", TWO, "--replications", "3", "--out", str(tmp_path / "run"), "--quiet"]
    assert cli.main([*SMALL, *asked]) == 0
    found = results.read(tmp_path / "run")[1]
    assert found is not None
    assert found["replications_with_assumptions"] == 3
    assert found["contrasts"][0]["assumptions"]["n"] == 3


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--policies", "lotery"], "write lottery"),
        (["--baseline", "frist-come"], "write first-come"),
        (["--policies", "first-come"], "nothing to compare it with"),
        (["--margin", "much"], "--margin"),
        (["--precision", "5"], "write 5%"),
        (["--jobs", "0"], "--jobs"),
        (["--replications", "0"], "at least 1"),
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
    assert cli.main(["compare", SMOKE, *more]) == 3
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_margin_may_come_from_the_scenario(tmp_path: Path) -> None:
    assert compared(tmp_path / "run", "--set", "objectives.margin_share=0.04")["margin"] == 0.04
    assert compared(tmp_path / "run", "--margin", "2%")["margin"] == 0.02


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_comparison_that_is_interrupted_leaves_a_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by(
        "SIGINT", "compare", "smoke", "--policies", "lottery", "--out", str(path), "--jobs", "1"
    )
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE: interrupted after" in ended.stdout
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert found is not None
    assert 2 <= found["replications"] <= 3
    assert json.loads((path / "summary.json").read_text("utf-8"))["complete"] is False


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_comparison_that_is_killed_leaves_a_folder_marked_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by(
        "SIGKILL", "compare", "smoke", "--policies", "lottery", "--out", str(path), "--jobs", "1"
    )
    assert ended.returncode == -signal.SIGKILL
    manifest, found = results.read(path)
    assert (manifest["complete"], found) == (False, None)
