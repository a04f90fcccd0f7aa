"""Clocks that may be wrong: wider intervals allow every order that narrower ones allowed, and perhaps more.

So with a growing bound a history may go from INVALID to VALID, and never back: in the exact check, and in the
verdict of all checks. A bound in the header is the same as intervals that were written down wider.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from loadtests.checking import judged
from loadtests.history import NEVER, History
from tests.loadtests.test_linearizability import random_one
from tests.oracle import verdict
from tests.random_histories import MIXES

BOUNDS = (1, 3, 10)
OF_A_MIX = 10


def trusted_less(history: History, bound_ns: int) -> History:
    """The same record by clocks that may be so much further off."""
    header = replace(history.header, clock_bound_ns=history.header.clock_bound_ns + bound_ns)
    return History(header, history.columns)


def widened(history: History, bound_ns: int) -> History:
    """The same bound on all clocks, and every interval longer by it at either end."""
    ends = history["completed_ns"]
    columns = dict(history.columns) | {
        "invoked_ns": history["invoked_ns"] - bound_ns,
        "completed_ns": np.where(ends < NEVER, ends + bound_ns, NEVER),
    }
    return History(history.header, columns)


def never_back(said: list[str]) -> bool:
    """Whether the verdicts under a growing bound are possible: once there was an order, there is one."""
    known = [each for each in said if each != "UNKNOWN"]
    return known == sorted(known)  # INVALID comes before VALID, in the alphabet too


def seeds(name: str, many: int = OF_A_MIX) -> Iterator[tuple[int, History]]:
    return ((seed, random_one(name, seed)) for seed in range(many))


@pytest.mark.parametrize("name", MIXES)
def test_a_larger_bound_turns_nothing_valid_into_invalid(name: str) -> None:
    for seed, history in seeds(name):
        said = [verdict(history), *(verdict(trusted_less(history, bound)) for bound in BOUNDS)]
        assert never_back(said), f"seed {seed} of {name}: {said} as the bound grows"


def test_a_larger_bound_makes_a_difference() -> None:
    """Or the test above would show nothing."""
    histories = [history for name in ("readings", "releases", "audited") for _, history in seeds(name, 24)]
    convicted = [history for history in histories if verdict(history) == "INVALID"]
    freed = [history for history in convicted if verdict(trusted_less(history, BOUNDS[-1])) == "VALID"]
    assert 3 < len(freed) < len(convicted)


@pytest.mark.parametrize("name", MIXES)
def test_a_bound_is_the_same_as_wider_intervals(name: str) -> None:
    for seed, history in seeds(name):
        for bound in BOUNDS[::2]:
            said = verdict(widened(history, bound)), verdict(trusted_less(history, bound))
            assert "UNKNOWN" in said or said[0] == said[1], f"seed {seed} of {name}, {bound} ns: {said}"


@pytest.mark.parametrize("name", MIXES)
def test_no_other_check_convicts_what_a_smaller_bound_let_pass(name: str) -> None:
    for seed, history in list(seeds(name, 24))[::6]:
        said = [judged(trusted_less(history, bound)).judgement for bound in (0, 2, 10)]
        assert never_back(said), f"seed {seed} of {name}: {said} as the bound grows"
