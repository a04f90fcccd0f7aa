"""The sends that a simulated outcome amounts to: who applies when, and for which intake.

Where applications count (`counts` = accepted or received) a send is a filing, complete or not; where
approvals count it is a positive decision. A person's sends are numbered from 0: each is a *chain*, with a key
of its own. Times are *marks*: nanoseconds of scenario time since the scenario's start. Within a second a
person's lottery number says where, so marks stand in the order in which the simulation served people.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.tracing.nouns import EXPIRY, REFUSAL, SECOND_NS, WITHDRAWAL
from sim import clock
from sim.clock import NEVER, Seconds
from sim.engine.windows import OPEN, RELEASE, turns, windows
from sim.outcome import PERMIT_UNUSED, PR_FIRST, PR_REFUSED, REFUSED, WITHDRAWN, Outcome
from sim.people import People
from sim.policy import Policy
from sim.scenario import Scenario

Marks = NDArray[np.int64]
Whole = NDArray[np.integer[Any]]
Flags = NDArray[np.bool_]
Moments = tuple[Whole, Seconds]
"""Rows of the people, and when each does what it is about."""
FILED, LISTED, REPEATED = range(3)
LEFT_EARLY = (WITHDRAWN, PR_FIRST, PR_REFUSED)
"""How a person with a slot can leave before an officer takes up the file: to an allocator, all withdraw."""


class Sends(NamedTuple):
    """Sends in their order; columns of one length."""

    row: Whole
    """Row of the people."""
    chain: Whole
    mark: Marks
    is_repeat: Flags
    """Whether it is a second application of a person who has sent one already, out of distrust."""
    is_listed: Flags
    """Whether it is made from the waiting list, because a slot came free."""

    def picked(self, which: Flags) -> "Sends":
        """Some of them."""
        return Sends(
            self.row[which], self.chain[which], self.mark[which], self.is_repeat[which], self.is_listed[which]
        )


def sends(
    scenario: Scenario, policy: Policy, people: People, outcome: Outcome, repeat_after_s: NDArray[np.float64]
) -> Sends:
    """Every send of everyone, in order; `repeat_after_s` is NaN for people who do not apply twice."""
    by_decision = scenario.spec(policy).counts == "approved"
    filings = _decisions(outcome) if by_decision else _filings(scenario, policy, people, outcome)
    listed = _from_the_list(outcome) if scenario.spec(policy).over_cap == "queue" else _nobody()
    repeats = _repeats(scenario, len(people), filings, repeat_after_s)
    parts = [*filings, listed, repeats]
    rows = np.concatenate([rows for rows, _ in parts]).astype(np.int64)
    times = np.concatenate([times for _, times in parts]).astype(np.int64)
    kind = np.repeat([*([FILED] * len(filings)), LISTED, REPEATED], [len(rows) for rows, _ in parts])
    order = np.lexsort((kind, rows, people.lottery[rows], kind != LISTED, times))
    rows, times, kind = rows[order], times[order], kind[order]
    within = np.where(kind == LISTED, 0, _within_the_second(people.lottery[rows]))
    mark = (times - scenario.starts_s) * SECOND_NS + within
    return Sends(rows, _numbered(rows), mark, kind == REPEATED, kind == LISTED)


def _repeats(
    scenario: Scenario, people: int, filings: list[Moments], after_s: NDArray[np.float64]
) -> Moments:
    """Second applications out of distrust, so long after the first ones."""
    first = np.full(people, NEVER)
    for rows, times in filings:
        np.minimum.at(first, rows, times)
    again = np.flatnonzero((first < NEVER) & ~np.isnan(after_s))
    later = first[again] + 1 + np.nan_to_num(after_s[again]).astype(np.int64)
    return again[later < scenario.ends_s], later[later < scenario.ends_s]


def _from_the_list(outcome: Outcome) -> Moments:
    """Who got a slot after the last filing had found the cap reached, and when: they had been waiting.

    The instant is one at which slots came free, and in it they come before whoever files then.
    """
    served = np.flatnonzero((outcome.slot_s < NEVER) & (outcome.slot_s > outcome.filed_s))
    return served, outcome.slot_s[served]


def _nobody() -> Moments:
    nothing = np.empty(0, dtype=np.int64)
    return nothing, nothing


def _within_the_second(lottery: NDArray[np.uint64]) -> Marks:
    """The nanosecond within its second at which a person with this lottery number acts."""
    return ((lottery >> np.uint64(23)) * np.uint64(SECOND_NS) >> np.uint64(30)).astype(np.int64)


def _numbered(rows: Whole) -> Whole:
    """The place of each send among those of its person, from 0."""
    by_row = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[by_row], prepend=-1))
    length = np.diff(np.append(starts, len(rows)))
    chain = np.empty(len(rows), dtype=np.int64)
    chain[by_row] = np.arange(len(rows)) - np.repeat(starts, length)
    return chain


def _decisions(outcome: Outcome) -> list[Moments]:
    """Where approvals count: the positive decisions, told from refusals by the claim that followed."""
    claimed = (outcome.decided_s < NEVER) & ((outcome.slot_s < NEVER) | (outcome.full_count > 0))
    rows = np.flatnonzero(claimed)
    return [(rows, outcome.decided_s[rows])]


def _filings(scenario: Scenario, policy: Policy, people: People, outcome: Outcome) -> list[Moments]:
    """Everyone's filings, the first ones first. The outcome has the first and the last; those between follow
    from the rules: an incomplete application is filed again after a person's delay, one that found the cap
    reached after the next opening and that delay."""
    all_turns = turns(scenario, windows(scenario, policy), scenario.spec(policy))
    openings = np.unique([turn.time_s for turn in all_turns if turn.kind in (OPEN, RELEASE)])
    rows = np.flatnonzero(outcome.attempts > 0)
    times = outcome.first_filed_s[rows]
    found: list[Moments] = [(rows, times)]
    for attempt in range(2, int(outcome.attempts.max(initial=0)) + 1):
        going_on = outcome.attempts[rows] >= attempt
        rows, times = rows[going_on], times[going_on]
        full = (outcome.first_full_s[rows] == times) | (attempt > 2) | people.complete[rows]
        opening = np.append(openings, NEVER)[np.searchsorted(openings, times, side="right")]
        times = np.where(full, opening, times) + people.refile_delay_s[rows]
        last = outcome.attempts[rows] == attempt
        times = np.where(last, outcome.filed_s[rows], times)
        found.append((rows, times))
    return found


def releases(outcome: Outcome) -> tuple[Seconds, NDArray[np.int8]]:
    """When each person's slot was released, NEVER for never, and why, as a code of RELEASED_FOR."""
    when = np.full(len(outcome), NEVER)
    why = np.zeros(len(outcome), dtype=np.int8)
    for reason, statuses, moment in (
        (WITHDRAWAL, LEFT_EARLY, outcome.left_s),
        (REFUSAL, (REFUSED,), outcome.decided_s),
        (EXPIRY, (PERMIT_UNUSED,), outcome.left_s),
    ):
        mine = np.isin(outcome.status, statuses) & (outcome.slot_s < NEVER)
        when[mine], why[mine] = moment[mine], reason
    return when, why


def release_marks(
    scenario: Scenario, policy: Policy, people: People, outcome: Outcome
) -> tuple[Marks, NDArray[np.int8]]:
    """When each person's grant is released, -1 for never, and why; shape (people,).

    Who got no slot in the simulation but gets one in the run keeps to the person's own patience; where
    approvals count there is none, as nobody withdraws a permit. In the simulation exits come before the
    claims of their second, hence no nanoseconds here.
    """
    when, why = releases(outcome)
    if scenario.spec(policy).counts != "approved":
        slotless = (outcome.attempts > 0) & (outcome.slot_s == NEVER)
        patience = np.minimum(
            outcome.filed_s + np.minimum(people.withdraws_after_s, NEVER // 2), people.pr_decided_s
        )
        when = np.where(slotless, patience, when)
    happens = when < scenario.ends_s
    return np.where(happens, (np.where(happens, when, 0) - scenario.starts_s) * SECOND_NS, -1), why


def mark_of(scenario: Scenario, second: int) -> int:
    """The mark of a second of epoch time."""
    return (second - scenario.starts_s) * SECOND_NS


def replayed(scenario: Scenario, marks: Marks) -> tuple[int, int]:
    """The part of the scenario that is replayed, as two marks: the window, or the first send to the last."""
    window, zone = scenario.load.window, scenario.time_zone
    if window is None:
        return int(marks.min()) // SECOND_NS * SECOND_NS, (int(marks.max()) // SECOND_NS + 1) * SECOND_NS
    if window.day is not None:
        return mark_of(scenario, clock.at(window.day, zone)), mark_of(scenario, clock.after(window.day, zone))
    assert window.starts is not None, window
    assert window.ends is not None, window
    return mark_of(scenario, clock.at(window.starts, zone)), mark_of(scenario, clock.at(window.ends, zone))
