"""Every policy against the baseline, measure by measure: differences, intervals, tests, a verdict.

The *headline* measures are those a planner reads first; the *family* is these and the chances of a slot by
stream, season and tenth by score. Intervals are given twice: for a contrast by itself (paired t; BCa for
ratios, quantiles and Gini where there are enough replications), and simultaneous for the family. The *margin*
says what counts as no difference: a part of the baseline's mean, for shares and ratios the same part of 1.
A mean of few slots counts as a tenth of all, and one of few days as a week.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.comparing import bootstrap, families
from sim.comparing.paired import LEVEL, Paired, paired
from sim.measures import definition
from sim.scenario import Scenario
from sim.studying.intervals import Floats

HEADLINES = (
    "grants",
    "permits",
    "slot_probability",
    "permit_before_pr_probability",
    "median_wait_days",
    "service_level",
    "labour_months_gained",
    "unused_slots",
    "over_cap_returns",
    "invitations_wasted",
    "disparate_impact_ratio",
    "gini_wait",
    "order_inversions",
)
LOAD = ("peak_hour_applications", "backlog_max")
"""What a policy asks of the portal and of the offices: beside every table, and outside the family."""
GROUPED = "slot_probability"
GROUPS = ("stream", "season", "decile")
SKEWED = ("disparate_impact_ratio", "gini_wait", "median_wait_days")
"""Ratios, Gini, quantiles: the mean of their differences gets a BCa interval."""
FLOOR_OF_SLOTS, FLOOR_OF_DAYS, FLOOR_OF_SHARES = 0.1, 7.0, 0.1
COUNTS = ("slots", "permits", "people", "applications", "letters")

Columns = dict[str, Floats]
"""Measure -> one value a replication."""


class Estimate(NamedTuple):
    """A value with its BCa interval; None: not estimable from so few replications."""

    value: float | None
    low: float | None
    high: float | None


class Contrast(NamedTuple):
    """One measure under one policy, less the same under the baseline."""

    policy: str
    measure: str
    n: int
    """Replications in which both have a value."""
    base: float | None
    value: float | None
    """Means over these replications."""
    difference: float | None
    low: float | None
    """95 % interval of this contrast by itself."""
    high: float | None
    method: str
    """How that interval was made: t or bca."""
    all_low: float | None
    """Simultaneous 95 % interval: all those of the family hold at once."""
    all_high: float | None
    p: float | None
    """Two-sided paired t."""
    p_holm: float | None
    """The same, adjusted for the family."""
    size: float | None
    """Mean over standard deviation of the differences; None where they never vary, and are not 0."""
    margin: float
    p_equivalent: float | None
    """Of the two one-sided tests that the difference is within the margin."""
    p_no_worse: float | None
    """That it is not beyond the margin on the bad side; None where no side is bad."""
    ratio: Estimate
    """Times the baseline's mean, for counts."""
    tail: Estimate
    """Difference of the one year in ten that is bad: 10th percentile where more is better, else the 90th."""
    verdict: str
    """same, better, worse, higher, lower, no worse, not settled, or not estimable."""


def headline_contrasts(
    scenario: Scenario, found: dict[str, Columns], *, margin: float, seed: int
) -> tuple[Contrast, ...]:
    """The contrasts of the family and of `LOAD`; `found` has the baseline first."""
    baseline, *others = found
    names = family_of(found[baseline])
    pairs = {
        (policy, name): paired(found[baseline][name], found[policy][name])
        for policy in others
        for name in (*names, *LOAD)
    }
    family = [key for key in pairs if key[1] not in LOAD]
    p_holm = dict(zip(family, families.holm([_p(pairs[key]) for key in family]), strict=True))
    whole = [key for key in family if pairs[key].n == len(found[baseline][key[1]])]
    gaps = [found[policy][name] - found[baseline][name] for policy, name in whole]
    shared = None
    if gaps and len(gaps[0]) > 1:
        shared = families.critical(np.array(gaps).T, len(family), seed=seed)
    reach = {key: shared if key in whole else _bonferroni(pairs[key], len(family)) for key in family}
    tails = _bca(found, [key for key in pairs if key[1] in HEADLINES], seed)
    return tuple(
        _contrast(scenario, found, key, pair, p_holm.get(key), reach.get(key), margin, tails)
        for key, pair in pairs.items()
    )


def family_of(columns: Columns) -> list[str]:
    """The measures of the family, in the order of the tables."""
    groups = [name for kind in GROUPS for name in columns if name.startswith(f"{GROUPED}/{kind}=")]
    return [*HEADLINES, *groups]


def floor(scenario: Scenario, measure: str, base: float) -> float:
    """What a mean counts as at least, so that one near 0 can be settled."""
    unit = definition(measure).unit
    if measure in LOAD:  # a rate and a stock are no part of the slots
        return FLOOR_OF_SHARES * abs(base)
    if unit == "days":
        return FLOOR_OF_DAYS
    if unit in COUNTS:
        return max(1.0, FLOOR_OF_SLOTS * math.fsum(intake.cap.value for intake in scenario.intake))
    return FLOOR_OF_SHARES if unit == "" else FLOOR_OF_SHARES * abs(base)


def imprecision(scenario: Scenario, found: dict[str, Columns], precision: float) -> float:
    """The largest half-width of a headline contrast over the one wanted.

    Wanted is e / (1 + e) of the mean difference, which counts as at least `floor`; a contrast without values
    cannot hold a study up.
    """
    baseline, *others = found
    worst = 0.0
    for policy in others:
        for name in HEADLINES:
            base = found[baseline][name]
            pair = paired(base, found[policy][name])
            if pair.n < 2:
                continue
            known = base[np.isfinite(base)]
            least = floor(scenario, name, math.fsum(known) / len(known))
            wanted = precision / (1.0 + precision) * max(abs(pair.mean), least)
            worst = max(worst, pair.half() / wanted if wanted > 0 else 0.0)
    return worst


def margin_of(scenario: Scenario, measure: str, base: float, part: float) -> float:
    """How large a difference of a measure may be and count as none."""
    if definition(measure).unit == "":
        return part
    return part * max(abs(base), floor(scenario, measure, base))


def _p(pair: Paired) -> float:
    return pair.p() if pair.n > 1 else math.nan


def _bonferroni(pair: Paired, family: int) -> float | None:
    return families.bonferroni(pair.n, family) if pair.n > 1 else None


Key = tuple[str, str]
Bounds = dict[tuple[Key, str], tuple[float, float]]


def _bca(found: dict[str, Columns], keys: list[Key], seed: int) -> Bounds:
    """(contrast, statistic) -> BCa bounds, for contrasts that have a value in every replication."""
    baseline = next(iter(found))
    whole = [
        key
        for key in keys
        if np.isfinite(found[key[0]][key[1]]).all() and np.isfinite(found[baseline][key[1]]).all()
    ]
    bounds: Bounds = {}
    for statistic, wanted in (
        (bootstrap.mean_difference, [key for key in whole if key[1] in SKEWED]),
        (bootstrap.ratio_of_means, [key for key in whole if definition(key[1]).unit in COUNTS]),
        (bootstrap.low_tail, [key for key in whole if definition(key[1]).better == "higher"]),
        (bootstrap.high_tail, [key for key in whole if definition(key[1]).better != "higher"]),
    ):
        if not wanted:
            continue
        base = np.array([found[baseline][name] for _, name in wanted]).T
        other = np.array([found[policy][name] for policy, name in wanted]).T
        low, high = bootstrap.intervals(statistic, base, other, seed=seed)
        for key, ends in zip(wanted, zip(low.tolist(), high.tolist(), strict=True), strict=True):
            bounds[key, statistic.__name__] = ends
    return bounds


def _contrast(
    scenario: Scenario,
    found: dict[str, Columns],
    key: Key,
    pair: Paired,
    p_holm: float | None,
    reach: float | None,
    part: float,
    bca: Bounds,
) -> Contrast:
    policy, name = key
    base, other = found[next(iter(found))][name], found[policy][name]
    both = np.isfinite(base) & np.isfinite(other)
    base, other = base[both], other[both]
    if pair.n == 0:
        return _nothing(policy, name)
    base_mean, mean = math.fsum(base) / pair.n, math.fsum(other) / pair.n
    margin = margin_of(scenario, name, base_mean, part)
    low, high, method = pair.mean - pair.half(), pair.mean + pair.half(), "t"
    skewed = bca.get((key, "mean_difference"), (math.nan, math.nan))
    if all(map(math.isfinite, skewed)):
        low, high, method = *skewed, "bca"
    wide = None if reach is None else pair.reach(reach)
    tests = _tests(pair, name, margin)
    return Contrast(
        policy=policy,
        measure=name,
        n=pair.n,
        base=base_mean,
        value=mean,
        difference=pair.mean,
        low=_known(low),
        high=_known(high),
        method=method,
        all_low=None if wide is None else pair.mean - wide,
        all_high=None if wide is None else pair.mean + wide,
        p=_known(_p(pair)),
        p_holm=None if p_holm is None else _known(p_holm),
        size=_known(pair.size()),
        margin=margin,
        p_equivalent=tests[0],
        p_no_worse=tests[1],
        ratio=_ratio(base_mean, mean, name, bca.get((key, "ratio_of_means"))),
        tail=_tail(base, other, name, bca.get((key, _tail_of(name).__name__))),
        verdict=_verdict(pair, name, p_holm, tests),
    )


def _nothing(policy: str, name: str) -> Contrast:
    """A contrast without a single pair."""
    none = Estimate(None, None, None)
    fields = dict.fromkeys(Contrast._fields) | {"policy": policy, "measure": name, "n": 0, "method": "t"}
    fields |= {"margin": 0.0, "ratio": none, "tail": none, "verdict": "not estimable"}
    return Contrast(**fields)  # type: ignore[arg-type]


def _tests(pair: Paired, name: str, margin: float) -> tuple[float | None, float | None]:
    """p of equivalence, and of "no worse"."""
    better = definition(name).better
    no_worse = {"higher": pair.p_above(-margin), "lower": pair.p_below(margin)}.get(better, math.nan)
    return _known(pair.p_equivalent(margin)), _known(no_worse)


def _verdict(pair: Paired, name: str, p_holm: float | None, tests: tuple[float | None, float | None]) -> str:
    """What a contrast comes to; "same" only by the two one-sided tests."""
    equivalent, no_worse = tests
    if pair.n > 1 and pair.deviation == 0 and pair.mean == 0:
        return "same"
    if equivalent is not None and equivalent < LEVEL:
        return "same"
    p = pair.p() if p_holm is None else p_holm  # what is outside the family stands for itself
    if p < LEVEL:
        better = definition(name).better
        if not better:
            return "higher" if pair.mean > 0 else "lower"
        return "better" if (pair.mean > 0) == (better == "higher") else "worse"
    return "no worse" if no_worse is not None and no_worse < LEVEL else "not settled"


def _ratio(base: float, mean: float, name: str, bounds: tuple[float, float] | None) -> Estimate:
    if definition(name).unit not in COUNTS or base == 0:
        return Estimate(None, None, None)
    low, high = bounds or (math.nan, math.nan)
    return Estimate(mean / base, _known(low), _known(high))


def _tail_of(name: str) -> bootstrap.Statistic:
    return bootstrap.low_tail if definition(name).better == "higher" else bootstrap.high_tail


def _tail(base: Floats, other: Floats, name: str, bounds: tuple[float, float] | None) -> Estimate:
    """Nothing at all where there are too few replications: a percentile of few is one of them."""
    if name not in HEADLINES or len(base) < bootstrap.FOR_TAILS:
        return Estimate(None, None, None)
    low, high = bounds or (math.nan, math.nan)
    return Estimate(float(_tail_of(name)(base, other)), _known(low), _known(high))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
