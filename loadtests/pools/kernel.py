"""The judge of one counter: by counting where the count never falls, else by searching."""

from loadtests.pools import counting, frontier
from loadtests.pools.pool import LIMIT, RELEASE, Judged, Pool


def judge(pool: Pool, *, beams: tuple[int, ...] = frontier.BEAMS) -> Judged:
    """Whether the pool is legal, with the order or the contradiction; `beams` are those of the search."""
    if not ((pool.kind == RELEASE) | (pool.kind == LIMIT)).any():
        judged = counting.judge(pool)
        if judged is not None:
            return judged
    return frontier.judge(pool, beams=beams)
