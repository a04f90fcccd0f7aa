"""What the pictures of a load test share: the axis of time, short numbers, faults as shades, legends."""

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER, History
from loadtests.reporting.axis import Axis
from sim.reporting import theme
from sim.reporting.page import Spec

Data = dict[str, Any]
DIGITS: Final = 6
MOST_FAULTS: Final = 50
FEWEST: Final = 20
"""Of fewer requests nobody looks at a distribution or a pace."""
LEGEND: Final[Data] = {
    "title": None,
    "orient": "top",
    "columns": {"expr": "windowSize()[0] < 640 ? 2 : 6"},
    "symbolStrokeWidth": 2,
    "labelLimit": 150,
}
"""Two names a row on a phone."""


def number(value: float) -> float | int | None:
    """A number with as many digits as a picture can show; None for what is none."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def numbers(values: NDArray[Any]) -> list[float | int | None]:
    """Many of them."""
    return [number(value) for value in values.tolist()]


def time_of(axis: Axis, *, until: float | None = None) -> Data:
    """The axis of time of a picture: the whole of it, or until a moment as pictures have it."""
    ends = (axis.last_ns - axis.first_ns) / axis.unit_ns if until is None else until
    return {
        "field": "t",
        "type": "quantitative",
        "title": f"{axis.unit} since the first request",
        "scale": {"domain": [0, number(ends)], "nice": False},
        "axis": {"grid": False, "tickCount": 8},
    }


def logarithmic(title: str, values: Iterable[float]) -> Data:
    """An axis of powers of ten, with a line at each of them and nowhere else."""
    there = [value for value in values if math.isfinite(value) and value > 0] or [1.0]
    low, high = math.floor(math.log10(min(there))), math.ceil(math.log10(max(there)))
    high = max(high, low + 1)
    return {
        "type": "quantitative",
        "title": title,
        "scale": {"type": "log", "domain": [10.0**low, 10.0**high], "nice": False},
        "axis": {"format": ",~f", "values": [10.0**at for at in range(low, high + 1)]},
    }


def shades(history: History, axis: Axis, *, until: float | None = None) -> list[Spec]:
    """A layer with the intervals of the nemesis, if there were any."""
    rows = np.flatnonzero(history.is_op("fault"))[:MOST_FAULTS]
    if not len(rows):
        return []
    begins, ends = history["invoked_ns"][rows], history["completed_ns"][rows]
    ends = np.where(ends == NEVER, axis.last_ns, ends)
    spans = zip(numbers(axis.at(begins)), numbers(axis.at(ends)), history["note"][rows].tolist(), strict=True)
    values = [{"t": begin, "until": end, "fault": note or "fault"} for begin, end, note in spans]
    return [
        {
            "data": {"values": values},
            "mark": {"type": "rect", "color": theme.GREY, "opacity": 0.22, "clip": True},
            "encoding": {
                "x": time_of(axis, until=until),
                "x2": {"field": "until"},
                "tooltip": [{"field": "fault", "type": "nominal"}],
            },
        }
    ]


def fault_words(history: History) -> str:
    """What the shades are, if there are any."""
    count = int(history.is_op("fault").sum())
    return f" Shaded: {count} interval{'s' if count > 1 else ''} of injected faults." if count else ""


def coloured(names: Iterable[str], colours: Iterable[str], *, legend: Data | None = None) -> Data:
    """A colour for each of these names, with a legend."""
    return {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": list(names), "range": list(colours)},
        "legend": LEGEND if legend is None else legend,
    }


def dashed(names: Iterable[str], dashes: Iterable[list[int]]) -> Data:
    """A pattern of dashes for each of these names, so that colours are not all that tells them apart."""
    return {
        "field": "what",
        "type": "nominal",
        "scale": {"domain": list(names), "range": list(dashes)},
        "legend": LEGEND,
    }
