"""The pages of a run and of a comparison, read as files and opened in Chromium."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sim import report
from sim.reporting.page import Page, Section
from tests.reporting.browser import LAPTOP, PHONE, marks, opened, until, violations
from tests.reporting.runs import POLICIES, comparison_folder, run_folder, summary_of

Row = tuple[Any, ...]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its page."""
    folder = run_folder(tmp_path_factory.mktemp("pages") / "run")
    report.write(folder)
    return folder


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison with its page."""
    folder = comparison_folder(tmp_path_factory.mktemp("pages") / "comparison")
    report.write(folder)
    return folder


def section(page: Page, name: str) -> Section:
    return next(each for each in page.sections if each.id == name)


def rows(page: Page, name: str) -> list[Row]:
    table = section(page, name).table
    assert table is not None
    return list(table.rows)


def specs(folder: Path) -> dict[str, Any]:
    text = (folder / "report.html").read_text("utf-8")
    found = re.search(r'id="pictures">(.*?)</script>', text, re.S)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])["specs"]
    return data


def test_a_run_has_its_pictures_in_the_order_of_planners(run: Path) -> None:
    page = report.page_of(run)
    expected = ["intake", "outcomes", "funnel", "arrivals", "backlog", "assumptions"]
    assert [each.id for each in page.sections] == expected
    assert all(each.picture and each.table and each.label and each.text for each in page.sections)


def test_a_comparison_has_its_pictures_in_the_order_of_planners(comparison: Path) -> None:
    page = report.page_of(comparison)
    names = [each.id for each in page.sections]
    ordered = [
        "policies",
        "intake",
        "contrasts",
        "outcomes",
        "funnel",
        "front",
        "arrivals",
        "backlog",
        "exchange",
    ]
    assert [name for name in names if name in ordered] == ordered
    assert [each.name for each in page.choices] == ["policy", "against", "stream", "measure"]


def test_the_numbers_of_a_run_are_those_of_its_summary(run: Path) -> None:
    page, summary = report.page_of(run), summary_of(run)
    intake = summary["intakes"][0]
    drawn = [row for row in rows(page, "intake") if row[1] == intake["year"]]
    assert [row[5] for row in drawn] == [each["median"] for each in intake["uptake"]["spreads"]]
    chances = [each["probability"] for each in intake["reached"]["by_month_end"]]
    assert [row[8] for row in drawn] == pytest.approx(chances, abs=1e-12)
    funnel = {row[1]: row[2] for row in rows(page, "funnel")}
    for step, measure in (("invited", "letters"), ("accepted", "grants"), ("arrived", "arrivals")):
        assert funnel[step] == summary["measures"][measure]["chance"]["mean"]
    for row in rows(page, "funnel"):
        assert sum(row[3:]) == pytest.approx(row[2])
    for row, number in zip(rows(page, "assumptions"), summary["register"]["numbers"], strict=True):
        assert (row[0], row[7]) == (number["key"], number["influence"])


def test_the_numbers_of_curves_are_those_of_their_file(run: Path) -> None:
    page = report.page_of(run)
    curves = json.loads((run / "curves.json").read_text("utf-8"))
    (found,) = curves["policies"].values()
    for _, stream, age, *values in rows(page, "outcomes"):
        at = curves["ages"].index(age)
        assert values == [found["incidence"][stream][end]["mean"][at] for end in curves["outcomes"]]
    assert [list(row[2:]) for row in rows(page, "arrivals")] == found["slots"]["probability"]
    assert [row[2] for row in rows(page, "backlog")] == found["stock"]["in processing"]["mean"]


def test_the_numbers_of_a_comparison_are_those_of_its_summary(comparison: Path) -> None:
    page, summary = report.page_of(comparison), summary_of(comparison)
    contrasts = {(each["policy"].replace("-", " "), each["measure"]): each for each in summary["contrasts"]}
    for measure, policy, *values, p, verdict in rows(page, "contrasts"):
        one = contrasts[policy, measure]
        times = 100 if summary["definitions"][measure]["unit"] == "" else 1
        if measure in ("disparate_impact_ratio", "gini_wait"):
            times = 1
        keys = ("base", "value", "difference", "low", "high", "all_low", "all_high")
        expected = [None if one[key] is None else times * one[key] for key in keys]
        assert (values, verdict) == (expected, one["verdict"])
        assert p == (one["p"] if one["p_holm"] is None else one["p_holm"])
    groups = [
        each for each in summary["groups"] if each["kind"] in ("everyone", "stream", "season", "decile")
    ]
    for row, group in zip(rows(page, "exchange"), groups, strict=True):
        assert (row[0], row[8], row[9]) == (group["policy"], group["slot_gained"], group["slot_lost"])


def test_the_front_is_what_nobody_beats(comparison: Path) -> None:
    """Against a plain definition, written again here."""
    page, summary = report.page_of(comparison), summary_of(comparison)
    found = rows(page, "front")
    for measure, policy, *_, chance in found:
        assert chance == summary["front"][measure].get(policy.replace(" ", "-"))
    for measure in {row[0] for row in found}:
        sign = 1 if summary["definitions"][measure]["better"] == "higher" else -1
        points = {row[1]: (row[2], sign * row[3]) for row in found if row[0] == measure}
        for row in found:
            if row[0] == measure:
                x, y = points[row[1]]
                beaten = any(a >= x and b >= y and (a, b) != (x, y) for a, b in points.values())
                assert row[4] == (not beaten), row


def test_the_same_run_has_the_same_page_and_the_manifest_does_not_know_it(run: Path) -> None:
    before = (run / "report.html").read_bytes()
    assert report.write(run).read_bytes() == before
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    assert "report.html" not in manifest["files"]
    assert manifest["started"] not in before.decode()


def test_without_curves_the_page_says_what_is_missing(tmp_path: Path) -> None:
    page = report.page_of(run_folder(tmp_path / "run", replications=2, register=False))
    assert [each.id for each in page.sections] == ["intake", "funnel"]
    assert "--no-register" in page.lead[-1]


def test_a_page_is_small_and_made_in_a_moment(comparison: Path) -> None:
    began = time.process_time()
    report.write(comparison)
    assert time.process_time() - began < 5
    assert (comparison / "report.html").stat().st_size < 2_000_000


@pytest.mark.parametrize("kind", ["run", "comparison"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_picture_draws_without_complaint(
    browser: Any, request: pytest.FixtureRequest, kind: str, dark: bool
) -> None:
    folder = request.getfixturevalue(kind)
    size = PHONE if dark else LAPTOP
    with opened(browser, folder / "report.html", size=size, dark=dark) as found:
        for name in specs(folder):
            assert marks(found, name) > 1, name
        assert violations(found) == []
        for summary in found.page.locator("summary").all():
            summary.click()
        until(found, "() => document.querySelectorAll('[data-table]').length === 0")
        assert (found.requests, found.complaints) == ([], [])
        assert found.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def drawn(found: Any, name: str) -> str:
    """The marks of a picture, as text."""
    return str(found.page.locator(f"#{name} .picture svg").inner_html())


def choose(found: Any, name: str, value: str) -> None:
    found.page.locator(f"select[data-choice={name}]").select_option(value)
    found.page.wait_for_timeout(200)


def test_two_policies_are_contrasted_and_tables_follow(browser: Any, comparison: Path) -> None:
    with opened(browser, comparison / "report.html") as found:
        names = ("outcomes", "funnel", "arrivals", "backlog", "exchange")
        before = {name: drawn(found, name) for name in names}
        other = next(name for name in POLICIES if name != report.page_of(comparison).choices[0].value)
        choose(found, "policy", other)
        for name in names:
            assert drawn(found, name) != before[name], name
        found.page.locator("#funnel summary").click()
        shown = found.page.locator("#funnel tbody tr:not([hidden]) th").all_text_contents()
        assert set(shown) == {other.replace("-", " "), "first come"}
        assert found.complaints == []


def test_a_stream_and_a_measure_are_chosen(browser: Any, comparison: Path) -> None:
    with opened(browser, comparison / "report.html") as found:
        before = {name: drawn(found, name) for name in ("outcomes", "contrasts", "front")}
        choose(found, "stream", next(iter(summary_of(comparison)["streams"])))
        assert drawn(found, "outcomes") != before["outcomes"]
        choose(found, "measure", "median_wait_days")
        assert "median wait" in drawn(found, "contrasts")
        assert drawn(found, "front") != before["front"]
        assert found.complaints == []


def test_large_tables_read_like_those_in_the_file(browser: Any, run: Path) -> None:
    """page.js writes numbers as figures.py does."""
    from sim.reporting.figures import shown

    table = section(report.page_of(run), "outcomes").table
    assert table is not None
    with opened(browser, run / "report.html") as found:
        values = [row[3] for row in table.rows]
        said = found.page.evaluate("(v) => v.map((x) => window.quotalab.shown(x, 'share'))", values)
        assert said == [shown(value, "share") for value in values]
        odd = [0.0, 0.4, -0.4, 1234.5678, -98765.4, 0.00123456, 1.05, None, "a", True]
        for kind in ("count", "decimal", "points", "plain", "text"):
            said = found.page.evaluate(
                "([v, kind]) => v.map((x) => window.quotalab.shown(x, kind))", [odd, kind]
            )
            assert said == [shown(value, kind) for value in odd], kind


def test_on_paper_it_is_light_and_keeps_to_the_page(browser: Any, comparison: Path) -> None:
    with opened(browser, comparison / "report.html", size=(690, 980), dark=True) as found:
        found.page.emulate_media(media="print")
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 690
        assert len(found.page.pdf(format="A4")) > 50_000
