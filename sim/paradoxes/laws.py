"""What one would think: each law says that more of something hurts nobody, or does not lower the total.

A *law* is about one key of a world. A *case* is a world with two values of that key, less and more of it; the
world holds the lesser. A case *breaks* the law if its *harm* happens with more of it and not with less:

    total   fewer slots are granted in all
    lost    somebody loses a slot
    own     the one whom it should help loses a slot
    stream  the stream whose reserve grows gets fewer slots
    later   somebody is decided later

Where a law is proved for a kind of world (tests/sim/test_laws.py), it is *exact* there, and a case that broke
it would be a fault of this program.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from sim.clock import NEVER
from sim.labelled import Labelled
from sim.outcome import Outcome
from sim.paradoxes.worlds import RULE, Luck
from sim.policy import Policy, Record
from sim.scenario import Scenario
from sim.scenario_files.faults import item_name

Harm = Literal["", "total", "lost", "own", "stream", "later"]


class Case(NamedTuple):
    """A world, and one of its numbers with another value."""

    world: Scenario
    """With the lesser value."""
    law: str
    key: str
    """The dotted key of the number, as --set takes it."""
    more: float
    """Its other value."""

    @property
    def other(self) -> Scenario:
        """The world with the other value."""
        return put(self.world, self.key, self.more)

    @property
    def less(self) -> float:
        """The value in the world."""
        return float(get(self.world, self.key))

    @property
    def subject(self) -> str:
        """The person whom the key is about; empty if it is about nobody in particular."""
        parts = self.key.split(".")
        if parts[:2] != ["demand", "surges"]:
            return ""
        return next(each.name for each in self.world.demand.surges if each.name.lower() == parts[2])


class Law(NamedTuple):
    """One thing that seems to be true."""

    says: str
    """What one would think."""
    vary: Callable[[Scenario, Luck], Case | None]
    """More of it, in a world; None where the world has nothing to vary."""
    harms: tuple[Harm, ...]
    """What breaks it, the worst first."""
    is_exact: Callable[[Scenario], bool] = lambda _: False
    """Whether the law is proved for worlds of this kind."""


def harm(case: Case, base: Outcome, more: Outcome, kinds: tuple[Harm, ...]) -> Harm:
    """The worst thing that happens with more of it; empty if nothing does."""
    return next((kind for kind in kinds if _happens(kind, case, base, more)), "")


def _happens(kind: Harm, case: Case, base: Outcome, more: Outcome) -> bool:
    rows = slice(None, min(len(base), len(more)))  # somebody new comes last
    held, holds = base.slot_s[rows] < NEVER, more.slot_s[rows] < NEVER
    names = people_of(case.world)
    if kind == "total":
        return granted(more) < granted(base)
    if kind == "lost":
        return bool((held & ~holds).any())
    if kind == "own":
        row = names.index(case.subject)
        return bool(held[row] and not holds[row])
    if kind == "stream":
        stream = case.world.policies[RULE].reserves[int(case.key.split(".")[3]) - 1].stream
        of_it = np.array([stream_of(case.world, name) == stream for name in names], dtype=bool)
        return int((holds & of_it).sum()) < int((held & of_it).sum())
    return bool((more.decided_s[rows] > base.decided_s[rows]).any())


def granted(outcome: Outcome) -> int:
    """How many people have a slot."""
    return int((outcome.slot_s < NEVER).sum())


def people_of(world: Scenario) -> list[str]:
    """The names of a world's people, in the order of their rows."""
    return [surge.name for surge in world.demand.surges if surge.people.value > 0]


def stream_of(world: Scenario, name: str) -> str:
    """Somebody's stream."""
    known = next(surge.known for surge in world.demand.surges if surge.name == name)
    return known.stream or next(iter(world.streams))


# --- more of it ------------------------------------------------------------------------------------------


def _cap(world: Scenario, luck: Luck) -> Case:
    intake = luck.choice(world.intake)
    return Case(world, "cap", f"intake.{intake.year}.cap", intake.cap.value + 1 + luck.below(2))


def _score(world: Scenario, luck: Luck) -> Case | None:
    surge = luck.choice(world.demand.surges)
    if world.policies[RULE].invite.order != "score":
        return None
    score = surge.known.score or 500
    return Case(
        world, "score", f"demand.surges.{surge.name.lower()}.known.score", score + 10.0 * (1 + luck.below(4))
    )


def _demand(world: Scenario, luck: Luck) -> Case:
    """Somebody who does not come, comes: the last of the world's people."""
    surges = world.demand.surges
    last = surges[-1]
    absent = last.model_copy(update={"people": last.people.model_copy(update={"value": 0.0})})
    key = f"demand.surges.{last.name.lower()}.people"
    return Case(with_surges(world, (*surges[:-1], absent)), "demand", key, 1.0)


def _of_invite(law: str, name: str, more: Callable[[float, Luck], float]) -> Callable[..., Case | None]:
    def vary(world: Scenario, luck: Luck) -> Case | None:
        invite = world.policies[RULE].invite
        value = getattr(invite, name)
        does_not_apply = invite.by == "open" or (name == "factor" and invite.size != "to-cap")
        if does_not_apply or not isinstance(value, (int, float)) or (name == "every_days" and invite.dates):
            return None
        wanted = more(float(value), luck)
        return None if wanted == value else Case(world, law, f"policies.{RULE}.invite.{name}", wanted)

    return vary


def _reserve(world: Scenario, luck: Luck) -> Case | None:
    reserves = world.policies[RULE].reserves
    usable = [k for k, each in enumerate(reserves) if each.slots is not None]
    if not usable or min(intake.cap.value for intake in world.intake) < 1:
        return None
    k = luck.choice(usable)
    smallest = int(min(intake.cap.value for intake in world.intake))
    slots = int(reserves[k].slots or 0)
    if slots >= smallest:
        return None
    return Case(world, "reserve", f"policies.{RULE}.reserves.{k + 1}.slots", float(slots + 1))


def _officers(world: Scenario, luck: Luck) -> Case:
    return Case(world, "officers", "offices.officers", world.offices.officers.value + 1 + luck.below(2))


# --- where laws are exact --------------------------------------------------------------------------------


def is_open_first_come(policy: Policy) -> bool:
    """Open intake, one claim after the other, and no slot is kept back, given back or lost within a year."""
    return (
        policy.invite.by == "open"
        and policy.counts in (None, "accepted")
        and policy.counter in (None, "exact")
        and not (policy.gives_back or policy.reserves or policy.claims or policy.waiting_room)
        and not (policy.value_limit or policy.received_factor or policy.top_ups or policy.waitlist_expires)
        and policy.release.carry != "none"
        and policy.release.borrow == 0
        and policy.capped
    )


def _cap_is_exact(world: Scenario) -> bool:
    rules = world.programme
    is_plain = rules.counts == "accepted" and rules.counter == "exact" and not rules.gives_back
    has_ceilings = any(intake.stream_caps for intake in world.intake)
    return is_plain and not has_ceilings and is_open_first_come(world.policies[RULE])


def _officers_are_exact(world: Scenario) -> bool:
    leave = ("withdraws_after_days", "permanent_residence_days")
    stays = all(
        getattr(surge.known, name) in (None, "never") for surge in world.demand.surges for name in leave
    )
    return stays and _cap_is_exact(world)


LAWS: dict[str, Law] = {
    "cap": Law("a larger cap costs nobody a slot", _cap, ("total", "lost"), _cap_is_exact),
    "score": Law("a higher score does not cost its owner the slot", _score, ("own",)),
    "validity": Law(
        "places in the pool that are good for longer do not lower the total",
        _of_invite("validity", "entry_validity_days", lambda value, luck: value + 5 + 5 * luck.below(4)),
        ("total",),
    ),
    "demand": Law("one more person does not lower the total", _demand, ("total",)),
    "over-invitation": Law(
        "more letters a free slot do not lower the total",
        _of_invite("over-invitation", "factor", lambda value, luck: value + 0.5 * (1 + luck.below(3))),
        ("total",),
    ),
    "expiry": Law(
        "letters that are good for longer do not lower the total",
        _of_invite("expiry", "letter_validity_days", lambda value, luck: value + 3 + 3 * luck.below(4)),
        ("total",),
    ),
    "frequency": Law(
        "more frequent rounds do not lower the total",
        _of_invite("frequency", "every_days", lambda value, luck: max(1.0, value - 1 - luck.below(8))),
        ("total",),
    ),
    "reserve": Law("a larger reserve does not cost its own stream a slot", _reserve, ("stream",)),
    "officers": Law("one more officer delays nobody's decision", _officers, ("later",), _officers_are_exact),
}


# --- values by key ---------------------------------------------------------------------------------------


def get(record: Any, key: str) -> Any:
    """The number at a dotted key."""
    head, _, rest = key.partition(".")
    value = _inside(record, head)
    if rest:
        return get(value, rest)
    return value.value if isinstance(value, Labelled) else value


def put(record: Any, key: str, value: float) -> Any:
    """The record with another number at a dotted key; not checked, unlike --set."""
    head, _, rest = key.partition(".")
    before = _inside(record, head)
    if rest:
        after = put(before, rest, value)
    elif isinstance(before, Labelled):
        after = before.model_copy(update={"value": value})
    else:
        after = int(value) if isinstance(before, int) else value
    if isinstance(record, Record):
        return record.model_copy(update={head: after})
    if isinstance(record, dict):
        return record | {head: after}
    return tuple(after if each is before else each for each in record)


def _inside(record: Any, name: str) -> Any:
    if isinstance(record, Record):
        return getattr(record, name)
    if isinstance(record, dict):
        return record[name]
    names = [item_name(each, k) for k, each in enumerate(record)]
    return record[names.index(name) if name in names else int(name) - 1]


def with_surges(world: Scenario, surges: tuple[Any, ...]) -> Scenario:
    """The world with other people."""
    return world.model_copy(update={"demand": world.demand.model_copy(update={"surges": surges})})
