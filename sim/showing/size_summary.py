"""What a search for the number of officers says, as data: the content of its summary.json.

No time, path or machine is in it, and every figure is a plain number or null. A *spread* is that of one
measure over replications, as in the summary of a run.
"""

import math
from typing import Any

import numpy as np

from sim import clock
from sim.policy import only_simulated
from sim.size import Size
from sim.sizing.offices import month_ends
from sim.sizing.portal import STRETCHES, in_office_hours, traffic, window
from sim.studying.intervals import FOR_PERCENTILES, Floats, chance, spread

Data = dict[str, Any]

REAL_PACE = 0.5
"""Requests a second in the busiest minute from which on a replay at the real pace is worth its time."""


def summary(found: Size, *, source: str, settings: Data | None = None) -> Data:
    """Everything that was found; `source`: the scenario as the command line named it."""
    scenario, policy = found.scenario, found.scenario.policy(found.policy)
    standard = found.wanted.standard
    return {
        "format": 1,
        "kind": "size",
        "scenario": {"name": scenario.name, "title": scenario.title, "time_zone": scenario.time_zone},
        "settings": settings or {},
        "policy": {"name": found.policy, "summary": policy.summary, "capped": policy.capped},
        "seed": found.seed,
        "replications": found.replications,
        "replications_with_assumptions": len(found.critical_assumed),
        "replications_for_percentiles": FOR_PERCENTILES,
        "stopped": found.stopped,
        "complete": found.complete,
        "standard": standard._asdict(),
        "confidence": found.wanted.confidence,
        "bounds": list(found.wanted.bounds),
        "years": len(scenario.intake),
        "answer": found.answer,
        "own": int(scenario.offices.officers.value),
        "shown": found.shown,
        "unstaffed_weeks": [scenario.offices.unstaffed_weeks.low, scenario.offices.unstaffed_weeks.high],
        "needed": _needed(found.critical, found.wanted.confidence),
        "needed_with_assumptions": _needed(found.critical_assumed, found.wanted.confidence),
        "officers": [
            {
                "officers": officers,
                "met": found.chance_of(officers)._asdict(),
                "measures": {name: spread(column)._asdict() for name, column in columns.items()},
            }
            for officers, columns in found.table.items()
        ],
        "portal": _portal(found) if found.courses else None,
        "load": _load(found, source, settings or {}) if found.courses else None,
        "over_time": _over_time(found) if found.courses else None,
    }


def _needed(critical: Floats, confidence: float) -> Data | None:
    """How many officers the replications need; null: more than may be had."""
    known = np.sort(critical[~np.isnan(critical)])
    n = len(known)
    if n == 0:
        return None
    at = {"least": 1, "half": math.ceil(n / 2), "confident": math.ceil(confidence * n), "most": n}
    found = {name: float(known[place - 1]) for name, place in at.items()}
    return {
        "replications": n,
        "too_many": int(np.isinf(known).sum()),
        **{name: int(value) if math.isfinite(value) else None for name, value in found.items()},
    }


def _portal(found: Size) -> Data:
    """The busiest moments, and what they are in requests a second."""
    scenario, courses = found.scenario, found.courses
    days = [clock.local(each.peaks.day_s, scenario.time_zone).date().isoformat() for each in courses]
    often = max(dict.fromkeys(days), key=days.count)
    of_load = traffic(scenario.load)
    a_day = np.array([float(each.peaks.day) for each in courses])
    stretches = {}
    for k, (name, length) in enumerate(STRETCHES.items()):
        most = np.array([float(each.peaks.most[k]) for each in courses])
        stretches[name] = {
            "applications": spread(most)._asdict(),
            "per_s": spread(most / length)._asdict(),
            "requests_per_s": spread(most / length * of_load.sends + of_load.reads_per_s)._asdict(),
            "requests_per_s_at_worst": spread(
                most / length * of_load.sends_at_worst + of_load.reads_per_s
            )._asdict(),
        }
    return {
        "day": {
            "applications": spread(a_day)._asdict(),
            "date": often,
            "often": chance(days.count(often), len(days))._asdict(),
            "earliest": min(days),
            "latest": max(days),
        },
        "stretches": stretches,
        "office_hours": scenario.offices.hours_per_day,
        "in_office_hours_per_s": spread(in_office_hours(scenario, a_day))._asdict(),
        "sends": of_load.sends,
        "sends_at_worst": of_load.sends_at_worst,
        "reads_per_s": of_load.reads_per_s,
    }


def _load(found: Size, source: str, settings: Data) -> Data:
    """The line that replays the busiest moments of the first replication against a service."""
    policy = found.scenario.policy(found.policy)
    barred = only_simulated(policy)
    if barred:
        return {"command": None, "why": f"no service is told of {', '.join(barred)}"}
    if settings:
        return {"command": None, "why": "values were set on the command line: write them into a file first"}
    peaks = found.courses[0].peaks
    minute, hour = (list(STRETCHES).index(each) for each in ("minute", "hour"))
    is_rush = peaks.most[minute] / STRETCHES["minute"] >= REAL_PACE
    stretch, compress = (minute, 1) if is_rush else (hour, 60)
    length = list(STRETCHES.values())[stretch]
    part = window(found.scenario, peaks.begins_s[stretch], length)
    command = (
        f"quotalab load {source} --policy {found.policy} --seed {found.seed} --window {part} "
        f"--compress {compress}"
    )
    return {"command": command, "why": "", "compress": compress, "applications": peaks.most[stretch]}


def _over_time(found: Size) -> Data:
    """Files at the ends of months."""
    scenario = found.scenario
    ends = [clock.local(int(end), scenario.time_zone).date().isoformat() for end in month_ends(scenario)]
    backlog, queue = (
        np.array([getattr(each, name) for each in found.courses]).T for name in ("backlog", "queue")
    )
    return {
        "ends": ends,
        "backlog": [spread(column)._asdict() for column in backlog],
        "queue": [spread(column)._asdict() for column in queue],
    }


def tables(found: Size) -> dict[str, dict[str, Any]]:
    """The Parquet files: officers needed, every number tried, the portal's peaks, files over time."""
    made = {"needed": _table_needed(found), "officers": _table_officers(found)}
    if found.courses:
        made |= {"peaks": _table_peaks(found), "over_time": _table_over_time(found)}
    return {name: columns for name, columns in made.items() if columns}


def _table_needed(found: Size) -> dict[str, Any]:
    parts = (("chance", found.critical), ("assumptions", found.critical_assumed))
    return {
        "replication": np.concatenate([np.arange(len(each)) for _, each in parts]),
        "variant": np.concatenate([np.full(len(each), name, dtype=object) for name, each in parts]),
        "officers": np.concatenate([each for _, each in parts]),
    }


def _table_officers(found: Size) -> dict[str, Any]:
    if not found.table:
        return {}
    cells = [
        (replication, officers, measure, float(value))
        for officers, columns in found.table.items()
        for measure, column in columns.items()
        for replication, value in enumerate(column)
    ]
    replication, officers, measure, value = zip(*cells, strict=True)
    return {
        "replication": np.array(replication),
        "officers": np.array(officers),
        "measure": np.array(measure, dtype=object),
        "value": np.array(value),
    }


def _table_peaks(found: Size) -> dict[str, Any]:
    peaks = [each.peaks for each in found.courses]
    columns: dict[str, Any] = {
        "replication": np.arange(len(peaks)),
        "day_at": np.array([each.day_s for each in peaks]),
        "day_applications": np.array([each.day for each in peaks]),
    }
    for k, name in enumerate(STRETCHES):
        columns[f"{name}_at"] = np.array([each.begins_s[k] for each in peaks])
        columns[f"{name}_applications"] = np.array([each.most[k] for each in peaks])
    return columns


def _table_over_time(found: Size) -> dict[str, Any]:
    ends, n = month_ends(found.scenario), len(found.courses)
    return {
        "replication": np.repeat(np.arange(n), len(ends)),
        "at": np.tile(ends, n),
        "backlog": np.concatenate([each.backlog for each in found.courses]),
        "queue": np.concatenate([each.queue for each in found.courses]),
    }
