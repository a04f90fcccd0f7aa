"""Picture 6: permits against another measure: which policies are beaten in both by some other?"""

from typing import Any

from sim.reporting import forest, theme
from sim.reporting.labels import labelled
from sim.reporting.naming import named, titled
from sim.reporting.page import Column, Section, Spec, Table
from sim.reporting.subject import called

Data = dict[str, Any]

ACROSS = "permits"


def section(summary: Data) -> Section | None:
    """The front of each measure that has a better side; None if permits are unknown."""
    rows = _rows(summary)
    if not rows:
        return None
    chosen = forest.choice(summary).value
    first = chosen if any(row["measure"] == chosen for row in rows) else rows[0]["measure"]
    finding = _finding(rows, first)
    return Section(
        id="front",
        heading="Trade-offs: permits against the chosen measure",
        text=finding,
        picture=_picture(rows, first),
        label=f"Scatter plot of permits against a measure, one point a policy. {finding}",
        table=_table(rows),
        note="Means with 95 % intervals. Filled: on the front, since no other policy is at least as good in "
        "both and better in one; the table says how likely that is, replications drawn again. The measure is "
        "the one chosen at the top; permits and what has no better side are left out.",
    )


def _finding(rows: list[Data], measure: str) -> str:
    on = [called(row["policy"]) for row in rows if row["measure"] == measure and row["front"]]
    return f"Not beaten in both permits and {named(measure).title}: {', '.join(on)}."


def _rows(summary: Data) -> list[Data]:
    """One row a policy and measure, in the units that are shown, each with a place for its label."""
    rows: list[Data] = []
    for measure in forest.shown_measures(summary):
        better = summary["definitions"][measure]["better"]
        if measure == ACROSS or not better:
            continue
        points = [_point(summary, policy, measure) for policy in summary["order"]]
        known = [point for point in points if point["x"] is not None and point["y"] is not None]
        sign = 1.0 if better == "higher" else -1.0
        for point in known:
            point["front"] = not any(_beats(other, point, sign) for other in known)
        rows += labelled(known)
    return rows


def _point(summary: Data, policy: str, measure: str) -> Data:
    measures, name = summary["policies"][policy]["measures"], named(measure)
    x, y = measures[ACROSS], measures[measure]
    chance = summary.get("front", {}).get(measure, {}).get(policy)
    point: Data = {"policy": policy, "measure": measure, "chance": chance}
    for axis, spread, times in (("x", x, 1.0), ("y", y, name.times)):
        for suffix, key in (("", "mean"), ("_low", "mean_low"), ("_high", "mean_high")):
            point[axis + suffix] = None if spread[key] is None else times * spread[key]
    return point


def _beats(other: Data, point: Data, sign: float) -> bool:
    gains = other["x"] - point["x"], sign * (other["y"] - point["y"])
    return min(gains) >= 0 and max(gains) > 0


def _table(rows: list[Data]) -> Table:
    columns = (
        Column("measure", choice="measure"),
        Column("policy"),
        Column("permits", "count"),
        Column("the measure", "decimal"),
        Column("on the front"),
        Column("chance of being on it", "share"),
    )
    keys = ("x", "y", "front", "chance")
    return Table(
        columns,
        tuple((row["measure"], called(row["policy"]), *(row[key] for key in keys)) for row in rows),
    )


def _picture(rows: list[Data], first: str) -> Spec:
    titles = {row["measure"]: titled(row["measure"]) for row in rows}

    def axis(name: str, title: str | None) -> Data:
        scale = {"zero": False, "nice": True, "padding": 12}
        return {
            "field": name,
            "type": "quantitative",
            "title": title,
            "scale": scale,
            "axis": {"tickCount": 6},
        }

    x, y = axis("x", "permits, mean"), axis("y", None)
    colour = {
        "condition": {"test": "datum.front", "value": theme.BLUE},
        "value": theme.GREY,
    }
    tooltip = [
        {"field": "name", "title": "policy"},
        {"field": "x", "title": "permits", "format": ",.0f"},
        {"field": "y", "title": "the measure", "format": ",.2f"},
        {"field": "chance", "title": "chance of being on the front", "format": ".0%"},
    ]
    return {
        "params": [{"name": "measure", "value": first}, {"name": "titles", "value": titles}],
        "data": {"values": rows},
        "transform": [
            {"filter": f"datum.measure == (isValid(titles[measure]) ? measure : '{first}')"},
            {"calculate": "replace(datum.policy, regexp('-', 'g'), ' ')", "as": "name"},
        ],
        "width": "container",
        "height": 340,
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.8},
                "encoding": {
                    "x": axis("x_low", "permits, mean"),
                    "x2": {"field": "x_high"},
                    "y": y,
                    "color": colour,
                },
            },
            {
                "mark": {"type": "rule", "opacity": 0.8},
                "encoding": {"y": axis("y_low", None), "y2": {"field": "y_high"}, "x": x, "color": colour},
            },
            {
                "mark": {"type": "point", "size": 110, "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colour,
                    "fill": {
                        "condition": {"test": "datum.front", "value": theme.BLUE},
                        "value": "transparent",
                    },
                    "shape": {
                        "condition": {"test": "datum.front", "value": "circle"},
                        "value": "square",
                    },
                    "tooltip": tooltip,
                },
            },
            {
                "mark": {
                    "type": "text",
                    "fontSize": 11,
                    "baseline": "middle",
                    **{key: {"expr": f"datum.{key}"} for key in ("align", "dx", "dy")},
                },
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {
                        "condition": {"test": "width >= 420 || datum.front", "field": "label"},
                        "value": "",
                    },
                },
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "text", "align": "left", "baseline": "bottom", "fontWeight": 500, "dy": -6},
                "encoding": {
                    "text": {
                        "value": {"expr": f"isValid(titles[measure]) ? titles[measure] : titles['{first}']"}
                    },
                    "x": {"value": 0},
                    "y": {"value": 0},
                },
            },
        ],
    }
