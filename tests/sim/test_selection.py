"""Selections on known answers: they choose rightly as often as they promise, and read the right variance.

A *repeat* is one whole selection among normal points; a thousand of them run side by side. Promises are
checked against 95 % less three standard errors, so a right procedure hardly ever fails by chance.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.exploring import selection
from sim.exploring.selection import Rule
from sim.studying.intervals import Floats

CASES = Path(__file__).resolve().parents[1] / "cases" / "published.json"
Draw = Callable[[int, int], Floats]
"""(repeats, replications) -> values, shape (repeats, points, replications)."""


class Played(NamedTuple):
    """How some repeats ended."""

    chosen: NDArray[np.int64]
    replications: NDArray[np.int64]


def points(mu: Any, sd: Any, *, correlation: float = 0.0, seed: int = 1) -> Draw:
    """Normal points with these means and deviations; the correlation is between all of them."""
    luck = np.random.default_rng(seed)
    mu, sd = np.asarray(mu, float)[:, None], np.asarray(sd, float)[:, None]

    def draw(repeats: int, n: int) -> Floats:
        own = luck.standard_normal((repeats, len(mu), n))
        common = luck.standard_normal((repeats, 1, n))
        return mu + sd * (math.sqrt(1 - correlation) * own + math.sqrt(correlation) * common)

    return draw


def play(
    rule: Rule, draw: Draw, repeats: int, variances: Callable[[Floats], Floats] = selection.variances
) -> Played:
    """So many selections by a rule, each to its end."""
    first = draw(repeats, rule.first)
    variance, sums = variances(first), first.sum(axis=-1)
    alive = np.ones(sums.shape, dtype=np.bool_)
    chosen, ended = np.full(repeats, -1), np.zeros(repeats, dtype=np.int64)
    left, r = np.arange(repeats), rule.first
    while True:
        every = np.ones_like(alive)
        alive &= ~selection.beaten(rule, sums, variance, r, alive, every).any(axis=-1)
        over = selection.settled(rule, sums, variance, r, alive, every)
        chosen[left[over]] = selection.leader(sums[over], alive[over])
        ended[left[over]] = r
        left, variance, sums, alive = left[~over], variance[~over], sums[~over], alive[~over]
        if not len(left):
            return Played(chosen, ended)
        sums = sums + draw(len(left), 1)[..., 0]
        r += 1


def least(repeats: int, promised: float = 0.95) -> float:
    return promised - 3.0 * math.sqrt(promised * (1 - promised) / repeats)


SLIPPAGE = [0.5] + [0.0] * 9
CONFIGURATIONS = {
    "equal": (SLIPPAGE, [1.0] * 10, 0.0),
    "equal, correlated": (SLIPPAGE, [1.0] * 10, 0.7),
    "unequal": (SLIPPAGE, np.linspace(0.5, 2.0, 10), 0.0),
    "unequal, the best steady": (SLIPPAGE, np.linspace(2.0, 0.5, 10)[::-1], 0.0),
    "unequal, correlated": (SLIPPAGE, np.linspace(2.0, 0.5, 10), 0.5),
}


@pytest.mark.parametrize("procedure", ["kn", "good"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_best_is_chosen_as_often_as_promised_in_the_slippage_configuration(
    name: str, procedure: Any
) -> None:
    mu, sd, correlation = CONFIGURATIONS[name]
    found = play(Rule(procedure, 10, 0.5, 0.05, 20), points(mu, sd, correlation=correlation), 1000)
    assert (found.chosen == 0).mean() >= least(1000)


@pytest.mark.long
@pytest.mark.parametrize("first", [10, 20])
@pytest.mark.parametrize("procedure", ["kn", "good"])
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_same_ten_thousand_times_with_few_first_replications_too(
    name: str, procedure: Any, first: int
) -> None:
    mu, sd, correlation = CONFIGURATIONS[name]
    found = play(Rule(procedure, 10, 0.5, 0.05, first), points(mu, sd, correlation=correlation), 10_000)
    assert (found.chosen == 0).mean() >= least(10_000)


@pytest.mark.parametrize("gap", [0.0, 0.3, 0.9])
def test_near_ties_give_a_point_within_delta_of_the_best(gap: float) -> None:
    """A staircase of steps below delta: a point may be put out by one that is put out in turn."""
    mu = -gap * 0.5 * np.arange(10)
    found = play(
        Rule("good", 10, 0.5, 0.05, 20), points(mu, np.linspace(2.0, 1.0, 10), correlation=0.3), 1000
    )
    assert (mu[found.chosen] >= mu.max() - 0.5).mean() >= least(1000)


def test_points_that_never_differ_are_settled_at_once() -> None:
    for procedure in ("kn", "good"):
        found = play(Rule(procedure, 3, 0.5, 0.05, 10), points([1, 1, 1], [0, 0, 0]), 5)  # type: ignore[arg-type]
        assert found.replications.tolist() == [10] * 5


def published() -> Any:
    cases = json.loads(CASES.read_text("utf-8"))["cases"]
    return next(each for each in cases if each["id"] == "ranking-selection-kn")


def test_kims_and_nelsons_constants_are_those_published() -> None:
    """Source: Kim and Nelson, ACM TOMACS 11 (2001) 251-273, as in the case ranking-selection-kn."""
    case = published()
    rule = Rule("kn", case["input"]["k"], 1.0, case["input"]["alpha"], case["input"]["n0"])
    assert rule.eta == pytest.approx(case["expected"]["kn_eta"], abs=case["tolerance"]["h_abs"])
    assert rule.h2 == pytest.approx(case["expected"]["kn_h2"], abs=case["tolerance"]["h_abs"])


@pytest.mark.parametrize("procedure", ["kn", "good"])
def test_the_published_case_of_one_point_that_varies_much(procedure: Any) -> None:
    case = published()
    uneven = case["input"]["heterogeneous"]
    rule = Rule(procedure, case["input"]["k"], uneven["delta"], case["input"]["alpha"], case["input"]["n0"])
    found = play(rule, points(uneven["mu"], uneven["sd"]), 1000)
    assert (found.chosen == np.argmax(uneven["mu"])).mean() >= least(1000, case["expected"]["pcs_min"])


def test_that_case_finds_out_who_reads_the_variance_of_another_pair() -> None:
    """The fault of an existing library: place i (k - 1) + l - 1 of the listed differences, for l < i too."""

    def misread(first: Floats) -> Floats:
        right = selection.variances(first)
        k = right.shape[-1]
        listed = right[:, ~np.eye(k, dtype=bool)]
        wrong = right.copy()
        for i in range(k):
            for other in range(i):
                wrong[:, i, other] = listed[:, i * (k - 1) + other - 1]
        return wrong

    case = published()
    uneven = case["input"]["heterogeneous"]
    rule = Rule("kn", case["input"]["k"], uneven["delta"], case["input"]["alpha"], case["input"]["n0"])
    found = play(rule, points(uneven["mu"], uneven["sd"]), 1000, misread)
    assert (found.chosen == np.argmax(uneven["mu"])).mean() < 0.9


def textbook(values: Floats, delta: float, error: float, first: int) -> tuple[dict[int, int], int]:
    """Kim and Nelson's procedure as they write it: (point -> replications when it left), and what is left."""
    k = len(values)
    eta = ((2 * error / (k - 1)) ** (-2 / (first - 1)) - 1) / 2
    h2 = 2 * eta * (first - 1)
    s2 = {
        (i, j): float(np.var(values[i, :first] - values[j, :first], ddof=1))
        for i in range(k)
        for j in range(k)
    }
    inside, left, r = set(range(k)), dict[int, int](), first
    while len(inside) > 1:
        means = values[:, :r].mean(axis=1)
        kept = set()
        for i in inside:
            width = {j: max(0.0, delta / (2 * r) * (h2 * s2[i, j] / delta**2 - r)) for j in inside if j != i}
            if all(means[i] >= means[j] - width[j] for j in width):
                kept.add(i)
        left |= dict.fromkeys(inside - kept, r)
        inside, r = kept, r + 1
    return left, inside.pop()


def test_it_drops_points_when_the_textbook_does() -> None:
    luck = np.random.default_rng(5)
    for _ in range(20):
        values = luck.normal(luck.uniform(0, 1, 6)[:, None], luck.uniform(0.5, 2, 6)[:, None], (6, 4000))
        left, last = textbook(values, 0.4, 0.05, 12)
        rule = Rule("kn", 6, 0.4, 0.05, 12)
        variance, alive, every = selection.variances(values[:, :12]), np.ones(6, bool), np.ones(6, bool)
        ours = dict[int, int]()
        for r in range(12, 4001):
            out = selection.beaten(rule, values[:, :r].sum(axis=1), variance, r, alive, every).any(axis=-1)
            ours |= dict.fromkeys(np.flatnonzero(out).tolist(), r)
            alive = alive & ~out
            if alive.sum() == 1:
                break
        assert (ours, int(np.flatnonzero(alive)[0])) == (left, last)


def test_the_shortfall_holds_at_whatever_moment_one_stops() -> None:
    """At any replication, and whatever has left before, the best is not further ahead than is said."""
    mu, rule, repeats = np.array([0.3, 0.2, 0.0, -0.5]), Rule("good", 4, 0.1, 0.05, 10), 2000
    draw = points(mu, [1.0, 2.0, 1.0, 3.0], correlation=0.4, seed=3)
    first = draw(repeats, rule.first)
    variance, sums = selection.variances(first), first.sum(axis=-1)
    alive, every = np.ones(sums.shape, bool), np.ones(sums.shape, bool)
    wrong = np.zeros(repeats, bool)
    for r in range(rule.first, 300):
        alive &= ~selection.beaten(rule, sums, variance, r, alive, every).any(axis=-1)
        said = selection.shortfall(rule, sums, variance, r, alive, every)
        wrong |= mu.max() - mu[selection.leader(sums, alive)] > said + 1e-9
        sums = sums + draw(repeats, 1)[..., 0]
    assert wrong.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.parametrize("mean", [-1.0, -0.101, 0.101, 1.0])
def test_limits_are_judged_rightly_as_often_as_promised(mean: float) -> None:
    luck, repeats, first = np.random.default_rng(8), 2000, 10
    values = luck.normal(mean, 1.0, (repeats, first))
    excess, variance = values.sum(axis=1), values.var(axis=1, ddof=1)
    known, r, when = np.zeros(repeats, np.int64), first, np.zeros(repeats)
    while (known == 0).any():
        found = selection.feasible(excess, variance, r, tolerance=0.1, chance=0.05, first=first)
        when[(known == 0) & (found != 0)] = r
        known = np.where(known == 0, found, known)
        excess, r = excess + luck.normal(mean, 1.0, repeats), r + 1
    assert (known == (1 if mean < 0 else -1)).mean() >= least(repeats)
    assert np.median(when) < 20 or abs(mean) < 1.0, "what is far from its limit is settled soon"
