"""`quotalab run` as a user meets it: what it prints, what it answers to a mistake, and its exit codes."""

import functools
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sim import cli, results, study
from sim.run_folders import provenance
from sim.scenario_file import load, replaced
from sim.showing import run as show_run
from sim.showing.headline import sentences
from sim.showing.summary import summary
from sim.studying import binding, influence

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")


def quotalab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, its output not a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "quotalab", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def headline(settings: dict[str, Any], options: dict[str, Any]) -> str:
    """The leading sentences of a small study; several tests look at the same."""
    return _headline(json.dumps(settings), json.dumps(options))


@functools.cache
def _headline(settings: str, options: str) -> str:
    described = replaced(load("smoke"), json.loads(settings))
    asked = {"jobs": 1, "register": False, "replications": 4} | json.loads(options)
    return " ".join(sentences(summary(study.run(described, **asked))))


def test_a_run_leads_with_the_cap_and_says_where_its_files_are(tmp_path: Path) -> None:
    out = tmp_path / "run"
    ran = quotalab("run", SMOKE, "--replications", "8", "--out", str(out))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("The 2022 cap of 80 is reached in ")
    assert ran.stdout.splitlines()[-2:] == [f"Everything is in {out}", f"The page: {out / 'report.html'}"]
    assert "\x1b" not in ran.stdout, "no colour where nobody sees it"
    assert all(len(line) <= 100 for line in ran.stdout.splitlines()[:-1])
    for part in (
        "Year by year",
        "Who gets a slot",
        "crafts: people who make things",
        "Uptake",
        "demand.per_year",
    ):
        assert part in ran.stdout


def test_json_is_the_summary_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--replications",
        "3",
        "--jobs",
        "1",
        "--no-register",
        "--json",
        "--out",
        str(tmp_path / "run"),
    ]
    assert cli.main(["run", SMOKE, *options]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["replications"] == 3
    assert printed == (tmp_path / "run" / "summary.json").read_text("utf-8")


def test_quiet_prints_the_sentences_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [
        "--replications",
        "3",
        "--jobs",
        "1",
        "--no-register",
        "--quiet",
        "--out",
        str(tmp_path / "run"),
    ]
    assert cli.main(["run", SMOKE, *options]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("The 2022 cap")
    assert "Year by year" not in printed.out
    assert printed.err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", SMOKE, "--policy", "lotery"], "write lottery"),
        (["run", SMOKE, "--set", "demand.multple=2"], "write demand.multiple"),
        (["run", SMOKE, "--set", "demand.multiple"], "key=value"),
        (["run", SMOKE, "--set", "demand.multiple=-1"], "above 0"),
        (["run", SMOKE, "--precision", "1"], "write 1%"),
        (["run", SMOKE, "--precision", "good"], "such as 1%"),
        (["run", SMOKE, "--precision", "1%", "--replications", "9"], "one of the two"),
        (["run", SMOKE, "--replications", "0"], "at least 1"),
        (["run", SMOKE, "--replications", "many"], "--replications"),
        (["run", SMOKE, "--jobs", "0"], "--jobs"),
        (["run", SMOKE, "--seed", "-1"], "--seed"),
        (["run", SMOKE, "--polcy", "lottery"], "--policy"),
        (["run", "smok"], "write smoke"),
        (["run"], "SCENARIO"),
        (["rum"], "run"),
        (["run", SMOKE, "--out", str(ROOT / "scenarios")], "new or empty"),
    ],
)
def test_a_mistake_is_answered_with_how_to_mend_it(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 3
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
    assert not list(tmp_path.iterdir()), "a mistake should leave no folder behind"


def test_a_fault_of_ours_is_one_line_that_says_where_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(study, "run", broken)
    monkeypatch.delenv("QUOTALAB_TRACEBACK", raising=False)
    assert cli.main(["run", SMOKE, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "ZeroDivisionError" in error
    assert str(tmp_path / "run") in error
    assert results.read(tmp_path / "run")[0]["complete"] is False


def test_interrupted_with_nothing_to_show_ends_with_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "run", interrupted)
    assert cli.main(["run", SMOKE, "--out", str(tmp_path / "run")]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_settings_reach_the_simulation_and_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    options = ["--replications", "2", "--jobs", "1", "--no-register", "--quiet", "--out", str(out)]
    assert (
        cli.main(["run", SMOKE, "--set", "intake.2022.cap=123", "--set", "demand.multiple=2", *options]) == 0
    )
    assert capsys.readouterr().out.startswith("The 2022 cap of 123")
    assert json.loads((out / "settings.json").read_text()) == {"demand.multiple": 2, "intake.2022.cap": 123}
    assert (out / "applicants.parquet").exists(), "two replications: everyone's row is written"


def test_settings_are_told_with_the_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    options = ["--replications", "2", "--jobs", "1", "--no-register", "--out", str(out)]
    assert cli.main(["run", SMOKE, "--set", "demand.multiple=2", *options]) == 0
    assert "smoke, policy first-come; with demand.multiple = 2; seed 7" in capsys.readouterr().out
    manifest, found = results.read(out)
    assert found is not None
    assert manifest["settings"] == found["settings"] == {"demand.multiple": 2}


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_output_without_blocks_gets_other_characters(more: list[str], tmp_path: Path) -> None:
    words = '--set=streams.arts.summary="people who play: théâtre"'
    arguments = ["run", SMOKE, words, "--replications", "3", "--no-register", "--out", str(tmp_path / "run")]
    ran = subprocess.run(
        [sys.executable, "-m", "quotalab", *arguments, *more],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    printed = ran.stdout.decode("ascii")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ("th\\u00e9" if more else "th?") in printed
    assert more or "@ is the cap" in printed


def test_lines_end_without_spaces_and_labels_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influence, "REPLICATIONS_OF_FEW", 2)
    monkeypatch.setattr(binding, "REPLICATIONS", 2)
    found = study.run(load("smoke"), replications=3, jobs=1)
    for width in (20, 100):
        told = io.StringIO()
        console = show_run.console_for(told)
        console.width = width
        show_run.show(summary(found), console)
        assert all(line == line.rstrip() for line in told.getvalue().splitlines())
        assert "demand.per_year" in told.getvalue()
        assert "applications" in told.getvalue()


def test_a_narrow_terminal_counts_as_one_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "30")
    assert show_run.console_for(Terminal()).width == 80


def test_a_year_that_got_slots_from_the_last_says_so() -> None:
    found = study.run(
        replaced(load("smoke"), {"demand.multiple": 0.2}),
        policy="carry-over",
        replications=3,
        jobs=1,
        register=False,
    )
    told = io.StringIO()
    show_run.show(summary(found), show_run.console_for(told))
    assert "cap + carried in" in told.getvalue()
    assert " 60 + " in told.getvalue()
    assert "permits: decided by the scenario's end" in told.getvalue()
    assert "would never bring" in told.getvalue()


def test_the_help_is_quick() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = quotalab("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "run" in ran.stdout
    assert "scenario" in ran.stdout
    # A quarter of a second on the machine it was written on; slower ones and busy ones get some room.
    assert after.ru_utime - before.ru_utime < 0.75


def test_the_version_is_told() -> None:
    assert quotalab("--version").stdout == f"quotalab {provenance.version()}\n"


def test_output_that_nobody_reads_to_the_end_is_no_error(tmp_path: Path) -> None:
    command = (
        f"{sys.executable} -m quotalab run {SMOKE} --replications 3 --no-register --out {tmp_path / 'run'}"
    )
    ran = subprocess.run(
        ["sh", "-c", f"{command} | head -c 20"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("settings", "options", "said"),
    [
        ({"demand.multiple": 0.2}, {}, "is not reached in any of 4 replications; on average "),
        (
            {"demand.multiple": 4},
            {},
            "The 2022 cap of 80 is reached in all 4 replications, in half of them by ",
        ),
        ({"demand.multiple": 4}, {}, "people find a cap reached"),
        ({"demand.multiple": 4}, {}, "The cap of 2023 is reached in all 4 replications too."),
        ({}, {"policy": "no-cap"}, "where the scenario's cap is "),
        ({"demand.multiple": 0.2}, {"policy": "carry-over"}, "slots are left and pass to the next year"),
        ({}, {"replications": 1}, "A single replication: it shows one possible world and no range."),
        ({}, {}, "lowest to highest of 4 replications, by chance alone"),
        ({}, {}, "not estimable from fewer than 72 replications"),
        ({}, {"replications": 72}, "5th to 95th percentile of 72 replications, by chance alone"),
        ({}, {"register": True}, "The 2022 cap would still be reached in half of 21 replications with 0."),
        (
            {"demand.multiple": 0.2, "intake.2022.cap": 50_000, "intake.2023.cap": 50_000},
            {"register": True},
            "No cap comes to bind in half of 5 replications, not up to demand.multiple = ",
        ),
        ({"demand.multiple": 0.5}, {"policy": "carry-over"}, "people find no slot, although no year's cap"),
        ({"demand.multiple": 0.5}, {"policy": "carry-over"}, "the part open to their stream runs out"),
        ({"demand.multiple": 4}, {"policy": "monthly-release"}, "or the part of a year's slots released by"),
        ({"demand.multiple": 4}, {"policy": "weekly-counter"}, "slots are granted beyond the caps"),
        (
            {"demand.multiple": 4, "intake.2022.cap": 900, "intake.2023.cap": 900},
            {"policy": "drawn-by-lot"},
            "people wait in the pool, while",
        ),
        ({"demand.multiple": 0.5}, {"register": True}, "first, at demand.multiple = 0."),
        ({"demand.multiple": 0.5}, {"register": True}, "(this run: 0.5)"),
    ],
)
def test_the_sentences_fit_what_happened(
    settings: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    assert said in headline(settings, options)
