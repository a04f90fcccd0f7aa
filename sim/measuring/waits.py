"""How long people wait, and how much sooner they come than by permanent residence alone.

Two clocks. *Application to decision* runs from the filing that was taken on, and asks how long an application
takes that stays: who withdraws or gets permanent residence first is censored there, as is the horizon.
*Certificate to permit* runs from the certificate and asks what becomes of a holder: permanent residence and
every other end compete with the permit, and the backlog is watched from its age at the start only.

Time saved needs no estimate. R, the arrival by permanent residence alone, is drawn with the person and the
same under every policy, and w is the arrival on the permit; arrivals after the horizon are left out, while R
may lie beyond it. Someone whom permanent residence would never bring saves the validity of a permit.
"""

import math

import numpy as np

from sim.clock import DAY_S, MONTH_S, NEVER, WEEK_S, YEAR_S, Seconds
from sim.ledger import Spec
from sim.measuring.survival import Incidence, cumulative_incidence
from sim.outcome import (
    DECLINED,
    PR_FIRST,
    REFUSED,
    REFUSED_OVER_CAP,
    RETURNED_INCOMPLETE,
    RETURNED_OVER_CAP,
    STATUSES,
    WITHDRAWN,
    Outcome,
    Whole,
)
from sim.people import People
from sim.population import Flags
from sim.scenario import Scenario

ENDS = ("permit", "permanent residence", "lapsed", "refused", "withdrew")
"""What becomes of a certificate holder, each competing with the others: a permit; permanent residence granted
before one; the letter or the certificate lapsed (or permanent residence was refused, which ends it); the
application was refused on the merits; the letter was declined or the application withdrawn."""
PERMIT_GOT, PERMANENT_RESIDENCE, LAPSE, REFUSAL, WITHDRAWAL = range(1, 6)  # causes of `certificate_to_permit`


def wait_measures(scenario: Scenario, people: People, outcome: Outcome, spec: Spec) -> dict[str, float]:
    """The measures of waiting, by name; quantiles are nan where too few are seen to leave."""
    office = application_to_decision(scenario, people, outcome, spec)
    course = certificate_to_permit(scenario, people, outcome)
    standard_s = scenario.objectives.decision_weeks.value * WEEK_S
    return {
        "median_wait_days": office.quantile(0.5) / DAY_S,
        **{
            f"median_wait_days/{intake.year}": application_to_decision(
                scenario, people, outcome, spec, filed_in=(intake.opens_s, intake.closes_s)
            ).quantile(0.5)
            / DAY_S
            for intake in outcome.intakes
        },
        "p90_wait_days": office.quantile(0.9) / DAY_S,
        "service_level": office.incidence_at(standard_s),
        **{f"permit_within_{n}_months": course.incidence_at(n * MONTH_S) for n in (6, 12, 24)},
        "median_months_to_permit": course.quantile(0.5) / MONTH_S,
    }


def taken_on(people: People, outcome: Outcome, spec: Spec) -> Flags:
    """Whose last filing waits or waited for an answer: it was not handed back on the spot."""
    if spec.counts == "approved":
        waits: Flags = (outcome.attempts > 0) & (people.complete | (outcome.attempts > 1))
    elif spec.over_cap == "queue":
        stays_in_line = (outcome.full_count > 0) & (outcome.status != RETURNED_INCOMPLETE)
        waits = stays_in_line | (outcome.slot_s < NEVER)
    else:
        waits = outcome.slot_s < NEVER
    return waits


def application_to_decision(
    scenario: Scenario,
    people: People,
    outcome: Outcome,
    spec: Spec,
    *,
    filed_in: tuple[int, int] = (0, NEVER),
) -> Incidence:
    """Kaplan-Meier of the seconds from the filing taken on to its decision, waiting lists included.

    `filed_in` picks the filings from one second up to, not including, another.
    """
    begins, ends = filed_in
    filed = (outcome.filed_s >= begins) & (outcome.filed_s < ends)
    rows = np.flatnonzero(taken_on(people, outcome, spec) & filed)
    decided_s = outcome.decided_s[rows]
    end = np.minimum(np.minimum(decided_s, outcome.left_s[rows]), scenario.ends_s)
    return cumulative_incidence(None, end - outcome.filed_s[rows], (decided_s < NEVER).astype(np.int64))


def certificate_to_permit(
    scenario: Scenario, people: People, outcome: Outcome, *, among: Flags | None = None
) -> Incidence:
    """Aalen-Johansen of the seconds from the certificate to whatever comes first of `ENDS`.

    `among` picks some of the people. Only the horizon censors: permanent residence and every other end
    compete with the permit, since treating them as censored would ask how long permits took if nobody ever
    left. The backlog enters at its age at the start.
    """
    end, cause = ends(people, outcome)
    certified_s = people.certified_s
    if among is not None:
        end, cause, certified_s = end[among], cause[among], certified_s[among]
    is_seen = end < scenario.ends_s
    age = np.minimum(end, scenario.ends_s) - certified_s
    entry = np.maximum(scenario.starts_s - certified_s, 0)
    return cumulative_incidence(entry, np.maximum(age, 0), np.where(is_seen, cause, 0), causes=len(ENDS))


def ends(people: People, outcome: Outcome) -> tuple[Seconds, Whole]:
    """When everyone's course ends, and by which of `ENDS` (its place, from 1 on).

    Whoever was turned away and does not file again is watched until their standing ends. A time beyond the
    horizon may be NEVER or a moment that nobody will see; the cause means something only before it.
    """
    status = outcome.status
    turned_away = (
        (status == RETURNED_INCOMPLETE) | (status == RETURNED_OVER_CAP) | (status == REFUSED_OVER_CAP)
    )
    end = np.where(status == REFUSED, outcome.decided_s, outcome.left_s)
    end = np.where(turned_away, people.standing_until_s, end)
    cause = _BY_STATUS[status]
    cause = np.where(turned_away & people.files_pr & people.pr_approved, PERMANENT_RESIDENCE, cause)
    got = outcome.permit_s < NEVER
    return np.where(got, outcome.permit_s, end), np.where(got, PERMIT_GOT, cause)


_BY_STATUS = np.full(len(STATUSES), LAPSE)
_BY_STATUS[PR_FIRST] = PERMANENT_RESIDENCE
_BY_STATUS[REFUSED] = REFUSAL
_BY_STATUS[[DECLINED, WITHDRAWN]] = WITHDRAWAL


def time_measures(scenario: Scenario, people: People, outcome: Outcome) -> dict[str, float]:
    """The measures of time saved and time spent in Quebec, by name."""
    rows = np.flatnonzero(outcome.arrived_s < NEVER)
    arrived_s, alone_s = outcome.arrived_s[rows], people.pr_arrival_s[rows]
    validity = scenario.programme.permit_months * MONTH_S
    earlier = np.maximum(alone_s - arrived_s, 0)
    saved = np.where(alone_s >= NEVER, validity, earlier)
    on_permit = np.minimum(validity, scenario.ends_s - arrived_s)
    years_saved = float(saved.sum()) / YEAR_S
    return {
        "years_saved": years_saved,
        "years_saved_per_arrival": years_saved / len(rows) if len(rows) else math.nan,
        "years_saved_per_person": years_saved / len(people) if len(people) else math.nan,
        "labour_months_gained": float((np.minimum(saved, validity) * people.employed[rows]).sum()) / MONTH_S,
        "permit_years": float(on_permit.sum()) / YEAR_S,
        "permit_years_before_pr": float(np.minimum(on_permit, earlier).sum()) / YEAR_S,
        "permit_years_after_pr": float(np.maximum(on_permit - earlier, 0).sum()) / YEAR_S,
        "permits_in_force": float(np.count_nonzero(arrived_s + validity > scenario.ends_s)),
    }
