"""`quotalab extend`: go on with a run or comparison without repeating what is there.

Exit codes are those of `quotalab run`: 0 fine, also when interrupted with something to show; 3 the input
cannot be used; 130 interrupted with nothing to show.
"""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sim.cli import Flag, encodable, progress, share
from sim.commands.crew import Backend, crew
from sim.errors import complaint

app = App(
    name="extend", help="Add replications to a run, or finish one that was stopped.", help_format="plaintext"
)

INTERRUPTED = (
    "interrupted: the {:,} replications of before are shown, what is new is kept; quotalab extend {}"
)


@app.default
def extend(
    run: str,
    /,
    *,
    replications: int | None = None,
    precision: str | None = None,
    jobs: int | None = None,
    backend: Backend = "local",
    scheduler: str | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Add replications to a run or comparison, or finish one that was interrupted or killed.

    The result is the same, byte for byte, as if all had been asked at once; what is there is not repeated.

    Parameters
    ----------
    run
        Folder of the run, its name under results/runs or the beginning of it, or last.
    replications
        How many there shall be in all; as many as were asked before if left out.
    precision
        Instead, e such as 1%, as for quotalab run and quotalab compare.
    jobs
        Workers; one a core if left out.
    backend
        local: processes of this machine; dask: the workers of a Dask cluster (needs the extra "cluster").
    scheduler
        Address of its scheduler, such as tcp://10.0.0.5:8786; if left out, a cluster here is started.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import study
    from sim.run_folders import extending
    from sim.run_folders.locating import locate
    from sim.studying.keeping import Kept

    wanted = None if precision is None else share(precision)
    study.most(replications, wanted)
    if jobs is not None and jobs < 1:
        raise complaint(f"{jobs} is too small", key="--jobs", expected="a whole number of at least 1")
    found = extending.begun(locate(run))
    question = extending.asked(found, replications=replications, precision=wanted)
    if extending.is_done(found, question):
        note = f"nothing to add: the run is complete, with {found.replications:,} replications"
        print(note, file=sys.stderr)
    else:
        with (
            Kept(found.path) as kept,
            crew(backend, scheduler, jobs) as workers,
            progress(shown=not quiet and sys.stderr.isatty()) as told,
        ):
            extending.check_bits(found, kept)
            is_new = extending.extend(found, question, kept, jobs=workers, progress=told)
        if not is_new:
            print(INTERRUPTED.format(found.replications, run), file=sys.stderr)
    _show(found.path, as_json=as_json, quiet=quiet)
    return 0


def _show(path: Path, *, as_json: bool, quiet: bool) -> None:
    """Print a folder as the command that began it would."""
    from sim import results
    from sim.showing import comparison, run
    from sim.showing.terminal import console_for

    if as_json:
        sys.stdout.write(encodable((path / "summary.json").read_text("utf-8")))
        return
    _, summary = results.read(path)
    assert summary is not None, path
    show = comparison.show if summary.get("kind") == "comparison" else run.show
    show(summary, console_for(sys.stdout), folder=None if quiet else path, brief=quiet)
