"""Small random worlds in which everything happens: worlds number 0, 1, 2, ... for comparing two models.

A world is a scenario of 20 to 400 people, up to four intakes and a few officers with too much to do, and a
legal policy; between them the worlds use every value of every rule. Delays are short, so that files come
back, caps bind, and permanent residence overtakes. On *whole days* every time and delay is a multiple of a
day, so that nearly everything is simultaneous and only the declared order of events decides.
"""

import datetime
import random
from dataclasses import replace
from typing import Any

import numpy as np

from sim.clock import DAY_S, NEVER, Seconds
from sim.people import People, settle
from sim.policy import Policy
from sim.population import draw
from sim.scenario import Scenario

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
REASONS = ("refusal", "withdrawal", "expiry")


def random_world(number: int) -> tuple[Scenario, Policy]:
    """Scenario and policy of a world; the same for ever."""
    luck = random.Random(number)
    while True:
        scenario = Scenario.model_validate(_scenario(luck, number))
        policy = Policy.model_validate(_policy(luck, scenario))
        if is_legal(scenario, policy):
            return scenario, policy


def random_composition(number: int) -> tuple[Scenario, Policy]:
    """A world as above whose people have countries and make several entries, and a policy with further rules
    of the catalogue laid over it, several at once; the same for ever.
    """
    luck = random.Random(f"composition {number}")
    while True:
        data = _scenario(luck, number) | {
            "attribute": {"country": {"values": {"north": 0.5, "south": 0.25, "east": 0.25}}},
            "entries": {1: 0.5, 2: 0.25, 7: 0.25},
        }
        scenario = Scenario.model_validate(data)
        rules = _policy(luck, scenario)
        policy = Policy.model_validate(rules | _further_rules(luck, scenario, rules))
        if is_legal(scenario, policy):
            return scenario, policy


def random_mixture(number: int) -> tuple[Scenario, dict[str, Any]]:
    """A world as for a composition, and a policy's keys each from another policy, whether or not they go
    together; the same for ever.
    """
    luck = random.Random(f"mixture {number}")
    data = _scenario(luck, number) | {
        "attribute": {"country": {"values": {"north": 0.5, "south": 0.25, "east": 0.25}}},
        "entries": {1: 0.5, 2: 0.25, 7: 0.25},
    }
    scenario = Scenario.model_validate(data)
    drawn = [_policy(luck, scenario) for _ in range(3)]
    drawn += [_further_rules(luck, scenario, _policy(luck, scenario) | {"capped": True}) for _ in range(5)]
    mixed: dict[str, Any] = {}
    for key in Policy.model_fields:
        there = [each[key] for each in drawn if each.get(key) is not None]
        if there and luck.random() < 0.45:
            mixed[key] = luck.choice(there)
    return scenario, mixed


def random_people(scenario: Scenario, number: int, *, whole_days: bool = False) -> People:
    """Replication `number` of the people of a scenario; `whole_days` as above."""
    people = settle(scenario, draw(scenario, number))
    return on_whole_days(scenario, people) if whole_days else people


def on_whole_days(scenario: Scenario, people: People) -> People:
    """The same people with times and delays rounded up: times to whole days from the start of the scenario,
    an officer's work to whole working days, which end at closing time, and lottery numbers to a handful.
    """
    start = scenario.starts_s
    work_s = round(scenario.offices.hours_per_day * 3600)
    times = ("certified_s", "standing_until_s", "pr_filed_s", "pr_decided_s", "pr_arrival_s", "bridging_s")
    delays = ("answer_delay_s", "refile_delay_s", "withdraws_after_s", "unstaffed_s", "landing_s")
    rounded: dict[str, Any] = {name: start + _up(getattr(people, name) - start, DAY_S) for name in times}
    rounded |= {name: _up(getattr(people, name), DAY_S) for name in delays}
    rounded = {name: np.where(getattr(people, name) >= NEVER, NEVER, rounded[name]) for name in rounded}
    rounded["service_s"] = _up(people.service_s, work_s)
    return replace(people, **rounded, lottery=people.lottery % np.uint64(7))


def is_legal(scenario: Scenario, policy: Policy) -> bool:
    """Whether the rules make sense together; the few combinations that do not are never simulated."""
    spec = scenario.spec(policy)
    if spec.over_cap == "queue" and (spec.counts == "approved" or spec.counter != "exact"):
        return False
    if policy.claims is not None and spec.counts != "accepted":
        return False
    if policy.received_factor is not None and (spec.counts != "received" or spec.over_cap == "queue"):
        return False
    return policy.capped or policy.invite.size != "to-cap"


def _up(amount_s: Seconds, step_s: int) -> Seconds:
    return -(-amount_s // step_s) * step_s


def _scenario(luck: random.Random, number: int) -> dict[str, Any]:
    starts = datetime.date(luck.choice((2021, 2022, 2023)), luck.randint(1, 12), luck.randint(1, 28))
    days = luck.randint(150, 1000)
    ends = starts + datetime.timedelta(days=days)
    crowd = luck.choice((24, 60, 150, 250))
    names = ("arts", "crafts", "letters")[: luck.randint(1, 3)]
    zone = luck.choice(("UTC", "America/Toronto", "Asia/Kolkata"))
    intakes = _intakes(luck, starts, days, crowd, names)
    return {
        "format": 1,
        "name": f"random-{number}",
        "title": "a small random world",
        "time_zone": zone,
        "starts": starts,
        "ends": ends,
        "seed": number,
        "programme": _programme(luck),
        "intake": intakes,
        "streams": _streams(luck, names),
        "residence": luck.choice(
            (
                {"abroad": 1.0},
                {"abroad": 0.5, "other_province": 0.25, "quebec": 0.25},
                {"abroad": 0.75, "quebec": 0.25},
            )
        ),
        "demand": _demand(luck, starts, days, crowd),
        "behaviour": _behaviour(luck),
        "offices": _offices(luck, starts, days, zone),
        "pathways": {
            "permanent_residence": {
                "files_share": luck.choice((0.3, 0.8, 1.0)),
                "files_months": luck.choice((0.5, 2.0)),
                "approved_share": luck.choice((0.3, 0.9)),
                "medians": [{"filed": starts, "months": luck.choice((2, 6, 24))}],
                "sigma": luck.choice((0.2, 1.0)),
            },
            "bridging": {"weeks": {"low": 1, "mode": 4, "high": 20}},
        },
    }


def _programme(luck: random.Random) -> dict[str, Any]:
    return {
        "counts": luck.choice(("accepted", "received", "approved")),
        "gives_back": _some(luck, REASONS),
        "refusals": luck.choice(("fresh", "sticky")),
        "counter": luck.choice(("exact", {"refresh_days": luck.randint(1, 40)})),
        "over_cap": luck.choice(("return", "refuse")),
        "tolerance": luck.choice((0, 3)),
        "certificate_months": luck.choice((3, 9, 24)),
    }


def _intakes(
    luck: random.Random, starts: datetime.date, days: int, crowd: int, names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """One to four, in order and apart, sometimes with a gap; the first may open before the start, the last
    close, or even open, after the end.
    """
    number = luck.randint(1, 4)
    first, last = luck.choice((-20, 0, 0, 15)), days + luck.choice((-30, 1, 40))
    length = (last - first) // number
    intakes = []
    for k in range(number):
        opens = first + k * length
        closes = opens + length - 1 - luck.choice((0, 0, 0, length // 4))
        if k == number - 1 > 0 and luck.random() < 0.1:
            opens, closes = days + 5, days + 50
        cap = luck.choice((0, 1, crowd // 20, crowd // 8, crowd // 3, crowd))
        limited = _some(luck, names) if luck.random() < 0.4 else []
        intakes.append(
            {
                "year": starts.year + k,
                "opens": starts + datetime.timedelta(days=opens),
                "closes": starts + datetime.timedelta(days=closes),
                "cap": cap,
                "stream_caps": {name: luck.randint(0, cap) for name in limited},
            }
        )
    return intakes


def _streams(luck: random.Random, names: tuple[str, ...]) -> dict[str, Any]:
    shares = {1: (1.0,), 2: (0.75, 0.25), 3: (0.5, 0.25, 0.25)}[len(names)]
    all_eligible = len(names) < 3 or luck.random() < 0.5
    return {
        name: {"share": share, "eligible": all_eligible or name != names[-1]}
        for name, share in zip(names, shares, strict=True)
    }


def _demand(luck: random.Random, starts: datetime.date, days: int, crowd: int) -> dict[str, Any]:
    fair = starts + datetime.timedelta(days=luck.randint(0, days // 2))
    surge = {
        "name": "a fair",
        "people": crowd // 3,
        "starts": datetime.datetime.combine(fair, datetime.time(9)),
        "hours": luck.choice((1e-6, 48.0)),
    }
    return {
        "backlog": crowd // 3,
        "backlog_age_months": luck.choice((0.1, 3.0, 12.0)),
        "per_year": crowd / 3,
        "arrivals": luck.choice(("poisson", "fixed")),
        "round_days": luck.choice((7, 30)),
        "certificate_delay_months": {"low": 0, "mode": 1, "high": 2},
        "surges": luck.choice(([], [surge])),
    }


def _behaviour(luck: random.Random) -> dict[str, Any]:
    declines = luck.choice((0.0, 0.05, 0.3))
    low = luck.choice((0.0, 20.0))
    return {
        "score_sd": luck.choice((0.0, 2.0, 40.0)),
        "declines_share": declines,
        "applies_share": luck.choice((0.3, 0.7, 0.7)),
        "answer_days": luck.choice((1e-6, 2.0, 20.0)),
        "answer_sigma": luck.choice((0.0, 0.7)),
        "letter_validity_days": luck.choice(("none", "none", 1, 20, 60)),
        "incomplete_share": luck.choice((0.0, 0.2, 0.6)),
        "refile_share": luck.choice((0.0, 0.5, 1.0)),
        "refile_days": luck.choice((1e-6, 3.0, 20.0)),
        "withdrawal_per_year": luck.choice((0.0, 0.5, 0.999, 1.0)),
        "landing_days_low": low,
        "landing_days_high": low + luck.choice((0.0, 100.0)),
    }


def _offices(luck: random.Random, starts: datetime.date, days: int, zone: str) -> dict[str, Any]:
    # An office that never closes needs a zone without summer time, where every day has 24 hours.
    hours: tuple[float, ...] = (7.5, 2.0, 0.25) if zone == "America/Toronto" else (7.5, 1.0, 24.0)
    lasting = luck.choice(hours)
    return {
        "officers": luck.randint(1, 4),
        "opens_at": "00:00:00" if lasting == 24 else luck.choice(("00:00:00", "08:30:00", "14:00:00")),
        "hours_per_day": lasting,
        "weekdays": luck.choice((WEEK, WEEK[:5], WEEK[2:3])),
        "holidays": [
            starts + datetime.timedelta(days=luck.randint(0, days)) for _ in range(luck.randint(0, 9))
        ],
        "service_hours": lasting * luck.choice((0.1, 1.0, 5.0)),
        "service_sigma": luck.choice((0.0, 0.5)),
        "unstaffed_weeks": luck.choice(
            (
                {"low": 0, "mode": 0, "high": 0},
                {"low": 0, "mode": 1, "high": 3},
                {"low": 2, "mode": 8, "high": 16},
            )
        ),
        "approval_share": luck.choice((0.4, 0.95)),
    }


def _policy(luck: random.Random, scenario: Scenario) -> dict[str, Any]:
    days = (scenario.ends - scenario.starts).days
    dates = {scenario.starts + datetime.timedelta(days=luck.randint(-10, days + 30)) for _ in range(5)}
    every = luck.choice(("year", "quarter", "month", "dates"))
    return {
        "capped": luck.random() < 0.9,
        "invite": {"by": "open"} if luck.random() < 0.2 else _invite(luck),
        "release": {
            "every": every,
            "dates": sorted(dates) if every == "dates" else [],
            "carry": luck.choice(("none", "within-year", "across-years")),
        },
        "reserves": _reserves(luck, scenario),
        "counts": luck.choice((None, "accepted", "received", "approved")),
        "gives_back": luck.choice((None, [], _some(luck, REASONS), list(REASONS))),
        "counter": luck.choice((None, "exact", "exact", {"refresh_days": luck.randint(1, 40)})),
        "over_cap": luck.choice((None, "return", "refuse", "queue", "queue")),
    }


def _invite(luck: random.Random) -> dict[str, Any]:
    size = luck.choice(("pool", "fixed", "to-cap", "to-cap"))
    return {
        "order": luck.choice(("first-come", "lottery", "ranked-lottery", "score")),
        "every_days": luck.choice((1, 7, 14, 30)),
        "size": size,
        "number": luck.randint(0, 12) if size == "fixed" else None,
        "factor": luck.choice((0.3, 1.0, 1.35, 4.0)),
        "letter_validity_days": luck.choice((None, None, "none", 1, 20, 60)),
    }


def _reserves(luck: random.Random, scenario: Scenario) -> list[dict[str, Any]]:
    """Up to one for each stream, if there are others to keep out; no more slots than the smallest cap."""
    names = list(scenario.streams)
    smallest = min(int(intake.cap.value) for intake in scenario.intake)
    reserves: list[dict[str, Any]] = []
    for name in _some(luck, names) if len(names) > 1 else []:
        size = luck.choice(({"slots": luck.randint(0, smallest)}, {"share": luck.choice((0.0, 0.3, 0.55))}))
        reserves.append({"stream": name, "kind": luck.choice(("soft", "hard", "ceiling"))} | size)
    return reserves


def _further_rules(luck: random.Random, scenario: Scenario, rules: dict[str, Any]) -> dict[str, Any]:
    """Rules beyond those of `_policy`, each with a chance of its own, and the switches that they need."""
    days = (scenario.ends - scenario.starts).days

    def some_days(most: int) -> list[datetime.date]:
        chosen = {scenario.starts + datetime.timedelta(days=luck.randint(0, days)) for _ in range(most)}
        return sorted(chosen)

    def chance(share: float) -> bool:
        return luck.random() < share

    found: dict[str, Any] = {"invite": _further_invite(luck, rules["invite"], some_days)}
    if chance(0.3):
        found["claims"] = {"every_days": luck.choice((1, 1, 7, 45)), "order": "first-come"}
        found["claims"]["order"] = luck.choice(("lottery", "lottery", "score", "first-come"))
        if found["claims"]["order"] == "lottery" and chance(0.5):
            found["claims"]["weights"] = _weights(luck, scenario)
        found["counts"] = "accepted"
    elif chance(0.3):
        found |= {"received_factor": luck.choice((1.0, 1.2, 2.5)), "counts": "received"}
        found["over_cap"] = luck.choice(("return", "refuse"))
    if chance(0.3):
        found["waiting_room"] = {"admitted_per_hour": luck.choice((1, 7, 3600, 7777))}
    if chance(0.3):
        found["value_limit"] = {"attribute": "country", "share": luck.choice((0.0, 0.2, 0.5))}
        found["value_limit"]["of"] = luck.choice(("cap", "round"))
    if chance(0.3):
        found["waitlist_expires"] = True
    if chance(0.3):
        found["use_within_days"] = luck.choice((1, 20, 60))
    if not rules["capped"]:
        return {name: found[name] for name in ("invite", "waiting_room", "use_within_days") if name in found}
    if chance(0.3) and rules["release"]["every"] != "year" and rules["release"]["carry"] != "none":
        found["release"] = rules["release"] | {"borrow": luck.choice((0.1, 0.5, 1.0))}
    if chance(0.4):
        found["top_ups"] = [{"date": day, "slots": luck.randint(0, 20)} for day in some_days(3)]
    if chance(0.6):
        found |= _charging_reserves(luck, scenario, some_days)
    return found


def _further_invite(luck: random.Random, invite: dict[str, Any], some_days: Any) -> dict[str, Any]:
    if invite.get("by") == "open":
        return invite
    further = dict(invite)
    if invite["order"] in ("lottery", "ranked-lottery") and luck.random() < 0.5:
        further["weights"] = luck.choice(
            ({"by": "entries"}, {"by": "country", "values": {"south": 3.0, "east": 0.25}})
        )
    if invite["size"] == "to-cap" and luck.random() < 0.5:
        further["adapts_after"] = luck.choice((1, 10, 100))
    if luck.random() < 0.3:
        further["entry_validity_days"] = luck.choice((1, 30, 200))
    if luck.random() < 0.3:
        del further["every_days"]
        further["dates"] = some_days(luck.choice((1, 4)))
    return further


def _weights(luck: random.Random, scenario: Scenario) -> dict[str, Any]:
    first = next(iter(scenario.streams))
    by_stream = {"by": "stream", "values": {first: luck.choice((0.1, 1.0, 5.0))}}
    return luck.choice((by_stream, {"by": "entries"}))


def _charging_reserves(luck: random.Random, scenario: Scenario, some_days: Any) -> dict[str, Any]:
    """Reserves that are pools of slots, one for each of some streams or all, and whether they spill."""
    names = list(scenario.streams)
    smallest = min(int(intake.cap.value) for intake in scenario.intake)
    chosen = luck.choice((names, _some(luck, names)))
    reserves = [
        {
            "stream": name,
            "kind": luck.choice(("reserve-first", "reserve-last")),
            "slots": luck.randint(0, smallest // len(names)),
        }
        for name in chosen
    ]
    further: dict[str, Any] = {"reserves": reserves}
    if len(chosen) > 1 and luck.random() < 0.6:
        further["spill"] = {"dates": some_days(2), "streams": luck.sample(chosen, len(chosen))}
    return further


def _some(luck: random.Random, among: tuple[str, ...] | list[str]) -> list[str]:
    return [one for one in among if luck.random() < 0.5]
