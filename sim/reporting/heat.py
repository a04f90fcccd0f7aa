"""Picture 5: a measure over two parameters of a sweep, as a heat map with its numbers in the cells."""

from typing import Any

from sim.reporting.naming import amount, named, titled
from sim.reporting.page import Choice, Column, Section, Spec, Table, Value

Data = dict[str, Any]


def choice(summary: Data) -> tuple[Choice, ...]:
    """Which two keys, and which policy, where there is something to choose."""
    names = _maps(summary)
    return (
        (Choice("map", "Heat map", tuple((name, name) for name in names), names[0]),)
        if len(names) > 1
        else ()
    )


def section(summary: Data) -> Section | None:
    """The heat maps of a grid; None without any."""
    maps = _maps(summary)
    rows = [row for each in summary["heatmaps"] for row in _rows(each)]
    if not any(row["value"] is not None for row in rows):
        return None
    measure = summary["measures"][0]
    text = _finding([row for row in rows if row["measure"] == measure and row["map"] == maps[0]], measure)
    return Section(
        id="heat",
        heading="Two parameters at a time",
        text=text,
        picture=_picture(summary, rows, maps[0], measure),
        label=f"Heat map of {named(measure).title} over {maps[0]}. {text}",
        table=_table(rows, several=len(maps) > 1),
        note=f"Means of {summary['replications']:,} replications on the same people, over whatever else was "
        "varied. The measure and the two keys are chosen at the top.",
    )


def _finding(rows: list[Data], measure: str) -> str:
    """Where the mean is highest and lowest."""
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return ""
    high, low = (best(known, key=lambda row: row["value"]) for best in (max, min))

    def at(row: Data) -> str:
        return f"{amount(row['value'])} at {row['x_key']} = {row['x']} and {row['y_key']} = {row['y']}"

    title = titled(measure)
    return f"{title[0].upper()}{title[1:]}: from {at(low)} to {at(high)}."


def _maps(summary: Data) -> list[str]:
    return list(dict.fromkeys(_name(each) for each in summary["heatmaps"]))


def _name(each: Data) -> str:
    """A heat map's name: its keys, and its policy if it is about one."""
    policy = f" ({each['policy'].replace('-', ' ')})" if each["policy"] else ""
    return f"{each['x']['key']} × {each['y']['key']}{policy}"


def _rows(each: Data) -> list[Data]:
    """One row a cell; `dark` says that its number has to be light."""
    times = named(each["measure"]).times
    known = [value for row in each["mean"] for value in row if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    return [
        {
            "map": _name(each),
            "measure": each["measure"],
            "x_key": each["x"]["key"],
            "y_key": each["y"]["key"],
            "x": str(across),
            "y": str(down),
            "value": None if value is None else times * value,
            "label": amount(None if value is None else times * value),
            "dark": value is not None and high > low and (value - low) / (high - low) > 0.45,
        }
        for down, row in zip(each["y"]["values"], each["mean"], strict=True)
        for across, value in zip(each["x"]["values"], row, strict=True)
    ]


def _table(rows: list[Data], *, several: bool) -> Table:
    columns = (
        Column("measure", choice="measure"),
        Column("heat map", choice="map" if several else ""),
        Column("across"),
        Column("up"),
        Column("mean", "decimal"),
    )
    body: list[tuple[Value, ...]] = [
        (
            row["measure"],
            row["map"],
            f"{row['x_key']} = {row['x']}",
            f"{row['y_key']} = {row['y']}",
            row["value"],
        )
        for row in rows
    ]
    return Table(columns, tuple(body))


def _picture(summary: Data, rows: list[Data], first: str, measure: str) -> Spec:
    keys = {row["map"]: [row["x_key"], row["y_key"]] for row in rows}
    titles = {name: titled(name) for name in summary["measures"]}
    drawn = ("map", "measure", "x", "y", "value", "label", "dark")
    x = {"field": "x", "type": "ordinal", "sort": None, "title": None, "axis": {"labelAngle": 0}}
    y = {"field": "y", "type": "ordinal", "sort": None, "title": None, "scale": {"reverse": True}}

    def written(text: str, place: Data, **mark: Any) -> Spec:
        return {
            "data": {"values": [{}]},
            "mark": {"type": "text", "fontWeight": 500, **mark},
            "encoding": {"text": {"value": {"expr": text}}, **place},
        }

    return {
        "params": [
            {"name": "map", "value": first},
            {"name": "measure", "value": measure},
            {"name": "keys", "value": keys},
            {"name": "titles", "value": titles},
        ],
        "data": {"values": [{key: row[key] for key in drawn} for row in rows]},
        "transform": [{"filter": "datum.map == map && datum.measure == measure && isValid(datum.value)"}],
        "width": "container",
        "height": 60 + 44 * max(len({row["y"] for row in rows if row["map"] == name}) for name in keys),
        "layer": [
            {
                "mark": {"type": "rect"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {
                        "field": "value",
                        "type": "quantitative",
                        "legend": None,  # the numbers are in the cells
                    },
                    "tooltip": [{"field": "x"}, {"field": "y"}, {"field": "label", "title": "mean"}],
                },
            },
            {
                "mark": {"type": "text"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {"field": "label"},
                    "color": {"condition": {"test": "datum.dark", "value": "white"}, "value": "#1b2026"},
                },
            },
            written(
                "keys[map][1] + ' (up)'",
                {"x": {"value": 0}, "y": {"value": 0}},
                align="left",
                baseline="bottom",
                dy=-6,
            ),
            written(
                "keys[map][0] + ' (across); in the cells: ' + titles[measure]",
                {"x": {"value": "width"}, "y": {"value": "height"}},
                align="right",
                baseline="bottom",
                dy=38,
            ),
        ],
    }
