"""Picture 7: the chance of a slot, by the month of the certificate and the tenth by score."""

from typing import Any

from sim.reporting.figures import shown
from sim.reporting.page import Column, Section, Spec, Table, Value
from sim.reporting.subject import Subject, called, params

Data = dict[str, Any]

TENTHS = 10


def section(subject: Subject) -> Section | None:
    """A heat map of the policy, and of what it changes; None without curves."""
    curves = subject.curves
    if curves is None:
        return None
    finding = _finding(subject, curves)
    return Section(
        id="arrivals",
        heading="Who gets a slot: by month of the certificate and by score",
        text=finding,
        picture=_picture(subject, curves),
        label=f"Heat map of the chance of a slot, months across, tenths by score up. {finding}",
        table=_table(subject, curves),
        note=f"People with a slot by the end of the scenario, of all in a cell, {curves['replications']:,} "
        "replications. The first column is the backlog at the opening; tenth 10 has the highest scores. "
        "The youngest certificates had little time."
        + (" Below: points more or less than under the other policy." if subject.contrasts else ""),
    )


def _finding(subject: Subject, curves: Data) -> str:
    """The chance of the lowest and of the highest tenth."""
    said = []
    for policy in dict.fromkeys((subject.first, subject.baseline)):
        low, high = (_chance(curves["policies"][policy]["slots"], tenth) for tenth in (0, TENTHS - 1))
        said.append(
            f"under {called(policy)} {shown(low, 'share')} of the lowest tenth by score and "
            f"{shown(high, 'share')} of the highest get a slot"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _chance(slots: Data, tenth: int) -> float | None:
    people = sum(row[tenth] for row in slots["people"])
    return sum(row[tenth] for row in slots["served"]) / people if people else None


def _cells(subject: Subject, curves: Data) -> list[tuple[str, str, list[float | None]]]:
    """(policy, month, chance by tenth), for every policy."""
    return [
        (policy, month, chances)
        for policy in subject.policies
        for month, chances in zip(
            curves["arrivals"], curves["policies"][policy]["slots"]["probability"], strict=True
        )
    ]


def _table(subject: Subject, curves: Data) -> Table:
    columns = (
        Column("policy", choice="policy against"),
        Column("certified"),
        *(Column(f"tenth {k + 1}", "share") for k in range(TENTHS)),
    )
    rows: list[tuple[Value, ...]] = [
        (policy, month, *chances) for policy, month, chances in _cells(subject, curves)
    ]
    return Table(columns, tuple(rows))


def _picture(subject: Subject, curves: Data) -> Spec:
    """The data have one row a month, with every policy's chances; a cell is a month and a tenth."""
    rows: dict[str, Data] = {}
    for policy, month, chances in _cells(subject, curves):
        row = rows.setdefault(month, {"month": month, "chances": {}})
        row["chances"][policy] = [None if each is None else round(each, 4) for each in chances]
    months = curves["arrivals"]
    marked = [month for k, month in enumerate(months) if k == 0 or (k > 3 and month.endswith("-01"))]
    views = [_map("chance of a slot", "datum.a", marked, ".0%")]
    if subject.contrasts:
        gap = "100 * (datum.a - datum.b)"
        views.append(_map("points more or fewer", gap, marked, "+.0f", diverging=True))
    return {
        "params": params(subject),
        "data": {"values": list(rows.values())},
        "transform": [
            {"calculate": f"sequence(1, {TENTHS + 1})", "as": "tenth"},
            {"calculate": "datum.chances[policy]", "as": "a"},
            {"calculate": "datum.chances[against]", "as": "b"},
            {"flatten": ["tenth", "a", "b"]},
            {"filter": "isValid(datum.a) && isValid(datum.b)"},
        ],
        "vconcat": views,
        "resolve": {"scale": {"color": "independent"}, "legend": {"color": "independent"}},
        "usermeta": {"reserve": 70},
    }


def _map(title: str, value: str, marked: list[str], number: str, *, diverging: bool = False) -> Spec:
    scale: Data = {"domain": [0, 1]}
    if diverging:
        scale = {"domainMid": 0, "range": "diverging"}
    return {
        "width": "container",
        "height": 150,
        "transform": [{"calculate": value, "as": "value"}],
        "mark": {"type": "rect"},
        "encoding": {
            "x": {
                "field": "month",
                "type": "ordinal",
                "sort": None,
                "title": None,
                "axis": {
                    "values": marked,
                    "labelExpr": "slice(datum.label, 5) == '01' ? slice(datum.label, 0, 4) : datum.label",
                    "labelAngle": 0,
                    "labelOverlap": "greedy",
                    "ticks": False,
                    "labelAlign": "left",
                },
            },
            "y": {
                "field": "tenth",
                "type": "ordinal",
                "sort": "descending",
                "title": "tenth by score",
                "axis": {"labelExpr": "datum.value % 3 == 1 ? datum.label : ''"},
            },
            "color": {
                "field": "value",
                "type": "quantitative",
                "scale": scale,
                "legend": {
                    "title": title,
                    "format": number,
                    "gradientLength": {"expr": "min(width, 240)"},
                    "tickCount": 5,
                },
            },
            "tooltip": [
                {"field": "month", "title": "certified"},
                {"field": "tenth", "title": "tenth by score"},
                {"field": "value", "title": title, "format": number},
            ],
        },
    }
