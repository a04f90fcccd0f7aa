"""Named random streams: the only source of chance.

A *random stream* is named by (seed, replication, name), where the name is a purpose and a cohort as in
"service/2023". It is a pure function: replication 417 can be drawn alone on any machine, growing one cohort
leaves the others alone, and the first rows of a stream do not depend on how many are asked for.

Uniforms are stored and turned into quantities late, by quantile functions. `exp` and `log` here use only
additions and multiplications, which IEEE 754 fixes to the last bit, because the C library's versions differ
between processors.
"""

from functools import lru_cache
from typing import Any
from zlib import crc32

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_LN2_HIGH = 6.93147180369123816490e-01  # the first 33 bits of ln 2, so that k * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10


def uniforms(seed: int, replication: int, name: str, count: int) -> Floats:
    """The first `count` numbers of a random stream, in [0, 1), shape (count,)."""
    start = _start(seed, replication, name)
    return np.random.Generator(np.random.PCG64DXSM(start)).random(count)  # type: ignore[arg-type]


def generator(seed: int, replication: int, name: str) -> np.random.Generator:
    """A random stream as NumPy has it, for libraries that draw by themselves."""
    return np.random.Generator(np.random.PCG64DXSM(_key(seed, replication, name)))


def _key(seed: int, replication: int, name: str) -> np.random.SeedSequence:
    code = crc32(name.encode())
    if 0 <= seed < 2**32 and 0 <= replication < 2**32:
        # The words that NumPy makes of the call below, which takes it longer than all that comes after.
        return np.random.SeedSequence(np.array([seed, 0, 0, 0, replication, code], dtype=np.uint32))
    return np.random.SeedSequence(entropy=seed, spawn_key=(replication, code))


class _Start(ISeedSequence):
    """Where a stream starts, worked out once: that takes longer than a hundred draws."""

    def __init__(self, key: np.random.SeedSequence) -> None:
        self._words = key.generate_state(4, np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        assert (n_words, dtype) == (4, np.uint64), (n_words, dtype)
        return self._words


@lru_cache(maxsize=1 << 14)  # the same people stand before every policy, and every value of a sweep
def _start(seed: int, replication: int, name: str) -> _Start:
    return _Start(_key(seed, replication, name))


def exp(x: Floats) -> Floats:
    """e**x for |x| < 700, within 2 ulp and equal in its last bit on every machine."""
    k = np.rint(x * 1.4426950408889634)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    total = np.ones_like(r)
    for n in range(14, 0, -1):  # Horner: 1 + r/1 (1 + r/2 (1 + ...)); |r| <= ln2/2, so the rest is < 1e-18
        total = 1.0 + total * r * (1.0 / n)
    return np.ldexp(total, k.astype(np.int32))


def log(x: Floats) -> Floats:
    """ln x for x > 0, within 2 ulp and equal in its last bit on every machine."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < 0.7071067811865476
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    exponent = exponent - low
    z = (mantissa - 1.0) / (mantissa + 1.0)  # ln m = 2 artanh z, |z| <= 0.172
    square = z * z
    total = np.full_like(z, 1.0 / 23.0)
    for n in range(21, 0, -2):
        total = 1.0 / n + total * square
    return exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2.0 * z * total)


def normal(u: Floats) -> Floats:
    """Standard normal quantiles of uniforms; 0 is read as the smallest uniform that can be drawn."""
    return np.asarray(special.ndtri(np.maximum(u, 2.0**-54)))


def lognormal(u: Floats, *, median: float | Floats, sigma: float) -> Floats:
    """Lognormal quantiles: median * exp(sigma z), in the unit of the median."""
    return median * exp(sigma * normal(u))


def triangular(u: Floats, *, low: float, mode: float, high: float) -> Floats:
    """Triangular quantiles between low and high."""
    if high == low:
        return np.full_like(u, low)
    width, rise = high - low, mode - low
    left = low + np.sqrt(u * width * rise)
    right = high - np.sqrt((1.0 - u) * width * (high - mode))
    return np.where(u < rise / width, left, right)


def exponential(u: Floats, *, rate: float) -> Floats:
    """Exponential quantiles in units of 1 / rate; rate 0 never happens (infinity)."""
    if rate == 0:
        return np.full_like(u, np.inf)
    return -log(np.maximum(1.0 - u, 2.0**-54)) / rate


def poisson(u: float, *, mean: float) -> int:
    """The Poisson quantile of one uniform: the least n with P(N <= n) >= u."""
    if mean <= 0:
        return 0
    guess = max(0.0, float(np.rint(special.pdtrik(min(max(u, 1e-15), 1 - 1e-15), mean))))
    n = int(guess)
    while special.pdtr(n, mean) < u:
        n += 1
    while n > 0 and special.pdtr(n - 1, mean) >= u:
        n -= 1
    return n


def categories(u: Floats, shares: list[float] | tuple[float, ...]) -> NDArray[np.int64]:
    """The index of the class each uniform falls in, for shares that sum to 1."""
    bounds = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.minimum(np.searchsorted(bounds, u, side="right"), len(shares) - 1).astype(np.int64)
