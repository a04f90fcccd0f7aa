"""When a cap is reached, as data: in how many replications, by when, and with what probability by each month.

A year that does not fill says that its date lies beyond its end, no more. So dates are *censored* there:
P(T <= t) and the quantiles are Kaplan and Meier's over all replications, and a mean of the years that did
fill is never given, since it calls a cap early that is seldom reached.
"""

import datetime
import math
from typing import Any

import numpy as np

from sim import clock
from sim.measuring.definitions import MEASURES
from sim.measuring.survival import Incidence, cumulative_incidence
from sim.scenario import Intake, Scenario
from sim.studying.intervals import Floats, Spread, chance, late_spread, quartiles, spread

Data = dict[str, Any]
QUANTILES = (("p5", 0.05), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p95", 0.95))


def spread_of(measure: str, values: Floats) -> Spread:
    """The spread of a measure over replications; of one that is censored, without a mean."""
    known = MEASURES.get(measure.partition("/")[0])
    return late_spread(values) if known is not None and known.censored else spread(values)


def bounds_of(scenario: Scenario, intake: Intake) -> tuple[int, int]:
    """The first second of an intake inside the scenario, and the second at which it is over."""
    opens_s = max(scenario.starts_s, clock.at(intake.opens, scenario.time_zone))
    return opens_s, min(scenario.ends_s, clock.after(intake.closes, scenario.time_zone))


def months_of(scenario: Scenario, intake: Intake) -> list[int]:
    """The seconds at which the months of an intake are over."""
    opens_s, ends_s = bounds_of(scenario, intake)
    return [*clock.month_starts(opens_s, ends_s, scenario.time_zone), ends_s]


def reached(scenario: Scenario, found: dict[str, Floats], intake: Intake) -> Data | None:
    """In how many replications a cap was reached, and when; None without replications or without a cap."""
    year, (opens_s, _) = intake.year, bounds_of(scenario, intake)
    if not found or not np.isfinite(found[f"cap_reached/{year}"]).all():
        return None
    days, window = found[f"days_to_cap/{year}"], found[f"window_days/{year}"]
    was = found[f"cap_reached/{year}"] > 0
    curve = cumulative_incidence(None, np.where(was, days, window), was.astype(np.int64))
    return {
        **chance(int(was.sum()), len(was))._asdict(),
        "quantiles": {name: _reached_on(scenario, curve, share, opens_s) for name, share in QUANTILES},
        "by_month_end": [
            {"date": day(scenario, month - 1), "probability": _by(curve, (month - opens_s) / clock.DAY_S)}
            for month in months_of(scenario, intake)
        ],
    }


def uptake(scenario: Scenario, intake: Intake, curves: Floats) -> Data:
    """How far an intake is used by the end of each month; curves of shape (replications, months).

    Without a cap there are no spreads. Quartiles go beside the percentiles of other spreads, since a picture
    shows them all.
    """
    known = bool(np.isfinite(curves).all())
    return {
        "months": [day(scenario, month - 1)[:7] for month in months_of(scenario, intake)],
        "spreads": [spread(each)._asdict() | quartiles(each) for each in curves.T] if known else [],
    }


def _reached_on(scenario: Scenario, curve: Incidence, share: float, opens_s: int) -> Data | None:
    """The day by which this share of all replications reached the cap; None if it never came to that."""
    days = curve.quantile(share)
    if math.isnan(days):
        return None
    return {"days": days, "date": day(scenario, opens_s + math.floor(days * clock.DAY_S))}


def _by(curve: Incidence, age: float) -> float:
    step = int(np.searchsorted(curve.times, age, side="right"))
    return float(curve.incidence[0][step - 1]) if step else 0.0


def day(scenario: Scenario, second: int) -> str:
    """The local date of a second."""
    date: datetime.date = clock.local(second, scenario.time_zone).date()
    return date.isoformat()
