"""The curves of a few replications put together: the content of curves.json, from which pictures are drawn.

Curves cost as much as all the measures of a replication, and twenty replications show their course as well as
a thousand do, so they are made for the first few only, as a stage of their own. Means and ranges are over
these replications; a place where some replication has no value (an age that nobody was watched to) is null.
"""

from typing import Any

import numpy as np

from sim import clock
from sim.comparing.worlds import Asked, outcomes
from sim.measures import in_scope
from sim.measuring import curves as curving
from sim.measuring.curves import STATES
from sim.measuring.waits import ENDS
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

REPLICATIONS = 20
"""Of how many replications curves are made, at most."""
DIGITS = 6

Data = dict[str, Any]


def pictures(asked: Asked, crew: Crew, replications: int) -> Data:
    """The curves of every policy on the same people, as data that JSON can hold."""
    n = min(REPLICATIONS, replications)
    calls = [(asked, replication) for replication in range(n)]
    found = list(crew.each("curves for pictures", pictured, calls))
    grid = curving.grids(asked.scenario)
    return {
        "format": 1,
        "replications": n,
        "ages": list(grid.ages),
        "month_ends": list(grid.ends),
        "arrivals": list(grid.arrivals),
        "streams": list(grid.streams),
        "outcomes": list(ENDS),
        "states": list(STATES),
        "policies": {name: _together(grid, [each[name] for each in found]) for name, _ in asked.policies},
    }


def pictured(asked: Asked, replication: int) -> Data:
    """Policy -> the curves of one replication, as plain lists; nan stays nan."""
    found: Data = {}
    rules = dict(asked.policies)
    for name, everyone, came in outcomes(asked, replication):
        people, outcome = in_scope(everyone, came)
        made = curving.curves(asked.scenario, people, outcome, asked.scenario.spec(rules[name]))
        found[name] = {field: column.tolist() for field, column in made._asdict().items()}
        is_first = replication == 0 and rules[name].invite.by == "rounds"
        found[name]["rounds"] = [
            {**each._asdict(), "date": _day(asked, each.at_s)}
            for each in (curving.rounds(asked.scenario, outcome) if is_first else [])
        ]
    return found


def _together(grid: curving.Grids, found: list[Data]) -> Data:
    """One policy: each curve as mean, lowest and highest; the rounds of the first replication."""

    def of(field: str) -> Floats:
        return np.array([each[field] for each in found], dtype=np.float64)

    incidence, stock, people, served = of("incidence"), of("stock"), of("people"), of("served")
    whole = people.sum(axis=0)
    chance = np.divide(served.sum(axis=0), whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return {
        "incidence": {
            stream: {end: _spread(incidence[:, k, cause]) for cause, end in enumerate(ENDS)}
            for k, stream in enumerate(grid.streams)
        },
        "stock": {state: _spread(stock[:, k]) for k, state in enumerate(STATES)},
        "slots": {
            "people": _plain(people.mean(axis=0)),
            "served": _plain(served.mean(axis=0)),
            "probability": _plain(chance),
        },
        "busy": _spread(of("busy")),
        "queue": _spread(of("queue")),
        "rounds": found[0]["rounds"],
    }


def _spread(rows: Floats) -> Data:
    """Mean, lowest and highest over replications; null wherever one of them has no value."""
    return {
        "mean": _plain(rows.mean(axis=0)),
        "low": _plain(rows.min(axis=0)),
        "high": _plain(rows.max(axis=0)),
    }


def _plain(values: Floats) -> Any:
    if values.ndim > 1:
        return [_plain(row) for row in values]
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values.tolist()]


def _day(asked: Asked, second: int) -> str:
    return clock.local(second, asked.scenario.time_zone).date().isoformat()
