"""Picture 3: what has become of certificate holders by each age of the certificate, outcome by outcome."""

from typing import Any

from sim.reporting import theme
from sim.reporting.figures import shown
from sim.reporting.page import Column, Section, Spec, Table, Value
from sim.reporting.subject import CHOSEN, EVERYONE, Subject, by_dash, called, params

Data = dict[str, Any]

AGES = (6, 12, 18, 24, 36, 48, 60)
"""Months that the table and the finding speak of."""


def section(subject: Subject) -> Section | None:
    """The outcomes of everybody and of each stream; None without curves."""
    curves = subject.curves
    if curves is None:
        return None
    return Section(
        id="outcomes",
        heading="What becomes of certificate holders",
        text=_finding(subject, curves),
        picture=_picture(subject, curves),
        label=f"Lines by age of the certificate, one an outcome. {_finding(subject, curves)}",
        table=_table(subject, curves),
        note="Cumulative incidence (Aalen-Johansen, late entry of the backlog): the outcomes compete, and "
        "what is missing to 100 % still waits. "
        f"Means of {curves['replications']:,} replications; band, their range"
        + ("; solid, the policy; dashed, the one it is held against." if subject.contrasts else "."),
    )


def _finding(subject: Subject, curves: Data) -> str:
    """The share with a permit after two years, or at the last age that is known."""
    parts = []
    for policy in dict.fromkeys((subject.first, subject.baseline)):
        permit = curves["policies"][policy]["incidence"][EVERYONE]["permit"]["mean"]
        known = [k for k, age in enumerate(curves["ages"]) if age <= 24 and permit[k] is not None]
        if known:
            share = shown(permit[known[-1]], "share")
            parts.append(f"{share} under {called(policy)}")
            age = curves["ages"][known[-1]]
    if not parts:
        return "Nobody was watched long enough to say."
    return f"After {age} months {' and '.join(parts)} have a permit."


def _table(subject: Subject, curves: Data) -> Table:
    """One row a policy, stream and age; a column an outcome."""
    columns = (
        Column("policy", choice="policy against"),
        Column("stream", choice="stream"),
        Column("months since certificate", "plain"),
        *(Column(end, "share") for end in curves["outcomes"]),
    )
    rows: list[tuple[Value, ...]] = []
    for policy in subject.policies:
        for stream, found in curves["policies"][policy]["incidence"].items():
            for k, age in enumerate(curves["ages"]):
                values = [found[end]["mean"][k] for end in curves["outcomes"]]
                if age in AGES and any(value is not None for value in values):
                    rows.append((policy, stream, age, *values))
    return Table(columns, tuple(rows))


def _picture(subject: Subject, curves: Data) -> Spec:
    series = [
        {"policy": policy, "stream": stream, "end": end, **_trimmed(spread, end == curves["outcomes"][0])}
        for policy in subject.policies
        for stream, found in curves["policies"][policy]["incidence"].items()
        for end, spread in found.items()
    ]
    months = {
        "field": "age",
        "type": "quantitative",
        "title": "months since the certificate",
        "axis": {"values": list(range(0, curves["ages"][-1] + 1, 12)), "grid": False},
        "scale": {"domain": [0, curves["ages"][-1]], "nice": False},
    }
    share = {
        "field": "mean",
        "type": "quantitative",
        "title": "share of certificate holders",
        "axis": {"format": ".0%", "tickCount": 5},
    }
    ends = curves["outcomes"]
    colour = {
        "field": "end",
        "type": "nominal",
        "scale": {"domain": ends, "range": list(theme.COLOURS[: len(ends)])},
        "legend": {"title": None, "columns": {"expr": "width < 420 ? 2 : 0"}, "symbolOpacity": 1},
    }
    dashed = {"strokeDash": by_dash(subject)} if subject.contrasts else {}
    if subject.contrasts:  # beside the outcomes there is no room on a phone
        dashed["strokeDash"]["legend"] |= {"orient": "bottom", "symbolStrokeColor": theme.INK}
    return {
        "params": params(subject, {"name": "stream", "value": EVERYONE}),
        "data": {"values": series},
        "transform": [
            {"filter": "datum.stream == stream"},
            *CHOSEN,
            {"flatten": ["mean", "low", "high"]},
            {"window": [{"op": "row_number", "as": "row"}], "groupby": ["policy", "end"]},
            {"calculate": "datum.row - 1", "as": "age"},
        ],
        "width": "container",
        "height": 300,
        "layer": [
            {
                "transform": [{"filter": f"datum.role == 'A' && datum.end == '{ends[0]}'"}],
                "mark": {"type": "area", "opacity": 0.14},
                "encoding": {
                    "x": months,
                    "y": share | {"field": "low"},
                    "y2": {"field": "high"},
                    "color": colour,
                },
            },
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    "x": months,
                    "y": share,
                    "color": colour,
                    "detail": {"field": "role"},
                    **dashed,
                },
            },
            {
                "transform": [{"filter": "datum.age % 12 == 6"}],
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {
                    "x": months,
                    "y": share,
                    "color": colour,
                    "shape": {
                        "field": "end",
                        "scale": {"domain": ends, "range": list(theme.SHAPES[: len(ends)])},
                    },
                },
            },
            {
                "mark": {"type": "point", "opacity": 0, "size": 70},
                "encoding": {
                    "x": months,
                    "y": share,
                    "tooltip": [
                        {"field": "policy", "type": "nominal"},
                        {"field": "end", "title": "outcome"},
                        {"field": "age", "title": "months since the certificate"},
                        {"field": "mean", "title": "mean", "format": ".1%"},
                        {"field": "low", "title": "lowest", "format": ".1%"},
                        {"field": "high", "title": "highest", "format": ".1%"},
                    ],
                },
            },
        ],
    }


def _trimmed(spread: Data, ranged: bool) -> Data:
    """The lists up to the last age that anybody was watched to; four digits are enough to draw."""
    known = sum(value is not None for value in spread["mean"])
    drawn = ("mean", "low", "high") if ranged else ("mean",)
    return {"low": [], "high": []} | {
        name: [round(value, 4) for value in spread[name][:known]] for name in drawn
    }
