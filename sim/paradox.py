"""The search for paradoxes: worlds in which more of something good leaves somebody, or everybody, worse off.

For each law (`sim.paradoxes.laws`) many small worlds are tried with less and with more of it. How often it is
broken says how much to trust it, for worlds like these; where it is proved, it must never be. The simplest
broken worlds are shrunk to their smallest form, told in words, and written as scenario files that `quotalab
run` reproduces, with less and with more.

Worlds are random, or made from a scenario: its rules, calendar and policy, and a handful of its people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sim import scenario_file
from sim.errors import complaint, nearest
from sim.paradoxes import of_scenario
from sim.paradoxes.laws import LAWS, Case, Harm
from sim.paradoxes.shrinking import Shrunk, said_only, shrunk
from sim.paradoxes.telling import Told, told
from sim.paradoxes.trying import Tried, drawn, judged, played, tried
from sim.paradoxes.worlds import OPEN, Luck, named_policy
from sim.policy import CATALOGUE
from sim.scenario import Scenario
from sim.studying import blocks
from sim.studying.blocks import Crew, Progress
from sim.studying.intervals import Chance, chance

INSTANCES = 400
SHRINKS = 6
"""Broken worlds of a law and harm that are shrunk; the smallest is shown."""
RANDOM = "random"


class Rate(NamedTuple):
    """How often a law is broken, in worlds of one kind."""

    law: str
    kind: str
    """Whether letters are needed, or the law is proved."""
    exact: bool
    tried: int
    harms: dict[Harm, Chance]
    """Harm -> in how many worlds it is the worst that happens."""


class Example(NamedTuple):
    """A broken law at its smallest."""

    number: int
    """The world it was found in."""
    harm: Harm
    case: Case
    told: Told
    tries: int
    """How many simpler worlds were tried on the way."""

    @property
    def name(self) -> str:
        """The name of its file, without the ending."""
        return f"paradox-{self.case.law}-{self.harm}"


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found."""

    about: tuple[str, ...]
    policy: str
    """The name of a policy, or `random`."""
    scenario: Scenario | None
    """The scenario that worlds were made from; None: random ones."""
    seed: int
    instances: int
    """Worlds that were to be tried for each law."""
    tried: tuple[Tried, ...]
    rates: tuple[Rate, ...]
    examples: tuple[Example, ...]
    skipped: dict[str, str]
    """Laws that could not be tried, each with the reason."""
    stopped: str
    complete: bool


def laws_of(text: str | None) -> tuple[str, ...]:
    """The laws of a list such as cap,score; all if nothing or `all` is said."""
    names = [each.strip() for each in (text or "all").split(",") if each.strip()]
    for name in names:
        if name not in (*LAWS, "all"):
            near = nearest(name, [*LAWS, "all"])
            raise complaint(
                f"there is no law about {name}",
                key="--about",
                expected="all, or some of " + ", ".join(LAWS),
                mend=f"write {near}" if near else "",
            )
    return tuple(LAWS) if "all" in names or not names else tuple(dict.fromkeys(names))


def check_policy(policy: str | None, scenario: Scenario | None) -> str:
    """The policy of the worlds; BadInput for one that nobody knows."""
    if scenario is not None:
        return scenario.baseline if policy is None else policy
    if policy is None:
        return RANDOM
    if named_policy(policy) is None or not (policy == OPEN or CATALOGUE[policy].capped):
        names = [OPEN, *(name for name, each in CATALOGUE.items() if each.capped)]
        near = nearest(policy, names)
        raise complaint(
            f"{policy!r} is not a policy for random worlds",
            key="--policy",
            expected="one of " + ", ".join(names) + ", or a scenario before it",
            mend=f"write {near}" if near else "",
        )
    return policy


def search(
    about: Sequence[str],
    *,
    scenario: Scenario | None = None,
    policy: str = RANDOM,
    instances: int = INSTANCES,
    seed: int = 1,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Search:
    """Try every law; KeyboardInterrupt only if nothing at all was finished."""
    crew = Crew(blocks.cores() if jobs is None else jobs, progress or (lambda *_: None), seconds=0.01)
    found: list[Tried] = []
    laws: list[str] = []
    examples: list[Example] = []
    stopped, complete = f"{instances:,} worlds a law", False
    try:
        for law in about:
            calls = [(law, scenario, policy, seed, number) for number in range(instances)]
            for each in crew.each(f"worlds: {law}", _one, calls):
                found.append(each)
                laws.append(law)
        for law in about:
            mine = [each for each, of in zip(found, laws, strict=True) if of == law]
            examples += _examples(law, mine, crew)
        complete = True
    except KeyboardInterrupt:
        if not found:
            raise
        stopped = f"interrupted after {len(found):,} worlds"
    by_law = {law: [each for each, of in zip(found, laws, strict=True) if of == law] for law in about}
    return Search(
        tuple(about),
        policy,
        scenario,
        seed,
        instances,
        tuple(found),
        tuple(rate for law, mine in by_law.items() for rate in rates(law, mine)),
        tuple(examples),
        {
            law: _nothing_to_vary(law)
            for law, mine in by_law.items()
            if mine and not any(e.case for e in mine)
        },
        stopped,
        complete,
    )


def _one(law: str, scenario: Scenario | None, policy: str, seed: int, number: int) -> Tried:
    if scenario is None:
        return tried(law, "" if policy == RANDOM else policy, seed, number)
    luck = Luck(seed, number, f"{law}/{scenario.name}/{policy}")
    return judged(law, number, of_scenario.world(scenario, policy, luck), luck)


def _skipped(found: dict[str, list[Tried]]) -> dict[str, str]:
    """The laws that none of the worlds had anything for."""
    return {
        law: _nothing_to_vary(law)
        for law, mine in found.items()
        if mine and all(each.case is None for each in mine)
    }


def _nothing_to_vary(law: str) -> str:
    key = {"reserve": "a reserve in slots", "score": 'order = "score"', "over-invitation": 'size = "to-cap"'}
    key |= {"expiry": "letter_validity_days", "validity": "entry_validity_days", "frequency": "every_days"}
    return f"the policy has nothing to vary: it needs {key.get(law, law)}"


def rates(law: str, found: list[Tried]) -> list[Rate]:
    """How often a law is broken, by kind of world."""
    kinds = {
        "where it is proved": [each for each in found if each.exact],
        "open intake": [each for each in found if each.is_open and not each.exact],
        "invitation rounds": [each for each in found if not each.is_open and not each.exact],
    }
    made = []
    for kind, worlds in kinds.items():
        counted = [each for each in worlds if each.case is not None]
        if not counted:
            continue
        harms = {
            harm: chance(sum(each.harm == harm for each in counted), len(counted)) for harm in LAWS[law].harms
        }
        made.append(Rate(law, kind, kind == "where it is proved", len(counted), harms))
    return made


def _examples(law: str, found: list[Tried], crew: Crew) -> list[Example]:
    """The smallest example of each harm, among those that were shrunk."""
    made = []
    for harm in LAWS[law].harms:
        broken = [each for each in found if each.harm == harm]
        broken.sort(key=lambda each: (len(each.case.world.demand.surges) if each.case else 0, each.number))
        calls = [(each.case, harm) for each in broken[:SHRINKS]]
        shrunken = list(crew.each(f"shrinking: {law}", shrunk, calls, weight=200.0))
        if shrunken:
            best = min(range(len(shrunken)), key=lambda k: shrunken[k].size)
            made.append(example(broken[best].number, shrunken[best]))
    return made


def example(number: int, small: Shrunk) -> Example:
    """An example in words, checked once more as the command line would run it."""
    case = said_only(small.case)
    base, more = played(case.world), played(case.other)
    assert (drawn(case.world).slot_s == base.slot_s).all(), case
    assert (drawn(reproduced(case)).slot_s == more.slot_s).all(), case
    return Example(number, small.harm, case, told(case, small.harm, base, more), small.tries)


def reproduced(case: Case) -> Scenario:
    """The other world of a case, by --set as a user would do it."""
    return scenario_file.replaced(case.world, {case.key: setting(case.more)})


def setting(value: float) -> float | int:
    """A value as one writes it."""
    return int(value) if value == int(value) else value
