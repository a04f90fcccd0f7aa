"""How pictures look: one configuration for all, right on white and on near-black.

Lines and text are drawn in the colour of the text around them, so that the same picture serves a light
page, a dark one and paper. The colours are Okabe and Ito's, shifted where needed until each has a contrast of
at least 3 to 1 against both backgrounds; what differs in colour also differs in shape, dashes or a label.
Source: Okabe and Ito, Color Universal Design (2008).
"""

from typing import Any, Final

Data = dict[str, Any]

INK: Final = "currentColor"
BLUE, VERMILION, GREEN, PURPLE, OCHRE, SKY, GREY = (
    "#1F7EB8",
    "#D55E00",
    "#00916A",
    "#B86A96",
    "#B07D00",
    "#3A93C4",
    "#808890",
)
COLOURS: Final = (BLUE, VERMILION, GREEN, PURPLE, OCHRE, GREY, SKY)
DASHES: Final = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 1], [1, 4])
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "stroke")
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

SEQUENTIAL: Final = ["#fde9c9", "#f5b97a", "#e0864b", "#b3566b", "#733a7d", "#2f2a6b"]
"""Light to dark in one direction, so that it also reads in grey."""
DIVERGING: Final = ["#B34700", "#E58A4A", "#EFE6DD", "#6FA9CF", "#1A5E8E"]

CONFIG: Final[Data] = {
    "background": None,
    "font": FONT,
    "aria": False,  # the figure around it has the words; a symbol a mark would drown a screen reader
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.12,
        "domainOpacity": 0.4,
        "tickOpacity": 0.4,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "titlePadding": 8,
        "labelLimit": 260,
    },
    "axisY": {"domain": False, "ticks": False, "labelPadding": 6},
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "orient": "top",
        "direction": "horizontal",
        "labelLimit": 260,
    },
    "header": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "labelFontWeight": 600},
    "title": {"color": INK, "subtitleColor": INK, "anchor": "start", "fontSize": 13, "fontWeight": 600},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": INK},
    "tick": {"color": INK},
    "range": {
        "category": list(COLOURS),
        "heatmap": SEQUENTIAL,
        "ramp": SEQUENTIAL,
        "diverging": DIVERGING,
    },
}
"""The `config` of every picture."""
