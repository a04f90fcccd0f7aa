"""`quotalab scenario`: what it prints, where, and how it ends."""

import json
import shutil
from pathlib import Path

import pytest

from sim.cli import main
from sim.scenario_file import schema, shipped

ROOT = Path(__file__).resolve().parents[2]
BAD = ROOT / "tests" / "scenarios" / "bad"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and errors of `quotalab scenario`."""
    code = main(["scenario", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_names_every_shipped_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [each.name for each in shipped()]
    assert "IMP+ as published" in out
    assert "\x1b" not in out


def test_list_as_data_and_as_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "list", "--json")[1])[0].keys() == {"name", "title"}
    assert run(capsys, "list", "--quiet")[1].splitlines() == [each.name for each in shipped()]


def test_check_says_what_a_good_file_holds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", "scenarios/imp-plus.toml", "smoke")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("scenarios/imp-plus.toml: fine. 5 intakes; 2 streams")
    assert run(capsys, "check", "smoke", "--quiet") == (0, "", "")


def test_check_reports_every_problem_of_every_file_and_ends_with_3(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, err = run(capsys, "check", str(BAD / "five-faults.toml"), "smoke", str(BAD / "percent.toml"))
    assert code == 3
    assert out.startswith("smoke: fine")
    assert err.count("five-faults.toml:") == 5
    assert err.count("percent.toml:") == 1
    assert "Traceback" not in err


def test_check_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", "--json", str(BAD / "percent.toml"))
    (problem,) = json.loads(out)
    assert code == 3
    assert (problem["key"], problem["line"], problem["mend"]) == ("behaviour.applies_share", 37, "write 0.75")
    assert json.loads(run(capsys, "check", "--json", "smoke")[1]) == []


def test_check_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check")
    assert code == 3
    assert "no file is named" in err


def test_schema_is_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "schema")
    assert code == 0
    assert json.loads(out) == schema()


def test_show_prints_a_summary_and_then_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "imp-plus")
    text = (ROOT / "scenarios" / "imp-plus.toml").read_text("utf-8")
    assert code == 0
    assert out.endswith(text)
    summary = out.removesuffix(text)
    assert "2022-05-24 to 2026-12-31" in summary
    assert "2022: 14,700; 2023: 7,350" in summary
    assert "weekly-counter, received-counts, pilot-reserve" in summary
    assert len(summary.splitlines()) < 12


def test_show_quietly_gives_a_file_to_begin_with(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, out, _ = run(capsys, "show", "smoke", "--quiet")
    mine = tmp_path / "mine.toml"
    mine.write_text(out, "utf-8")
    assert out == (ROOT / "scenarios" / "smoke.toml").read_text("utf-8")
    assert run(capsys, "check", str(mine))[0] == 0


def test_show_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "show", "imp-plus", "--json")[1])
    assert found["caps"]["2023"] == 7350
    assert found["uncertain"] > 10
    assert set(found["numbers"]) == {"sourced", "derived", "assumption"}


@pytest.mark.parametrize("command", ["show", "check"])
def test_a_name_that_is_nearly_right(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, command, "imp-pluss")
    assert (code, out) == (3, "")
    assert "write imp-plus" in err


def test_a_terminal_gets_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(shutil.get_terminal_size().columns))
    _, out, _ = run(capsys, "list")
    assert "\x1b" in out
    assert "scenario" in out.splitlines()[0]
