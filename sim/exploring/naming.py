"""The names of a scenario's measures, policies and points, as people write and read them."""

import math
from collections.abc import Sequence
from typing import Any

from sim import measures, population, programme
from sim.errors import complaint, nearest
from sim.exploring.points import Point
from sim.labelled import plain
from sim.measures import MEASURES
from sim.people import settle
from sim.scenario import Scenario

HEADLINES = tuple(name for name, each in MEASURES.items() if each.headline)
"""What is looked at when no measure is asked for."""


def listed(text: str | None) -> tuple[str, ...] | None:
    """The parts of a,b,c; None stays None."""
    if text is None:
        return None
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def checked_measures(scenario: Scenario, names: Sequence[str], *, key: str = "--measures") -> tuple[str, ...]:
    """The names, if the scenario has such measures; else BadInput with the nearest that it has."""
    known = names_of(scenario)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise complaint(
                f'"{name}" is not a measure of {scenario.name}',
                key=key,
                expected=f"one of {', '.join(MEASURES)}, some with a part such as /{scenario.intake[0].year}",
                mend=f"write {near}" if near else "",
            )
    if not names:
        raise complaint("no measure is asked for", key=key, expected="such as permits,unused_slots")
    return tuple(names)


def names_of(scenario: Scenario) -> tuple[str, ...]:
    """Every measure of a scenario, found by measuring a replication in which nobody comes."""
    demand = scenario.demand.model_copy(update={"multiple": plain(1e-12)})
    empty = scenario.model_copy(update={"demand": demand})
    people = settle(empty, population.draw(empty, 0, outside_only=True))
    outcome = programme.simulate(programme.prepare(empty, people), empty.policy(empty.baseline))
    return tuple(measures.measure(empty, people, outcome))


def label(point: Point, *, policies: bool = True) -> str:
    """A point as a reader calls it: "intake.2022.cap = 5,000 under lottery"."""
    parts = [f"{key} = {shown(value)}" for key, value in point.settings]
    said = ", ".join(parts) or "the scenario as it is"
    return f"{said} under {point.policy}" if policies else said


def shown(value: Any) -> str:
    """A value of a setting, as short as it can be said."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        is_whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
        return f"{int(value):,}" if is_whole else f"{value:.6g}"
    return str(value)
