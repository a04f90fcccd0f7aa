"""Pools whose count never falls: counting against the slow judge, and its evidence counted again."""

import random

import numpy as np
import pytest

from loadtests.pools import counting, flavours
from loadtests.pools.pool import EVER, GRANT, NEVER, REFUSAL, Pool
from tests.pools import (
    drawn,
    every_pool,
    is_legal,
    kinds_up_to,
    ops_of,
    random_likely_pool,
    random_pool,
    realistic,
    wrong_with,
)

try:
    COMPILED = flavours.compiled()
except ImportError:
    COMPILED = None


def contradicts(pool, clash, argument) -> bool:
    """Count an INVALID again, from the operations that it names (and, of the absent, from all)."""
    ops, limit = ops_of(pool), pool.limit
    room = max(pool.start, limit + pool.tolerance)
    grants = [ops[i] for i in clash if ops[i].kind == GRANT and not ops[i].is_optional]
    observers = [ops[i] for i in clash if ops[i].kind != GRANT]
    low = [limit if op.kind == REFUSAL else op.low for op in observers]
    high = [10**9 if op.kind == REFUSAL else op.high for op in observers]
    assert len(set(clash)) == len(clash) == len(grants) + len(observers)
    if argument == "over-cap":
        return pool.start + len(grants) > room
    one = observers[0]
    if argument == "empty-reading":
        return low[0] > high[0]
    if argument in ("read-too-high", "refused-with-room"):
        return pool.start + sum(op.kind == GRANT and op.begins <= one.ends for op in ops) < low[0]
    if argument == "read-too-low":
        return all(op.ends < one.begins for op in grants) and pool.start + len(grants) > high[0]
    if argument == "over-cap-after":
        return all(op.begins > one.ends for op in grants) and low[0] + len(grants) > room
    assert argument == "fell-between", argument
    two = observers[1]
    between = all(one.ends < op.begins and op.ends < two.begins for op in grants)
    return one.ends < two.begins and between and low[0] + len(grants) > high[1]


def agrees(pool, *, may_pass=False) -> bool:
    """The judgement is the slow judge's, and its evidence holds; whether there was one."""
    judged = counting.judge(pool)
    if judged is None:
        assert may_pass, ops_of(pool)
        return False
    expected = "VALID" if is_legal(pool) else "INVALID"
    assert judged.judgement == expected, (judged, ops_of(pool), pool.limit, pool.start, pool.tolerance)
    if expected == "VALID":
        wrong = wrong_with(pool, judged.order.tolist(), judged.at.tolist())
        assert wrong is None, (wrong, judged, ops_of(pool))
    else:
        assert contradicts(pool, judged.clash.tolist(), judged.argument), (judged, ops_of(pool), pool)
    return True


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("", ""),
        ("G0-1 G2-3", ""),
        ("G0-1 G2-3 G4-5", "over-cap"),
        ("G0-1 J2-3", "refused-with-room"),
        ("G0-1 g2- J3-4", ""),
        ("G0-1 g4- J2-3", "refused-with-room"),
        ("R0-1=1 G2-3", "read-too-high"),
        ("G0-1 R2-3=0", "read-too-low"),
        ("G0-1 R1-3=0", ""),  # at the same time: concurrent
        ("G0-100 R5-10=1 G12-14 R20-22=1", "fell-between"),  # what bounds alone do not see
        ("G0-100 R5-10=1 G12-14 R20-22=1..2", ""),
        ("G0-100 g0- R5-6=2 G7-8", "over-cap-after"),
        ("R0-1=2..1", "empty-reading"),
        ("R0-9=3 g0- g0- g0-", "over-cap-after"),
        ("R0-9=0..9", ""),
        ("G0- J1-2 R3-4=2 G0-", ""),
    ],
)
def test_the_smallest_examples(text, argument):
    pool = drawn(text, cap=2)
    judged = counting.judge(pool)
    assert judged.argument == argument
    assert agrees(pool)


def test_a_count_above_the_cap_from_the_start_refuses_and_grants_nothing():
    assert counting.judge(drawn("J0-1 R2-3=5", cap=2, start=5)).judgement == "VALID"
    assert counting.judge(drawn("G0-1", cap=2, start=5)).argument == "over-cap"


def test_a_tolerance_lets_grants_pass_the_cap_and_refusals_come_at_the_cap():
    assert agrees(drawn("G0-1 G2-3 J4-5 G6-7", cap=2, tolerance=1))
    assert counting.judge(drawn("G0-1 G2-3 J4-5 G6-7", cap=2, tolerance=1)).judgement == "VALID"
    assert counting.judge(drawn("G0-1 G2-3 J4-5 G6-7 G8-9", cap=2, tolerance=1)).argument == "over-cap"


def test_an_optional_grant_that_came_to_its_end_is_used_if_it_was_open_and_else_left_open():
    assert counting.judge(drawn("g0-5 J4-6", cap=1)) is None
    assert counting.judge(drawn("g0-6 J4-6", cap=1)).judgement == "VALID"
    assert counting.judge(drawn("g0-3 J4-6 J1-2", cap=2)).argument == "refused-with-room"


def test_intervals_may_be_open_on_both_sides():
    pool = drawn("G0- R0-=0 R0-=1", cap=1)
    pool.begins[:] = EVER
    assert agrees(pool)


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_every_pool_of_at_most_three_operations(cap):
    for start in range(2):
        for n in range(4):
            for pool in every_pool(n, kinds_up_to(cap, releases=False), cap=cap, start=start):
                agrees(pool, may_pass=True)


MIXES = {
    "claims": {"G": 5, "J": 4},
    "reads": {"G": 5, "J": 2, "R": 3},
    "ranges": {"G": 5, "J": 1, "R": 1, "r": 3},
    "indeterminate": {"G": 4, "g": 3, "J": 2, "R": 2, "r": 1},
}


def compare_at_random(mix, runs, seed, *, longest=8) -> None:
    rng = random.Random(seed)
    settled = 0
    for run in range(runs):
        make = random_pool if run % 3 == 0 else random_likely_pool
        settled += agrees(
            make(rng, rng.randint(1, longest), MIXES[mix], never=0.8, tolerances=(0, 0, 1)), may_pass=True
        )
    assert settled > 0.9 * runs


@pytest.mark.parametrize("mix", MIXES)
def test_random_pools(mix):
    compare_at_random(mix, 1_000, 11)


@pytest.mark.long
@pytest.mark.parametrize("mix", MIXES)
def test_many_random_pools(mix):
    compare_at_random(mix, 40_000, 12, longest=9)


@pytest.mark.long
@pytest.mark.parametrize("cap", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1])
def test_every_pool_of_five_operations(cap, start):
    for pool in every_pool(5, kinds_up_to(cap, releases=False), cap=cap, start=start):
        agrees(pool, may_pass=True)


def same(one, other) -> bool:
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in zip(one[1:4], other[1:4], strict=True))


@pytest.mark.skipif(COMPILED is None, reason="numba, the extra `fast`, is not installed")
def test_compiled_and_plain_are_the_same():
    for seed in range(5):
        pool = realistic(3_000, cap=1_000, reads=0.2, indeterminate=0.05, seed=seed)
        judged = [counting.judge(pool, loops=loops) for loops in (COMPILED, flavours.PLAIN)]
        assert judged[0].judgement == "VALID"
        assert same(*judged)


@pytest.mark.parametrize("in_flight", [1, 10, 1_000])
def test_what_a_correct_counter_did_is_legal(in_flight):
    pool = realistic(20_000, cap=5_000, in_flight=in_flight, reads=0.05, indeterminate=0.01)
    judged = counting.judge(pool)
    assert judged.judgement == "VALID"
    assert wrong_with(pool, judged.order.tolist(), judged.at.tolist()) is None


def test_one_grant_too_many_among_thousands_is_found():
    pool = realistic(20_000, cap=5_000, reads=0.05)
    kind = pool.kind.copy()
    kind[np.flatnonzero(kind == REFUSAL)[-1]] = GRANT
    judged = counting.judge(
        Pool(kind, pool.begins, pool.ends, pool.is_optional, pool.low, pool.high, 0, 5_000, 0)
    )
    assert (judged.judgement, judged.argument) == ("INVALID", "over-cap")
    assert judged.facts["over"] == 1
    assert NEVER > judged.facts["time"] > 0
