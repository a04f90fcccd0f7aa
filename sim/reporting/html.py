"""A page as one HTML file: everything inline, nothing fetched, the numbers behind every picture in a table.

Its content security policy forbids the network and every script but the two in the file, by their digests.
The same page gives the same bytes.
"""

import base64
import hashlib
import json
from dataclasses import asdict
from html import escape
from pathlib import Path

from sim.reporting import scripts, theme
from sim.reporting.figures import shown
from sim.reporting.page import Choice, Column, Page, Section, Table, Value

HERE = Path(__file__).parent
STATIC_CELLS = 600
"""A table with more is kept as data and becomes elements when it is opened."""


def html(page: Page) -> str:
    """The whole file."""
    ids = [section.id for section in page.sections]
    assert len(set(ids)) == len(ids), ids
    vega = scripts.bundle()
    ours = (HERE / "page.js").read_text("utf-8")
    style = (HERE / "page.css").read_text("utf-8")
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(vega, ours)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<link rel="icon" href="data:,">',
        f"<title>{escape(page.title)}</title>",
        f"<style>\n{style}</style>",
        "</head>",
        "<body>",
        '<a class="skip" href="#content">Skip to the pictures</a>',
        _header(page),
        _bar(page),
        '<main id="content" class="inside" tabindex="-1">',
        "<noscript><p>The pictures need JavaScript; the tables have all their numbers.</p></noscript>",
        *(_section(each) for each in page.sections),
        "</main>",
        _footer(page),
        f'<script type="application/json" id="pictures">{_data(page)}</script>',
        f"<script>{vega}</script>",
        f"<script>{ours}</script>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _policy(*inside: str) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inside)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _data(page: Page) -> str:
    """The specifications and large tables as JSON that cannot end the element it stands in."""
    specs = {each.id: each.picture for each in page.sections if isinstance(each.picture, dict)}
    tables = {
        each.id: {"columns": [asdict(column) for column in each.table.columns], "rows": each.table.rows}
        for each in page.sections
        if each.table is not None and is_large(each.table)
    }
    text = json.dumps(
        {"config": theme.CONFIG, "specs": specs, "tables": tables},
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return text.replace("<", "\\u003c")


def _header(page: Page) -> str:
    badge = ""
    if page.badge:
        badge = f' <span class="badge badge-{escape(page.badge.lower())}">{escape(page.badge)}</span>'
    lead = "".join(f"<p>{escape(sentence)}</p>" for sentence in page.lead)
    listed = [(f"#{each.id}", each.heading) for each in page.sections]
    listed += [(each.href, each.text) for each in page.links]
    links = "".join(f'<li><a href="{escape(href)}">{escape(text)}</a></li>' for href, text in listed)
    return (
        f'<header class="top"><div class="inside"><p class="kind">{escape(page.subtitle)}</p>'
        f'<h1>{escape(page.title)}{badge}</h1><div class="lead">{lead}</div>'
        f'<nav aria-label="Sections"><ol>{links}</ol></nav></div></header>'
    )


def _bar(page: Page) -> str:
    selects = "".join(_select(choice) for choice in page.choices)
    theme_button = '<button type="button" id="theme" class="theme" aria-label="Light or dark">Dark</button>'
    inside = f'<div class="inside">{selects}{theme_button}</div>'
    return f'<div class="bar" role="region" aria-label="What to show">{inside}</div>'


def _select(choice: Choice) -> str:
    chosen = {choice.value: " selected"}
    options = "".join(
        f'<option value="{escape(value)}"{chosen.get(value, "")}>{escape(text)}</option>'
        for value, text in choice.options
    )
    return (
        f"<label>{escape(choice.label)}"
        f'<select data-choice="{escape(choice.name)}" autocomplete="off">{options}</select></label>'
    )


def _section(section: Section) -> str:
    heading = f'<h2 id="{section.id}-heading">{escape(section.heading)}</h2>'
    text = f"<p>{escape(section.text)}</p>" if section.text else ""
    links = "".join(
        f'<li><a href="{escape(each.href)}">{escape(each.text)}</a></li>' for each in section.links
    )
    more = f'<ul class="more">{links}</ul>' if links else ""
    return (
        f'<section id="{section.id}" aria-labelledby="{section.id}-heading">{heading}{text}{more}'
        f"{_figure(section)}{_behind(section)}</section>"
    )


def _figure(section: Section) -> str:
    caption = f"<figcaption>{escape(section.note)}</figcaption>" if section.note else ""
    if section.picture is None:
        return f'<p class="note">{escape(section.note)}</p>' if section.note else ""
    words = f'class="picture" role="img" aria-label="{escape(section.label or section.heading)}"'
    if isinstance(section.picture, str):
        return f"<figure><div {words}>{section.picture}</div>{caption}</figure>"
    return f'<figure><div {words} data-picture="{section.id}"></div>{caption}</figure>'


def _behind(section: Section) -> str:
    """The table, and the buttons that save it or the picture."""
    saves = [("svg", "Save picture")] if isinstance(section.picture, dict) else []
    saves += [("csv", "Save table")] if section.table else []
    what = escape(section.heading)
    buttons = "".join(
        f'<button type="button" data-save="{kind}" aria-label="{text}: {what}">{text}</button>'
        for kind, text in saves
    )
    tools = f'<div class="tools">{buttons}</div>' if buttons else ""
    if section.table is None:
        return tools
    table = _scrolled(section)
    if section.table_open:
        return table + tools
    return f"<details><summary>The numbers behind it</summary>{table}</details>{tools}"


def _scrolled(section: Section) -> str:
    """The table in a frame that scrolls; a large one is put there by page.js once somebody looks."""
    assert section.table is not None, section.id
    frame = f'class="scroll" tabindex="0" role="region" aria-label="Table: {escape(section.heading)}"'
    if is_large(section.table):
        return f'<div {frame} data-table="{section.id}"></div>'
    return f"<div {frame}>{_table(section.table)}</div>"


def is_large(table: Table) -> bool:
    """Whether a table is kept as data: as elements it would be the most of the file."""
    return len(table.rows) * len(table.columns) > STATIC_CELLS


def _table(table: Table) -> str:
    chosen = {str(k): column.choice.split() for k, column in enumerate(table.columns) if column.choice}
    filters = f' data-choices="{escape(json.dumps(chosen))}"' if chosen else ""
    head = "".join(
        f'<th scope="col"{_number_class(column)}>{escape(column.label)}</th>' for column in table.columns
    )
    body = "".join(
        "<tr>" + "".join(_cell(value, column, k == 0) for k, (value, column) in pairs) + "</tr>"
        for pairs in (list(enumerate(zip(row, table.columns, strict=True))) for row in table.rows)
    )
    return f"<table{filters}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _number_class(column: Column) -> str:
    return "" if column.kind == "text" else ' class="number"'


def _cell(value: Value, column: Column, is_first: bool) -> str:
    """One value as people read it, with the exact number beside it for machines."""
    tag = 'th scope="row"' if is_first else "td"
    end = "th" if is_first else "td"
    if column.choice and isinstance(value, str):  # the choice has the name, the reader words
        return f'<{tag} data-value="{escape(value)}">{escape(value.replace("-", " "))}</{end}>'
    text = escape(shown(value, column.kind))
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = f'<data value="{value!r}">{text}</data>'
    return f"<{tag}{_number_class(column)}>{text}</{end}>"


def _footer(page: Page) -> str:
    rows = "".join(f"<dt>{escape(what)}</dt><dd>{escape(value)}</dd>" for what, value in page.provenance)
    return f'<footer><div class="inside"><h2>Where this comes from</h2><dl>{rows}</dl></div></footer>'
