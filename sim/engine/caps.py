"""What a claim is charged to: the caps of an intake under a policy, and the classes of claims they cover.

A *class* of claims is a column of the coverage: a cap covers a set of classes, and a claim of a class needs
room under every cap that covers it. Mostly a class is a stream. A *group* is what a person is to the caps:
the stream, and the value of an attribute where that is limited; group g claims in class g first.

- A *soft* reserve of r slots for a stream is a cap of C - r on all the others; a *hard* one adds a cap of r
  on the stream itself.
- A *charging* reserve is a source of slots beside the common pool, each with a cap of its own. A claim tries
  its sources in order, so each (group, source) is a class, and `after` leads from one to the next.
- Where slots spill, the chain grows in the course of an intake: `after_spill` holds from then on.
- In a two-stage cap an incomplete application is of a class that only the cap on what is received covers.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.clock import NEVER
from sim.policy import Policy, Reserve, charging
from sim.scenario import Intake, Scenario

Flags = NDArray[np.bool_]
Whole = NDArray[np.integer[Any]]

POOL = ""
"""The source of slots that belong to no stream; the others are named by their stream."""


class Kind(NamedTuple):
    """What a class of claims is."""

    stream: str
    value: int
    """Which value of the limited attribute; 0 where none is limited."""
    source: str
    """Whose slots it takes: POOL, or a stream's own."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of claims of a scenario under a policy; the first ones are the groups, in their order."""

    kinds: tuple[Kind, ...]
    groups: int
    after: Whole
    """The class that a claim tries next when there is no room in this one; -1 for none."""
    after_spill: Whole
    incomplete: int
    """The class of an incomplete application, beyond the others; -1 if it is like any other."""

    @property
    def count(self) -> int:
        """How many classes there are in all."""
        return len(self.kinds) + (self.incomplete >= 0)


def part(share: float, of: int) -> int:
    """A part of a whole number, rounded down; 0.29 of 100 is 29, though the product is a little less."""
    return math.floor(share * of + 1e-9)


def needs_event_loop(policy: Policy) -> bool:
    """Whether a policy's own rules make a claim depend on more than the claims before it and the caps."""
    parts = (policy.claims, policy.waiting_room, policy.received_factor)
    return any(part is not None for part in parts) or bool(charging(policy))


def sources(policy: Policy, stream: str) -> tuple[list[str], list[str]]:
    """Where a stream's claims look for room, in order, and where else once slots have spilt."""
    own = charging(policy)
    first = [POOL]
    if stream in own:
        first = [stream, POOL] if own[stream].kind == "reserve-first" else [POOL, stream]
    if policy.spill is None or stream not in policy.spill.streams:
        return first, []
    order = list(policy.spill.streams)
    place = order.index(stream)
    return first, order[:place][::-1] + order[place + 1 :][::-1]


def classes(scenario: Scenario, policy: Policy) -> Classes:
    """Every class of claims, and the chains in which they are tried."""
    values = _values(scenario, policy)
    groups = [(stream, value) for stream in scenario.streams for value in range(values)]
    kinds = [Kind(stream, value, sources(policy, stream)[0][0]) for stream, value in groups]
    after, after_spill = dict[int, int](), dict[int, int]()
    for group, (stream, value) in enumerate(groups):
        first, then = sources(policy, stream)
        last = group
        for number, source in enumerate([*first[1:], *then]):
            kinds.append(Kind(stream, value, source))
            after_spill[last] = len(kinds) - 1
            if number < len(first) - 1:
                after[last] = len(kinds) - 1
            last = len(kinds) - 1
    incomplete = len(kinds) if policy.received_factor is not None else -1

    def chain(links: dict[int, int]) -> Whole:
        return np.array([links.get(k, -1) for k in range(len(kinds) + (incomplete >= 0))], dtype=np.int64)

    return Classes(tuple(kinds), len(groups), chain(after), chain(after_spill), incomplete)


def _values(scenario: Scenario, policy: Policy) -> int:
    limit = policy.value_limit
    return len(scenario.attribute[limit.attribute].values) if limit and limit.of == "cap" else 1


def groups(scenario: Scenario, policy: Policy, stream: Whole, attributes: dict[str, Whole]) -> Whole:
    """The group of each person, from their stream and the columns of their attributes."""
    limit = policy.value_limit
    if limit is None or limit.of != "cap":
        return stream
    return np.asarray(stream * _values(scenario, policy) + attributes[limit.attribute], dtype=np.int64)


def caps(
    scenario: Scenario, intake: Intake, policy: Policy, *, topped_up: int = 0
) -> tuple[tuple[str, ...], tuple[int, ...], Flags]:
    """Names, limits and coverage of an intake's caps: the total, ceilings of streams, then the others."""
    among = classes(scenario, policy)
    if not policy.capped:
        return ("total",), (NEVER,), np.ones((1, among.count), dtype=np.bool_)
    total = int(intake.cap.value) + topped_up
    kinds = among.kinds
    found: list[tuple[str, int, list[bool]]] = [("total", total, [True] * len(kinds))]
    for name, most in intake.stream_caps.items():
        found.append((f"ceiling of {name}", int(most.value), [kind.stream == name for kind in kinds]))
    own = charging(policy)
    for reserve in policy.reserves:
        slots, name = _slots(reserve, total), reserve.stream
        if name not in own and reserve.kind != "ceiling":
            others = [kind.stream != name for kind in kinds]
            found.append((f"all but {name}", max(0, total - slots), others))
        if name not in own and reserve.kind != "soft":
            found.append((f"only {name}", slots, [kind.stream == name for kind in kinds]))
    if own:
        kept = {name: _slots(reserve, total) for name, reserve in own.items()}
        common = max(0, total - sum(kept.values()))
        for source, limit in ({POOL: common} | kept).items():
            name = f"own of {source}" if source else "common pool"
            found.append((name, limit, [kind.source == source for kind in kinds]))
    if policy.value_limit is not None and policy.value_limit.of == "cap":
        values = list(scenario.attribute[policy.value_limit.attribute].values)
        most_each = part(policy.value_limit.share, total)
        for value, name in enumerate(values):
            found.append((f"value {name}", most_each, [kind.value == value for kind in kinds]))
    if policy.received_factor is not None:
        found = [(name, limit, [*covers, False]) for name, limit, covers in found]
        found.append(("received", part(policy.received_factor, total), [True] * among.count))
    cover = np.array([covers for _, _, covers in found], dtype=np.bool_)
    return tuple(name for name, _, _ in found), tuple(limit for _, limit, _ in found), cover


def _slots(reserve: Reserve, total: int) -> int:
    return reserve.slots if reserve.slots is not None else int((reserve.share or 0.0) * total)
