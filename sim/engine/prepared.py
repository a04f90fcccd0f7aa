"""The people of one replication made ready for any number of policies: selected, sorted, once.

Only people in scope take part; everyone else's course is known without a simulation. Rows are put in lottery
order, because then a stable sort by time is the declared order of simultaneous events.
"""

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import clock
from sim.clock import Seconds, WorkingHours
from sim.engine import kernels
from sim.engine.caps import groups
from sim.engine.course import Rows
from sim.engine.kernels import Flags, Whole
from sim.people import People
from sim.policy import Policy
from sim.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Prepared:
    """The people of one replication made ready for any number of policies; sorted once."""

    scenario: Scenario
    people: People
    scope: Whole
    """Rows of the people in scope, in lottery order; everything below is in this order."""
    rows: Rows
    lottery: NDArray[np.uint64]
    certified: Seconds
    score: Whole
    declines: Flags
    applies: Flags
    answer_delay: Seconds
    by_certificate: Whole
    """Positions in the order of certificates, oldest first."""
    hours: WorkingHours


def prepare(scenario: Scenario, people: People) -> Prepared:
    """Select the people in scope and sort them: by lottery number for ties, and by certificate."""
    scope = np.flatnonzero(people.in_scope)
    scope = scope[np.argsort(people.lottery[scope], kind="stable")]
    assert len(scope) < kernels.ROWS_AT_MOST, f"{len(scope)} people in scope: more than an event key can hold"

    def wide(column: Any) -> Whole:
        """The rows in scope of a column kept in narrow integers, as sums with times need them."""
        return np.asarray(column[scope], dtype=np.int64)

    rows = Rows(
        stream=wide(people.stream),
        standing_until=people.standing_until_s[scope],
        pr_decided=people.pr_decided_s[scope],
        pr_approved=people.pr_approved[scope],
        complete=people.complete[scope],
        refiles=people.refiles[scope],
        refile_delay=wide(people.refile_delay_s),
        withdraws_after=people.withdraws_after_s[scope],
        unstaffed=wide(people.unstaffed_s),
        service=wide(people.service_s),
        approved=people.approved[scope],
        landing=wide(people.landing_s),
    )
    certified = people.certified_s[scope]
    return Prepared(
        scenario,
        people,
        scope,
        rows,
        people.lottery[scope],
        certified,
        wide(people.score),
        people.declines[scope],
        people.applies[scope],
        wide(people.answer_delay_s),
        np.argsort(certified, kind="stable"),
        office_hours(scenario),
    )


def for_scenario(prepared: Prepared, scenario: Scenario) -> Prepared:
    """The same people ready for another scenario, one that differs in nothing which people depend on."""
    return dataclasses.replace(prepared, scenario=scenario, hours=office_hours(scenario))


def in_groups(prepared: Prepared, policy: Policy) -> Rows:
    """The rows as the caps of a policy see them: each with its group in place of its stream."""
    rows, attributes = prepared.rows, prepared.people.attributes
    if policy.value_limit is None:
        return rows
    columns = {name: column[prepared.scope] for name, column in attributes.items()}
    return rows._replace(stream=groups(prepared.scenario, policy, rows.stream, columns))


def office_hours(scenario: Scenario) -> WorkingHours:
    """The processing office's working days, some way past the horizon so that every start is known."""
    offices = scenario.offices
    return _office_hours(
        scenario.starts,
        scenario.ends,
        scenario.time_zone,
        offices.opens_at,
        offices.hours_per_day,
        offices.weekdays,
        offices.holidays,
    )


@functools.lru_cache(maxsize=16)
def _office_hours(
    starts: Any, ends: Any, zone: str, opens_at: Any, hours: float, weekdays: Any, holidays: Any
) -> WorkingHours:
    return clock.working_hours(
        starts,
        ends + clock.MARGIN,
        zone,
        opens_at=opens_at,
        hours=hours,
        weekdays=frozenset(weekdays),
        holidays=frozenset(holidays),
    )
