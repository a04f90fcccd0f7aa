"""What a study says, as data: the content of summary.json, from which everything that is printed is made.

No time, path or machine is in it, and every figure is a plain number or null (*not estimable*, or not
defined). Each measure has two spreads over replications: `chance`, with the scenario's own numbers, and
`assumptions`, with every uncertain number drawn from its range as well; null if none has a range.
"""

import math
from typing import Any

import numpy as np

from sim.measuring.definitions import MEASURES
from sim.scenario import Intake
from sim.showing.reached import bounds_of, day, reached, spread_of, uptake
from sim.study import HEADLINES, Study, size
from sim.studying.impact import impacts
from sim.studying.influence import Influence, replications
from sim.studying.intervals import FOR_PERCENTILES, Floats, spread

Data = dict[str, Any]


def summary(study: Study, *, settings: Data | None = None) -> Data:
    """The whole study as data that JSON can hold; `settings`: values replaced in the scenario beforehand."""
    scenario, policy = study.scenario, study.scenario.policy(study.policy)
    intakes = [intake for intake in scenario.intake if f"grants/{intake.year}" in study.chance]
    streams = [name for name, stream in scenario.streams.items() if stream.eligible]
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
        "pool": spread(study.pool)._asdict(),
        "streams": {name: stream.summary for name, stream in scenario.streams.items() if stream.eligible},
        "disparate_impact": impacts(study.chance, streams) if len(streams) > 1 else [],
        "measures": {
            name: {"chance": _spread(name, values), "assumptions": _spread(name, study.assumed.get(name))}
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


def _spread(name: str, values: Floats | None) -> Data | None:
    return None if values is None else spread_of(name, values)._asdict()


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
    opens_s, ends_s = bounds_of(scenario, intake)
    curves = study.uptake.get(year, np.full((1, 1), np.nan))
    return {
        "year": year,
        "opens": day(scenario, opens_s),
        "closes": day(scenario, ends_s - 1),
        "cap": int(intake.cap.value),
        "permit_target": int(intake.permit_target.value) if intake.permit_target else None,
        "reached": reached(scenario, study.chance, intake),
        "reached_with_assumptions": reached(scenario, study.assumed, intake),
        "uptake": uptake(scenario, intake, curves),
    }


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
