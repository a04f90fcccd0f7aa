"""Which points are looked at: every combination, a Latin hypercube, or a list from a file.

A *Latin hypercube* of n points cuts every range into n parts and has one point in each, at random otherwise;
its luck is a random stream of the scenario's seed. A *list* is a CSV file with a key at the head of each
column, and a row a point; a column `policy` names the point's policy. Where no policy is named, every point
is looked at under every policy asked for.
"""

import csv
import io
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scipy.stats import qmc

from sim import streams, study
from sim.errors import complaint
from sim.exploring.points import Point
from sim.exploring.varying import Varied
from sim.scenario import Scenario
from sim.scenario_file import parse_setting

STREAM = "design/latin-hypercube"
MOST_POINTS = 100_000
POLICY = "policy"

Settings = tuple[tuple[str, Any], ...]


def grid(varied: Sequence[Varied]) -> list[Settings]:
    """Every combination, the last key changing first."""
    count = 1
    for each in varied:
        count *= len(each.values)
    if count > MOST_POINTS:
        raise complaint(
            f"{count:,} combinations",
            key="--vary",
            expected=f"at most {MOST_POINTS:,}",
            mend="take fewer steps, or --design latin --points 200",
        )
    choices = [[(each.key, value) for value in each.values] for each in varied]
    return [tuple(settings) for settings in itertools.product(*choices)]


def latin(varied: Sequence[Varied], points: int, *, seed: int) -> list[Settings]:
    """A Latin hypercube of so many points over the ranges and lists."""
    if not varied:
        raise complaint("nothing is varied", key="--design latin", mend="give --vary KEY=lo..hi")
    if not 1 <= points <= MOST_POINTS:
        raise complaint(f"{points:,} points", key="--points", expected=f"from 1 to {MOST_POINTS:,}")
    luck = streams.generator(seed, 0, STREAM)
    shares = qmc.LatinHypercube(d=len(varied), rng=luck).random(points).tolist()
    return [
        tuple((each.key, each.at(share)) for each, share in zip(varied, row, strict=True)) for row in shares
    ]


def crossed(settings: Sequence[Settings], policies: Sequence[str]) -> tuple[Point, ...]:
    """Every point under every policy."""
    return tuple(Point(each, policy) for policy in policies for each in settings)


def listed(scenario: Scenario, path: Path, policies: Sequence[str]) -> tuple[Point, ...]:
    """The points of a CSV file, in its order; BadInput says what is wrong, and in which row."""
    file = str(path)
    if not path.is_file():
        raise complaint("there is no such file", key="--list", file=file)
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise complaint(f"this is not a CSV file: {error}", key="--list", file=file) from None
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        expected = "a line of keys, such as policy,intake.2022.cap, then a line a point"
        raise complaint("the file has no points", key="--list", file=file, expected=expected)
    head, found = rows[0], []
    if len(set(head)) < len(head) or not all(head):
        raise complaint(f"{','.join(head)}: a column has no name, or another's", key="--list", file=file)
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            message = f"row {number} has {len(row)} cells, and the head {len(head)}"
            raise complaint(message, key="--list", file=file)
        cells = dict(zip(head, row, strict=True))
        named = cells.pop(POLICY, "")
        settings = tuple(parse_setting(f"{key}={cell}") for key, cell in cells.items() if cell)
        if named:
            study.named(scenario, named)
        found += [Point(settings, policy) for policy in ([named] if named else policies)]
    return tuple(found)
