"""Picture 1: how each intake fills against its cap, month by month, and how likely it is full by then."""

from typing import Any

from sim.reporting import theme
from sim.reporting.page import Column, Section, Spec, Table

Data = dict[str, Any]


def section(summary: Data) -> Section | None:
    """The intakes of a run; None without a cap."""
    rows = _rows(summary)
    if not rows:
        return None
    return Section(
        id="intake",
        heading="Intake against the cap",
        text="Slots used by the end of each month, as a share of the cap; below, how often it is "
        "reached by then.",
        picture=_picture(rows),
        label="Line with a band for each year: share of the cap used by the end of each month.",
        table=Table(
            (
                Column("year", "plain"),
                Column("month"),
                Column("share used, mean", "share"),
                Column("low", "share"),
                Column("median", "share"),
                Column("high", "share"),
                Column("P(cap reached)", "share"),
            ),
            tuple(
                (
                    row["year"],
                    row["month"],
                    row["mean"],
                    row["low"],
                    row["median"],
                    row["high"],
                    row["filled"],
                )
                for row in rows
            ),
        ),
        note="Band: 5th to 95th percentile of replications; lowest to highest of fewer than 72.",
    )


def _rows(summary: Data) -> list[Data]:
    """One row a year and month end."""
    rows = []
    for intake in summary["intakes"]:
        chances = (intake["reached"] or {"by_month_end": []})["by_month_end"]
        for month, spread, by in zip(
            intake["uptake"]["months"], intake["uptake"]["spreads"], chances, strict=False
        ):
            rows.append(
                {
                    "year": intake["year"],
                    "month": month,
                    "date": by["date"],
                    "mean": spread["mean"],
                    "low": spread["p5"] if spread["p5"] is not None else spread["lowest"],
                    "median": spread["median"],
                    "high": spread["p95"] if spread["p95"] is not None else spread["highest"],
                    "filled": min(1.0, by["probability"]),
                }
            )
    return rows


def _picture(rows: list[Data]) -> Spec:
    time = {"field": "date", "type": "temporal", "title": None, "axis": {"format": "%b %Y", "tickCount": 8}}
    share = {"type": "quantitative", "axis": {"format": ".0%"}, "scale": {"domain": [0, 1.05]}}
    tooltip = [
        {"field": "month", "title": "month"},
        {"field": "median", "title": "median", "format": ".1%"},
        {"field": "low", "title": "low", "format": ".1%"},
        {"field": "high", "title": "high", "format": ".1%"},
        {"field": "filled", "title": "P(cap reached)", "format": ".0%"},
    ]
    fan = {
        "width": "container",
        "height": 240,
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.3, "color": theme.BLUE},
                "encoding": {
                    "x": time,
                    "y": {"field": "low", "title": "share of the cap used", **share},
                    "y2": {"field": "high"},
                    "detail": {"field": "year"},
                },
            },
            {
                "mark": {"type": "line", "color": theme.BLUE, "point": True},
                "encoding": {
                    "x": time,
                    "y": {"field": "median", **share},
                    "detail": {"field": "year"},
                    "tooltip": tooltip,
                },
            },
            {"mark": {"type": "rule", "strokeDash": [4, 4]}, "encoding": {"y": {"datum": 1}}},
        ],
    }
    filled = {
        "width": "container",
        "height": 70,
        "mark": {"type": "bar", "color": theme.VERMILION, "width": 6},
        "encoding": {
            "x": time,
            "y": {"field": "filled", "title": "P(full)", **share},
            "tooltip": tooltip,
        },
    }
    return {"data": {"values": rows}, "vconcat": [fan, filled], "usermeta": {"reserve": 70}}
