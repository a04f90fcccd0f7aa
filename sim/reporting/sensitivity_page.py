"""The page of a sensitivity analysis: Sobol's indices, and the tornado, of the chosen measure."""

from typing import Any

from sim.reporting import dots, theme
from sim.reporting.naming import gap_titled, named
from sim.reporting.page import Choice, Column, Page, Section, Spec, Table, Value
from sim.reporting.provenance import provenance
from sim.showing.sensitivity import sentences

Data = dict[str, Any]

FIRST, TOTAL = "by itself", "with whatever it acts together with"


def page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """Everything that the summary has to show."""
    sections = (_sobol(summary), _tornado(summary), _morris(summary))
    measures = tuple((name, named(name).title) for name in summary["measures"])
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"Which of {len(summary['numbers'])} uncertain numbers matter",
        lead=tuple(sentences(summary)),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
        choices=(Choice("measure", "Measure", measures, measures[0][0]),),
    )


def _sobol(summary: Data) -> Section | None:
    """The share of the variance that is due to each number, by itself and in all."""
    rows = [
        {
            "name": index["name"],
            "measure": measure,
            "value": index[share],
            "low": None if index[half] is None else index[share] - index[half],
            "high": None if index[half] is None else index[share] + index[half],
            "kind": kind,
        }
        for measure, found in summary["measures"].items()
        for index in found["sobol"]
        for share, half, kind in (("first", "first_half", FIRST), ("total", "total_half", TOTAL))
        if index[share] is not None
    ]
    if not rows:
        return None
    columns = (
        Column("measure", choice="measure"),
        Column("number"),
        Column("share of the variance"),
        Column("Sobol index", "share"),
        Column("95 % low", "share"),
        Column("95 % high", "share"),
    )
    keys = ("measure", "name", "kind", "value", "low", "high")
    first = next(iter(summary["measures"]))
    of = [row for row in rows if row["measure"] == first and row["kind"] == TOTAL]
    top = max(of, key=lambda row: row["value"], default=None)
    text = "" if top is None else f"Most of the spread of {named(first).title} is due to {top['name']}."
    return Section(
        id="sobol",
        heading="What the spread is due to",
        text=text,
        picture=_bars(rows, first),
        label=f"Bars of Sobol indices with intervals, one row a number. {text}",
        table=Table(columns, tuple(tuple(row[key] for key in keys) for row in rows)),
        note=f"Sobol's indices from {summary['samples']:,} samples a number, all numbers drawn from their "
        "ranges; the part that is chance has a row of its own. Lines: 95 % intervals.",
    )


def _bars(rows: list[Data], first: str) -> Spec:
    names = list(dict.fromkeys(row["name"] for row in rows))[: dots.MOST]
    place: Data = {
        "y": {
            "field": "name",
            "type": "nominal",
            "sort": names,
            "title": None,
            "axis": {"labelLimit": {"expr": "width < 420 ? 140 : 300"}},
        },
        "yOffset": {"field": "kind", "sort": [FIRST, TOTAL]},
    }
    colour = {
        "field": "kind",
        "scale": {"domain": [FIRST, TOTAL], "range": [theme.BLUE, theme.OCHRE]},
        "legend": {"title": None, "columns": {"expr": "width < 420 ? 1 : 0"}},
    }

    def x(field: str) -> Data:
        title = "share of the variance"
        return {
            "field": field,
            "type": "quantitative",
            "title": title,
            "axis": {"format": ".0%", "tickCount": 6},
        }

    return {
        "params": [{"name": "measure", "value": first}],
        "data": {"values": [row for row in rows if row["name"] in names]},
        "transform": [{"filter": "datum.measure == measure"}],
        "width": "container",
        "height": 30 * len(names) + 20,
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    **place,
                    "x": x("value"),
                    "color": colour,
                    "tooltip": [
                        {"field": "name", "title": "number"},
                        {"field": "kind", "title": "share"},
                        {"field": "value", "format": ".1%"},
                    ],
                },
            },
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": {**place, "x": x("low"), "x2": {"field": "high"}},
            },
        ],
    }


def _tornado(summary: Data) -> Section | None:
    """How far each number moves the measure from one end of its range to the other."""
    rows = [
        {
            "name": each["number"],
            "measure": measure,
            "value": named(measure).times * each["moves"],
            "low": _times(measure, each["moves"], each["half"], -1),
            "high": _times(measure, each["moves"], each["half"], 1),
            "kind": "beyond chance" if each["above_chance"] else "not told apart",
        }
        for measure, found in summary["measures"].items()
        for each in found["tornado"]
        if each["moves"] is not None
    ]
    if not rows:
        return None
    columns = (
        Column("measure", choice="measure"),
        Column("number"),
        Column("at low", "decimal"),
        Column("at its value", "decimal"),
        Column("at high", "decimal"),
        Column("moves by", "decimal"),
        Column("beyond chance"),
    )
    body: list[tuple[Value, ...]] = []
    for measure, found in summary["measures"].items():
        for each in found["tornado"]:
            figures = (each[key] for key in ("at_low", "at_base", "at_high", "moves"))
            shown = (None if value is None else named(measure).times * value for value in figures)
            body.append((measure, each["number"], *shown, each["above_chance"]))
    first = next(iter(summary["measures"]))
    titles = {name: gap_titled(name) + ", low to high" for name in summary["measures"]}
    clear = sum(row["kind"] == "beyond chance" for row in rows if row["measure"] == first)
    text = (
        f"{clear} of {len(summary['numbers'])} numbers move the mean of {named(first).title} beyond chance."
    )
    return Section(
        id="tornado",
        heading="One number at a time",
        text=text,
        picture=dots.picture(
            rows, titles=titles, first=first, zero=True, kinds=["beyond chance", "not told apart"]
        ),
        label=f"Points with intervals, one row a number. {text}",
        table=Table(columns, tuple(body)),
        note="From the low end of its range to the high one, everything else at its value, on the same "
        f"people; means of {summary['tornado_replications']:,} replications with 95 % intervals.",
    )


def _times(measure: str, moves: float, half: float | None, sign: int) -> float | None:
    return None if half is None else named(measure).times * (moves + sign * half)


def _morris(summary: Data) -> Section | None:
    """The screening, as a table."""
    found = {measure: each["morris"] for measure, each in summary["measures"].items() if each["morris"]}
    if not found:
        return None
    keys = [key for key in next(iter(found.values()))[0] if key != "name"]
    columns = (
        Column("measure", choice="measure"),
        Column("number"),
        *(Column(key.replace("_", " "), "decimal") for key in keys),
    )
    rows = tuple(
        (measure, each["name"], *(each[key] for key in keys))
        for measure, rows in found.items()
        for each in rows
    )
    return Section(
        id="morris",
        heading="The screening",
        table=Table(columns, rows),
        table_open=True,
        note=f"Elementary effects of Morris over {summary['trajectories']:,} trajectories; kept: taken on to "
        "Sobol's division.",
    )
