"""One replication, from its people to its measures: a pure function of the scenario, policy, seed and number.

So nothing needs to be kept: whoever wants the rows of replication 417 simulates it again, on any machine.
"""

from typing import Any, NamedTuple

import numpy as np

from sim import assumptions, clock, measures, population, programme
from sim.clock import Seconds
from sim.measuring import intakes
from sim.outcome import POOL, IntakeAccount, Outcome
from sim.people import People, settle
from sim.policy import Policy
from sim.scenario import Scenario
from sim.studying.intervals import Floats


class Question(NamedTuple):
    """What is simulated: with the number of a replication, everything that its outcome depends on."""

    scenario: Scenario
    policy: Policy
    seed: int
    fast: bool = False
    """Use compiled kernels; the outcome is the same."""


def replicate(question: Question, replication: int, *, outside_only: bool = False) -> tuple[People, Outcome]:
    """Everyone of one replication, and what became of them; `outside_only` leaves out residents of Quebec."""
    scenario, policy, seed, fast = question
    drawn = population.draw(scenario, replication, seed=seed, outside_only=outside_only)
    people = settle(scenario, drawn)
    return people, programme.simulate(programme.prepare(scenario, people), policy, fast=fast)


class Measured(NamedTuple):
    """What is kept of a replication."""

    measures: dict[str, float]
    uptake: dict[int, Floats]
    """Year -> share of its slots used by each of `month_ends`; nan without a cap."""
    pool: float
    """People in scope who still wait for a letter at the end of the scenario."""


def measured(question: Question, replication: int, drawn: bool) -> Measured:
    """The measures of one replication; `drawn`: the uncertain numbers are drawn from their ranges first."""
    if drawn:
        scenario = assumptions.drawn(question.scenario, replication, question.seed)
        question = question._replace(scenario=scenario)
    people, outcome = replicate(question, replication)
    scenario, spec = question.scenario, question.scenario.spec(question.policy)
    curves = {
        account.year: intakes.uptake(outcome, account.year, month_ends(scenario, account), spec=spec)
        for account in outcome.intakes
    }
    pool = float(np.count_nonzero(people.in_scope & (outcome.status == POOL)))
    return Measured(measures.measure(scenario, people, outcome, spec=spec), curves, pool)


def read_back(kept: Any) -> Measured:
    """What is kept of a replication, from JSON."""
    found, curves, pool = kept
    return Measured(found, {int(year): np.array(curve) for year, curve in curves.items()}, pool)


def month_ends(scenario: Scenario, account: IntakeAccount) -> Seconds:
    """The seconds at which the months of an intake end, the last one at its closing or the horizon."""
    ends = min(account.closes_s, scenario.ends_s)
    inner = clock.month_starts(account.opens_s, ends, scenario.time_zone)
    return np.array([*inner, ends], dtype=np.int64) - 1
