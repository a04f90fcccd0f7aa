"""Picture 4: from letter to arrival, with the losses on the way."""

from typing import Any

from sim.reporting import theme
from sim.reporting.naming import amount
from sim.reporting.page import Column, Section, Spec, Table
from sim.reporting.subject import CHOSEN, Subject, called, params

Data = dict[str, Any]

STEPS = (
    ("invited", "letters"),
    ("applied", "applicants"),
    ("accepted", "grants"),
    ("permit", "permits"),
    ("arrived", "arrivals"),
)
"""What a person has come to, and the measure that counts it."""
LOST = {
    "invited": ("invitations_wasted/cause=declined", "invitations_wasted/cause=lapsed"),
    "accepted": ("refused", "withdrawn"),
    "permit": ("permits_unused",),
}
"""Measures that say who was lost for good at a step."""
GOES_ON, LEFT, OPEN = "goes on", "lost", "still under way, or ended otherwise"
FATES = (GOES_ON, LEFT, OPEN)


def section(subject: Subject) -> Section | None:
    """The funnel of every policy; None without people."""
    rows = [row for policy in subject.policies for row in _rows(subject, policy)]
    if not any(row["people"] for row in rows):
        return None
    return Section(
        id="funnel",
        heading="From letter to arrival",
        text=_finding(subject),
        picture=_picture(subject, rows),
        label=f"Bars from invited to arrived, each split by what came next. {_finding(subject)}",
        table=_table(rows),
        note=f"Means of {subject.replications:,} replications, by the end of the scenario. Under policies "
        "without letters, invited are the people who could file. Lost: declined, lapsed, overtaken; no slot "
        "or incomplete; refused or withdrawn; permit overtaken by permanent residence.",
    )


def _finding(subject: Subject) -> str:
    said = []
    for policy in dict.fromkeys((subject.first, subject.baseline)):
        counts = [subject.mean(policy, measure) or 0.0 for _, measure in STEPS]
        if counts[0]:
            arrive = f"{100 * counts[-1] / counts[0]:.0f} of 100"
            said.append(f"{arrive} under {called(policy)} ({amount(counts[-1])} of {amount(counts[0])})")
    return f"Of people invited, {' and '.join(said)} have arrived in Quebec by the end." if said else ""


def _rows(subject: Subject, policy: str) -> list[Data]:
    """One row a step and fate."""
    counts = [subject.mean(policy, measure) or 0.0 for _, measure in STEPS]
    rows = []
    for k, ((step, _), count) in enumerate(zip(STEPS, counts, strict=True)):
        on = min(count, counts[k + 1]) if k + 1 < len(STEPS) else count
        rest = count - on
        lost = _lost(subject, policy, step, rest)
        for fate, people in zip(FATES, (on, lost, rest - lost), strict=True):
            rows.append({"policy": policy, "step": step, "fate": fate, "people": people, "all": count})
    return rows


def _lost(subject: Subject, policy: str, step: str, rest: float) -> float:
    """Who of the rest is lost: at the letter all but those outstanding; at the slot everybody left over."""
    if step == "invited":
        return max(0.0, rest - (subject.mean(policy, "letters_outstanding") or 0.0))
    if step == "applied":
        return rest
    return min(rest, sum(subject.mean(policy, measure) or 0.0 for measure in LOST.get(step, ())))


def _table(rows: list[Data]) -> Table:
    columns = (
        Column("policy", choice="policy against"),
        Column("step"),
        Column("people", "count"),
        *(Column(fate, "count") for fate in FATES),
    )
    merged: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        merged.setdefault((row["policy"], row["step"]), [row["all"]]).append(row["people"])
    return Table(columns, tuple((*key, *values) for key, values in merged.items()))


def _picture(subject: Subject, rows: list[Data]) -> Spec:
    steps = [step for step, _ in STEPS]
    place: Data = {"y": {"field": "step", "type": "nominal", "sort": steps, "title": None}}
    if subject.contrasts:
        place["yOffset"] = {"field": "role", "scale": {"domain": ["A", "B"], "paddingInner": 0.15}}
    tooltip = [
        {"field": "policy", "type": "nominal"},
        {"field": "step"},
        {"field": "fate", "title": "of these"},
        {"field": "people", "format": ",.0f"},
    ]
    most = max(row["all"] for row in rows)
    wide = 1.4 if subject.contrasts else 1.12  # room for the labels at the ends of the bars
    room = {"expr": f"{most} * (width < 420 ? {wide + 0.5} : {wide})"}
    name = "replace(datum.policy, regexp('-', 'g'), ' ')"
    label = f"format(datum.all, ',.0f') + '  ' + {name}" if subject.contrasts else "format(datum.all, ',.0f')"
    return {
        "params": params(subject),
        "data": {"values": rows},
        "transform": list(CHOSEN),
        "width": "container",
        "height": 330 if subject.contrasts else 190,
        "layer": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    **place,
                    "x": {
                        "field": "people",
                        "type": "quantitative",
                        "title": "people",
                        "axis": {
                            "format": "~s",
                            "labelExpr": "datum.value == 0 ? '0' : datum.label",
                            "tickCount": 6,
                        },
                        "scale": {"nice": False, "domainMax": room},
                    },
                    "color": {
                        "field": "fate",
                        "scale": {
                            "domain": list(FATES),
                            "range": [theme.BLUE, theme.VERMILION, theme.GREY],
                        },
                        "legend": {"title": None, "columns": {"expr": "width < 420 ? 1 : 0"}},
                    },
                    "order": {"field": "fate", "sort": list(FATES)},
                    "tooltip": tooltip,
                },
            },
            {
                "transform": [
                    {"filter": f"datum.fate == '{GOES_ON}'"},
                    {"calculate": label, "as": "label"},
                ],
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 11},
                "encoding": {
                    **place,
                    "x": {"field": "all", "type": "quantitative"},
                    "text": {"field": "label"},
                },
            },
        ],
    }
