"""Slots against a cap over time: the bounds, the cap, the simulation, the refusals that met room."""

from typing import Any, Final

import numpy as np

from loadtests.history import History
from loadtests.reporting.axis import Axis
from loadtests.reporting.drawing import coloured, dashed, fault_words, number, numbers, shades, time_of
from loadtests.reporting.predicted import Predicted
from loadtests.reporting.slots import MOST_MARKS, Course
from loadtests.reporting.subject import Subject
from sim.reporting import theme
from sim.reporting.page import Column, Section, Spec, Table

Data = dict[str, Any]
CERTAIN, POSSIBLE, CAP, SIMULATED = "certainly taken", "possibly taken", "the cap", "simulated"
COLOURS: Final = {
    CERTAIN: theme.BLUE,
    POSSIBLE: theme.SKY,
    CAP: theme.VERMILION,
    SIMULATED: theme.PURPLE,
}
DASHES: Final = {CERTAIN: [1, 0], POSSIBLE: [1, 2], CAP: [8, 4], SIMULATED: [4, 2]}
MOST_PICTURES: Final = 4
SHORT, ROOM_AFTER = 0.6, 0.25
"""If all of it happens in so much of the time, the rest is left out, but for so much."""
TABLE_ROWS: Final = 24
STEPS_OF_SIMULATION: Final = 240


def sections(subject: Subject, courses: list[Course]) -> list[Section]:
    """A picture for each of the caps that tell most: the exceeded, those refused while free, the fullest."""
    ranked = sorted(courses, key=_interest)
    shown = [each for each in courses if each in ranked[:MOST_PICTURES]]
    found = [_section(subject, each) for each in shown]
    left_out = [each for each in courses if each not in shown]
    return [*found, _others(left_out)] if left_out else found


def _interest(course: Course) -> tuple[Any, ...]:
    limit = max(1, int(course.limit.max(initial=1)))
    return (-course.peak_over, -len(course.phantoms), -int(course.most.max(initial=0)) / limit)


def says(course: Course, axis: Axis) -> str:
    """What became of a cap, in a sentence or two."""
    limit, most = int(course.limit.max(initial=0)), int(course.most.max(initial=0))
    if course.over_ns is not None:
        found = (
            f"Over from {axis.says(course.over_ns)} on: up to {course.peak_over:,} more slots than the cap "
            f"of {limit:,} were certainly taken."
        )
    elif int(course.least.max(initial=0)) >= limit:
        at = course.at_ns[int(np.argmax(course.least >= limit))]
        found = f"Reached at {axis.says(int(at))} and kept: never more than {limit:,} were certainly taken."
    elif most >= limit:
        found = (
            f"Kept, and perhaps reached: {int(course.least.max(initial=0)):,} of {limit:,} certainly taken."
        )
    else:
        found = f"Not reached: at most {most:,} of {limit:,} slots can have been taken."
    if len(course.phantoms):
        many = len(course.phantoms)
        found += f" {many:,} claim{'s were' if many > 1 else ' was'} refused while it certainly had room."
    return found


def _section(subject: Subject, course: Course) -> Section:
    axis, foreseen = subject.axis, subject.predicted.get(course.cap.name)
    note = (
        "Certainly taken: granted and answered by then, less what can have come back. Possibly taken: asked "
        "for by then, less what certainly came back. The true count was between the two."
        + fault_words(subject.history)
    )
    if foreseen is not None:
        note += " Simulated: the same people and rules, each served at the moment the request was due."
    if not course.is_start_known:
        note += " What others took before or meanwhile is not known and not in the figures."
    found = says(course, axis)
    return Section(
        id=f"slots-{_slug(course.cap.name)}",
        heading=f"Slots: {course.cap.name}",
        text=found,
        picture=picture(subject.history, axis, course, foreseen),
        label=f"Lines over time: slots certainly and possibly taken, and the cap of "
        f"{int(course.limit.max(initial=0)):,}. {found}",
        table=_table(axis, course, foreseen),
        note=note,
    )


def _slug(name: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name)


def picture(history: History, axis: Axis, course: Course, foreseen: Predicted | None) -> Spec:
    """Bounds, cap and simulation as steps, refusals that met room as marks; below, how much it was over."""
    until = _until(axis, course, foreseen)
    lines = _lines(axis, course, foreseen, until)
    names = [name for name in COLOURS if any(row["what"] == name for row in lines)]
    band = [
        {"t": at, "low": low, "high": high}
        for at, low, high in zip(
            numbers(axis.at(course.at_ns)), course.least.tolist(), course.most.tolist(), strict=True
        )
    ]
    count = {
        "type": "quantitative",
        "title": "slots",
        "scale": {"zero": True},
        "axis": {"tickCount": 5, "tickMinStep": 1},
    }
    layers = [
        *shades(history, axis, until=until),
        {
            "data": {"values": band},
            "mark": {
                "type": "area",
                "interpolate": "step-after",
                "color": theme.SKY,
                "opacity": 0.3,
                "clip": True,
            },
            "encoding": {
                "x": time_of(axis, until=until),
                "y": {"field": "low", **count},
                "y2": {"field": "high"},
            },
        },
        *_drawn(axis, [row for row in lines if row["what"] == SIMULATED], names, count, until, width=4),
        *_drawn(axis, [row for row in lines if row["what"] != SIMULATED], names, count, until, width=2),
        *_phantoms(history, axis, course, count, until),
    ]
    upper: Spec = {"width": "container", "height": 260, "layer": layers}
    if not course.peak_over:
        return upper
    return {"vconcat": [upper, _over(axis, course, until)], "usermeta": {"reserve": 75}}


def _drawn(
    axis: Axis, rows: list[Data], names: list[str], count: Data, until: float, *, width: int
) -> list[Spec]:
    """A layer of lines, if there are any; wide ones are pale, since they lie below others."""
    if not rows:
        return []
    mark = {"type": "line", "interpolate": "step-after", "clip": True, "strokeWidth": width}
    return [
        {
            "data": {"values": rows},
            "mark": mark | {"opacity": 1 if width <= 2 else 0.6},
            "encoding": {
                "x": time_of(axis, until=until),
                "y": {"field": "slots", **count},
                "color": coloured(names, [COLOURS[name] for name in names]),
                "strokeDash": dashed(names, [DASHES[name] for name in names]),
                "tooltip": [
                    {"field": "what", "type": "nominal", "title": "what"},
                    {"field": "slots", "type": "quantitative", "format": ","},
                    {"field": "t", "type": "quantitative", "title": axis.unit},
                ],
            },
        }
    ]


def _until(axis: Axis, course: Course, foreseen: Predicted | None) -> float:
    """Where a picture of slots ends, as pictures have it: somewhat after the last of them moved."""
    columns = (course.least, course.most, course.limit)
    moving = [course.at_ns[np.flatnonzero(np.diff(each)) + 1] for each in columns]
    moving += [foreseen.taken_ns, foreseen.back_ns] if foreseen is not None else []
    last = max((int(each.max()) for each in moving if len(each)), default=axis.last_ns)
    whole = axis.last_ns - axis.first_ns
    part = max(1, last - axis.first_ns) * (1 + ROOM_AFTER)
    return float((part if part < SHORT * whole else whole) / axis.unit_ns)


def _lines(axis: Axis, course: Course, foreseen: Predicted | None, until: float) -> list[Data]:
    at = numbers(axis.at(course.at_ns))
    found = []
    for name, column in ((CERTAIN, course.least), (POSSIBLE, course.most), (CAP, course.limit)):
        kept = _turns(column)
        found += [{"t": at[place], "slots": int(column[place]), "what": name} for place in kept]
    if foreseen is not None:
        ends = axis.first_ns + until * axis.unit_ns
        moments = np.linspace(axis.first_ns, ends, STEPS_OF_SIMULATION).astype(np.int64)
        taken = foreseen.at(moments)
        times = numbers(axis.at(moments))
        found += [
            {"t": times[place], "slots": int(taken[place]), "what": SIMULATED} for place in _turns(taken)
        ]
    return found


def _turns(column: Any) -> list[int]:
    """Places at which a step function changes, with its first and its last."""
    if not len(column):
        return []
    return sorted({0, *(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column) - 1})


def _phantoms(history: History, axis: Axis, course: Course, count: Data, until: float) -> list[Spec]:
    """Refusals that met room, where the count possibly was."""
    rows = course.phantoms[:MOST_MARKS]
    if not len(rows):
        return []
    ends = history["completed_ns"][rows]
    here = np.maximum(0, np.searchsorted(course.at_ns, ends, side="right") - 1)
    values = [
        {"t": at, "slots": int(most), "row": int(row)}
        for at, most, row in zip(numbers(axis.at(ends)), course.most[here], rows, strict=True)
    ]
    return [
        {
            "data": {"values": values},
            "mark": {"type": "point", "shape": "triangle-down", "size": 70, "filled": True},
            "encoding": {
                "x": time_of(axis, until=until),
                "y": {"field": "slots", **count},
                "color": {"value": theme.VERMILION},
                "tooltip": [
                    {"field": "row", "type": "quantitative", "title": "row, refused while free"},
                    {"field": "t", "type": "quantitative", "title": axis.unit},
                ],
            },
        }
    ]


def _over(axis: Axis, course: Course, until: float) -> Spec:
    """Slots over the cap, on a scale of their own: three of 27,000 would not be seen above."""
    over = np.maximum(0, course.least - course.limit)
    values = [
        {"t": number(float(axis.at(course.at_ns[place : place + 1])[0])), "over": int(over[place])}
        for place in _turns(over)
    ]
    return {
        "width": "container",
        "height": 70,
        "data": {"values": values},
        "mark": {
            "type": "area",
            "interpolate": "step-after",
            "color": theme.VERMILION,
            "opacity": 0.8,
            "clip": True,
        },
        "encoding": {
            "x": time_of(axis, until=until),
            "y": {
                "field": "over",
                "type": "quantitative",
                "title": "over",
                "axis": {"tickCount": 3, "tickMinStep": 1},
            },
            "tooltip": [{"field": "over", "type": "quantitative", "title": "slots over the cap"}],
        },
    }


def _table(axis: Axis, course: Course, foreseen: Predicted | None) -> Table:
    """The course at evenly spaced moments, and at the one from which the cap was over."""
    moments = np.linspace(axis.first_ns, axis.last_ns, TABLE_ROWS).astype(np.int64)
    if course.over_ns is not None:
        moments = np.unique(np.append(moments, course.over_ns))
    here = np.clip(np.searchsorted(course.at_ns, moments, side="right") - 1, 0, len(course) - 1)
    columns = [
        Column(axis.unit, "plain"),
        Column(CERTAIN, "count"),
        Column(POSSIBLE, "count"),
        Column(CAP, "count"),
    ]
    simulated = None if foreseen is None else foreseen.at(moments).tolist()
    rows = [
        (number(float(at)), int(course.least[place]), int(course.most[place]), int(course.limit[place]))
        for at, place in zip(axis.at(moments), here.tolist(), strict=True)
    ]
    if simulated is None:
        return Table(tuple(columns), tuple(rows))
    both = tuple((*row, int(count)) for row, count in zip(rows, simulated, strict=True))
    return Table((*columns, Column(SIMULATED, "count")), both)


def _others(courses: list[Course]) -> Section:
    """The caps that have no picture of their own."""
    columns = (
        Column("cap"),
        Column("limit", "count"),
        Column("certainly taken, most", "count"),
        Column("possibly taken, most", "count"),
        Column("slots over", "count"),
        Column("refused while free", "count"),
    )
    rows = tuple(
        (
            each.cap.name,
            int(each.limit.max(initial=0)),
            int(each.least.max(initial=0)),
            int(each.most.max(initial=0)),
            each.peak_over,
            len(each.phantoms),
        )
        for each in courses
    )
    return Section(
        id="other-caps", heading="The other caps", text="None of them tells more.", table=Table(columns, rows)
    )
