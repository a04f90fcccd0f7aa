"""quotalab check, as a user has it: exit codes, the verdict first, files for programs and CI, CSV."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from loadtests import cli
from loadtests.history import read, write
from loadtests.proofs.replay import accepts
from tests.loadtests.histories import drawn

RIGHT = "ana claim 1-5 granted slot=1\nbo claim 6-9 full cap=2022"
WRONG = RIGHT + "\ncy claim 10-12 granted slot=2"
TABLE = """\
user,start,elapsed,code,ticket
ana,1.000,0.050,201,A1
bo,1.060,0.030,409,
cy,1.100,0.500,504,
"""
MAP = (
    *("--column", "applicant=user", "--column", "invoked_ns=start", "--column", "elapsed_ns=elapsed"),
    *("--column", "answer=code", "--column", "slot=ticket", "--time-unit", "s"),
    *("--answer", "201=granted", "--answer", "409=full", "--answer", "504=error"),
)


@pytest.fixture
def right(tmp_path: Path) -> str:
    write(drawn(RIGHT), tmp_path / "right.parquet")
    return str(tmp_path / "right.parquet")


@pytest.fixture
def wrong(tmp_path: Path) -> str:
    write(drawn(WRONG), tmp_path / "wrong.jsonl")
    return str(tmp_path / "wrong.jsonl")


def check(*words: str | Path) -> int:
    return cli.main(["check", *map(str, words)])


def test_a_valid_history_says_what_was_checked(right: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(right) == 0
    out = capsys.readouterr().out
    assert out.startswith("VALID: 1 granted, 1 full; one order of the operations explains every answer\n")
    assert all(f"  {name}: " in out for name in ("understood", "receipts", "bounds", "linearizability"))
    assert "2 operations, caps 2022: 1; read in " in out


def test_an_invalid_history_shows_what_clashes(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(wrong, "--quiet") == 1
    first, *below = capsys.readouterr().out.splitlines()
    assert first.startswith("INVALID: over-cap: at 11 ns 2 slots of intake 2022 were certainly held; the cap")
    assert any("[" in line and "cy claim" in line for line in below)


def test_an_unknown_one_says_what_would_settle_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "h.csv").write_text(TABLE)
    assert check(tmp_path / "h.csv", *MAP, "--cap", "2022=1") == 2
    out = capsys.readouterr().out
    assert out.startswith("UNKNOWN: the file does not say how many operations it has")
    assert "--operations 3" in out
    assert check(tmp_path / "h.csv", *MAP, "--cap", "2022=1", "--operations", "3") == 0
    assert check(tmp_path / "h.csv", *MAP, "--cap", "2022=1", "--operations", "4") == 3
    assert check(tmp_path / "h.csv", *MAP, "--cap", "2022=3", "--operations", "3") == 1
    assert check(tmp_path / "h.csv", "--cap", "2022=1") == 3


def test_the_gravest_of_several_counts(tmp_path: Path, right: str, wrong: str) -> None:
    (tmp_path / "broken.jsonl").write_text("no history")
    unread = tmp_path / "unread.jsonl"
    write(drawn("ana claim 1-2 unmatched"), unread)
    assert check(right, right, "--quiet") == 0
    assert check(right, unread, "--quiet") == 2
    assert check(unread, tmp_path / "broken.jsonl", right, "--quiet") == 3
    assert check(tmp_path / "broken.jsonl", wrong, right, "--quiet") == 1


def test_caps_and_switches_beside_the_file_outweigh_its_header(right: str, wrong: str) -> None:
    assert check(right, "--cap", "2022=2", "--quiet") == 1
    assert check(wrong, "--spec", "tolerance=1", "--quiet") == 0
    assert check(wrong, "--only", "receipts", "--quiet") == 0


MISUSED = [
    ((), "no history is named"),
    (("nowhere.parquet",), "there is no such file"),
    (("h", "--cap", "2022"), "'2022' is no cap"),
    (("h", "--spec", "gives_back=nothing"), "some of refusal, withdrawal and expiry"),
    (("h", "--spec", "give_back=refusal"), "there is no switch 'give_back'"),
    (("h", "--only", "bonds"), "there is no check bonds"),
    (("h", "--column", "applicant"), "such as invoked_ns=start"),
    (("h", "--policy", "no-cap"), "there is no scenario"),
    (("h", "--cap", "2029=3"), "no operation is of intake 2029; the file has 2022"),
    (("h", "--junit", "no/such/folder/x.xml"), "there is no folder no/such/folder"),
    (("h", "--json", "no/such/folder/x.json"), "there is no folder no/such/folder"),
    (("h", "h", "--order", "o.npy"), "one order cannot be of several histories"),
]


@pytest.mark.parametrize(("words", "says"), MISUSED, ids=[row[1] for row in MISUSED])
def test_misuse_is_said_with_what_was_expected(
    words: tuple[str, ...], says: str, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(*(right if word == "h" else word for word in words)) == 3
    assert says in capsys.readouterr().err


def test_programs_and_ci_are_told_the_same(
    tmp_path: Path, right: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(right, wrong, "--json", "-", "--junit", tmp_path / "j.xml") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["exit_code"], [each["verdict"] for each in found["histories"]]) == (1, ["VALID", "INVALID"])
    assert found["histories"][1]["clash"]["anomaly"] == "over-cap"
    suites = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert [suite.get("name") for suite in suites] == [right, wrong]
    assert [suite.find(".//failure") is not None for suite in suites] == [False, True]
    assert check(right, "--json", tmp_path / "f.json", "--quiet") == 0
    assert json.loads((tmp_path / "f.json").read_text())["histories"][0]["operations"] == 2


def test_the_order_that_is_written_is_one(
    tmp_path: Path, right: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(right, "--order", tmp_path / "o.npy", "--quiet") == 0
    assert accepts(read(Path(right)), np.load(tmp_path / "o.npy")) is None
    assert check(wrong, "--order", tmp_path / "none.npy", "--quiet") == 1
    assert "no order was found" in capsys.readouterr().err
    assert not (tmp_path / "none.npy").exists()


def test_a_scenario_gives_caps_and_what_must_be_seen(right: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--scenario", "last-slots", "--scale", "0.02", "--cap", "2022=1", "--json", "-")
    assert check(right, *words) == 2
    found = json.loads(capsys.readouterr().out)["histories"][0]
    assert {cap["name"]: cap["limit"] for cap in found["caps"]}.items() >= {"2022": 1, "2026": 6}.items()
    assert "not exercised: 1 refusal was seen, and 80 must be" in [each["says"] for each in found["findings"]]


def test_nothing_but_the_verdict_is_printed_where_nobody_looks(right: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "loadtests.cli", "check", right, "--quiet"], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == 1


AUDITED = RIGHT + "\n- read 20-20 count value=1 note=audit;listed\nana hold 20-20 done slot=1"


def test_an_audit_is_not_asked_for_or_not_made(
    tmp_path: Path, right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(drawn(AUDITED), tmp_path / "audited.parquet")
    for file, options, says in (
        (right, (), "audit: not made, since no count"),
        (right, ("--only", "bounds,linearizability"), "audit: not asked for"),
        (tmp_path / "audited.parquet", ("--only", "bounds"), "audit: not asked for"),
        (tmp_path / "audited.parquet", (), "audit: 1 grant and 1 holder agree"),
    ):
        assert check(file, *options) == 0
        assert f"  {says}" in capsys.readouterr().out


def test_numbers_of_things_are_said_as_people_say_them(
    right: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(right) == 0
    out = capsys.readouterr().out
    assert "1 cap, 1 grant, 1 refusal, no readings, by counting" in out
    assert "2 claims and no releases, counted by key" in out
    assert "reasons: no releases say whether they gave a slot back" in out
