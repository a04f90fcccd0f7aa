"""How policies stand up to shocks: worst case, mean of the worst tenth, and the largest regret.

A *situation* is the scenario as it is, or under a shock. The *worst case* of a policy is its worst mean over
situations. *CVaR10* is the mean of the worst tenth of all its outcomes, replications of all situations put
together, each situation with the same weight: it tells of bad luck in bad situations. The *regret* in a
situation is how far a policy stays behind the one that is best there on average, by the same people; its
interval is paired t. A planner cannot do without a cap, so the best is sought among capped policies, and the
others have no regret.

Only measures with a good direction can be worse, and only those with a value in every replication are told.
"""

from typing import NamedTuple

import numpy as np

from sim.comparing.contrasts import HEADLINES, Columns
from sim.comparing.paired import paired
from sim.comparing.shocks import Shock
from sim.measures import definition
from sim.studying.intervals import Floats

TAIL = 0.10
AS_IS = "as-it-is"


class Shocked(NamedTuple):
    """The comparison in one situation."""

    shock: Shock
    found: dict[str, Columns]
    """Policy -> measure -> one value a replication, the baseline first."""


class Regret(NamedTuple):
    """How far behind the best policy of a situation."""

    best: str
    """That policy."""
    mean: float
    low: float | None
    """95 % paired t interval; None for a single replication."""
    high: float | None


class Robust(NamedTuple):
    """One measure of one policy over all situations."""

    policy: str
    measure: str
    means: dict[str, float]
    """Situation -> mean."""
    worst: str
    """The situation with the worst mean."""
    cvar10: float
    regrets: dict[str, Regret]
    """Situation -> regret; empty without a cap."""
    most: str | None
    """The situation with the largest regret."""


def robustness(situations: tuple[Shocked, ...], capped: frozenset[str]) -> tuple[Robust, ...]:
    """Every policy over all situations, for each headline measure that can be told."""
    policies = list(situations[0].found)
    told = []
    for measure in HEADLINES:
        better = definition(measure).better
        values = {
            policy: {each.shock.name: each.found[policy][measure] for each in situations}
            for policy in policies
        }
        known = [p for p in policies if all(np.isfinite(each).all() for each in values[p].values())]
        if better and known:
            sign = 1.0 if better == "higher" else -1.0
            best = _best({p: values[p] for p in known if p in capped}, sign)
            told += [_robust(p, measure, values[p], values, sign, best if p in capped else {}) for p in known]
    return tuple(told)


def _best(values: dict[str, dict[str, Floats]], sign: float) -> dict[str, str]:
    """Situation -> the policy with the best mean; of equals the first."""
    names = next(iter(values.values()), {})
    return {name: max(values, key=lambda policy: sign * values[policy][name].mean()) for name in names}


def _robust(
    policy: str,
    measure: str,
    mine: dict[str, Floats],
    values: dict[str, dict[str, Floats]],
    sign: float,
    best: dict[str, str],
) -> Robust:
    means = {name: float(column.mean()) for name, column in mine.items()}
    regrets = {
        name: _regret(other, sign * (values[other][name] - mine[name])) for name, other in best.items()
    }
    return Robust(
        policy,
        measure,
        means,
        min(means, key=lambda name: sign * means[name]),
        sign * lower_tail([sign * column for column in mine.values()]),
        regrets,
        max(regrets, key=lambda name: regrets[name].mean) if regrets else None,
    )


def _regret(best: str, behind: Floats) -> Regret:
    pair = paired(np.zeros(len(behind)), behind)
    if pair.n < 2:
        return Regret(best, pair.mean, None, None)
    return Regret(best, pair.mean, pair.mean - pair.half(), pair.mean + pair.half())


def lower_tail(columns: list[Floats], share: float = TAIL) -> float:
    """The mean of the lowest tenth of a mixture of columns, each with the same weight in all."""
    values = np.concatenate(columns)
    weights = np.concatenate([np.full(len(each), 1.0 / (len(each) * len(columns))) for each in columns])
    order = np.argsort(values, kind="stable")
    before = np.cumsum(weights[order]) - weights[order]
    inside = np.clip(share - before, 0.0, weights[order])  # the value on the edge counts in part
    return float(inside @ values[order] / inside.sum())
