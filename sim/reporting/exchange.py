"""Picture 11: who gains a slot and who loses one under a policy instead of the baseline, group by group."""

from typing import Any

from sim.reporting import theme
from sim.reporting.page import Column, Section, Spec, Table
from sim.reporting.subject import called
from sim.showing.comparison_sentences import whom

Data = dict[str, Any]

KINDS = ("everyone", "stream", "season", "decile")


def section(summary: Data, first: str) -> Section | None:
    """Gains and losses of every policy; the reader chooses one. None without groups."""
    rows = _rows(summary)
    if not rows:
        return None
    if first == summary["baseline"]:
        first = summary["order"][1]
    finding = _finding(summary, rows, first)
    return Section(
        id="exchange",
        heading="Who gains and who loses",
        text=finding,
        picture=_picture(summary, rows, first),
        label=f"Bars of people who gain and lose a slot, by group. {finding}",
        table=_table(rows),
        note=f"Counted person by person on the same people: a slot under the policy and none under "
        f"{called(summary['baseline'])}, or the other way round; of 100 people in the group. Mark: what "
        "remains, with its 95 % interval.",
    )


def _finding(summary: Data, rows: list[Data], policy: str) -> str:
    """Who gains and who loses most under the policy that the page opens with."""
    of = [row for row in rows if row["policy"] == policy and row["kind"] != "everyone"]
    if not of:
        return ""
    best, worst = max(of, key=lambda row: row["net"]), min(of, key=lambda row: row["net"])
    way = "gain" if best["net"] > 0 else "lose"
    said = f"Under {called(policy)} {best['said']} {way} {abs(best['net']):.1f}"
    said += " slots per hundred people"
    if worst["net"] < 0 and worst is not best:
        said += f", {worst['said']} lose {-worst['net']:.1f}"
    return f"{said}."


def _rows(summary: Data) -> list[Data]:
    rows = []
    for each in summary["groups"]:
        people = each["people"]
        if each["kind"] not in KINDS or not people or each["difference"] is None:
            continue
        suffix = "" if each["kind"] == "everyone" else f"/{each['kind']}={each['group']}"
        rows.append(
            {
                "policy": each["policy"],
                "kind": each["kind"],
                "group": _called(suffix),
                "said": whom(f"slot_probability{suffix}"),
                "people": people,
                "gained": 100 * each["slot_gained"] / people,
                "lost": -100 * each["slot_lost"] / people,
                "net": 100 * each["difference"],
                "low": None if each["low"] is None else 100 * each["low"],
                "high": None if each["high"] is None else 100 * each["high"],
                "before": each["base"],
                "after": each["value"],
                "gain": each["slot_gained"],
                "lose": each["slot_lost"],
                "sooner": each["permit_earlier"],
                "later": each["permit_later"],
            }
        )
    return rows


def _called(suffix: str) -> str:
    """A group as it fits beside an axis: certified in winter, tenth 4 by score."""
    return (
        whom(f"slot_probability{suffix}").removeprefix("people ").removeprefix("the ").replace(" of 10", "")
    )


def _table(rows: list[Data]) -> Table:
    columns = (
        Column("policy", choice="policy"),
        Column("group"),
        Column("people", "count"),
        Column("P(slot) before", "share"),
        Column("P(slot) after", "share"),
        Column("points", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("gain a slot", "count"),
        Column("lose a slot", "count"),
        Column("permit sooner", "count"),
        Column("permit later", "count"),
    )
    keys = ("group", "people", "before", "after", "net", "low", "high", "gain", "lose", "sooner", "later")
    return Table(columns, tuple((row["policy"], *(row[key] for key in keys)) for row in rows))


def _picture(summary: Data, rows: list[Data], first: str) -> Spec:
    groups = list(dict.fromkeys(row["group"] for row in rows))
    drawn = ("policy", "group", "gained", "lost", "net", "low", "high", "people")
    y: Data = {
        "field": "group",
        "type": "nominal",
        "sort": groups,
        "title": None,
        "axis": {"labelLimit": {"expr": "width < 420 ? 150 : 260"}},
    }

    def x(field: str) -> Data:
        return {
            "field": field,
            "type": "quantitative",
            "title": "← lost · slots per 100 people · gained →",
            "axis": {"tickCount": 7},
        }

    tooltip = [
        {"field": "group"},
        {"field": "people", "format": ",.0f"},
        {"field": "gained", "title": "gain, of 100", "format": ".1f"},
        {"field": "lost", "title": "lose, of 100", "format": ".1f"},
        {"field": "net", "title": "points", "format": "+.1f"},
    ]
    default = next(name for name in summary["order"] if name == first)
    return {
        "params": [{"name": "policy", "value": default}],
        "data": {"values": [{key: row[key] for key in drawn} for row in rows]},
        "transform": [{"filter": "datum.policy == policy"}],
        "width": "container",
        "height": 22 * len(groups),
        "layer": [
            {
                "mark": {"type": "bar", "height": 13, "color": theme.GREEN, "opacity": 0.75},
                "encoding": {"y": y, "x": x("gained"), "tooltip": tooltip},
            },
            {
                "mark": {"type": "bar", "height": 13, "color": theme.VERMILION, "opacity": 0.75},
                "encoding": {"y": y, "x": x("lost"), "tooltip": tooltip},
            },
            {
                "transform": [{"filter": "isValid(datum.low)"}],
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": y, "x": x("low"), "x2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "shape": "diamond", "size": 70, "color": theme.INK},
                "encoding": {"y": y, "x": x("net"), "tooltip": tooltip},
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "rule", "opacity": 0.6},
                "encoding": {"x": {"datum": 0, "type": "quantitative"}},
            },
        ],
    }
