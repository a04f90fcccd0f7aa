"""One replication under every policy: the people are drawn and made ready once, then each policy serves them.

Like every replication it is a pure function, here of the scenario, the policies, the seed and its number.
Residents of Quebec are left out: they can never claim, whatever the policy.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sim import assumptions, measures, population, programme
from sim.clock import NEVER
from sim.comparing.groups import Grouping, groupings
from sim.comparing.persons import exchange_measures
from sim.labelled import plain
from sim.measures import in_scope
from sim.measuring import intakes
from sim.measuring.definitions import Measure
from sim.measuring.fairness import chances
from sim.outcome import Outcome
from sim.people import People, settle
from sim.policy import Policy
from sim.scenario import Scenario
from sim.studying.replication import month_ends

OUTSIDE_ONLY = ("bridging_permits",)
"""Measures of residents of Quebec, which a comparison has not."""
CURVES = {"uptake": Measure("", "share of the year's slots used by the end of its n-th month (/year/n)")}
"""Measures by month, which a comparison keeps of every policy, to show how its intakes fill."""


class Asked(NamedTuple):
    """What is compared: with the number of a replication, everything that its outcomes depend on."""

    scenario: Scenario
    policies: tuple[tuple[str, Policy], ...]
    """Name and rules, the baseline first."""
    seed: int

    @property
    def baseline(self) -> str:
        """The policy that the others are compared with."""
        return self.policies[0][0]

    def at_demand(self, multiple: float) -> "Asked":
        """The same with another multiple of demand."""
        demand = self.scenario.demand.model_copy(update={"multiple": plain(multiple)})
        return self._replace(scenario=self.scenario.model_copy(update={"demand": demand}))


World = dict[str, dict[str, float]]
"""Policy -> measure -> value, of one replication."""


def world(asked: Asked, replication: int, drawn: bool = False) -> World:
    """The measures of one replication under every policy; `drawn`: its assumptions are drawn first."""
    if drawn:
        scenario = assumptions.drawn(asked.scenario, replication, asked.seed)
        asked = asked._replace(scenario=scenario)
    found: World = {}
    base: Outcome | None = None
    parts: tuple[Grouping, ...] = ()
    for name, people, outcome in outcomes(asked, replication):
        spec = asked.scenario.spec(dict(asked.policies)[name])
        found[name] = measures.measure(asked.scenario, people, outcome, spec=spec)
        for outside in OUTSIDE_ONLY:
            del found[name][outside]
        for account in outcome.intakes:
            shares = intakes.uptake(outcome, account.year, month_ends(asked.scenario, account), spec=spec)
            found[name] |= {f"uptake/{account.year}/{k + 1}": float(each) for k, each in enumerate(shares)}
        people, outcome = in_scope(people, outcome)
        parts = parts or groupings(asked.scenario, people)
        found[name] |= by_group(people, outcome, parts)
        if base is None:
            base = outcome
        else:
            found[name] |= exchange_measures(base, outcome, parts)
    return found


def outcomes(asked: Asked, replication: int) -> Iterator[tuple[str, People, Outcome]]:
    """The same people under one policy after the other: (policy, people, outcome)."""
    drawn = population.draw(asked.scenario, replication, seed=asked.seed, outside_only=True)
    people = settle(asked.scenario, drawn)
    prepared = programme.prepare(asked.scenario, people)
    for name, policy in asked.policies:
        yield name, people, programme.simulate(prepared, policy)


def by_group(people: People, outcome: Outcome, parts: tuple[Grouping, ...]) -> dict[str, float]:
    """How many people each group has, their chance of a slot, and of a permit before permanent residence."""
    served = outcome.slot_s < NEVER
    permanent_s = np.where(people.pr_approved, people.pr_decided_s, NEVER)
    before = outcome.permit_s < permanent_s
    values: dict[str, float] = {}
    for part in parts:
        size = len(part.names) + 1
        people_in = np.bincount(part.member + 1, minlength=size)[1:]
        for name, column in (
            ("in_scope", people_in),
            ("slot_probability", chances(part.member + 1, served, groups=size)[1:]),
            ("permit_before_pr_probability", chances(part.member + 1, before, groups=size)[1:]),
        ):
            values |= {f"{name}{part.suffix(k)}": float(value) for k, value in enumerate(column)}
    return values
