"""`quotalab sweep`: designs, what a point is, heatmaps, interruptions, and answers to mistakes."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
from openpyxl import load_workbook

from sim import cli, results
from sim.errors import BadInput
from sim.exploring import designs, sweep
from sim.exploring.points import Point
from sim.exploring.varying import Varied, varied
from sim.scenario_file import load
from sim.showing import sweep_summary, sweep_tables
from sim.studying.blocks import Crew
from tests.sim.test_run_folder import stopped_by

ROOT = Path(__file__).resolve().parents[2]
SMOKE = str(ROOT / "scenarios" / "smoke.toml")
SMALL = ("sweep", SMOKE, "--jobs", "1", "--replications", "3")
CAPS = ("--vary", "intake.2022.cap=40,60,80")


def swept(out: Path, *more: str) -> dict[str, Any]:
    """The summary of a small sweep."""
    assert cli.main([*SMALL, "--out", str(out), *more]) == 0
    found = results.read(out)[1]
    assert found is not None
    return found


def cells(run: Path) -> dict[tuple[int, int, str], float]:
    """(point, replication, measure) -> value, as the Parquet file has them."""
    with duckdb.connect() as connection:
        sql = f"SELECT point, replication, measure, value FROM '{run / 'replications.parquet'}'"
        return {tuple(row[:3]): row[3] for row in connection.execute(sql).fetchall()}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("intake.2022.cap=40, 60", (40, 60)),
        ("intake.2022.cap=40..80:3", (40, 60, 80)),
        ("intake.2022.cap=40..43:9", (40, 41, 42, 43)),
        ("intake.2022.cap=40..80", (40, 50, 60, 70, 80)),
        ("demand.multiple=1..2:3", (1.0, 1.5, 2.0)),
        ("demand.multiple=0.1..0.3:3", (0.1, 0.2, 0.3)),
        ("programme.counts=accepted,received", ("accepted", "received")),
        ('offices.weekdays=["monday", "friday"],["monday"]', (["monday", "friday"], ["monday"])),
        (
            "demand.certificate_delay_months={ low = 1, mode = 2, high = 4 }",
            ({"low": 1, "mode": 2, "high": 4},),
        ),
    ],
)
def test_what_varies_is_read_as_written(text: str, values: tuple[Any, ...]) -> None:
    (found,) = varied(load("smoke"), [text])
    assert found.values == values


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--vary", "intake.2022.capp=40,60"], "write intake.2022.cap"),
        (["--vary", "intake.2022.cap=60..40"], "write 40..60"),
        (["--vary", "intake.2022.cap=60..60"], "empty range"),
        (["--vary", "intake.2022.cap=40..60:1"], "1 steps"),
        (["--vary", "intake.2022.cap=40.5..60"], "intake.2022.cap: 40.5"),
        (["--vary", "intake.2022.cap=-1,-2"], "intake.2022.cap: -1"),
        (["--vary", "intake.2022.cap=1,2"], "the reserves keep 10 slots"),
        (["--vary", "intake.2022.cap=60,60"], "a value is given twice"),
        (["--vary", "intake.2022.cap"], "says nothing to vary"),
        (["--vary", "seed=1,2"], "give --seed"),
        ([*CAPS, *CAPS], "varied twice"),
        ([*CAPS, "--measures", "permitts"], "write permits"),
        ([*CAPS, "--measures", "grants/2031"], "is not a measure of smoke"),
        ([*CAPS, "--policies", "lotery"], "write lottery"),
        ([*CAPS, "--policies", "lottery", "--set", "policies.lottery.invite.by=open"], "order and size"),
        ([*CAPS, "--points", "3"], "add --design latin"),
        ([*CAPS, "--design", "latin"], "--points 100"),
        (["--design", "latin", "--points", "3"], "nothing is varied"),
        ([], "nothing is varied"),
        ([*CAPS, "--list", "points.csv"], "give either --list"),
        (["--list", "nowhere.csv"], "there is no such file"),
        ([*CAPS, "--seed", "-1"], "at least 0"),
        ([*CAPS, "--resume"], "name its folder with --out"),
        (
            ["--vary", "demand.multiple=1.0..2:1000", "--vary", "offices.officers=1..1000:1000"],
            "combinations",
        ),
    ],
)
def test_a_mistake_is_answered_with_how_to_mend_it(
    asked: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = [] if "--resume" in asked else ["--out", str(tmp_path / "run")]
    assert cli.main([*SMALL, *out, *asked]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no points"),
        ("intake.2022.cap\n", "has no points"),
        ("intake.2022.cap,demand.multiple\n40\n", "row 2 has 1 cells"),
        ("intake.2022.cap,intake.2022.cap\n40,50\n", "another's"),
        ("policy,intake.2022.cap\nlotery,50\n", "write lottery"),
        ("intake.2022.capp\n40\n", 'there is no "capp"'),
    ],
)
def test_a_list_that_cannot_be_used(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "points.csv").write_text(text)
    asked = ["--list", str(tmp_path / "points.csv"), "--out", str(tmp_path / "run")]
    assert cli.main([*SMALL, *asked]) == 3
    assert said in capsys.readouterr().err


def test_a_point_of_a_sweep_is_what_run_gives_with_the_same_settings(tmp_path: Path) -> None:
    found = swept(
        tmp_path / "sweep", *CAPS, "--vary", "offices.officers=1,3", "--policies", "first-come,lottery"
    )
    assert len(found["points"]) == 13
    ours = cells(tmp_path / "sweep")
    for point in (found["points"][4], found["points"][11]):
        settings = [part for key, value in point["settings"].items() for part in ("--set", f"{key}={value}")]
        ran = ["run", SMOKE, "--replications", "3", "--no-register", "--jobs", "1", *settings]
        assert cli.main([*ran, "--policy", point["policy"], "--out", str(tmp_path / "run")]) == 0
        measures = results.read(tmp_path / "run")[1]["measures"]  # type: ignore[index]
        for name in found["measures"]:
            assert point["measures"][name]["mean"] == pytest.approx(
                measures[name]["chance"]["mean"], rel=1e-14
            ), name
            assert ours[point["point"], 0, name] is not None


def test_a_list_is_taken_as_it_stands(tmp_path: Path) -> None:
    text = "policy,intake.2022.cap,demand.multiple\nlottery,40,\n,60,1.5\n"
    (tmp_path / "points.csv").write_text(text)
    points = designs.listed(load("smoke"), tmp_path / "points.csv", ("first-come", "no-cap"))
    both = (("intake.2022.cap", 60), ("demand.multiple", 1.5))
    assert points == (
        Point((("intake.2022.cap", 40),), "lottery"),
        Point(both, "first-come"),
        Point(both, "no-cap"),
    )


def test_a_latin_hypercube_has_one_point_in_every_part_of_every_range() -> None:
    keys = (Varied("a", (), 0.0, 1.0), Varied("b", (), 10.0, 29.0, True), Varied("c", ("x", "y")))
    points = [dict(each) for each in designs.latin(keys, 20, seed=3)]
    assert sorted(int(20 * each["a"]) for each in points) == list(range(20))
    assert sorted(each["b"] for each in points) == list(range(10, 30))
    assert [each["c"] for each in points].count("x") == 10
    assert points == [dict(each) for each in designs.latin(keys, 20, seed=3)]
    assert points != [dict(each) for each in designs.latin(keys, 20, seed=4)]


def test_a_heatmap_is_the_mean_over_whatever_else_was_varied(tmp_path: Path) -> None:
    more = ("--vary", "offices.officers=1,3", "--vary", "demand.multiple=0.5,1.5")
    found = swept(tmp_path / "run", *CAPS, *more, "--measures", "permits,median_wait_days")
    assert len(found["heatmaps"]) == 2 * 3
    picture = found["heatmaps"][0]
    assert (picture["x"]["key"], picture["y"]["key"]) == ("intake.2022.cap", "offices.officers")
    assert picture["over"] == ["demand.multiple"]
    for down, row in zip(picture["y"]["values"], picture["mean"], strict=True):
        for across, mean in zip(picture["x"]["values"], row, strict=True):
            among = [
                point["measures"]["permits"]["mean"]
                for point in found["points"]
                if point["settings"].get("intake.2022.cap") == across
                and point["settings"].get("offices.officers") == down
            ]
            assert len(among) == 2
            assert mean == pytest.approx(sum(among) / 2)


def test_differences_are_paired_and_said_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = swept(tmp_path / "run", *CAPS, "--measures", "grants")
    ours = cells(tmp_path / "run")
    for point in found["points"][1:]:
        gaps = [ours[point["point"], r, "grants"] - ours[0, r, "grants"] for r in range(3)]
        assert point["differences"]["grants"]["mean"] == pytest.approx(np.mean(gaps))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("The scenario as it is has the most grants of 4 points")
    assert lines[-2:] == [
        f"Everything is in {tmp_path / 'run'}",
        f"The page: {tmp_path / 'run' / 'report.html'}",
    ]


def test_where_nothing_matters_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swept(tmp_path / "run", "--vary", "objectives.decision_weeks=4,9", "--measures", "grants", "--quiet")
    assert capsys.readouterr().out.startswith("Nothing that was varied matters for grants: 140")


def test_a_point_that_a_rule_forbids_is_left_out_with_its_reason(tmp_path: Path) -> None:
    found = swept(tmp_path / "run", "--vary", "intake.2022.cap=5,60", "--measures", "grants")
    assert "the reserves keep 10 slots" in found["points"][1]["reason"]
    assert found["points"][1]["measures"]["grants"]["mean"] is None
    assert found["points"][2]["reason"] == ""


def test_the_tables_say_what_the_summary_says(tmp_path: Path) -> None:
    more = (
        "--measures",
        "grants,median_wait_days",
        "--csv",
        str(tmp_path),
        "--xlsx",
        str(tmp_path / "a.xlsx"),
    )
    found = swept(tmp_path / "run", *CAPS, *more)
    with (tmp_path / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    book = list(load_workbook(tmp_path / "a.xlsx")["points"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(book) == 2 * len(found["points"])
    for row, line in zip(rows, book, strict=True):
        point = found["points"][int(row["point"])]
        assert float(row["mean"]) == line[5] == point["measures"][row["measure"]]["mean"]
        if point["point"]:
            assert float(row["difference_mean"]) == point["differences"][row["measure"]]["mean"]


class Interrupt:
    """Ctrl-C once so much is done."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, label: str, done: int, total: int) -> None:
        if done > self.after:
            raise KeyboardInterrupt


def test_an_interrupted_sweep_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    scenario = load("smoke")
    settings = [*[(("intake.2022.cap", cap),) for cap in (40, 60)], (("demand.multiple", 2),)]
    points = designs.crossed(settings, ("first-come",))
    asked: dict[str, Any] = {"measures": ("grants", "median_wait_days"), "replications": 5}
    whole = sweep.sweep(scenario, points, crew=Crew(1, lambda *_: None), **asked)
    part = sweep.sweep(scenario, points, crew=Crew(1, Interrupt(4)), **asked)
    assert not part.complete
    assert part.replications == 2
    assert part.stopped == "interrupted after 2 of 5 replications"
    summary = sweep_summary.summary(part)
    assert [each["replications"] for each in summary["points"]] == [3, 3, 3, 2]
    sweep_tables.write_cells(tmp_path / "part.parquet", part)
    known = sweep_tables.read_cells(tmp_path / "part.parquet", part.points, part.measures, 5)
    assert known.done.sum() == 11
    rest = sweep.sweep(scenario, points, crew=Crew(1, lambda *_: None), known=known, **asked)
    assert sweep_summary.summary(rest) == sweep_summary.summary(whole)
    for name, each in (("rest", rest), ("whole", whole)):
        sweep_tables.write_cells(tmp_path / name, each)
    assert (tmp_path / "rest").read_bytes() == (tmp_path / "whole").read_bytes()


def test_nothing_finished_is_an_interruption_and_nothing_else() -> None:
    def at_once(*_: Any) -> None:
        raise KeyboardInterrupt

    points = (Point((("intake.2022.cap", 50),), "first-come"),)
    with pytest.raises(KeyboardInterrupt):
        sweep.sweep(load("smoke"), points, measures=("grants",), crew=Crew(1, at_once))


def test_ctrl_c_leaves_a_readable_result_that_resume_completes(tmp_path: Path) -> None:
    path, asked = tmp_path / "run", ["--vary", "intake.2022.cap=40..80:3", "--measures", "grants,permits"]
    asked += ["--replications", "60", "--jobs", "1"]
    ended = stopped_by("SIGINT", "sweep", "smoke", *asked, "--out", str(path))
    assert ended.returncode == 0, ended.stderr
    manifest, found = results.read(path)
    assert found is not None
    assert not manifest["complete"]
    assert found["stopped"].startswith("interrupted after ")
    assert cli.main(["sweep", "smoke", *asked, "--out", str(path), "--resume", "--quiet"]) == 0
    assert cli.main(["sweep", "smoke", *asked, "--out", str(tmp_path / "once"), "--quiet"]) == 0
    for name in ("summary.json", "replications.parquet"):
        assert (path / name).read_bytes() == (tmp_path / "once" / name).read_bytes(), name
    assert json.loads((path / "manifest.json").read_text())["complete"]


def test_resume_refuses_another_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swept(tmp_path / "run", *CAPS)
    other = [*SMALL, "--vary", "intake.2022.cap=40,60,81", "--out", str(tmp_path / "run"), "--resume"]
    assert cli.main(other) == 3
    assert "another question" in capsys.readouterr().err


def test_a_sweep_of_one_policy_more_keeps_the_points_it_had(tmp_path: Path) -> None:
    one = swept(tmp_path / "one", *CAPS, "--measures", "grants")
    two = swept(tmp_path / "two", *CAPS, "--measures", "grants", "--policies", "first-come,lottery")
    assert [each["measures"] for each in one["points"]] == [each["measures"] for each in two["points"][:4]]


def test_unreadable_csv_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="not a CSV file"):
        designs.listed(load("smoke"), tmp_path / "points.csv", ("first-come",))
