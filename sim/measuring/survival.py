"""How long things take when not everyone is watched to the end: product-limit estimates.

People are watched from one age to another and then leave by a *cause*: 0 is *censored* (they would have gone
on, unseen), 1, 2, ... are events that compete with each other. *Late entry*: who is first seen at an age was
at no risk of being seen to leave before it, so enters the risk set only then.

`cumulative_incidence` is the Aalen-Johansen estimator; with one cause it is Kaplan-Meier's, 1 - survival.
Treating a competing end as censored answers another question (how long if that end did not exist), so which
causes compete and which censor is said by each measure that uses this.

Sources: Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457-481; Aalen and Johansen, Scand. J. Stat. 5 (1978)
141-150; Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data, 2nd ed. (2002), ch. 1 and 8.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.integer[Any]]
Ages = Whole | Floats

_ROUNDING = 1e-12  # a product such as 3/4 * 2/3 may miss 1/2 by an ulp; a quantile must not


@dataclass(frozen=True, slots=True)
class Incidence:
    """Estimated curves as steps: right-continuous, level between the times."""

    times: Ages
    """Ages at which somebody left by a cause, increasing, shape (m,)."""
    at_risk: Whole
    """People watched just before each, shape (m,)."""
    survival: Floats
    """P(not yet left by any cause) from each age on, shape (m,)."""
    incidence: Floats
    """P(left by cause k + 1) from each age on, shape (causes, m)."""
    last: float
    """The highest age at which anybody was watched; nan if nobody ever was."""

    def survival_at(self, age: float) -> float:
        """P(age at leaving > age); nan beyond the last age watched, unless nobody survives to it."""
        return self._step(self.survival, 1.0, age)

    def incidence_at(self, age: float, *, cause: int = 1) -> float:
        """P(left by this cause at or before the age); nan where survival is not known."""
        return self._step(self.incidence[cause - 1], 0.0, age)

    def quantile(self, share: float, *, cause: int = 1) -> float:
        """The first age by which this share has left by the cause; nan if it never has."""
        step = int(np.searchsorted(self.incidence[cause - 1], share - _ROUNDING))
        return float(self.times[step]) if step < len(self.times) else math.nan

    def _step(self, curve: Floats, before: float, age: float) -> float:
        over = len(self.times) > 0 and self.survival[-1] <= _ROUNDING
        if math.isnan(self.last) or (age > self.last and not over):
            return math.nan
        step = int(np.searchsorted(self.times, age, side="right"))
        return float(curve[step - 1]) if step else before


def cumulative_incidence(entered: Ages | None, left: Ages, cause: Whole, *, causes: int = 1) -> Incidence:
    """The curves of people watched from `entered` to `left` (ages, in any unit), columns of shape (n,).

    Ties: events come before censorings at the same age, and who enters at an age is at risk only after it.
    So the risk set of an event at t has everyone with entered < t <= left; somebody who leaves no later than
    they entered is never seen. An entry at 0 means watched from the beginning, so that an event at 0 counts;
    `entered` = None says so of everyone. When a small early risk set dies out, the estimate is over there:
    with late entry read it from ages at which people are many.
    """
    if entered is not None:
        seen = (left > entered) | (entered <= 0)
        if not seen.all():
            entered, left, cause = entered[seen], left[seen], cause[seen]
    assert not len(left) or (left.min() >= 0 and cause.min() >= 0 and cause.max() <= causes), (left, cause)
    order = np.argsort(left)
    ages, ends = left[order], cause[order]
    begins = runs(ages)
    last_of_run = np.append(begins[1:], len(ages)) - 1 if len(ages) else begins
    left_by = np.array([np.cumsum(ends == k + 1)[last_of_run] for k in range(causes)])
    counts = left_by.copy()
    counts[:, 1:] -= left_by[:, :-1]
    kept = np.flatnonzero(counts.any(axis=0))
    times, events, at_risk = ages[begins[kept]], counts[:, kept], len(ages) - begins[kept]
    if entered is not None:
        late = np.sort(entered[entered > 0])
        at_risk = at_risk - len(late) + np.searchsorted(late, times, side="left")
    survival = np.cumprod(1.0 - events.sum(axis=0) / at_risk)
    before = np.concatenate([[1.0], survival[:-1]])[: len(times)]
    incidence = np.cumsum(before * events / at_risk, axis=1)
    last = float(ages[-1]) if len(ages) else math.nan
    return Incidence(times, at_risk.astype(np.int64), survival, incidence, last)


def runs(in_order: Ages) -> Whole:
    """Where each run of equal values begins in an ordered column (numpy's unique is slower: it hashes)."""
    if not len(in_order):
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
