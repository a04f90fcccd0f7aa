"""Who does the work of a command: `--jobs`, `--backend` and `--scheduler`, the same wherever they stand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from sim.errors import complaint

Backend = Literal["local", "dask"]


@contextmanager
def crew(backend: Backend, scheduler: str | None, jobs: int | None) -> Iterator[int | None]:
    """How many workers a study is given; inside, joblib hands its blocks to the backend."""
    if backend == "local":
        if scheduler is not None:
            raise complaint("only a cluster has a scheduler", key="--scheduler", mend="add --backend dask")
        yield jobs
        return
    from sim.studying import cluster

    with cluster.joined(scheduler, workers=jobs) as there:
        yield there
