"""The page of a search for paradoxes: how often each law is broken, then every example, event by event."""

from typing import Any

from sim.reporting import theme
from sim.reporting.page import Column, Page, Section, Spec, Table, Value
from sim.reporting.provenance import provenance
from sim.showing.paradox import sentences

Data = dict[str, Any]


def page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """Everything that the summary has to show."""
    scenario = summary["scenario"]
    where = "random small worlds" if scenario is None else f"small worlds of {scenario['name']}"
    examples = [_example(each, k) for k, each in enumerate(summary["examples"])]
    return Page(
        title="Where more of something good hurts",
        subtitle=f"A search for paradoxes in {where}, policy {summary['policy']}",
        lead=tuple(sentences(summary)),
        sections=tuple(each for each in (_rates(summary), *examples) if each is not None),
        provenance=provenance(summary, manifest),
    )


def _rates(summary: Data) -> Section | None:
    """The share of worlds in which each law is broken, harm by harm."""
    rows = [
        {
            "law": rate["law"] + (" (proved)" if rate["exact"] else ""),
            "worlds": rate["worlds"],
            "harm": summary["harms"][harm],
            "tried": rate["tried"],
            **{key: each[key] for key in ("times", "low", "high")},
            "share": each["times"] / rate["tried"],
        }
        for rate in summary["rates"]
        if rate["tried"]
        for harm, each in rate["harms"].items()
    ]
    if not rows:
        return None
    columns = (
        Column("more of"),
        Column("worlds"),
        Column("who is hurt"),
        Column("tried", "count"),
        Column("broken", "count"),
        Column("how often", "share"),
        Column("95 % low", "share"),
        Column("95 % high", "share"),
    )
    keys = ("law", "worlds", "harm", "tried", "times", "share", "low", "high")
    broken = sum(row["times"] > 0 for row in rows)
    text = f"{broken} of {len(rows)} combinations of a law, a kind of world and a harm were seen broken."
    return Section(
        id="rates",
        heading="How often more hurts",
        text=text,
        picture=_picture(rows),
        label=f"Shares with intervals, one row a law. {text}",
        table=Table(columns, tuple(tuple(row[key] for key in keys) for row in rows)),
        note="Share of small worlds, each with less and with more of it, with its 95 % interval.",
    )


def _picture(rows: list[Data]) -> Spec:
    laws = list(dict.fromkeys(row["law"] for row in rows))
    harms = list(dict.fromkeys(row["harm"] for row in rows))
    colour = {
        "field": "harm",
        "scale": {"domain": harms, "range": list(theme.COLOURS[: len(harms)])},
        "legend": {"title": None, "columns": {"expr": "width < 420 ? 1 : 0"}, "symbolOpacity": 1},
    }
    shape = {"field": "harm", "scale": {"domain": harms, "range": list(theme.SHAPES[: len(harms)])}}
    place: Data = {
        "y": {
            "field": "law",
            "type": "nominal",
            "sort": laws,
            "title": None,
            "axis": {"labelLimit": {"expr": "width < 420 ? 140 : 260"}},
        },
        "yOffset": {"field": "row"},
    }

    def x(field: str) -> Data:
        title = "share of worlds in which it is broken"
        return {
            "field": field,
            "type": "quantitative",
            "title": title,
            "axis": {"format": ".0%", "tickCount": 6},
        }

    return {
        "data": {"values": [row | {"row": f"{row['harm']} {row['worlds']}"} for row in rows]},
        "width": "container",
        "height": max(90, 11 * len(rows) + 14 * len(laws)),
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**place, "x": x("low"), "x2": {"field": "high"}, "color": colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {
                    **place,
                    "x": x("share"),
                    "color": colour,
                    "shape": shape,
                    "tooltip": [
                        {"field": "law", "title": "more of"},
                        {"field": "worlds"},
                        {"field": "harm", "title": "who is hurt"},
                        {"field": "times", "title": "broken"},
                        {"field": "tried"},
                    ],
                },
            },
        ],
    }


def _example(each: Data, number: int) -> Section:
    """One example: what happens instead of what one would think, and everybody's events side by side."""
    less, more = each["sides"]
    rows: tuple[tuple[Value, ...], ...] = tuple(
        (line["date"], line["name"], line["less"] or "-", line["more"] or "-", line["less"] != line["more"])
        for line in each["lines"]
    )
    columns = (Column("date"), Column("who"), Column(less), Column(more), Column("differs"))
    return Section(
        id=f"example-{number + 1}",
        heading=each["title"],
        text=f"One would think that {each['one_would_think']}. {each['lead']}",
        table=Table(columns, rows),
        table_open=True,
        note=" ".join(each["chain"]),
    )
