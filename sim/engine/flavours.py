"""The kernels in two flavours: as they are, or compiled by numba when the `fast` extra is installed.

Both run the very same code objects, so a rule is written once; tests hold their results equal in every bit.
Interpreted code reads lists faster than arrays, compiled code the other way round: hence `sequence`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim.engine import event_loop, kernels, slots
from sim.engine.compiling import compiled_together
from sim.engine.kernels import Numbers, Whole


class Kernels(NamedTuple):
    """The kernels of one flavour."""

    officers: Callable[..., None]
    course_until: Callable[..., None]
    serve_waitlist: Callable[..., None]
    expire_waitlist: Callable[..., None]
    claim_drawn: Callable[..., None]
    plan_filings: Callable[..., None]
    heap: Callable[[], list[int]]
    """An empty heap."""
    sequence: Callable[[Whole], Numbers]
    """An array as the flavour likes to read it."""


PLAIN = Kernels(
    kernels.officers,
    event_loop.course_until,
    slots.serve_waitlist,
    slots.expire_waitlist,
    slots.claim_drawn,
    event_loop.plan_filings,
    list,
    np.ndarray.tolist,
)

_compiled: list[Kernels] = []  # filled once a process: loading compiled code takes a second, compiling more


def compiled() -> Kernels:
    """The same functions under numba; ImportError where the `fast` extra is not installed."""
    if not _compiled:
        import numba

        names = {**vars(slots), **vars(event_loop), "officers": kernels.officers}
        entries = Kernels._fields[: Kernels._fields.index("heap")]
        loops = compiled_together(names, entries=entries)
        _compiled.append(
            Kernels(
                **{name: loops[name] for name in entries},
                heap=lambda: numba.typed.List.empty_list(numba.int64),
                sequence=np.asarray,
            )
        )
    return _compiled[0]
