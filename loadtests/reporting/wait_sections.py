"""How long people waited: by percentile of each outcome, and over time."""

from typing import Any, Final

import numpy as np

from loadtests.reporting import waits
from loadtests.reporting.drawing import (
    FEWEST,
    coloured,
    dashed,
    fault_words,
    logarithmic,
    number,
    numbers,
    shades,
    time_of,
)
from loadtests.reporting.subject import Subject
from loadtests.reporting.waits import Curve
from sim.reporting import theme
from sim.reporting.page import Column, Section, Spec, Table

Data = dict[str, Any]
QUANTILES: Final = ("p50", "p90", "p99", "p99.9", "max")
LABELS: Final = {1: "0 %", 10: "90 %", 100: "99 %", 1_000: "99.9 %", 10_000: "99.99 %", 100_000: "99.999 %"}
LEAST_MS: Final = 0.001
"""The least that a histogram tells apart; a logarithm has no zero."""


def sections(subject: Subject) -> list[Section]:
    """Both pictures; nothing where hardly anything was answered."""
    if not subject.latencies or subject.latencies[0].count < FEWEST:
        return []
    return [_by_percentile(subject), _over_time(subject)]


def _by_percentile(subject: Subject) -> Section:
    kept = subject.latencies
    plain = [each.as_plain() for each in kept]
    every = plain[0]["from_due_ms"]
    found = (
        f"Half of {kept[0].count:,} answers came within {_ms(every['p50'])}, 99 of 100 within "
        f"{_ms(every['p99'])}, the last within {_ms(every['max'])}."
    )
    rows = []
    for each in plain:
        due, served = each["from_due_ms"], each["service_ms"]
        rows.append(
            (
                each["outcome"],
                each["count"],
                *(due.get(name) for name in QUANTILES),
                *(served.get(name) for name in ("p50", "p99")),
            )
        )
    columns = (
        Column("answer"),
        Column("number", "count"),
        *(Column(f"{name}, ms", "decimal") for name in QUANTILES),
        Column("service p50, ms", "decimal"),
        Column("service p99, ms", "decimal"),
    )
    return Section(
        id="waits",
        heading="How long answers took",
        text=found,
        picture=percentiles(subject),
        label=f"Lines: milliseconds from the due time by percentile, one for each answer. {found}",
        table=Table(columns, tuple(rows)),
        note="From the moment a request was due, so that a stall counts for everybody who waited in it; "
        "service: from the moment it was sent. Each step to the right has ten times fewer answers beyond it.",
    )


def percentiles(subject: Subject) -> Spec:
    """Milliseconds by percentile, both on scales of powers of ten."""
    drawn = waits.curves(subject.latencies)
    if (service := waits.service_curve(subject.latencies)) is not None:
        drawn.append(service)
    names = [each.outcome for each in drawn]
    others = iter(zip((*theme.COLOURS, theme.OCHRE), (*theme.DASHES, [3, 3]), strict=True))
    looks = {name: (theme.GREY, [3, 3]) if each is service else next(others)
             for name, each in zip(names, drawn, strict=True)}  # fmt: skip
    nines = max(1, max(int(np.ceil(np.log10(100 / max(1e-9, 100 - each.percentiles[-1])))) for each in drawn))
    points = [row for each in drawn for row in _points(each)]
    labels = "".join(f"datum.value == {value} ? '{text}' : " for value, text in LABELS.items()) + "''"
    return {
        "width": "container",
        "height": 300,
        "data": {"values": points},
        "mark": {"type": "line", "strokeWidth": 2, "interpolate": "monotone"},
        "encoding": {
            "x": {
                "field": "beyond",
                "type": "quantitative",
                "title": "share of the answers that came within",
                "scale": {"type": "log", "domain": [1, 10**nines], "nice": False},
                "axis": {"values": [10**at for at in range(nines + 1)], "labelExpr": labels, "grid": True,
                         "labelFlush": True},
            },
            "y": {"field": "ms", **logarithmic("ms from the due time", _waits(points))},
            "color": coloured(names, [looks[name][0] for name in names]),
            "strokeDash": dashed(names, [looks[name][1] for name in names]),
            "tooltip": [
                {"field": "what", "type": "nominal", "title": "answer"},
                {"field": "percentile", "type": "quantitative", "title": "percent of them"},
                {"field": "ms", "type": "quantitative", "title": "within ms", "format": ",.4~g"},
            ],
        },
    }  # fmt: skip


def _points(curve: Curve) -> list[Data]:
    return [
        {
            "what": curve.outcome,
            "percentile": number(percentile),
            "beyond": number(100 / (100 - percentile)),
            "ms": number(max(LEAST_MS, value)),
        }
        for percentile, value in zip(curve.percentiles, curve.values_ms, strict=True)
    ]


def _over_time(subject: Subject) -> Section:
    axis = subject.axis
    found = waits.over_time(subject.history, axis)
    begins = numbers(axis.begins())
    worst = int(np.nanargmax(found["p99"])) if np.isfinite(found["p99"]).any() else 0
    text = (
        f"The slowest {axis.width_says()} began at {begins[worst]:g} {axis.unit}: 99 of 100 of what was due "
        f"then came within {_ms(float(found['p99'][worst]))}."
    )
    names = ("p50", "p99", "max")
    values = [
        {"t": at, "ms": number(max(LEAST_MS, float(value))), "what": name}
        for name in names
        for at, value in zip(begins, found[name].tolist(), strict=True)
        if np.isfinite(value)
    ]
    looks = {"p50": (theme.BLUE, [1, 0]), "p99": (theme.VERMILION, [6, 3]), "max": (theme.GREY, [2, 2])}
    spec: Spec = {
        "width": "container",
        "height": 220,
        "layer": [
            *shades(subject.history, axis),
            {
                "data": {"values": values},
                "mark": {"type": "line", "strokeWidth": 2, "point": len(begins) < 40},
                "encoding": {
                    "x": time_of(axis),
                    "y": {
                        "field": "ms",
                        **logarithmic("ms from the due time", _waits(values)),
                    },
                    "color": coloured(names, [looks[name][0] for name in names]),
                    "strokeDash": dashed(names, [looks[name][1] for name in names]),
                    "tooltip": [
                        {"field": "what", "type": "nominal", "title": "quantile"},
                        {"field": "ms", "type": "quantitative", "format": ",.4~g"},
                        {"field": "t", "type": "quantitative", "title": f"due from, {axis.unit}"},
                    ],
                },
            },
        ],
    }
    columns = (
        Column(f"due from, {axis.unit}", "plain"),
        *(Column(f"{name}, ms", "decimal") for name in names),
    )
    rows = tuple(
        (at, *(number(float(found[name][place])) for name in names)) for place, at in enumerate(begins)
    )
    return Section(
        id="waits-over-time",
        heading="How long answers took, over time",
        text=text,
        picture=spec,
        label=f"Lines over time: median, 99th percentile and longest wait. {text}",
        table=Table(columns, rows),
        note=f"Of what was due in each {axis.width_says()}, from its due time.{fault_words(subject.history)}",
    )


def _waits(rows: list[Data]) -> list[float]:
    """The milliseconds of the rows of a picture."""
    return [float(row["ms"]) for row in rows if row["ms"] is not None]


def _ms(value: float) -> str:
    return f"{value:,.0f} ms" if value >= 100 else f"{value:,.3g} ms"
