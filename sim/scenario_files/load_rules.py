"""What must hold between [load] and the rest of a scenario, so that a load test of it can be planned."""

import datetime
from collections.abc import Iterator

from sim.errors import nearest
from sim.load import Load
from sim.policy import Refresh, only_simulated
from sim.scenario import Scenario
from sim.scenario_files.faults import Fault
from sim.scenario_files.rules import Rule

MOST_RETRIES = 100
"""More would outlast any run, since the pause doubles with each."""


def load_policy_is_a_policy(scenario: Scenario) -> Iterator[Fault]:
    name, names = scenario.load.policy, scenario.policy_names()
    if name is not None and name not in names:
        near = nearest(name, names)
        mend = f'write "{near}"' if near else ""
        yield Fault(("load", "policy"), f'there is no policy "{name}"', f"one of {', '.join(names)}", mend)


def load_policy_can_be_replayed(scenario: Scenario) -> Iterator[Fault]:
    name = scenario.load.policy
    keys = only_simulated(scenario.policy(name)) if name in scenario.policy_names() and name else []
    if keys:
        message = f'a service is not told of {", ".join(keys)}, so "{name}" cannot be replayed as traffic'
        yield Fault(("load", "policy"), message, "a policy without")


def one_way_to_set_the_pace(scenario: Scenario) -> Iterator[Fault]:
    load = scenario.load
    ways = [name for name in ("compress", "minutes", "ramp") if getattr(load, name) is not None]
    if len(ways) > 1:
        yield Fault(("load", ways[1]), f"{ways[0]} sets the pace already", mend="leave one of the two out")


def load_window_is_inside(scenario: Scenario) -> Iterator[Fault]:
    window = scenario.load.window
    if window is None:
        return
    span = f"the scenario, {scenario.starts} to {scenario.ends}"
    for key in ("day", "starts", "ends"):
        moment = getattr(window, key)
        if moment is not None and not scenario.starts <= _day(moment, key) <= scenario.ends:
            yield Fault(("load", "window", key), f"{moment.isoformat()} is outside {span}")


def _day(moment: datetime.date | datetime.datetime, key: str) -> datetime.date:
    """The day that must be simulated for a moment; a window may end with the midnight after the last."""
    if isinstance(moment, datetime.datetime):
        return (moment - datetime.timedelta(microseconds=1) if key == "ends" else moment).date()
    return moment


def some_may_apply(scenario: Scenario) -> Iterator[Fault]:
    if scenario.load.ineligible_share.value >= 1.0:
        message = "1 leaves nobody who may apply"
        yield Fault(("load", "ineligible_share"), message, "a number below 1")


def retries_come_to_an_end(scenario: Scenario) -> Iterator[Fault]:
    most = scenario.load.retries.high
    if most > MOST_RETRIES:
        message = f"{most:g} retries, each after twice the pause of the one before, come to no end"
        yield Fault(("load", "retries", "high"), message, f"at most {MOST_RETRIES}")


def a_ramp_goes_up(scenario: Scenario) -> Iterator[Fault]:
    ramp = scenario.load.ramp
    if ramp is not None and ramp.ends_per_s.value < ramp.starts_per_s.value:
        message = f"{ramp.ends_per_s.value:g} is below starts_per_s = {ramp.starts_per_s.value:g}"
        yield Fault(("load", "ramp", "ends_per_s"), message)


def what_must_be_seen_is_sent(scenario: Scenario) -> Iterator[Fault]:
    load, behaviour = scenario.load, scenario.behaviour
    needs = {
        "hedges": (load.hedge_share.value, "under [load]: hedge_share = 0.01"),
        "repeats": (load.repeat_share.value, "under [load]: repeat_share = 0.01"),
        "ineligible": (load.ineligible_share.value, "under [load]: ineligible_share = 0.01"),
        "reads": (load.reads_per_s.value, "under [load]: reads_per_s = 1"),
        "tickets": (load.waiting_room, "under [load]: waiting_room = { admitted_per_minute = 100 }"),
        "incomplete": (behaviour.incomplete_share.value, "under [behaviour]: incomplete_share = 0.05"),
        "withdrawals": (behaviour.withdrawal_per_year.value, "under [behaviour]: withdrawal_per_year = 0.1"),
        "revocations": (1.0 - scenario.offices.approval_share.value, "under [offices]: approval_share = 0.9"),
        "refreshes": (_is_refreshed(scenario, load), "under [programme]: counter = { refresh_days = 7 }"),
    }
    for name, (source, line) in needs.items():
        if getattr(load.must_see, name) > 0 and not source:
            yield Fault(("load", "must_see", name), f"the scenario has no {name}", mend=f"write {line}")


def intakes_to_be_seen_are_there(scenario: Scenario) -> Iterator[Fault]:
    wanted, there = scenario.load.must_see.intakes, len(scenario.intake)
    if wanted > there:
        message = f"{wanted} intakes cannot be seen, there are {there}"
        yield Fault(("load", "must_see", "intakes"), message, f"at most {there}")


def _is_refreshed(scenario: Scenario, load: Load) -> bool:
    """Whether claims are judged by a copy of the count, under the policy that is replayed."""
    name = load.policy or scenario.baseline
    own = scenario.policy(name).counter if name in scenario.policy_names() else None
    return isinstance(own if own is not None else scenario.programme.counter, Refresh)


RULES: tuple[Rule, ...] = (
    load_policy_is_a_policy,
    load_policy_can_be_replayed,
    one_way_to_set_the_pace,
    load_window_is_inside,
    some_may_apply,
    retries_come_to_an_end,
    a_ramp_goes_up,
    what_must_be_seen_is_sent,
    intakes_to_be_seen_are_there,
)
