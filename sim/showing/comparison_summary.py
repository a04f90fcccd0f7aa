"""What a comparison says, as data: the content of summary.json, from which everything else is made.

As in a run's summary no time, path or machine is in it, and every figure is a plain number or null (*not
estimable*, or not defined). The sentences, the tables on a terminal, the CSV files and the workbook take
their numbers from here and compute none.
"""

import math
from typing import Any

import numpy as np

from sim import assumptions, study
from sim.compare import Comparison, Side
from sim.comparing import bootstrap, families
from sim.comparing.contrasts import GROUPED, HEADLINES, LOAD, Columns, Contrast
from sim.comparing.leading import lead
from sim.comparing.paired import paired
from sim.comparing.persons import DEFINITIONS, REASONS
from sim.comparing.robustness import robustness
from sim.comparing.worlds import CURVES
from sim.exploring import pareto
from sim.measures import MEASURES
from sim.scenario import Scenario
from sim.showing import robust
from sim.showing.reached import reached, spread_of, uptake
from sim.studying.binding import Binding
from sim.studying.impact import impacts
from sim.studying.intervals import FOR_PERCENTILES, Floats, chance, spread

Data = dict[str, Any]

ACROSS = "permits"
"""What a policy is for: the front is over this and a second measure."""
COUNTED = ("slot_gained", "slot_lost", "permit_gained", "permit_lost", "permit_earlier", "permit_later")


def summary(found: Comparison, *, settings: Data | None = None) -> Data:
    """The whole comparison as data that JSON can hold; `settings`: values replaced in the scenario."""
    scenario = found.scenario
    base = found.chance[found.baseline]
    reached = base["caps_reached"]
    known = reached[reached >= 0]  # nan under a policy without a cap
    data = {
        "format": 1,
        "kind": "comparison",
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "settings": settings or {},
        "seed": found.seed,
        "baseline": found.baseline,
        "margin": found.margin,
        "replications": found.replications,
        "replications_with_assumptions": study.size(found.assumed.get(found.baseline, {})),
        "replications_for": {
            "percentiles": FOR_PERCENTILES,
            "bca": bootstrap.FEWEST,
            "tails": bootstrap.FOR_TAILS,
            "max_t": families.FEWEST,
        },
        "stopped": found.stopped,
        "complete": found.complete,
        "left_out": found.left_out,
        "order": list(found.policies),
        "streams": {name: stream.summary for name, stream in scenario.streams.items() if stream.eligible},
        "cap_reached": chance(int((known > 0).sum()), len(known))._asdict() if len(known) else None,
        "slack": found.slack,
        "policies": {name: _policy(found, name) for name in found.policies},
        "contrasts": [_contrast(found, each) for each in found.contrasts],
        "front": _front(found),
        "lead": _lead(scenario, found.contrasts),
        "groups": [row for name in found.policies[1:] for row in _groups(found, name)],
        "binding": binding_data(found.binding),
        "beside": [_side(scenario, side) for side in found.sides],
        "shocks": _shocks(found) if found.shocks else None,
        "predictability": [each._asdict() for each in found.foreseen],
        "headlines": list(HEADLINES),
        "load": list(LOAD),
        "definitions": {
            name: {"unit": each.unit, "meaning": each.meaning, "better": each.better}
            for name, each in (MEASURES | DEFINITIONS | CURVES).items()
        },
        "reasons": REASONS,
        "assumptions": [_assumption(each) for each in assumptions.register(scenario)],
    }
    return {name: rounded(each) for name, each in data.items()}


def rounded(data: Any) -> Any:
    """Data with 15 significant digits: what a spreadsheet holds, so that a workbook says exactly the same."""
    if isinstance(data, dict):
        return {name: rounded(each) for name, each in data.items()}
    if isinstance(data, list | tuple):
        return [rounded(each) for each in data]
    return float(f"{data:.15g}") if isinstance(data, float) else data


def _shocks(found: Comparison) -> Data:
    capped = frozenset(name for name in found.policies if found.scenario.policy(name).capped)
    return robust.shocks_data(found.shocks, robustness(found.shocks, capped), found.unshocked)


def binding_data(found: Binding | None) -> Data | None:
    """The demand from which on a cap binds, infinities as null."""
    if found is None:
        return None
    return {
        name: (value if math.isfinite(value) else None) if isinstance(value, float) else value
        for name, value in found._asdict().items()
    }


def _policy(found: Comparison, name: str) -> Data:
    """One policy: what it is, every measure that is not about a group, and what became of people, and why."""
    policy, columns = found.scenario.policy(name), found.chance[name]
    streams = [name for name, stream in found.scenario.streams.items() if stream.eligible]
    groups = ("stream=", "season=", "quarter=", "decile=", "cohort=")
    return {
        "summary": policy.summary,
        "seen_in": policy.seen_in,
        "capped": policy.capped,
        "measures": {
            measure: spread_of(measure, values)._asdict()
            for measure, values in columns.items()
            if not measure.partition("/")[2].startswith(groups) and not measure.startswith("uptake/")
        },
        "disparate_impact": impacts(columns, streams) if len(streams) > 1 else [],
        "intakes": [
            {
                "year": intake.year,
                "reached": reached(found.scenario, columns, intake),
                "uptake": uptake(found.scenario, intake, _uptake(columns, intake.year)),
            }
            for intake in found.scenario.intake
            if f"grants/{intake.year}" in columns
        ],
    }


def _uptake(columns: Columns, year: int) -> Floats:
    """The shares of a year's slots used by each month's end, shape (replications, months)."""
    months = [values for name, values in columns.items() if name.startswith(f"uptake/{year}/")]
    return np.array(months).T if months else np.full((1, 1), np.nan)


def _contrast(found: Comparison, each: Contrast) -> Data:
    """A contrast as data, with the spread of its differences when the assumptions are drawn."""
    data = each._asdict() | {"ratio": each.ratio._asdict(), "tail": each.tail._asdict()}
    if found.assumed:
        gaps = found.assumed[each.policy][each.measure] - found.assumed[found.baseline][each.measure]
        data["assumptions"] = spread(gaps)._asdict()
    else:
        data["assumptions"] = None
    return data


def _lead(scenario: Scenario, contrasts: tuple[Contrast, ...]) -> Data | None:
    names = {each.policy for each in contrasts}
    chosen = lead(contrasts, capped=frozenset(name for name in names if scenario.policy(name).capped))
    return None if chosen is None else {"policy": chosen.policy, "measure": chosen.measure}


def _front(found: Comparison) -> dict[str, dict[str, float]]:
    """How likely each policy is beaten by no other in permits and a second measure, measure by measure."""
    likely = {}
    for measure in (*HEADLINES, *LOAD):
        better = MEASURES[measure].better
        columns = {name: found.chance[name][measure] for name in found.policies}
        known = {name: values for name, values in columns.items() if np.isfinite(values).all()}
        if measure == ACROSS or not better or len(known) < 2 or found.replications < 2:
            continue
        sign = 1.0 if better == "higher" else -1.0
        permits = np.array([found.chance[name][ACROSS] for name in known])
        gains = np.stack([permits, sign * np.array(list(known.values()))], axis=-1)
        chances = pareto.membership(gains, seed=found.seed)
        likely[measure] = dict(zip(known, chances.tolist(), strict=True))
    return likely


def _groups(found: Comparison, policy: str) -> list[Data]:
    """One row a group: its people, its chance of a slot under both, and how many gain and lose."""
    base, other = found.chance[found.baseline], found.chance[policy]
    wide = {each.measure: each for each in found.contrasts if each.policy == policy}
    rows = []
    for name in other:
        begins, _, suffix = name.partition("/")
        if begins != "slot_gained" or suffix.startswith("why="):
            continue
        at = f"/{suffix}" if suffix else ""
        kind, _, group = suffix.partition("=")
        measure = GROUPED + at
        pair = paired(base[measure], other[measure])
        half = pair.half() if pair.n > 1 else math.nan
        row: Data = {
            "policy": policy,
            "kind": kind or "everyone",
            "group": group or "everyone",
            "people": _mean(other[f"in_scope{at}"]),
            "base": _mean(base[measure]),
            "value": _mean(other[measure]),
            "difference": _known(pair.mean),
            "low": _known(pair.mean - half),
            "high": _known(pair.mean + half),
            "all_low": wide[measure].all_low if measure in wide else None,
            "all_high": wide[measure].all_high if measure in wide else None,
        }
        rows.append(row | {count: _mean(other[count + at]) for count in COUNTED})
    return rows


def _side(scenario: Scenario, side: Side) -> Data:
    """The comparison at another demand: means of the headline measures, and the contrasts."""
    return {
        "times": side.times,
        "binds": side.binds,
        "replications": study.size(next(iter(side.found.values()))),
        "policies": {
            name: {measure: spread(columns[measure])._asdict() for measure in (*HEADLINES, *LOAD)}
            for name, columns in side.found.items()
        },
        "contrasts": [
            each._asdict() | {"ratio": each.ratio._asdict(), "tail": each.tail._asdict()}
            for each in side.contrasts
        ],
        "lead": _lead(scenario, side.contrasts),
    }


def _assumption(each: assumptions.Assumption) -> Data:
    number = each.number
    return {
        "key": each.key,
        "value": number.value,
        "low": number.low,
        "high": number.high,
        "basis": number.basis,
        "source": number.source,
        "note": number.note,
    }


def _mean(values: Any) -> float | None:
    return spread(values).mean


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
