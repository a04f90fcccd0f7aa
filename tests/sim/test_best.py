"""`quotalab best`: what is chosen and said, searches, fronts, interruptions, and answers to mistakes."""

import contextlib
import csv
import io
import math
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from sim import cli, results
from sim.exploring import best as choosing
from sim.exploring import pareto, searching
from sim.exploring import points as exploring
from sim.exploring.points import Point
from sim.exploring.race import Agreed, Race
from sim.exploring.searching import Wanted
from sim.exploring.varying import Varied, varied
from sim.exploring.wanted import Constraint, Difference, Objective
from sim.scenario_file import load
from sim.showing import best_summary
from sim.studying import blocks
from sim.studying.blocks import Crew
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")
SMALL = ("best", SMOKE, "--jobs", "1")
THREE = ("--policies", "first-come,lottery,monthly-release")
PERMITS = Objective("permits", 1)


def agreed(**changes: Any) -> Agreed:
    given: dict[str, Any] = {
        "objective": PERMITS,
        "constraints": (),
        "delta": Difference(2.0, False),
        "confidence": 0.95,
        "procedure": "good",
        "first": 10,
        "most": 60,
    }
    return Agreed(**(given | changes))


def crew(jobs: int = 1) -> Crew:
    return Crew(jobs, lambda *_: None)


def found_in(out: Path, *more: str) -> dict[str, Any]:
    """The summary of a small choice."""
    assert cli.main([*SMALL, "--out", str(out), *more]) == 0
    found = results.read(out)[1]
    assert found is not None
    return found


def policies(*names: str) -> tuple[Point, ...]:
    return tuple(Point((), name) for name in names)


@pytest.fixture(scope="module")
def most_permits(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The choice of the policy with the most permits: its summary, and what was printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        path = tmp_path_factory.mktemp("most-permits") / "run"
        found = found_in(path, *THREE, "--objective", "permits", "--delta", "3")
    return found, printed.getvalue()


def test_it_leads_with_the_choice_and_its_guarantee(most_permits: tuple[dict[str, Any], str]) -> None:
    found, printed = most_permits
    said = " ".join(printed.split())
    assert said.startswith(f"{found['points'][found['chosen']]['label']} gives the most permits: ")
    assert "on 40 fresh replications" in said
    assert "With 95 % confidence no other of 3 policies is better by more than 3." in said
    worst = next(each for each in found["points"] if each["label"] == "monthly-release")
    assert worst["how"] == "beaten"
    assert worst["difference"]["high"] < 0
    assert found["settled"]
    assert found["shortfall"] <= 3


def test_the_reported_values_come_from_replications_that_nothing_was_chosen_by(
    most_permits: tuple[dict[str, Any], str],
) -> None:
    found, _ = most_permits
    name = found["points"][found["chosen"]]["policy"]
    numbers = range(choosing.CONFIRMATION, choosing.CONFIRMATION + choosing.CONFIRMED)
    fresh = exploring.values(
        load("smoke"), policies(name), ["permits"], replications=numbers, seed=7, crew=crew()
    )
    (ours,) = [each for each in found["confirmed"] if each["point"] == found["chosen"]]
    assert ours["measures"]["permits"]["mean"] == pytest.approx(fresh.mean())
    assert searching.REPLICATIONS <= choosing.SELECTION
    assert choosing.SELECTION + choosing.MOST <= choosing.CONFIRMATION


def test_workers_and_portions_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    points = policies("first-come", "lottery", "monthly-release", "carry-over")
    limits = (Constraint("over_cap_returns", 1, 100.0),)
    asked = agreed(constraints=limits, delta=Difference(1.0, False))
    alone = choosing.best(load("smoke"), points, asked, crew=crew())
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    monkeypatch.setattr(blocks, "BLOCK_S", 1e-9)
    together = choosing.best(load("smoke"), points, asked, crew=crew(2))
    assert best_summary.summary(alone) == best_summary.summary(together)


def test_a_selection_hears_what_the_points_give() -> None:
    points = policies("first-come", "lottery", "monthly-release")
    found = choosing.best(load("smoke"), points, agreed(), crew=crew())
    chosen = found.selected
    assert chosen is not None
    numbers = range(choosing.SELECTION, choosing.SELECTION + chosen.replications)
    whole = exploring.values(load("smoke"), points, ["permits"], replications=numbers, seed=7, crew=crew())
    for k, fate in enumerate(chosen.fates):
        assert np.array_equal(chosen.values[k, : fate.replications], whole[k, : fate.replications])
        assert np.isnan(chosen.values[k, fate.replications :]).all()


def test_constraints_leave_out_what_misses_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--objective", "over_cap_returns", "--maximise", "--subject-to", "permits >= 118")
    found = found_in(tmp_path / "run", *THREE, *more)
    how = {each["label"]: each["how"] for each in found["points"]}
    assert how == {"first-come": "best", "lottery": "beaten", "monthly-release": "outside"}
    assert "monthly-release misses a constraint (permits >= 118)" in " ".join(capsys.readouterr().out.split())


def test_where_no_point_meets_the_constraints_none_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = found_in(tmp_path / "run", *THREE, "--objective", "permits", "--subject-to", "permits>=1000")
    assert found["chosen"] is None
    assert {each["how"] for each in found["points"]} == {"outside"}
    assert capsys.readouterr().out.startswith("No point is known to meet permits >= 1,000.")


def test_points_that_are_the_same_are_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--objective", "permits", "--vary", "objectives.decision_weeks=4,9,12", "--quiet")
    found = found_in(tmp_path / "run", *more)
    assert [each["how"] for each in found["points"]] == ["best", "near", "near"]
    assert found["replications"] == choosing.FIRST
    assert "the very same in every replication" in " ".join(capsys.readouterr().out.split())


def race(values: Any, **changes: Any) -> tuple[str, ...]:
    """The fates of points with these values, (points, replications, measures)."""
    values = np.asarray(values, dtype=float)
    asked = agreed(first=3, **changes)
    running = Race(asked, len(values), values[0, :3, 0], values[:, :3])
    for r in range(3, values.shape[1]):
        if not running.over:
            running.hear(values[:, r])
    return tuple(fate.how for fate in running.ended())


def test_a_point_without_a_value_is_out_whenever_it_happens() -> None:
    same = [[5.0]] * 6
    for moment in (1, 4):
        gap = [[5.0 + 0.1 * (r % 2)] if r != moment else [math.nan] for r in range(6)]
        assert race([same, gap], delta=Difference(0.001, False)) == ("best", "no value")


def test_who_is_not_known_to_meet_a_limit_puts_nobody_out() -> None:
    limit = (Constraint("used", 1, 10.0),)
    able = [[5.0 + 0.01 * (r % 2), 1.0] for r in range(40)]
    better = [[9.0 + 0.01 * (r % 2), 10.0 + 3.0 * (-1) ** r] for r in range(40)]  # on the limit itself
    assert race([able, better], constraints=limit)[1] != "outside"
    assert race([able, better], constraints=limit)[0] in ("best", "near")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "what is to be made best?"),
        (["--objective", "permitts"], "write permits"),
        (["--objective", "cap"], "which way is better depends on you"),
        (["--objective", "permits:up"], "permits:max or permits:min"),
        (["--objective", "permits", "--maximise", "--minimise"], "give one of the two"),
        (["--objective", "permits", "--objectives", "a,b"], "give one of the two"),
        (["--objectives", "permits"], "write --objective permits"),
        (["--objectives", "permits,grants", "--maximise"], "permits:max,backlog_max:min"),
        (["--objectives", "permits,grants", "--search", "5"], "a search has one objective"),
        (["--objective", "permits", "--subject-to", "over_cap_returns<500"], "with <= or >="),
        (["--objective", "permits", "--subject-to", "over_cap_returns<=many"], "is not a constraint"),
        (["--objective", "permits", "--subject-to", "over_cap_return<=5"], "write over_cap_returns"),
        (["--objective", "permits", "--delta", "0"], "is not a difference that can matter"),
        (["--objective", "permits", "--delta=-1%"], "is not a difference that can matter"),
        (["--objective", "permits", "--confidence", "95"], "write 95%"),
        (["--objective", "permits", "--policies", "lottery"], "nothing to choose from"),
        (["--objective", "permits", "--policies", "lotery,first-come"], "write lottery"),
        (["--objective", "permits", "--vary", "intake.2022.cap=9..5"], "write 5..9"),
        (["--objective", "permits", "--search", "20"], "nothing to search over"),
        (["--objective", "permits", "--shortlist", "20"], "add --search 200"),
        (
            ["--objective", "permits", "--vary", "intake.2022.cap=1,2,50", "--measures", "x"],
            "is not a measure",
        ),
        (["--objective", "permits", "--replications", "5"], "at least 12"),
    ],
)
def test_a_mistake_is_answered_with_how_to_mend_it(
    asked: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*SMALL, "--out", str(tmp_path / "run"), *asked]) == 3
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def wanted(*texts: str, **changes: Any) -> Wanted:
    given: dict[str, Any] = {"policies": ("first-come",), "objective": PERMITS, "constraints": ()}
    return Wanted(varied(load("smoke"), texts), **(given | changes))


def searched(space: Wanted, trials: int = 24, seed: int = 7) -> list[searching.Trial]:
    return searching.search(load("smoke"), space, trials=trials, replications=2, seed=seed, crew=crew())


def test_a_search_is_the_same_again_and_another_with_another_seed() -> None:
    space = wanted("intake.2022.cap=20..120", "demand.multiple=0.5..2", policies=("first-come", "lottery"))
    once = searched(space)
    assert repr(once) == repr(searched(space))
    assert repr(once) != repr(searched(space, seed=8))
    assert {each.point.policy for each in once} == {"first-come", "lottery"}


def test_a_search_comes_close_to_what_trying_everything_finds() -> None:
    """More slots give more permits and turn fewer away: the best is in a corner."""
    limit = (Constraint("over_cap_returns", 1, 60.0),)
    space = wanted("intake.2022.cap=20..120", "intake.2023.cap=20..120", constraints=limit)
    tried = searched(space, 60)
    chosen = searching.shortlist(tried, PERMITS, 3)
    assert len(chosen) == 3
    caps = [int(value) for _, value in chosen[0].settings]
    every = [
        Point((("intake.2022.cap", a), ("intake.2023.cap", b)), "first-come")
        for a, b in product(range(20, 121, 20), repeat=2)
    ]
    grid = exploring.values(
        load("smoke"), every, ["permits", "over_cap_returns"], replications=range(2), seed=7, crew=crew()
    ).mean(axis=1)
    best = grid[grid[:, 1] <= 60.0, 0].max()
    (mine,) = [each for each in tried if each.point == chosen[0]][:1]
    assert mine.misses == 0.0
    assert mine.value >= 0.97 * best, caps


def test_a_search_passes_by_what_a_rule_forbids() -> None:
    some = Varied("intake.2022.cap", (), 5.0, 30.0, True)
    tried = searched(wanted()._replace(varied=(some,)), 20)
    assert any("the reserves keep 10 slots" in each.reason for each in tried)
    assert all(math.isnan(each.value) for each in tried if each.reason)
    assert not any(each.point in searching.shortlist(tried, PERMITS, 20) for each in tried if each.reason)


def test_a_search_ends_in_a_selection_on_other_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        "--objective",
        "permits",
        "--vary",
        "intake.2022.cap=20..90",
        "--search",
        "20",
        "--shortlist",
        "4",
    )
    one = found_in(tmp_path / "one", *more, "--delta", "3")
    assert one["search"]["tried"] == 20
    assert len(one["points"]) == 4
    assert "found among 20 points tried" in " ".join(capsys.readouterr().out.split())
    found_in(tmp_path / "two", *more, "--delta", "3")
    for name in ("summary.json", "replications.parquet"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_front_is_what_comparing_every_pair_gives() -> None:
    luck = np.random.default_rng(2)
    for objectives in (2, 3):
        means = luck.integers(0, 6, (40, objectives)).astype(float)
        expected = [
            not any((other >= mine).all() and (other > mine).any() for other in means) for mine in means
        ]
        assert pareto.front(means).tolist() == expected


def test_membership_of_a_known_front() -> None:
    """Far from the front or from any rival it is certain; otherwise it is the chance that the rival is worse.

    The last two points: one is better in the first objective for sure, and in the second by a difference of
    mean 0.1 and deviation 1 over 100 replications, that is by one standard error.
    """
    luck = np.random.default_rng(4)
    noise = luck.standard_normal((100, 1)) + 0.0 * np.arange(2)
    near = luck.standard_normal(100)
    near = (near - near.mean()) / near.std(ddof=1)
    values = np.stack(
        [
            np.array([0.0, 50.0]) + noise,
            np.array([50.0, 0.0]) + noise,
            np.array([-1.0, -1.0]) + noise,
            np.array([50.0, 0.0]) + noise,
            np.array([20.0, 20.0]) + noise,
            np.array([19.0, 20.0]) + noise + np.stack([0 * near, 0.1 + near], axis=1),
        ]
    )
    found = pareto.membership(values, seed=1)
    assert found[:5].tolist() == [1.0, 1.0, 0.0, 1.0, 1.0]
    assert found[5] == pytest.approx(special.ndtr(1.0), abs=0.03)


def test_a_limit_takes_points_off_the_front() -> None:
    values = np.zeros((2, 50, 2)) + np.array([[[1.0, 1.0]], [[0.0, 0.0]]])
    excess = np.zeros((2, 50, 1)) + np.array([[[0.5]], [[-0.5]]])
    assert pareto.membership(values, seed=1, able=excess).tolist() == [0.0, 1.0]


def test_a_front_says_who_is_on_it_and_how_sure_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--objectives", "permits,over_cap_returns", "--replications", "20", "--csv", str(tmp_path))
    found = found_in(tmp_path / "run", *THREE, *more)
    lines = " ".join(capsys.readouterr().out.split())
    assert "not beaten in more permits and less over cap returns at once" in lines
    with (tmp_path / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, point in zip(rows, found["points"], strict=True):
        assert float(row["probability"]) == point["probability"]
        assert float(row["permits mean"]) == point["measures"]["permits"]["mean"]


class Interrupt:
    """Ctrl-C in a stage, once so much of it is done."""

    def __init__(self, label: str, after: int) -> None:
        self.label, self.after, self.heard = label, after, 0

    def __call__(self, label: str, done: int, total: int) -> None:
        self.heard += label == self.label
        if label == self.label and self.heard > self.after:
            raise KeyboardInterrupt


def test_an_interrupted_selection_says_how_far_from_the_best_it_may_be() -> None:
    points = policies("first-come", "lottery", "monthly-release")
    asked = agreed(delta=Difference(0.01, False))
    found = choosing.best(
        load("smoke"), points, asked, crew=Crew(1, Interrupt("replications of the points left", 14))
    )
    assert found.selected is not None
    assert not found.selected.settled
    assert 10 <= found.selected.replications < 20
    assert 0.01 < found.selected.shortfall < 1000
    assert not found.complete
    assert "Not settled" in " ".join(show_sentences(best_summary.summary(found)))


def show_sentences(summary: Any) -> list[str]:
    from sim.showing.best import sentences

    return sentences(summary)


def test_an_interrupted_search_keeps_what_was_tried() -> None:
    space = wanted("intake.2022.cap=20..120")
    stopped = searching.search(
        load("smoke"), space, trials=50, replications=2, seed=7, crew=Crew(1, Interrupt(searching.LABEL, 1))
    )
    assert repr(stopped) == repr(searched(space, 50)[: len(stopped)])
    assert len(stopped) < 50


def test_ctrl_c_leaves_a_readable_front(tmp_path: Path) -> None:
    path = tmp_path / "run"
    asked = ("--objectives", "permits,over_cap_returns", "--policies", "first-come,lottery", "--jobs", "1")
    ended = stopped_by("SIGINT", "best", "smoke", *asked, "--out", str(path))
    assert ended.returncode == 0, ended.stderr
    manifest, found = results.read(path)
    assert found is not None
    assert (manifest["complete"], found["stopped"]) == (
        False,
        f"interrupted after {found['replications']} replications",
    )
    assert 2 <= found["replications"] <= 3
