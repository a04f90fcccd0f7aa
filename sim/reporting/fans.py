"""Picture 1: how each intake fills against its cap, month by month, and how likely it is full by then."""

from typing import Any

from sim.reporting.figures import shown
from sim.reporting.page import Column, Section, Spec, Table
from sim.reporting.subject import CHOSEN, Subject, by_colour, by_dash, by_month, called, params, timed

Data = dict[str, Any]

BANDS = ("low", "p25", "median", "p75", "high")


def section(subject: Subject) -> Section | None:
    """The intakes of every policy with a cap; None without any."""
    series = [row for policy in subject.policies for row in _series(subject, policy)]
    if not series:
        return None
    percentiles = all(row["percentiles"] for row in series)
    outer = "5th to 95th percentile" if percentiles else "lowest to highest (too few for percentiles)"
    return Section(
        id="intake",
        heading="How each intake fills against its cap",
        text=_finding(subject),
        picture=_picture(subject, series),
        label=f"Lines with bands by month: share of the cap used. {_finding(subject)}",
        table=_table(series),
        note="Above: slots used by the end of each month, as a share of the intake's slots; line, the median "
        f"of {subject.replications:,} replications; dark band, the middle half; light band, {outer}. "
        "Below: the chance that the cap was reached by then.",
    )


def _finding(subject: Subject) -> str:
    """In how many replications which caps are reached, under the policies that the page opens with."""
    said = [_reached(subject, policy) for policy in dict.fromkeys((subject.first, subject.baseline))]
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _reached(subject: Subject, policy: str) -> str:
    """Years of one percentage together, as in: is reached in 100 % (2022), 0 % (2023, 2024)."""
    years: dict[str, list[str]] = {}
    for intake in subject.intakes[policy]:
        if intake["reached"] is not None:
            years.setdefault(_percent(intake["reached"]["probability"]), []).append(str(intake["year"]))
    if not years:
        return f"there is no cap under {called(policy)}"
    shares = ", ".join(f"{share} ({', '.join(those)})" for share, those in years.items())
    return f"under {called(policy)} the cap is reached in {shares} of replications"


def _percent(share: float) -> str:
    return shown(share, "share").replace(".0", "")


def _series(subject: Subject, policy: str) -> list[Data]:
    """One row a year: everything by month, as lists."""
    rows = []
    for intake in subject.intakes[policy]:
        spreads = intake.get("uptake", {}).get("spreads", [])
        if not spreads or intake["reached"] is None:
            continue
        known = all(each["p5"] is not None for each in spreads)
        low, high = ("p5", "p95") if known else ("lowest", "highest")
        by = intake["reached"]["by_month_end"]
        rows.append(
            {
                "policy": policy,
                "year": intake["year"],
                "percentiles": known,
                "date": [each["date"] for each in by],
                "filled": [min(1.0, each["probability"]) for each in by],
                "low": [each[low] for each in spreads],
                "p25": [each.get("p25") for each in spreads],
                "median": [each["median"] for each in spreads],
                "p75": [each.get("p75") for each in spreads],
                "high": [each[high] for each in spreads],
            }
        )
    return rows


def _table(series: list[Data]) -> Table:
    columns = (
        Column("policy", choice="policy against"),
        Column("year", "plain"),
        Column("by the end of"),
        Column("lowest or 5 %", "share"),
        Column("25 %", "share"),
        Column("median", "share"),
        Column("75 %", "share"),
        Column("highest or 95 %", "share"),
        Column("P(cap reached)", "share"),
    )
    rows = [
        (row["policy"], row["year"], date[:7], *(row[band][k] for band in BANDS), row["filled"][k])
        for row in series
        for k, date in enumerate(row["date"])
    ]
    return Table(columns, tuple(rows))


def _picture(subject: Subject, series: list[Data]) -> Spec:
    time = by_month()
    share: Spec = {
        "type": "quantitative",
        "axis": {"format": ".0%", "values": [0, 0.25, 0.5, 0.75, 1]},
        "scale": {"domain": [0, 1.1], "nice": False},
    }
    tooltip = [
        {"field": "policy", "type": "nominal"},
        {"field": "day", "title": "by"},
        *({"field": band, "title": band, "format": ".1%"} for band in BANDS),
        {"field": "filled", "title": "P(cap reached)", "format": ".1%"},
    ]
    by: Spec = {"color": by_colour(subject), "detail": {"field": "year"}}
    quartiles = any(row["p25"][0] is not None for row in series)
    fan = {
        "width": "container",
        "height": 250,
        "layer": [
            _band("low", "high", 0.16, time, share, by),
            *([_band("p25", "p75", 0.3, time, share, by)] if quartiles else []),
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {
                    "x": time,
                    "y": {"field": "median", **share},
                    **by,
                    "strokeDash": by_dash(subject),
                },
            },
            {
                "mark": {"type": "point", "size": 90, "opacity": 0},
                "encoding": {"x": time, "y": {"field": "median", **share}, "tooltip": tooltip},
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "strokeDash": [2, 2], "opacity": 0.8},
                "encoding": {"y": {"datum": 1}},
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "text", "align": "right", "baseline": "bottom", "dy": -2, "fontWeight": 600},
                "encoding": {"text": {"value": "the cap"}, "x": {"value": "width"}, "y": {"datum": 1}},
            },
        ],
    }
    filled = {
        "width": "container",
        "height": 80,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2, "tooltip": True},
        "encoding": {
            "x": time,
            "y": {
                **share,
                "field": "filled",
                "title": "P(reached)",
                "axis": {"format": ".0%", "values": [0, 0.5, 1]},
            },
            **by,
            "strokeDash": by_dash(subject),
            "tooltip": tooltip,
        },
    }
    return {
        "params": params(subject),
        "data": {"values": series},
        "transform": [*CHOSEN, {"flatten": ["date", "filled", *BANDS]}, *timed()],
        "vconcat": [fan, filled],
        "usermeta": {"reserve": 74},
    }


def _band(low: str, high: str, opacity: float, time: Spec, share: Spec, by: Spec) -> Spec:
    return {
        "transform": [{"filter": f"isValid(datum.{low})"}],
        "mark": {"type": "area", "opacity": opacity},
        "encoding": {
            "x": time,
            "y": {"field": low, "title": "share of the cap used", **share},
            "y2": {"field": high},
            **by,
        },
    }
