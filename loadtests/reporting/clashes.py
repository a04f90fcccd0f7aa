"""What clashes, as a timeline that fits any width: a bar an operation, with who asked for what above it.

Places are shares of the width and letters keep their size, so that a phone shows the same picture as a wide
screen, only with shorter bars. Colours follow the answer, which is also written.
"""

from collections.abc import Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from loadtests.clashes.drawing import Bar, drawing_of
from loadtests.clashes.picture import CLASSES
from loadtests.clashes.sentences import moment
from loadtests.history import NEVER
from sim.reporting import theme
from sim.reporting.page import Column, Section, Table

Data = dict[str, Any]
WIDTH: Final = 840
"""For whoever draws it without a window."""
STEP, BAR, TOP, LINE = 62, 12, 26, 17
COLOURS: Final = {"granted": theme.GREEN, "refused": theme.VERMILION, "seen": theme.BLUE, "other": theme.GREY}


def section(clash: Data, first_ns: int) -> Section:
    """The clash of an INVALID verdict."""
    rows = clash["operations"]
    more = len(clash["rows"]) - len(rows)
    besides = [f"And {more:,} more operations of the same clash."] * (more > 0)
    if said := clash["besides"]:
        besides.append(f"{said[0].upper()}{said[1:]}.")
    if clash["suffices"]:
        besides.append("By themselves these operations have no order that explains every answer.")
    return Section(
        id="clash",
        heading="What clashes",
        text=f"{clash['anomaly']}: {clash['says']}.",
        picture=svg(rows, first_ns),
        label=f"Timeline of {len(rows)} operations, each a bar from request to answer. {clash['says']}.",
        table=_table(rows, first_ns),
        note=" ".join(
            [
                "A bar is where the operation can have taken effect; one that was never answered is dashed.",
                *besides,
            ]
        ),
    )


def svg(rows: Sequence[Data], first_ns: int) -> str:
    """The bars on one axis of time."""
    drawn = drawing_of(rows, first_ns)
    height = TOP + STEP * len(drawn.bars) + 6
    begins, ends = (moment(at - first_ns) for at in (drawn.begins_ns, drawn.ends_ns))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'style="width:100%;height:{height}px" font-family="system-ui, sans-serif" font-size="13">',
        _text("0%", 12, begins, small=True),
        _text("100%", 12, ends, small=True, anchor="end"),
        '<line x1="0%" x2="100%" y1="18" y2="18" stroke="currentColor" stroke-opacity="0.4"/>',
    ]
    for at, bar in enumerate(drawn.bars):
        left = 100 * drawn.share(bar.begins_ns)
        right = 100.0 if bar.ends_ns == NEVER else 100 * drawn.share(bar.ends_ns)
        parts += _bar(bar, TOP + STEP * at, left, right)
    return "\n".join([*parts, "</svg>"])


def _bar(bar: Bar, y: int, left: float, right: float) -> list[str]:
    """Two lines of words, and the bar below them; one so short that nobody saw it is drawn wider."""
    wide = max(0.8, right - left)
    left = min(left, 100 - wide)
    colour = COLOURS[CLASSES.get(bar.answer, "other")]
    asked, _, told = bar.label.partition(": ")
    asked, _, key = asked.partition(", ")
    told = ", ".join(filter(None, (": ".join(filter(None, (key, told))), bar.when)))
    is_open = bar.ends_ns == NEVER
    look = 'fill-opacity="0.25" stroke-dasharray="5 3"' if is_open else ""
    return [
        f"<g><title>{escape(f'{bar.label}; {bar.when}')}</title>",
        _text("0%", y + LINE - 3, asked),
        _text("0%", y + 2 * LINE - 3, told, small=True),
        f'<rect x="{left:.2f}%" y="{y + 2 * LINE + 3}" width="{wide:.2f}%" height="{BAR}" rx="3" '
        f'fill="{colour}" stroke="{colour}" {look}/>',
        "</g>",
    ]


def _text(x: str, y: int, text: str, *, small: bool = False, anchor: str = "start") -> str:
    size = ' font-size="12" fill-opacity="0.8"' if small else ' font-weight="600"'
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="currentColor"{size}>{escape(text)}</text>'


def _table(rows: Sequence[Data], first_ns: int) -> Table:
    names = ("applicant", "op", "intake", "key", "answer", "slot", "cap", "value")
    columns = (
        Column("row", "plain"),
        *(Column(name) for name in names),
        Column("from, ms", "plain"),
        Column("to, ms", "plain"),
    )
    return Table(
        columns,
        tuple(
            (
                row["index"],
                *(None if row.get(name) is None else str(row[name]) for name in names),
                _ms(row["invoked_ns"] - first_ns),
                _ms(row["completed_ns"] - first_ns) if "completed_ns" in row else None,
            )
            for row in rows
        ),
    )


def _ms(span_ns: int) -> float:
    return round(span_ns / 1e6, 6)
