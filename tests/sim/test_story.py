"""A person's story is what events.parquet has of them, in words, and what lies between."""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sim import cli
from sim.clock import NEVER
from sim.outcome import EVENTS, event_log
from sim.programme import prepare, simulate
from sim.scenario_file import load
from sim.studying.replication import Question, replicate
from sim.telling import picking, words
from sim.telling.events import KINDS, Life, events
from sim.telling.parting import parting
from sim.telling.story import Told
from tests.random_worlds import random_composition, random_people
from tests.sim.test_extend import quotalab

OF_THE_FILE = {name for name, _ in EVENTS}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("story") / "run"
    assert quotalab("run", "smoke", "--replications", "2", "--no-register", "--out", str(path)) == 0
    return path


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("story") / "compare"
    arguments = ("--policies", "lottery,waiting-list", "--replications", "3", "--no-register")
    assert quotalab("compare", "smoke", *arguments, "--out", str(path)) == 0
    return path


def told(capsys: pytest.CaptureFixture[str], path: Path, *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert cli.main(["story", str(path), "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def query(path: Path, sql: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(sql.format(f"'{path}'")).fetchall()


def test_a_story_has_the_events_of_the_file(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everyone = query(run / "applicants.parquet", "SELECT applicant FROM {} WHERE replication = 1")
    for (applicant,) in everyone[::30]:
        found = told(capsys, run, "--replication", "1", "--applicant", str(applicant))
        (policy,) = found["policies"]
        assert found["person"]["applicant"] == applicant
        had = [(e["epoch_s"], e["event"]) for e in policy["events"] if e["event"] in OF_THE_FILE]
        sql = 'SELECT epoch("at")::BIGINT, event FROM {} WHERE replication = 1 AND applicant = '
        assert sorted(had) == sorted(query(run / "events.parquet", f"{sql}{applicant}"))


@pytest.mark.parametrize("numbers", [range(0, 30), pytest.param(range(30, 600), marks=pytest.mark.long)])
def test_every_life_of_a_random_world_can_be_told(numbers: range) -> None:
    kinds: set[str] = set()
    refusals_told = refusals = 0
    for number in numbers:
        scenario, policy = random_composition(number)
        people = random_people(scenario, number)
        outcome = simulate(prepare(scenario, people), policy)
        times, rows, which = event_log(outcome)
        for row in range(len(people)):
            life = Life("policy", policy, people, outcome, row)
            found = events(scenario, life)
            mine = sorted(
                (int(t), EVENTS[k][0]) for t, k in zip(times[rows == row], which[rows == row], strict=True)
            )
            assert sorted((e.at_s, e.kind) for e in found if e.kind in OF_THE_FILE) == mine
            assert all(words.said(scenario, life, each) for each in found)
            assert words.ending(scenario, life)
            kinds |= {each.kind for each in found}
            refusals += int(outcome.full_count[row])
            refusals_told += sum(each.kind == "no-slot" for each in found)
    assert kinds >= set(KINDS) - {"standing-ended"}
    assert refusals_told > 0.8 * refusals, "few filings cannot be told for certain"


def test_filings_in_between_are_told_where_they_are_certain() -> None:
    """No more refusals than there were, and the last filing is where the rules put it."""
    told_between = several = 0
    smoke = load("smoke")
    for name in smoke.policy_names():
        people, outcome = replicate(Question(smoke, smoke.policy(name), 7), 0)
        for row in np.flatnonzero(outcome.attempts > 2).tolist():
            found = events(smoke, Life(name, smoke.policy(name), people, outcome, row))
            again = [each.at_s for each in found if each.kind == "filed-again"]
            assert len(again) in (0, outcome.attempts[row] - 2)
            assert all(outcome.first_filed_s[row] <= at_s <= outcome.filed_s[row] for at_s in again)
            fulls = sum(each.kind == "no-slot" for each in found)
            assert fulls <= outcome.full_count[row]
            assert not again or fulls == outcome.full_count[row]
            several, told_between = several + 1, told_between + bool(again)
    assert told_between > 0.7 * several > 10


@pytest.mark.parametrize("who", list(picking.WHO))
def test_somebody_is_picked_whom_it_is_true_of(
    who: str, comparison: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    arguments = ["story", str(comparison), "--policy", "waiting-list", "--who", who, "--replication", "1"]
    code = cli.main([*arguments, "--json"])
    printed = capsys.readouterr()
    if code == cli.USAGE:
        assert "nobody of this replication" in printed.err
        return
    base, other = json.loads(printed.out)["policies"]
    had = [{each["event"] for each in policy["events"]} for policy in (base, other)]
    is_true = {
        "lost": "slot" in had[0] and "slot" not in had[1],
        "gained": "slot" not in had[0] and "slot" in had[1],
        "waited-longest": "permit" in had[1],
        "first-slot": any("slot 1 of" in each["words"] for each in other["events"]),
        "turned-away": "no-slot" in had[1],
        "overtaken": other["status"] == "pr-first",
        "never": other["status"] == "pool",
    }
    assert is_true.get(who, True)


def test_a_comparison_is_told_beside_its_baseline_and_says_where_they_part(
    comparison: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert cli.main(["story", str(comparison), "--policy", "lottery", "--who", "lost"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Under first-come " in out
    assert "The one who loses a slot that the baseline gives." in out
    assert "The stories part on " in out
    assert "lottery costs a slot that first-come gives: " in out


def test_the_same_person_has_the_same_luck_under_both(
    comparison: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, other = told(capsys, comparison, "--policy", "lottery")["policies"]
    for kind in ("certificate", "pr-filed", "pr-decided"):
        moments = [[e["at"] for e in policy["events"] if e["event"] == kind] for policy in (base, other)]
        assert moments[0] == moments[1]


def test_where_nothing_differs_it_says_so() -> None:
    scenario, policy = random_composition(3)
    people = random_people(scenario, 3)
    outcome = simulate(prepare(scenario, people), policy)
    here, there = (
        Told(life, events(scenario, life))
        for life in (Life("one", policy, people, outcome, 0), Life("two", policy, people, outcome, 0))
    )
    assert parting(scenario, here, there) == ["Under two and one the same happens, at the same moments."]


def test_slots_are_numbered_without_a_gap(run: Path) -> None:
    scenario, policy = random_composition(5)
    people = random_people(scenario, 5)
    outcome = simulate(prepare(scenario, people), policy)
    for account in outcome.intakes:
        rows = np.flatnonzero((outcome.intake == account.year) & (outcome.slot_s < NEVER)).tolist()
        numbers = [words.slot_number(Life("p", policy, people, outcome, row)) for row in rows]
        assert sorted(numbers) == list(range(1, len(rows) + 1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--applicant", "-5"), "there is no applicant -5"),
        (("--who", "lots"), "write lost"),
        (("--who", "lost"), "name another policy with --policy"),
        (("--who", "lost", "--applicant", "5"), "one of the two"),
        (("--policy", "lotery"), "write lottery"),
        (("--replication", "-1"), "too small"),
    ],
)
def test_what_cannot_be_told_is_refused(
    arguments: tuple[str, ...], said: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["story", str(run), *arguments]) == cli.USAGE
    assert said in capsys.readouterr().err


def test_a_run_is_told_beside_another_policy_and_last_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert quotalab("run", "smoke", "--replications", "1", "--no-register") == 0
    found = told(capsys, Path("last"), "--policy", "lottery", "--replication", "417")
    assert [each["policy"] for each in found["policies"]] == ["first-come", "lottery"]
    assert found["changed_since"] == []
    assert found == told(capsys, Path("last"), "--policy", "lottery", "--replication", "417")
