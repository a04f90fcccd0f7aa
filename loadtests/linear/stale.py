"""Claims that are judged by a copy of the count, taken at each refresh: overshoots until the next one.

Where nothing is given back the copies never fall, so there is one refresh at which they reach the limit:
every grant comes before it, every refusal after it; at all refreshes before it less was counted than the
limit. A refresh that nobody recorded can have been at any time.

Of a refresh that nobody answered it is not known whether it was done. One that did not bring the copy to the
limit changes nothing that matters, so that it can be left out; whether it did is tried, for each of them.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear.counters import Counter, Watch, pool_of
from loadtests.linear.operations import FULL, GRANT, REFRESH, RELEASE, SET_CAP, Operations, Whole
from loadtests.linear.windows import Windows, copied
from loadtests.pools import pool
from loadtests.pools.kernel import judge
from loadtests.pools.pool import EVER, MANY, Judged


class Switch(NamedTuple):
    """How the copy came to the limit."""

    refresh: int
    """Place of the refresh that brought it there; -1 for one that is not on record, or none."""
    when: int
    """The latest moment at which that can have been; NEVER: it stayed below, EVER: it began at the limit."""
    before: Whole
    """Places of the refreshes that certainly were, and found less than the limit."""
    after: Whole
    """Of those that came later."""


def judged(history: History, operations: Operations, windows: Windows, counter: Counter) -> Judged | None:
    """INVALID with the operations that clash, or VALID; None where it cannot be said."""
    found, clash = _switches(operations, windows, counter)
    _, _, refreshes = _mine(operations, counter)
    sure = refreshes[~operations.is_optional[refreshes]]
    overlap = (windows.begins[sure][1:] <= windows.ends[sure][:-1]).any()
    if found is None or overlap:  # those that overlap are tried in one order only
        return None
    for switch in found:
        if _tried(history, operations, windows, counter, switch) is not None:
            return Judged("VALID", pool.NONE, pool.NONE, pool.NONE, "", {})
    return Judged("INVALID", pool.NONE, pool.NONE, clash, "no-refresh-explains", {"limit": counter.limit})


def settled(
    history: History, operations: Operations, windows: Windows, counters: list[Counter]
) -> tuple[Windows, list[Counter]] | None:
    """Windows in which the copies explain every claim, and what they were; None if none were found."""
    stale = [counter for counter in counters if counter.is_stale]
    refreshes = [_mine(operations, counter)[2] for counter in stale]
    if len(set(np.concatenate([*refreshes, pool.NONE]).tolist())) < sum(map(len, refreshes)):
        return None  # one refresh of two copies would have to be at one time for both
    watched = {}
    for counter in stale:
        found, _ = _switches(operations, windows, counter)
        trials = (_tried(history, operations, windows, counter, switch) for switch in found or ())
        after = next((each for each in trials if each is not None), None)
        if after is None:
            return None
        windows, watched[counter.name] = after
    return windows, [replace(each, watched=watched.get(each.name, ())) for each in counters]


def _mine(operations: Operations, counter: Counter) -> tuple[Whole, Whole, Whole]:
    """Grants and refusals of the counter, and the refreshes of its intakes in order."""
    kind = operations.kind[counter.members]
    grants, refusals = counter.members[kind == GRANT], counter.members[kind == FULL]
    intakes = np.unique(operations.intake[counter.members])
    refreshes = np.flatnonzero(operations.of(REFRESH) & np.isin(operations.intake, intakes))
    return grants, refusals, refreshes[np.argsort(operations.begins[refreshes], kind="stable")]


def _switches(
    operations: Operations, windows: Windows, counter: Counter
) -> tuple[list[Switch] | None, Whole]:
    """How the copy can have come to the limit, the last refresh first; and what clashes if in no way."""
    grants, refusals, refreshes = _mine(operations, counter)
    if np.isin(operations.kind[counter.members], (RELEASE, SET_CAP)).any():
        return None, pool.NONE
    is_unsure = operations.is_optional[refreshes]
    sure, unsure = refreshes[~is_unsure], refreshes[is_unsure]
    begins, ends = windows.begins[sure], windows.ends[sure]
    certain = grants[~windows.is_optional[grants] & ~windows.is_out[grants]]
    last = int(windows.begins[certain].max(initial=EVER))
    first = int(windows.ends[refusals].min(initial=NEVER))
    clash = np.concatenate(
        [certain[np.argsort(windows.begins[certain])[-1:]], refusals[np.argsort(windows.ends[refusals])[:1]]]
    )
    found: list[Switch] = []
    if not len(refusals):
        found.append(Switch(-1, NEVER, sure, sure[:0]))
    if not len(refreshes) and last <= first and len(refusals):
        found.append(Switch(-1, first, sure, sure))
    for which in range(len(sure) - 1, -1, -1):
        if max(begins[which], last) <= min(ends[which], first):
            when = int(min(ends[which], first))
            found.append(Switch(int(sure[which]), when, sure[:which], sure[which + 1 :]))
    if len(refusals):
        found += _unsure(windows, sure, unsure, last, first)
    if counter.start >= counter.limit and not len(certain):
        found.append(Switch(-1, EVER, sure[:0], sure[:0]))
    return found, np.concatenate([clash, refreshes])


def _unsure(windows: Windows, sure: Whole, unsure: Whole, last: int, first: int) -> list[Switch]:
    """The same by a refresh that nobody answered: as late as the refusals let it be, or as the end of a
    certain refresh does that is then to come after it; later is better, but for what comes before.
    """
    found = []
    for place in unsure[::-1].tolist():
        least = max(int(windows.begins[place]), last)
        times = {first, *(each for each in windows.ends[sure].tolist() if each < first)}
        for when in sorted((each for each in times if least <= each < NEVER), reverse=True):
            is_before = windows.ends[sure] < when
            found.append(Switch(place, when, sure[is_before], sure[~is_before]))
    return found


def _tried(
    history: History, operations: Operations, windows: Windows, counter: Counter, switch: Switch
) -> tuple[Windows, tuple[Watch, ...]] | None:
    """Windows under which the switch was so, and what was counted when; None if that cannot be."""
    when, before, later = switch.when, switch.before, switch.after
    grants, refusals, _ = _mine(operations, counter)
    after = copied(windows)
    if when > EVER:
        after.ends[grants] = np.minimum(after.ends[grants], when)
        gone = grants[after.begins[grants] > after.ends[grants]]
        after.is_out[gone[windows.is_optional[gone]]] = True
    after.begins[refusals] = np.maximum(after.begins[refusals], when)
    if switch.refresh >= 0:
        after.begins[switch.refresh] = after.ends[switch.refresh] = when
        after.is_optional[switch.refresh] = False
        after.begins[later] = np.maximum(after.begins[later], when)
        after.ends[before] = np.minimum(after.ends[before], when)
    if (after.begins[refusals] > after.ends[refusals]).any():
        return None
    watched = [(int(after.begins[each]), int(after.ends[each]), 0, counter.limit - 1) for each in before]
    if EVER < when < NEVER:
        watched.append((when, when, counter.limit, MANY))
    made, _ = pool_of(history, operations, after, replace(counter, watched=tuple(watched)))
    return (after, tuple(watched)) if judge(made).judgement == "VALID" else None
