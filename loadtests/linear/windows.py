"""The windows in which operations take effect, once what is known of their person and their year is used.

Two sets of windows come from one history. The *wide* ones hold every order that explains the answers: a
contradiction found with them is one. The *narrow* ones choose, wherever one person's operations overlap, one
order of them and cut the windows apart; an order found with them is legal, as its replay shows, but that none
is found means nothing.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from loadtests.linear.operations import Operations, Whole

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Windows:
    """Columns as long as the operations."""

    begins: Whole
    ends: Whole
    is_optional: Flags
    is_out: Flags
    """It cannot have happened."""


def windows_of(operations: Operations) -> Windows:
    """The windows as they are on record."""
    return Windows(
        operations.begins.copy(),
        operations.ends.copy(),
        operations.is_optional.copy(),
        np.zeros(len(operations), dtype=np.bool_),
    )


def copied(windows: Windows) -> Windows:
    """A copy to be narrowed."""
    return replace(
        windows,
        begins=windows.begins.copy(),
        ends=windows.ends.copy(),
        is_optional=windows.is_optional.copy(),
        is_out=windows.is_out.copy(),
    )
