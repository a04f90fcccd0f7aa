"""Pools for the tests: all small ones, random ones, realistic ones of any size; a slow judge to compare with.

The slow judge is the search of Wing and Gong, written for reading: try every operation that may come next,
remember where one has been. It shares nothing with loadtests/pools but the record that it judges.
"""

from collections.abc import Iterator
from itertools import combinations_with_replacement, pairwise, product
from typing import NamedTuple

import numpy as np

from loadtests.pools.pool import GRANT, LIMIT, NEVER, READ, REFUSAL, RELEASE, Pool


class Op(NamedTuple):
    """One operation of a pool, as a row."""

    kind: int
    begins: int
    ends: int
    is_optional: bool = False
    low: int = 0
    high: int = 0


def pool_of(ops, *, cap=1, start=0, tolerance=0) -> Pool:
    """A pool of rows."""
    kind, begins, ends, is_optional, low, high = zip(*ops, strict=True) if ops else ((),) * 6
    whole = np.array([begins, ends, low, high], dtype=np.int64)
    kinds, flags = np.array(kind, dtype=np.int8), np.array(is_optional, dtype=np.bool_)
    return Pool(kinds, whole[0], whole[1], flags, whole[2], whole[3], start, cap, tolerance)


def ops_of(pool) -> list[Op]:
    """The rows of a pool."""
    columns = (pool.kind, pool.begins, pool.ends, pool.is_optional, pool.low, pool.high)
    return [Op(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def drawn(text, *, cap=1, start=0, tolerance=0) -> Pool:
    """A pool drawn as text, an operation a word: `G1-5 L7- R3-4=2 R3-4=1..2 J5-6 K8-9=3`.

    G grant, L release, R reading, J refusal, K the limit is now; g and l are optional.
    """
    ops = []
    for word in text.split():
        interval, _, value = word[1:].partition("=")
        begins, _, ends = interval.partition("-")
        low, _, high = value.partition("..")
        kind = {"G": GRANT, "L": RELEASE, "R": READ, "J": REFUSAL, "K": LIMIT}[word[0].upper()]
        low = int(low or 0)
        ops.append(Op(kind, int(begins), int(ends or NEVER), word[0].islower(), low, int(high or low)))
    return pool_of(ops, cap=cap, start=start, tolerance=tolerance)


# ---- what an operation does; used by the slow judge and by the replay


def effect(op, count, limit, tolerance) -> tuple[int, int] | None:
    """Count and limit after the operation; None if it could not have been so."""
    if op.kind == GRANT:
        return (count + 1, limit) if count < limit + tolerance else None
    if op.kind == RELEASE:
        return (count - 1, limit) if count > 0 else None
    if op.kind == READ:
        return (count, limit) if op.low <= count <= op.high else None
    if op.kind == REFUSAL:
        return (count, limit) if count >= limit else None
    return count, op.low


def is_legal(pool) -> bool:
    """Whether some order explains every operation: all of them are tried."""
    ops, seen = ops_of(pool), set()
    left = [(frozenset(range(len(ops))), pool.start, pool.limit)]
    while left:
        state = left.pop()
        waiting, count, limit = state
        if not waiting:
            return True
        if state in seen:
            continue
        seen.add(state)
        first_end = min(ops[i].ends for i in waiting)
        for i in waiting:
            if ops[i].is_optional:  # it never happened
                left.append((waiting - {i}, count, limit))
            if ops[i].begins <= first_end:  # nothing that waits ended before it began
                after = effect(ops[i], count, limit, pool.tolerance)
                if after is not None:
                    left.append((waiting - {i}, *after))
    return False


def wrong_with(pool, order, at) -> str | None:
    """What is wrong with an order of a pool that is said to be legal; None if nothing."""
    ops, count, limit, before = ops_of(pool), pool.start, pool.limit, -(2**63)
    must = {i for i, op in enumerate(ops) if not op.is_optional}
    if len(set(order)) != len(order) or not must <= set(order):
        return "some operation is missing or there twice"
    for i, time in zip(order, at, strict=True):
        if not ops[i].begins <= time <= ops[i].ends or time < before:
            return f"operation {i} cannot have been at {time}"
        after = effect(ops[i], count, limit, pool.tolerance)
        if after is None:
            return f"operation {i} cannot be at {count} of {limit}"
        (count, limit), before = after, time
    return None


# ---- small worlds, whole


def interval_orders(n) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every interval order of n operations once, up to their names, as closed intervals of whole numbers.

    In the smallest drawing of an interval order every time is the begin of one operation and the end of one.
    """
    spans = [(begins, ends) for begins in range(n) for ends in range(begins, n)]
    for chosen in combinations_with_replacement(spans, n):
        times = set(range(1 + max((ends for _, ends in chosen), default=-1)))
        if {begins for begins, _ in chosen} == times == {ends for _, ends in chosen}:
            yield chosen


def every_pool(n, kinds, *, cap, start=0, tolerance=0) -> Iterator[Pool]:
    """Every pool of n operations of these kinds (kind, is_optional, low, high), once up to names."""
    for spans in interval_orders(n):
        for chosen in product(range(len(kinds)), repeat=n):
            # Operations with the same interval are told apart by kind alone: take them in one order.
            if any(a == b and chosen[i] > chosen[i + 1] for i, (a, b) in enumerate(pairwise(spans))):
                continue
            ops = [Op(kinds[k][0], *span, *kinds[k][1:]) for k, span in zip(chosen, spans, strict=True)]
            # Open to the last time is open for ever; the searches take the two by different ways.
            last = max((op.ends for op in ops), default=0)
            ops = [op._replace(ends=NEVER) if op.is_optional and op.ends == last else op for op in ops]
            yield pool_of(ops, cap=cap, start=start, tolerance=tolerance)


def kinds_up_to(cap, *, releases=True) -> list[tuple[int, bool, int, int]]:
    """The kinds of operation that an exhaustive comparison takes under a cap."""
    kinds = [(GRANT, False, 0, 0), (GRANT, True, 0, 0), (REFUSAL, False, 0, 0)]
    kinds += [(READ, False, value, value) for value in range(cap + 1)]
    return [*kinds, (RELEASE, False, 0, 0), (RELEASE, True, 0, 0)] if releases else kinds


# ---- random worlds


def random_pool(rng, n, weights, *, cap=3, never=0.5, tolerances=(0,)) -> Pool:
    """A pool of n operations whose kinds are drawn by weight from the letters of `drawn`, r being a range."""
    letters, chances = zip(*weights.items(), strict=True)
    cap, times, ops = rng.randint(0, cap), rng.randint(2, 2 * n), []
    for letter in rng.choices(letters, chances, k=n):
        begins = rng.randrange(times)
        ends = min(times, begins + rng.choice((0, 1, 2, 3, times)))
        low = rng.randint(0, cap + 1)
        high = low + rng.randint(-1, 2) if letter == "r" else low
        kind = {"G": GRANT, "L": RELEASE, "R": READ, "J": REFUSAL, "K": LIMIT}[letter.upper()]
        is_optional = letter in "gl"
        if is_optional and rng.random() < never:
            ends = NEVER
        ops.append(Op(kind, begins, ends, is_optional, low, high))
    return pool_of(ops, cap=cap, start=rng.randint(0, 2), tolerance=rng.choice(tolerances))


def random_likely_pool(rng, n, weights, *, cap=3, never=0.5, tolerances=(0,)) -> Pool:
    """A pool that some counter did produce, at random; one interval in a third of them is then made wrong."""
    letters, chances = zip(*weights.items(), strict=True)
    cap, start, tolerance = rng.randint(1, cap), rng.randint(0, 1), rng.choice(tolerances)
    count, limit, ops = start, cap, []
    for place, letter in enumerate(rng.choices(letters, chances, k=n)):
        begins = 2 * place - rng.choice((0, 1, 2, 5, 9))
        ends = 2 * place + rng.choice((0, 1, 2, 5, 9))
        is_optional = letter in "gl"
        low, high, happened = count, count, rng.random() < 0.5 or not is_optional
        if letter in "Gg":
            kind = GRANT if count < limit + tolerance or is_optional else REFUSAL
            count += happened and count < limit + tolerance
        elif letter in "Ll":
            kind = RELEASE if count or is_optional else READ
            count -= happened and count > 0
        elif letter in "Kk":
            kind, low = LIMIT, rng.randint(0, 3)
            limit = low
        elif letter == "J" and count >= limit:
            kind = REFUSAL
        else:
            kind = READ
            low, high = (
                (count - rng.randint(0, 1), count + rng.randint(0, 1)) if letter == "r" else (low, high)
            )
        if is_optional and rng.random() < never:
            ends = NEVER
        ops.append(Op(kind, begins, ends, is_optional, low, high))
    if rng.random() < 0.34:
        which = rng.randrange(n)
        op = ops[which]
        ops[which] = op._replace(begins=op.begins + 6, ends=max(op.ends, op.begins + 6))
    rng.shuffle(ops)
    return pool_of(ops, cap=cap, start=start, tolerance=tolerance)


# ---- realistic ones


def realistic(
    n, *, cap, in_flight=100, releases=0.0, reads=0.01, indeterminate=0.0, sigma=0.7, seed=1
) -> Pool:
    """n operations on a correct counter: lognormal latency of 5 ms, effects uniform in the interval.

    The rest are claims, granted while there is room and refused when there is none; `indeterminate` of the
    claims and releases were never answered, half of which had no effect.
    """
    rng = np.random.default_rng(seed)
    latency = rng.lognormal(np.log(5e6), sigma, n)
    begins = np.cumsum(rng.exponential(latency.mean() / in_flight, n)).astype(np.int64)
    ends = begins + latency.astype(np.int64) + 1
    order = np.argsort(begins + rng.random(n) * (ends - begins), kind="stable")
    asked = rng.choice(3, n, p=[1 - releases - reads, releases, reads])[order]
    is_lost = (rng.random(n) < indeterminate)[order] & (asked < 2)
    has_effect = ~is_lost | (rng.random(n) < 0.5)
    kind, seen = _answered(asked.tolist(), is_lost.tolist(), has_effect.tolist(), cap)
    kinds, values = np.empty(n, dtype=np.int8), np.empty(n, dtype=np.int64)
    kinds[order], values[order] = kind, seen
    is_optional = np.zeros(n, dtype=np.bool_)
    is_optional[order] = is_lost
    ends[is_optional] = NEVER
    return Pool(kinds, begins, ends, is_optional, values, values.copy(), 0, cap, 0)


def _answered(asked, is_lost, has_effect, cap) -> tuple[list[int], list[int]]:
    """Kinds and readings of operations in the order of their effects."""
    count, kinds, seen = 0, [], []
    for ask, lost, happens in zip(asked, is_lost, has_effect, strict=True):
        seen.append(count)
        if ask == 2:
            kinds.append(READ)
        elif ask == 1:
            # Nobody gives back what nobody holds; such a person looks instead.
            kinds.append(RELEASE if count or lost else READ)
            count -= happens and count > 0
        else:
            kinds.append(GRANT if count < cap or lost else REFUSAL)
            count += happens and count < cap
    return kinds, seen
