"""What a choice among many points says, as data: the content of summary.json of `quotalab best`.

Of *kind* `best` it has one objective and a selection with a guarantee, of kind `pareto` several and a front.
As in every summary a figure is a plain number or null. The means under `points` come from the selection, in
which a point was heard for as long as it stayed; those under `confirmed` from fresh replications.
"""

import math
from typing import Any

import numpy as np

from sim.comparing.paired import paired
from sim.exploring.best import Best, Selected
from sim.exploring.frontier import Frontier
from sim.exploring.naming import label
from sim.exploring.points import Point
from sim.exploring.searching import Trial
from sim.exploring.wanted import Objective
from sim.measures import definition
from sim.scenario import Scenario
from sim.showing.comparison_summary import rounded
from sim.studying.intervals import Floats, spread

Data = dict[str, Any]


def summary(found: Best, *, settings: Data | None = None) -> Data:
    """The whole choice as data that JSON can hold; `settings`: values replaced in the scenario."""
    agreed, chosen = found.agreed, found.selected
    several = len({point.policy for point in found.points}) > 1
    names = tuple(dict.fromkeys([*agreed.measures, *found.extra]))
    data: Data = _head(found.scenario, settings, found.seed, "best") | {
        "objective": _objective(agreed.objective),
        "constraints": [str(each) for each in agreed.constraints],
        "procedure": agreed.procedure,
        "confidence": agreed.confidence,
        "delta": {
            "asked": agreed.delta.amount,
            "relative": agreed.delta.relative,
            "amount": chosen.delta if chosen else None,
        },
        "first": agreed.first,
        "most": agreed.most,
        "replications": chosen.replications if chosen else 0,
        "settled": bool(chosen and chosen.settled),
        "shortfall": _known(chosen.shortfall) if chosen else None,
        "chosen": chosen.chosen if chosen and chosen.chosen >= 0 else None,
        "stopped": found.stopped,
        "complete": found.complete,
        "measures": list(names),
        "definitions": {name: definition(name)._asdict() for name in names},
        "points": [_point(found, k, several) for k in range(len(found.points))],
        "confirmed": _confirmed(found, names),
        "search": _search(found.trials, agreed.objective, several) if found.trials else None,
    }
    return {name: rounded(each) for name, each in data.items()}


def _head(scenario: Scenario, settings: Data | None, seed: int, kind: str) -> Data:
    return {
        "format": 1,
        "kind": kind,
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "settings": settings or {},
        "seed": seed,
    }


def _objective(each: Objective) -> Data:
    return {"measure": each.measure, "better": "higher" if each.sign > 0 else "lower"}


def name_of(point: Point, *, several: bool) -> str:
    """A point in words; by its policy alone if nothing is set."""
    return label(point, policies=several) if point.settings else point.policy


def _point(found: Best, index: int, several: bool) -> Data:
    point, chosen = found.points[index], found.selected
    data: Data = {
        "point": index,
        "label": name_of(point, several=several),
        "policy": point.policy,
        "settings": dict(point.settings),
        "reason": found.ready[index].reason,
    }
    if chosen is None:
        return data | {"how": "undecided", "replications": 0, "by": None}
    fate = chosen.fates[index]
    column = chosen.values[index, :, 0]
    return data | {
        "how": fate.how,
        "replications": fate.replications,
        "by": fate.by if fate.by >= 0 else None,
        **_value(column),
        "difference": _difference(chosen, column),
    }


def _difference(chosen: Selected, column: Floats) -> Data | None:
    """The objective against the point chosen, in the replications that both were in."""
    if chosen.chosen < 0:
        return None
    return _paired(chosen.values[chosen.chosen, :, 0], column)


def _paired(base: Floats, other: Floats) -> Data:
    pair = paired(base, other)
    half = pair.half() if pair.n > 1 else math.nan
    return {
        "n": pair.n,
        "mean": _known(pair.mean),
        "low": _known(pair.mean - half),
        "high": _known(pair.mean + half),
        "p": _known(pair.p()),
    }


def _value(column: Floats) -> Data:
    known = spread(column)
    return {"n": known.n, "mean": known.mean, "low": known.mean_low, "high": known.mean_high}


def _confirmed(found: Best, names: tuple[str, ...]) -> list[Data]:
    """Values on fresh replications, the scenario as it is first."""
    return [
        {
            "point": each.point if each.point >= 0 else None,
            "policy": (found.points[each.point] if each.point >= 0 else found.own).policy,
            "replications": len(each.values),
            "measures": {name: _value(each.values[:, k]) for k, name in enumerate(names)},
            "differences": {
                name: _paired(found.confirmed[0].values[:, k], each.values[:, k])
                for k, name in enumerate(names)
            },
        }
        for each in found.confirmed
    ]


def _search(trials: tuple[Trial, ...], objective: Objective, several: bool) -> Data:
    """Every point that was tried, in order."""
    able = [each for each in trials if math.isfinite(each.value)]
    best = min(able, key=lambda each: (each.misses, -objective.sign * each.value), default=None)
    return {
        "tried": len(trials),
        "forbidden": sum(1 for each in trials if each.reason),
        "best": None if best is None else {"label": name_of(best.point, several=several), "mean": best.value},
        "trials": [
            {
                "policy": each.point.policy,
                "settings": dict(each.point.settings),
                "mean": _known(each.value),
                "misses": each.misses,
                "reason": each.reason,
            }
            for each in trials
        ],
    }


def front_summary(found: Frontier, *, settings: Data | None = None) -> Data:
    """The same for several objectives."""
    several = len({point.policy for point in found.points}) > 1
    names = [each.measure for each in found.objectives] + [each.measure for each in found.constraints]
    data: Data = _head(found.scenario, settings, found.seed, "pareto") | {
        "objectives": [_objective(each) for each in found.objectives],
        "constraints": [str(each) for each in found.constraints],
        "replications": found.values.shape[1],
        "stopped": found.stopped,
        "complete": found.complete,
        "measures": names,
        "definitions": {name: definition(name)._asdict() for name in names},
        "points": [
            {
                "point": k,
                "label": name_of(point, several=several),
                "policy": point.policy,
                "settings": dict(point.settings),
                "reason": found.ready[k].reason,
                "on_front": bool(found.on_front[k]),
                "probability": _known(float(found.probability[k])),
                "measures": {name: _value(found.values[k, :, j]) for j, name in enumerate(names)},
            }
            for k, point in enumerate(found.points)
        ],
    }
    return {name: rounded(each) for name, each in data.items()}


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
