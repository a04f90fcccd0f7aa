"""What the offices have to do: officers' time, the queue before them, files in processing, peaks of filing.

A file is *in processing* from the moment it is accepted until its decision, or until the applicant leaves;
it is in the *queue* from the end of the unstaffed checks until an officer takes it. Files that become ready
at night wait for the doors to open: they are in the queue, but do not wait for an officer.
"""

import datetime
import functools
import math
from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import DAY_S, MONTH_S, NEVER, WEEK_S, YEAR_S, Seconds, WorkingHours
from sim.engine.prepared import office_hours
from sim.ledger import Spec
from sim.measuring.survival import Floats
from sim.measuring.waits import taken_on
from sim.outcome import Outcome, Whole
from sim.people import People
from sim.scenario import Scenario


def workload_measures(scenario: Scenario, people: People, outcome: Outcome, spec: Spec) -> dict[str, float]:
    """The measures of the offices, by name."""
    hours = office_hours(scenario)
    rows = np.flatnonzero(outcome.started_s < NEVER)
    begun = hours.working(outcome.started_s[rows])
    return {
        **_officers(scenario, outcome, begun, people.service_s[rows], hours),
        **_queue(outcome, rows, begun, hours),
        **_backlog(scenario, *in_processing(people, outcome, spec)),
        **_peaks(scenario, outcome),
    }


def in_processing(people: People, outcome: Outcome, spec: Spec) -> tuple[Seconds, Seconds]:
    """When each file entered processing and left it, of those that entered; NEVER: still there."""
    by_filing = spec.counts == "approved"  # there is no slot yet when processing begins
    entered = (
        np.where(taken_on(people, outcome, spec), outcome.filed_s, NEVER) if by_filing else outcome.slot_s
    )
    rows = np.flatnonzero(entered < NEVER)
    return entered[rows], np.minimum(outcome.decided_s, outcome.left_s)[rows]


def _officers(
    scenario: Scenario, outcome: Outcome, begun: Seconds, service: Seconds, hours: WorkingHours
) -> dict[str, float]:
    """The officers' time, of services that began at these seconds of working time.

    An average over years hides what a round of letters brings, hence the busiest month, and the busiest week
    of incoming work.
    """
    months = busy_by_month(scenario, begun, service, hours)
    years = np.array([clock.local(bound, scenario.time_zone).year for bound in months.begins_s.tolist()])
    names = range(scenario.starts.year, scenario.ends.year + 1)
    busy, offered = (
        np.bincount(years - names[0], each, len(names)) for each in (months.busy, months.offered)
    )
    return {
        "utilisation": _share(busy.sum(), offered.sum()),
        **{f"utilisation/{y}": _share(b, o) for y, b, o in zip(names, busy, offered, strict=True)},
        "peak_month_utilisation": max(
            (_share(b, o) for b, o in zip(months.busy, months.offered, strict=True) if o), default=math.nan
        ),
        "peak_week_load": _peak_week(scenario, outcome, service, hours),
        "overtime_hours": float(_past_closing(begun, service, hours).sum()) / 3600.0,
    }


class Months(NamedTuple):
    """Officers' time by calendar month, in working seconds."""

    begins_s: Seconds
    """When each month begins, the first with the scenario."""
    busy: Floats
    """Worked on files."""
    offered: Floats
    """Scheduled, of all officers."""


def busy_by_month(scenario: Scenario, begun: Seconds, service: Seconds, hours: WorkingHours) -> Months:
    """How busy the officers are in each month; only the part of a service that lies inside it counts."""
    inner = clock.month_starts(scenario.starts_s, scenario.ends_s, scenario.time_zone)
    walls = np.array([scenario.starts_s, *inner, scenario.ends_s], dtype=np.int64)
    bounds = hours.working(walls)
    # Work done by w is the sum of (w - begin)+ less (w - end)+, a count and a sum over those before w each.
    done = _elapsed(begun, bounds) - _elapsed(begun + service, bounds)
    offered = np.diff(bounds) * int(scenario.offices.officers.value)
    return Months(walls[:-1], np.diff(done).astype(np.float64), offered.astype(np.float64))


def _elapsed(since: Seconds, bounds: Seconds) -> Seconds:
    """The sum of (bound - since)+ at each bound."""
    place = np.searchsorted(bounds, since, side="left")
    count = np.cumsum(np.bincount(place, minlength=len(bounds) + 1))[: len(bounds)]
    total = np.cumsum(np.bincount(place, since, len(bounds) + 1))[: len(bounds)]
    return count * bounds - np.rint(total).astype(np.int64)


def _peak_week(scenario: Scenario, outcome: Outcome, service: Seconds, hours: WorkingHours) -> float:
    """Officers' work that becomes ready in the busiest week, over what is scheduled in it."""
    begins = np.arange(scenario.starts_s, scenario.ends_s + WEEK_S, WEEK_S)
    offered = np.diff(hours.working(begins)) * int(scenario.offices.officers.value)
    rows = np.flatnonzero(outcome.started_s < NEVER)
    week = (outcome.ready_s[rows] - scenario.starts_s) // WEEK_S
    came = np.bincount(week, service, len(offered))
    return max(
        (_share(work, time) for work, time in zip(came, offered, strict=True) if time), default=math.nan
    )


def _past_closing(begun: Seconds, service: Seconds, hours: WorkingHours) -> Seconds:
    """Of each service, what is left to do when the day on which it began ends."""
    day = np.minimum(np.searchsorted(hours.worked_s, begun, side="right"), len(hours.worked_s) - 1)
    return np.maximum(begun + service - hours.worked_s[day], 0)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _queue(outcome: Outcome, rows: Whole, begun: Seconds, hours: WorkingHours) -> dict[str, float]:
    """The officers' queue; `rows` are the started files, `begun` their starts in working time."""
    ready = np.flatnonzero(outcome.ready_s < NEVER)
    left_s = np.minimum(outcome.started_s, outcome.left_s)[ready]
    waits_s = (outcome.started_s - outcome.ready_s)[rows]
    waited = begun > hours.working(outcome.ready_s[rows])
    return {
        "waited_share": float(waited.mean()) if len(rows) else math.nan,
        "mean_queue_days": float(waits_s.mean()) / DAY_S if len(rows) else math.nan,
        "longest_queue": most_at_once(outcome.ready_s[ready], left_s),
    }


def most_at_once(entered_s: Seconds, left_s: Seconds) -> float:
    """The most that were inside at any moment; who enters and leaves within a second never was."""
    entered, gone = np.sort(entered_s), np.sort(np.maximum(entered_s, left_s))
    inside = np.arange(1, len(entered) + 1) - np.searchsorted(gone, entered, side="right")
    return float(inside.max(initial=0))


def _backlog(scenario: Scenario, entered_s: Seconds, left_s: Seconds) -> dict[str, float]:
    """Files in processing over time; clearance by what left in the last year, or the scenario if shorter."""
    starts_s, ends_s = scenario.starts_s, scenario.ends_s
    inside = left_s >= ends_s
    seen_s = np.minimum(left_s, ends_s) - entered_s
    span = min(YEAR_S, ends_s - starts_s)
    left_lately = int(np.count_nonzero((left_s >= ends_s - span) & ~inside))
    remaining = int(np.count_nonzero(inside))
    return {
        "backlog_mean": float(seen_s.sum()) / (ends_s - starts_s),
        "backlog_max": most_at_once(entered_s, left_s),
        "backlog_end": float(remaining),
        "oldest_age_days": float((ends_s - entered_s[inside]).max(initial=0)) / DAY_S,
        "clearance_months": clearance(remaining, left_lately * YEAR_S / span) * YEAR_S / MONTH_S,
    }


def clearance(backlog: float, throughput_per_year: float) -> float:
    """Years until a backlog is worked off if nothing is added; nan if nothing moves."""
    if backlog == 0:
        return 0.0
    return backlog / throughput_per_year if throughput_per_year > 0 else math.nan


def _peaks(scenario: Scenario, outcome: Outcome) -> dict[str, float]:
    """The busiest day and hour at the portal, by every filing."""
    filed = outcome.filings_s
    a_day = np.diff(np.searchsorted(filed, _midnights(scenario.starts, scenario.ends, scenario.time_zone)))
    an_hour = np.searchsorted(filed, filed + 3600, side="left") - np.arange(len(filed))
    return {
        "peak_day_applications": float(a_day.max(initial=0)),
        "peak_hour_applications": float(an_hour.max(initial=0)),
    }


@functools.lru_cache(maxsize=8)
def _midnights(starts: datetime.date, ends: datetime.date, zone: str) -> Seconds:
    days = range((ends - starts).days + 2)
    return np.array([clock.at(starts + datetime.timedelta(days=k), zone) for k in days], dtype=np.int64)
