"""What was simulated for a trace, once, and which part of it is replayed."""

from typing import NamedTuple

import numpy as np

from loadtests.tracing import moments, pace
from loadtests.tracing.moments import Sends
from sim import population, programme
from sim.errors import complaint
from sim.outcome import Outcome
from sim.people import People, settle
from sim.policy import Policy, only_simulated
from sim.population import Population
from sim.scenario import Scenario


class Story(NamedTuple):
    """What was simulated, and which part of it is replayed."""

    scenario: Scenario
    name: str
    """Of the policy."""
    policy: Policy
    population: Population
    people: People
    outcome: Outcome
    sends: Sends
    """Those inside the part."""
    part: tuple[int, int]
    """Where it begins and ends, in nanoseconds since the scenario's start."""


def simulated(scenario: Scenario, seed: int | None, replication: int, policy: str | None) -> Story:
    """The story of a scenario under a policy, or its own; BadInput if nobody applies in it."""
    load = scenario.load
    name = policy or load.policy or scenario.baseline
    rules = scenario.policy(name)
    if keys := only_simulated(rules):
        raise complaint(
            f'the policy "{name}" cannot be replayed as traffic: a service is not told of {", ".join(keys)}',
            key="load.policy",
            expected="a policy without",
        )
    drawn = population.draw(scenario, replication, seed=seed, outside_only=True)
    people = settle(scenario, drawn)
    outcome = programme.simulate(programme.prepare(scenario, people), rules)
    repeats = drawn.uniforms("load:repeat") < load.repeat_share.value
    delay = 60 * load.repeat_minutes.value * drawn.uniforms("load:repeat-delay")
    every = moments.sends(scenario, rules, people, outcome, np.where(repeats, delay, np.nan))
    if not len(every.row):
        raise complaint(
            f'nobody applies under the policy "{name}", so there is nothing to send',
            key="demand",
            expected="people who apply before the scenario ends",
        )
    if load.ramp is not None:  # people who would come after the ramp's end are left out
        kept = pace.ramp_sends(load.ramp) * (1.0 - load.ineligible_share.value)
        every = every.picked(np.arange(len(every.row)) < int(kept))
    begins, ends = moments.replayed(scenario, every.mark)
    inside = (every.mark >= begins) & (every.mark < ends)
    if not inside.any():
        raise complaint(
            "nobody applies in this part of the scenario",
            key="load.window",
            expected=f"a part of {scenario.starts} to {scenario.ends} in which people apply",
        )
    return Story(scenario, name, rules, drawn, people, outcome, every.picked(inside), (begins, ends))
