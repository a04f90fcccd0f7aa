"""Pools whose count may fall, or whose limit steps: the search against a judge that tries every order."""

import random

import numpy as np
import pytest

from loadtests.pools import flavours, frontier
from loadtests.pools.kernel import judge
from loadtests.pools.pool import GRANT, READ, REFUSAL, RELEASE, Pool
from tests.pools import (
    drawn,
    every_pool,
    is_legal,
    kinds_up_to,
    ops_of,
    pool_of,
    random_likely_pool,
    random_pool,
    realistic,
    wrong_with,
)

try:
    COMPILED = flavours.compiled()
except ImportError:
    COMPILED = None

needs_numba = pytest.mark.skipif(COMPILED is None, reason="numba, the extra `fast`, is not installed")


def is_contradictory(pool, judged) -> bool:
    """Whether the slow judge, too, finds no order of the operations that are said to clash.

    They are judged from what the search says was counted before them, if that is a count; what was executed
    before them is known by then, what ends after the last of them need not have happened.
    """
    ops, before = ops_of(pool), judged.facts.get("before", pool.start)
    if before < 0 or before > max(pool.start, pool.limit + pool.tolerance):
        return True  # no counter has been there: not to be judged alone
    last = judged.facts.get("time", 0)
    chosen = [ops[i] for i in judged.clash.tolist()]
    moved = [op if op.ends <= last or op.kind > RELEASE else op._replace(is_optional=True) for op in chosen]
    return not is_legal(pool_of(moved, cap=pool.limit, start=before, tolerance=pool.tolerance))


def agrees(pool, *, find=frontier.judge, checks_clash=False) -> str:
    """The judgement, which is the slow judge's, and never UNKNOWN."""
    judged = find(pool)
    expected = "VALID" if is_legal(pool) else "INVALID"
    shown = (judged, ops_of(pool), pool.limit, pool.start, pool.tolerance)
    assert judged.judgement == expected, shown
    if expected == "VALID":
        wrong = wrong_with(pool, judged.order.tolist(), judged.at.tolist())
        assert wrong is None, (wrong, *shown)
    elif checks_clash:
        assert is_contradictory(pool, judged), shown
    return expected


@pytest.mark.parametrize(
    ("text", "cap", "argument"),
    [
        ("", 1, ""),
        ("G0-1 L2-3 G4-5", 1, ""),
        ("G0-1 L2-3 G4-5 G6-7", 1, "over-cap"),
        ("G0-1 J2-3 L4-5 J6-7", 1, "refused-with-room"),
        ("L0-1 G2-3", 1, "released-unheld"),
        ("L0-2 G2-3", 1, ""),
        ("G0-1 R2-3=0", 1, "read-too-low"),
        ("G0-1 R2-3=2", 2, "read-too-high"),
        ("G0-10 R5-6=1 L7-8 R9-9=0", 1, ""),
        # Filling up before every release while somebody is refused does not find this order.
        ("G0-1 G2-100 J3-20 L4-5 G6-7 G8-9 L30-40", 2, ""),
        ("G0-9 L0-9 R1-2=1 R3-4=0 R5-6=1", 1, "no-order"),
        ("G0-9 L0-9 G0-9 R1-2=1 R3-4=0 R5-6=1", 1, ""),
        ("G0-1 l0- G2-3", 1, ""),
        ("G0-1 l0-1 G2-3", 1, ""),
        ("G0-1 l2- G2-3 G4-5", 1, "over-cap"),
    ],
)
def test_the_smallest_examples(text, cap, argument):
    pool = drawn(text, cap=cap)
    assert frontier.judge(pool).argument == argument
    agrees(pool, checks_clash=True)


@pytest.mark.parametrize(
    ("text", "judgement"),
    [
        ("G0-1 K2-3=2 G4-5", "VALID"),
        ("G0-1 G2-3 K4-5=2", "INVALID"),
        ("G0-1 K2-3=0 J4-5 L6-7", "VALID"),  # the limit may fall below what is counted
        ("G0-1 K2-3=0 L4-5 G6-7", "INVALID"),
        ("G0-1 J2-3 K2-3=2 G2-3", "VALID"),
        ("G0-1 J4-5 K2-3=2", "INVALID"),
        ("K0-5=0 G0-5 J6-7 R6-7=1", "VALID"),  # the grant first
        ("K0-5=0 K1-6=2 G7-8 G9-10", "VALID"),  # in whichever order they came
        ("K0-5=0 K1-6=2 J7-8", "VALID"),
        ("K0-5=0 K1-6=2 J7-8 G9-10", "INVALID"),
    ],
)
def test_a_limit_that_steps(text, judgement):
    assert agrees(drawn(text, cap=1)) == judgement


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_every_pool_of_at_most_three_operations(cap):
    for start in range(2):
        for n in range(4):
            for pool in every_pool(n, kinds_up_to(cap), cap=cap, start=start):
                agrees(pool)


@pytest.mark.long
@pytest.mark.parametrize("cap", [1, 2, 3])
@pytest.mark.parametrize("start", [0, 1])
def test_every_pool_of_four_operations(cap, start):
    for pool in every_pool(4, kinds_up_to(cap), cap=cap, start=start):
        agrees(pool)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("cap", [1, 2, 3])
def test_every_pool_of_five_operations(cap, part):
    for number, pool in enumerate(every_pool(5, kinds_up_to(cap), cap=cap)):
        if number % 4 == part:
            agrees(pool)


MIXES = {
    "releases": {"G": 5, "J": 3, "L": 3},
    "reads": {"G": 4, "J": 2, "L": 3, "R": 3},
    "ranges": {"G": 4, "J": 1, "L": 3, "R": 1, "r": 3},
    "indeterminate": {"G": 3, "g": 2, "J": 2, "L": 2, "l": 1, "R": 2, "r": 1},
    "steps": {"G": 5, "J": 3, "L": 2, "K": 2, "R": 1},
    "everything": {"G": 4, "g": 1, "J": 2, "L": 3, "l": 1, "K": 2, "R": 2, "r": 1},
}


def compare_at_random(mix, runs, seed, *, longest=8, find=frontier.judge, checks_clash=False) -> None:
    rng = random.Random(seed)
    found = {"VALID": 0, "INVALID": 0}
    for run in range(runs):
        make = random_pool if run % 3 == 0 else random_likely_pool
        pool = make(rng, rng.randint(1, longest), MIXES[mix], never=0.6, tolerances=(0, 0, 1))
        found[agrees(pool, find=find, checks_clash=checks_clash)] += 1
    assert min(found.values()) > runs / 10, found


@pytest.mark.parametrize("mix", MIXES)
def test_random_pools(mix):
    compare_at_random(mix, 1_000, 21, checks_clash=mix in ("releases", "reads"))


@pytest.mark.long
@pytest.mark.parametrize("mix", MIXES)
def test_many_random_pools(mix):
    compare_at_random(mix, 40_000, 22, longest=9, find=judge)


def same(one, other) -> bool:
    return one[0] == other[0] and all(np.array_equal(a, b) for a, b in zip(one[1:4], other[1:4], strict=True))


@needs_numba
def test_compiled_and_plain_are_the_same():
    rng = random.Random(23)
    pools = [random_likely_pool(rng, 8, MIXES[mix]) for mix in MIXES for _ in range(20)]
    for pool in [*pools, realistic(1_500, cap=60, releases=0.2, reads=0.05, indeterminate=0.01)]:
        assert same(*(frontier.judge(pool, loops=loops) for loops in (COMPILED, flavours.PLAIN)))


@needs_numba
def test_a_search_that_turns_out_long_goes_on_with_compiled_loops(monkeypatch):
    pool = realistic(1_500, cap=60, releases=0.2, reads=0.05, indeterminate=0.01)
    plain = frontier.judge(pool, loops=flavours.PLAIN)
    monkeypatch.setattr(flavours, "MOST_PLAIN", 200)
    asked = []
    monkeypatch.setattr(flavours, "fastest", lambda: asked.append(1) or COMPILED)
    assert same(plain, frontier.judge(pool, loops=flavours.AT_FIRST))
    assert len(asked) == 1


@pytest.mark.parametrize("beams", [(1,), (2,), (4, 16)])
def test_a_beam_that_is_too_narrow_says_unknown_and_never_something_wrong(beams):
    rng, found = random.Random(24), set()
    for _ in range(600):
        pool = random_likely_pool(rng, 9, MIXES["everything"], never=0.3)
        judged = frontier.judge(pool, beams=beams)
        assert judged.judgement in ("UNKNOWN", "VALID" if is_legal(pool) else "INVALID"), ops_of(pool)
        found.add(judged.judgement)
    assert ("UNKNOWN" in found) == (beams[-1] < 4)


@pytest.mark.parametrize(("in_flight", "n"), [(1, 20_000), (10, 20_000), (100, 20_000), (1_000, 20_000)])
def test_what_a_correct_counter_did_is_legal(in_flight, n):
    pool = realistic(n, cap=500, in_flight=in_flight, releases=0.2, reads=0.02, indeterminate=0.002)
    judged = frontier.judge(pool)
    assert judged.judgement == "VALID"
    assert wrong_with(pool, judged.order.tolist(), judged.at.tolist()) is None


def edited(pool, position, kind, value=0) -> Pool:
    """The pool with another kind of operation at a position."""
    kinds, low, high = pool.kind.copy(), pool.low.copy(), pool.high.copy()
    kinds[position], low[position], high[position] = kind, value, value
    columns = (pool.begins, pool.ends, pool.is_optional & (kinds <= RELEASE))
    return Pool(kinds, *columns, low, high, pool.start, pool.limit, pool.tolerance)


@pytest.mark.parametrize("fault", ["a stale reading", "a refusal with room", "a release that was none"])
def test_one_fault_among_thousands_is_found_and_told_in_few_operations(fault):
    pool = realistic(20_000, cap=500, in_flight=3, releases=0.2, reads=0.05)
    which = {"a stale reading": READ, "a refusal with room": GRANT, "a release that was none": REFUSAL}[fault]
    position = int(np.flatnonzero(pool.kind == which)[-50])
    kind = {READ: READ, GRANT: REFUSAL, REFUSAL: RELEASE}[which]
    judged = frontier.judge(edited(pool, position, kind, value=int(pool.low[position]) - 30))
    assert judged.judgement == "INVALID"
    assert len(judged.clash) <= 600
    assert np.abs(judged.clash - position).min() < 600
