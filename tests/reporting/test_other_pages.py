"""The pages of sweeps, choices, fronts and searches for officers: the numbers of their summaries, drawn."""

from pathlib import Path
from typing import Any

import pytest

from sim import report
from sim.cli import main
from sim.reporting.sensitivity_page import TOTAL
from tests.reporting.browser import marks, opened, until, violations
from tests.reporting.runs import summary_of

COMMANDS = {
    "sweep": (
        *("sweep", "smoke", "--vary", "intake.2022.cap=40,80", "--vary", "behaviour.applies_share=0.5,0.9"),
        *("--replications", "4"),
    ),
    "best": (
        "best",
        "smoke",
        "--objective",
        "permits",
        "--policies",
        "first-come,lottery",
        "--replications",
        "12",
    ),
    "pareto": (
        *("best", "smoke", "--objectives", "permits,median_wait_days", "--replications", "12"),
        *("--policies", "first-come,lottery,no-cap"),
    ),
    "size": ("size", "smoke", "--replications", "6", "--officers", "1..3", "--no-register"),
    "shocks": (
        *("compare", "smoke", "--policies", "lottery", "--shocks", "--no-register"),
        *("--replications", "4"),
    ),
    "sensitivity": ("sensitivity", "smoke", "--trajectories", "4", "--samples", "8"),
    "paradox": ("paradox", "--about", "cap", "--instances", "20"),
}
SHARES = (
    "intake_fill_rate",
    "slot_probability",
    "permit_before_pr_probability",
    "service_level",
    "utilisation",
)
DRAWN = {
    "sweep": ("heat", "points"),
    "best": ("points",),
    "pareto": ("front",),
    "size": ("officers", "files"),
    "shocks": ("regret",),
    "sensitivity": ("sobol", "tornado"),
    "paradox": ("rates",),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run folder of each kind, with its page."""
    made = {}
    for kind, command in COMMANDS.items():
        made[kind] = tmp_path_factory.mktemp("pages") / kind
        assert main([*command, "--jobs", "1", "--quiet", "--out", str(made[kind])]) == 0
        report.write(made[kind])
    return made


def rows(folder: Path, name: str) -> list[tuple[Any, ...]]:
    table = next(each.table for each in report.page_of(folder).sections if each.id == name)
    assert table is not None
    return list(table.rows)


def test_the_cells_of_a_heat_map_are_those_of_the_summary(folders: dict[str, Path]) -> None:
    found = summary_of(folders["sweep"])
    cells = [
        (each["measure"], f"intake.2022.cap = {x}", f"behaviour.applies_share = {y}", mean)
        for each in found["heatmaps"]
        for y, row in zip(each["y"]["values"], each["mean"], strict=True)
        for x, mean in zip(each["x"]["values"], row, strict=True)
    ]
    shown = [(row[0], row[2], row[3], row[4]) for row in rows(folders["sweep"], "heat")]
    assert [cell[:3] for cell in cells] == [row[:3] for row in shown]
    for (measure, *_, mean), row in zip(cells, shown, strict=True):
        times = 100 if measure in SHARES else 1
        assert row[3] == (None if mean is None else times * mean), row


def test_a_choice_and_a_front_say_what_their_summaries_say(folders: dict[str, Path]) -> None:
    best = summary_of(folders["best"])
    assert [row[3] for row in rows(folders["best"], "points")] == [
        each.get("mean") for each in best["points"]
    ]
    front = summary_of(folders["pareto"])
    shown = [row[:3] for row in rows(folders["pareto"], "front")]
    assert shown == [(each["label"], each["on_front"], each["probability"]) for each in front["points"]]


def test_officers_and_files_are_those_of_the_summary(folders: dict[str, Path]) -> None:
    found = summary_of(folders["size"])
    shown = [row[:4] for row in rows(folders["size"], "officers")]
    met = [
        (each["officers"], *(each["met"][key] for key in ("probability", "low", "high")))
        for each in found["officers"]
    ]
    assert shown == met
    backlog = [row[2] for row in rows(folders["size"], "files") if row[1] == "in processing"]
    assert backlog == [each["mean"] for each in found["over_time"]["backlog"] if each["mean"] is not None]


def test_regrets_are_those_of_the_summary(folders: dict[str, Path]) -> None:
    found = summary_of(folders["shocks"])["shocks"]
    regrets = {
        (row["measure"], row["policy"].replace("-", " "), situation.replace("-", " ")): regret["mean"]
        for row in found["rows"]
        for situation, regret in row["regrets"].items()
    }
    shown = {row[:3]: row[4] for row in rows(folders["shocks"], "regret") if row[0] == "permits"}
    assert shown == {key: value for key, value in regrets.items() if key[0] == "permits"}
    assert shown


def test_indices_are_those_of_the_summary(folders: dict[str, Path]) -> None:
    found = summary_of(folders["sensitivity"])["measures"]
    totals = [(measure, row["name"], row["total"]) for measure in found for row in found[measure]["sobol"]]
    shown = [(row[0], row[1], row[3]) for row in rows(folders["sensitivity"], "sobol") if row[2] == TOTAL]
    assert shown == [each for each in totals if each[2] is not None]
    assert shown


def test_how_often_a_law_is_broken_is_that_of_the_summary(folders: dict[str, Path]) -> None:
    found = summary_of(folders["paradox"])
    counted = [(rate["tried"], each["times"]) for rate in found["rates"] for each in rate["harms"].values()]
    assert [(row[3], row[4]) for row in rows(folders["paradox"], "rates")] == counted


@pytest.mark.parametrize("kind", list(COMMANDS))
def test_they_draw_without_complaint(browser: Any, folders: dict[str, Path], kind: str) -> None:
    with opened(browser, folders[kind] / "report.html") as found:
        for name in DRAWN[kind]:
            assert marks(found, name) > 1, name
        assert violations(found) == []
        assert (found.requests, found.complaints) == ([], [])
        if kind == "sweep":
            before = found.page.locator("#heat .picture svg").inner_html()
            found.page.locator("select[data-choice=measure]").select_option("permits")
            until(
                found, "(before) => document.querySelector('#heat .picture svg').innerHTML !== before", before
            )
