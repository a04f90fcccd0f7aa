"""What a study says, as data: the content of summary.json, from which everything that is printed is made.

No time, path or machine is in it, and every figure is a plain number or null (*not estimable*, or not
defined). Each measure has two spreads over replications: `chance`, with the scenario's own numbers, and
`assumptions`, with every uncertain number drawn from its range as well; null if none has a range.
"""

import datetime
import math
from typing import Any

import numpy as np

from sim import clock
from sim.measuring.definitions import MEASURES
from sim.measuring.survival import Incidence, cumulative_incidence
from sim.scenario import Intake, Scenario
from sim.study import HEADLINES, Study, size
from sim.studying.influence import Influence, replications
from sim.studying.intervals import FOR_PERCENTILES, Floats, chance, spread

Data = dict[str, Any]


def summary(study: Study, *, settings: Data | None = None) -> Data:
    """The whole study as data that JSON can hold; `settings`: values replaced in the scenario beforehand."""
    scenario, policy = study.scenario, study.scenario.policy(study.policy)
    intakes = [intake for intake in scenario.intake if f"grants/{intake.year}" in study.chance]
    bases = {name.partition("/")[0] for name in study.chance}
    return {
        "format": 1,
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "settings": settings or {},
        "policy": {
            "name": study.policy,
            "summary": policy.summary,
            "capped": policy.capped,
            "releases": policy.release.every,
            "splits": bool(policy.reserves) or any(intake.stream_caps for intake in scenario.intake),
        },
        "seed": study.seed,
        "replications": study.replications,
        "replications_with_assumptions": size(study.assumed),
        "replications_for_percentiles": FOR_PERCENTILES,
        "stopped": study.stopped,
        "complete": study.complete,
        "headline_year": _headline_year(study, intakes) if policy.capped else None,
        "intakes": [_intake(study, intake) for intake in intakes],
        "pool": _spread(study.pool),
        "streams": {name: stream.summary for name, stream in scenario.streams.items() if stream.eligible},
        "measures": {
            name: {"chance": _spread(values), "assumptions": _spread(study.assumed.get(name))}
            for name, values in study.chance.items()
        },
        "definitions": {
            name: {"unit": each.unit, "meaning": each.meaning}
            for name, each in MEASURES.items()
            if name in bases
        },
        "register": {
            "ranked_by": study.moved,
            "replications": replications(scenario),
            "numbers": [_influence(each, study.moved) for each in study.register],
        },
        "binding": _binding(study),
    }


def _spread(values: Floats | None) -> Data | None:
    return None if values is None else spread(values)._asdict()


def _headline_year(study: Study, intakes: list[Intake]) -> int | None:
    """The year whose cap is reached most often; of several, the one whose slots are used most."""

    def urgency(intake: Intake) -> tuple[float, float, int]:
        reached = study.chance[f"cap_reached/{intake.year}"]
        return (
            float(reached.sum()),
            float(study.chance[f"used/{intake.year}"].mean() / max(1.0, intake.cap.value)),
            -intake.year,
        )

    return max(intakes, key=urgency).year if intakes else None


def _intake(study: Study, intake: Intake) -> Data:
    """One year: its cap, in how many replications it is reached, and by when."""
    scenario, year = study.scenario, intake.year
    opens_s = max(scenario.starts_s, clock.at(intake.opens, scenario.time_zone))
    ends_s = min(scenario.ends_s, clock.after(intake.closes, scenario.time_zone))
    months = [*clock.month_starts(opens_s, ends_s, scenario.time_zone), ends_s]
    curves = study.uptake.get(year)
    is_known = curves is not None and np.isfinite(curves).all()
    return {
        "year": year,
        "opens": _day(scenario, opens_s),
        "closes": _day(scenario, ends_s - 1),
        "cap": int(intake.cap.value),
        "permit_target": int(intake.permit_target.value) if intake.permit_target else None,
        "reached": _reached(scenario, study.chance, year, opens_s, ends_s, months),
        "reached_with_assumptions": _reached(scenario, study.assumed, year, opens_s, ends_s, months),
        "uptake": {
            "months": [_day(scenario, month - 1)[:7] for month in months],
            "spreads": [_spread(column) for column in curves.T] if is_known and curves is not None else [],
        },
    }


def _reached(
    scenario: Scenario, found: dict[str, Floats], year: int, opens_s: int, ends_s: int, months: list[int]
) -> Data | None:
    """In how many replications a cap was reached, and when: Kaplan-Meier, censored at the year's end."""
    if not found or not np.isfinite(found[f"cap_reached/{year}"]).all():
        return None
    days, window = found[f"days_to_cap/{year}"], found[f"window_days/{year}"]
    was = found[f"cap_reached/{year}"] > 0
    curve = cumulative_incidence(None, np.where(was, days, window), was.astype(np.int64))
    return {
        **chance(int(was.sum()), len(was))._asdict(),
        "quantiles": {
            name: _reached_on(scenario, curve, share, opens_s)
            for name, share in (("p5", 0.05), ("p25", 0.25), ("median", 0.5), ("p75", 0.75), ("p95", 0.95))
        },
        "by_month_end": [
            {"date": _day(scenario, month - 1), "probability": _by(curve, (month - opens_s) / clock.DAY_S)}
            for month in months
        ],
    }


def _reached_on(scenario: Scenario, curve: Incidence, share: float, opens_s: int) -> Data | None:
    """The day by which this share of all replications reached the cap; None if it never came to that."""
    days = curve.quantile(share)
    if math.isnan(days):
        return None
    return {"days": days, "date": _day(scenario, opens_s + math.floor(days * clock.DAY_S))}


def _by(curve: Incidence, day: float) -> float:
    step = int(np.searchsorted(curve.times, day, side="right"))
    return float(curve.incidence[0][step - 1]) if step else 0.0


def _day(scenario: Scenario, second: int) -> str:
    date: datetime.date = clock.local(second, scenario.time_zone).date()
    return date.isoformat()


def _influence(each: Influence, moved: str) -> Data:
    number, (mean, half) = each.assumption.number, each.moves[moved]
    return {
        "key": each.assumption.key,
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "basis": number.basis,
        "source": number.source,
        "note": number.note,
        "at_low": {name: _known(each.at_low[name]) for name in HEADLINES},
        "at_base": {name: _known(each.at_base[name]) for name in HEADLINES},
        "at_high": {name: _known(each.at_high[name]) for name in HEADLINES},
        "influence": _known(each.on(moved)),
        "influence_low": _known(abs(mean) - half),
        "influence_high": _known(abs(mean) + half),
        "above_chance": each.is_above_chance(moved),
    }


def _binding(study: Study) -> Data | None:
    found = study.binding
    if found is None:
        return None
    return {
        name: _known(value) if isinstance(value, float) else value for name, value in found._asdict().items()
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
