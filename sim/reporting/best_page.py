"""The page of a choice: which point was chosen and how near the others come; or the front over two goals."""

from typing import Any

from sim.reporting import dots, theme
from sim.reporting.labels import labelled
from sim.reporting.naming import named, titled
from sim.reporting.page import Column, Page, Section, Spec, Table, Value
from sim.reporting.provenance import provenance
from sim.showing import best as showing_best
from sim.showing import front as showing_front

Data = dict[str, Any]

LIKELY = 0.25
"""A chance of being on the front from which on a point has its name in the picture."""


def best_page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """The page of a selection with a guarantee."""
    name = named(summary["objective"]["measure"])
    sections = (_points(summary), _confirmed(summary))
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"The best of {len(summary['points'])} points by {name.title}",
        lead=tuple(showing_best.sentences(summary)),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
    )


def pareto_page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """The page of a front."""
    goals = " and ".join(named(each["measure"]).title for each in summary["objectives"])
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"Which of {len(summary['points'])} points nobody beats in {goals}",
        lead=tuple(showing_front.sentences(summary)),
        sections=(_front(summary),),
        provenance=provenance(summary, manifest),
    )


def _points(summary: Data) -> Section:
    """The objective at every point, by what became of the point."""
    measure = summary["objective"]["measure"]
    name = named(measure)
    known = [each for each in summary["points"] if each.get("mean") is not None]
    sign = 1 if summary["objective"]["better"] == "lower" else -1
    known.sort(key=lambda each: sign * each["mean"])
    rows = [
        {
            "name": each["label"],
            "measure": measure,
            "value": name.times * each["mean"],
            "low": _times(each["low"], name.times),
            "high": _times(each["high"], name.times),
            "kind": _kind(summary, each),
        }
        for each in known
    ]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    titles = {measure: titled(measure)}
    text = f"The best first; {len(known)} of {len(summary['points'])} points have a value."
    return Section(
        id="points",
        heading="Every point, and what became of it",
        text=text,
        picture=dots.picture(rows, titles=titles, first=measure, zero=False, kinds=kinds) if rows else None,
        label=f"Means with intervals, one row a point. {text}",
        table=_table(summary, name.times),
        note="Means with 95 % intervals of as many replications as the selection heard each point for; those "
        "ruled out early were heard for few."
        + (f" The first {dots.MOST} are drawn." if len(rows) > dots.MOST else ""),
    )


def _kind(summary: Data, point: Data) -> str:
    return "chosen" if point["point"] == summary["chosen"] else str(point["how"]).replace("-", " ")


def _times(value: float | None, times: float) -> float | None:
    return None if value is None else times * value


def _table(summary: Data, times: float) -> Table:
    columns = (
        Column("point"),
        Column("what became of it"),
        Column("replications", "count"),
        Column("mean", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("difference to the chosen", "decimal"),
        Column("why not"),
    )
    rows: list[tuple[Value, ...]] = []
    for each in summary["points"]:
        gap = (each.get("difference") or {}).get("mean")
        figures = tuple(
            _times(value, times) for value in (each.get("mean"), each.get("low"), each.get("high"), gap)
        )
        rows.append(
            (each["label"], _kind(summary, each), each["replications"], *figures, each["reason"] or "")
        )
    return Table(columns, tuple(rows))


def _confirmed(summary: Data) -> Section | None:
    """The chosen point beside the scenario as it is, on people of whom the selection knew nothing."""
    if not summary["confirmed"]:
        return None
    labels = {each["point"]: each["label"] for each in summary["points"]}
    rows: list[tuple[Value, ...]] = []
    for each in summary["confirmed"]:
        who = "the scenario as it is" if each["point"] is None else labels[each["point"]]
        for measure, value in each["measures"].items():
            gap, times = each["differences"][measure], named(measure).times
            figures = (value["mean"], value["low"], value["high"], gap["mean"], gap["low"], gap["high"])
            rows.append((who, named(measure).title, *(_times(figure, times) for figure in figures)))
    columns = (
        Column("point"),
        Column("measure"),
        *(Column(label, "decimal") for label in ("mean", "95 % low", "95 % high", "difference")),
        *(Column(label, "decimal") for label in ("low", "high")),
    )
    return Section(
        id="confirmed",
        heading="The choice on fresh replications",
        table=Table(columns, tuple(rows)),
        table_open=True,
        note=f"{summary['confirmed'][0]['replications']:,} replications that the selection never saw; "
        "differences are to the scenario as it is, pair by pair.",
    )


def _front(summary: Data) -> Section:
    """The first two objectives against each other; the table has them all."""
    first, second = (each["measure"] for each in summary["objectives"][:2])
    points = []
    for each in summary["points"]:
        x, y = each["measures"][first], each["measures"][second]
        if x["mean"] is None or y["mean"] is None:
            continue
        point: Data = {"policy": each["label"], "front": each["on_front"], "probability": each["probability"]}
        for axis, value, times in (("x", x, named(first).times), ("y", y, named(second).times)):
            point |= {axis: times * value["mean"]}
            point |= {f"{axis}_{end}": _times(value[end], times) for end in ("low", "high")}
        points.append(point)
    on = sum(point["front"] for point in points)
    text = f"{on} of {len(points)} points are beaten by no other."
    return Section(
        id="front",
        heading="The Pareto front",
        text=text,
        picture=_picture(_labelled(points), first, second) if points else None,
        label=f"Scatter plot of {named(first).title} and {named(second).title}. {text}",
        table=_front_table(summary),
        note="Means with 95 % intervals. Filled: on the front. The larger a mark, the likelier the "
        "point belongs to it, by replications drawn again.",
    )


def _labelled(points: list[Data]) -> list[Data]:
    """The points, with the names of those that may well be on the front; the others tell theirs on hover."""
    likely = [point for point in points if point["front"] or (point["probability"] or 0) >= LIKELY]
    others = [
        point | {"label": "", "align": "center", "dx": 0, "dy": 0} for point in points if point not in likely
    ]
    return [*others, *labelled(likely)]


def _front_table(summary: Data) -> Table:
    columns = (
        Column("point"),
        Column("on the front"),
        Column("chance of being on it", "share"),
        *(Column(named(name).title, "decimal") for name in summary["measures"]),
        Column("why not"),
    )
    rows = (
        (
            each["label"],
            each["on_front"],
            each["probability"],
            *(_times(each["measures"][name]["mean"], named(name).times) for name in summary["measures"]),
            each["reason"] or "",
        )
        for each in summary["points"]
    )
    return Table(columns, tuple(rows))


def _picture(points: list[Data], first: str, second: str) -> Spec:
    def axis(field: str, measure: str) -> Data:
        scale = {"zero": False, "nice": True, "padding": 14}
        return {
            "field": field,
            "type": "quantitative",
            "title": titled(measure),
            "scale": scale,
            "axis": {"tickCount": 6},
        }

    colour = {"condition": {"test": "datum.front", "value": theme.BLUE}, "value": theme.GREY}
    x, y = axis("x", first), axis("y", second)
    return {
        "data": {"values": points},
        "width": "container",
        "height": 360,
        "layer": [
            {
                "mark": {"type": "rule", "opacity": 0.7},
                "encoding": {"x": axis("x_low", first), "x2": {"field": "x_high"}, "y": y, "color": colour},
            },
            {
                "mark": {"type": "rule", "opacity": 0.7},
                "encoding": {"y": axis("y_low", second), "y2": {"field": "y_high"}, "x": x, "color": colour},
            },
            {
                "mark": {"type": "point", "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": colour,
                    "fill": {
                        "condition": {"test": "datum.front", "value": theme.BLUE},
                        "value": "transparent",
                    },
                    "shape": {"condition": {"test": "datum.front", "value": "circle"}, "value": "square"},
                    "size": {
                        "field": "probability",
                        "type": "quantitative",
                        "scale": {"domain": [0, 1], "range": [40, 240]},
                        "legend": None,
                    },
                    "tooltip": [
                        {"field": "policy", "title": "point"},
                        {"field": "x", "title": named(first).title, "format": ",.2f"},
                        {"field": "y", "title": named(second).title, "format": ",.2f"},
                        {"field": "probability", "title": "chance of being on the front", "format": ".0%"},
                    ],
                },
            },
            {
                "mark": {
                    "type": "text",
                    "fontSize": 11,
                    "baseline": "middle",
                    **{key: {"expr": f"datum.{key}"} for key in ("align", "dx", "dy")},
                },
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    }
