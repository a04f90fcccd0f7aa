"""Picture 9: which uncertain numbers move the result, each set to the ends of its range in turn."""

from typing import Any

from sim.reporting import theme
from sim.reporting.naming import amount, named
from sim.reporting.page import Column, Section, Spec, Table

Data = dict[str, Any]

MOST = 12
"""Numbers that are drawn; the table has all."""


def section(summary: Data) -> Section | None:
    """The register of a run, as far as it was asked for."""
    register = summary["register"]
    measure = register["ranked_by"]
    numbers = [each for each in register["numbers"] if each["influence"] is not None]
    if not numbers:
        return None
    name = named(measure)
    top = numbers[0]
    ends = " and ".join(amount(top[at][measure]) for at in ("at_low", "at_high"))
    text = f"{top['key']} moves the mean of {name.title} most: {ends} {name.unit} at the ends of its range."
    if not top["above_chance"]:
        text = f"No uncertain number moves the mean of {name.title} beyond chance."
    drawn = sum(each["above_chance"] for each in numbers)
    return Section(
        id="assumptions",
        heading="Which assumptions matter",
        text=text,
        picture=_picture(numbers[:MOST], measure),
        label=f"Tornado of {len(numbers[:MOST])} uncertain numbers. {text}",
        table=_table(numbers, measure),
        note=f"Means of {register['replications']:,} replications on the same people, one number at an end "
        f"of its range at a time. {drawn} of {len(numbers)} move it beyond chance; pale: not told apart.",
    )


def _table(numbers: list[Data], measure: str) -> Table:
    columns = (
        Column("number"),
        Column("value", "plain"),
        Column("low", "plain"),
        Column("high", "plain"),
        Column(f"{named(measure).title} at low", "decimal"),
        Column("at the value", "decimal"),
        Column("at high", "decimal"),
        Column("moves by", "decimal"),
        Column("beyond chance"),
        Column("source"),
    )
    rows = (
        (
            each["key"],
            each["value"],
            each["low"],
            each["high"],
            each["at_low"][measure],
            each["at_base"][measure],
            each["at_high"][measure],
            each["influence"],
            each["above_chance"],
            f"{each['basis']}: {each['source'] or each['note'] or '-'}",
        )
        for each in numbers
    )
    return Table(columns, tuple(rows))


def _picture(numbers: list[Data], measure: str) -> Spec:
    rows = [
        {
            "key": each["key"],
            "end": end,
            "set": each[end],
            "value": each[f"at_{end}"][measure],
            "base": each["at_base"][measure],
            "clear": each["above_chance"],
        }
        for each in numbers
        for end in ("low", "high")
        if each[f"at_{end}"][measure] is not None
    ]
    keys = [each["key"] for each in numbers]
    name = named(measure)
    y = {
        "field": "key",
        "type": "nominal",
        "sort": keys,
        "title": None,
        "axis": {"labelLimit": {"expr": "width < 420 ? 130 : 260"}},
    }
    x = {
        "field": "value",
        "type": "quantitative",
        "title": f"mean of {name.title}, {name.unit}",
        "scale": {"zero": False, "nice": True},
        "axis": {"tickCount": 6},
    }
    return {
        "data": {"values": rows},
        "width": "container",
        "height": 26 * len(numbers),
        "layer": [
            {
                "mark": {"type": "bar", "height": 14},
                "encoding": {
                    "y": y,
                    "x": x,
                    "x2": {"field": "base"},
                    "color": {
                        "field": "end",
                        "scale": {"domain": ["low", "high"], "range": [theme.OCHRE, theme.BLUE]},
                        "legend": {"title": "the number at its"},
                    },
                    "opacity": {"condition": {"test": "datum.clear", "value": 1}, "value": 0.4},
                    "tooltip": [
                        {"field": "key", "title": "number"},
                        {"field": "end", "title": "end of its range"},
                        {"field": "set", "title": "set to"},
                        {"field": "value", "title": name.title, "format": ",.1f"},
                    ],
                },
            },
            *(
                {
                    "transform": [{"filter": f"datum.value {side} datum.base"}],
                    "mark": {"type": "text", "fontSize": 11, "align": align, "dx": shift},
                    "encoding": {"y": y, "x": x, "text": {"field": "set", "format": ","}},
                }
                for side, align, shift in (("<", "right", -4), (">", "left", 4))
            ),
            {
                "mark": {"type": "rule", "opacity": 0.6},
                "encoding": {"x": {"field": "base", "type": "quantitative", "aggregate": "min"}},
            },
        ],
    }
