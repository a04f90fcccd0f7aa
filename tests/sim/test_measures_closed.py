"""Estimators and indices against closed forms, published numbers, other implementations and plain loops.

Published data: `kaplan-meier-6mp`, remission in weeks under 6-mercaptopurine and placebo: Freireich et al.,
Blood 21 (1963) 699-716, as analysed by Kleinbaum and Klein, Survival Analysis. `backlog-quebec-2019`: 41,200
people selected, 19,500 admitted a year: "some will wait two years".
"""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.clock import DAY_S, MONTH_S, YEAR_S
from sim.measures import measure
from sim.measuring.fairness import gini, inversions, order_inversions, theil, theil_parts
from sim.measuring.intakes import uptake
from sim.measuring.survival import cumulative_incidence
from sim.measuring.workload import clearance, most_at_once
from sim.outcome import IntakeAccount, stock
from tests.people import make_people
from tests.sim.building import world
from tests.sim.handmade import make_outcome

MERCAPTOPURINE = [
    6,
    6,
    6,
    7,
    10,
    13,
    16,
    22,
    23,
    6,
    9,
    10,
    11,
    17,
    19,
    20,
    25,
    32,
    32,
    34,
    35,
]  # 9 events first
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

records = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 2)), max_size=12
)  # (entered, left, cause) of people on so small a scale that ties are the rule


# Survival


def test_kaplan_meier_of_remission_times_closed() -> None:
    """S(t) to three decimals as printed, and medians of 23 and 8 weeks."""
    curve = cumulative_incidence(None, np.array(MERCAPTOPURINE), np.array([1] * 9 + [0] * 12))
    printed = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {t: round(curve.survival_at(t), 3) for t in printed} == pytest.approx(printed, abs=0.0005)
    assert curve.quantile(0.5) == 23
    assert cumulative_incidence(None, np.array(PLACEBO), np.ones(21, dtype=int)).quantile(0.5) == 8


def test_kaplan_meier_agrees_with_scipy_closed() -> None:
    rng = np.random.default_rng(5)
    true, censored = rng.geometric(0.05, 400), rng.geometric(0.04, 400)
    left, cause = np.minimum(true, censored), (true <= censored).astype(np.int64)
    curve = cumulative_incidence(None, left, cause)
    sample = stats.CensoredData.right_censored(left, cause == 0)
    theirs = stats.ecdf(sample).sf
    for age in range(1, int(left.max()) + 1):
        assert curve.survival_at(age) == pytest.approx(float(theirs.evaluate(age)), abs=1e-12)


def test_incidence_without_censoring_is_the_share_of_those_who_left_closed() -> None:
    left, cause = np.array([1, 1, 2, 3, 3, 5]), np.array([1, 2, 1, 2, 1, 1])
    curve = cumulative_incidence(None, left, cause, causes=2)
    assert [curve.incidence_at(age) for age in (0, 1, 2, 3, 5)] == pytest.approx(
        [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6]
    )
    assert [curve.incidence_at(age, cause=2) for age in (1, 4)] == pytest.approx([1 / 6, 2 / 6])


def plain_incidence(people: list[tuple[int, int, int]], age: int, cause: int) -> float:
    """Aalen and Johansen as written down: sum of S(t-) d_k(t) / n(t) over the event times t up to an age."""
    people = [(entered, left, why) for entered, left, why in people if left > entered or entered == 0]
    survival, incidence = 1.0, 0.0
    for t in sorted({left for _, left, why in people if why and left <= age}):
        at_risk = sum((entered < t or entered == 0) and t <= left for entered, left, _ in people)
        leaving = [why for _, left, why in people if why and left == t]
        incidence += survival * leaving.count(cause) / at_risk
        survival *= 1 - len(leaving) / at_risk
    return incidence


@given(records)
def test_incidence_is_that_of_the_plain_loop_closed(people: list[tuple[int, int, int]]) -> None:
    entered, left, cause = (np.array([one[k] for one in people], dtype=np.int64) for k in range(3))
    curve = cumulative_incidence(entered, left, cause, causes=2)
    seen = [(e, x) for e, x, _ in people if x > e or e == 0]
    last = max((x for _, x in seen), default=-1)
    for age in range(last + 1):
        for k in (1, 2):
            assert curve.incidence_at(age, cause=k) == pytest.approx(
                plain_incidence(people, age, k), abs=1e-12
            )
    assert math.isnan(curve.last) == (not seen)


@given(records)
def test_survival_and_incidences_sum_to_one_closed(people: list[tuple[int, int, int]]) -> None:
    entered, left, cause = (np.array([one[k] for one in people], dtype=np.int64) for k in range(3))
    curve = cumulative_incidence(entered, left, cause, causes=2)
    assert curve.survival + curve.incidence.sum(axis=0) == pytest.approx(np.ones(len(curve.times)))
    assert (curve.at_risk >= 1).all()


def test_late_entry_recovers_an_exponential_that_naive_counting_misses_closed() -> None:
    """Residual times of a memoryless wait: P(left by t) = 1 - exp(-t/100), for people seen from any age on.

    The late ones were chosen for having survived; counting them from 0 puts the median far above 100 ln 2.
    """
    rng = np.random.default_rng(11)
    age = np.where(rng.random(20_000) < 0.5, 0.0, rng.random(20_000) * 200)
    left = age + rng.exponential(100, 20_000)
    ones = np.ones(20_000, dtype=np.int64)
    curve = cumulative_incidence(age, left, ones)
    error = 1 / math.sqrt(20_000 * 0.4)  # sd of a share among those at risk, generously
    for t in (50, 100, 200):
        assert curve.incidence_at(t) == pytest.approx(1 - math.exp(-t / 100), abs=4 * error)
    assert cumulative_incidence(None, left, ones).quantile(0.5) > 1.5 * 100 * math.log(2)


def test_censoring_a_competing_end_overstates_the_permit_closed() -> None:
    """Constant hazards a and b: F_1(t) = a/(a+b) (1 - exp(-(a+b)t)), while 1-KM estimates 1 - exp(-at)."""
    rng = np.random.default_rng(12)
    permit, permanent = rng.exponential(1.0, 20_000), rng.exponential(0.5, 20_000)
    left, cause = np.minimum(permit, permanent), np.where(permit < permanent, 1, 2)
    both = cumulative_incidence(None, left, cause, causes=2)
    naive = cumulative_incidence(None, left, np.where(cause == 1, 1, 0))
    assert both.incidence_at(1.0) == pytest.approx((1 - math.exp(-3)) / 3, abs=4 * 0.5 / math.sqrt(20_000))
    assert naive.incidence_at(1.0) == pytest.approx(1 - math.exp(-1), abs=0.03)


# Inequality


def test_gini_and_theil_of_five_waits_closed() -> None:
    waits = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    assert gini(waits) == pytest.approx(0.4, abs=1e-6)
    assert theil(waits) == pytest.approx(0.276364, abs=1e-6)


def test_gini_and_theil_of_distributions_closed() -> None:
    """Uniform on (0, 1): Gini 1/3. Exponential: Gini 1/2, Theil 1 - Euler's constant. At their quantiles."""
    u = (np.arange(100_000) + 0.5) / 100_000
    assert gini(u) == pytest.approx(1 / 3, abs=1e-4)
    assert gini(-np.log(1 - u)) == pytest.approx(1 / 2, abs=1e-3)
    assert theil(-np.log(1 - u)) == pytest.approx(1 - np.euler_gamma, abs=1e-3)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 4)), min_size=1, max_size=15))
def test_gini_is_half_the_relative_mean_difference_closed(pairs: list[tuple[int, int]]) -> None:
    """G = sum |x_i - x_j| / (2 n^2 mean); a weight counts a value that often."""
    values, weights = (np.array([pair[k] for pair in pairs], dtype=float) for k in (0, 1))
    each = np.repeat(values, weights.astype(int))
    if each.sum() == 0:
        assert math.isnan(gini(values, weights))
        return
    expected = np.abs(each[:, None] - each).sum() / (2 * len(each) ** 2 * each.mean())
    assert gini(values, weights) == pytest.approx(expected, abs=1e-12)
    assert theil(values, weights) == pytest.approx(theil(each), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2)), min_size=1, max_size=15))
def test_theil_is_its_parts_closed(pairs: list[tuple[int, int]]) -> None:
    values = np.array([pair[0] for pair in pairs], dtype=float)
    group = np.array([pair[1] for pair in pairs])
    within, between = theil_parts(values, np.ones(len(values)), group)
    assert within + between == pytest.approx(theil(values), abs=1e-12, nan_ok=True)
    assert not between < -1e-12


def test_inequality_of_censored_waits_is_that_of_the_waits_closed() -> None:
    """Exponential waits of mean 50 days, half of the people gone by then for another reason.

    Over 1,000 days Gini is 1/2 and Theil 1 - Euler's constant; of the completed waits alone, whose hazard is
    that of both ends, the mean would be halved.
    """
    rng = np.random.default_rng(13)
    scenario = world(days=1000)
    n, start = 20_000, scenario.starts_s
    slot, gone = (start + np.rint(rng.exponential(50 * DAY_S, n)).astype(np.int64) for _ in range(2))
    columns = {
        "filed_s": np.where(slot < gone, slot, 2**62),
        "slot_s": np.where(slot < gone, slot, 2**62),
        "left_s": np.where(slot < gone, 2**62, gone),
        "intake": np.where(slot < gone, 2022, 0),
    }
    got = int((slot < gone).sum())
    account = IntakeAccount(2022, start, scenario.ends_s, n, 0, got, got)
    people = make_people(n, certified_s=start)
    found = measure(scenario, people, make_outcome(n, account, **columns))
    assert found["gini_wait"] == pytest.approx(0.5, abs=0.03)
    assert found["theil_wait"] == pytest.approx(1 - np.euler_gamma, abs=0.05)


# Order


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 6])
def test_inversions_of_every_small_order_closed(n: int) -> None:
    for order in permutations(range(n)):
        counted = sum(order[i] > order[j] for j in range(n) for i in range(j))
        assert inversions(np.array(order, dtype=np.int64)) == counted


def test_a_lottery_inverts_half_of_the_pairs_closed() -> None:
    """Kendall (1938): under a random order the share has mean 1/2 and sd sqrt(n(n-1)(2n+5)/72) / pairs."""
    n, draws = 1000, 400
    rng = np.random.default_rng(17)
    shares = [order_inversions(np.arange(n), rng.permutation(n)) for _ in range(draws)]
    sd = math.sqrt(n * (n - 1) * (2 * n + 5) / 72) / (n * (n - 1) / 2)
    assert sd == pytest.approx(0.010559, abs=1e-6)
    assert np.mean(shares) == pytest.approx(0.5, abs=4 * sd / math.sqrt(draws))
    assert np.std(shares, ddof=1) == pytest.approx(sd, rel=5 / math.sqrt(2 * draws))


@pytest.mark.parametrize("n", [2, 3, 50, 1_000])
def test_inversions_are_scipys_kendall_distance_closed(n: int) -> None:
    """Without ties Kendall's tau is 1 - 2 x the share of inversions; scipy counts it on its own."""
    rng = np.random.default_rng(n)
    certified, slot = rng.permutation(n), rng.permutation(n)
    tau = float(stats.kendalltau(certified, slot).statistic)
    assert order_inversions(certified, slot) == pytest.approx((1 - tau) / 2)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_ties_are_no_inversions_closed(people: list[tuple[int, int]]) -> None:
    certified, slot = (np.array([one[k] for one in people]) for k in (0, 1))
    against = sum(a[0] < b[0] and a[1] > b[1] for a in people for b in people)
    assert order_inversions(certified, slot) == pytest.approx(against / (len(people) * (len(people) - 1) / 2))
    assert order_inversions(certified, certified) == 0


# Stocks and flows


@given(st.lists(st.tuples(st.integers(0, 364), st.integers(1, 500)), max_size=20))
def test_littles_law_holds_on_every_path_closed(files: list[tuple[int, int]]) -> None:
    """L = lambda W, exactly: the mean stock is the arrival rate times the mean time inside the window.

    Source: Little, Oper. Res. 9 (1961) 383-387; as a sample-path identity Stidham, Oper. Res. 22 (1974).
    """
    scenario, n = world(days=365), len(files)
    start, end = scenario.starts_s, scenario.ends_s
    slot = np.array([start + day * DAY_S for day, _ in files], dtype=np.int64)
    decided = np.array([start + (day + wait) * DAY_S for day, wait in files], dtype=np.int64)
    decided = np.where(decided < end, decided, 2**62)
    columns = {"filed_s": slot, "slot_s": slot, "decided_s": decided, "intake": 2022}
    account = IntakeAccount(2022, start, end, 10**6, 0, n, n)
    found = measure(scenario, make_people(n, certified_s=start), make_outcome(n, account, **columns))
    noons = start + DAY_S // 2 + DAY_S * np.arange(365)  # everything happens at midnight
    daily = stock(slot, decided, noons)
    assert found["backlog_mean"] == pytest.approx(daily.mean())
    assert found["backlog_max"] == daily.max(initial=0) == most_at_once(slot, decided)
    inside = [min(day + wait, 365) - day for day, wait in files]
    assert found["backlog_mean"] == pytest.approx(n / 365 * (sum(inside) / n if n else 0))


def test_permits_in_force_are_arrivals_times_validity_closed() -> None:
    """In a steady stream of r arrivals a day with validity v days, r v permits are in force."""
    scenario = world(days=1000, programme={"permit_months": 6, "certificate_months": 240})
    arrived = scenario.starts_s + np.arange(0, 1000 * 24, 2) * 3600  # 12 a day
    people = make_people(len(arrived), certified_s=scenario.starts_s)
    account = IntakeAccount(2022, scenario.starts_s, scenario.ends_s, 1, 0, 0, 0)
    found = measure(scenario, people, make_outcome(len(arrived), account, arrived_s=arrived))
    assert found["permits_in_force"] == pytest.approx(12 * 6 * MONTH_S / DAY_S, abs=1)
    whole, partial = len(arrived) - found["permits_in_force"], found["permits_in_force"]
    expected = whole * 6 * MONTH_S + partial * 3 * MONTH_S  # the latter are on average half through
    assert found["permit_years"] == pytest.approx(expected / YEAR_S, rel=1e-3)


def test_clearance_of_the_published_backlog_closed() -> None:
    """41,200 / 19,500 a year = 2.1128 years: "some will wait two years"."""
    assert clearance(41_200, 19_500) == pytest.approx(2.112821, abs=1e-6)
    assert clearance(41_200, 19_500) == pytest.approx(2.1, abs=0.05)
    assert clearance(0, 0) == 0
    assert math.isnan(clearance(1, 0))


def test_unused_slots_of_poisson_demand_closed() -> None:
    """E (C - N)+ = C F(C) - m F(C - 1), N Poisson of mean m = 0.99 C: a cap of 7,350 leaves 82.7 unused.

    The same C and m give P(N >= C) = 0.196 and a fill rate of 98.87 %. Source: Poisson loss function.
    """
    cap, mean, draws = 7350, 7276.5, 300
    scenario = world(cap=cap)
    start = scenario.starts_s
    rows = []
    for claims in np.random.default_rng(19).poisson(mean, draws):
        slots = min(int(claims), cap)
        slot = start + np.arange(slots, dtype=np.int64)
        account = IntakeAccount(2022, start, scenario.ends_s, cap, 0, slots, slots)
        outcome = make_outcome(slots, account, filed_s=slot, slot_s=slot, intake=2022)
        rows.append(measure(scenario, make_people(slots, certified_s=start), outcome))
    unused = [row["unused_slots"] for row in rows]
    expected = cap * stats.poisson.cdf(cap, mean) - mean * stats.poisson.cdf(cap - 1, mean)
    assert expected == pytest.approx(82.725365, abs=1e-4)
    assert np.mean(unused) == pytest.approx(expected, abs=5 * np.std(unused, ddof=1) / math.sqrt(draws))
    assert np.mean([row["intake_fill_rate"] for row in rows]) == pytest.approx(0.988745, abs=0.004)
    assert np.mean([row["cap_reached/2022"] for row in rows]) == pytest.approx(
        0.195915, abs=5 * 0.4 / math.sqrt(draws)
    )


def test_uptake_of_even_claims_is_a_straight_line_closed() -> None:
    scenario = world(cap=365)
    start = scenario.starts_s
    slot = start + DAY_S * np.arange(365)
    account = IntakeAccount(2022, start, scenario.ends_s, 365, 0, 365, 365)
    outcome = make_outcome(365, account, filed_s=slot, slot_s=slot, intake=2022)
    grid = start + DAY_S * np.arange(0, 365, 73)
    assert uptake(outcome, 2022, grid) == pytest.approx(np.arange(1, 366, 73) / 365)
