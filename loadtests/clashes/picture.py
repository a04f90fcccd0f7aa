"""A clash as a picture: SVG without scripts or fonts of its own, legible on light and dark grounds.

Each operation is a bar on one axis of time, its label above it; one that was never answered is faint and
ends with the picture. Whoever points at a bar is told its interval (<title>). Colours are those of the
answer, which is also written, so that nothing depends on them.
"""

from typing import Final
from xml.sax.saxutils import escape

from loadtests.clashes.drawing import Bar, Drawing
from loadtests.clashes.sentences import moment
from loadtests.history import NEVER

WIDTH, MARGIN, STEP, BAR = 760, 16, 40, 12
LETTERS: Final = 104
"""Letters of a line of the sentence."""
STYLE: Final = """
  svg { color-scheme: light dark }
  .ground { fill: #ffffff } .ink { fill: #1b1f24 } .faint { fill: #57606a } .line { stroke: #8c959f }
  .granted { fill: #1a7f37 } .refused { fill: #bc4c00 } .seen { fill: #0969da } .other { fill: #6e7781 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9da7b1 } .line { stroke: #6e7681 }
    .granted { fill: #3fb950 } .refused { fill: #f0883e } .seen { fill: #58a6ff } .other { fill: #8b949e }
  }
  text { font: 13px system-ui, sans-serif } .says { font-weight: 600 } .small { font-size: 11px }
"""
CLASSES: Final = {
    "granted": "granted",
    "replayed": "granted",
    "full": "refused",
    "duplicate": "refused",
    "closed": "refused",
    "unheld": "refused",
    "count": "seen",
}


def svg(drawn: Drawing, first_ns: int, *, says: str, besides: str = "") -> str:
    """The picture of a drawing with its sentence."""
    heading = _wrapped(says)
    top = MARGIN + 18 * len(heading) + 22
    height = top + STEP * len(drawn.bars) + (24 if besides else 8)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">',
        f"<title>{escape(says)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        *(_text(MARGIN, MARGIN + 12 + 18 * at, line, "ink says") for at, line in enumerate(heading)),
        *_axis(drawn, first_ns, top),
    ]
    for at, bar in enumerate(drawn.bars):
        parts += _bar(drawn, bar, top + STEP * at + 14)
    if besides:
        parts.append(_text(MARGIN, height - 10, besides, "faint small"))
    return "\n".join([*parts, "</svg>", ""])


def _axis(drawn: Drawing, first_ns: int, y: int) -> list[str]:
    right = WIDTH - MARGIN
    return [
        f'<line class="line" x1="{MARGIN}" y1="{y}" x2="{right}" y2="{y}"/>',
        _text(MARGIN, y - 5, moment(drawn.begins_ns - first_ns), "faint small"),
        _text(right, y - 5, moment(drawn.ends_ns - first_ns), "faint small", anchor="end"),
    ]


def _bar(drawn: Drawing, bar: Bar, y: int) -> list[str]:
    """A bar with its label above it, kept inside the picture."""
    room = WIDTH - 2 * MARGIN
    left = MARGIN + drawn.share(bar.begins_ns) * room
    is_open = bar.ends_ns == NEVER
    right = WIDTH - MARGIN if is_open else MARGIN + drawn.share(bar.ends_ns) * room
    wide = max(3.0, right - left)
    kind = CLASSES.get(bar.answer, "other")
    faded = ' fill-opacity="0.45"' if is_open else ""
    is_late = left > WIDTH / 2
    x = min(WIDTH - MARGIN, left + wide) if is_late else left
    return [
        f"<g><title>{escape(f'{bar.label}; {bar.when}')}</title>",
        _text(x, y + 4, bar.label, "ink", anchor="end" if is_late else "start"),
        f'<rect class="{kind}" x="{left:.1f}" y="{y + 9}" width="{wide:.1f}" height="{BAR}" rx="3"{faded}/>',
        "</g>",
    ]


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _wrapped(says: str) -> list[str]:
    lines = [""]
    for word in says.split():
        if len(lines[-1]) + len(word) >= LETTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
