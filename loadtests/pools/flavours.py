"""The loops of this room in two flavours: as they are, or compiled by numba when the `fast` extra is
installed.

Both run the very same code objects, so a rule is written once, and the results are equal. A loop is compiled
when it is first called, and kept for the next process. That takes twenty seconds, and a second in every
process after: by then plain loops are through with tens of thousands of operations, and a history of fewer
never needs numba (`fitting`).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

from loadtests.pools import laziest, moves, states, walk
from loadtests.pools.pool import Pool
from sim.engine.compiling import compiled_together

MOST_PLAIN: Final = 10_000
"""So many operations, or steps of a search, take a fifth of a second with plain loops."""
NARROW: Final = 16
"""States at once that plain loops compare with one another quickly enough."""
FEW: Final = 8
"""Operations of which there are not many states, however wide the beam."""


class Loops(NamedTuple):
    """The loops of one flavour."""

    name: str
    run_lazily: Callable[..., int]
    pay: Callable[..., None]
    place: Callable[..., None]
    widths: Callable[..., None]
    walk: Callable[..., int]
    walked: Callable[..., int]
    first_seen: Callable[..., None]


PLAIN = Loops(
    "plain",
    laziest.run_lazily,
    laziest.pay,
    laziest.place,
    walk.widths,
    walk.walk,
    walk.walked,
    walk.first_seen,
)
AT_FIRST = PLAIN._replace(name="plain at first")
"""To begin with, where little work is expected: a search that turns out long goes on with compiled ones."""


@cache
def compiled() -> Loops:
    """The same functions under numba; ImportError where the `fast` extra is not installed."""
    names: dict[str, Any] = {}
    for module in (laziest, states, moves, walk):
        names |= vars(module)
    loops = compiled_together(names, entries=Loops._fields[1:])
    return Loops("compiled", *(loops[name] for name in Loops._fields[1:]))


@cache
def fastest() -> Loops:
    """Compiled where that is possible."""
    try:
        return compiled()
    except ImportError:
        return PLAIN


def fitting(pool: Pool, beam: int = 1) -> Loops:
    """Those that are sooner done with this pool and its like, looking at so many states at once."""
    if compiled.cache_info().currsize:
        return compiled()  # a larger pool has asked for them: parts of its history are judged with them too
    many = max(len(pool), pool.among)
    return AT_FIRST if many <= FEW or (many <= MOST_PLAIN and beam <= NARROW) else fastest()
