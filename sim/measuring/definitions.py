"""What each measure means: its unit, a sentence, and which way is better.

A *measure* is one number of one replication under one policy. A name may carry a suffix that says which part
of the whole it is about: `/2022` a year, `/stream=regular`, `/cohort=2022H1`, `/decile=1`, `/cause=lapsed`;
the meaning is that of the name before the slash. A value is nan where it is not defined (a fill rate without
a cap) or cannot be estimated (a median that half the people did not live to see).

The *horizon* is the end of the scenario. What would happen after it is not known to the programme, so it is
never counted: open cases are reported as stock, or enter estimates as censored.
"""

from typing import Literal, NamedTuple


class Measure(NamedTuple):
    """How to read and print one measure."""

    unit: str
    """Unit of the value; empty for shares and ratios."""
    meaning: str
    """One sentence, without the name."""
    better: Literal["higher", "lower", ""] = ""
    """Which way a planner wants it; empty where that depends."""
    headline: bool = False
    """Whether it is shown without being asked for."""
    censored: bool = False
    """Whether nan means "later than anybody watched": then the mean of the values there are says nothing."""


def definition(name: str) -> Measure:
    """The definition of a measure, given with or without a suffix; KeyError if there is none."""
    return MEASURES[name.partition("/")[0]]


_INTAKES = {
    "cap": Measure("slots", "slots of the intake's own cap"),
    "carried_in": Measure("slots", "unused slots of the intake before that were added"),
    "grants": Measure("slots", "claims granted, kept or not", "higher", True),
    "used": Measure("slots", "what the cap counts when the intake closes, or at the horizon"),
    "given_back": Measure("slots", "slots given back by the horizon, those after closing included"),
    "intake_fill_rate": Measure(
        "", "used / (cap + carried in); in total, used / sum of caps", "higher", True
    ),
    "unused_slots": Measure("slots", "free when the intake closes and lost for good", "lower", True),
    "carried_slots": Measure("slots", "free when the intake closes and added to the next"),
    "overshoot": Measure("slots", "highest count of the intake beyond cap + carried in", "lower"),
    "caps_reached": Measure("intakes", "intakes whose whole cap was used at some moment"),
    "cap_reached": Measure("", "1 if the intake's whole cap was used at some moment, else 0"),
    "days_to_cap": Measure(
        "days", "from opening to the second the cap was reached; nan: censored at window_days", censored=True
    ),
    "window_days": Measure(
        "days", "from opening to closing or the horizon: how long days_to_cap was watched"
    ),
    "permits": Measure("permits", "approvals by the horizon, charged to their intake", "higher", True),
    "permit_fill_rate": Measure("", "permits by the horizon / permit target", "higher"),
}

_FUNNEL = {
    "in_scope": Measure("people", "eligible by stream and residence"),
    "letters": Measure("letters", "invitations sent; without letters, people who could file"),
    "letters_outstanding": Measure("letters", "unanswered at the horizon: neither used nor wasted yet"),
    "invitations_wasted": Measure("letters", "letters that ended without a slot, by cause", "lower"),
    "invitations_wasted_share": Measure("", "invitations wasted / letters", "lower"),
    "applicants": Measure("people", "people who filed at least once"),
    "applications": Measure("applications", "filings, those after a return included"),
    "incomplete_returns": Measure("applications", "handed back as incomplete"),
    "over_cap_returns": Measure(
        "applications", "found the cap reached (returned, refused or queued)", "lower"
    ),
    "over_cap_persons": Measure("people", "whose application found the cap reached at least once", "lower"),
    "withdrawn": Measure("people", "withdrew while waiting for a decision"),
    "refused": Measure("people", "refused on the merits"),
    "permits_unused": Measure("permits", "overtaken by permanent residence before use", "lower"),
    "arrivals": Measure("people", "came to Quebec on the permit by the horizon", "higher"),
    "persons_arrived": Measure("persons", "the same with their families", "higher"),
    "pr_first": Measure("people", "in scope, permanent residence granted before a permit"),
    "certificates_expired": Measure("people", "in scope, certificate expired before a permit"),
    "bridging_permits": Measure("permits", "uncapped permits of holders who live in Quebec"),
}

_FAIRNESS = {
    "slot_probability": Measure("", "people in scope who got a slot by the horizon", "higher", True),
    "permit_before_pr_probability": Measure(
        "", "people in scope approved before permanent residence", "higher", True
    ),
    "disparate_impact_ratio": Measure("", "P(slot) of the second eligible stream / P(slot) of the first"),
    "disparate_impact_difference": Measure(
        "", "P(slot) of the second eligible stream - P(slot) of the first"
    ),
    "gini_wait": Measure("", "Gini of waits for a slot, of people who would apply", "lower"),
    "theil_wait": Measure("", "Theil of the same waits", "lower"),
    "theil_wait_within": Measure("", "part of it within streams", "lower"),
    "theil_wait_between": Measure("", "part of it between streams", "lower"),
    "order_inversions": Measure("", "pairs with a slot where the later certificate came first, of all pairs"),
    "justified_claims": Measure(
        "people", "found the cap reached, yet a later filer of the stream got in", "lower"
    ),
}

_WAITS = {
    "median_wait_days": Measure("days", "application to decision, of applications that stay", "lower", True),
    "p90_wait_days": Measure("days", "nine in ten of the same are decided by then", "lower"),
    "service_level": Measure(
        "", "decided within the service standard, of applications that stay", "higher", True
    ),
    "permit_within_6_months": Measure("", "certificate to permit, other ends competing", "higher"),
    "permit_within_12_months": Measure("", "certificate to permit, other ends competing", "higher"),
    "permit_within_24_months": Measure("", "certificate to permit, other ends competing", "higher"),
    "median_months_to_permit": Measure(
        "months", "half of certificate holders have a permit by then", "lower", censored=True
    ),
}

_TIME_SAVED = {
    "years_saved": Measure(
        "years", "arrival earlier than by permanent residence alone, summed", "higher", True
    ),
    "years_saved_per_arrival": Measure("years", "the same, mean over people who arrived", "higher"),
    "years_saved_per_person": Measure("years", "the same, mean over people in scope", "higher"),
    "labour_months_gained": Measure(
        "months", "time saved in work, at most a permit's validity each", "higher", True
    ),
    "permit_years": Measure("years", "spent in Quebec on permits by the horizon, summed", "higher"),
    "permit_years_before_pr": Measure(
        "years", "of these, before permanent residence would have come", "higher"
    ),
    "permit_years_after_pr": Measure(
        "years", "of these, when permanent residence alone would have brought the person by then"
    ),
    "permits_in_force": Measure("permits", "of people who arrived, still valid at the horizon"),
}

_WORKLOAD = {
    "utilisation": Measure("", "officers' busy time / scheduled time", "", True),
    "peak_month_utilisation": Measure("", "the same in the busiest calendar month", "lower"),
    "peak_week_load": Measure(
        "", "officers' work that becomes ready in the busiest week / scheduled in it", "lower"
    ),
    "overtime_hours": Measure(
        "hours", "past closing, if officers finished every file on the day they begin it", "lower"
    ),
    "waited_share": Measure("", "started files that waited for an officer", "lower"),
    "mean_queue_days": Measure(
        "days", "from ready to start, mean over started files, nights included", "lower"
    ),
    "longest_queue": Measure("files", "most files ready and not started, nights included", "lower"),
    "backlog_mean": Measure("files", "in processing, mean over time", "lower"),
    "backlog_max": Measure("files", "in processing, most at any moment", "lower"),
    "backlog_end": Measure("files", "in processing at the horizon", "lower"),
    "oldest_age_days": Measure("days", "age of the oldest file at the horizon; 0 without files", "lower"),
    "clearance_months": Measure(
        "months", "backlog at the horizon / files leaving it in the last year", "lower"
    ),
    "peak_day_applications": Measure("applications", "most filed on one local day"),
    "peak_hour_applications": Measure("applications", "most filed within 3,600 seconds"),
}

PARTS = {
    "intakes": _INTAKES,
    "funnel": _FUNNEL,
    "fairness": _FAIRNESS,
    "waits": _WAITS,
    "time": _TIME_SAVED,
    "workload": _WORKLOAD,
}
"""The measures that are computed together."""
MEASURES: dict[str, Measure] = {**_INTAKES, **_FUNNEL, **_FAIRNESS, **_WAITS, **_TIME_SAVED, **_WORKLOAD}
"""Every measure by its name without suffix, in the order in which they are printed."""
