"""A replication has the same bits however it is made: workers, block sizes, kernels, a cluster."""

from contextlib import nullcontext
from importlib.util import find_spec
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.scenario_file import load
from sim.studying import blocks, cluster
from sim.studying.blocks import Crew
from sim.studying.keeping import text_of
from sim.studying.replication import Question, measured

SMOKE = load("smoke")
FAST = [False, True] if find_spec("numba") else [False]
CALM = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)


def made(question: Question, replications: list[int], jobs: int, drawn: bool) -> list[str]:
    crew = Crew(jobs, lambda *_: None, 1e-3)
    calls = [(question, replication, drawn) for replication in replications]
    return [text_of(answer) for answer in crew.each("replications", measured, calls)]


def alone(question: Question, replications: list[int], drawn: bool) -> list[str]:
    """Each by itself, in this process, plain."""
    return [text_of(measured(question._replace(fast=False), each, drawn)) for each in replications]


@pytest.mark.usefixtures("compiled")
@given(
    policy=st.sampled_from(SMOKE.policy_names()),
    replications=st.lists(st.integers(0, 2_000), min_size=2, max_size=7, unique=True),
    jobs=st.sampled_from([1, 2]),
    block_s=st.sampled_from([1e-9, 2e-3, 3e-3, 1e3]),
    drawn=st.booleans(),
    fast=st.sampled_from(FAST),
)
@settings(max_examples=15, deadline=None, suppress_health_check=CALM, derandomize=True)
def test_neither_workers_nor_blocks_nor_kernels_change_a_bit(
    policy: str, replications: list[int], jobs: int, block_s: float, drawn: bool, fast: bool
) -> None:
    question = Question(SMOKE, SMOKE.policy(policy), SMOKE.seed, fast)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(blocks, "WORTH_WORKERS_S", 0.0)
        patched.setattr(blocks, "BLOCK_S", block_s)
        assert made(question, replications, jobs, drawn) == alone(question, replications, drawn)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["local", "dask"])
def test_neither_does_a_cluster_for_any_policy_and_block_size(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "dask":
        pytest.importorskip("distributed", reason="needs the extra `cluster`")
    monkeypatch.setattr(blocks, "WORTH_WORKERS_S", 0.0)
    context: Any = cluster.joined(None, workers=2) if backend == "dask" else nullcontext(2)
    replications = list(range(400, 409))
    with context as jobs:
        for number, policy in enumerate(SMOKE.policy_names()):
            question = Question(SMOKE, SMOKE.policy(policy), SMOKE.seed, FAST[-1] if number == 1 else False)
            expected = alone(question, replications, False)
            for block_s in (1e-9, 4e-3, 1e3):
                monkeypatch.setattr(blocks, "BLOCK_S", block_s)
                assert made(question, replications, jobs, False) == expected, (policy, block_s)
