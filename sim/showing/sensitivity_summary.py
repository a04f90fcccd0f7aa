"""What a sensitivity analysis says, as data: the content of its summary.json, and its Parquet tables."""

import math
from typing import Any

import numpy as np

from sim.measuring.definitions import definition
from sim.sensing.factors import CHANCE, Effect, Index
from sim.sensitivity import Sensitivity
from sim.streams import Floats

Data = dict[str, Any]

NUMBER = ("value", "low", "high", "basis", "source")


def summary(found: Sensitivity, *, settings: Data | None = None) -> Data:
    """Everything that was found; no time, path or machine is in it."""
    return {
        "format": 1,
        "kind": "sensitivity",
        "scenario": {"name": found.scenario.name, "title": found.scenario.title},
        "settings": settings or {},
        "policy": {"name": found.policy},
        "seed": found.seed,
        "stopped": found.stopped,
        "complete": found.complete,
        "numbers": {
            each.key: {name: getattr(each.number, name) for name in NUMBER} for each in found.uncertain
        },
        "kept": list(found.kept),
        "tornado_replications": found.tornado[0].replications if found.tornado else 0,
        "trajectories": _trajectories(found),
        "samples": _samples(found),
        "simulated": sum(len(part.points) for part in (found.screen, found.division) if part is not None),
        "measures": {measure: _measure(found, measure) for measure in found.measures},
    }


def _trajectories(found: Sensitivity) -> int:
    screen = found.screen
    return 0 if screen is None else len(screen.points) // (len(screen.factors.names) + 1)


def _samples(found: Sensitivity) -> int:
    division = found.division
    return 0 if division is None else len(division.points) // (len(division.factors.groups) + 2)


def _measure(found: Sensitivity, measure: str) -> Data:
    place = found.measures.index(measure)
    division = found.division
    mean, deviation = (math.nan, math.nan) if division is None else division.spread(place)
    unknown = 0 if division is None else int((~np.isfinite(division.answers[:, place])).sum())
    about = definition(measure)
    indices = () if division is None else division.indices[measure]
    return {
        "unit": about.unit,
        "meaning": about.meaning,
        "mean": _known(mean),
        "sd": _known(deviation),
        "points_without_value": unknown,
        "tornado": [
            {
                "number": each.assumption.key,
                "at_low": _known(each.at_low[measure]),
                "at_base": _known(each.at_base[measure]),
                "at_high": _known(each.at_high[measure]),
                "moves": _known(each.moves[measure][0]),
                "half": _known(each.moves[measure][1]),
                "above_chance": bool(each.is_above_chance(measure)),
            }
            for each in found.tornado
        ],
        "morris": [
            _named(each) | {"kept": each.name in found.kept}
            for each in (() if found.screen is None else found.screen.effects[measure])
        ],
        "sobol": [_named(each) for each in indices],
        "due_to_chance": next(
            (
                {"share": _known(each.total), "half": _known(each.total_half)}
                for each in indices
                if each.name == CHANCE
            ),
            None,
        ),
    }


def _named(row: Effect | Index) -> Data:
    """The fields of a row by name, with null for what is not known."""
    fields = row._asdict().items()
    return {name: _known(value) if isinstance(value, float) else value for name, value in fields}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def tables(found: Sensitivity) -> dict[str, dict[str, Any]]:
    """The points of both designs, one row a point and factor, and their answers, one a point and measure."""
    made = {}
    for name, part in (("morris", found.screen), ("sobol", found.division)):
        if part is not None:
            made[f"{name}_points"] = _long(part.points, part.factors.names, "factor", "u")
            made[f"{name}_answers"] = _long(part.answers, found.measures, "measure", "value")
    return made


def _long(values: Floats, names: tuple[str, ...], kind: str, called: str) -> dict[str, Any]:
    rows, columns = values.shape
    return {
        "point": np.repeat(np.arange(rows), columns),
        kind: np.array(list(names) * rows, dtype=object),
        called: values.ravel(),
    }
