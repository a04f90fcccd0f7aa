"""What a number of officers comes to: one row a replication and number, and the course over time."""

import math
from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import WEEK_S, Seconds
from sim.measuring.waits import wait_measures
from sim.measuring.workload import in_processing, workload_measures
from sim.outcome import Outcome, stock
from sim.people import People
from sim.scenario import Scenario
from sim.sizing.portal import Peaks, peaks
from sim.sizing.staffing import Standard, crowd_of, levels, meets
from sim.studying.intervals import Floats
from sim.studying.replication import Question

FROM_WAITS = ("median_wait_days", "p90_wait_days")
FROM_WORKLOAD = ("utilisation", "peak_month_utilisation", "waited_share", "backlog_max", "longest_queue")


class Staffed(NamedTuple):
    """One replication with one number of officers."""

    officers: int
    values: dict[str, float]
    """Measure -> value; nan where it has none."""


class Course(NamedTuple):
    """One replication over time: the portal's peaks, and files at the ends of months."""

    peaks: Peaks
    backlog: Floats
    """Files in processing at each of `month_ends`."""
    queue: Floats
    """Of them, those that wait for an officer."""


def rows(
    question: Question, standard: Standard, officers: tuple[int, ...], replication: int
) -> list[Staffed]:
    """The same people served by each number of officers."""
    crowd = crowd_of(question, replication)
    return [
        Staffed(each, _values(*crowd.served(each), question=question, standard=standard)) for each in officers
    ]


def _values(
    scenario: Scenario, people: People, outcome: Outcome, *, question: Question, standard: Standard
) -> dict[str, float]:
    spec = scenario.spec(question.policy)
    whole, worst = levels(scenario, people, outcome, question, standard)
    judged = worst if standard.each_year else whole
    waits = wait_measures(scenario, people, outcome, spec)
    workload = workload_measures(scenario, people, outcome, spec)
    return {
        "met": math.nan if math.isnan(judged) else float(meets(judged, standard)),
        "level": whole,
        "level_worst_year": worst,
        **{name: waits[name] for name in FROM_WAITS},
        **{name: workload[name] for name in FROM_WORKLOAD},
        "overtime_hours_a_week": workload["overtime_hours"] * WEEK_S / (scenario.ends_s - scenario.starts_s),
    }


def course(question: Question, officers: int, replication: int) -> Course:
    """One replication over time with a number of officers."""
    scenario, people, outcome = crowd_of(question, replication).served(officers)
    ends = month_ends(scenario)
    entered, left = in_processing(people, outcome, scenario.spec(question.policy))
    waiting_until = np.minimum(np.minimum(outcome.started_s, outcome.left_s), outcome.decided_s)
    return Course(
        peaks(scenario, outcome),
        stock(entered, left, ends).astype(np.float64),
        stock(outcome.ready_s, waiting_until, ends).astype(np.float64),
    )


def month_ends(scenario: Scenario) -> Seconds:
    """The seconds at which the months of a scenario end, the last one at the horizon."""
    inner = clock.month_starts(scenario.starts_s, scenario.ends_s, scenario.time_zone)
    return np.array([*inner, scenario.ends_s], dtype=np.int64) - 1
