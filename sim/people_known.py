"""People of whom something is known: their columns as the scenario says, in place of what was drawn."""

import dataclasses
from typing import Any

import numpy as np

from sim.clock import DAY_S, MONTH_S, NEVER
from sim.people import People
from sim.population import SURGE, Population, Whole
from sim.scenario import Scenario
from sim.surges import Known


def streams_known(scenario: Scenario, population: Population, stream: Whole) -> Whole:
    """Everyone's stream, as known or else as drawn."""
    names = list(scenario.streams)
    for code, known in _said(scenario):
        if known.stream is not None:
            stream[population.cohort == code] = names.index(known.stream)
    return stream


def as_known(scenario: Scenario, people: People) -> People:
    """The same people with what is known of them."""
    said = _said(scenario)
    if not said:
        return people
    columns = {each.name: getattr(people, each.name).copy() for each in dataclasses.fields(people)}
    for code, known in said:
        rows = np.flatnonzero(people.cohort == code)
        for name, value in columns_of(known).items():
            columns[name][rows] = value
        if known.permanent_residence_days is not None:
            for name, value in standing_of(scenario, columns, rows, known).items():
                columns[name][rows] = value
    return People(**columns)


def _said(scenario: Scenario) -> list[tuple[int, Known]]:
    """Cohort and what is known, of the surges of which anything is."""
    surges = enumerate(scenario.demand.surges)
    return [(SURGE + k, surge.known) for k, surge in surges if surge.known.model_fields_set]


def columns_of(known: Known) -> dict[str, Any]:
    """Column and value, of what is known; streams and standing apart."""
    found: dict[str, Any] = {
        "score": known.score,
        "lottery": None if known.lottery is None else np.uint64(known.lottery * 2.0**53),
        "applies": None if known.answer is None else known.answer == "applies",
        "declines": None if known.answer is None else known.answer == "declines",
        "answer_delay_s": _seconds(known.answer_days),
        "complete": known.complete,
        "refiles": known.refiles,
        "refile_delay_s": _seconds(known.refile_days),
        "withdraws_after_s": _seconds(known.withdraws_after_days),
        "unstaffed_s": _seconds(known.unstaffed_days),
        "service_s": None if known.service_hours is None else max(1, round(known.service_hours * 3600.0)),
        "approved": known.approved,
        "landing_s": _seconds(known.landing_days),
    }
    return {name: value for name, value in found.items() if value is not None}


def standing_of(scenario: Scenario, columns: dict[str, Any], rows: Whole, known: Known) -> dict[str, Any]:
    """When permanent residence comes, and until when a filing is eligible."""
    certified = columns["certified_s"][rows]
    if known.permanent_residence_days == "never":
        until = certified + scenario.programme.certificate_months * MONTH_S
        never = {name: NEVER for name in ("pr_filed_s", "pr_decided_s", "pr_arrival_s")}
        return {"files_pr": False, "pr_approved": False, "standing_until_s": until, **never}
    decided = certified + _seconds(known.permanent_residence_days)
    return {
        "files_pr": True,
        "pr_approved": True,
        "pr_filed_s": certified,
        "pr_decided_s": decided,
        "standing_until_s": decided,
        "pr_arrival_s": decided + columns["landing_s"][rows],
    }


def _seconds(days: Any) -> Any:
    if days is None:
        return None
    return NEVER if days == "never" else round(days * DAY_S)
