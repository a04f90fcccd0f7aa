"""The workers of a Dask cluster, for a study that is larger than a machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from sim.errors import complaint


@contextmanager
def joined(scheduler: str | None, *, workers: int | None) -> Iterator[int | None]:
    """Inside, blocks go to the cluster; yields how many workers it has."""
    if scheduler:
        raise complaint("a cluster is not there yet", key="--backend")
    yield workers
