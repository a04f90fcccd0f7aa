"""How the clock of one host stands to another's, with a bound that holds whatever the network did.

Every host counts on its own CLOCK_MONOTONIC. The master sends a message and notes when; the worker notes when
it came and when it answered; the master notes when the answer came. A message never arrives before it was
sent, and that alone bounds the *offset* (the worker's clock minus the master's):

    worker received - master sent   >=  offset  >=  worker answered - master received

One quick exchange bounds it well, and no exchange can bound it wrongly, so a slow network costs precision
and never truth.
"""

from collections.abc import Sequence
from typing import NamedTuple

GAP_NS = 1_000_000_000
"""Exchanges further apart than this are groups of their own: clocks drift, by up to 0.1 ms a second."""


class Exchange(NamedTuple):
    """Four moments of one message and its answer, each on the clock of the host that noted it."""

    sent_ns: int  # the master's
    received_ns: int  # the worker's
    answered_ns: int  # the worker's
    came_back_ns: int  # the master's


def clock_offset(samples: Sequence[Exchange]) -> tuple[int, int]:
    """The worker's clock minus the master's, and how far that may be wrong either way.

    Exchanges of one moment must all be right at once, so their bounds are intersected. Between the groups at
    the beginning and at the end of a run the clocks may have drifted; the answer covers both groups, and
    with them every offset that a steady drift took between them.
    """
    assert samples, "a clock is related by at least one exchange"
    groups: list[list[Exchange]] = []
    for sample in sorted(Exchange(*each) for each in samples):
        if not groups or sample.sent_ns - groups[-1][-1].sent_ns > GAP_NS:
            groups.append([])
        groups[-1].append(sample)
    bounds = [_of_one_moment(group) for group in groups]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    return (low + high) // 2, (high - low + 1) // 2 + 1


def _of_one_moment(group: list[Exchange]) -> tuple[int, int]:
    lows = [each.answered_ns - each.came_back_ns for each in group]
    highs = [each.received_ns - each.sent_ns for each in group]
    low, high = max(lows), min(highs)
    if low <= high:
        return low, high
    # The clocks drifted by more than the messages took. Whatever it was, it was within all of them.
    return min(lows), max(highs)
