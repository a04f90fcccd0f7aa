"""The demonstration, made small: every step a real command, and the page that links them."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests import demo, latency
from loadtests.demo import STEPS, Done, Step
from loadtests.history import read
from loadtests.reporting import slots
from loadtests.reporting.axis import axis_of
from sim import report as simulations
from sim.errors import BadInput
from tests.reporting.browser import marks, opened, violations

SMALL = {
    "simulated": ("run", "smoke", "--replications", "4", "--no-register"),
    "compared": ("compare", "smoke", "--policies", "gives-back", "--replications", "4", "--no-register"),
    "replayed": ("load", "last-slots", "--scale", "0.15", "--target", "reference:sqlite"),
    "caught": (*("load", "last-slots", "--scale", "0.15"), *STEPS[-1].command[2:]),
}


@pytest.mark.long  # `make demo` is the whole of it
def test_every_step_is_made_and_one_page_links_them_all(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    told: list[tuple[int, str, bool]] = []

    def hears(number: int, many: int, step: Step, done: Done | None) -> None:
        told.append((number, step.name, done is not None))

    steps = [replace(each, command=SMALL[each.name]) for each in STEPS]
    done, place = demo.make(tmp_path / "demo", hears, steps=steps)
    assert [each.is_fine for each in done] == [True] * 4, [each.words for each in done]
    assert told == [(at, each.name, ends) for at, each in enumerate(STEPS, 1) for ends in (False, True)]
    text = place.read_text("utf-8")
    for each in STEPS:
        assert f'href="{each.name}/report.html"' in text
        assert (place.parent / each.name / "report.html").is_file()
    assert "INVALID: over-cap" in text
    assert "INCOMPLETE" not in text
    the_figures_are_those_that_the_run_kept(place.parent / "caught")
    an_incomplete_run_says_so_on_top(place.parent / "replayed")
    the_pages_open(request.getfixturevalue("browser"), place)


def the_figures_are_those_that_the_run_kept(run: Path) -> None:
    """The page of the load test, against verdict.json, summary.json, latency.hdr and the cap."""
    from loadtests import report

    page = report.page_of(run)
    verdict, summary = (
        json.loads((run / f"{name}.json").read_text("utf-8")) for name in ("verdict", "summary")
    )
    assert page.badge == verdict["verdict"] == summary["verdict"] == "INVALID"
    assert page.lead[0] == f"{verdict['says']}."
    tables = {each.id: each.table for each in page.sections}
    assert len(tables["clash"].rows) == len(verdict["clash"]["operations"]) > 1  # type: ignore[union-attr]
    waits = [each.as_plain() for each in latency.read(run / "latency.hdr")]
    assert waits == summary["latencies"]
    assert [(row[0], row[1], row[4]) for row in tables["waits"].rows] == [  # type: ignore[union-attr]
        (each["outcome"], each["count"], each["from_due_ms"]["p99"]) for each in waits
    ]
    assert f"{summary['operations']:,} operations on record" in page.sections[0].text
    history = read(run / "history.parquet")
    [whole] = [each for each in slots.courses(history, axis_of(history)) if each.cap.name == "2026"]
    assert whole.least[-1] == summary["outcomes"]["claim granted"]
    simulated = [row[4] for row in tables["slots-2026"].rows]  # type: ignore[union-attr]
    assert simulated == sorted(simulated)  # type: ignore[type-var]
    assert simulated[-1] == whole.cap.limit  # the simulation has the cap reached, and kept


def an_incomplete_run_says_so_on_top(run: Path) -> None:
    """As an interrupted run leaves its folder, and as one that never came to a verdict does."""
    from loadtests import report

    for name, change in (("manifest", {"complete": False}), ("summary", {"ended": "interrupted"})):
        file = run / f"{name}.json"
        file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | change))
    page = report.page_of(run)
    assert page.lead[0] == "INCOMPLETE: the replay was interrupted."
    assert page.lead[1].startswith("VALID: ")
    (run / "verdict.json").unlink()
    with pytest.raises(BadInput, match=r"left no verdict\.json"):
        report.page_of(run)


def the_pages_open(browser: Any, place: Path) -> None:
    """All of them in Chromium, by the links of the first."""
    with opened(browser, place) as found:
        assert (found.requests, found.complaints, violations(found)) == ([], [], [])
        assert marks(found, "replayed") > 2
        hrefs = found.page.eval_on_selector_all(
            ".more a", "all => all.map((each) => each.getAttribute('href'))"
        )
    assert hrefs == [f"{each.name}/report.html" for each in STEPS]
    for href in hrefs:
        with opened(browser, place.parent / href) as found:
            assert (found.requests, found.complaints, violations(found)) == ([], [], [])


def test_a_step_that_fails_leaves_the_others_and_is_told(tmp_path: Path) -> None:
    steps = [
        replace(STEPS[0], command=SMALL["simulated"]),
        replace(STEPS[1], command=("compare", "no-such-scenario")),
    ]
    done, place = demo.make(tmp_path / "demo", lambda *_: None, steps=steps)
    assert [each.is_fine for each in done] == [True, False]
    text = place.read_text("utf-8")
    assert "INCOMPLETE: 1 of 2 steps came out as they should." in text
    assert "no-such-scenario" in text
    assert re.findall(r'href="(\w+)/report', text) == ["simulated"]
    assert simulations.page_of(place.parent / "simulated").lead[0][:40] in text


def test_ctrl_c_leaves_the_page_of_what_was_done(tmp_path: Path) -> None:
    steps = [replace(each, command=SMALL["simulated"]) for each in STEPS[:2]]

    def hears(number: int, many: int, step: Step, done: Done | None) -> None:
        if number == 2:
            raise KeyboardInterrupt

    done, place = demo.make(tmp_path / "demo", hears, steps=steps)
    assert [each.step.name for each in done] == ["simulated"]
    assert "INCOMPLETE: 1 of 2 steps" in place.read_text("utf-8")


def test_an_interrupted_command_ends_with_130_and_a_page(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loadtests.cli", "demo", "--out", str(tmp_path / "demo")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not (tmp_path / "demo" / "simulated" / "manifest.json").exists():
        assert time.monotonic() < until, "no step began"
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said, told = child.communicate(timeout=60)
    assert (child.returncode, told) == (130, "")
    assert said == f"the page: {tmp_path / 'demo' / 'index.html'}\n"
    assert "INCOMPLETE: 0 of 4 steps" in (tmp_path / "demo" / "index.html").read_text("utf-8")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"thesis\.txt"):
        demo.make(tmp_path, lambda *_: None, steps=[])
    assert (tmp_path / "thesis.txt").read_text() == "mine"
