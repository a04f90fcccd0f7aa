"""People against theory: whether the columns of a population follow the laws that the scenario names.

Intervals and `detects` are as in test_closed_forms.py. Moments of the triangular and lognormal laws are those
of Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions.
"""

import math
from datetime import date

import numpy as np
import pytest
from scipy import integrate, stats

from sim.clock import DAY_S, MONTH_S, NEVER, WEEK_S, YEAR_S
from sim.people import settle
from sim.population import draw
from tests.sim.building import agree, counts_follow, follows, world

CROWD = 40_000


@pytest.fixture(scope="module")
def people():
    """A crowd in which everything varies, certified at the start."""
    scenario = world(
        demand={"backlog": CROWD, "backlog_age_months": 12},
        behaviour={
            "declines_share": 0.1,
            "applies_share": 0.6,
            "answer_days": 20,
            "answer_sigma": 0.5,
            "refile_days": 10,
            "withdrawal_per_year": 0.3,
            "family_size": 2.9,
            "landing_days_low": 30,
            "landing_days_high": 120,
        },
        offices={
            "service_hours": 2,
            "service_sigma": 0.8,
            "unstaffed_weeks": {"low": 1, "mode": 2, "high": 6},
            "approval_share": 0.95,
        },
        streams={"crafts": {"share": 0.7}, "arts": {"share": 0.3}},
    )
    return settle(scenario, draw(scenario, 0))


def test_closed_form_of_the_work_on_a_file(people):
    """Lognormal by its mean: median = mean exp(-s^2/2), variance = mean^2 (exp(s^2) - 1)."""
    hours = people.service_s / 3600
    agree(hours, 2.0, detects=0.06)  # were the mean taken for the median, 2.75
    follows(hours, stats.lognorm(0.8, scale=2 * math.exp(-0.32)))


def test_closed_form_of_the_time_to_answer(people):
    """Lognormal by its median: mean = median exp(s^2/2), variance = mean^2 (exp(s^2) - 1)."""
    for delay_s, median in ((people.answer_delay_s, 20), (people.refile_delay_s, 10)):
        mean = median * math.exp(0.125)
        agree(delay_s / DAY_S, mean, detects=0.05)
        agree((delay_s / DAY_S - mean) ** 2, mean**2 * (math.exp(0.25) - 1), detects=0.3)
        assert stats.binomtest(int((delay_s > median * DAY_S).sum()), CROWD, 0.5).pvalue > 1e-6


def test_closed_form_of_unstaffed_weeks(people):
    """Triangular (a, c, b): mean (a + b + c)/3, variance (a^2 + b^2 + c^2 - ab - ac - bc)/18, of which
    (c - a)/(b - a) lie below the mode.
    """
    weeks = people.unstaffed_s / WEEK_S
    agree(weeks, 3.0, detects=0.03)
    agree((weeks - 3.0) ** 2, 21 / 18, detects=0.08)
    follows(weeks, stats.triang(1 / 5, loc=1, scale=5))


def test_closed_form_of_withdrawals(people):
    """Exponential with P(T <= 1 year) = 0.3: the rate is -ln 0.7 a year."""
    years = people.withdraws_after_s / YEAR_S
    assert stats.binomtest(int((years <= 1).sum()), CROWD, 0.3).pvalue > 1e-6
    follows(years, stats.expon(scale=-1 / math.log(0.7)))


def test_closed_form_of_shares_scores_and_families(people):
    """Bernoulli shares; scores normal(590, 40) and rounded; families 1 + Poisson(mean - 1); landing even."""
    for flags, share in (
        (people.declines, 0.1),
        (people.applies, 0.6),
        (people.approved, 0.95),
        (people.employed, 0.85),
        (people.stream == 1, 0.3),
    ):
        assert stats.binomtest(int(flags.sum()), CROWD, share).pvalue > 1e-6
    assert not (people.declines & people.applies).any()
    follows(people.score + np.random.default_rng(1).random(CROWD) - 0.5, stats.norm(590, 40))
    counts_follow(people.family_size - 1, stats.poisson(1.9))
    follows(people.landing_s / DAY_S, stats.uniform(30, 90))


def test_closed_form_of_independent_columns(people):
    """Independent columns have correlation 0 +- 1/sqrt(n): one stream of chance serves one purpose only."""
    columns = [
        people.score,
        np.log(people.service_s),
        np.log(people.answer_delay_s),
        np.log(people.refile_delay_s),
        people.unstaffed_s,
        people.withdraws_after_s,
        people.landing_s,
        people.lottery.astype(float),
        people.certified_s,
        people.approved,
        people.applies,
        people.family_size,
    ]
    correlation = np.corrcoef(np.array([np.asarray(each, dtype=float) for each in columns]))
    off = np.abs(correlation[np.triu_indices(len(columns), 1)])
    assert off.max() < 6 / math.sqrt(CROWD)


def test_closed_form_of_a_year_of_over_dispersed_demand():
    """N ~ Poisson(m F), E F = 1, sd F = s: variance m + s^2 m^2 (a mixed Poisson law; Grandell 1997)."""
    scenario = world(demand={"per_year": 300, "year_factor_sd": 0.15})
    numbers = np.array([len(draw(scenario, k)) for k in range(700)], dtype=float)
    agree(numbers, 300, detects=0.1)
    agree((numbers - 300) ** 2, 300 + (0.15 * 300) ** 2, detects=0.8)  # Poisson alone: 300, an eighth of it


def test_closed_form_of_certificates_over_the_year():
    """Rounds weighted by month, halved in an event: the months' numbers are multinomial in the weights."""
    seasonal = [1, 1, 1, 2, 2, 2, 0, 0, 0, 1, 1, 1]
    event = {"name": "slump", "starts": date(2022, 10, 1), "ends": date(2022, 12, 31), "factor": 0.5}
    scenario = world(
        demand={"per_year": 30_000, "arrivals": "fixed", "seasonal": seasonal, "events": [event]}
    )
    population = draw(scenario, 0)
    days_of = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    supply = np.array(seasonal) * days_of
    weights = supply * np.array([1.0] * 9 + [0.5] * 3)
    assert len(population) == round(30_000 * weights.sum() / supply.sum())
    month = np.searchsorted(
        np.cumsum(days_of), (population.certified_s - scenario.starts_s) // DAY_S, side="right"
    )
    observed = np.bincount(month, minlength=12)
    assert observed[6:9].sum() == 0
    some = weights > 0
    expected = len(population) * weights[some] / weights.sum()
    assert stats.chisquare(observed[some], expected).pvalue > 1e-6


def backlog_wait(*, pathway, age_months=24.0, number=20_000):
    """Ages and remaining times (months) of a backlog whose files for residence went in with the
    certificate.
    """
    residence = {"files_share": 1, "files_months": 1e-6, "files_sigma": 0, "sigma": 0.5, **pathway}
    scenario = world(
        demand={"backlog": number, "backlog_age_months": age_months},
        pathways={"permanent_residence": residence},
    )
    people = settle(scenario, draw(scenario, 0))
    assert (people.pr_decided_s > scenario.starts_s).all()
    assert (people.pr_decided_s < NEVER).all()
    return (scenario.starts_s - people.pr_filed_s) / MONTH_S, (
        people.pr_decided_s - scenario.starts_s
    ) / MONTH_S


def test_closed_form_of_what_is_left_of_a_wait_for_residence():
    """Of a wait T that is known to be longer than the age a, what is left has the mean of the truncated law,
    integral of S(t) from a to infinity, over S(a) (mean residual life); ages are even between 0 and A.
    """
    law = stats.lognorm(0.5, scale=20.0)
    age, left = backlog_wait(pathway={"medians": [{"filed": date(2022, 1, 1), "months": 20}]})

    def mean_left(a: float) -> float:
        return integrate.quad(law.sf, a, np.inf)[0] / law.sf(a)

    expected = integrate.quad(mean_left, 0, 24)[0] / 24
    agree(left, expected, detects=0.06)  # 14.5; drawn afresh it would be 22.7, with the age taken off 10.7
    agree(left[(age > 20)], integrate.quad(mean_left, 20, 24)[0] / 4, detects=0.25)
    truncated = 1 - law.sf(age + left) / law.sf(age)
    follows(truncated, stats.uniform())


def test_closed_form_of_residence_at_half_the_speed():
    """Half the throughput from the start on doubles what is left, and leaves the progress made before
    alone.
    """
    medians = {"medians": [{"filed": date(2022, 1, 1), "months": 20}]}
    years = {str(year): 1000 for year in range(2022, 2080)}
    slow = medians | {"throughput_reference": 2000, "throughput_persons": years}
    earlier = {str(year): 2000 for year in range(1992, 2022)}
    _, left = backlog_wait(pathway=medians)
    _, slowly = backlog_wait(pathway=slow | {"throughput_persons": years | earlier})
    assert slowly == pytest.approx(2 * left, abs=2e-6)
