"""Who gains and who loses: chances by group, inequality of waits, and the order in which people are served.

An *inversion* is a pair of people of whom the one with the later certificate got a slot first. A *justified
claim* is held by somebody turned away because the cap was reached, though a later filer of the same stream
got a slot of the same intake. *Chances* are shares of all people in scope, the youngest certificates
included: they say what a policy did by the horizon.

All people here are in scope; the caller has left out the others.
"""

import functools
import math

import numpy as np

from sim import clock, streams
from sim.clock import NEVER, Seconds
from sim.measuring.survival import Floats, cumulative_incidence, runs
from sim.outcome import Outcome, Whole
from sim.people import People
from sim.population import Flags
from sim.scenario import Scenario


def fairness_measures(scenario: Scenario, people: People, outcome: Outcome) -> dict[str, float]:
    """The measures of fairness by name, groups as suffixes."""
    served = outcome.slot_s < NEVER
    streams = {name: k for k, (name, stream) in enumerate(scenario.streams.items()) if stream.eligible}
    names, cohort = cohorts(scenario, people.certified_s)
    by_stream = chances(people.stream, served, groups=len(scenario.streams))
    by_cohort = chances(cohort, served, groups=len(names))
    by_decile = chances(deciles(people.score), served, groups=10)
    first_two = [by_stream[k] for k in streams.values()][:2]
    first, second = first_two if len(first_two) == 2 else (math.nan, math.nan)
    granted = people.pr_approved & (people.pr_decided_s < NEVER)
    permanent_s = np.where(granted, people.pr_decided_s, NEVER)
    return {
        "slot_probability": _share(served),
        **{f"slot_probability/stream={name}": float(by_stream[k]) for name, k in streams.items()},
        **{f"slot_probability/cohort={name}": float(by_cohort[k]) for k, name in enumerate(names)},
        **{f"slot_probability/decile={k + 1}": float(by_decile[k]) for k in range(10)},
        "permit_before_pr_probability": _share(outcome.permit_s < permanent_s),
        "disparate_impact_ratio": float(second / first) if first > 0 else math.nan,
        "disparate_impact_difference": float(second - first),
        **inequality(scenario, people, outcome),
        "order_inversions": order_inversions(people.certified_s[served], outcome.slot_s[served]),
        "justified_claims": float(np.count_nonzero(justified_claims(people, outcome))),
    }


def cohorts(scenario: Scenario, certified_s: Seconds) -> tuple[list[str], Whole]:
    """Names of the certificates' half-years, the backlog first, and everyone's index among them."""
    bounds, names = _half_years(scenario.starts_s, scenario.ends_s, scenario.time_zone)
    return names, np.searchsorted(bounds, certified_s, side="right").astype(np.int64)


@functools.lru_cache(maxsize=8)
def _half_years(starts_s: int, ends_s: int, zone: str) -> tuple[Seconds, list[str]]:
    bounds = [starts_s, *clock.month_starts(starts_s, ends_s, zone, months=6)]
    begins = [clock.local(bound, zone) for bound in bounds]
    names = ["backlog", *(f"{day.year}H{1 if day.month <= 6 else 2}" for day in begins)]
    return np.array(bounds, dtype=np.int64), names


def deciles(score: Whole) -> Whole:
    """Everyone's tenth by score, 0 the lowest to 9; equal scores share the tenth of their middle rank."""
    order = np.argsort(score)
    begins = runs(score[order])
    ends = np.append(begins[1:], len(score))[: len(begins)]
    tenth = np.empty(len(score), dtype=np.int64)
    tenth[order] = np.repeat(5 * (begins + ends) // max(1, len(score)), ends - begins)
    return tenth


def chances(group: Whole, served: Flags, *, groups: int) -> Floats:
    """The served share of each group, shape (groups,); nan for a group without people."""
    people = np.bincount(group, minlength=groups)
    with np.errstate(invalid="ignore"):
        return np.bincount(group, weights=served, minlength=groups) / people


def inequality(scenario: Scenario, people: People, outcome: Outcome) -> dict[str, float]:
    """Gini and Theil of waits for a slot, among the people who would use one.

    The wait runs from the certificate, or from the start for the backlog: what came before is no policy's
    doing. The people are those who would apply, the same under every policy. Whoever leaves without a slot,
    or has none at the horizon, is censored, and each stream's distribution is Kaplan and Meier's; what is
    left of it when the last person is out of sight (so are those never served) waits the whole scenario.
    Taking only completed waits would call a policy equal that serves few people quickly.
    """
    horizon = scenario.ends_s - scenario.starts_s
    waits: list[Floats] = [np.empty(0)]
    weights: list[Floats] = [np.empty(0)]
    group: list[Whole] = [np.empty(0, dtype=np.int64)]
    start = np.maximum(people.certified_s, scenario.starts_s)
    seen_s = np.maximum(np.minimum(np.minimum(outcome.slot_s, outcome.left_s), scenario.ends_s) - start, 0)
    for k in range(len(scenario.streams)):
        rows = np.flatnonzero((people.stream == k) & people.applies)
        if not len(rows):
            continue
        served = (outcome.slot_s[rows] < NEVER).astype(np.int64)
        curve = cumulative_incidence(None, seen_s[rows], served)
        mass = -np.diff(curve.survival, prepend=1.0, append=0.0)
        waits.append(np.append(curve.times, horizon).astype(np.float64))
        weights.append(mass * len(rows))
        group.append(np.full(len(mass), k))
    wait, weight = np.concatenate(waits), np.concatenate(weights)
    within, between = theil_parts(wait, weight, np.concatenate(group))
    return {
        "gini_wait": gini(wait, weight),
        "theil_wait": within + between,
        "theil_wait_within": within,
        "theil_wait_between": between,
    }


def gini(values: Floats, weights: Floats | None = None) -> float:
    """Gini's mean difference, sum |x_i - x_j| w_i w_j / (2 W^2 mean); 0 equal, towards 1 all with one.

    nan without values or with mean 0. Source: Gini, Variabilità e mutabilità (1912), by Lorenz's curve.
    """
    weights = np.ones(len(values)) if weights is None else weights
    order = np.argsort(values, kind="stable")  # values come as sorted runs, one a stream
    people, total = weights[order], (weights * values)[order]
    if total.sum() <= 0:
        return math.nan
    poorer = np.cumsum(people) - people / 2  # the half is a value's comparison with itself
    return float(2 * (total * poorer).sum() / (total.sum() * people.sum()) - 1)


def theil(values: Floats, weights: Floats | None = None) -> float:
    """Theil's T, the mean of x/m ln(x/m); 0 ln 0 is 0; nan without values or with mean 0.

    Source: Theil, Economics and Information Theory (1967), ch. 4.
    """
    weights = np.ones(len(values)) if weights is None else weights
    total, people = float((weights * values).sum()), float(weights.sum())
    if total <= 0:
        return math.nan
    relative = values * (people / total)
    logs = streams.log(np.where(relative > 0, relative, 1.0))
    return max(
        0.0, float((weights * relative * logs).sum()) / people
    )  # it is never below 0, but for rounding


def theil_parts(values: Floats, weights: Floats, group: Whole) -> tuple[float, float]:
    """Theil's T within and between groups; their sum is the T of all.

    Within: the groups' own T, weighted by their shares in the total. Between: T if everyone of a group had
    the group's mean.
    """
    total = float((weights * values).sum())
    if total <= 0:
        return math.nan, math.nan
    within, means, sizes = 0.0, [], []
    for k in np.unique(group):
        x, w = values[group == k], weights[group == k]
        part, size = float((w * x).sum()), float(w.sum())
        if size <= 0:
            continue
        within += part / total * theil(x, w) if part > 0 else 0.0
        means.append(part / size)
        sizes.append(size)
    return within, theil(np.array(means), np.array(sizes))


def order_inversions(certified_s: Seconds, slot_s: Seconds) -> float:
    """The share of pairs served against the order of their certificates; nan for fewer than two people.

    Kendall's distance: 0 first come, 1/2 a lottery, 1 last come. Ties in either column are no inversion, but
    count as pairs.
    """
    n = len(slot_s)
    if n < 2:
        return math.nan
    by_slot = np.argsort(slot_s)
    by_certificate = by_slot[np.argsort(certified_s[by_slot], kind="stable")]  # equal ones by slot
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(slot_s[by_certificate], kind="stable")] = np.arange(n)
    return inversions(rank) / (n * (n - 1) / 2)


def inversions(order: Whole) -> int:
    """The pairs i < j with order[i] > order[j], of a permutation of 0..n-1, in n log n steps.

    One bit at a time from the highest, people are sorted stably into halves, quarters and so on, as merge
    sort backwards: of two people in the same part, the later goes below the earlier where the earlier has
    the bit and the later has not. The part of a value v at bit b holds the values from v >> b+1 << b+1 on,
    and begins at that very place, as the order is a permutation.
    """
    found, values = 0, order
    for bit in reversed(range((len(order) - 1).bit_length())):
        high = (values >> bit) & 1
        begins = values >> (bit + 1) << (bit + 1)
        highs = np.concatenate([[0], np.cumsum(high)])
        above = highs[:-1] - highs[begins]  # how many with the bit stand before, in the same part
        found += int(above @ (1 - high))
        place = np.where(high == 1, begins + (1 << bit) + above, np.arange(len(values)) - above)
        parted = np.empty_like(values)
        parted[place] = values
        values = parted
    return found


def justified_claims(people: People, outcome: Outcome) -> Flags:
    """Who was turned away at the cap and has no slot, while a later filer of stream and intake has one.

    Of people turned away more than once, the first and the last time are looked at.
    """
    holds = np.zeros(len(outcome), dtype=bool)
    unserved = (outcome.full_count > 0) & (outcome.slot_s == NEVER)
    first, again = np.flatnonzero(unserved), np.flatnonzero(unserved & (outcome.full_count > 1))
    rows = np.concatenate([first, again])
    full_s = np.concatenate([outcome.first_full_s[first], outcome.filed_s[again]])
    filed_s = np.minimum(full_s, outcome.filed_s[rows])  # counts = approved: turned away long after filing
    for account in outcome.intakes:
        inside = (full_s >= account.opens_s) & (full_s < account.closes_s)
        for stream in np.unique(people.stream[rows[inside]]):
            got = (outcome.intake == account.year) & (people.stream == stream) & (outcome.slot_s < NEVER)
            later_s = outcome.filed_s[got].max(initial=-NEVER)
            holds[rows[inside & (people.stream[rows] == stream) & (filed_s < later_s)]] = True
    return holds


def _share(flags: Flags) -> float:
    return float(flags.mean()) if len(flags) else math.nan
