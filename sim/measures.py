"""The measures of one outcome: a flat table of numbers, one replication under one policy.

`measure` returns every name that `measuring.definitions` explains, in an order that depends on the scenario
and its intakes, not on chance, so that replications line up as rows. Intakes, chances, waits, time saved and
the offices' work each have a module of their own; here they are put together, with the funnel from letter
to arrival.

Only what happened by the horizon counts; people still waiting there are stock or censored, never lost.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.clock import NEVER
from sim.ledger import Spec
from sim.measuring.definitions import MEASURES, PARTS, Measure, definition
from sim.measuring.fairness import fairness_measures
from sim.measuring.intakes import intake_measures, uptake
from sim.measuring.waits import time_measures, wait_measures
from sim.measuring.workload import workload_measures
from sim.outcome import (
    BRIDGING,
    CERTIFICATE_EXPIRED,
    DECLINED,
    INVITED,
    LAPSED,
    PERMIT_UNUSED,
    PR_FIRST,
    PR_REFUSED,
    REFUSED,
    RETURNED_INCOMPLETE,
    STATUSES,
    WAITLISTED,
    WITHDRAWN,
    Outcome,
)
from sim.people import People
from sim.policy import Policy
from sim.population import Flags
from sim.scenario import Scenario

__all__ = ["MEASURES", "Measure", "definition", "measure", "uptake"]


def measure(
    scenario: Scenario,
    people: People,
    outcome: Outcome,
    *,
    spec: Spec | None = None,
    only: Sequence[str] | None = None,
) -> dict[str, float]:
    """Name -> value of one replication; nan where a measure is not defined or not estimable.

    `spec` has the switches of the policy that was simulated, `scenario.spec(policy)`; without it they are
    the scenario's own. It matters for policies that override what counts, gives back or happens over the cap.
    With `only` the measures are those named, and what comes with them at no cost.
    """
    spec = scenario.spec(Policy()) if spec is None else spec
    bridging = float(np.count_nonzero(outcome.status == BRIDGING))
    people, outcome = in_scope(people, outcome)
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "intakes": lambda: intake_measures(scenario, outcome, spec),
        "funnel": lambda: _funnel(scenario, people, outcome, spec) | {"bridging_permits": bridging},
        "fairness": lambda: fairness_measures(scenario, people, outcome),
        "waits": lambda: wait_measures(scenario, people, outcome, spec),
        "time": lambda: time_measures(scenario, people, outcome),
        "workload": lambda: workload_measures(scenario, people, outcome, spec),
    }
    wanted = None if only is None else {name.partition("/")[0] for name in only}
    found: dict[str, float] = {}
    for name, part in parts.items():
        if wanted is None or not wanted.isdisjoint(PARTS[name]):
            found |= part()
    return found


def in_scope(people: People, outcome: Outcome) -> tuple[People, Outcome]:
    """The rows of people in scope: nobody else has a course to measure."""
    if people.in_scope.all():
        return people, outcome
    rows = np.flatnonzero(people.in_scope)
    columns = {field.name: getattr(people, field.name) for field in dataclasses.fields(people)}
    attributes = {name: column[rows] for name, column in columns.pop("attributes").items()}
    chosen = People(**{name: column[rows] for name, column in columns.items()}, attributes=attributes)
    course = {name: column[rows] for name, column in outcome.columns().items()}
    return chosen, Outcome(**course, filings_s=outcome.filings_s, intakes=outcome.intakes)


def _funnel(scenario: Scenario, people: People, outcome: Outcome, spec: Spec) -> dict[str, float]:
    """From letter to arrival, with the losses on the way."""
    ended = dict(zip(STATUSES, np.bincount(outcome.status, minlength=len(STATUSES)).tolist(), strict=True))
    letters = _count(outcome.letter_s < NEVER)
    wasted = {f"invitations_wasted/cause={cause}": _count(lost) for cause, lost in _wasted(outcome).items()}
    streams = {name: k for k, (name, stream) in enumerate(scenario.streams.items()) if stream.eligible}
    arrived = outcome.arrived_s < NEVER
    return {
        "in_scope": float(len(people)),
        **{f"in_scope/stream={name}": _count(people.stream == k) for name, k in streams.items()},
        "letters": letters,
        "letters_outstanding": float(ended[STATUSES[INVITED]]),
        "invitations_wasted": sum(wasted.values()),
        **wasted,
        "invitations_wasted_share": sum(wasted.values()) / letters if letters else np.nan,
        "applicants": _count(outcome.attempts > 0),
        "applications": float(len(outcome.filings_s)),
        **{
            f"applications/{each.year}": float(
                np.diff(np.searchsorted(outcome.filings_s, [each.opens_s, each.closes_s]))[0]
            )
            for each in outcome.intakes
        },
        "incomplete_returns": _count(_returned_incomplete(people, outcome, spec)),
        "over_cap_returns": float(outcome.full_count.sum()),
        "over_cap_persons": _count(outcome.full_count > 0),
        "withdrawn": float(ended[STATUSES[WITHDRAWN]]),
        "refused": float(ended[STATUSES[REFUSED]]),
        "permits_unused": float(ended[STATUSES[PERMIT_UNUSED]]),
        "arrivals": _count(arrived),
        "persons_arrived": float(people.family_size[arrived].sum()),
        "pr_first": float(ended[STATUSES[PR_FIRST]]),
        "certificates_expired": float(ended[STATUSES[CERTIFICATE_EXPIRED]]),
    }


def _wasted(outcome: Outcome) -> dict[str, Flags]:
    """Whose letter came to nothing, by cause; no letter has two, and an open one none.

    An application over the cap is the cause whatever came after it, unless it still waits in line; handed
    back as incomplete, only if the person did not come back. A letter is overtaken if the standing of its
    holder ended first.
    """
    status = outcome.status
    lost = (outcome.letter_s < NEVER) & (outcome.slot_s == NEVER)
    met_cap = lost & (outcome.full_count > 0)
    lost &= outcome.full_count == 0
    overtaken = (status == PR_FIRST) | (status == PR_REFUSED) | (status == CERTIFICATE_EXPIRED)
    return {
        "declined": lost & (status == DECLINED),
        "lapsed": lost & (status == LAPSED),
        "overtaken": lost & overtaken,
        "incomplete": lost & (status == RETURNED_INCOMPLETE),
        "over-cap": met_cap & (status != WAITLISTED),
    }


def _returned_incomplete(people: People, outcome: Outcome, spec: Spec) -> Flags:
    """Whose first application was handed back as incomplete; a second one always is complete.

    Under counts = received an incomplete application may find the cap reached before anyone looks into it.
    """
    filed: Flags = ~people.complete & (outcome.attempts > 0)
    if spec.counts != "received":
        return filed
    looked_into = (outcome.first_full_s != outcome.first_filed_s) | (outcome.spent > 0)
    looked_into |= outcome.status == RETURNED_INCOMPLETE
    if spec.over_cap == "queue":
        looked_into |= outcome.attempts > 1
    filed &= looked_into
    return filed


def _count(flags: NDArray[np.bool_]) -> float:
    return float(np.count_nonzero(flags))
