"""What a picture needs and no single number tells: curves and tables of one replication, on shared grids.

*Incidence* is, for everybody and for each stream, which part of certificate holders has come to each of
`waits.ENDS` by each month of age. *Stock* is how many people are in each of `STATES` at the end of each
month. *Slots by arrival and score* counts people, and those of them with a slot, by the month of their
certificate and their tenth by score. *Officers* is how busy they are, and how many files wait for them at
most, month by month; *rounds* says what each round of letters brings before the next.

The grids depend on the scenario only, so replications lie on top of each other. All this is made when it is
asked for and is no part of the measures of a replication.
"""

import math
from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import MONTH_S, NEVER, Seconds
from sim.engine.prepared import office_hours
from sim.ledger import Spec
from sim.measuring.fairness import deciles
from sim.measuring.survival import Floats
from sim.measuring.waits import ENDS, certificate_to_permit, ends, taken_on
from sim.measuring.workload import busy_by_month
from sim.outcome import WAITLISTED, Outcome, Whole
from sim.people import People
from sim.scenario import Scenario

EVERYONE = "everyone"
STATES = ("pool", "letter", "handed back", "waiting list", "in processing", "decided", "left")
"""Where a certificate holder in scope is: waits for a letter; has one, not yet used; was handed the
application back and may file again; waits for a slot or a draw; is in processing; has a decision; is out of
it without one. Every holder is in one of them, from the certificate on."""
LONGEST_MONTHS = 60
"""No incidence is drawn beyond this age."""


class Grids(NamedTuple):
    """What the places of the curves stand for."""

    ages: tuple[int, ...]
    """Months since the certificate, from 0."""
    ends: tuple[str, ...]
    """The last day of each month of the scenario, as ISO dates."""
    arrivals: tuple[str, ...]
    """Months of certificates: backlog, then 2022-01 and so on."""
    streams: tuple[str, ...]
    """Everyone, then each eligible stream."""


class Curves(NamedTuple):
    """The curves of one replication under one policy."""

    incidence: Floats
    """Share of certificate holders, shape (streams, ENDS, ages); nan beyond the last age watched."""
    stock: Floats
    """People, shape (STATES, ends)."""
    people: Floats
    """By month of the certificate and tenth by score, shape (arrivals, 10)."""
    served: Floats
    """Of these, those who got a slot by the horizon."""
    busy: Floats
    """Officers' busy time over scheduled time, shape (ends,); nan where none is scheduled."""
    queue: Floats
    """Most files waiting for an officer at any moment of the month, shape (ends,)."""


def grids(scenario: Scenario) -> Grids:
    """The grids of a scenario."""
    months = math.ceil((scenario.ends_s - scenario.starts_s) / MONTH_S)
    begins = [clock.local(each, scenario.time_zone) for each in _bounds(scenario)[:-1].tolist()]
    last = [clock.local(each - 1, scenario.time_zone) for each in _bounds(scenario)[1:].tolist()]
    return Grids(
        tuple(range(min(LONGEST_MONTHS, months) + 1)),
        tuple(each.date().isoformat() for each in last),
        ("backlog", *(f"{each.year}-{each.month:02d}" for each in begins)),
        (EVERYONE, *(name for name, stream in scenario.streams.items() if stream.eligible)),
    )


def curves(scenario: Scenario, people: People, outcome: Outcome, spec: Spec) -> Curves:
    """All curves of one outcome; the people are those in scope (`measures.in_scope`)."""
    month = np.searchsorted(_bounds(scenario)[:-1], people.certified_s, side="right")
    cell = month * 10 + deciles(people.score)
    shape = (len(_bounds(scenario)), 10)
    served = (outcome.slot_s < NEVER).astype(np.float64)
    return Curves(
        incidence(scenario, people, outcome),
        stocks(scenario, people, outcome, spec),
        np.bincount(cell, minlength=shape[0] * 10).reshape(shape).astype(np.float64),
        np.bincount(cell, served, shape[0] * 10).reshape(shape).astype(np.float64),
        *_officers(scenario, people, outcome),
    )


def incidence(scenario: Scenario, people: People, outcome: Outcome) -> Floats:
    """Cumulative incidence by stream, outcome and month of age: Aalen and Johansen's, by late entry."""
    ages = np.array(grids(scenario).ages) * MONTH_S
    eligible = [k for k, stream in enumerate(scenario.streams.values()) if stream.eligible]
    found = []
    for among in (None, *(people.stream == k for k in eligible)):
        curve = certificate_to_permit(scenario, people, outcome, among=among)
        step = np.searchsorted(curve.times, ages, side="right")
        values = np.hstack([np.zeros((len(ENDS), 1)), curve.incidence])[:, step]
        found.append(np.where(ages <= curve.last, values, np.nan) if len(curve.times) else values * np.nan)
    return np.array(found)


def stocks(scenario: Scenario, people: People, outcome: Outcome, spec: Spec) -> Floats:
    """How many people are in each of `STATES` at the end of each month, shape (STATES, months).

    A waiting list that expires hands everything back when its intake closes; its people count as handed back
    from their filing on, as no time is kept of when they were.
    """
    at_s = _bounds(scenario)[1:] - 1
    over = np.minimum(np.minimum(outcome.decided_s, outcome.left_s), ends(people, outcome)[0])
    waits = taken_on(people, outcome, spec) | (outcome.status == WAITLISTED)
    by_filing = spec.counts == "approved"
    processed = np.where(waits, outcome.filed_s, NEVER) if by_filing else outcome.slot_s
    steps = [people.certified_s, outcome.letter_s, outcome.first_filed_s]
    steps += [np.where(waits, outcome.filed_s, NEVER), processed]
    # A stage that is skipped begins with the one after it, so nobody is in two or in none.
    reached = np.array([_by(at_s, np.minimum(each, over)) for each in steps])
    decided = _by(at_s, np.where(outcome.decided_s <= over, outcome.decided_s, NEVER))
    return np.array(
        [*(reached[:-1] - reached[1:]), reached[-1] - _by(at_s, over), decided, _by(at_s, over) - decided]
    ).astype(np.float64)


class Round(NamedTuple):
    """What a round of letters brings, until the next one."""

    at_s: int
    letters: int
    applications: int
    """Filed before the next round, whichever letter they answer."""
    longest_queue: int
    """Most files waiting for an officer at any moment."""


def rounds(scenario: Scenario, outcome: Outcome) -> list[Round]:
    """Every round that sent letters; without rounds, every moment from which somebody may file."""
    at_s, letters = np.unique(outcome.letter_s[outcome.letter_s < NEVER], return_counts=True)
    if not len(at_s):
        return []
    bounds = np.append(at_s, scenario.ends_s)
    filed = np.diff(np.searchsorted(outcome.filings_s, bounds))
    queue = _longest(outcome, bounds)
    columns = (column.tolist() for column in (at_s, letters, filed, queue))
    return [Round(*map(int, each)) for each in zip(*columns, strict=True)]


def _bounds(scenario: Scenario) -> Seconds:
    """The scenario's start, each local first of a month, and its end."""
    inner = clock.month_starts(scenario.starts_s, scenario.ends_s, scenario.time_zone)
    return np.array([scenario.starts_s, *inner, scenario.ends_s], dtype=np.int64)


def _by(at_s: Seconds, times: Seconds) -> Whole:
    """How many of the times lie at or before each moment."""
    return np.cumsum(np.bincount(np.searchsorted(at_s, times), minlength=len(at_s) + 1))[: len(at_s)]


def _officers(scenario: Scenario, people: People, outcome: Outcome) -> tuple[Floats, Floats]:
    hours = office_hours(scenario)
    rows = np.flatnonzero(outcome.started_s < NEVER)
    months = busy_by_month(scenario, hours.working(outcome.started_s[rows]), people.service_s[rows], hours)
    busy = np.full(len(months.busy), np.nan)
    np.divide(months.busy, months.offered, out=busy, where=months.offered > 0)
    return busy, _longest(outcome, _bounds(scenario)).astype(np.float64)


def _longest(outcome: Outcome, bounds: Seconds) -> Whole:
    """The longest queue for an officer between each bound and the next."""
    ready = np.flatnonzero(outcome.ready_s < NEVER)
    entered = outcome.ready_s[ready]
    left = np.maximum(entered, np.minimum(outcome.started_s, outcome.left_s)[ready])
    times, change = np.concatenate([left, entered]), np.repeat([-1, 1], len(ready))
    times = np.concatenate([times, bounds[:-1]])  # at a bound the level so far counts for what follows
    change = np.concatenate([change, np.zeros(len(bounds) - 1, dtype=np.int64)])
    order = np.argsort(times, kind="stable")  # within a second, who leaves goes before who enters
    times, level = times[order], np.cumsum(change[order])
    begins = np.searchsorted(times, bounds)
    tops = np.maximum.reduceat(np.append(level, 0), np.minimum(begins, len(level)))
    return np.asarray(tops[: len(bounds) - 1], dtype=np.int64)
