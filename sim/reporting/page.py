"""What a page consists of: a lead, choices, sections with pictures and tables, and where it comes from.

These records say nothing of HTML or of any command. A *picture* is a Vega-Lite specification (a plain dict)
or a finished SVG. A *choice* is a drop-down list for the whole page: it sets the parameter of its name in
every picture that has one, and hides the rows of every table that are about something else.
"""

from dataclasses import dataclass
from typing import Any, Literal

Spec = dict[str, Any]
"""A Vega-Lite specification. A width of "container" is what the reader's window leaves."""

Kind = Literal["text", "count", "decimal", "share", "points", "plain", "number"]
"""How a column's numbers are shown: 12,345; 12.3; 12.3 %; +1.2 points; as they are (a year); a
number that is already written out."""

Value = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    label: str
    kind: Kind = "text"
    choice: str = ""
    """Name of the choice that this column holds values of: rows with another value are hidden."""


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers behind a picture, in full; shown as `Kind` says, kept exactly in the page."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """Another page or file, by its path relative to this one."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Section:
    """One thing to see: a heading, what to see in it, the picture, its table, and how to read it."""

    id: str
    """Unique on the page; letters, digits and hyphens. The picture's file is called after it."""
    heading: str
    text: str = ""
    """The finding, in a sentence or two."""
    picture: Spec | str | None = None
    """An SVG has its xmlns, a viewBox, and draws text and lines in currentColor."""
    label: str = ""
    """The picture in words, for whoever cannot see it: what is drawn, and its main figures."""
    table: Table | None = None
    note: str = ""
    """How to read it, and what it rests on."""
    table_open: bool = False
    """Whether the table is shown without being asked for."""
    links: tuple[Link, ...] = ()
    """Where there is more of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A drop-down list at the top of the page."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    """(value, what the reader sees), in order."""
    value: str
    """The one that is chosen when the page opens."""


@dataclass(frozen=True, slots=True)
class Page:
    """One HTML file."""

    title: str
    subtitle: str
    lead: tuple[str, ...]
    """What the run says, the first sentence large."""
    sections: tuple[Section, ...]
    provenance: tuple[tuple[str, str], ...]
    """(what, value): scenario, seed, version ...; no time or path, so that the same run has the same page."""
    choices: tuple[Choice, ...] = ()
    badge: str = ""
    """One word beside the title, such as a verdict; it also picks the colour (VALID, INVALID, UNKNOWN)."""
    links: tuple[Link, ...] = ()
