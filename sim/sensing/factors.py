"""What a model's answer depends on, as factors on the unit cube, and what each of them explains.

A *factor* is an uncertain number, at a quantile u of its distribution, or *chance*: everything that still
varies when all numbers are fixed. A *design* is a table of points, one row a point and one column a factor.
Designs and estimates are SALib's; its own sampling gets a seed from a named random stream.

*Morris* screens: from each of some base points one factor after the other moves by a step, and the mean
|change| of the answer per unit of u is mu*. *Sobol* quantifies: of the variance of the answer, the first
order S is what a factor explains alone, the total T what would remain if everything but it were known.
Factors may be put *together* and are then one.

Chance is a factor like the others: each of its values stands for a replication of its own. Points that
differ in one number only share their replication (common random numbers), and T of chance is the part of the
variance that remains when every number is known: no knowledge of the numbers can remove it.
"""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim import streams
from sim.streams import Floats

CHANCE, REST = "chance", "the rest"
LEVELS = 4
RESAMPLES = 200
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Factors:
    """The factors of a model, in the order of the design's columns."""

    names: tuple[str, ...]
    together: tuple[str, ...] = ()
    """For each factor the name of its group; empty: each is its own."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of what is told apart, in order."""
        return tuple(dict.fromkeys(self.together or self.names))

    @property
    def problem(self) -> dict[str, Any]:
        """The factors as SALib takes them."""
        found: dict[str, Any] = {
            "num_vars": len(self.names),
            "names": list(self.names),
            "bounds": [[0.0, 1.0]] * len(self.names),
        }
        return found | {"groups": list(self.together)} if self.together else found


class Effect(NamedTuple):
    """What Morris says of a factor."""

    name: str
    mu_star: float
    """Mean |change| of the answer, per unit of u."""
    half: float
    """Half of its 95 % bootstrap interval."""
    mu: float
    """Mean change, with its sign: the same as mu* if the factor only ever raises the answer."""
    sigma: float
    """How much the change differs from place to place: curvature, or what factors do together."""


class Index(NamedTuple):
    """What Sobol says of a factor, in parts of the variance."""

    name: str
    first: float
    first_half: float
    """Half of the 95 % bootstrap interval."""
    total: float
    total_half: float


def morris_design(factors: Factors, trajectories: int, *, seed: int) -> Floats:
    """Points in trajectories of one step a factor, shape (trajectories x (factors + 1), factors)."""
    from SALib.sample import morris

    drawn = morris.sample(factors.problem, trajectories, num_levels=LEVELS, seed=_seed(seed, "morris"))
    return np.asarray(drawn, dtype=np.float64)


def morris_effects(factors: Factors, points: Floats, answers: Floats, *, seed: int) -> tuple[Effect, ...]:
    """What each factor does to the answers, shape (points,); all nan if any of them is not known."""
    from SALib.analyze import morris

    if not np.isfinite(answers).all():
        return tuple(Effect(name, *[np.nan] * 4) for name in factors.names)
    found = morris.analyze(
        factors.problem,
        points,
        answers,
        num_resamples=RESAMPLES,
        num_levels=LEVELS,
        seed=_seed(seed, "morris-bootstrap"),
    )
    columns = (found[name] for name in ("mu_star", "mu_star_conf", "mu", "sigma"))
    rows = zip(factors.names, *columns, strict=True)
    return tuple(Effect(name, *(float(each) for each in row)) for name, *row in rows)


def sobol_design(factors: Factors, samples: int, *, seed: int) -> Floats:
    """Points for first and total order, shape (samples x (groups + 2), factors); samples: a power of two."""
    from SALib.sample import sobol

    drawn = sobol.sample(factors.problem, samples, calc_second_order=False, seed=_seed(seed, "sobol"))
    return np.asarray(drawn, dtype=np.float64)


def sobol_indices(factors: Factors, answers: Floats, *, seed: int) -> tuple[Index, ...]:
    """What each group explains of the variance of the answers, shape (points,).

    All nan if any answer is not known; all 0 if they do not vary.
    """
    from SALib.analyze import sobol

    if not np.isfinite(answers).all():
        return tuple(Index(name, *[np.nan] * 4) for name in factors.groups)
    if answers.min() == answers.max():
        return tuple(Index(name, 0.0, 0.0, 0.0, 0.0) for name in factors.groups)
    with warnings.catch_warnings():  # a resample in which nothing varies; its index counts as unknown
        warnings.simplefilter("ignore", RuntimeWarning)
        found = sobol.analyze(
            factors.problem,
            answers,
            calc_second_order=False,
            num_resamples=RESAMPLES,
            seed=_seed(seed, "sobol-bootstrap"),
        )
    columns = (found[name] for name in ("S1", "S1_conf", "ST", "ST_conf"))
    rows = zip(factors.groups, *columns, strict=True)
    return tuple(Index(name, *(float(each) for each in row)) for name, *row in rows)


def replications(factors: Factors, points: Floats) -> list[int]:
    """The replication of each point: each value of chance has its own, numbered as they first appear."""
    if CHANCE not in factors.names:
        return [0] * len(points)
    column = points[:, factors.names.index(CHANCE)].tolist()
    numbered = {value: number for number, value in enumerate(dict.fromkeys(column))}
    return [numbered[value] for value in column]


def _seed(seed: int, purpose: str) -> int:
    """A seed for SALib, from the random stream of a purpose."""
    return int(streams.uniforms(seed, 0, f"sensitivity/{purpose}", 1)[0] * LARGEST_SEED)
