"""The workers of a Dask cluster, for a study that is larger than one machine.

joblib hands the blocks of a study to the cluster instead of to processes of this machine; nothing else
changes, and as every replication is a pure function of its number, neither do the bytes. A worker that dies
loses its block, which the scheduler gives to another. Needs the extra "cluster" (dask and distributed).

On a cluster of one's own, quotalab of the same version must be installed wherever a worker runs:

    pip install "quotalab[cluster]"                   # on every machine
    dask scheduler --port 8786                        # on one of them
    dask worker tcp://HOST:8786 --nworkers auto --nthreads 1    # on each
    quotalab compare imp-plus --backend dask --scheduler tcp://HOST:8786 --replications 1000

One thread a worker: a replication is plain Python, and two of them in one process only wait for each other.
The traffic is not encrypted unless Dask is told to (`distributed.comm.require-encryption`); keep the ports
inside the cluster. With Slurm, Kubernetes or a cloud it is the cluster's own tool that starts scheduler and
workers; quotalab only needs the address. Workers are compared with this process when the study begins: other
code, or another version of a library that computes, might give other bits and is refused.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sim.errors import complaint
from sim.run_folders import provenance
from sim.studying import blocks

REACHED_S = 10
"""How long a scheduler may take to answer."""
WORKERS_S = 60
"""How long a cluster may take to have a worker."""


@contextmanager
def joined(scheduler: str | None, *, workers: int | None) -> Iterator[int]:
    """Inside, blocks go to the cluster at that address, or to one of this machine; yields its workers."""
    distributed = _distributed()
    import joblib

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a lost worker is no news: others go on
    with ExitStack() as opened:
        place: Any = scheduler
        if scheduler is None:
            with blocks.ctrl_c_ignored():
                place = opened.enter_context(_here(distributed, workers or blocks.cores()))
        client = opened.enter_context(_client(distributed, place, scheduler))
        _check_workers(client, scheduler)
        with joblib.parallel_config(backend="dask", client=client, wait_for_workers_timeout=WORKERS_S):
            yield sum(client.ncores().values())


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise complaint(
            "dask and distributed are not installed",
            key="--backend",
            expected='the extra "cluster"',
            mend='pip install "quotalab[cluster]", or leave --backend out',
        ) from None
    return distributed


def _here(distributed: Any, workers: int) -> Any:
    """A cluster of this machine, on loopback."""
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )


def _client(distributed: Any, place: Any, scheduler: str | None) -> Any:
    try:
        return distributed.Client(place, timeout=REACHED_S, set_as_default=False)
    except (OSError, ValueError) as error:  # what it takes for no address is a ValueError
        raise complaint(
            f"no scheduler answers at {scheduler} ({' '.join(str(error).split())[:100]})",
            key="--scheduler",
            expected="the address of a running Dask scheduler, such as tcp://10.0.0.5:8786",
            mend="start one with: dask scheduler",
        ) from error


def _check_workers(client: Any, scheduler: str | None) -> None:
    """BadInput if there is no worker, or one that might give other bits."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        raise complaint(
            f"the cluster has no worker after {WORKERS_S} s",
            key="--scheduler",
            mend=f"start one with: dask worker {scheduler or ''} --nthreads 1",
        ) from None
    ours = provenance.computes()
    for worker, theirs in sorted(client.run(provenance.computes, on_error="return").items()):
        if isinstance(theirs, BaseException):
            found = f"cannot run quotalab ({type(theirs).__name__}: {' '.join(str(theirs).split())[:80]})"
        else:
            other = [name for name in ours if theirs.get(name) != ours[name]]
            if not other:
                continue
            found = "; ".join(f"has {name} {theirs.get(name, 'none')}, here {ours[name]}" for name in other)
        raise complaint(
            f"the worker {worker} {found}",
            key="--scheduler",
            expected="the same quotalab, Python and libraries as here, since others may give other bits",
            mend="install the same on every machine: constraints.txt has the versions",
        )
