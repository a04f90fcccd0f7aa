"""quotalab load-worker and load-merge: more hosts for a load test, and a record that stayed on one."""

import sys
from pathlib import Path

from cyclopts import App

worker = App(name="load-worker", help="Send a part of a load test from this host.", help_format="plaintext")
merge = App(
    name="load-merge", help="Bring a worker's record into a run, and judge again.", help_format="plaintext"
)


@worker.default
def load_worker(*, master: str, folder: Path | None = None) -> int:
    """Send a part of a load test from this host; ends with the run. Ctrl-C ends this worker's part.

    The target's profile, if it is a file, and the secrets that it takes from the environment must be here.

    Parameters
    ----------
    master
        HOST:PORT of `quotalab load SCENARIO --expect-workers N --listen HOST:PORT`.
    folder
        Where this worker's record is kept, also after the master has it; else results/runs/RUN-shard-N.
    """
    import subprocess

    from loadtests import safe

    host, port = safe.address(master, key="--master")
    locustfile = Path(__file__).resolve().parents[1] / "locustfile.py"
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--worker"]
    command += ["--master-host", host, "--master-port", str(port)]
    if folder is not None:
        command += ["--run-folder", str(folder)]
    with subprocess.Popen(command) as child:
        while True:
            try:
                return 0 if child.wait() == 0 else 2
            except KeyboardInterrupt:
                continue  # Ctrl-C reached the child too, which comes to its end by itself


@merge.default
def load_merge(run: Path, /, *records: Path) -> int:
    """Bring the record of a worker that could not send it into a run's folder, and judge the run again.

    Parameters
    ----------
    run
        The run's folder, on the master's host.
    records
        Folders of workers (see load-worker --folder), copied from their hosts; none judges what is there.
    """
    from loadtests.loading.rejudging import merge as merged
    from loadtests.showing import verdict as show_verdict

    history, verdict = merged(run, records)
    print(show_verdict.headline(verdict, history))
    for finding in verdict.findings:
        print(f"  {finding.check}: {finding.says}")
    print(f"{len(history):,} operations in {run / 'history.parquet'}")
    return verdict.exit_code
