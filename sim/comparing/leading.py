"""Which contrast leads: the difference that a planner should hear of first."""

import math

from sim.comparing.contrasts import Contrast

LEADING = (
    "grants",
    "permits",
    "slot_probability",
    "permit_before_pr_probability",
    "median_wait_days",
    "labour_months_gained",
)
"""What a leading sentence may be about: what people get."""


def lead(contrasts: tuple[Contrast, ...], *, capped: frozenset[str]) -> Contrast | None:
    """The contrast with the largest standardised difference, of those settled and beyond their margin.

    Policies without a cap are no choice a planner has; they lead only if no other differs.
    """
    found = [
        each
        for each in contrasts
        if each.measure.partition("/")[0] in LEADING
        and each.verdict in ("better", "worse")
        and abs(each.difference or 0.0) > each.margin
    ]
    found = [each for each in found if each.policy in capped] or found

    def weight(each: Contrast) -> tuple[float, float]:
        return math.inf if each.size is None else each.size, abs(each.difference or 0.0) / each.margin

    return max(found, key=weight, default=None)
