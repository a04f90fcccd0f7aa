"""The histories that are kept: each ends as the folder says in which it lies."""

from pathlib import Path

import pytest

from loadtests import cli
from loadtests.checks import linearizability
from loadtests.history import read
from loadtests.verdict import EXIT_CODES, judge
from tests.wing_gong import legal_order

CORPUS = Path(__file__).resolve().parents[1] / "histories"
FILES = sorted(CORPUS.glob("*/*.jsonl"))
NAMES = [f"{file.parent.name}/{file.stem}" for file in FILES]
EXPECTED = {"valid": "VALID", "invalid": "INVALID", "unknown": "UNKNOWN"}
MOST_SEARCHED = 20
"""Rows of the longest history that the plain search is given."""


def test_there_is_enough_to_go_by() -> None:
    assert len(FILES) >= 24
    assert {file.parent.name for file in FILES} == set(EXPECTED)


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_file_says_where_it_comes_from(file: Path) -> None:
    source = read(file).header.source
    assert len(source) > 20
    assert "\n" not in source


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_the_search_says_what_the_folder_says(file: Path) -> None:
    """What is unknown is so for another reason than that there is no order."""
    if len(history := read(file)) > MOST_SEARCHED:
        pytest.skip("too many operations to try every order")
    if (history.is_op("claim", "release") & (history.coded("applicant").codes < 0)).any():
        pytest.skip("the plain search asks whose claim it is")
    assert (legal_order(history) is None) == (file.parent.name == "invalid")


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_the_exact_check_alone_is_never_wrong(file: Path) -> None:
    expected = "INVALID" if file.parent.name == "invalid" else "VALID"
    if len(history := read(file)) > MOST_SEARCHED:
        pytest.skip("judged once, with all checks")
    said = judge(history, {"linearizability": linearizability.check}).judgement
    assert said == expected or (file.parent.name == "unknown" and said == "UNKNOWN")


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_file_is_judged_as_its_folder_says(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With all checks, by the command: in its first word, and in its exit code."""
    judgement = EXPECTED[file.parent.name]
    assert cli.main(["check", str(file), "--quiet"]) == EXIT_CODES[judgement]
    assert capsys.readouterr().out.startswith(f"{judgement}: ")
