"""Picture 8: who is waiting for what, month by month."""

from typing import Any

from sim.reporting import theme
from sim.reporting.naming import amount
from sim.reporting.page import Column, Section, Spec, Table, Value
from sim.reporting.subject import Subject, by_month, called, params, timed

Data = dict[str, Any]

WAITING = ("in processing", "waiting list", "handed back", "letter", "pool")
"""The states that are stock, from the bottom of the stack up: nearest to a decision first."""
COLOURS = (theme.BLUE, theme.OCHRE, theme.VERMILION, theme.PURPLE, theme.GREY)


def section(subject: Subject) -> Section | None:
    """The stack of the policy, and of the other; None without curves."""
    curves = subject.curves
    if curves is None:
        return None
    finding = _finding(subject, curves)
    return Section(
        id="backlog",
        heading="Who is waiting for what",
        text=finding,
        picture=_picture(subject, curves),
        label=f"Stacked areas of people waiting, month by month. {finding}",
        table=_table(subject, curves),
        note=f"People in scope in each state at the end of each month, means of {curves['replications']:,} "
        "replications. Pool: waits for a letter; letter: has one, not used yet; handed back: may file again.",
    )


def _finding(subject: Subject, curves: Data) -> str:
    """When most files are in processing, and who waits at the end."""
    said = []
    for policy in dict.fromkeys((subject.first, subject.baseline)):
        stock = curves["policies"][policy]["stock"]
        files = stock["in processing"]["mean"]
        k = max(range(len(files)), key=files.__getitem__)
        said.append(
            f"under {called(policy)} most files are in processing at the end of "
            f"{curves['month_ends'][k][:7]} ({amount(files[k])}), and {amount(stock['pool']['mean'][-1])} "
            "people wait for a letter at the end"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _table(subject: Subject, curves: Data) -> Table:
    columns = (
        Column("policy", choice="policy against"),
        Column("at the end of"),
        *(Column(state, "count") for state in WAITING),
    )
    rows: list[tuple[Value, ...]] = []
    for policy in subject.policies:
        stock = curves["policies"][policy]["stock"]
        for k, date in enumerate(curves["month_ends"]):
            rows.append((policy, date[:7], *(stock[state]["mean"][k] for state in WAITING)))
    return Table(columns, tuple(rows))


def _picture(subject: Subject, curves: Data) -> Spec:
    series = [
        {
            "policy": policy,
            "state": state,
            "people": [round(value, 1) for value in curves["policies"][policy]["stock"][state]["mean"]],
        }
        for policy in subject.policies
        for state in WAITING
    ]
    views = [_stack("policy")]
    if subject.contrasts:
        views.append(_stack("against"))
    return {
        "params": params(subject, {"name": "ends", "value": curves["month_ends"]}),
        "data": {"values": series},
        "vconcat": views,
        "resolve": {"scale": {"y": "shared", "color": "shared"}},
        "usermeta": {"reserve": 70},
    }


def _stack(which: str) -> Spec:
    time = by_month()
    area = {
        "mark": {"type": "area", "stroke": "white", "strokeWidth": 0.4, "opacity": 0.9},
        "encoding": {
            "x": time,
            "y": {
                "field": "people",
                "type": "quantitative",
                "title": "people",
                "axis": {"format": "~s", "labelExpr": "datum.value == 0 ? '0' : datum.label", "tickCount": 5},
            },
            "color": {
                "field": "state",
                "sort": list(WAITING),
                "scale": {"domain": list(WAITING), "range": list(COLOURS)},
                "legend": {"title": None, "columns": {"expr": "width < 420 ? 3 : 0"}},
            },
            "order": {"field": "place"},
            "tooltip": [
                {"field": "policy", "type": "nominal"},
                {"field": "day", "title": "on"},
                {"field": "state", "title": "state"},
                {"field": "people", "format": ",.0f"},
            ],
        },
    }
    return {
        "width": "container",
        "height": 190,
        "title": {"text": {"expr": f"replace({which}, regexp('-', 'g'), ' ')"}, "fontSize": 12},
        "transform": [
            {"filter": f"datum.policy == {which}"},
            {"calculate": f"indexof({list(WAITING)}, datum.state)", "as": "place"},
            {"flatten": ["people"]},
            {"window": [{"op": "row_number", "as": "row"}], "groupby": ["state"]},
            {"calculate": "ends[datum.row - 1]", "as": "date"},
            *timed(),
        ],
        **area,
    }
