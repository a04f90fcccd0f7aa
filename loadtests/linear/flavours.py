"""The loops of this room in two flavours: as they are, or compiled by numba when the `fast` extra is
installed.

Both run the very same code objects, so a rule is written once, and the results are equal. A loop is compiled
when it is first called, and kept for the next process.
"""

import types
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from loadtests.linear import laziest, moves, states, walk


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


@cache
def compiled() -> Loops:
    """The same functions under numba; ImportError where the `fast` extra is not installed."""
    import numba

    jit = numba.njit(cache=True, nogil=True)
    namespace: dict[str, Any] = {}
    for module in (laziest, states, moves, walk):
        namespace |= vars(module)
    for name, function in list(namespace.items()):
        if isinstance(function, types.FunctionType):
            namespace[name] = jit(types.FunctionType(function.__code__, namespace, name))
    return Loops("compiled", *(namespace[name] for name in Loops._fields[1:]))


@cache
def fastest() -> Loops:
    """Compiled where that is possible."""
    try:
        return compiled()
    except ImportError:
        return PLAIN
