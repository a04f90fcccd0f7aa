"""Names for the arrays that the checks count with."""

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
"""Which ones."""
Numbers = NDArray[np.int32]
"""Codes of texts, or numbers of requests."""
Rows = NDArray[np.int64]
"""Positions in the history."""
Times = NDArray[np.int64]
"""Nanoseconds."""


def is_repeated(values: NDArray[np.integer]) -> Flags:
    """Which of these values are there more than once."""
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    low, high = int(values.min()), int(values.max())
    if high - low < 4 * len(values) + 1_000:
        places = values - low
        return np.asarray(np.bincount(places)[places] > 1)
    order = np.argsort(values, kind="stable")
    is_same = np.diff(values[order]) == 0
    found = np.zeros(len(values), dtype=np.bool_)
    found[order] = np.append(is_same, False) | np.append(False, is_same)
    return found
