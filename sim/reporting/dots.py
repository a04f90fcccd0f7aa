"""Points with intervals, one row each: what a search, a sweep or an analysis found, in the chosen measure.

The rows have `name`, `measure`, `value`, `low`, `high` and `kind`, in the units that are shown; the reader
chooses the measure where there are several.
"""

from typing import Any

from sim.reporting import theme
from sim.reporting.page import Spec

Data = dict[str, Any]

MOST = 40
"""Rows that are drawn; a table has all."""


def picture(rows: list[Data], *, titles: dict[str, str], first: str, zero: bool, kinds: list[str]) -> Spec:
    """The picture; `titles` has a title for each measure, `zero` draws a line at 0."""
    names = list(dict.fromkeys(row["name"] for row in rows))[:MOST]
    y: Data = {
        "field": "name",
        "type": "nominal",
        "sort": names,
        "title": None,
        "axis": {"grid": True, "labelLimit": {"expr": "width < 420 ? 150 : 330"}},
    }
    colour: Data = {
        "field": "kind",
        "scale": {"domain": kinds, "range": list(theme.COLOURS[: len(kinds)])},
        "legend": {"title": None, "symbolOpacity": 1, "columns": {"expr": "width < 420 ? 2 : 0"}},
    }
    shape: Data = {"field": "kind", "scale": {"domain": kinds, "range": list(theme.SHAPES[: len(kinds)])}}
    if len(kinds) < 2:
        colour["legend"], shape["legend"] = None, None

    def x(field: str) -> Data:
        scale = {"zero": zero, "padding": 14}
        return {
            "field": field,
            "type": "quantitative",
            "title": None,
            "scale": scale,
            "axis": {"tickCount": 6},
        }

    line = {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "opacity": 0.6},
        "encoding": {"x": {"datum": 0, "type": "quantitative"}},
    }
    return {
        "params": [{"name": "measure", "value": first}, {"name": "titles", "value": titles}],
        "data": {"values": [row for row in rows if row["name"] in names]},
        "transform": [{"filter": "datum.measure == measure"}],
        "width": "container",
        "height": max(70, 22 * len(names)) + 20,
        "layer": [
            *([line] if zero else []),
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 2.5},
                "encoding": {"y": y, "x": x("low"), "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": x("value"),
                    "color": colour,
                    "shape": shape,
                    "tooltip": [
                        {"field": "name"},
                        {"field": "value", "format": ",.2f"},
                        {"field": "low", "title": "95 % low", "format": ",.2f"},
                        {"field": "high", "title": "95 % high", "format": ",.2f"},
                        {"field": "kind", "title": "of it"},
                    ],
                },
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "text", "align": "right", "baseline": "bottom", "fontWeight": 500, "dy": 38},
                "encoding": {
                    "text": {"value": {"expr": "titles[measure]"}},
                    "x": {"value": "width"},
                    "y": {"value": "height"},
                },
            },
        ],
    }
