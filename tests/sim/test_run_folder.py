"""Run folders: the same bytes for the same run, honest about what is missing, never over somebody's files."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sim import results, study
from sim.errors import BadInput
from sim.scenario_file import load, text_of
from sim.showing import tables
from sim.studying import blocks
from sim.studying.replication import Question, replicate

ROOT = Path(__file__).resolve().parents[2]
SMOKE = load("smoke")
TEXT = text_of("smoke")[1]


def begin(path: Path, settings: dict[str, Any] | None = None) -> results.RunFolder:
    return results.begin(
        path, source="smoke", text=TEXT, settings=settings or {}, policy="first-come", seed=7, question={}
    )


def written(path: Path, **options: Any) -> Path:
    """A finished run folder of a small study."""
    folder = begin(path)
    found = study.run(SMOKE, **{"replications": 4, "jobs": 1, "register": False} | options)
    results.finish(folder, found, applicants=2)
    return path


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small study, to be read only."""
    return written(tmp_path_factory.mktemp("written") / "run")


def contents(path: Path) -> dict[str, str]:
    """File -> SHA-256, the manifest aside."""
    files = sorted(each for each in path.iterdir() if each.name not in (results.MANIFEST, results.PAGE))
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def query(path: Path, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(sql.format(f"'{path}'")).fetchall()


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    assert contents(written(tmp_path / "a")) == contents(written(tmp_path / "b"))


def test_workers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = contents(written(tmp_path / "a", replications=10))
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    assert alone == contents(written(tmp_path / "b", replications=10, jobs=2))


@pytest.mark.skipif(find_spec("numba") is None, reason="needs the extra `fast`")
@pytest.mark.usefixtures("compiled")
def test_compiled_kernels_change_no_byte(tmp_path: Path) -> None:
    assert contents(written(tmp_path / "a")) == contents(written(tmp_path / "b", fast=True))


def test_the_manifest_vouches_for_every_file(run_folder: Path) -> None:
    manifest, found = results.read(run_folder)
    assert manifest["complete"] is True
    assert manifest["files"] == contents(run_folder)
    assert found is not None
    assert found["replications"] == 4
    assert (run_folder / "scenario.toml").read_text("utf-8") == TEXT


def test_settings_are_kept_beside_the_scenario_and_change_its_digest(tmp_path: Path) -> None:
    plain, changed = begin(tmp_path / "a"), begin(tmp_path / "b", {"demand.multiple": 2})
    assert plain.manifest["scenario_sha256"] != changed.manifest["scenario_sha256"]
    assert json.loads((tmp_path / "b" / "settings.json").read_text()) == {"demand.multiple": 2}
    assert (tmp_path / "b" / "scenario.toml").read_text("utf-8") == TEXT


def test_the_summary_knows_no_time_path_or_nan(run_folder: Path) -> None:
    text = (run_folder / "summary.json").read_text("utf-8")
    assert "NaN" not in text
    assert str(run_folder.parent) not in text
    json.loads(text, parse_constant=pytest.fail)


def test_replications_are_one_row_a_measure(run_folder: Path) -> None:
    file = run_folder / "replications.parquet"
    found = study.run(SMOKE, replications=4, jobs=1, register=False)
    rows = query(
        file, "SELECT value FROM {} WHERE measure = 'grants' AND variant = 'chance' ORDER BY replication"
    )
    assert [value for (value,) in rows] == found.chance["grants"].tolist()
    assert query(file, "SELECT count(*) FROM {}") == [(2 * 4 * len(found.chance),)]
    assert query(file, "SELECT count(*) FROM {} WHERE isnan(value)") == [(0,)]
    assert query(file, "SELECT DISTINCT policy FROM {}") == [("first-come",)]


def test_applicants_are_rows_with_dates_and_words(run_folder: Path) -> None:
    file = run_folder / "applicants.parquet"
    people, outcome = replicate(Question(SMOKE, SMOKE.policy("first-come"), SMOKE.seed), 0)
    types = {name: kind for name, kind, *_ in query(file, "DESCRIBE SELECT * FROM {}")}
    assert {types[name] for name in types if name.endswith("_at")} == {"TIMESTAMP"}
    assert {types[name] for name in ("stream", "residence", "cohort", "status", "attribute_country")} == {
        "VARCHAR"
    }
    assert query(file, "SELECT count(*) FROM {} WHERE replication = 0") == [(len(people),)]
    slots = query(file, "SELECT epoch(slot_at)::BIGINT FROM {} WHERE replication = 0 AND slot_at IS NOT NULL")
    assert sorted(s for (s,) in slots) == sorted(outcome.slot_s[outcome.intake > 0].tolist())
    cohorts = {name for (name,) in query(file, "SELECT DISTINCT cohort FROM {}")}
    assert cohorts == {"backlog", "2022", "2023", "a fair"} | cohorts & {"2021"}


def test_events_are_the_dates_of_the_applicants_in_order(run_folder: Path) -> None:
    events, applicants = run_folder / "events.parquet", run_folder / "applicants.parquet"
    assert [row[:2] for row in query(events, "DESCRIBE SELECT * FROM {}")] == [
        ("replication", "BIGINT"),
        ("applicant", "BIGINT"),
        ("at", "TIMESTAMP"),
        ("event", "VARCHAR"),
    ]
    for event in ("letter", "slot", "arrived"):
        told = query(events, f"SELECT replication, applicant, \"at\" FROM {{}} WHERE event = '{event}'")
        kept = query(
            applicants, f"SELECT replication, applicant, {event}_at FROM {{}} WHERE {event}_at IS NOT NULL"
        )
        assert sorted(told) == sorted(kept)
        assert told
    times = query(events, 'SELECT replication, "at" FROM {}')
    assert times == sorted(times)


def test_a_permit_lasts_from_the_arrival_to_its_end_or_permanent_residence(run_folder: Path) -> None:
    file = run_folder / "applicants.parquet"
    month_s, months = 2_629_800, SMOKE.programme.permit_months
    query_text = "SELECT epoch(arrived_at), epoch(pr_decided_at), pr_approved, epoch(permit_until_at) FROM {}"
    seen = set()
    for arrived, decided, approved, until in query(file, query_text):
        if arrived is None:
            assert until is None
            continue
        is_cut_short = approved and decided is not None and decided < arrived + months * month_s
        assert until == (decided if is_cut_short else arrived + months * month_s)
        assert until >= arrived
        seen.add(bool(is_cut_short))
    assert seen == {True, False}


def test_an_empty_table_still_has_its_types(tmp_path: Path) -> None:
    empty = {"stream": np.empty(0, dtype=object), "filed_at": np.empty(0, dtype=np.int64)}
    tables.write(tmp_path / "t", empty, {name: tables.expression(name, empty[name]) for name in empty})
    assert [row[1] for row in query(tmp_path / "t", "DESCRIBE SELECT * FROM read_parquet({})")] == [
        "VARCHAR",
        "TIMESTAMP",
    ]


def test_an_earlier_run_is_replaced(tmp_path: Path) -> None:
    path = written(tmp_path / "run")
    begin(path)
    assert sorted(each.name for each in path.iterdir()) == ["manifest.json", "scenario.toml"]


@pytest.mark.parametrize("ours_too", [False, True])
def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path, ours_too: bool) -> None:
    path = tmp_path / "run"
    if ours_too:
        written(path)
    path.mkdir(exist_ok=True)
    (path / "thesis.doc").write_text("years of work")
    before = contents(path)
    with pytest.raises(BadInput, match=r"thesis\.doc") as refused:
        begin(path)
    assert "give a folder that is new or empty" in str(refused.value)
    assert contents(path) == before


def test_a_file_cannot_be_a_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(BadInput, match="this is a file"):
        begin(tmp_path / "run")


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = results.default_path("smoke", 7)
    first.mkdir(parents=True)
    assert results.default_path("smoke", 7) != first


def test_a_summary_that_was_never_written_is_none(tmp_path: Path) -> None:
    manifest, found = results.read(begin(tmp_path / "run").path)
    assert manifest["complete"] is False
    assert found is None


KILLED = """
import contextlib, os, signal, sys
import sim.cli

@contextlib.contextmanager
def told(*, shown):
    def progress(label, done, total):
        if label == LABEL and done == 3:
            os.kill(os.getpid(), signal.SIGNAL)
    yield progress

sim.cli.progress = told
raise SystemExit(sim.cli.main(sys.argv[1:]))
"""


def stopped_by(name: str, *arguments: str, label: str = "replications") -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own that gets a signal during its third replication, or during
    the third step of whatever the progress bar calls `label`.
    """
    source = KILLED.replace("SIGNAL", name).replace("LABEL", repr(label))
    return subprocess.run(
        [sys.executable, "-c", source, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_run_that_is_killed_leaves_a_folder_marked_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by("SIGKILL", "run", "smoke", "--out", str(path), "--jobs", "1")
    assert ended.returncode == -signal.SIGKILL
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert manifest["ended"] is None
    assert found is None
    written(path)  # and the same folder can be used again
    assert results.read(path)[0]["complete"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_run_that_is_interrupted_leaves_a_readable_part(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ended = stopped_by("SIGINT", "run", "smoke", "--out", str(path), "--jobs", "1")
    assert ended.returncode == 0, ended.stderr
    assert "INCOMPLETE: interrupted after" in ended.stdout
    assert "Traceback" not in ended.stderr
    manifest, found = results.read(path)
    assert manifest["complete"] is False
    assert manifest["files"] == contents(path)
    assert found is not None
    assert 2 <= found["replications"] <= 3
    assert query(path / "replications.parquet", "SELECT count(*) > 0 FROM {}") == [(True,)]
