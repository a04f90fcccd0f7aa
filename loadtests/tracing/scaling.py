"""A scenario made smaller: people, caps, officers and readings shrink together, so that the crush stays."""

from typing import Any, TypeVar

from sim.labelled import Labelled
from sim.load import Load, MustSee
from sim.policy import Policy, Record
from sim.scenario import Intake, Scenario

R = TypeVar("R", bound=Record)


def scaled(scenario: Scenario, scale: float) -> Scenario:
    """The scenario at a scale: 0.02 has one person and one slot for fifty; shares and times stay."""
    assert scale > 0, scale
    if scale == 1.0:
        return scenario
    demand, officers = scenario.demand, scenario.offices.officers
    return _with(
        scenario,
        demand=_with(demand, multiple=_times(demand.multiple, scale)),
        intake=tuple(_intake(each, scale) for each in scenario.intake),
        programme=_with(scenario.programme, tolerance=_whole(scenario.programme.tolerance, scale)),
        offices=_with(scenario.offices, officers=_times(officers, scale, least=1)),
        policies={name: _policy(each, scale) for name, each in scenario.policies.items()},
        load=_load(scenario.load, scale),
    )


def _with(record: R, **changes: Any) -> R:
    return record.model_copy(update=changes)


def _times(number: Labelled, scale: float, *, least: int | None = None) -> Labelled:
    """The number times the scale, without its range; whole where a least is given."""
    value = number.value * scale if least is None else max(least, _whole(number.value, scale))
    return number.model_copy(update={"value": value, "low": None, "high": None})


def _whole(count: float, scale: float) -> int:
    """A count at the scale, rounded half up; what there was some of stays at least 1."""
    return max(1, int(count * scale + 0.5)) if count > 0 else 0


def _intake(intake: Intake, scale: float) -> Intake:
    ceilings = {name: _times(most, scale, least=0) for name, most in intake.stream_caps.items()}
    return _with(intake, cap=_times(intake.cap, scale, least=0), stream_caps=ceilings)


def _policy(policy: Policy, scale: float) -> Policy:
    reserves = tuple(
        each if each.slots is None else _with(each, slots=_whole(each.slots, scale))
        for each in policy.reserves
    )
    number = policy.invite.number
    invite = policy.invite if number is None else _with(policy.invite, number=_whole(number, scale))
    return _with(policy, reserves=reserves, invite=invite)


def _load(load: Load, scale: float) -> Load:
    changes: dict[str, Any] = {"reads_per_s": _times(load.reads_per_s, scale)}
    if load.waiting_room is not None:
        rate = _times(load.waiting_room.admitted_per_minute, scale)
        changes["waiting_room"] = _with(load.waiting_room, admitted_per_minute=rate)
    counts = {name: getattr(load.must_see, name) for name in MustSee.model_fields}
    for name in (
        "refusals",
        "hedges",
        "repeats",
        "withdrawals",
        "revocations",
        "incomplete",
        "ineligible",
        "tickets",
        "reads",
    ):
        counts[name] = _whole(counts[name], scale)
    return _with(load, must_see=MustSee(**counts), **changes)
