"""A case tried out by the engine: what becomes of everybody with less and with more of it; who is harmed?"""

from typing import NamedTuple

from sim import population, programme
from sim.outcome import Outcome
from sim.paradoxes.laws import LAWS, Case, Harm, harm
from sim.paradoxes.people import known_people
from sim.paradoxes.worlds import RULE, Luck, named_policy, random_world
from sim.people import settle
from sim.scenario import Scenario

VARY = "vary"
"""The name of the stream that says how much more of it there is."""


class Tried(NamedTuple):
    """One world of a search."""

    number: int
    exact: bool
    """Whether the law is proved for it."""
    is_open: bool
    """Whether people file without letters."""
    harm: Harm
    case: Case | None
    """None where the world has nothing to vary."""


def played(world: Scenario) -> Outcome:
    """What becomes of a world's people, quickly: they are known, so nothing is drawn."""
    prepared = programme.prepare(world, known_people(world))
    return programme.simulate(prepared, world.policies[RULE])


def drawn(scenario: Scenario) -> Outcome:
    """The same as `quotalab run` does it for its first replication."""
    people = settle(scenario, population.draw(scenario, 0))
    return programme.simulate(programme.prepare(scenario, people), scenario.policy(scenario.baseline))


def harm_of(case: Case, kinds: tuple[Harm, ...]) -> Harm:
    """The worst of these harms that a case does; empty if none."""
    return harm(case, played(case.world), played(case.other), kinds)


def tried(subject: str, policy: str, seed: int, number: int) -> Tried:
    """World `number` of a seed and subject, with more of it; `policy`: empty for a random one."""
    luck = Luck(seed, number, f"{subject}/{policy}")
    rule = named_policy(policy) if policy else None
    return judged(subject, number, random_world(luck, subject, rule), luck)


def judged(subject: str, number: int, world: Scenario, luck: Luck) -> Tried:
    """More of it in a world: does it harm?"""
    law = LAWS[subject]
    case = law.vary(world, luck)
    is_open = world.policies[RULE].invite.by == "open"
    found = "" if case is None else harm_of(case, law.harms)
    return Tried(number, case is not None and law.is_exact(case.world), is_open, found, case)
