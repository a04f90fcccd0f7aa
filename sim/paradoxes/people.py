"""The people of a world in which everything is known: the same columns as if they had been drawn, undrawn."""

from typing import Any

import numpy as np

from sim import clock
from sim.clock import NEVER
from sim.paradoxes.worlds import EVERYBODY
from sim.people import People
from sim.people_known import columns_of, standing_of
from sim.population import ABROAD, ROWS_A_COHORT, SURGE
from sim.scenario import Scenario
from sim.surges import Known, Surge

FLAGS = ("applies", "declines", "complete", "refiles", "approved")
STANDING = ("standing_until_s", "pr_filed_s", "pr_decided_s", "pr_arrival_s")


def known_people(scenario: Scenario) -> People:
    """The people of a world, exactly as `population.draw` and `people.settle` give them, but undrawn.

    Of what is not known of them, everybody is as EVERYBODY; a draw would give each a number of their own.
    """
    crowd = [(k, surge) for k, surge in enumerate(scenario.demand.surges) if surge.people.value > 0]
    rows, count = np.arange(len(crowd)), len(crowd)
    names = list(scenario.streams)
    known = [filled(surge.known) for _, surge in crowd]
    stream = np.array([names.index(each.stream or names[0]) for each in known], dtype=np.int8)
    eligible = np.array([each.eligible for each in scenario.streams.values()])
    starts = np.array([_moment(scenario, surge) for _, surge in crowd], dtype=np.int64)
    inside = (starts >= scenario.starts_s) & (starts < scenario.ends_s)
    columns: dict[str, Any] = {
        "applicant": np.array([(SURGE + k) * ROWS_A_COHORT for k, _ in crowd], dtype=np.int64),
        "cohort": np.array([SURGE + k for k, _ in crowd], dtype=np.int32),
        "stream": stream,
        "residence": np.full(count, ABROAD, dtype=np.int8),
        "certified_s": starts,
        "employed": np.ones(count, dtype=bool),
        "bridging_s": np.full(count, NEVER),
        "family_size": np.ones(count, dtype=np.int16),
        "entries": np.ones(count, dtype=np.int32),
        "in_scope": eligible[stream] if count else np.zeros(0, dtype=bool),
        "attributes": {},
    }
    told = [columns_of(each) for each in known]
    kinds: dict[str, Any] = {"lottery": np.uint64, **dict.fromkeys(FLAGS, bool)}
    for name in columns_of(EVERYBODY):
        columns[name] = np.array([each[name] for each in told], dtype=kinds.get(name, np.int64))
    standing: dict[str, Any] = {name: np.zeros(count, dtype=np.int64) for name in STANDING}
    standing |= {name: np.zeros(count, dtype=bool) for name in ("files_pr", "pr_approved")}
    for row in rows:
        for name, value in standing_of(scenario, columns, rows[row : row + 1], known[row]).items():
            standing[name][row : row + 1] = value
    columns |= standing
    return People(**{name: each if name == "attributes" else each[inside] for name, each in columns.items()})


def filled(known: Known) -> Known:
    said = {name: value for name in Known.model_fields if (value := getattr(known, name)) is not None}
    return EVERYBODY.model_copy(update=said)


def _moment(scenario: Scenario, surge: Surge) -> int:
    return clock.at(surge.starts, scenario.time_zone)
