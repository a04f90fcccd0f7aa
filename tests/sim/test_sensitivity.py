"""Which numbers matter: on models with known answers, and the same path on a scenario."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim import assumptions, scenario_file
from sim import sensitivity as ranking
from sim.sensing import factors
from sim.sensing.factors import CHANCE, REST, Factors
from sim.showing import sensitivity as show_sensitivity
from sim.showing.sensitivity_summary import summary
from sim.streams import Floats
from sim.studying import influence

ROOT = Path(__file__).resolve().parents[2]
SMOKE = scenario_file.load("smoke")


def published(case: str) -> dict:
    cases = json.loads((ROOT / "tests" / "cases" / "published.json").read_text("utf-8"))
    listed = cases if isinstance(cases, list) else cases["cases"]
    return next(each for each in listed if each["id"] == case)


def test_the_published_indices_of_the_ishigami_function() -> None:
    """sobol-ishigami: analytic indices (Ishigami and Homma 1990; the documentation of SALib), by the same
    design and estimates that rank a scenario's assumptions.
    """
    case = published("sobol-ishigami")
    a, b = case["input"]["a"], case["input"]["b"]
    three = Factors(("x1", "x2", "x3"))
    x = -np.pi + 2 * np.pi * factors.sobol_design(three, 2**13, seed=1)
    y = np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])
    found = factors.sobol_indices(three, y, seed=1)
    tolerance = case["tolerance"]["abs"]
    for index, first, total in zip(found, case["expected"]["S1"], case["expected"]["ST"], strict=True):
        assert index.first == pytest.approx(first, abs=tolerance)
        assert index.total == pytest.approx(total, abs=tolerance)
        assert abs(index.total - total) <= 2 * index.total_half


def linear(points: Floats, weights: tuple[float, ...]) -> Floats:
    return points[:, : len(weights)] @ np.array(weights)


def test_a_linear_model_is_divided_by_squares_of_its_weights() -> None:
    """Y = sum of w u: S = T = w^2 / sum of w^2, mu* = |w|, and sigma = 0."""
    names, weights = ("a", "b", "c", "d"), (4.0, -2.0, 1.0, 0.0)
    four = Factors(names)
    points = factors.sobol_design(four, 1024, seed=3)
    squares = np.array(weights) ** 2 / np.sum(np.array(weights) ** 2)
    for index, share in zip(
        factors.sobol_indices(four, linear(points, weights), seed=3), squares, strict=True
    ):
        assert index.first == pytest.approx(share, abs=0.02)
        assert index.total == pytest.approx(share, abs=0.02)
    steps = factors.morris_design(four, 8, seed=3)
    for effect, weight in zip(
        factors.morris_effects(four, steps, linear(steps, weights), seed=3), weights, strict=True
    ):
        assert (effect.mu_star, effect.mu) == (pytest.approx(abs(weight)), pytest.approx(weight))
        assert effect.sigma == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_the_share_due_to_chance_is_what_remains_when_every_number_is_known(noise: float) -> None:
    """Y = 3 u + v + noise z, z standard normal by replication: chance has noise^2 / (10/12 + noise^2)."""
    three = Factors(("u", "v", CHANCE))
    points = factors.sobol_design(three, 1024, seed=5)
    numbers = factors.replications(three, points)
    luck = np.random.default_rng(9).standard_normal(max(numbers) + 1)
    y = 3 * points[:, 0] + points[:, 1] + noise * luck[numbers]
    *_, chance = factors.sobol_indices(three, y, seed=5)
    expected = noise**2 / (10 / 12 + noise**2)
    assert chance.total == pytest.approx(expected, abs=0.05)
    assert abs(chance.total - expected) <= 2 * chance.total_half + 1e-9


def test_points_that_differ_in_numbers_only_share_their_replication() -> None:
    three = Factors(("u", "v", CHANCE))
    points = factors.sobol_design(three, 8, seed=5)
    numbers = factors.replications(three, points)
    assert numbers[:5] == [0, 0, 0, 1, 1], "A, two with a number of B, one with B's chance, and B"
    assert len(set(numbers)) == 16, "two replications a sample"


def test_factors_together_are_one() -> None:
    four = Factors(("a", "b", "c", CHANCE), ("a", REST, REST, CHANCE))
    points = factors.sobol_design(four, 512, seed=2)
    assert len(points) == 512 * (3 + 2)
    found = factors.sobol_indices(four, linear(points, (1.0, 1.0, 1.0)), seed=2)
    assert [each.name for each in found] == ["a", REST, CHANCE]
    assert [each.total for each in found] == pytest.approx([1 / 3, 2 / 3, 0.0], abs=0.05)


def test_what_does_not_vary_or_is_not_known_is_said_to_be_so() -> None:
    two = Factors(("a", "b"))
    points = factors.sobol_design(two, 8, seed=2)
    assert all(each.total == 0.0 for each in factors.sobol_indices(two, np.ones(len(points)), seed=2))
    unknown = np.where(np.arange(len(points)) == 3, np.nan, 1.0)
    assert all(np.isnan(each.total) for each in factors.sobol_indices(two, unknown, seed=2))


def test_designs_come_from_their_seed_alone() -> None:
    np.random.seed(1)
    one = (
        factors.sobol_design(Factors(("a", "b")), 8, seed=4),
        factors.morris_design(Factors(("a", "b")), 3, seed=4),
    )
    np.random.seed(2)
    two = (
        factors.sobol_design(Factors(("a", "b")), 8, seed=4),
        factors.morris_design(Factors(("a", "b")), 3, seed=4),
    )
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert not (one[0] == factors.sobol_design(Factors(("a", "b")), 8, seed=5)).all()


def test_a_quantile_is_what_the_register_draws() -> None:
    """Over a grid of u, the values are the triangular quantiles; at 1/2 of a symmetric range its middle."""
    number = next(each for each in assumptions.register(SMOKE) if each.key == "demand.per_year")
    at = {u: assumptions.quantile(number, np.array([u])).value for u in (0.0, 0.5, 1.0)}
    assert at == {0.0: 60.0, 0.5: 90.0, 1.0: 120.0}
    whole = next(each for each in assumptions.register(SMOKE) if each.key == "demand.backlog")
    assert assumptions.quantile(whole, np.array([0.3])).value == pytest.approx(
        round(40 + (0.3 * 40 * 20) ** 0.5)
    )


def test_shares_still_sum_to_one_at_every_point() -> None:
    placed = assumptions.placed(
        SMOKE,
        {
            each.key: assumptions.quantile(each, np.array([0.95]))
            for each in influence.uncertain(SMOKE)
            if each.key.startswith("residence")
        },
    )
    where = placed.residence
    assert where.quebec.value > 0.35
    assert where.abroad.value + where.other_province.value + where.quebec.value == pytest.approx(1.0)


def test_a_scenario_in_which_two_numbers_decide_how_many_come() -> None:
    """People in scope: the yearly supply has the wider range, the backlog the smaller; the rest is chance."""
    alone = scenario_file.replaced(SMOKE, {"residence": {"abroad": 1.0}})
    found = ranking.sensitivity(alone, measures=("in_scope",), trajectories=4, samples=16, jobs=1)
    assert found.kept == ("demand.backlog", "demand.per_year")
    assert found.division is not None
    shares = {each.name: each.total for each in found.division.indices["in_scope"]}
    assert set(shares) == {"demand.backlog", "demand.per_year", CHANCE}
    assert shares["demand.per_year"] > shares["demand.backlog"]
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.5)
    said = show_sensitivity.sentences(summary(found))[0]
    assert "demand.per_year" in said
    assert "is chance, and would stay if all were known" in said


def test_workers_change_nothing() -> None:
    one, two = (
        summary(ranking.sensitivity(SMOKE, measures=("grants",), trajectories=2, samples=4, jobs=jobs))
        for jobs in (1, 2)
    )
    assert one == two
