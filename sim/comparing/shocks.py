"""Shocks: situations that no policy chooses, each as a name and values replaced in the scenario.

The catalogue is what planners of a capped programme meet: demand halved and doubled, fewer approvals, a stop
of arrivals of three and of nine months, permanent residence that comes sooner. A scenario adds its own under
[shocks.NAME]; one that bears a name of the catalogue replaces it. A shock hits all policies alike, and under
it everybody keeps their luck, so what differs between two situations is the shock.

*Arrivals stop* from three months after the start on: the rounds that would have brought these certificates
do not take place, and the people do not come later. Since the time from a round to a certificate varies,
arrivals thin out before and after.
"""

import datetime
from typing import Any, NamedTuple

from sim.errors import BadInput, complaint
from sim.policy import Policy
from sim.scenario import Scenario
from sim.scenario_files.settings import replaced

FEWER_APPROVALS = 0.10
SPEED_UP = 1.5
STOP_BEGINS_MONTHS = 3.0
DAYS_A_MONTH = 30.4375


class Shock(NamedTuple):
    """One situation."""

    name: str
    summary: str
    settings: dict[str, Any]
    """Dotted key -> value, as with --set."""


def shocks(scenario: Scenario) -> tuple[Shock, ...]:
    """The situations of a scenario: the catalogue, with the scenario's own in place of or after it."""
    found = {each.name: each for each in catalogue(scenario)}
    own = scenario.model_dump(include={"shocks"})["shocks"]
    found |= {name: Shock(name, each["summary"], each["settings"]) for name, each in own.items()}
    return tuple(found.values())


def catalogue(scenario: Scenario) -> tuple[Shock, ...]:
    """The shocks that are tried in any scenario, each in terms of its own numbers."""
    multiple = scenario.demand.multiple.value
    approval = scenario.offices.approval_share.value
    medians = scenario.pathways.permanent_residence.medians
    sooner = {
        f"pathways.permanent_residence.medians.{k}.months": round(point.months.value / SPEED_UP, 4)
        for k, point in enumerate(medians, 1)
    }
    if not scenario.pathways.permanent_residence.model_fields_set & {"medians"}:
        sooner = {"pathways.permanent_residence.medians": [_point(each, SPEED_UP) for each in medians]}
    return (
        Shock("demand-halved", "half the people", {"demand.multiple": multiple / 2}),
        Shock("demand-doubled", "twice the people", {"demand.multiple": multiple * 2}),
        Shock(
            "fewer-approvals",
            f"approvals {100 * FEWER_APPROVALS:g} points lower",
            {"offices.approval_share": round(max(0.0, approval - FEWER_APPROVALS), 6)},
        ),
        Shock("stop-3-months", "no arrivals for 3 months", _stop(scenario, 3)),
        Shock("stop-9-months", "no arrivals for 9 months", _stop(scenario, 9)),
        Shock("sooner-residence", f"permanent residence {SPEED_UP:g} times as fast", sooner),
    )


def _stop(scenario: Scenario, months: int) -> dict[str, Any]:
    """The events of the scenario and one more: a halt of the rounds behind so many months of arrivals."""
    delay = scenario.demand.certificate_delay_months.mode
    begins = scenario.starts + datetime.timedelta(days=round((STOP_BEGINS_MONTHS - delay) * DAYS_A_MONTH))
    ends = begins + datetime.timedelta(days=round(months * DAYS_A_MONTH) - 1)
    name = f"no arrivals for {months} months"
    there = [each.model_dump(exclude_none=True, exclude_unset=True) for each in scenario.demand.events]
    return {"demand.events": [*there, {"name": name, "starts": begins, "ends": ends, "factor": 0.0}]}


def _point(point: Any, times: float) -> dict[str, Any]:
    return {"filed": point.filed, "months": round(point.months.value / times, 4)}


def struck(scenario: Scenario, shock: Shock, policies: tuple[tuple[str, Policy], ...]) -> Scenario:
    """The scenario under a shock; BadInput if it cannot be, or if it would change what is compared."""
    changed = replaced(scenario, shock.settings)
    after = tuple((name, changed.policy(name)) for name, _ in policies)
    if after != policies:
        raise complaint("a shock changes the policies", expected="values that no policy chooses")
    return changed


def possible(
    scenario: Scenario, policies: tuple[tuple[str, Policy], ...], *, people: float, most: float
) -> tuple[list[tuple[Shock, Scenario]], dict[str, str]]:
    """The shocks that can be tried, each with its scenario, and those that cannot, with the reason.

    `people` is how many there are in scope without a shock; a shock that asks for more than `most` is left
    out, as it would take very long.
    """
    found: list[tuple[Shock, Scenario]] = []
    left_out: dict[str, str] = {}
    for shock in shocks(scenario):
        try:
            changed = struck(scenario, shock, policies)
        except BadInput as error:
            left_out[shock.name] = error.problems[0].message
            continue
        times = changed.demand.multiple.value / scenario.demand.multiple.value
        if people * times > most:
            left_out[shock.name] = f"more than {most:,.0f} people"
            continue
        found.append((shock, changed))
    return found, left_out
