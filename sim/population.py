"""Everyone of one replication: all chance is drawn here, before anything is simulated.

A *population* has one row a certificate holder and one column of uniforms a purpose, from one named random
stream a purpose and cohort; `sim.people` turns them into what each person would do and when. A column is a
pure function of its name, so it is drawn when it is read and not kept: a million people take no more memory
than what is settled about them. A *cohort* is the opening backlog, a year of supply, or a surge; growing one
keeps its first rows and leaves the other cohorts alone, so two scenarios that differ in size share their
people.

Three things are kept apart: *supply* (rounds of the provincial selection, and the certificates that follow
months later), *letters* (drawn by policy, not here), and the *throughput* of permanent residence, which only
stretches processing times.
"""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import clock, streams
from sim.clock import MONTH_S, Seconds, whole_seconds
from sim.labelled import Spread
from sim.scenario import Demand, Scenario
from sim.streams import Floats

Whole = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]

BACKLOG = 0  # cohort code of the opening backlog; a year of supply is coded by the year, surge k by SURGE + k
SURGE = 10_000
ROWS_A_COHORT = 10_000_000  # an applicant's id is cohort * this + index, so growing a cohort renames nobody

ABROAD, OTHER_PROVINCE, QUEBEC = 0, 1, 2
RESIDENCES = ("abroad", "other-province", "quebec")

PURPOSES = (
    "stream",
    "residence",
    "score",
    "answer",
    "applying",
    "answer-delay",
    "completeness",
    "refile",
    "refile-delay",
    "withdrawal",
    "unstaffed",
    "approval",
    "service",
    "pr-filing",
    "pr-filing-delay",
    "pr-approval",
    "pr-time",
    "landing",
    "employment",
    "bridging",
    "lottery",
    "family",
    "entries",
)
"""One column each, drawn for every row whether or not a policy looks at it."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who of a cohort is there: those whose certificate falls inside the scenario."""

    code: int
    """BACKLOG, a year, or SURGE + k."""
    count: int
    """How many the cohort has in all."""
    index: Whole
    """Places within the cohort of those who are there."""
    certified_s: Seconds
    """When the certificate was issued; before the start for the backlog."""


@dataclass(frozen=True, slots=True)
class Population:
    """Everyone whose certificate falls inside the scenario, in the order (cohort, place in it); n people."""

    seed: int
    replication: int
    cohorts: tuple[Cohort, ...]

    def __len__(self) -> int:
        return sum(len(cohort.index) for cohort in self.cohorts)

    def uniforms(self, purpose: str) -> Floats:
        """The column of a purpose (or attribute:NAME), drawn afresh but always the same; shape (n,)."""
        column = np.empty(len(self))
        begin = 0
        for cohort in self.cohorts:
            end = begin + len(cohort.index)
            if end == begin:
                continue  # a random stream that nobody asks for costs as much as one for a thousand people
            drawn = streams.uniforms(self.seed, self.replication, f"{purpose}/{cohort.code}", cohort.count)
            np.take(drawn, cohort.index, out=column[begin:end], mode="clip")  # clip: take without a copy
            begin = end
        return column

    @property
    def applicant(self) -> Whole:
        """Ids that do not change when cohorts grow, shape (n,)."""
        return np.concatenate([each.code * ROWS_A_COHORT + each.index for each in self.cohorts])

    @property
    def cohort(self) -> Whole:
        """Codes of the cohorts, shape (n,)."""
        return np.concatenate([np.full(len(each.index), each.code, np.int32) for each in self.cohorts])

    @property
    def certified_s(self) -> Seconds:
        """When each certificate was issued, shape (n,)."""
        return np.concatenate([each.certified_s for each in self.cohorts])


def draw(
    scenario: Scenario, replication: int, *, seed: int | None = None, outside_only: bool = False
) -> Population:
    """The population of one replication; the same for every policy, and for any machine.

    `outside_only` leaves out residents of Quebec, who can never claim; everybody else is the same person.
    """
    seed = scenario.seed if seed is None else seed
    calls = (_roll_call(scenario, seed, replication, code, outside_only) for code in cohorts(scenario))
    return Population(seed, replication, tuple(calls))


def cohorts(scenario: Scenario) -> list[int]:
    """Codes of the cohorts that can reach into the scenario: backlog, years of supply, surges."""
    latest = scenario.demand.certificate_delay_months.high * MONTH_S
    first = clock.local(int(scenario.starts_s - latest), scenario.time_zone).year
    surges = [SURGE + k for k in range(len(scenario.demand.surges))]
    return [BACKLOG, *range(first, scenario.ends.year + 1), *surges]


def _roll_call(scenario: Scenario, seed: int, replication: int, code: int, outside_only: bool) -> Cohort:
    def uniforms(purpose: str, count: int) -> Floats:
        return streams.uniforms(seed, replication, f"{purpose}/{code}", count)

    demand, starts = scenario.demand, scenario.starts_s
    quebec = share_in_quebec(scenario, is_backlog=code == BACKLOG)
    scale = demand.multiple.value / (1.0 - quebec)  # people outside are counted, people in Quebec come on top
    if code == BACKLOG:
        count = round(demand.backlog.value * scale)
        oldest = demand.backlog_age_months.value * MONTH_S
        certified = starts - 1 - whole_seconds(uniforms("arrival", count) * oldest)
    elif code >= SURGE:
        surge = demand.surges[code - SURGE]
        count = round(surge.people.value * scale)
        begins = clock.at(surge.starts, scenario.time_zone)
        certified = begins + whole_seconds(uniforms("arrival", count) * (surge.hours.value * 3600.0))
    else:
        rounds, weights, factor = supply_rounds(demand, code, scenario.time_zone)
        variation = uniforms("year-factor", 1)
        year_factor = max(0.0, 1.0 + demand.year_factor_sd.value * float(streams.normal(variation)[0]))
        mean = demand.per_year.value * scale * factor * year_factor
        poisson = demand.arrivals == "poisson"
        count = streams.poisson(float(uniforms("number", 1)[0]), mean=mean) if poisson else round(mean)
        count = count if len(rounds) else 0
        which = np.searchsorted(weights, uniforms("arrival", count), side="right")
        months = of_spread(uniforms("certificate-delay", count), demand.certificate_delay_months)
        invited = rounds[np.minimum(which, len(rounds) - 1)] if count else np.empty(0, dtype=np.int64)
        certified = invited + whole_seconds(months * MONTH_S)
    inside = certified < scenario.ends_s
    if code != BACKLOG:
        inside &= certified >= starts  # earlier ones are in the opening backlog already
    if outside_only:
        where = residence_of(scenario, uniforms("residence", count), is_backlog=code == BACKLOG)
        inside &= where != QUEBEC
    index = np.flatnonzero(inside)
    return Cohort(code, count, index, certified[index])


def supply_rounds(demand: Demand, year: int, zone: str) -> tuple[Seconds, Floats, float]:
    """The selection rounds of a year: times, cumulated weights (ending at 1), and the events' factor.

    Rounds come every `round_days` from 1 January, weighted by month; an event multiplies the weights of the
    rounds it covers, and the year's total by their share: a halt loses people, it does not delay them.
    """
    days = [
        day
        for k in range(0, 366, demand.round_days)
        if (day := datetime.date(year, 1, 1) + datetime.timedelta(days=k)).year == year
    ]
    seasonal = np.array([demand.seasonal[day.month - 1] for day in days])
    factors = np.ones(len(days))
    for event in demand.events:
        covered = np.array([event.starts <= day <= event.ends for day in days])
        factors = np.where(covered, factors * event.factor.value, factors)
    weights = seasonal * factors
    if weights.sum() == 0:
        return np.empty(0, dtype=np.int64), np.empty(0), 0.0
    times = np.array([clock.at(day, zone) for day in days], dtype=np.int64)
    return times, np.cumsum(weights) / weights.sum(), float(weights.sum() / seasonal.sum())


def share_in_quebec(scenario: Scenario, *, is_backlog: bool) -> float:
    """Which part of the opening backlog, or of everyone else, lives in Quebec."""
    own = scenario.demand.backlog_quebec if is_backlog else None
    return float((own or scenario.residence.quebec).value)


def residence_of(scenario: Scenario, u: Floats, *, is_backlog: bool) -> Whole:
    """ABROAD, OTHER_PROVINCE or QUEBEC for each uniform, of the opening backlog or of everyone else.

    Where the backlog has a share of its own in Quebec, the other two keep their proportion in what is left.
    """
    where = scenario.residence
    abroad, other, quebec = where.abroad.value, where.other_province.value, where.quebec.value
    if is_backlog and scenario.demand.backlog_quebec is not None:
        quebec = share_in_quebec(scenario, is_backlog=True)
        left = (1.0 - quebec) / (abroad + other)
        abroad, other = abroad * left, other * left
    return streams.categories(u, (abroad, other, quebec))


def of_spread(u: Floats, spread: Spread) -> Floats:
    """Quantiles of how a quantity varies between people, in its unit."""
    return streams.triangular(u, low=spread.low, mode=spread.mode, high=spread.high)
