"""What tests of the simulation share: kernels that one worker of the suite compiles for all of them."""

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.engine import flavours
from sim.programme import prepare, simulate
from tests.random_worlds import random_composition, random_people


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Whoever comes second waits; where the system has no such locks, nobody does."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every compiled kernel has been called, if numba is there.

    Compiling them takes longer than any of the tests that call them. Two workers that come to it in the same
    moment would both do it; one after the other, the second loads what the first has kept.
    """
    try:
        kernels = flavours.compiled()
    except ImportError:
        return
    entries = kernels[: kernels._fields.index("heap")]
    worlds = itertools.count()
    with one_at_a_time(tmp_path_factory.getbasetemp().parent / "compiling"):
        while not all(entry.signatures for entry in entries):
            scenario, policy = random_composition(number := next(worlds))
            people = random_people(scenario, number)
            for loop in (None, True):
                simulate(prepare(scenario, people), policy, fast=True, loop=loop)
