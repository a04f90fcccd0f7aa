"""Disparate impact: ratio with its interval, the four-fifths line, and when there is nothing to estimate."""

import math

import numpy as np
import pytest

from sim.studying.impact import Impact, impact

RNG = np.random.default_rng(31)


def around(mean: float, n: int = 40, sd: float = 0.01) -> np.ndarray:
    return mean + RNG.normal(0, sd, n)


def test_a_clear_case_by_hand() -> None:
    """Two replications, 0.4 and 0.6 against 0.2 and 0.3: always a half, so the interval is a point."""
    found = impact(np.array([0.4, 0.6]), np.array([0.2, 0.3]))
    assert [found.ratio, found.low, found.high] == pytest.approx([0.5, 0.5, 0.5])
    assert found.difference == pytest.approx(-0.25)
    assert found.line == "adverse"


@pytest.mark.parametrize(
    ("first", "second", "line"),
    [
        (0.50, 0.50, "within"),
        (0.50, 0.30, "adverse"),
        (0.30, 0.50, "adverse"),  # the other stream is the worse off
        (0.50, 0.40, "not settled"),  # on the line itself
        (0.02, 0.01, "not estimable"),  # half, of hardly anything
        (0.0, 0.3, "not estimable"),
    ],
)
def test_the_four_fifths_line(first: float, second: float, line: str) -> None:
    found = impact(around(first) if first else np.zeros(40), around(second))
    assert found.line == line
    assert (found.ratio is None) == (line == "not estimable")
    assert found.difference is not None, "the difference is always there"


def test_the_ratio_is_symmetric_in_the_streams() -> None:
    first, second = around(0.5), around(0.42)
    one, other = impact(first, second), impact(second, first)
    assert one.low is not None
    assert other.high is not None
    assert one.low == pytest.approx(1 / other.high)
    assert one.line == other.line


def test_pairs_help_because_the_same_luck_moves_both_streams() -> None:
    shared = RNG.normal(0, 0.05, 60)
    together = impact(0.5 + shared, 0.4 + 0.8 * shared)
    apart = impact(0.5 + shared, 0.4 + 0.8 * RNG.permutation(shared))
    assert together.high is not None
    assert together.low is not None
    assert apart.high is not None
    assert apart.low is not None
    assert math.log(together.high / together.low) < 0.2 * math.log(apart.high / apart.low)


def test_one_replication_has_a_ratio_and_no_interval() -> None:
    found = impact(np.array([0.5, np.nan]), np.array([0.4, 0.1]))
    assert found == Impact(1, 0.5, 0.4, 0.8, None, None, pytest.approx(-0.1), None, None, "not estimable")


def test_an_empty_stream_is_not_estimable() -> None:
    assert impact(np.array([np.nan]), np.array([0.5])).n == 0


def covered(n: int, repeats: int) -> float:
    """How often the interval of the ratio holds the true one: correlated, skewed chances of 30 and 24 %."""
    rng = np.random.default_rng(n)
    shared = rng.gamma(20, 1 / 20, (repeats, n))
    first = 0.30 * shared * rng.gamma(100, 1 / 100, (repeats, n))
    second = 0.24 * shared * rng.gamma(60, 1 / 60, (repeats, n))
    found = [impact(*pair) for pair in zip(first, second, strict=True)]
    return float(np.mean([each.low <= 0.8 <= each.high for each in found]))  # type: ignore[operator]


def test_log_ratio_intervals_cover_as_they_say() -> None:
    """Nominal 95 %; of 1,500 repeats the error is 0.6 points, so 93 to 97 % are three errors and more."""
    assert 0.93 <= covered(20, 1_500) <= 0.97


@pytest.mark.long
@pytest.mark.parametrize("n", [10, 40, 100])
def test_log_ratio_intervals_cover_closely(n: int) -> None:
    assert 0.94 <= covered(n, 12_000) <= 0.96
