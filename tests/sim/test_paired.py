"""Paired statistics against textbook cases, each computed a second time here, and their coverage."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

from sim.comparing import bootstrap, families
from sim.comparing.paired import paired

# Student (1908), The probable error of a mean: hours of sleep gained by ten patients under two drugs.
FIRST = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SECOND = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])

Floats = NDArray[np.float64]


def test_students_sleep_has_students_interval() -> None:
    found = paired(FIRST, SECOND)
    assert (found.n, found.mean) == (10, pytest.approx(1.58))
    assert found.mean / found.error == pytest.approx(4.0621, abs=1e-4)
    assert found.p() == pytest.approx(0.002833, abs=1e-6)
    assert (found.mean - found.half(), found.mean + found.half()) == pytest.approx((0.7001, 2.4599), abs=1e-4)


@pytest.mark.parametrize("margin", [0.5, 1.0, 1.6, 2.2, 2.4, 3.0])
def test_equivalence_is_both_one_sided_tests_and_the_90_per_cent_interval_inside(margin: float) -> None:
    found = paired(FIRST, SECOND)
    gaps = SECOND - FIRST
    above = stats.ttest_1samp(gaps, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(gaps, margin, alternative="less").pvalue
    assert found.p_equivalent(margin) == pytest.approx(max(above, below))
    low, high = stats.t.interval(0.90, 9, gaps.mean(), stats.sem(gaps))
    assert (found.p_equivalent(margin) < 0.05) == (-margin < low and high < margin)


def test_no_worse_looks_at_the_bad_side_only() -> None:
    found = paired(FIRST, SECOND)  # 1.58 hours more
    assert found.p_above(-0.1) < 0.05, "more is better: no worse"
    assert found.p_below(0.1) > 0.95, "less is better: not shown"


def test_a_difference_that_never_varies_is_certain() -> None:
    base = np.array([0.1, 0.2, 0.3])
    same, more = paired(base, base), paired(base, base + 1.0)
    assert (same.p(), same.half(), same.size(), same.p_equivalent(0.01)) == (1.0, 0.0, 0.0, 0.0)
    assert more.mean == pytest.approx(1.0)
    assert more.p() < 1e-9


def test_of_one_pair_nothing_is_known_and_gaps_are_left_out() -> None:
    one = paired(np.array([1.0, np.nan, 3.0]), np.array([2.0, 5.0, np.nan]))
    assert (one.n, one.mean, one.half()) == (1, 1.0, math.inf)
    assert math.isnan(one.p())
    assert paired(np.array([np.nan]), np.array([1.0])).n == 0


def by_closed_testing(p: list[float]) -> list[float]:
    """Holm as the closure of Bonferroni: the largest adjusted p of any set of hypotheses that has it."""
    sets = [s for n in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), n)]
    return [max(min(1.0, len(s) * min(p[i] for i in s)) for s in sets if k in s) for k in range(len(p))]


@pytest.mark.parametrize(
    "p", [[0.01, 0.04, 0.03, 0.005], [0.5, 0.5, 0.5], [0.001], [0.02, 0.02, 0.9, 0.0], [1.0, 0.3]]
)
def test_holm_is_the_closure_of_bonferroni(p: list[float]) -> None:
    assert families.holm(p) == pytest.approx(by_closed_testing(p))


def test_holms_textbook_case_and_gaps() -> None:
    assert families.holm([0.01, 0.04, math.nan, 0.03, 0.005]) == pytest.approx(
        [0.03, 0.06, math.nan, 0.06, 0.02], nan_ok=True
    )


def test_holm_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(12)
    for count in (1, 2, 7, 60):
        p = (rng.random(count) ** 4).tolist()
        theirs = multipletests(p, method="holm")[1]
        assert families.holm(p) == pytest.approx(theirs.tolist())


def test_the_largest_t_of_independent_normals_is_sidaks_and_of_copies_that_of_one() -> None:
    drawn = np.random.default_rng(1).normal(size=(400, 12))
    independent = families.critical(drawn, 12, seed=3)
    sidak = stats.t.ppf(0.5 + 0.95 ** (1 / 12) / 2, 399)
    assert independent == pytest.approx(sidak, abs=0.12)
    copies = families.critical(np.repeat(drawn[:, :1], 12, axis=1), 12, seed=3)
    assert copies == pytest.approx(stats.t.ppf(0.975, 399), abs=0.12)
    assert copies < independent <= families.bonferroni(400, 12)


def test_few_replications_get_bonferronis() -> None:
    drawn = np.random.default_rng(1).normal(size=(6, 5))
    assert families.critical(drawn, 5, seed=1) == pytest.approx(stats.t.ppf(1 - 0.05 / 10, 5))


def bca(values: Floats, level: float) -> tuple[float, float]:
    """Efron's BCa interval of a mean, written down a second time."""
    n, rng = len(values), np.random.default_rng(8)
    drawn = np.sort(values[rng.integers(0, n, (40_000, n))].mean(axis=1))
    z0 = stats.norm.ppf((drawn < values.mean()).mean())
    left_out = (values.sum() - values) / (n - 1)
    gap = left_out.mean() - left_out
    a = (gap**3).sum() / (6 * (gap**2).sum() ** 1.5)
    z = stats.norm.ppf([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(drawn, stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z))))
    return float(low), float(high)


def test_a_bca_interval_is_efrons_and_leans_with_the_skew() -> None:
    gaps = np.random.default_rng(4).gamma(1.5, 2.0, 50)
    zeros = np.zeros((50, 1))
    low, high = bootstrap.intervals(bootstrap.mean_difference, zeros, gaps[:, None], seed=1)
    level = 2 * stats.norm.cdf(math.sqrt(50 / 49) * stats.t.ppf(0.975, 49)) - 1
    assert (low[0], high[0]) == pytest.approx(bca(gaps, level), abs=0.06)
    assert high[0] - gaps.mean() > gaps.mean() - low[0]


def test_too_few_replications_are_not_estimable() -> None:
    drawn = np.random.default_rng(2).normal(10, 1, (99, 2))
    for n, statistic, is_known in (
        (35, bootstrap.ratio_of_means, False),
        (36, bootstrap.ratio_of_means, True),
        (99, bootstrap.high_tail, False),
    ):
        low, _ = bootstrap.intervals(statistic, drawn[:n, :1], drawn[:n, 1:], seed=1)
        assert np.isfinite(low).all() == is_known


def repeated(n: int, repeats: int, seed: int) -> tuple[Floats, Floats]:
    """Baseline and policy of many studies at once, as columns: correlated, and skewed in what differs."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 10, (n, repeats))
    return 100 + shared + rng.normal(0, 4, (n, repeats)), 110 + shared + rng.normal(0, 6, (n, repeats))


@pytest.mark.long
@pytest.mark.parametrize("n", [10, 30, 100])
def test_paired_t_intervals_cover_as_they_say(n: int) -> None:
    base, other = repeated(n, 8_000, n)
    found = [paired(base[:, k], other[:, k]) for k in range(base.shape[1])]
    covered = np.mean([abs(each.mean - 10.0) <= each.half() for each in found])
    assert 0.93 <= covered <= 0.97, covered


SPREAD = stats.norm.ppf(0.9) * (math.sqrt(136) - math.sqrt(116))  # of the two policies' own deviations


@pytest.mark.long
@pytest.mark.parametrize(
    ("statistic", "n", "truth"),
    [
        (bootstrap.mean_difference, 36, 10.0),
        (bootstrap.ratio_of_means, 36, 1.1),
        (bootstrap.ratio_of_means, 100, 1.1),
        (bootstrap.low_tail, 100, 10.0 - SPREAD),
        (bootstrap.high_tail, 150, 10.0 + SPREAD),
        (bootstrap.high_tail, 100, 10.0 + SPREAD),
    ],
)
def test_bca_intervals_cover_as_they_say(statistic: bootstrap.Statistic, n: int, truth: float) -> None:
    base, other = repeated(n, 3_000, n + 1)
    low, high = bootstrap.intervals(statistic, base, other, seed=5)
    covered = np.mean((low <= truth) & (truth <= high))
    assert 0.93 <= covered <= 0.97, covered


@pytest.mark.long
@pytest.mark.parametrize("n", [12, 30, 100])
def test_simultaneous_intervals_hold_together(n: int) -> None:
    held, rng = [], np.random.default_rng(n)
    for repeat in range(600):
        gaps = rng.normal(size=(n, 1)) + rng.normal(size=(n, 25))
        error = gaps.std(axis=0, ddof=1) / math.sqrt(n)
        held.append(bool((abs(gaps.mean(axis=0)) <= families.critical(gaps, 25, seed=repeat) * error).all()))
    assert np.mean(held) >= 0.93, np.mean(held)


@pytest.mark.long
def test_holm_and_equivalence_keep_their_level() -> None:
    rng = np.random.default_rng(6)
    alarms, equal = [], []
    for _ in range(3_000):
        gaps = rng.normal(size=(20, 1)) + rng.normal(size=(20, 8))
        zeros = np.zeros(20)
        alarms.append(min(families.holm([paired(zeros, column).p() for column in gaps.T])) < 0.05)
        equal.append(paired(zeros, gaps[:, 0] + 0.5).p_equivalent(0.5) < 0.05)  # on the margin itself
    assert np.mean(alarms) <= 0.062
    assert np.mean(equal) <= 0.062
