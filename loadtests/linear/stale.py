"""Claims that are judged by a copy of the count, taken at each refresh: overshoots until the next one.

Where nothing is given back the copies never fall, so there is one refresh at which they reach the limit:
every grant comes before it, every refusal after it; at all refreshes before it less was counted than the
limit. A refresh that nobody recorded can have been at any time.
"""

from dataclasses import replace

import numpy as np

from loadtests.history import NEVER, History
from loadtests.linear import pool
from loadtests.linear.counters import Counter, Watch, pool_of
from loadtests.linear.kernel import judge
from loadtests.linear.operations import FULL, GRANT, REFRESH, RELEASE, Operations, Whole
from loadtests.linear.pool import EVER, MANY, Judged
from loadtests.linear.windows import Windows, copied


def judged(history: History, operations: Operations, windows: Windows, counter: Counter) -> Judged | None:
    """INVALID with the operations that clash, or VALID; None where it cannot be said."""
    found, clash = _switches(operations, windows, counter)
    _, _, refreshes = _mine(operations, counter)
    overlap = (windows.begins[refreshes][1:] <= windows.ends[refreshes][:-1]).any()
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
    if len(stale) > 1 and operations.of(REFRESH).any():
        return None
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


Switch = tuple[int, int]
"""Which refresh brings the copy to the limit (their number: none of them), and when."""


def _switches(
    operations: Operations, windows: Windows, counter: Counter
) -> tuple[list[Switch] | None, Whole]:
    """Refreshes that can have brought the copy to the limit, the last first; and what clashes if none can."""
    grants, refusals, refreshes = _mine(operations, counter)
    if (operations.kind[counter.members] == RELEASE).any() or operations.is_optional[refreshes].any():
        return None, pool.NONE
    begins, ends = windows.begins[refreshes], windows.ends[refreshes]
    certain = grants[~windows.is_optional[grants] & ~windows.is_out[grants]]
    last = int(windows.begins[certain].max(initial=EVER))
    first = int(windows.ends[refusals].min(initial=NEVER))
    clash = np.concatenate(
        [certain[np.argsort(windows.begins[certain])[-1:]], refusals[np.argsort(windows.ends[refusals])[:1]]]
    )
    found: list[Switch] = []
    if not len(refusals):
        found.append((len(refreshes), NEVER))
    if not len(refreshes) and last <= first and len(refusals):
        found.append((0, first))
    for which in range(len(refreshes) - 1, -1, -1):
        if max(begins[which], last) <= min(ends[which], first):
            found.append((which, int(min(ends[which], first))))
    if counter.start >= counter.limit and not len(certain):
        found.append((-1, EVER))
    return found, np.concatenate([clash, refreshes])


def _tried(
    history: History, operations: Operations, windows: Windows, counter: Counter, switch: Switch
) -> tuple[Windows, tuple[Watch, ...]] | None:
    """Windows under which this refresh is the one, and what was counted when; None if that cannot be."""
    which, when = switch
    grants, refusals, refreshes = _mine(operations, counter)
    after = copied(windows)
    if which >= 0:
        after.ends[grants] = np.minimum(after.ends[grants], when)
        gone = grants[after.begins[grants] > after.ends[grants]]
        after.is_out[gone[windows.is_optional[gone]]] = True
    after.begins[refusals] = np.maximum(after.begins[refusals], when)
    if 0 <= which < len(refreshes):
        after.begins[refreshes[which]] = after.ends[refreshes[which]] = when
        after.begins[refreshes[which + 1 :]] = np.maximum(after.begins[refreshes[which + 1 :]], when)
        after.ends[refreshes[:which]] = np.minimum(after.ends[refreshes[:which]], when)
    if (after.begins[refusals] > after.ends[refusals]).any():
        return None
    before = refreshes[: max(which, 0)]
    watched = [(int(after.begins[each]), int(after.ends[each]), 0, counter.limit - 1) for each in before]
    if which >= 0 and when < NEVER:
        watched.append((when, when, counter.limit, MANY))
    pool, _ = pool_of(history, operations, after, replace(counter, watched=tuple(watched)))
    return (after, tuple(watched)) if judge(pool).judgement == "VALID" else None
