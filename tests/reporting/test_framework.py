"""A page as such: whole, valid, quiet, without a network, and open to everybody."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sim.reporting import export
from sim.reporting.figures import shown
from sim.reporting.html import html
from sim.reporting.page import Choice, Column, Kind, Link, Page, Section, Table, Value
from tests.reporting.browser import LAPTOP, PHONE, marks, opened, until, violations

BARS = {
    "data": {"values": [{"stream": "a", "n": 3}, {"stream": "b", "n": 5}]},
    "params": [{"name": "stream", "value": "all"}],
    "transform": [{"filter": "stream == 'all' || datum.stream == stream"}],
    "width": "container",
    "mark": "bar",
    "encoding": {"x": {"field": "stream"}, "y": {"field": "n", "type": "quantitative"}},
}
PAGE = Page(
    title="Slots & <streams>",
    subtitle="a made-up page",
    lead=("Three of a, five of b.",),
    badge="VALID",
    sections=(
        Section(
            "bars",
            "Slots by stream",
            picture=BARS,
            label="Bars: a 3, b 5.",
            table=Table(
                (Column("stream", choice="stream"), Column("slots", "count")), (("a", 3), ("b", 5123.25))
            ),
            note="Made up.",
        ),
        Section(
            "drawn",
            "A drawing",
            picture='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0L9 9"/></svg>',
            label="A line.",
        ),
    ),
    provenance=(("Seed", "1"),),
    choices=(Choice("stream", "Stream", (("all", "all streams"), ("a", "a"), ("b", "b")), "all"),),
    links=(Link("The history", "history.html"),),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The made-up page on disk."""
    path = tmp_path / "report.html"
    path.write_text(html(PAGE), "utf-8")
    return path


class Elements(HTMLParser):
    """Complains about elements that are not closed in order; collects ids and what they refer to."""

    VOID = ("meta", "link", "br", "hr", "img", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.referred: list[str] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in self.VOID else []
        for name, value in attrs:
            assert value is not None or name in ("selected", "hidden"), (tag, name)
            self.ids += [value or ""] if name == "id" else []
            if name == "aria-labelledby" or (name == "href" and (value or "").startswith("#")):
                self.referred.append((value or "").removeprefix("#"))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert [tag] == self.open[-1:], (tag, self.open, self.getpos())
        self.open.pop()


def test_the_file_is_well_formed_and_its_ids_are_unique() -> None:
    found = Elements(html(PAGE))
    assert len(found.ids) == len(set(found.ids))
    assert set(found.referred) <= set(found.ids)


def test_the_same_page_is_the_same_bytes_and_under_two_megabytes() -> None:
    assert html(PAGE) == html(PAGE)
    assert len(html(PAGE).encode()) < 2_000_000


def test_nothing_in_the_file_points_elsewhere() -> None:
    text = html(PAGE)
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "default-src 'none'" in text
    assert "unsafe-eval" not in text


def test_text_cannot_become_an_element() -> None:
    text = html(PAGE)
    assert "<streams>" not in text
    data = re.search(r'id="pictures">(.*?)</script>', text, re.S)
    assert data is not None
    assert json.loads(data[1])["specs"]["bars"] == BARS


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (12345.4, "count", "12,345"),
        (-0.3, "count", "0"),
        (-1234, "count", "−1,234"),
        (0.12345, "share", "12.3 %"),
        (0.031, "points", "+3.1"),
        (-0.031, "points", "−3.1"),
        (3.14159, "decimal", "3.1"),
        (0.001234, "decimal", "0.00123"),
        (2022, "plain", "2022"),
        (None, "count", "–"),
        (float("nan"), "share", "–"),
        ("word", "text", "word"),
        (True, "text", "yes"),
    ],
)
def test_numbers_are_written_for_people(value: Value, kind: Kind, said: str) -> None:
    assert shown(value, kind) == said


def test_pictures_are_written_without_a_browser(tmp_path: Path) -> None:
    written = export.write_pictures(PAGE, tmp_path / "pictures")
    assert [path.name for path in written] == ["bars.svg", "bars.png", "drawn.svg", "drawn.png"]
    assert written[1].read_bytes().startswith(b"\x89PNG")
    assert written[0].read_text("utf-8").startswith("<svg")


def test_it_draws_without_asking_for_anything(browser: Any, file: Path) -> None:
    with opened(browser, file) as found:
        assert marks(found, "bars") == 2
        assert found.requests == []
        assert found.complaints == []


def test_a_choice_filters_pictures_and_tables_from_the_keyboard(browser: Any, file: Path) -> None:
    with opened(browser, file) as found:
        found.page.locator("select[data-choice=stream]").focus()
        found.page.keyboard.press("b")
        until(found, "() => document.querySelectorAll('#bars tbody tr:not([hidden])').length === 1")
        found.page.wait_for_timeout(50)
        assert marks(found, "bars") == 1
        assert found.page.locator("#bars tbody tr:not([hidden]) data").get_attribute("value") == "5123.25"
        assert found.complaints == []


def test_every_control_is_reached_with_the_tab_key(browser: Any, file: Path) -> None:
    with opened(browser, file) as found:
        wanted = found.page.locator("a, button:visible, select, summary").count()
        reached = set()
        for _ in range(2 * wanted):
            found.page.keyboard.press("Tab")
            reached.add(
                found.page.evaluate(
                    "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
                    " return e.outerHTML.slice(0, 120) + (s.outlineStyle === 'none' ? ' UNSEEN' : ''); })()"
                )
            )
        assert not [each for each in reached if "UNSEEN" in each and not each.startswith("<body")]
        kinds = ("<a", "<button", "<select", "<summary")
        assert len([each for each in reached if each.startswith(kinds)]) == wanted


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_axe_finds_nothing_serious(browser: Any, file: Path, size: tuple[int, int], dark: bool) -> None:
    with opened(browser, file, size=size, dark=dark) as found:
        found.page.locator("summary").first.click()
        assert violations(found) == []
        width = found.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0]


def test_the_reader_can_switch_to_dark(browser: Any, file: Path) -> None:
    with opened(browser, file) as found:
        before = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
        found.page.locator("#theme").click()
        assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") != before
        assert found.page.locator("#theme").text_content() == "Light"
