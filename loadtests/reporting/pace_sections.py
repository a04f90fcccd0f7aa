"""Whether the load was what it was meant to be: due, sent and answered, how late; answers over time."""

from typing import Any, Final

import numpy as np

from loadtests.reporting.drawing import (
    FEWEST,
    coloured,
    dashed,
    fault_words,
    number,
    numbers,
    shades,
    time_of,
)
from loadtests.reporting.pace import OTHER, UNANSWERED, Pace
from loadtests.reporting.subject import Subject
from sim.reporting import theme
from sim.reporting.page import Column, Section, Spec, Table

Data = dict[str, Any]
KINDS: Final = {
    "claim granted": theme.GREEN,
    "claim full": theme.VERMILION,
    "claim replayed": theme.SKY,
    "claim duplicate": theme.OCHRE,
    "read count": theme.BLUE,
    "release released": theme.PURPLE,
    OTHER: "#9AA2AB",
    UNANSWERED: theme.GREY,
}
"""Colours of the answers that are met most; the others take what is left."""
SPARE: Final = ("#7A5AA6", "#6E7F8D", "#A0527A", "#8C6D31", "#4C7DA8", "#2E8B75", "#B34700")


def sections(subject: Subject, found: Pace) -> list[Section]:
    """Answers, then the schedule; nothing where hardly anything was sent."""
    if found.sent.sum() < FEWEST:
        return []
    return [_answers(subject, found), _schedule(subject, found)]


def _answers(subject: Subject, found: Pace) -> Section:
    axis, names = subject.axis, list(found.answers)
    total = {name: int(counts.sum()) for name, counts in found.answers.items()}
    told = ", ".join(f"{count:,} {name}" for name, count in total.items())
    begins, width = numbers(axis.begins()), axis.width_ns / axis.unit_ns
    values = [
        {"t": at, "until": number(float(at or 0) + width), "count": count, "what": name, "place": place}
        for place, name in enumerate(names)
        for at, count in zip(begins, found.answers[name].tolist(), strict=True)
        if count
    ]
    spec: Spec = {
        "width": "container",
        "height": 240,
        "layer": [
            *shades(subject.history, axis),
            {
                "data": {"values": values},
                "mark": {"type": "bar", "stroke": None, "clip": True},
                "encoding": {
                    "x": time_of(axis) | {"bin": "binned"},
                    "x2": {"field": "until"},
                    "y": {
                        "field": "count",
                        "type": "quantitative",
                        "stack": "zero",
                        "title": f"answers in each {axis.width_says()}",
                        "axis": {"tickCount": 5, "tickMinStep": 1},
                    },
                    "order": {"field": "place", "type": "quantitative"},
                    "color": coloured(names, _colours(names)),
                    "tooltip": [
                        {"field": "what", "type": "nominal", "title": "answer"},
                        {"field": "count", "type": "quantitative", "format": ","},
                        {"field": "t", "type": "quantitative", "title": f"from, {axis.unit}"},
                    ],
                },
            },
        ],
    }
    columns = (Column(f"from, {axis.unit}", "plain"), *(Column(name, "count") for name in names))
    counts = [found.answers[name].tolist() for name in names]
    rows = tuple((at, *(column[place] for column in counts)) for place, at in enumerate(begins))
    return Section(
        id="answers",
        heading="What was answered, and when",
        text=f"{sum(total.values()):,} requests: {told}.",
        picture=spec,
        label=f"Stacked bars over time, one part for each answer: {told}.",
        table=Table(columns, rows),
        note=f"By when the answer was read.{fault_words(subject.history)}",
    )


def _colours(names: list[str]) -> list[str]:
    spare = iter((*SPARE, *SPARE))
    return [KINDS[name] if name in KINDS else next(spare) for name in names]


def _schedule(subject: Subject, found: Pace) -> Section:
    axis = subject.axis
    series = {"due": found.due, "sent": found.sent, "answered": found.completed}
    if not found.has_due:
        del series["due"]
    late = subject.summary.get("late")
    text = (
        "The record does not say when requests were due."
        if not found.has_due
        else _lateness(subject, found)
        if late is None
        else f"{late:,} of {int(found.sent.sum()):,} requests left later than the scenario allows. "
        + _lateness(subject, found)
    )
    begins = numbers(axis.begins())
    upper = _counts(subject, series, begins)
    spec: Spec = {
        "vconcat": [upper, _late(subject, found, begins)],
        "resolve": {"scale": {"color": "independent", "strokeDash": "independent"}},
        "usermeta": {"reserve": 75},
    }
    spec = spec if found.has_due else upper
    columns = (
        Column(f"from, {axis.unit}", "plain"),
        *(Column(name, "count") for name in series),
        *(Column(f"late, {name}, ms", "decimal") for name in found.late_ms),
    )
    rows = tuple(
        (
            at,
            *(int(column[place]) for column in series.values()),
            *(number(float(column[place])) for column in found.late_ms.values()),
        )
        for place, at in enumerate(begins)
    )
    return Section(
        id="schedule",
        heading="The schedule, as meant and as kept",
        text=text,
        picture=spec,
        label=f"Lines over time: requests due, sent and answered; below, how late they left. {text}",
        table=Table(columns, rows),
        note=f"Requests in each {axis.width_says()}. Late: from when a request was due to when it was sent, "
        "which is the load generator's own delay, or a person's who waits for an earlier answer."
        + fault_words(subject.history),
    )


def _lateness(subject: Subject, found: Pace) -> str:
    if not np.isfinite(found.late_ms["max"]).any():
        return ""
    worst = float(np.nanmax(found.late_ms["max"]))
    return f"The latest left {worst:,.1f} ms after it was due."


def _counts(subject: Subject, series: dict[str, Any], begins: list[Any]) -> Spec:
    axis = subject.axis
    looks = {"due": (theme.GREY, [1, 0]), "sent": (theme.BLUE, [6, 3]), "answered": (theme.GREEN, [2, 2])}
    values = [
        {"t": at, "count": count, "what": name}
        for name, column in series.items()
        for at, count in zip(begins, column.tolist(), strict=True)
    ]
    return {
        "width": "container",
        "height": 200,
        "layer": [
            *shades(subject.history, axis),
            {
                "data": {"values": values},
                "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
                "encoding": {
                    "x": time_of(axis),
                    "y": {
                        "field": "count",
                        "type": "quantitative",
                        "title": f"in each {axis.width_says()}",
                        "axis": {"tickCount": 5, "tickMinStep": 1},
                    },
                    "color": coloured(series, [looks[name][0] for name in series]),
                    "strokeDash": dashed(series, [looks[name][1] for name in series]),
                    "tooltip": [
                        {"field": "what", "type": "nominal", "title": "requests"},
                        {"field": "count", "type": "quantitative", "format": ","},
                        {"field": "t", "type": "quantitative", "title": f"from, {axis.unit}"},
                    ],
                },
            },
        ],
    }


def _late(subject: Subject, found: Pace, begins: list[Any]) -> Spec:
    axis = subject.axis
    values = [
        {"t": at, "ms": number(value), "what": name}
        for name in ("p99", "max")
        for at, value in zip(begins, found.late_ms[name].tolist(), strict=True)
        if np.isfinite(value)
    ]
    return {
        "width": "container",
        "height": 80,
        "data": {"values": values},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "color": theme.VERMILION},
        "encoding": {
            "x": time_of(axis),
            "y": {
                "field": "ms",
                "type": "quantitative",
                "title": "late, ms",
                "scale": {
                    "domain": [0, max([1.0, *(float(row["ms"] or 0) for row in values)])],
                    "nice": True,
                },
                "axis": {"tickCount": 3},
            },
            "strokeDash": {
                "field": "what",
                "type": "nominal",
                "scale": {"domain": ["p99", "max"], "range": [[1, 0], [2, 2]]},
                "legend": {"title": "late", "orient": "top", "symbolStrokeColor": theme.VERMILION},
            },
            "tooltip": [
                {"field": "what", "type": "nominal", "title": "late"},
                {"field": "ms", "type": "quantitative", "format": ",.4~g"},
                {"field": "t", "type": "quantitative", "title": f"due from, {axis.unit}"},
            ],
        },
    }
