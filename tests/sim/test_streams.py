"""Named random streams: pure, with prefixes, the same everywhere; and the quantile functions on top of
them.
"""

import json
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim import streams

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "streams.json").read_text("utf-8"))


@pytest.mark.parametrize("entry", GOLDEN, ids=lambda entry: f"{entry['seed']}-{entry['name']}")
def test_the_first_numbers_of_a_stream_are_those_they_always_were(entry):
    """Golden: claims nothing but sameness, on every machine."""
    numbers = streams.uniforms(entry["seed"], entry["replication"], entry["name"], len(entry["uniforms"]))
    assert [number.hex() for number in numbers.tolist()] == entry["uniforms"]
    assert [number.hex() for number in streams.exp(numbers).tolist()] == entry["exp"]
    assert [number.hex() for number in streams.log(numbers).tolist()] == entry["log"]
    assert [number.hex() for number in streams.normal(numbers).tolist()] == entry["normal"]


@settings(derandomize=True, deadline=None)
@given(
    st.one_of(st.integers(0, 9), st.integers(2**32 - 2, 2**32 + 2), st.integers(0, 2**130)),
    st.one_of(st.integers(0, 9), st.integers(2**32 - 2, 2**32 + 2), st.integers(0, 2**70)),
    st.sampled_from(["", "score/0", "attribute:pays d'origine/2023"]),
)
def test_a_stream_is_what_numpy_makes_of_the_seed_the_replication_and_the_name(seed, replication, name):
    key = np.random.SeedSequence(entropy=seed, spawn_key=(replication, crc32(name.encode())))
    expected = np.random.Generator(np.random.PCG64DXSM(key)).random(3)
    assert (streams.uniforms(seed, replication, name, 3) == expected).all()


@pytest.mark.parametrize("fewer", [0, 1, 7, 1000])
def test_the_first_numbers_do_not_depend_on_how_many_are_asked_for(fewer):
    many = streams.uniforms(1, 2, "service/2023", 5000)
    assert (streams.uniforms(1, 2, "service/2023", fewer) == many[:fewer]).all()
    assert 0 <= many.min() <= many.max() < 1


def test_streams_of_another_seed_replication_or_name_are_others():
    keys = [
        (1, 0, "score/0"),
        (2, 0, "score/0"),
        (1, 1, "score/0"),
        (1, 0, "score/2022"),
        (1, 0, "entries/0"),
    ]
    columns = np.array([streams.uniforms(*key, 2000) for key in keys])
    correlation = np.corrcoef(columns)[np.triu_indices(len(keys), 1)]
    assert np.abs(correlation).max() < 6 / math.sqrt(2000)


def ulps(found: float, exact: Decimal) -> float:
    """How many units in the last place of the exact value lie between it and the found one."""
    return float(abs(Decimal(found) - exact) / Decimal(math.ulp(float(exact))))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(-700, 700))
def test_exp_is_within_two_ulp(x):
    with localcontext(prec=50):
        assert ulps(float(streams.exp(np.array(x))), Decimal(x).exp()) <= 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(2.0**-60, 2.0**60))
def test_log_is_within_two_ulp(x):
    with localcontext(prec=50):
        assert ulps(float(streams.log(np.array(x))), Decimal(x).ln()) <= 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(1, 2**20))
def test_log_is_within_two_ulp_near_one(k):
    """There the logarithm is small, and a sum of large parts would lose its digits."""
    for x in (1 + k * 2.0**-52, 1 - k * 2.0**-53):
        with localcontext(prec=50):
            assert ulps(float(streams.log(np.array(x))), Decimal(x).ln()) <= 2


def test_exp_and_log_of_the_ends():
    assert streams.exp(np.array(0.0)) == 1
    assert streams.log(np.array(1.0)) == 0
    assert streams.exponential(np.array([0.0, 1 - 2.0**-53]), rate=2.0).tolist() == [0, 53 * math.log(2) / 2]
    assert streams.exponential(np.array([0.5]), rate=0.0).tolist() == [math.inf]
    assert np.isfinite(streams.normal(np.array([0.0, 1 - 2.0**-53]))).all()


@pytest.mark.parametrize("mean", [0.01, 0.7, 3.0, 42.0, 7276.5, 250_000.0])
def test_poisson_quantiles_are_scipys(mean):
    for u in np.concatenate([streams.uniforms(1, 0, "number/0", 300), [0.0, 1e-9, 0.5, 1 - 1e-9]]).tolist():
        n = streams.poisson(u, mean=mean)
        assert n == max(0, int(stats.poisson.ppf(u, mean))), u
        assert stats.poisson.cdf(n, mean) >= u
        assert n == 0 or stats.poisson.cdf(n - 1, mean) < u


def test_poisson_of_nothing_is_nothing():
    assert [streams.poisson(u, mean=0.0) for u in (0.0, 0.3, 0.999999)] == [0, 0, 0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(0, 1, exclude_max=True), st.floats(0, 900), st.floats(0, 900))
def test_more_demand_never_draws_fewer(u, one, other):
    low, high = sorted((one, other))
    assert streams.poisson(u, mean=low) <= streams.poisson(u, mean=high)


@pytest.mark.parametrize(("low", "mode", "high"), [(0, 0, 1), (1, 2, 6), (4, 10, 10), (3, 3, 3)])
def test_triangular_quantiles_are_scipys(low, mode, high):
    u = np.linspace(0, 1, 1001)[:-1]
    found = streams.triangular(u, low=low, mode=mode, high=high)
    if low == high:
        assert (found == low).all()
    else:
        law = stats.triang((mode - low) / (high - low), loc=low, scale=high - low)
        assert found == pytest.approx(law.ppf(u), abs=1e-12)


def test_lognormal_quantiles_are_scipys():
    u = np.linspace(0.001, 0.999, 999)
    found = streams.lognormal(u, median=20.0, sigma=0.7)
    assert found == pytest.approx(stats.lognorm(0.7, scale=20).ppf(u), rel=1e-12)
    assert streams.lognormal(np.array([0.5, 0.9]), median=3.0, sigma=0.0).tolist() == [3.0, 3.0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_categories_cut_the_unit_interval_in_order(parts, u):
    if sum(parts) == 0:
        parts[0] = 1
    shares = [part / sum(parts) for part in parts]
    which = int(streams.categories(np.array([u]), shares)[0])
    exact = [Fraction(sum(parts[: k + 1]), sum(parts)) for k in range(len(parts))]
    expected = next((k for k, bound in enumerate(exact) if Fraction(u) < bound), len(parts) - 1)
    near = any(abs(Fraction(u) - bound) < Fraction(1, 10**12) for bound in exact)
    assert near or which == expected
