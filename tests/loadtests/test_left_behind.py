"""Runs that are meant by folder or name, and what is not a load test's."""

import shutil
from pathlib import Path

import pytest

from loadtests.commands.check import check

VALID = Path(__file__).parent.parent / "histories" / "valid" / "year-boundary.jsonl"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from loadtests.history import read, write

    folder = tmp_path / "results" / "runs" / "opening-day-20260101T000000Z-1"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"started": "2026-01-01T00:00:00Z"}', "utf-8")
    write(read(VALID), folder / "history.parquet")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("name", ["last", "opening-day", "opening-day-20260101T000000Z-1"])
def test_a_run_is_judged_by_its_name(run: Path, name: str) -> None:
    assert check(Path(name), quiet=True) == 0
    assert check(run, quiet=True) == 0


def test_a_run_without_a_history_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "history.parquet").unlink()
    assert check(Path("last"), quiet=True) == 3
    assert "this run left no history" in capsys.readouterr().err


def test_a_name_that_no_run_has_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(Path("closing-day"), quiet=True) == 3
    assert "there is no run 'closing-day'" in capsys.readouterr().err
    assert check(Path("history.jsonl"), quiet=True) == 3
    assert "there is no such file" in capsys.readouterr().err


def test_records_that_are_garbled_are_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "history.parquet").unlink()
    shutil.copyfile(VALID, run / "trace.npz")
    (run / "history").mkdir()
    assert check(run, quiet=True) == 3
    assert "Traceback" not in capsys.readouterr().err
