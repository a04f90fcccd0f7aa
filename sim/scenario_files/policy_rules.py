"""Compositions of a policy that cannot be run, each with the reason.

A policy overrides some switches of the programme, so a composition is judged as it comes out: the programme's
switches alone first, then each policy of the file where it adds something.
"""

from collections.abc import Iterator

from sim.policy import Policy, Refresh, Reserve
from sim.scenario import Programme, Scenario
from sim.scenario_files.faults import Fault
from sim.scenario_files.rules import Rule, no_such_stream, reach
from sim.scenario_files.schema import Path


def switches_of_the_programme(scenario: Scenario) -> Iterator[Fault]:
    for message in _queue_needs(scenario.programme, Policy()):
        yield Fault(("programme", "over_cap"), message, 'over_cap = "return" or "refuse"')


def switches_of_a_policy(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        own = [key for key in ("over_cap", "counts", "counter") if getattr(policy, key) is not None]
        if own:
            for message in _queue_needs(scenario.programme, policy):
                yield Fault(("policies", name, own[0]), message, 'over_cap = "return" or "refuse"')


def _queue_needs(rules: Programme, policy: Policy) -> Iterator[str]:
    if (policy.over_cap or rules.over_cap) != "queue":
        return
    if (policy.counts or rules.counts) == "approved":
        yield (
            'over_cap = "queue" with counts = "approved": only decided files would meet the cap, '
            "and those have nothing left to queue for"
        )
    if isinstance(policy.counter if policy.counter is not None else rules.counter, Refresh):
        yield (
            'over_cap = "queue" with a refreshed counter: a stale count would promise queued people '
            "slots that are gone"
        )


def letters_of_an_uncapped_policy(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        if not policy.capped and policy.invite.size == "to-cap":
            message = 'size = "to-cap" with capped = false: without a cap no slots are counted'
            yield Fault(("policies", name, "invite", "size"), message, '"pool" or "fixed"')


def slots_of_an_uncapped_policy(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        if not policy.capped:
            absent = "a policy with capped = false has no slots to {}; leave out {} or capped = false"
            if policy.reserves:
                yield Fault(("policies", name, "reserves"), absent.format("keep back", "reserves"))
            if policy.release.every != "year":
                yield Fault(("policies", name, "release", "every"), absent.format("release", "release"))
            if isinstance(policy.counter, Refresh):
                yield Fault(("policies", name, "counter"), absent.format("count", "counter"))


def open_intake_sends_no_letters(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        if policy.invite.by == "open" and policy.invite.letter_validity_days is not None:
            message = 'by = "open" sends no letters, so none can expire'
            yield Fault(("policies", name, "invite", "letter_validity_days"), message, mend="leave it out")


def reserves_name_streams(scenario: Scenario) -> Iterator[Fault]:
    for path, reserve in _reserves(scenario):
        if reserve.stream not in scenario.streams:
            yield no_such_stream(scenario, (*path, "stream"), reserve.stream)


def reserves_can_be_used(scenario: Scenario) -> Iterator[Fault]:
    for path, reserve in _reserves(scenario):
        if reserve.stream in scenario.streams and not scenario.streams[reserve.stream].eligible:
            message = f'the stream "{reserve.stream}" is not eligible, so nobody could use these slots'
            yield Fault((*path, "stream"), message)


def one_reserve_a_stream(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        streams = [reserve.stream for reserve in policy.reserves]
        for k, stream in enumerate(streams):
            if stream in streams[:k]:
                message = f'the stream "{stream}" has a reserve already'
                yield Fault(("policies", name, "reserves", k, "stream"), message, mend="make one of the two")


def _reserves(scenario: Scenario) -> Iterator[tuple[Path, Reserve]]:
    for name, policy in scenario.policies.items():
        for k, reserve in enumerate(policy.reserves):
            yield ("policies", name, "reserves", k), reserve


def reserves_fit_under_every_cap(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        kept = [reserve for reserve in policy.reserves if reserve.kind != "ceiling"]
        if not kept:
            continue
        for intake in scenario.intake:
            cap = reach(intake.cap, lowest=True)
            slots = sum(r.slots if r.slots is not None else int((r.share or 0.0) * cap) for r in kept)
            if slots > cap:
                last = max(k for k, reserve in enumerate(policy.reserves) if reserve in kept)
                key = "slots" if policy.reserves[last].slots is not None else "share"
                message = f"the reserves keep {slots} slots of {intake.year}, whose cap is {cap:g}"
                yield Fault(("policies", name, "reserves", last, key), message, f"at most {cap:g} in all")
                break


def releases_are_inside_an_intake(scenario: Scenario) -> Iterator[Fault]:
    for name, policy in scenario.policies.items():
        dates = policy.release.dates
        for k, day in enumerate(dates):
            path = ("policies", name, "release", "dates", k)
            if k and day <= dates[k - 1]:
                yield Fault(path, f"{day} is not after the date before it", "dates in order")
            elif any(day == intake.opens for intake in scenario.intake):
                message = f"{day} is the first day of an intake, where the first window begins anyway"
                yield Fault(path, message, mend="leave it out")
            elif not any(intake.opens < day <= intake.closes for intake in scenario.intake):
                yield Fault(path, f"{day} is outside every intake", "a day on which an intake is open")


RULES: tuple[Rule, ...] = (
    switches_of_the_programme,
    switches_of_a_policy,
    letters_of_an_uncapped_policy,
    slots_of_an_uncapped_policy,
    open_intake_sends_no_letters,
    reserves_name_streams,
    reserves_can_be_used,
    one_reserve_a_stream,
    reserves_fit_under_every_cap,
    releases_are_inside_an_intake,
)
