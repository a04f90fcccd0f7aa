"""The cells of a sweep as files: Parquet with one row a point, replication and measure; sheets for readers.

`replications.parquet` has the columns of every run (replication, policy, variant, measure, value; the variant
is the point in words), the number of the point, and a column for every key that was set.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from sim.exploring.naming import label
from sim.exploring.points import Point
from sim.exploring.sweep import Known, Sweep, blank
from sim.showing.sheets import Sheet
from sim.showing.tables import Column, words, write

INTERVAL = ("n", "mean", "low", "high")
PAIRED = ("n", "mean", "low", "high", "all_low", "all_high", "p")


def write_cells(path: Path, found: Sweep) -> None:
    """Every known cell, by replication, then point, then measure."""
    done = np.argwhere(found.known.done.T)
    replication, point = (np.repeat(column, len(found.measures)) for column in done.T)
    measure = np.tile(np.arange(len(found.measures)), len(done))
    columns: dict[str, Column] = {
        "replication": replication,
        "point": point,
        "policy": words([each.policy for each in found.points], point),
        "variant": words([label(each, policies=False) for each in found.points], point),
        "measure": words(list(found.measures), measure),
        "value": found.known.values[point, replication, measure],
    }
    select = {
        "replication": "replication::INTEGER",
        "point": "point::INTEGER",
        "policy": "policy::VARCHAR",
        "variant": "variant::VARCHAR",
        "measure": "measure::VARCHAR",
        "value": "CASE WHEN isfinite(value) THEN value::DOUBLE END",
    }
    for number, key in enumerate(dict.fromkeys(key for each in found.points for key, _ in each.settings)):
        texts, kind = _texts([dict(each.settings).get(key) for each in found.points])
        columns[f"key{number}"] = words(texts, point)
        select[key] = f"key{number}::{kind}"
    write(path, columns, select)


def _texts(values: list[Any]) -> tuple[Any, str]:
    """The values of a key as text, and the type they are written as."""
    given = [value for value in values if value is not None]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in given)
    texts = [
        None if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
        for value in values
    ]
    return texts, "DOUBLE" if numbers else "VARCHAR"


def read_cells(path: Path, points: tuple[Point, ...], measures: tuple[str, ...], replications: int) -> Known:
    """The cells that an interrupted sweep of the same points left."""
    import duckdb

    cells = blank(len(points), replications, len(measures))
    if not path.exists():
        return cells
    names = {name: k for k, name in enumerate(measures)}
    with duckdb.connect(config={"threads": 1}) as connection:
        asked = "SELECT point, replication, measure, value FROM read_parquet(?)"
        rows = connection.execute(asked, [str(path)]).fetchall()
    for point, replication, measure, value in rows:
        if replication < replications:
            cells.values[point, replication, names[measure]] = np.nan if value is None else value
            cells.done[point, replication] = True
    return cells


def sheets(found: dict[str, Any], sentences: list[str]) -> tuple[Sheet, ...]:
    """The tables of a sweep's summary: one row a point and measure, the heatmaps, and the method."""
    keys = list(dict.fromkeys(key for each in found["points"] for key in each["settings"]))
    head = (
        "point",
        "policy",
        *keys,
        "measure",
        *INTERVAL,
        *(f"difference_{name}" for name in PAIRED),
        "reason",
    )
    rows = [
        (
            each["point"],
            each["policy"],
            *(_cell(each["settings"].get(key)) for key in keys),
            name,
            *(each["measures"][name][part] for part in INTERVAL),
            *((each["differences"].get(name) or {}).get(part) for part in PAIRED),
            each["reason"],
        )
        for each in found["points"]
        for name in found["measures"]
    ]
    return (
        Sheet("points", head, rows),
        Sheet("heatmaps", ("measure", "policy", "x", "x_value", "y", "y_value", "mean"), _heat(found)),
        Sheet("method", ("what", "value"), _method(found, sentences)),
    )


def _heat(found: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (each["measure"], each["policy"], x["key"], _cell(across), y["key"], _cell(down), mean)
        for each in found["heatmaps"]
        for x, y in [(each["x"], each["y"])]
        for down, row in zip(y["values"], each["mean"], strict=True)
        for across, mean in zip(x["values"], row, strict=True)
    ]


def _method(found: dict[str, Any], sentences: list[str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [(f"finding {k}", text) for k, text in enumerate(sentences, 1)]
    rows += [(name, found["scenario"][name]) for name in ("name", "title")]
    rows += [(f"set {key}", str(value)) for key, value in sorted(found["settings"].items())]
    rows += [(name, found[name]) for name in ("seed", "design", "replications", "stopped", "complete")]
    rows += [
        ("low, high", "95 % t interval of the mean over replications"),
        ("difference", "to the scenario as it is (point 0), replication by replication: paired t"),
        ("all_low, all_high", "95 % intervals that hold together over the points of a measure: max |t|"),
        ("empty cells", "not estimable, or not defined"),
    ]
    return rows + [
        (name, f"{each['unit']}: {each['meaning']}") for name, each in found["definitions"].items()
    ]


def _cell(value: Any) -> Any:
    """A setting as a spreadsheet holds it."""
    return value if value is None or isinstance(value, int | float | str) else json.dumps(value, default=str)
