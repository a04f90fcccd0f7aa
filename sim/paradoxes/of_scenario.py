"""Small worlds made from a scenario: its calendar, rules and policy, and a handful of its people.

The people of the scenario are drawn, some are picked, and what they would do is written down as known, in
whole days and hours. Caps, and numbers of letters and reserved slots, shrink with the crowd; how tightly they
bind then is drawn as well, so that slack and full years are both tried. What a small world has no people for
is refused: policies that look at attributes or entries.
"""

import dataclasses
import datetime
import functools
from typing import Any

import numpy as np

from sim import clock, population
from sim.clock import DAY_S, NEVER
from sim.errors import complaint
from sim.labelled import plain
from sim.paradoxes.worlds import NAMES, RULE, Luck, person, template
from sim.people import People, settle
from sim.policy import Policy
from sim.scenario import Scenario
from sim.surges import Known, Surge

TIGHTNESS = (0.3, 0.6, 1.0, 1.5)
"""Slots for a person, in parts of what the scenario has."""


def check(scenario: Scenario, policy: str) -> None:
    """BadInput where a policy needs more than small worlds have."""
    rule = scenario.policy(policy)
    weighed = [rule.invite.weights, rule.claims.weights if rule.claims else None]
    if rule.value_limit is not None or any(weighed):
        raise complaint(
            f"{policy} looks at attributes or entries of people, which small worlds do not have",
            key="--policy",
            mend="choose a policy without value_limit and weights",
        )


def world(scenario: Scenario, policy: str, luck: Luck) -> Scenario:
    """A world of a scenario."""
    crowd = _crowd(scenario)
    count = min(4 + luck.below(8), len(NAMES), len(crowd))
    picked = sorted({luck.below(len(crowd)) for _ in range(3 * count)})[: 3 * count : 3][:count]
    tightness = luck.choice(TIGHTNESS)
    part = tightness * max(1, len(picked)) / max(1, len(crowd))
    surges = tuple(_person(scenario, crowd, row, NAMES[k], k / 16.0) for k, row in enumerate(sorted(picked)))
    rule = scenario.policy(policy)
    return _rules(scenario).model_copy(
        update={
            "intake": tuple(_smaller(each, part, luck) for each in scenario.intake),
            "policies": {RULE: _policy(rule, part, luck)},
            "demand": template().demand.model_copy(update={"surges": surges}),
        }
    )


@functools.lru_cache(maxsize=4)
def _crowd_of(text: str, scenario: "_ById") -> People:
    drawn = settle(scenario.scenario, population.draw(scenario.scenario, 0, outside_only=True))
    rows = np.flatnonzero(drawn.in_scope)
    columns = {each.name: getattr(drawn, each.name) for each in dataclasses.fields(drawn)}
    columns["attributes"] = {}
    return People(**{name: each if name == "attributes" else each[rows] for name, each in columns.items()})


class _ById:
    """A scenario as part of a cache's key, which its text already is."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById)


def _crowd(scenario: Scenario) -> People:
    """The people in scope of the scenario's first replication."""
    return _crowd_of(scenario.model_dump_json(), _ById(scenario))


def _person(scenario: Scenario, crowd: People, row: int, name: str, lottery: float) -> Surge:
    """Somebody of the crowd, with what they would do in whole days and hours."""

    def days(column: Any) -> int:
        return int(min(-(-int(column[row]) // DAY_S), 36_500))

    certified = max(int(crowd.certified_s[row]), scenario.starts_s)
    answer = "applies" if crowd.applies[row] else "declines" if crowd.declines[row] else "none"
    decided, stays = int(crowd.pr_decided_s[row]), bool(crowd.withdraws_after_s[row] >= NEVER)
    known = Known(
        stream=list(scenario.streams)[int(crowd.stream[row])],
        score=int(crowd.score[row]),
        lottery=lottery,
        answer=answer,
        answer_days=days(crowd.answer_delay_s),
        complete=bool(crowd.complete[row]),
        refiles=bool(crowd.refiles[row]),
        refile_days=days(crowd.refile_delay_s),
        withdraws_after_days="never" if stays else days(crowd.withdraws_after_s),
        unstaffed_days=days(crowd.unstaffed_s),
        service_hours=max(1, round(int(crowd.service_s[row]) / 3600)),
        approved=bool(crowd.approved[row]),
        landing_days=days(crowd.landing_s),
        permanent_residence_days="never" if decided >= NEVER else max(1, (decided - certified) // DAY_S + 1),
    )
    day = clock.local(certified, scenario.time_zone).date()
    return person(name, datetime.datetime.combine(day, datetime.time()), known)


def _rules(scenario: Scenario) -> Scenario:
    """The template with the scenario's calendar, rules and offices."""
    base = template()
    keep = ("time_zone", "starts", "ends", "programme", "streams", "offices", "title")
    offices = scenario.offices.model_copy(update={"officers": plain(1)})
    kept = {name: getattr(scenario, name) for name in keep} | {"offices": offices, "name": scenario.name}
    return base.model_copy(update=kept)


def _smaller(intake: Any, part: float, luck: Luck) -> Any:
    """An intake with slots for few people; what is left of a slot by chance is one, or none."""
    ceilings = {name: plain(_whole(cap.value * part, luck)) for name, cap in intake.stream_caps.items()}
    cap = max([_whole(intake.cap.value * part, luck), *(int(each.value) for each in ceilings.values())])
    update = {"cap": plain(cap), "stream_caps": ceilings, "permit_target": None}
    return intake.model_copy(update=update)


def _policy(rule: Policy, part: float, luck: Luck) -> Policy:
    reserves = tuple(
        each if each.slots is None else each.model_copy(update={"slots": _whole(each.slots * part, luck)})
        for each in rule.reserves
    )
    invite, number = rule.invite, rule.invite.number
    if number is not None:
        invite = invite.model_copy(update={"number": max(1, _whole(number * part, luck))})
    top_ups = tuple(
        each.model_copy(update={"slots": _whole(each.slots * part, luck)}) for each in rule.top_ups
    )
    smaller = {"reserves": reserves, "invite": invite, "top_ups": top_ups}
    return rule.model_copy(update=smaller | {"summary": "", "seen_in": ""})


def _whole(amount: float, luck: Luck) -> int:
    return int(amount) + luck.chance(amount - int(amount))
