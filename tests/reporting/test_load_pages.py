"""The page of a judged history and of a search: what it says, its numbers, and how it looks in Chromium."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests import checking, latency, report
from loadtests.checks.quantities import quantities
from loadtests.header import Header
from loadtests.history import History, read, write
from loadtests.reporting import ramp_page, subject
from loadtests.reporting.verdict_sections import SIGNS
from sim.ledger import cap_of
from sim.reporting.html import html
from sim.reporting.page import Page, Section, Table
from tests.large_histories import Crowd, crowded
from tests.loadtests.histories import drawn
from tests.loadtests.test_ramp import searched, stage
from tests.reporting.browser import LAPTOP, PHONE, marks, opened, violations

HISTORIES = Path(__file__).resolve().parents[1] / "histories"
CROWD = Crowd(operations=1_500, releases=0.05, retries=0.05, reads=0.02)


def valid() -> History:
    """A crowd at a correct service, at the pace of a load test."""
    history = crowded(np.random.default_rng(8), CROWD)
    columns = dict(history.columns)
    for name in ("due_ns", "invoked_ns", "completed_ns"):
        columns[name] = columns[name] * 4_000
    return History(history.header, columns)


def over() -> History:
    """The same service, if it had not had so many slots."""
    whole = valid()
    header = Header(caps=(cap_of("2022", 500),), spec=whole.header.spec, source=whole.header.source)
    return History(header, dict(whole.columns))


def unknown() -> History:
    """The same, and nobody says what the cap was."""
    whole = valid()
    return History(Header(spec=whole.header.spec, source=whole.header.source), dict(whole.columns))


MADE: dict[str, Callable[[], History]] = {"VALID": valid, "INVALID": over, "UNKNOWN": unknown}


@pytest.fixture(scope="module")
def judged() -> Callable[[str], subject.Subject]:
    """Each of the three, judged once."""
    known: dict[str, subject.Subject] = {}

    def of(kind: str) -> subject.Subject:
        if kind not in known:
            history = MADE[kind]()
            known[kind] = subject.of_history(f"{kind}.parquet", history, checking.judged(history))
        return known[kind]

    return of


def page_of(found: subject.Subject) -> Page:
    from loadtests.reporting import load_page

    return load_page.page(found)


def section(page: Page, name: str) -> Section:
    return next(each for each in page.sections if each.id == name)


def table(page: Page, name: str) -> Table:
    found = section(page, name).table
    assert found is not None
    return found


@pytest.mark.parametrize("kind", list(MADE))
def test_the_verdict_comes_first_in_words_and_by_its_argument(
    judged: Callable[[str], subject.Subject], kind: str
) -> None:
    found = judged(kind)
    page = page_of(found)
    assert page.badge == found.verdict["verdict"] == kind
    assert page.lead[0].startswith(f"{kind}: ")
    assert page.lead[0] == f"{found.verdict['says']}."
    names = [each.id for each in page.sections]
    assert names.index("verdict") == 0
    assert ("clash" in names) == (kind == "INVALID")
    told = [row[0] for row in table(page, "findings").rows]
    assert sorted(told) == sorted(SIGNS[each["verdict"]] for each in found.verdict["findings"])
    for each in found.verdict["findings"]:
        assert any(each["says"] in str(row[1]) for row in table(page, "findings").rows)
    if kind == "UNKNOWN":
        assert any("--cap" in sentence for sentence in page.lead)


def test_the_numbers_are_those_of_the_verdict_and_of_the_histograms(
    judged: Callable[[str], subject.Subject],
) -> None:
    found = judged("INVALID")
    page = page_of(found)
    for row, each in zip(table(page, "waits").rows, latency.latencies(found.history), strict=True):
        plain = each.as_plain()
        assert row[:2] == (plain["outcome"], plain["count"])
        assert list(row[2:7]) == [
            plain["from_due_ms"][name] for name in ("p50", "p90", "p99", "p99.9", "max")
        ]
        assert list(row[7:]) == [plain["service_ms"][name] for name in ("p50", "p99")]
    answers = table(page, "answers")
    for place, column in enumerate(answers.columns[1:], 1):
        total = sum(int(row[place] or 0) for row in answers.rows)
        assert f"{total:,} {column.label}" in section(page, "answers").text
    [exceeded] = quantities(found.history).over
    worst = int(exceeded.peak_slots.least)
    assert f"up to {worst:,} more slots than the cap of 500" in section(page, "slots-2022").text
    rows = {row[1]: row[2:] for row in table(page, "quantities").rows if row[0] == "cap 2022"}
    assert rows["slots over the cap at the worst moment"] == (worst, int(exceeded.peak_slots.most))
    assert found.verdict["clash"]["says"] in section(page, "clash").text


def lines_of(spec: dict[str, Any], what: str) -> list[tuple[float, int]]:
    """The points of one line of a picture of slots."""
    upper = spec["vconcat"][0] if "vconcat" in spec else spec
    rows = [row for layer in upper["layer"] for row in layer["data"]["values"] if row.get("what") == what]
    return [(row["t"], row["slots"]) for row in rows]


def test_the_picture_of_slots_has_the_peak_and_the_cap(judged: Callable[[str], subject.Subject]) -> None:
    found = judged("INVALID")
    spec = section(page_of(found), "slots-2022").picture
    assert isinstance(spec, dict)
    [exceeded] = quantities(found.history).over
    certain = max(slots for _, slots in lines_of(spec, "certainly taken"))
    assert certain - 500 == exceeded.peak_slots.least
    assert {slots for _, slots in lines_of(spec, "the cap")} == {500}
    assert max(row["over"] for row in spec["vconcat"][1]["data"]["values"]) == exceeded.peak_slots.least


def test_faults_are_shaded_and_told() -> None:
    text = "\n".join(f"p{at} claim {at}-{at + 2} granted" for at in range(1, 40))
    history = drawn(f"{text}\n- fault 10-20 done note=the-disk-is-full", cap=99)
    page = report.of_judged("f.jsonl", history, checking.judged(history))
    for name in ("slots-2022", "answers", "waits-over-time"):
        spec = section(page, name).picture
        assert isinstance(spec, dict)
        [shade] = [each for each in spec["layer"] if each["mark"]["type"] == "rect"]
        assert shade["data"]["values"] == [{"t": 9, "until": 19, "fault": "the-disk-is-full"}]
        assert "1 interval of injected faults" in section(page, name).note


@pytest.mark.parametrize("file", sorted(HISTORIES.glob("*/*.jsonl")), ids=lambda file: file.stem)
def test_every_history_that_once_mattered_has_a_page(file: Path) -> None:
    history = read(file)
    page = report.of_judged(file.name, history, checking.judged(history, only=("bounds", "receipts")))
    assert page.badge in MADE
    assert html(page)
    if history.header.caps and len(history):
        assert any(each.id.startswith("slots-") for each in page.sections)


def test_a_record_that_is_not_whole_says_so_on_top() -> None:
    history = drawn("ana claim 1-5 granted")
    cut = History(Header(caps=history.header.caps, complete=False), dict(history.columns))
    page = report.of_judged("cut.jsonl", cut, checking.judged(cut))
    assert page.lead[0] == "INCOMPLETE: the record may have lost its end."


def test_a_page_beside_a_history_and_by_the_judge(tmp_path: Path) -> None:
    from loadtests.cli import main

    file = tmp_path / "history.parquet"
    write(drawn("ana claim 1-5 granted\nbo claim 2-6 granted"), file)
    assert main(["report", str(file), "--quiet"]) == 0
    assert main(["check", str(file), "--quiet", "--report", str(tmp_path / "page.html")]) == 1
    beside = (tmp_path / "history.html").read_text("utf-8")
    assert "INVALID" in beside
    assert beside == (tmp_path / "page.html").read_text("utf-8")


LOOKS = [
    ("VALID", LAPTOP, False),
    ("VALID", PHONE, True),
    ("INVALID", LAPTOP, True),
    ("INVALID", PHONE, False),
    ("UNKNOWN", LAPTOP, False),
    ("UNKNOWN", PHONE, True),
]


@pytest.mark.parametrize(("kind", "size", "dark"), LOOKS, ids=str)
def test_it_draws_quietly_without_a_network_for_everybody(
    judged: Callable[[str], subject.Subject],
    browser: Any,
    tmp_path: Path,
    kind: str,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page, file = page_of(judged(kind)), tmp_path / "page.html"
    report.write_to(file, page)
    assert file.stat().st_size < 2_000_000
    with opened(browser, file, size=size, dark=dark) as found:
        assert (found.requests, found.complaints, violations(found)) == ([], [], [])
        for each in page.sections:
            if isinstance(each.picture, dict):
                assert marks(found, each.id) >= 2, each.id
        assert found.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        cut = "[...document.querySelectorAll('#clash svg text')].filter((e) => e.getBBox().width > "
        cut += "document.querySelector('#clash svg').clientWidth).length"
        assert found.page.evaluate(f"document.getElementById('clash') ? {cut} : 0") == 0


SEARCH = (
    stage(100, met=True),
    stage(400, met=False),
    stage(200, met=True),
    stage(300, met=False, by_generator=True),
)
MANIFEST = {
    "complete": True,
    "question": {"target": "reference:memory", "workers": 1, "run": "r"},
    "versions": {"quotalab": "1", "python": "3"},
    "scenario": "ramp",
    "policy": "open-door",
    "seed": 1,
    "scenario_sha256": "0",
}


def test_the_page_of_a_search_has_the_knee_and_every_stage(browser: Any, tmp_path: Path) -> None:
    summary = json.loads(json.dumps(searched(*SEARCH).as_plain()))
    page = ramp_page.page("faster and faster", MANIFEST, summary)
    assert page.lead == (f"UNKNOWN: {summary['says']}.",)
    assert [row[1] for row in table(page, "stages").rows] == [100, 400, 200, 300]
    became = [str(row[0]).partition("\u00a0")[2] for row in table(page, "stages").rows]
    assert became == ["met", "missed", "met", "generator too slow"]
    assert f"met the level: {summary['highest_per_s']:g} a second" in section(page, "knee").text
    report.write_to(tmp_path / "page.html", page)
    with opened(browser, tmp_path / "page.html") as found:
        assert (found.requests, found.complaints, violations(found)) == ([], [], [])
        assert marks(found, "knee") >= len(SEARCH)


def test_a_search_that_ended_early_says_so_on_top() -> None:
    summary = searched(*SEARCH, ended="interrupted").as_plain()
    page = ramp_page.page("faster and faster", MANIFEST, summary)
    assert page.lead[0] == "INCOMPLETE: the search ended early: interrupted."
