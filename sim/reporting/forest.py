"""Picture 2: what each policy changes against the baseline, pair by pair on the same people."""

from typing import Any

from sim.reporting import theme
from sim.reporting.naming import MEASURES, amount, gap_titled, named, signed
from sim.reporting.page import Choice, Column, Section, Spec, Table
from sim.reporting.subject import called

Data = dict[str, Any]

VERDICTS = {
    "better": ("better", theme.GREEN, "triangle-up"),
    "worse": ("worse", theme.VERMILION, "triangle-down"),
    "higher": ("different", theme.BLUE, "diamond"),
    "lower": ("different", theme.BLUE, "diamond"),
    "same": ("no difference", theme.GREY, "square"),
    "no worse": ("no worse", theme.SKY, "circle"),
    "not settled": ("not settled", theme.OCHRE, "cross"),
    "not estimable": ("not settled", theme.OCHRE, "cross"),
}
"""A verdict -> what the legend says, colour and shape."""


def shown_measures(summary: Data) -> tuple[str, ...]:
    """The measures that a reader can choose: those of the headline and of the load that have a contrast."""
    known = {each["measure"] for each in summary["contrasts"] if each["difference"] is not None}
    return tuple(
        name for name in (*summary["headlines"], *summary["load"]) if name in known and name in MEASURES
    )


def choice(summary: Data) -> Choice:
    """The drop-down list of measures."""
    names = shown_measures(summary)
    lead = (summary["lead"] or {"measure": ""})["measure"].partition("/")[0]
    first = lead if lead in names else "permits" if "permits" in names else names[0]
    return Choice("measure", "Measure", tuple((name, named(name).title) for name in names), first)


def section(summary: Data) -> Section:
    """The contrasts of every measure; the reader chooses one."""
    rows = _rows(summary)
    first = choice(summary).value
    finding = _finding(summary, rows, first)
    return Section(
        id="contrasts",
        heading=f"What changes against {called(summary['baseline'])}",
        text=finding,
        picture=_picture(summary, rows, first),
        label=f"Forest plot of paired differences, one row a policy. {finding}",
        table=_table(rows),
        note="Differences of means on the same people. Thick: 95 % interval of this contrast; thin: the "
        "wider one that holds for all contrasts at once. Pale band: the margin of "
        f"{100 * summary['margin']:g} %, within which a difference counts as none. Colour and shape: the "
        "verdict, by Holm's p-values or two one-sided tests.",
    )


def _finding(summary: Data, rows: list[Data], measure: str) -> str:
    """How many policies are better, worse, the same in the measure that the page opens with."""
    verdicts = [row["verdict"] for row in rows if row["measure"] == measure]
    said = [f"{verdicts.count(each)} {each}" for each in dict.fromkeys(VERDICTS) if each in verdicts]
    base = f"against {called(summary['baseline'])}"
    return f"{named(measure).title.capitalize()}, {len(verdicts)} policies {base}: {', '.join(said)}."


def _rows(summary: Data) -> list[Data]:
    """One row a policy and measure, in the units that are shown."""
    names, rows = shown_measures(summary), []
    for each in summary["contrasts"]:
        if each["measure"] not in names or each["difference"] is None:
            continue
        name = named(each["measure"])
        ends = {end: _times(each[end], name.times) for end in ("low", "high", "all_low", "all_high")}
        said = f"{signed(name.times * each['difference'])}"
        if ends["low"] is not None:
            said += f" ({amount(ends['low'])} to {amount(ends['high'])})"
        rows.append(
            {
                "policy": each["policy"],
                "measure": each["measure"],
                "base": name.times * each["base"],
                "value": name.times * each["value"],
                "difference": name.times * each["difference"],
                **ends,
                "margin": name.times * each["margin"],
                "verdict": each["verdict"],
                "kind": VERDICTS[each["verdict"]][0],
                "label": said,
                "p": each["p_holm"] if each["p_holm"] is not None else each["p"],
            }
        )
    return rows


def _times(value: float | None, times: float) -> float | None:
    return None if value is None else times * value


def _table(rows: list[Data]) -> Table:
    columns = (
        Column("measure", choice="measure"),
        Column("policy"),
        Column("baseline", "decimal"),
        Column("policy's mean", "decimal"),
        Column("difference", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("low, all at once", "decimal"),
        Column("high, all at once", "decimal"),
        Column("p", "decimal"),
        Column("verdict"),
    )
    keys = ("base", "value", "difference", "low", "high", "all_low", "all_high", "p", "verdict")
    body = ((row["measure"], called(row["policy"]), *(row[key] for key in keys)) for row in rows)
    return Table(columns, tuple(body))


def _picture(summary: Data, rows: list[Data], first: str) -> Spec:
    titles = {name: gap_titled(name) for name in shown_measures(summary)}
    policies = [called(name) for name in summary["order"][1:]]
    y: Data = {
        "field": "name",
        "type": "nominal",
        "sort": policies,
        "scale": {"domain": policies},
        "title": None,
        "axis": {"grid": True, "labelLimit": {"expr": "width < 420 ? 110 : 200"}},
    }
    kinds = {kind: (colour, shape) for kind, colour, shape in VERDICTS.values()}
    present = [kind for kind in kinds if any(row["kind"] == kind for row in rows)]

    def x(field: str) -> Data:
        return {
            "field": field,
            "type": "quantitative",
            "title": None,
            "axis": {"tickCount": 6},
            "scale": {"padding": 48},
        }

    def rule(low: str, high: str, width: float) -> Spec:
        return {
            "transform": [{"filter": f"isValid(datum.{low})"}],
            "mark": {"type": "rule", "strokeWidth": width},
            "encoding": {"y": y, "x": x(low), "x2": {"field": high}, "color": colour},
        }

    colour = {
        "field": "kind",
        "scale": {"domain": present, "range": [kinds[kind][0] for kind in present]},
        "legend": {"title": None, "columns": {"expr": "width < 420 ? 2 : 0"}, "symbolOpacity": 1},
    }
    shape = {
        "field": "kind",
        "scale": {"domain": present, "range": [kinds[kind][1] for kind in present]},
    }
    return {
        "params": [{"name": "measure", "value": first}, {"name": "titles", "value": titles}],
        "data": {"values": rows},
        "transform": [
            {"filter": "datum.measure == measure"},
            {"calculate": "replace(datum.policy, regexp('-', 'g'), ' ')", "as": "name"},
            {"calculate": "-datum.margin", "as": "least"},
        ],
        "width": "container",
        "height": 34 * len(policies) + 24,
        "layer": [
            {
                "transform": [
                    {
                        "aggregate": [
                            {"op": "min", "field": "least", "as": "least"},
                            {"op": "max", "field": "margin", "as": "margin"},
                        ]
                    }
                ],
                "mark": {"type": "rect", "color": theme.GREY, "opacity": 0.16},
                "encoding": {"x": x("least"), "x2": {"field": "margin"}},
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "opacity": 0.6},
                "encoding": {"x": {"datum": 0, "type": "quantitative"}},
            },
            rule("all_low", "all_high", 1.2),
            rule("low", "high", 4),
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": x("difference"),
                    "color": colour,
                    "shape": shape,
                    "tooltip": [
                        {"field": "name", "title": "policy"},
                        {"field": "base", "title": "baseline", "format": ",.2f"},
                        {"field": "value", "title": "policy's mean", "format": ",.2f"},
                        {"field": "label", "title": "difference"},
                        {"field": "verdict"},
                    ],
                },
            },
            {
                "mark": {"type": "text", "dy": -12, "fontSize": 11},
                "encoding": {"y": y, "x": x("difference"), "text": {"field": "label"}},
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
