"""The page of a search for officers: which number meets the standard, files over time, the portal's peak."""

from typing import Any

from sim.reporting import theme
from sim.reporting.page import Column, Page, Section, Spec, Table, Value
from sim.reporting.provenance import provenance
from sim.reporting.subject import by_month, called, timed
from sim.showing.size import sentences

Data = dict[str, Any]


def page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """Everything that the summary has to show."""
    sections = (_officers(summary), _files(summary), _portal(summary))
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"Officers for a service level, under {called(summary['policy']['name'])}",
        lead=tuple(sentences(summary)),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
    )


def _officers(summary: Data) -> Section | None:
    """The chance of meeting the standard by the number of officers."""
    rows = [{"officers": each["officers"], **each["met"]} for each in summary["officers"]]
    if not rows:
        return None
    answer = summary["answer"]
    text = "No number that may be had meets the level"
    if answer is not None:
        text = f"{_officers_of(answer)} {'meets' if answer == 1 else 'meet'} the level"
    text += (
        f" in at least {100 * summary['confidence']:g} % of replications; the scenario has {summary['own']}."
    )
    measures = sorted({name for each in summary["officers"] for name in each["measures"] if "/" not in name})
    columns = (
        Column("officers", "count"),
        Column("chance of meeting the level", "share"),
        Column("95 % low", "share"),
        Column("95 % high", "share"),
        *(Column(f"{name.replace('_', ' ')}, mean", "decimal") for name in measures),
    )
    body: list[tuple[Value, ...]] = [
        (
            each["officers"],
            *(each["met"][key] for key in ("probability", "low", "high")),
            *((each["measures"].get(name) or {"mean": None})["mean"] for name in measures),
        )
        for each in summary["officers"]
    ]
    return Section(
        id="officers",
        heading="How many officers it takes",
        text=text,
        picture=_chances(summary, rows),
        label=f"Chance of meeting the level by number of officers. {text}",
        table=Table(columns, tuple(body)),
        note="Share of replications in which the level is met, with its 95 % interval; dashed, the "
        "confidence that was asked for.",
    )


def _officers_of(number: int) -> str:
    return "1 officer" if number == 1 else f"{number:,} officers"


def _chances(summary: Data, rows: list[Data]) -> Spec:
    x = {
        "field": "officers",
        "type": "quantitative",
        "title": "officers",
        "axis": {"tickMinStep": 1, "format": "d"},
        "scale": {"zero": False, "padding": 20},
    }
    y = {"type": "quantitative", "axis": {"format": ".0%"}, "scale": {"domain": [0, 1]}}
    return {
        "data": {"values": rows},
        "width": "container",
        "height": 240,
        "layer": [
            {
                "mark": {"type": "rule", "color": theme.BLUE, "opacity": 0.5, "strokeWidth": 3},
                "encoding": {
                    "x": x,
                    "y": {"field": "low", **y, "title": "level met"},
                    "y2": {"field": "high"},
                },
            },
            {
                "mark": {"type": "line", "color": theme.BLUE, "point": {"size": 60, "color": theme.BLUE}},
                "encoding": {
                    "x": x,
                    "y": {"field": "probability", **y},
                    "tooltip": [
                        {"field": "officers"},
                        {"field": "probability", "title": "level met", "format": ".1%"},
                        {"field": "low", "title": "95 % low", "format": ".1%"},
                        {"field": "high", "title": "95 % high", "format": ".1%"},
                    ],
                },
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "strokeDash": [5, 4]},
                "encoding": {"y": {"datum": summary["confidence"]}},
            },
        ],
    }


def _files(summary: Data) -> Section | None:
    """Files in processing and waiting for an officer, month by month."""
    found = summary["over_time"]
    if not found:
        return None
    kinds = {"backlog": "in processing", "queue": "waiting for an officer"}
    rows = [
        {
            "date": date,
            "kind": kind,
            "mean": spread["mean"],
            "low": spread["p5"] if spread["p5"] is not None else spread["lowest"],
            "high": spread["p95"] if spread["p95"] is not None else spread["highest"],
        }
        for name, kind in kinds.items()
        for date, spread in zip(found["ends"], found[name], strict=True)
        if spread["mean"] is not None
    ]
    columns = (
        Column("at the end of"),
        Column("files"),
        Column("mean", "count"),
        Column("low", "count"),
        Column("high", "count"),
    )
    body = ((row["date"][:7], row["kind"], row["mean"], row["low"], row["high"]) for row in rows)
    shown = summary["shown"]
    text = f"With {_officers_of(shown)}." if shown is not None else ""
    return Section(
        id="files",
        heading="Files over time",
        text=text,
        picture=_over_time(rows, list(kinds.values())),
        label=f"Lines of files in processing and in the queue, month by month. {text}",
        table=Table(columns, tuple(body)),
        note="Means at the ends of months; band, 5th to 95th percentile of replications, or lowest to "
        "highest of fewer than 72.",
    )


def _over_time(rows: list[Data], kinds: list[str]) -> Spec:
    y = {"type": "quantitative", "axis": {"tickCount": 5}}
    by: Spec = {
        "color": {
            "field": "kind",
            "scale": {"domain": kinds, "range": [theme.BLUE, theme.VERMILION]},
            "legend": {"title": None, "symbolOpacity": 1},
        }
    }
    dashes = {"field": "kind", "scale": {"domain": kinds, "range": [[1, 0], [5, 3]]}}
    return {
        "data": {"values": rows},
        "transform": timed(),
        "width": "container",
        "height": 230,
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.16},
                "encoding": {
                    "x": by_month(),
                    "y": {"field": "low", "title": "files", **y},
                    "y2": {"field": "high"},
                }
                | by,
            },
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"x": by_month(), "y": {"field": "mean", **y}, "strokeDash": dashes} | by,
            },
            {
                "mark": {"type": "point", "opacity": 0, "size": 70},
                "encoding": {
                    "x": by_month(),
                    "y": {"field": "mean", **y},
                    "tooltip": [
                        {"field": "day", "title": "on"},
                        {"field": "kind", "title": "files"},
                        {"field": "mean", "format": ",.0f"},
                        {"field": "low", "format": ",.0f"},
                        {"field": "high", "format": ",.0f"},
                    ],
                },
            },
        ],
    }


def _portal(summary: Data) -> Section | None:
    """What the portal has to take at its busiest."""
    portal = summary["portal"]
    if not portal:
        return None
    columns = (
        Column("busiest"),
        Column("applications, mean", "decimal"),
        Column("most in any replication", "count"),
        Column("a second, mean", "decimal"),
        Column("requests a second, mean", "decimal"),
        Column("requests a second at worst, mean", "decimal"),
    )
    rows = tuple(
        (
            name,
            each["applications"]["mean"],
            each["applications"]["highest"],
            *(each[key]["mean"] for key in ("per_s", "requests_per_s", "requests_per_s_at_worst")),
        )
        for name, each in portal["stretches"].items()
    )
    return Section(
        id="portal",
        heading="The portal's peak",
        table=Table(columns, rows),
        table_open=True,
        note=f"The busiest day is {portal['day']['date']} most often. Requests count retries and readings as "
        "the scenario's load describes them; at worst, as many as anybody makes.",
    )
