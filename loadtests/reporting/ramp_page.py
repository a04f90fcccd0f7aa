"""The page of a search for the highest rate: the answer first, then every stage, and where the knee is."""

from typing import Any, Final

from loadtests.reporting.drawing import logarithmic
from loadtests.reporting.subject import provenance
from loadtests.reporting.verdict_sections import SIGNS
from sim.reporting import theme
from sim.reporting.page import Column, Page, Section, Spec, Table

Data = dict[str, Any]
BADGES: Final = {0: "BORNE", 1: "INVALID", 4: "NOT BORNE"}
"""By exit code; UNKNOWN for every other."""
MET, MISSED, GENERATORS = "met", "missed", "generator too slow"
LOOKS: Final = {
    MET: (theme.GREEN, "circle"),
    MISSED: (theme.VERMILION, "cross"),
    GENERATORS: (theme.GREY, "square"),
}


def page(title: str, manifest: Data, summary: Data) -> Page:
    """From the files of a search's folder."""
    badge = BADGES.get(summary["exit_code"], "UNKNOWN")
    lead = [f"{badge}: {summary['says']}."]
    if summary["ended"] != "over":
        lead.insert(0, f"INCOMPLETE: the search ended early: {summary['ended']}.")
    elif not manifest["complete"]:
        lead.insert(0, "INCOMPLETE: the search did not come to its end.")
    sections = (_knee(summary), _kept_up(summary), _stages(summary)) if summary["stages"] else ()
    return Page(
        title=title,
        subtitle=f"A search for the highest rate that {summary['target']} bears",
        lead=tuple(lead),
        sections=sections,
        provenance=provenance(manifest, summary),
        badge=badge,
    )


def became(stage: Data) -> str:
    """What became of a stage, in a word or three."""
    return MET if stage["is_met"] else GENERATORS if stage["is_generators"] else MISSED


def _points(summary: Data) -> list[Data]:
    """A row a stage and quantile, for the pictures."""
    return [
        {
            "rate": stage["rate_per_s"],
            "ms": stage["from_due_ms"][name],
            "quantile": name,
            "stage": stage["number"],
            "became": became(stage),
        }
        for stage in summary["stages"]
        for name in ("p50", "p99")
        if stage["from_due_ms"].get(name)
    ]


def _became(field: str = "became") -> Data:
    """Colour and shape of what became of a stage."""
    names = list(LOOKS)
    legend = {"title": None, "orient": "top"}
    return {
        "color": {
            "field": field,
            "type": "nominal",
            "scale": {"domain": names, "range": [LOOKS[name][0] for name in names]},
            "legend": legend,
        },
        "shape": {
            "field": field,
            "type": "nominal",
            "scale": {"domain": names, "range": [LOOKS[name][1] for name in names]},
            "legend": legend,
        },
    }


def _rate() -> Data:
    return {
        "field": "rate",
        "type": "quantitative",
        "title": "first sends a second",
        "scale": {"zero": True},
        "axis": {"tickCount": 8},
    }


def _knee(summary: Data) -> Section:
    limit, points = summary["level"]["p99_ms"], _points(summary)
    waits = logarithmic("ms from the due time", [*(float(row["ms"]) for row in points), limit])
    highest, missed = summary["highest_per_s"], summary["missed_per_s"]
    text = (
        f"The highest rate that met the level: {highest:,g} a second."
        if highest
        else "No rate met the level."
    )
    if missed:
        text += f" The lowest that did not: {missed:,g} a second."
    spec: Spec = {
        "width": "container",
        "height": 300,
        "layer": [
            {
                "data": {"values": points},
                "mark": {"type": "line", "color": theme.GREY, "strokeWidth": 1.5},
                "encoding": {
                    "x": _rate(),
                    "y": {"field": "ms", **waits},
                    "strokeDash": {
                        "field": "quantile",
                        "type": "nominal",
                        "scale": {"domain": ["p50", "p99"], "range": [[2, 2], [1, 0]]},
                        "legend": {"title": None, "orient": "top"},
                    },
                },
            },
            {
                "data": {"values": points},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "x": _rate(),
                    "y": {"field": "ms", **waits},
                    **_became(),
                    "tooltip": [
                        {"field": "stage", "type": "quantitative"},
                        {"field": "rate", "type": "quantitative", "title": "a second"},
                        {"field": "quantile", "type": "nominal"},
                        {"field": "ms", "type": "quantitative", "format": ",.4~g"},
                        {"field": "became", "type": "nominal"},
                    ],
                },
            },
            {
                "data": {"values": [{"ms": limit, "says": f"the limit for p99: {limit:g} ms"}]},
                "mark": {"type": "rule", "strokeDash": [8, 4], "strokeWidth": 1.5},
                "encoding": {"y": {"field": "ms", **waits}},
            },
            {
                "data": {"values": [{"ms": limit, "says": f"the limit for p99: {limit:g} ms"}]},
                "mark": {"type": "text", "align": "left", "baseline": "bottom", "dx": 6, "dy": -3},
                "encoding": {
                    "x": {"value": 0},
                    "y": {"field": "ms", **waits},
                    "text": {"field": "says", "type": "nominal"},
                },
            },
        ],
    }
    columns = (
        Column("stage", "plain"),
        Column("a second", "plain"),
        Column("quantile"),
        Column("ms", "decimal"),
    )
    rows = tuple((row["stage"], row["rate"], row["quantile"], row["ms"]) for row in points)
    return Section(
        id="knee",
        heading="How long answers took, by rate",
        text=text,
        picture=spec,
        label=f"Lines: milliseconds from the due time by rate, median and 99th percentile. {text}",
        table=Table(columns, rows),
        note="From the due time. A stage whose sends left late says nothing of the service: there the "
        "generator was too slow.",
    )


def _kept_up(summary: Data) -> Section:
    """Decided against asked for: where the two part, the service no longer keeps up."""
    values = [
        {
            "rate": stage["rate_per_s"],
            "decided": stage["achieved_per_s"],
            "stage": stage["number"],
            "became": became(stage),
        }
        for stage in summary["stages"]
    ]
    top = max(max(row["rate"], row["decided"]) for row in values)
    decided = {"type": "quantitative", "title": "decided a second", "scale": {"zero": True}}
    best = max(row["decided"] for row in values)
    text = f"At most {best:,.0f} applications were decided a second."
    spec: Spec = {
        "width": "container",
        "height": 240,
        "layer": [
            {
                "data": {"values": [{"rate": 0, "decided": 0}, {"rate": top, "decided": top}]},
                "mark": {"type": "line", "strokeDash": [2, 3], "strokeWidth": 1, "color": theme.GREY},
                "encoding": {"x": _rate(), "y": {"field": "decided", **decided}},
            },
            {
                "data": {"values": values},
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                "encoding": {
                    "x": _rate(),
                    "y": {"field": "decided", **decided},
                    **_became(),
                    "tooltip": [
                        {"field": "stage", "type": "quantitative"},
                        {"field": "rate", "type": "quantitative", "title": "sent a second"},
                        {"field": "decided", "type": "quantitative", "format": ",.1f"},
                    ],
                },
            },
        ],
    }
    columns = (
        Column("stage", "plain"),
        Column("sent a second", "plain"),
        Column("decided a second", "decimal"),
    )
    return Section(
        id="kept-up",
        heading="What was decided, by rate",
        text=text,
        picture=spec,
        label=f"Points: applications decided a second by applications sent a second. {text}",
        table=Table(columns, tuple((row["stage"], row["rate"], row["decided"]) for row in values)),
        note="On the dotted line everything is decided as fast as it comes.",
    )


def _stages(summary: Data) -> Section:
    columns = (
        Column("level"),
        Column("a second", "plain"),
        Column("verdict"),
        Column("p50, ms", "decimal"),
        Column("p99, ms", "decimal"),
        Column("service p99, ms", "decimal"),
        Column("late", "share"),
        Column("unserved", "share"),
        Column("what was missed"),
        Column("folder"),
    )
    rows = tuple(
        (
            f"{'✓' if each['is_met'] else '✗'}\u00a0{became(each)}",
            each["rate_per_s"],
            SIGNS[each["verdict"]],
            each["from_due_ms"].get("p50"),
            each["from_due_ms"].get("p99"),
            each["service_ms"].get("p99"),
            each["late_share"],
            each["unserved_share"],
            "; ".join(each["missed"]) or None,
            f"stage-{each['number']:02}",
        )
        for each in summary["stages"]
    )
    return Section(
        id="stages",
        heading="Every stage",
        text=f"{len(rows)} stages, each a load test with a page of its own (quotalab report RUN/stage-01).",
        table=Table(columns, rows),
        table_open=True,
        note="p50 and p99 from the due time, service from the send; late: of people's first sends.",
    )
