"""The cells of a choice among many points as Parquet, and its tables for spreadsheets.

`replications.parquet` has the columns of every run (replication, policy, variant, measure, value; the variant
is the point in words), the number of the point (-1: the scenario as it is), and the *stage* in which it was
simulated: selection or confirmation.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sim.exploring.best import CONFIRMATION, SELECTION, Best
from sim.exploring.frontier import Frontier
from sim.exploring.points import Point
from sim.showing.best_summary import name_of
from sim.showing.sheets import Sheet
from sim.showing.tables import Column, words, write
from sim.studying.intervals import Floats

STAGES = ("selection", "confirmation")
AS_IT_IS = "the scenario as it is"


def write_best(path: Path, found: Best) -> None:
    """Every cell of the selection and of the confirmation."""
    names = tuple(dict.fromkeys([*found.agreed.measures, *found.extra]))
    parts = []
    if found.selected is not None:
        values = found.selected.values
        parts += [_long(0, k, SELECTION, found.agreed.measures, values[k]) for k in range(len(found.points))]
    parts += [_long(1, each.point, CONFIRMATION, names, each.values) for each in found.confirmed]
    _write(path, parts, [*found.points, found.own])


def write_front(path: Path, found: Frontier) -> None:
    """Every cell of a front."""
    names = tuple([each.measure for each in found.objectives] + [each.measure for each in found.constraints])
    parts = [_long(0, k, SELECTION, names, found.values[k]) for k in range(len(found.points))]
    _write(path, parts, [*found.points, found.points[0]])


def _long(stage: int, point: int, begins: int, names: tuple[str, ...], values: Floats) -> dict[str, Any]:
    """The known cells of one point."""
    r, k = np.nonzero(np.isfinite(values))
    return {
        "stage": np.full(len(r), stage),
        "replication": begins + r,
        "point": np.full(len(r), point),
        "measure": words(list(names), k),
        "value": values[r, k],
    }


def _write(path: Path, parts: list[dict[str, Any]], points: list[Point]) -> None:
    """`points`: every point, and at the end what the point -1 stands for."""
    names = ("stage", "replication", "point", "measure", "value")
    empty = {name: np.empty(0, dtype=object if name == "measure" else np.int64) for name in names}
    columns: dict[str, Column] = {
        name: np.concatenate([each[name] for each in (parts or [empty])]) for name in names
    }
    several = len({each.policy for each in points}) > 1
    labels = [name_of(each, several=several) for each in points[:-1]] + [AS_IT_IS]
    which = columns["point"].astype(np.int64)
    columns["policy"] = words([each.policy for each in points], which)
    columns["variant"] = words(labels, which)
    columns["stage"] = words(list(STAGES), columns["stage"].astype(np.int64))
    select = {
        "stage": "stage::VARCHAR",
        "replication": "replication::INTEGER",
        "point": "point::INTEGER",
        "policy": "policy::VARCHAR",
        "variant": "variant::VARCHAR",
        "measure": "measure::VARCHAR",
        "value": "value::DOUBLE",
    }
    write(path, columns, select)


def sheets(found: dict[str, Any], sentences: list[str]) -> tuple[Sheet, ...]:
    """The tables of a summary of either kind."""
    keys = list(dict.fromkeys(key for each in found["points"] for key in each["settings"]))
    rows = [_row(found, each, keys) for each in found["points"]]
    head = tuple(rows[0]) if rows else ()
    pages = [Sheet("points", head, [tuple(row.values()) for row in rows])]
    if found["kind"] == "best":
        pages += [_confirmed(found), _trials(found)]
    return (*pages, Sheet("method", ("what", "value"), _method(found, sentences)))


def _row(found: dict[str, Any], each: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    row = {"point": each["point"], "policy": each["policy"]}
    row |= {key: _cell(each["settings"].get(key)) for key in keys}
    if found["kind"] == "pareto":
        row |= {"on_front": each["on_front"], "probability": each["probability"]}
        for name, figure in each["measures"].items():
            row |= {f"{name} {part}": figure[part] for part in ("mean", "low", "high")}
    else:
        row |= {name: each.get(name) for name in ("how", "replications", "by", "n", "mean", "low", "high")}
        gap = each.get("difference") or {}
        row |= {f"difference_{part}": gap.get(part) for part in ("mean", "low", "high", "p")}
    return row | {"reason": each["reason"]}


def _confirmed(found: dict[str, Any]) -> Sheet:
    head = ("point", "policy", "measure", "n", "mean", "low", "high", "difference", "difference_low")
    rows = [
        (
            each["point"],
            each["policy"],
            name,
            *(figure[part] for part in ("n", "mean", "low", "high")),
            *(each["differences"][name][part] for part in ("mean", "low", "high", "p")),
        )
        for each in found["confirmed"]
        for name, figure in each["measures"].items()
    ]
    return Sheet("confirmed", (*head, "difference_high", "p"), rows)


def _trials(found: dict[str, Any]) -> Sheet:
    trials = found["search"]["trials"] if found["search"] else []
    keys = list(dict.fromkeys(key for each in trials for key in each["settings"]))
    rows = [
        (
            each["policy"],
            *(_cell(each["settings"].get(key)) for key in keys),
            each["mean"],
            each["misses"],
            each["reason"],
        )
        for each in trials
    ]
    return Sheet("search", ("policy", *keys, "mean", "misses", "reason"), rows)


def _method(found: dict[str, Any], sentences: list[str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [(f"finding {k}", text) for k, text in enumerate(sentences, 1)]
    rows += [(name, found["scenario"][name]) for name in ("name", "title")]
    rows += [(f"set {key}", str(value)) for key, value in sorted(found["settings"].items())]
    names = ("seed", "procedure", "confidence", "first", "most", "replications", "stopped", "complete")
    rows += [(name, found[name]) for name in names if name in found]
    rows += [(f"constraint {k}", text) for k, text in enumerate(found["constraints"], 1)]
    return rows + [
        (name, f"{each['unit']}: {each['meaning']}") for name, each in found["definitions"].items()
    ]


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else json.dumps(value, default=str)
