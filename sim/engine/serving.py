"""The officers' queue on arrays: when the service of each file begins, in working time."""

import numpy as np

from sim.clock import Seconds, WorkingHours
from sim.engine.flavours import Kernels
from sim.engine.kernels import Whole


def serve(
    hours: WorkingHours, flavour: Kernels, free_w: list[int], files: tuple[Seconds, Seconds, Seconds]
) -> Whole:
    """The start of each file in working time, -1 if its owner leaves first; `free_w` is the officers' heap.

    `files` are (ready, leave, service): wall times at which each file is ready and its owner would leave, and
    the seconds of work, in the order in which files are taken up.
    """
    ready, leave, service = files
    starts = flavour.sequence(np.empty(len(ready), dtype=np.int64))
    columns = (hours.working(ready), hours.working(leave), service)
    flavour.officers(*(flavour.sequence(each) for each in columns), free_w, starts)
    return np.asarray(starts, dtype=np.int64)
