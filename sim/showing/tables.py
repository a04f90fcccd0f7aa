"""Tables of a study as Parquet files: one row a replication and measure, an applicant, or an event.

The same study gives the same bytes: rows have a fixed order and one thread writes them. A time is a TIMESTAMP
in UTC, null for what did not happen; a delay is in seconds, null for one that never ends. A value that is not
defined is null too.
"""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import MONTH_S, NEVER, Seconds
from sim.outcome import EVENTS, STATUSES, Outcome, event_log
from sim.people import People
from sim.population import BACKLOG, RESIDENCES, SURGE
from sim.scenario import Scenario
from sim.study import Study
from sim.studying.replication import Question, replicate

Column = NDArray[np.generic]

TIMES = ("certified_s", "standing_until_s", "pr_filed_s", "pr_decided_s", "pr_arrival_s", "bridging_s")
"""Columns of the people that are moments; their other columns in seconds are delays."""


def write_replications(path: Path, study: Study) -> None:
    """Columns replication, policy, variant (chance or assumptions), measure, value."""
    parts: dict[str, list[Column]] = {"replication": [], "variant": [], "measure": [], "value": []}
    for variant, found in (("chance", study.chance), ("assumptions", study.assumed)):
        if not found:
            continue
        values = np.array(list(found.values())).T  # one row a replication
        count, measures = values.shape
        parts["replication"].append(np.repeat(np.arange(count), measures))
        parts["variant"].append(words([variant], np.zeros(values.size, dtype=np.int64)))
        parts["measure"].append(words(list(found), np.tile(np.arange(measures), count)))
        parts["value"].append(values.ravel())
    columns = {name: np.concatenate(part) for name, part in parts.items()}
    columns["policy"] = words([study.policy], np.zeros(len(columns["value"]), dtype=np.int64))
    select = {
        "replication": "replication::INTEGER",
        "policy": "policy::VARCHAR",
        "variant": "variant::VARCHAR",
        "measure": "measure::VARCHAR",
        "value": "CASE WHEN isfinite(value) THEN value::DOUBLE END",
    }
    write(path, columns, select)


def write_people(applicants: Path, events: Path, study: Study, replications: int) -> None:
    """Everyone of the first replications in the order of their ids, and what happened in the order of time.

    Events have the columns replication, applicant, at, event.
    """
    question = Question(study.scenario, study.scenario.policy(study.policy), study.seed)
    parts: list[dict[str, Column]] = []
    happened: list[dict[str, Column]] = []
    for replication in range(replications):
        people, outcome = replicate(question, replication)
        number = np.full(len(people), replication)
        parts.append({"replication": number, **rows(study.scenario, people, outcome)})
        times, who, kinds = event_log(outcome)
        happened.append(
            {
                "replication": np.full(len(times), replication),
                "applicant": people.applicant[who],
                "at": times,
                "event": words([name for name, _ in EVENTS], kinds),
            }
        )
    for path, found in ((applicants, parts), (events, happened)):
        columns = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
        write(path, columns, {name: expression(name, column) for name, column in columns.items()})


def rows(scenario: Scenario, people: People, outcome: Outcome) -> dict[str, Column]:
    """One row a person: who they are, what they would do, and what became of them, under the files' names.

    A column of moments is called after the moment, as in filed_at; it still holds seconds here.
    """
    named = {
        "stream": words(list(scenario.streams), people.stream),
        "residence": words(list(RESIDENCES), people.residence),
        "cohort": _cohorts(scenario, people.cohort),
        "lottery": people.lottery.astype(np.int64),
    }
    columns: dict[str, Column] = {"applicant": people.applicant}
    for field in fields(people):
        if field.name == "attributes":
            continue
        name = field.name.removesuffix("_s") + "_at" if field.name in TIMES else field.name
        columns[name] = named.get(field.name, getattr(people, field.name))
    for name, attribute in scenario.attribute.items():
        columns[f"attribute_{name}"] = words(list(attribute.values), people.attributes[name])
    for name, column in outcome.columns().items():
        columns[name.removesuffix("_s") + "_at" if name.endswith("_s") else name] = column
    columns["permit_until_at"] = _permit_until_s(scenario, people, outcome)
    columns["status"] = words(list(STATUSES), outcome.status)
    return columns


def _permit_until_s(scenario: Scenario, people: People, outcome: Outcome) -> Seconds:
    """When the permit of everyone who arrived runs out, or permanent residence takes its place."""
    arrived = outcome.arrived_s < NEVER
    runs_out_s = np.where(arrived, outcome.arrived_s, 0) + scenario.programme.permit_months * MONTH_S
    approved_s = np.where(people.pr_approved, people.pr_decided_s, NEVER)
    return np.where(arrived, np.minimum(runs_out_s, approved_s), NEVER)


def _cohorts(scenario: Scenario, cohort: NDArray[np.integer[Any]]) -> Column:
    """The cohorts' names: backlog, the year of the supply, or the surge's own."""
    codes, which = np.unique(cohort, return_inverse=True)
    names = [
        "backlog"
        if code == BACKLOG
        else str(code)
        if code < SURGE
        else scenario.demand.surges[code - SURGE].name
        for code in codes.tolist()
    ]
    return words(names, which)


def words(names: list[str], which: NDArray[np.integer[Any]]) -> Column:
    """A column of names, from a column of indices into them."""
    return np.array(names, dtype=object)[which] if len(which) else np.empty(0, dtype=object)


def expression(name: str, column: Column) -> str:
    """How a column is written: its type by the kind of array, moments by their name."""
    quoted = _quoted(name)
    if name == "at" or name.endswith("_at"):
        return f"CASE WHEN {quoted} < {NEVER} THEN make_timestamp({quoted}::BIGINT * 1000000) END"
    if name.endswith("_s"):
        return f"CASE WHEN {quoted} < {NEVER} THEN {quoted}::BIGINT END"
    if column.dtype == object:
        return f"{quoted}::VARCHAR"
    return f"{quoted}::{'BOOLEAN' if column.dtype == np.bool_ else 'BIGINT'}"


def write_plain(path: Path, columns: dict[str, Column]) -> None:
    """Write columns as they are: numbers with fractions as DOUBLE, null where they are not defined."""
    write(path, columns, {name: _plain(name, column) for name, column in columns.items()})


def _plain(name: str, column: Column) -> str:
    if np.issubdtype(column.dtype, np.floating):
        return f"CASE WHEN isfinite({_quoted(name)}) THEN {_quoted(name)}::DOUBLE END"
    return expression(name, column)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def write(path: Path, columns: dict[str, Column], select: dict[str, str]) -> None:
    """Write columns as Parquet, each by its expression in SQL, rows in their order."""
    import duckdb

    listed = ", ".join(f"{expression} AS {_quoted(name)}" for name, expression in select.items())
    place = "'" + str(path).replace("'", "''") + "'"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("arrays", columns)
        connection.execute(
            f"COPY (SELECT {listed} FROM arrays) TO {place} (FORMAT parquet, COMPRESSION zstd)"
        )
