"""What happened to one person, event by event: a row of an outcome taken apart again.

The events of `outcome.EVENTS` are those of events.parquet. Around them stands what people bring with them
(the certificate, permanent residence), and what an outcome only counts: an application that is handed back as
incomplete, or that finds no slot. Where somebody files several times, the filings between the first and the
last follow from the rules for filing again; if they cannot be told for certain, only first and last are.
"""

from typing import NamedTuple

import numpy as np

from sim.clock import NEVER
from sim.engine.windows import CLOSE, DRAW, REFRESH, turns, windows
from sim.outcome import EVENTS, Outcome
from sim.people import People
from sim.policy import Policy
from sim.population import QUEBEC
from sim.scenario import Scenario

KINDS = (
    "certificate",
    "pr-filed",
    "letter",
    "first-filed",
    "filed-again",
    "filed",
    "incomplete",
    "no-slot",
    "slot",
    "ready",
    "started",
    "decided",
    "permit",
    "bridging",
    "pr-decided",
    "standing-ended",
    "left",
    "arrived",
    "pr-arrival",
)
"""What can happen, in the order in which simultaneous events are told."""


class Event(NamedTuple):
    """Something that happened to the person, or that the person did."""

    at_s: int
    kind: str
    """One of KINDS."""


class Life(NamedTuple):
    """A person under a policy."""

    policy: str
    rules: Policy
    people: People
    outcome: Outcome
    row: int

    def happened_s(self, column: str) -> int:
        """A moment of the outcome, by its column."""
        return int(getattr(self.outcome, column)[self.row])

    @property
    def status(self) -> int:
        """Where the person stands at the end."""
        return int(self.outcome.status[self.row])


def events(scenario: Scenario, life: Life) -> tuple[Event, ...]:
    """Everything that happened before the scenario's end, in order."""
    people, row = life.people, life.row
    brought = {
        "certificate": int(people.certified_s[row]),
        "pr-filed": int(people.pr_filed_s[row]),
        "pr-decided": int(people.pr_decided_s[row]),
        "bridging": int(people.bridging_s[row]),
        "pr-arrival": int(people.pr_arrival_s[row]),
    }
    if people.residence[row] == QUEBEC or life.happened_s("arrived_s") < NEVER:
        del brought["pr-arrival"]
    if not people.files_pr[row]:
        brought["standing-ended"] = int(people.standing_until_s[row])
    found = [Event(at_s, kind) for kind, at_s in brought.items()]
    found += [Event(life.happened_s(column), kind) for kind, column in EVENTS]
    found += applications(scenario, life)
    inside = (each for each in found if each.at_s < min(NEVER, scenario.ends_s))
    return tuple(sorted(inside, key=lambda each: (each.at_s, KINDS.index(each.kind))))


def applications(scenario: Scenario, life: Life) -> list[Event]:
    """Filings before the last one, and what became of those that came to nothing."""
    first, last = life.happened_s("first_filed_s"), life.happened_s("filed_s")
    attempts, fulls = int(life.outcome.attempts[life.row]), int(life.outcome.full_count[life.row])
    if attempts == 0:
        return []
    first_full = life.happened_s("first_full_s")
    found = [] if first == last else [Event(first, "first-filed")]
    if _is_handed_back(life):
        found.append(Event(first, "incomplete"))
    if first_full < NEVER:
        found.append(Event(first_full, "no-slot"))
    if attempts > 2 or fulls > 1:
        found += _between(_filings(scenario, life, attempts), first_full, last, fulls)
    return found


def _between(filings: list[int], first_full: int, last: int, fulls: int) -> list[Event]:
    """The filings between first and last, and those that found no slot after the first that did."""
    if not filings or filings[-1] != last:
        return []
    found = [Event(at_s, "filed-again") for at_s in filings[1:-1]]
    after = [at_s for at_s in filings if at_s > first_full]
    return found + [Event(at_s, "no-slot") for at_s in after[: fulls - 1]]


def _filings(scenario: Scenario, life: Life, attempts: int) -> list[int]:
    """Every filing by the rule: after the delay, counted from a return, or from the next opening of slots."""
    spec = scenario.spec(life.rules)
    calendar = turns(scenario, windows(scenario, life.rules), spec)
    openings = np.array(sorted({turn.time_s for turn in calendar if turn.kind not in (CLOSE, DRAW, REFRESH)}))
    delay, at_s = int(life.people.refile_delay_s[life.row]), life.happened_s("first_filed_s")
    found = [at_s]
    is_returned = _is_handed_back(life)
    while len(found) < attempts:
        later = openings[openings > at_s]
        if not is_returned and not len(later):
            return []
        at_s = (at_s if is_returned else int(later[0])) + delay
        is_returned = False
        found.append(at_s)
    return found


def _is_handed_back(life: Life) -> bool:
    """Whether the first application comes back as incomplete; where it counts, it may find no slot before."""
    found_none = life.happened_s("first_full_s") == life.happened_s("first_filed_s")
    return not life.people.complete[life.row] and not found_none
