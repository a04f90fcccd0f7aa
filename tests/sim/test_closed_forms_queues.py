"""Queues against theory: slots that come back, officers, people who give up, and stocks.

The words of queueing theory: a *server* is an officer, or a slot that is given back; *load* is the arrival
rate times the mean service. Intervals and `detects` are as in test_closed_forms.py. One long run is cut into
batches, whose means are nearly independent. Formulas are those of Cooper, Introduction to Queueing Theory,
and Gross et al., Fundamentals of Queueing Theory, where nothing else is said.
"""

import datetime
import math

import numpy as np
import pytest
from scipy import stats

from sim.clock import DAY_S, MONTH_S, NEVER, YEAR_S
from sim.measuring.survival import cumulative_incidence
from sim.outcome import REFUSED_OVER_CAP, WITHDRAWN, stock, waits
from sim.people import settle
from sim.policy import Invite, Policy
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario_file import load
from tests.people import make_people
from tests.sim.building import agree, batches, counts_follow, follows, lognormal_of_mean, played, world
from tests.sim.building import poisson_times as arrivals

FOR_EVER = 2**40
HOUR_S = 3600
RETURNING = Policy(invite=Invite(by="open"), gives_back=("withdrawal",), over_cap="refuse")
"""Slots are held until their holders withdraw, and claims that find none are lost."""


def whole(values):
    """Seconds of service or patience: whole, at least 1."""
    return np.maximum(1, np.rint(values)).astype(np.int64)


def erlang_b(servers: int, load: float) -> float:
    """Blocking of a loss system, by the recursion B(n) = a B(n-1) / (n + a B(n-1)), B(0) = 1."""
    blocking = 1.0
    for n in range(1, servers + 1):
        blocking = load * blocking / (n + load * blocking)
    return blocking


def refused_share(servers: int, held_s: np.ndarray, rate_per_day: float, *, seed: int, **how) -> np.ndarray:
    """The share of claims that find all slots held, in batches."""
    n, rng = len(held_s), np.random.default_rng(seed)
    scenario = world(cap=servers, days=math.ceil(1.1 * n / rate_per_day) + 30)
    arrived = arrivals(rng, scenario.starts_s, rate_per_day, n)
    people = make_people(
        n, certified_s=arrived, answer_delay_s=0, unstaffed_s=FOR_EVER, withdraws_after_s=whole(held_s)
    )
    outcome = played(scenario, people, RETURNING, **how)
    return batches(outcome.status[1000:] == REFUSED_OVER_CAP)


LAWS = {
    "exponential": lambda rng, n: rng.exponential(DAY_S, n),
    "deterministic": lambda _, n: np.full(n, float(DAY_S)),
    "lognormal": lambda rng, n: lognormal_of_mean(rng, DAY_S, 1.0, n),
}
"""Laws of a holding time with the mean of one day."""


@pytest.mark.parametrize("law", LAWS)
def test_closed_form_of_slots_that_come_back(law):
    """Erlang's B: of Poisson claims with load a on c slots, B(c, a) are refused, whatever the law of the time
    a slot is held (insensitivity; Sevastyanov 1957).
    """
    held = LAWS[law](np.random.default_rng(21), 25_000)
    agree(refused_share(5, held, 5.0, seed=22), erlang_b(5, 5.0), detects=0.25)  # 0.285; c = 6 gives 0.192


def test_closed_form_of_the_published_loss_system():
    """Erlang's B of 10 servers and 4.461 erlang is 1 % (published case erlang-b-table)."""
    assert erlang_b(10, 4.461) == pytest.approx(0.01, abs=5e-5)
    held = np.random.default_rng(23).exponential(DAY_S, 60_000)
    agree(refused_share(10, held, 4.461, seed=24), 0.01, detects=0.9)  # c = 9 gives 0.022, c = 11 gives 0.004


@pytest.mark.long
@pytest.mark.parametrize("law", LAWS)
def test_closed_form_of_the_published_loss_system_over_a_million_claims(law):
    """As above, with 15 times the claims, for every law, on the compiled kernels."""
    pytest.importorskip("numba", reason="the fast extra is not installed")
    held = LAWS[law](np.random.default_rng(25), 1_000_000)
    agree(refused_share(10, held, 4.461, seed=26, fast=True), 0.01, detects=0.2)


def queue(officers: int, service_s: np.ndarray, rate_per_hour: float, *, seed: int, patience_s=None):
    """Files that reach an office as a Poisson stream; the outcome without its first 2,000."""
    n, rng = len(service_s), np.random.default_rng(seed)
    scenario = world(days=math.ceil(1.05 * n / rate_per_hour / 24) + 20, offices={"officers": officers})
    arrived = arrivals(rng, scenario.starts_s, 24 * rate_per_hour, n)
    people = make_people(
        n,
        certified_s=arrived,
        answer_delay_s=0,
        service_s=whole(service_s),
        withdraws_after_s=NEVER if patience_s is None else whole(patience_s),
    )
    return played(scenario, people)


def officers_wait(outcome) -> np.ndarray:
    """Hours between reaching the queue and an officer, without the first 2,000 files."""
    assert (outcome.started_s < NEVER).all()
    return (outcome.started_s - outcome.ready_s)[2000:] / HOUR_S


def erlang_c(servers: int, load: float) -> float:
    """Probability of waiting in M/M/c: C = B / (1 - rho (1 - B))."""
    blocking = erlang_b(servers, load)
    return blocking / (1 - load / servers * (1 - blocking))


def test_closed_form_of_waiting_for_one_of_several_officers():
    """M/M/c: P(wait) = C(c, a) (Erlang's C), mean wait C / (c mu - lambda)."""
    service = np.random.default_rng(31).exponential(HOUR_S, 150_000)
    wait = officers_wait(queue(3, service, 2.25, seed=32))
    waits_at_all = erlang_c(3, 2.25)  # 0.568; with two or four officers 1 and 0.275
    agree(batches(wait > 0.5 / HOUR_S), waits_at_all, detects=0.15)
    agree(batches(wait), waits_at_all / (3 - 2.25), detects=0.35)


def test_closed_form_of_how_long_one_officer_keeps_waiting():
    """M/M/1: a wait is 0 with probability 1 - rho and otherwise exponential with rate mu - lambda."""
    service = np.random.default_rng(33).exponential(HOUR_S, 120_000)
    wait = officers_wait(queue(1, service, 0.5, seed=34))[::80]  # far enough apart to be independent
    assert stats.binomtest(int((wait > 0.5 / HOUR_S).sum()), len(wait), 0.5).pvalue > 1e-6
    follows(wait[wait > 0.5 / HOUR_S], stats.expon(scale=1 / (1 - 0.5)))


@pytest.mark.parametrize(("sigma", "rate"), [(0.0, 0.7), (0.8, 0.6)], ids=["M/D/1", "M/G/1"])
def test_closed_form_of_waiting_for_one_officer(sigma, rate):
    """Pollaczek and Khinchine: mean wait = rho / (1 - rho) x (1 + cv^2) / 2 mean services, P(wait) = rho; the
    work on a file is lognormal with cv^2 = exp(sigma^2) - 1, or always the same.
    """
    service = lognormal_of_mean(np.random.default_rng(35), HOUR_S, sigma, 120_000)
    wait = officers_wait(queue(1, service, rate, seed=36))
    variation = math.exp(sigma * sigma) - 1
    agree(batches(wait > 0.5 / HOUR_S), rate, detects=0.08)
    agree(
        batches(wait), rate / (1 - rate) * (1 + variation) / 2, detects=0.35
    )  # cv = 1 would be 1.0, 0.6 more


def erlang_a(servers: int, rate: float, mu: float, theta: float) -> tuple[float, float]:
    """Shares that give up and that wait in M/M/c+M, from the steady state of the birth-death chain."""
    weights = [1.0]
    for n in range(1, 400):
        weights.append(weights[-1] * rate / (min(n, servers) * mu + max(0, n - servers) * theta))
    chance = np.array(weights) / sum(weights)
    queued = (np.maximum(0, np.arange(400) - servers) * chance).sum()
    return theta * queued / rate, chance[servers:].sum()


def test_closed_form_of_leaving_while_waiting():
    """Erlang's A (M/M/c+M; Palm 1957, Garnett, Mandelbaum and Reiman 2002): the share that gives up is
    theta E(queue) / lambda, the share that does not start at once P(N >= c).
    """
    rng, n = np.random.default_rng(37), 80_000
    service, patience = rng.exponential(HOUR_S, n), rng.exponential(2 * HOUR_S, n)
    outcome = queue(2, service, 2.2, seed=38, patience_s=patience)
    give_up, wait = erlang_a(2, 2.2, 1.0, 0.5)
    agree(batches(outcome.status[2000:] == WITHDRAWN), give_up, detects=0.12)  # about 0.2
    at_once = outcome.started_s == outcome.ready_s
    agree(batches(~at_once[2000:]), wait, detects=0.06)
    assert (outcome.left_s[outcome.status == WITHDRAWN] < NEVER).all()


def test_closed_form_of_an_office_that_closes_at_night():
    """Closing stops the clock of the office and nothing else: with files that come in open hours, every
    wait in working time is the one of an office that never closes, to the second.
    """
    rng, n = np.random.default_rng(39), 2000
    arrived, service = arrivals(rng, 0, 30.0, n), whole(rng.exponential(HOUR_S, n))
    day = {
        "hours_per_day": 7.5,
        "opens_at": datetime.time(8, 30),
        "weekdays": ["monday", "tuesday", "friday"],
    }
    always, often = (world(days=900, offices={"officers": 2} | more) for more in ({}, day))
    hours = prepare(often, make_people(0)).hours
    begins = {"answer_delay_s": 0, "service_s": service}
    wide = played(always, make_people(n, certified_s=always.starts_s + arrived, **begins))
    narrow = played(often, make_people(n, certified_s=hours.begins(arrived), **begins))
    for name in ("ready_s", "started_s", "decided_s"):
        elapsed = getattr(wide, name) - always.starts_s
        assert (elapsed == hours.working(getattr(narrow, name))).all(), name


def test_closed_form_of_a_stock_of_files():
    """Little's law as an identity of a path: the integral of the stock over the scenario is the sum of the
    times spent in it, second for second (Stidham 1974; Little 2011).
    """
    scenario = load("smoke")
    for replication, name in enumerate(("first-come", "lottery", "waiting-list", "gives-back")):
        people = settle(scenario, draw(scenario, replication))
        outcome = simulate(prepare(scenario, people), scenario.policy(name))
        for stage, (entered, left) in waits(outcome).items():
            ends = np.clip(np.maximum(entered, left), None, scenario.ends_s)
            spent = (ends - np.minimum(entered, scenario.ends_s)).sum()
            moments = np.unique(np.concatenate([entered, ends, [scenario.ends_s]]))
            moments = moments[moments <= scenario.ends_s]
            area = (stock(entered, left, moments[:-1]) * np.diff(moments)).sum()
            assert area == spent, (name, stage)


def test_closed_form_of_clearing_a_backlog():
    """Stock / throughput: the last of 41,200 in line waits 41,200 / 19,500 = 2.11 years. Published case
    backlog-quebec-2019, "some will wait two years".
    """
    scenario = world(days=1200, offices={"officers": 10})
    work = round(YEAR_S * 10 / 19_500)
    outcome = played(scenario, make_people(41_200, answer_delay_s=0, service_s=work))
    years = (outcome.decided_s.max() - scenario.starts_s) / YEAR_S
    assert years == pytest.approx(2.112821, abs=1e-3)
    assert years == pytest.approx(2.1, abs=0.05)


def test_closed_form_of_permits_in_force():
    """Poisson permits at rate lambda, each in force until it expires after V or permanent residence comes
    after R: their number is Poisson(lambda E min(V, R)) (M/G/infinity; Ross, Introduction to Probability
    Models, 5.3). For lognormal R, E min(V, R) is the integral of its survival to V.
    """
    valid, law = 4 * MONTH_S, stats.lognorm(0.6, scale=100 * DAY_S)
    grid = np.linspace(0, valid, 20_001)
    mean = float(np.trapezoid(law.sf(grid), grid)) / DAY_S * 0.8
    scenario, rng = world(days=240, offices={"officers": 30}), np.random.default_rng(41)
    seen = scenario.starts_s + np.array([150 * DAY_S])
    in_force = []
    for _ in range(500):
        arrived = arrivals(rng, scenario.starts_s, 0.8, 170)
        resident = arrived + whole(100 * DAY_S * np.exp(0.6 * rng.standard_normal(170)))
        people = make_people(
            170, certified_s=arrived, pr_decided_s=resident, answer_delay_s=0, service_s=1, landing_s=0
        )
        outcome = played(scenario, people)
        over = np.minimum(np.minimum(outcome.permit_s, seen[0]) + valid, resident)
        in_force.append(int(stock(outcome.permit_s, over, seen)[0]))
    counts_follow(in_force, stats.poisson(mean))
    agree(in_force, mean, detects=0.06)
    agree((np.array(in_force) - mean) ** 2, mean, detects=0.8)


def test_closed_form_of_waits_cut_off_by_the_horizon():
    """Kaplan-Meier of waits that the horizon cuts off estimates their law, S(t) = exp(-t / m), with
    Greenwood's variance; the mean of the waits that ended does not estimate m.
    """
    scenario, rng, n, mean = world(days=100), np.random.default_rng(42), 4000, 60.0
    arrived = scenario.starts_s + rng.integers(0, 100 * DAY_S, n)
    service = whole(rng.exponential(mean * DAY_S, n))
    scenario = world(days=100, offices={"officers": n})
    outcome = played(scenario, make_people(n, certified_s=arrived, answer_delay_s=0, service_s=service))
    ended = outcome.decided_s < NEVER
    waited = np.where(ended, outcome.decided_s, scenario.ends_s) - outcome.started_s
    curve = cumulative_incidence(None, waited, ended.astype(np.int64))
    for days in (10, 30, 60, 80):
        step = np.searchsorted(curve.times, days * DAY_S, side="right")
        at_risk = curve.at_risk[:step]
        deaths = at_risk * (1 - curve.survival[:step] / np.concatenate([[1.0], curve.survival[: step - 1]]))
        truth = math.exp(-days / mean)
        error = truth * math.sqrt((deaths / (at_risk * (at_risk - deaths))).sum())
        assert abs(curve.survival_at(days * DAY_S) - truth) < 5 * error
        assert error < 0.02
    assert waited[ended].mean() < 0.6 * mean * DAY_S


def test_closed_form_of_waits_that_all_ended():
    """Where nothing is cut off, Kaplan-Meier is one minus the empirical distribution."""
    service = np.random.default_rng(43).exponential(HOUR_S, 3000)
    outcome = queue(1, service, 0.7, seed=44)
    waited = np.maximum(1, outcome.started_s - outcome.ready_s)
    curve = cumulative_incidence(None, waited, np.ones(3000, dtype=np.int64))
    for age in np.quantile(waited, [0.4, 0.6, 0.9]):
        assert curve.survival_at(float(age)) == pytest.approx(float((waited > age).mean()), abs=1e-12)
