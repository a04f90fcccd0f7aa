"""Compositions of a policy's further rules that cannot be run, each with the reason: draws, limits, dates.

Like sim.scenario_files.policy_rules, a composition is judged with the programme's switches as they come out
under the policy; here each policy of the file is judged, where a rule of its own asks for it.
"""

import datetime
from collections.abc import Iterator

from sim.errors import nearest
from sim.policy import Policy, Weights, charging
from sim.scenario import Scenario
from sim.scenario_files.faults import Fault
from sim.scenario_files.rules import Rule, no_such_stream
from sim.scenario_files.schema import Path


def _policies(scenario: Scenario) -> Iterator[tuple[Path, Policy]]:
    for name, policy in scenario.policies.items():
        yield ("policies", name), policy


def claims_are_of_complete_applications(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        counts = policy.counts or scenario.programme.counts
        if policy.claims is not None and counts != "accepted":
            why = {
                "received": "an application counts the moment it is filed, so none waits for a draw",
                "approved": "only decided files would be drawn, and those have nothing left to decide",
            }
            message = f'claims with counts = "{counts}": {why[counts]}'
            yield Fault((*path, "claims"), message, 'counts = "accepted"')


def two_stages_count_what_is_received(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        counts = policy.counts or scenario.programme.counts
        if policy.received_factor is not None and counts != "received":
            message = (
                f'received_factor with counts = "{counts}": incomplete applications are not counted at all'
            )
            yield Fault((*path, "received_factor"), message, 'counts = "received"')
        elif (
            policy.received_factor is not None and (policy.over_cap or scenario.programme.over_cap) == "queue"
        ):
            message = (
                'received_factor with over_cap = "queue": incomplete applications would wait for nothing'
            )
            yield Fault((*path, "received_factor"), message, 'over_cap = "return" or "refuse"')


def there_is_a_waitlist_to_expire(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        if policy.waitlist_expires and (policy.over_cap or scenario.programme.over_cap) != "queue":
            message = "nobody waits for a slot under this policy, so nothing can expire"
            yield Fault((*path, "waitlist_expires"), message, 'over_cap = "queue"')


def an_uncapped_policy_shares_out_nothing(scenario: Scenario) -> Iterator[Fault]:
    absent = "a policy with capped = false has no slots to {}; leave out {} or capped = false"
    words = {"claims": "draw for", "top_ups": "add to", "received_factor": "take applications in for"}
    for path, policy in _policies(scenario):
        if policy.capped:
            continue
        for key, doing in words.items():
            if getattr(policy, key):
                yield Fault((*path, key), absent.format(doing, key))
        if policy.value_limit is not None and policy.value_limit.of == "cap":
            yield Fault((*path, "value_limit"), absent.format("limit", "value_limit"))


def weights_name_what_there_is(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        for key, rules in (("invite", policy.invite), ("claims", policy.claims)):
            weights = rules.weights if rules is not None else None
            if weights is not None:
                yield from _weights(scenario, (*path, key, "weights"), weights)


def _weights(scenario: Scenario, path: Path, weights: Weights) -> Iterator[Fault]:
    if weights.by == "entries":
        return
    known = ["entries", "stream", *scenario.attribute]
    if weights.by not in known:
        message = f'nobody can be weighed by "{weights.by}"'
        yield Fault((*path, "by"), message, f"one of {', '.join(known)}", _mend(weights.by, known))
        return
    values = list(scenario.streams if weights.by == "stream" else scenario.attribute[weights.by].values)
    for name in weights.values:
        if name not in values:
            message = f'"{name}" is no value of {weights.by}'
            mend = _mend(name, values).replace('"', "")
            yield Fault((*path, "values", name), message, f"one of {', '.join(values)}", mend, at_key=True)


def _mend(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    return f'write "{near}"' if near else ""


def a_value_limit_has_an_attribute(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        limit = policy.value_limit
        if limit is None:
            continue
        if limit.attribute not in scenario.attribute:
            message = (
                f'there is no attribute "{limit.attribute}", a table [attribute.NAME] of values and shares'
            )
            known = list(scenario.attribute)
            wanted = f"one of {', '.join(known)}" if known else "a table such as [attribute.country]"
            yield Fault((*path, "value_limit", "attribute"), message, wanted, _mend(limit.attribute, known))
        if limit.of == "round" and policy.invite.by == "open":
            message = 'of = "round" with invite by = "open": there are no rounds to limit'
            yield Fault((*path, "value_limit", "of"), message, '"cap"')


def spilt_slots_have_been_reserved(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        streams = policy.spill.streams if policy.spill else ()
        for k, stream in enumerate(streams):
            where = (*path, "spill", "streams", k)
            if stream not in scenario.streams:
                yield no_such_stream(scenario, where, stream)
            elif stream in streams[:k]:
                yield Fault(where, f'"{stream}" is in the list twice')
            elif stream not in charging(policy):
                message = f'the stream "{stream}" has no slots of its own that could spill'
                wanted = 'a reserve of kind = "reserve-first" or "reserve-last" for it'
                yield Fault(where, message, wanted)


def rises_and_spills_are_inside_an_intake(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        for k, top_up in enumerate(policy.top_ups):
            yield from _inside(scenario, (*path, "top_ups", k, "date"), top_up.date)
        for k, day in enumerate(policy.spill.dates if policy.spill else ()):
            yield from _inside(scenario, (*path, "spill", "dates", k), day)


def _inside(scenario: Scenario, path: Path, day: datetime.date) -> Iterator[Fault]:
    if not any(intake.opens < day <= intake.closes for intake in scenario.intake):
        message = f"{day} is not inside an intake, after its first day"
        yield Fault(path, message, "a day on which an intake is open")


def rounds_are_inside_the_scenario(scenario: Scenario) -> Iterator[Fault]:
    for path, policy in _policies(scenario):
        dates = policy.invite.dates
        for k, day in enumerate(dates):
            where = (*path, "invite", "dates", k)
            if k and day <= dates[k - 1]:
                yield Fault(where, f"{day} is not after the date before it", "dates in order")
            elif not scenario.starts <= day <= scenario.ends:
                span = f"the scenario, {scenario.starts} to {scenario.ends}"
                yield Fault(where, f"{day} is outside {span}")


RULES: tuple[Rule, ...] = (
    claims_are_of_complete_applications,
    two_stages_count_what_is_received,
    there_is_a_waitlist_to_expire,
    an_uncapped_policy_shares_out_nothing,
    weights_name_what_there_is,
    a_value_limit_has_an_attribute,
    spilt_slots_have_been_reserved,
    rises_and_spills_are_inside_an_intake,
    rounds_are_inside_the_scenario,
)
