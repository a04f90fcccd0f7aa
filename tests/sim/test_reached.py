"""When a cap is reached: a year that does not fill is late, not missing."""

import math

import numpy as np
import pytest

from sim.showing.reached import reached, spread_of
from sim.studying.intervals import late_spread
from tests.sim.building import world

YEAR = world(days=365, cap=10)
LATE = math.nan


def told(*days: float) -> dict[str, np.ndarray]:
    column = np.array(days)
    return {
        "cap_reached/2022": np.isfinite(column).astype(float),
        "days_to_cap/2022": column,
        "window_days/2022": np.full(len(days), 365.0),
    }


def test_the_mean_of_the_years_that_filled_is_never_given() -> None:
    """Three of ten fill, in January: the mean of these is 20 days; half of all have not filled in a year."""
    found = spread_of("days_to_cap/2022", np.array([10.0, 20.0, 30.0, *[LATE] * 7]))
    assert (found.n, found.mean, found.median, found.lowest, found.highest) == (3, None, None, 10.0, None)


def test_quantiles_are_of_all_replications() -> None:
    values = np.array([10.0] * 60 + [300.0] * 20 + [LATE] * 20)
    found = late_spread(values)
    assert (found.p5, found.median, found.p95) == (10.0, 10.0, None)
    assert late_spread(np.arange(1.0, 101.0)).mean == 50.5, "without gaps it is a measure like any other"


def test_the_probability_by_a_date_counts_the_years_that_never_fill() -> None:
    found = reached(YEAR, told(15.0, 45.0, 200.0, LATE), YEAR.intake[0])
    assert found is not None
    by = [each["probability"] for each in found["by_month_end"]]
    assert by[0] == pytest.approx(0.25)
    assert by[1] == pytest.approx(0.5)
    assert by[-1] == pytest.approx(0.75)
    assert found["quantiles"]["median"]["days"] == 45.0
    assert found["quantiles"]["p95"] is None
    assert (found["times"], found["n"]) == (3, 4)


def test_it_is_kaplan_meier_when_the_window_is_the_same_for_all() -> None:
    """With one censoring time for everybody P(T <= t) is the plain share of all replications."""
    rng = np.random.default_rng(3)
    days = np.where(rng.random(200) < 0.6, rng.uniform(0, 365, 200), LATE)
    found = reached(YEAR, told(*days.tolist()), YEAR.intake[0])
    assert found is not None
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    for each, end in zip(found["by_month_end"], ends, strict=True):
        assert each["probability"] == pytest.approx(np.mean(np.nan_to_num(days, nan=1e9) <= end))


def test_without_a_cap_there_is_no_date() -> None:
    columns = told(LATE)
    assert reached(YEAR, columns | {"cap_reached/2022": np.array([LATE])}, YEAR.intake[0]) is None
