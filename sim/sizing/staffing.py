"""How many officers meet a service level? One replication, tried with one number of them after another.

The *service level* is the share of applications decided within so many days, of those that stay (Kaplan-
Meier, as in `measuring.waits`). A replication *meets* a standard if every year that can be judged reaches the
level, or, where the standard is of the whole, all years together do. Its *critical number* is the number of
officers at which it starts to meet it.

The people are drawn once and served by any number of officers (common random numbers). Where nobody leaves
while waiting and no slot comes back, more officers decide nothing later (tests/sim/test_laws.py), and a
bisection is exact; elsewhere one more officer may by chance delay somebody. So the bisection only says where
to look: `sim.size` tries every number around it on all replications.
"""

import math
from typing import NamedTuple

from sim import assumptions, population, programme
from sim.clock import DAY_S
from sim.engine.prepared import Prepared, for_scenario
from sim.labelled import plain
from sim.measures import in_scope
from sim.measuring.waits import application_to_decision
from sim.outcome import Outcome
from sim.people import People, settle
from sim.scenario import Scenario
from sim.studying.replication import Question

ROUNDING = 1e-12  # nine of ten decided is 90 %, whatever the binary fraction


class Standard(NamedTuple):
    """What is to be met."""

    share: float
    """The part of the applications that must be decided in time."""
    days: float
    """Days from application to decision."""
    each_year: bool
    """Whether every year must meet it, or all years together."""


class Crowd(NamedTuple):
    """The people of one replication, served by any number of officers."""

    question: Question
    prepared: Prepared

    def served(self, officers: int) -> tuple[Scenario, People, Outcome]:
        """The scenario with so many officers, the people in scope, and what becomes of them."""
        scenario = staffed(self.question.scenario, officers)
        prepared = for_scenario(self.prepared, scenario)
        outcome = programme.simulate(prepared, self.question.policy, fast=self.question.fast)
        return scenario, *in_scope(prepared.people, outcome)

    def level(self, officers: int, standard: Standard) -> float:
        """The service level that is judged: of the worst year, or of all; nan where none can be judged."""
        scenario, people, outcome = self.served(officers)
        whole, worst = levels(scenario, people, outcome, self.question, standard)
        return worst if standard.each_year else whole


def crowd_of(question: Question, replication: int, *, drawn: bool = False) -> Crowd:
    """The people of a replication; `drawn`: its assumptions are drawn first."""
    scenario = question.scenario
    if drawn:
        scenario = assumptions.drawn(scenario, replication, question.seed)
    everyone = population.draw(scenario, replication, seed=question.seed, outside_only=True)
    prepared = programme.prepare(scenario, settle(scenario, everyone))
    return Crowd(question._replace(scenario=scenario), prepared)


def staffed(scenario: Scenario, officers: int) -> Scenario:
    """The scenario with another number of officers."""
    offices = scenario.offices.model_copy(update={"officers": plain(officers)})
    return scenario.model_copy(update={"offices": offices})


def levels(
    scenario: Scenario, people: People, outcome: Outcome, question: Question, standard: Standard
) -> tuple[float, float]:
    """The service level of all applications, and of the worst year; nan where it cannot be known.

    A year without applications, or so close to the horizon that the standard is not over, is not judged.
    """
    spec = scenario.spec(question.policy)
    windows = [(0, 2**62), *((each.opens_s, each.closes_s) for each in outcome.intakes)]
    found = [
        application_to_decision(scenario, people, outcome, spec, filed_in=window).incidence_at(
            standard.days * DAY_S
        )
        for window in windows
    ]
    judged = [level for level in found[1:] if not math.isnan(level)]
    return found[0], min(judged, default=math.nan)


def meets(level: float, standard: Standard) -> bool:
    """Whether a level that is known reaches the standard."""
    return level >= standard.share - ROUNDING


def critical(
    question: Question,
    standard: Standard,
    bounds: tuple[int, int],
    hint: int,
    replication: int,
    drawn: bool = False,
) -> float:
    """One replication's critical number of officers within bounds; infinite: even the most do not meet it.

    nan where nothing can be judged. `drawn`: the replication's assumptions are drawn first.
    """
    return least(crowd_of(question, replication, drawn=drawn), standard, bounds, hint)


def least(crowd: Crowd, standard: Standard, bounds: tuple[int, int], hint: int) -> float:
    """The critical number of a crowd: from `hint` in steps that double, then by bisection."""
    low, high = bounds
    fails, holds = low - 1, high + 1  # who holds meets it, who fails does not; both ends are not tried yet
    tried, step = min(max(hint, low), high), 1
    while holds - fails > 1:
        level = crowd.level(tried, standard)
        if math.isnan(level):
            return math.nan
        if meets(level, standard):
            holds, ahead = tried, tried - step
        else:
            fails, ahead = tried, tried + step
        is_bracketed = fails >= low and holds <= high
        step *= 2
        tried = (fails + holds) // 2 if is_bracketed or not fails < ahead < holds else ahead
    return float(holds) if holds <= high else math.inf
