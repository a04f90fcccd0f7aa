"""The busiest moments at the portal: what a load test takes over.

Every filing is one request. People file evenly round the clock here, so a peak is a *floor*: a real portal is
quiet at night and busy at noon. Two things are said beside it: the rate if the busiest day's applications all
came in the offices' hours, and the rate with what [load] assumes of the traffic (twins, second and ineligible
applications, readings of the counter), and at worst with every request repeated as often as people would.
"""

from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import DAY_S, Seconds
from sim.load import Load
from sim.outcome import Outcome
from sim.scenario import Scenario
from sim.studying.intervals import Floats

STRETCHES = {"second": 1, "minute": 60, "hour": 3600}


class Peaks(NamedTuple):
    """The busiest moments of one replication; wherever the stretch begins, except the local day."""

    day_s: int
    """The midnight at which the busiest local day begins."""
    day: int
    """Applications on it."""
    begins_s: tuple[int, int, int]
    """When the busiest second, minute and hour begin."""
    most: tuple[int, int, int]
    """Applications in each."""


def peaks(scenario: Scenario, outcome: Outcome) -> Peaks:
    """The busiest moments, the first of several alike."""
    filed = outcome.filings_s
    midnights = np.array(
        [*clock.every(1, scenario.starts, scenario.ends_s, scenario.time_zone), scenario.ends_s],
        dtype=np.int64,
    )
    a_day = np.diff(np.searchsorted(filed, midnights))
    busiest = int(a_day.argmax())
    second, minute, hour = (_busiest(filed, length) for length in STRETCHES.values())
    begins = (second[0], minute[0], hour[0]) if len(filed) else (scenario.starts_s,) * 3
    return Peaks(int(midnights[busiest]), int(a_day[busiest]), begins, (second[1], minute[1], hour[1]))


def _busiest(filed: Seconds, length: int) -> tuple[int, int]:
    """When the busiest stretch of so many seconds begins, and how many are in it."""
    if not len(filed):
        return 0, 0
    inside = np.searchsorted(filed, filed + length, side="left") - np.arange(len(filed))
    first = int(inside.argmax())
    return int(filed[first]), int(inside[first])


class Traffic(NamedTuple):
    """What one application means in requests, by the assumptions of [load]."""

    sends: float
    """First sends and twins for one application, second and ineligible ones included, on average."""
    sends_at_worst: float
    """The same if each had to be repeated as often as people would."""
    reads_per_s: float
    """Readings of the counter a second, on top."""


def traffic(load: Load) -> Traffic:
    """The traffic of a scenario's [load]."""
    of_all = 1.0 - load.ineligible_share.value
    people = (1.0 + load.repeat_share.value) / of_all if of_all > 0 else float("inf")
    sends = people * (1.0 + load.hedge_share.value)
    tries = 1.0 + (load.retries.low + load.retries.mode + load.retries.high) / 3.0
    if load.waiting_room is not None:
        sends += people  # a ticket each, before the form
    return Traffic(sends, sends * tries, load.reads_per_s.value)


def in_office_hours(scenario: Scenario, a_day: Floats) -> Floats:
    """Applications a second if those of a day all came, evenly, in the offices' hours."""
    return a_day / (scenario.offices.hours_per_day * 3600.0)


def local(scenario: Scenario, second: int) -> str:
    """A second as local date and time, as --window has it."""
    return clock.local(second, scenario.time_zone).replace(tzinfo=None).isoformat()


def window(scenario: Scenario, begins_s: int, length_s: int) -> str:
    """A stretch of the scenario as --window has it, kept inside the scenario."""
    ends = min(begins_s + length_s, scenario.ends_s)
    begins = max(scenario.starts_s, ends - length_s)
    assert begins < ends <= begins + DAY_S, (begins, ends)
    return f"{local(scenario, begins)}/{local(scenario, ends)}"
