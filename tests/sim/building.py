"""Small situations for tests: a scenario in which nothing happens unless a test asks for it.

`world` is the plainest programme. Nobody declines, forgets a paper, withdraws or applies for permanent
residence; letters are answered within the second; the office never closes and decides at once. A table given
to it, such as `demand={"per_year": 40}`, is laid over these.
"""

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sim.clock import DAY_S
from sim.outcome import Outcome
from sim.people import People
from sim.policy import Invite, Policy
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_files.check import checked

ALWAYS = {
    "opens_at": datetime.time(0),
    "hours_per_day": 24,
    "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
}
"""An office that never closes."""

AT_ONCE = {"low": 0, "mode": 0, "high": 0}

OPEN = Policy(invite=Invite(by="open"))
"""No letters: people file when they have a certificate, first come, first served."""

CHANCE_OF_A_FALSE_ALARM = 1e-6
"""At most this likely does a right program fail one of these tests on another seed."""

Floats = NDArray[np.float64]


def world(*, days: int = 365, cap: int = 10**9, starts: str = "2022-01-01", **tables: Any) -> Scenario:
    """A programme of so many days with one intake that is open throughout, in a time zone without seasons."""
    first = datetime.date.fromisoformat(starts)
    last = first + datetime.timedelta(days=days - 1)
    data: dict[str, Any] = {
        "format": 1,
        "name": "world",
        "title": "a test",
        "time_zone": "UTC",
        "starts": first,
        "ends": last,
        "intake": [{"year": first.year, "opens": first, "closes": last, "cap": cap}],
        "programme": {"certificate_months": 240},
        "streams": {"all": {"share": 1}},
        "demand": {"certificate_delay_months": AT_ONCE, "round_days": 1},
        "behaviour": {
            "applies_share": 1,
            "answer_days": 1e-6,
            "answer_sigma": 0,
            "incomplete_share": 0,
            "refile_share": 0,
            "withdrawal_per_year": 0,
        },
        "offices": ALWAYS | {"unstaffed_weeks": AT_ONCE, "approval_share": 1},
        "pathways": {"permanent_residence": {"files_share": 0}},
    }
    for name, table in tables.items():
        laid_over = isinstance(table, dict) and name not in ("streams", "policies")
        data[name] = {**data.get(name, {}), **table} if laid_over else table
    return checked(data)


def played(scenario: Scenario, people: People, policy: Policy = OPEN, **how: Any) -> Outcome:
    """What becomes of these people under a policy."""
    return simulate(prepare(scenario, people), policy, **how)


def poisson_times(
    rng: np.random.Generator, begins: int, rate_per_day: float, count: int
) -> NDArray[np.int64]:
    """The first arrivals of a Poisson stream, in whole seconds."""
    return begins + np.rint(np.cumsum(rng.exponential(DAY_S / rate_per_day, count))).astype(np.int64)


def lognormal_of_mean(rng: np.random.Generator, mean: float, sigma: float, count: int) -> Floats:
    """Lognormal variates by their mean, not their median."""
    return mean * np.exp(sigma * rng.standard_normal(count) - sigma * sigma / 2)


def agree(sample: Any, expected: float, *, detects: float) -> None:
    """Assert that independent values have this mean, by a t interval of the chance above.

    `detects` is the test's power: the interval must be short enough that a mean which is off by this part of
    the expected one would almost surely be told (half of the detected error is left for the sample's own).
    """
    values = np.asarray(sample, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = float(stats.t.ppf(1 - CHANCE_OF_A_FALSE_ALARM / 2, len(values) - 1) * error)
    assert abs(values.mean() - expected) <= half, (
        f"mean {values.mean():.6g} +- {half:.3g}, expected {expected:.6g}"
    )
    assert half <= detects * abs(expected) / 2, f"too weak: +- {half:.3g} of {expected:.6g}"


def follows(sample: Any, law: Any) -> None:
    """Assert that independent values follow a continuous law (Kolmogorov-Smirnov)."""
    found = stats.kstest(np.asarray(sample, dtype=float), law.cdf)
    assert found.pvalue > CHANCE_OF_A_FALSE_ALARM, f"{found} for n = {len(sample)}"


def counts_follow(sample: Any, law: Any) -> None:
    """Assert that independent whole numbers follow a discrete law (chi-square, cells of at least 10)."""
    values = np.asarray(sample)
    cells = np.unique(law.ppf(np.linspace(0, 1, max(3, len(values) // 20))[1:-1]))
    bounds = np.concatenate([[-np.inf], cells, [np.inf]])
    expected = np.diff(np.concatenate([[0.0], law.cdf(cells), [1.0]])) * len(values)
    observed = np.diff([np.count_nonzero(values <= bound) for bound in bounds])
    enough = expected >= 10
    rest = [observed[~enough].sum(), expected[~enough].sum()]
    observed, expected = np.append(observed[enough], rest[0]), np.append(expected[enough], rest[1])
    if expected[-1] == 0:
        assert observed[-1] == 0
        observed, expected = observed[:-1], expected[:-1]
    statistic = float(((observed - expected) ** 2 / expected).sum())
    chance = stats.chi2.sf(statistic, len(observed) - 1)
    assert chance > CHANCE_OF_A_FALSE_ALARM, f"chi-square {statistic:.1f} on {len(observed)} cells"


def batches(values: Any, number: int = 60) -> Floats:
    """Means of consecutive stretches of a long run, nearly independent if each is long."""
    values = np.asarray(values, dtype=float)
    return values[: len(values) // number * number].reshape(number, -1).mean(axis=1)
