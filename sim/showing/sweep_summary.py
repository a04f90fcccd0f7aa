"""What a sweep says, as data: the content of summary.json, from which everything else is made.

As in every summary no time, path or machine is in it, and a figure is a plain number or null (*not
estimable*, or not defined). A point's `differences` are to the own point, the scenario as it is, pair by
pair; `all_low` and `all_high` hold together for all points of a measure. `heatmaps` are matrices over two
keys, each cell the mean over whatever else was varied: rows follow `y`, columns `x`.
"""

import itertools
import math
from typing import Any

import numpy as np

from sim.comparing import families
from sim.comparing.paired import Paired, paired
from sim.exploring.naming import label
from sim.exploring.sweep import Sweep
from sim.measures import definition
from sim.showing.comparison_summary import rounded
from sim.studying.intervals import Floats, spread

Data = dict[str, Any]

POLICY = "policy"


def summary(found: Sweep, *, settings: Data | None = None) -> Data:
    """The whole sweep as data that JSON can hold; `settings`: values replaced in the scenario."""
    scenario = found.scenario
    several = len({point.policy for point in found.points}) > 1
    criticals = [_critical(found, k) for k in range(len(found.measures))]
    data = {
        "format": 1,
        "kind": "sweep",
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "settings": settings or {},
        "seed": found.seed,
        "design": found.design,
        "varied": [{"key": each.key, "values": list(each.values)} for each in found.varied],
        "policies": list(dict.fromkeys(point.policy for point in found.points)),
        "measures": list(found.measures),
        "replications": found.replications,
        "stopped": found.stopped,
        "complete": found.complete,
        "definitions": {name: definition(name)._asdict() for name in found.measures},
        "points": [_point(found, k, several, criticals) for k in range(len(found.points))],
        "heatmaps": _heatmaps(found),
    }
    return {name: rounded(each) for name, each in data.items()}


def _point(found: Sweep, index: int, several: bool, criticals: list[float]) -> Data:
    point, done = found.points[index], found.known.done[index]
    columns = np.where(done[:, None], found.known.values[index], math.nan)
    return {
        "point": index,
        "label": label(point, policies=several),
        "policy": point.policy,
        "settings": dict(point.settings),
        "reason": found.ready[index].reason,
        "replications": int(done.sum()),
        "measures": {name: _value(columns[:, k]) for k, name in enumerate(found.measures)},
        "differences": {
            name: _difference(_pair(found, index, k), criticals[k])
            for k, name in enumerate(found.measures)
            if index
        },
    }


def _value(column: Floats) -> Data:
    known = spread(column)
    return {"n": known.n, "mean": known.mean, "low": known.mean_low, "high": known.mean_high}


def _pair(found: Sweep, index: int, measure: int) -> Paired:
    """A point against the own one, in the replications that both have."""
    both = found.known.done[0] & found.known.done[index]
    return paired(found.known.values[0, both, measure], found.known.values[index, both, measure])


def _difference(pair: Paired, critical: float) -> Data:
    half = pair.half() if pair.n > 1 else math.nan
    reach = pair.reach(critical) if pair.n > 1 else math.nan
    return {
        "n": pair.n,
        "mean": _known(pair.mean),
        "low": _known(pair.mean - half),
        "high": _known(pair.mean + half),
        "all_low": _known(pair.mean - reach),
        "all_high": _known(pair.mean + reach),
        "p": _known(pair.p()),
    }


def _critical(found: Sweep, measure: int) -> float:
    """The c of intervals that hold together for all points of one measure."""
    whole = found.known.done[np.flatnonzero(found.known.done.any(axis=1))].all(axis=0)
    values = found.known.values[:, whole, measure]
    gaps = (values[1:] - values[0]).T
    gaps = gaps[:, np.isfinite(gaps).all(axis=0)]
    if len(gaps) < 2:
        return math.nan
    return families.critical(gaps, max(1, len(found.points) - 1), seed=found.seed)


def _heatmaps(found: Sweep) -> list[Data]:
    """A matrix for every measure and pair of keys of a grid, policy by policy; with one key, the policies
    are the other axis."""
    if found.design != "grid":
        return []
    keys = [each.key for each in found.varied]
    values = {each.key: list(each.values) for each in found.varied}
    policies = list(dict.fromkeys(point.policy for point in found.points))
    means = _means(found)
    if len(keys) == 1 and len(policies) > 1:
        axes = [(keys[0], POLICY, "")]
        values[POLICY] = policies
    else:
        axes = [(x, y, policy) for x, y in itertools.combinations(keys, 2) for policy in policies]
    return [
        _heatmap(found, measure, each, values, means[:, k])
        for k, measure in enumerate(found.measures)
        for each in axes
    ]


def _heatmap(
    found: Sweep, measure: str, axes: tuple[str, str, str], values: dict[str, list[Any]], means: Floats
) -> Data:
    x, y, policy = axes
    cells: dict[tuple[str, str], list[float]] = {}
    for point, mean in zip(found.points, means, strict=True):
        at: dict[str, Any] = {**dict(point.settings), POLICY: point.policy}
        if x in at and y in at and policy in ("", point.policy) and math.isfinite(mean):
            cells.setdefault((repr(at[x]), repr(at[y])), []).append(float(mean))

    def mean_at(across: Any, down: Any) -> float | None:
        inside = cells.get((repr(across), repr(down)))
        return math.fsum(inside) / len(inside) if inside else None

    return {
        "measure": measure,
        "policy": policy,
        "x": {"key": x, "values": values[x]},
        "y": {"key": y, "values": values[y]},
        "mean": [[mean_at(across, down) for across in values[x]] for down in values[y]],
        "over": sorted(set(values) - {x, y, POLICY}),
    }


def _means(found: Sweep) -> Floats:
    """The mean of every measure at every point, shape (points, measures); nan where there is none."""
    shape = found.known.values.shape
    means = np.full((shape[0], shape[2]), math.nan)
    for point, measure in np.ndindex(*means.shape):
        column = found.known.values[point, found.known.done[point], measure]
        known = column[np.isfinite(column)]
        if len(known):
            means[point, measure] = math.fsum(known) / len(known)
    return means


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
