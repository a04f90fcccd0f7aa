"""The same comparison at other demands, where the cap is slack at the scenario's own."""

from typing import Any

from sim.reporting import forest, theme
from sim.reporting.naming import named
from sim.reporting.page import Column, Section, Spec, Table
from sim.reporting.subject import called

Data = dict[str, Any]


def section(summary: Data) -> Section | None:
    """Differences by multiple of the demand; None if the comparison was made at one demand only."""
    if not summary["beside"]:
        return None
    rows = _rows(summary)
    first = forest.choice(summary).value
    binds = [side["times"] for side in summary["beside"] if side["binds"]]
    text = "At the scenario's own demand the cap is slack."
    if binds:
        text += f" It binds from {binds[0]:.3g} times that demand on."
    return Section(
        id="demands",
        heading="If more people ask",
        text=text,
        picture=_picture(summary, rows, first),
        label=f"Differences against the baseline by multiple of the demand, one panel a policy. {text}",
        table=_table(rows),
        note="Paired differences of means in the measure chosen at the top, with 95 % intervals.",
    )


def _rows(summary: Data) -> list[Data]:
    names = forest.shown_measures(summary)
    rows = []
    for side in ({"times": 1.0, "contrasts": summary["contrasts"]}, *summary["beside"]):
        for each in side["contrasts"]:
            if each["measure"] not in names or each["difference"] is None:
                continue
            name = named(each["measure"])
            ends = {key: None if each[key] is None else name.times * each[key] for key in ("low", "high")}
            rows.append(
                {
                    "policy": each["policy"],
                    "measure": each["measure"],
                    "times": side["times"],
                    "at": f"{side['times']:.3g}×",
                    "difference": name.times * each["difference"],
                    **ends,
                    "verdict": each["verdict"],
                }
            )
    return rows


def _table(rows: list[Data]) -> Table:
    columns = (
        Column("measure", choice="measure"),
        Column("policy"),
        Column("times the demand", "plain"),
        Column("difference", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("verdict"),
    )
    keys = ("difference", "low", "high", "verdict")
    return Table(
        columns,
        tuple(
            (row["measure"], called(row["policy"]), row["times"], *(row[key] for key in keys)) for row in rows
        ),
    )


def _picture(summary: Data, rows: list[Data], first: str) -> Spec:
    order = list(dict.fromkeys(row["at"] for row in sorted(rows, key=lambda row: row["times"])))
    policies = [called(name) for name in summary["order"][1:]]
    place = {
        "y": {"field": "name", "type": "nominal", "sort": policies, "title": None},
        "yOffset": {"field": "at", "sort": order, "scale": {"domain": order}},
    }
    colour = {
        "field": "at",
        "sort": order,
        "scale": {"domain": order, "range": list(theme.COLOURS[: len(order)])},
        "legend": {"title": "times the demand"},
    }
    shape = {"field": "at", "scale": {"domain": order, "range": list(theme.SHAPES[: len(order)])}}

    def x(field: str) -> Data:
        return {"field": field, "type": "quantitative", "title": "difference", "axis": {"tickCount": 6}}

    return {
        "params": [{"name": "measure", "value": first}],
        "data": {"values": rows},
        "transform": [
            {"filter": "datum.measure == measure"},
            {"calculate": "replace(datum.policy, regexp('-', 'g'), ' ')", "as": "name"},
        ],
        "width": "container",
        "height": 15 * len(order) * len(policies) + 20,
        "layer": [
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "opacity": 0.6},
                "encoding": {"x": {"datum": 0, "type": "quantitative"}},
            },
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**place, "x": x("low"), "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
                "encoding": {
                    **place,
                    "x": x("difference"),
                    "color": colour,
                    "shape": shape,
                    "tooltip": [
                        {"field": "name", "title": "policy"},
                        {"field": "at", "title": "times the demand"},
                        {"field": "difference", "format": "+,.2f"},
                        {"field": "low", "title": "95 % low", "format": "+,.2f"},
                        {"field": "high", "title": "95 % high", "format": "+,.2f"},
                        {"field": "verdict"},
                    ],
                },
            },
        ],
    }
