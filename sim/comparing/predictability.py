"""Predictability: how well people can tell beforehand when they will get a slot.

A person knows the own certificate, stream and score, and what they will do; they do not know who else comes,
nor how lots fall. So some people of the first replication, evenly spaced by their certificates among those
who would apply, are put into every other replication in the places of the people with the same ids: the same
persons, with everything about them, among other people and with other lots. The *width* is the length of the
90 % interval of a person's own date over these replications. Whoever has no slot by the horizon counts as
served then, so that a rule is not called predictable for serving few; whether there is a slot at all is
*sure* for a person who gets one in at least 95 % of the replications, or in at most 5 %.

The mean width has an interval by the jackknife over groups of replications: people of one replication depend
on each other.
"""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from sim import population, programme, streams
from sim.clock import DAY_S
from sim.comparing.worlds import Asked
from sim.outcome import Whole
from sim.people import People, settle
from sim.studying.blocks import Crew
from sim.studying.intervals import Floats

PEOPLE, ONE_IN = 200, 50
"""How many persons are followed: so many, but at most one in so many of those there are."""
REPLICATIONS, FEWEST = 72, 20
"""In how many replications, at most; below the fewest a width of 90 % is not estimable."""
GROUPS = 10
LOW, HIGH = 0.05, 0.95


class Foreseen(NamedTuple):
    """How well people foresee their date under one policy."""

    policy: str
    people: int
    replications: int
    width_days: float | None
    """Mean over people of the width of their 90 % interval; None: too few replications."""
    low: float | None
    """95 % interval of it."""
    high: float | None
    sure_share: float
    """People for whom it is sure whether they get a slot."""


def predictability(asked: Asked, crew: Crew, replications: int) -> tuple[Foreseen, ...]:
    """The predictability of every policy, on the same persons."""
    n = min(REPLICATIONS, replications)
    calls = [(asked, replication) for replication in range(n)]
    found: list[dict[str, Any]] = list(crew.each("people followed", dates, calls))
    horizon = asked.scenario.ends_s
    return tuple(
        foreseen(name, np.array([each[name] for each in found]), horizon) for name, _ in asked.policies
    )


def foreseen(policy: str, slot_s: Whole, horizon: int) -> Foreseen:
    """From the dates of the same people in every replication, shape (replications, people)."""
    n, people = slot_s.shape
    served = (slot_s < horizon).mean(axis=0)
    sure = float(((served >= HIGH) | (served <= LOW)).mean()) if people else math.nan
    if n < FEWEST or not people:
        return Foreseen(policy, people, n, None, None, None, sure)
    days = np.minimum(slot_s, horizon) / DAY_S
    width = _mean_width(days)
    parts = np.array([_mean_width(np.delete(days, np.s_[k::GROUPS], axis=0)) for k in range(GROUPS)])
    error = math.sqrt((GROUPS - 1) / GROUPS * float(((parts - parts.mean()) ** 2).sum()))
    half = float(special.stdtrit(GROUPS - 1, 0.975)) * error
    return Foreseen(policy, people, n, width, max(0.0, width - half), width + half, sure)


def _mean_width(days: Floats) -> float:
    low, high = np.quantile(days, [LOW, HIGH], axis=0)
    return float((high - low).mean())


def dates(asked: Asked, replication: int) -> dict[str, list[int]]:
    """Policy -> the seconds at which the followed people get a slot in one replication; the horizon: none."""
    scenario = asked.scenario
    followed = _followed(_drawn(asked, 0))
    luck = streams.uniforms(asked.seed, replication, "predictability", len(followed))
    followed = dataclasses.replace(followed, lottery=(luck * 2.0**53).astype(np.uint64))
    others = _drawn(asked, replication)
    others = _rows(others, np.flatnonzero(~np.isin(others.applicant, followed.applicant)))
    prepared = programme.prepare(scenario, _joined(others, followed))
    found = {}
    for name, policy in asked.policies:
        slot_s = programme.simulate(prepared, policy).slot_s[len(others) :]
        found[name] = np.minimum(slot_s, scenario.ends_s).tolist()
    return found


def _drawn(asked: Asked, replication: int) -> People:
    drawn = population.draw(asked.scenario, replication, seed=asked.seed, outside_only=True)
    return settle(asked.scenario, drawn)


def _followed(people: People) -> People:
    """People evenly spaced by certificate, of those in scope who would apply."""
    able = np.flatnonzero(people.in_scope & people.applies)
    able = able[np.argsort(people.certified_s[able], kind="stable")]
    count = min(PEOPLE, max(1, len(able) // ONE_IN), len(able))
    places = ((np.arange(count) + 0.5) * len(able) / max(1, count)).astype(np.int64)
    return _rows(people, able[places])


def _rows(people: People, rows: Whole) -> People:
    columns = {each.name: getattr(people, each.name) for each in dataclasses.fields(people)}
    attributes = {name: column[rows] for name, column in columns.pop("attributes").items()}
    return People(**{name: column[rows] for name, column in columns.items()}, attributes=attributes)


def _joined(first: People, second: People) -> People:
    names = [each.name for each in dataclasses.fields(first) if each.name != "attributes"]
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    attributes = {
        name: np.concatenate([column, second.attributes[name]]) for name, column in first.attributes.items()
    }
    return People(**columns, attributes=attributes)
