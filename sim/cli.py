"""The commands: parse, ask, print, and end with an exit code.

0 fine, also when interrupted with something to show; 2 the program itself failed, so nothing is known; 3 the
input cannot be used; 130 interrupted with nothing to show. What a user can cause is said with how to mend it,
and no traceback is printed; set QUOTALAB_TRACEBACK=1 to see one.
"""

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from sim.commands.crew import Backend, crew
from sim.errors import BadInput, complaint

UNKNOWN, USAGE, INTERRUPTED = 2, 3, 130


def _version() -> str:
    from sim.run_folders.provenance import version

    return f"quotalab {version()}"


app = App(
    name="quotalab",
    help="A laboratory for capped-intake programmes: who gets a slot under which rule, and how sure are we?",
    version=_version,
    default_parameter=Parameter(show_default=False),
    help_format="plaintext",  # Markdown would cost every --help a tenth of a second
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.command("sim.commands.scenario:app", name="scenario", help="List, check and show scenario files.")
app.command("sim.commands.compare:app", name="compare", help="Compare cap policies on the same people.")
app.command("sim.commands.policies:app", name="policies", help="The catalogue of cap policies.")
app.command("sim.commands.sweep:app", name="sweep", help="Vary keys of a scenario: what follows from each?")
app.command("sim.commands.paradox:app", name="paradox", help="Search for cases in which more hurts.")
app.command("sim.commands.sensitivity:app", name="sensitivity", help="Which uncertain numbers matter?")
app.command("sim.commands.size:app", name="size", help="Officers for a service level, and the portal's peak.")
app.command("sim.commands.best:app", name="best", help="Which policy or setting is best, how sure is that?")
app.command("sim.commands.extend:app", name="extend", help="Add replications to a run, or finish one.")
app.command("sim.commands.story:app", name="story", help="One person's story, event by event.")
app.command("sim.commands.describe:app", name="describe", help="Describe model and experiment, for a report.")
app.command("sim.commands.runs:app", name="runs", help="List the runs that are there, newest first.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what an encoding lacks becomes a ?, and stops nothing
            stream.reconfigure(errors="replace")
    try:
        code = app(argv, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except BadInput as error:
        return _said(str(error), USAGE)
    except CycloptsError as error:
        return _said(f"{error}\nquotalab --help lists the commands and their options", USAGE)
    except KeyboardInterrupt:
        return _said("interrupted before anything was finished", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the interpreter flushes it at exit
        return 0
    except OSError as error:
        return _said(f"{error.filename or 'output'}: {error.strerror or error}", USAGE)
    except Exception as error:
        if os.environ.get("QUOTALAB_TRACEBACK"):
            raise
        return _said(_crash(error), UNKNOWN)
    return code if isinstance(code, int) else 0


def _said(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _crash(error: Exception) -> str:
    """One line for a fault of ours: what, where, and what to send with a report."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    what = " ".join(str(error).split())[:200]
    return (
        f"quotalab failed: {type(error).__name__}: {what}{where}{notes}; "
        "please report this line with the scenario and the command (QUOTALAB_TRACEBACK=1 shows more)"
    )


Flag = Annotated[bool, Parameter(negative="")]


@app.command
def run(
    scenario: str,
    /,
    *,
    policy: str | None = None,
    replications: int | None = None,
    precision: str | None = None,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    backend: Backend = "local",
    scheduler: str | None = None,
    applicants: int | None = None,
    no_register: Flag = False,
    fast: Flag = False,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Simulate one policy of a scenario: is the cap reached, when, who is served, and how sure is that?

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    policy
        Policy to simulate; the scenario's baseline if left out.
    replications
        How many replications; 100 if left out.
    precision
        Instead, e such as 1%: as many as it takes until the 95% half-width of every headline mean is at most
        e/(1+e) of it, where a mean below a tenth of all slots, or below a week, counts as that.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    jobs
        Workers; one a core if left out.
    backend
        local: processes of this machine; dask: the workers of a Dask cluster (needs the extra "cluster").
    scheduler
        Address of its scheduler, such as tcp://10.0.0.5:8786; if left out, a cluster here is started.
    applicants
        Write one row an applicant, for so many replications; all of them if there are at most two, else none.
    no_register
        Leave out the extra runs: the influence of each assumption, and the demand from which on a cap binds.
    fast
        Use compiled kernels (they come with the extra "fast"); the results are the same.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import results, scenario_file, study
    from sim.run_folders import making
    from sim.showing import run as show_run

    source, text = scenario_file.text_of(scenario)
    described = scenario_file.load(scenario)
    values = dict(scenario_file.parse_setting(each) for each in settings)
    if values:
        described = scenario_file.replaced(described, values)
    name = described.baseline if policy is None else policy
    wanted = None if precision is None else share(precision)
    seed = described.seed if seed is None else seed
    study.named(described, name)  # what can be wrong is said before a folder is made
    study.most(replications, wanted)
    for key, number, least in (("--seed", seed, 0), ("--jobs", jobs, 1), ("--applicants", applicants, 0)):
        if number is not None and number < least:
            raise complaint(f"{number} is too small", key=key, expected=f"a whole number of at least {least}")
    if fast and find_spec("numba") is None:
        raise complaint(
            "numba is not installed", key="--fast", mend="install quotalab[fast], or leave --fast out"
        )
    with (
        crew(backend, scheduler, jobs) as workers,
        progress(shown=not quiet and sys.stderr.isatty()) as told,
    ):
        folder = results.begin(
            out or results.default_path(described.name, seed),
            source=source,
            text=text,
            settings=values,
            policy=name,
            seed=seed,
            question={
                "replications": replications,
                "precision": wanted,
                "register": not no_register,
                "fast": fast,
                "applicants": applicants,
            },
        )
        making.make(folder, described, jobs=workers, progress=told)
    if as_json:
        sys.stdout.write(encodable((folder.path / "summary.json").read_text("utf-8")))
        return 0
    _, summary = results.read(folder.path)
    assert summary is not None, folder.path
    shown_in = None if quiet else folder.path
    show_run.show(summary, show_run.console_for(sys.stdout), folder=shown_in, brief=quiet)
    return 0


def encodable(text: str) -> str:
    """JSON that the output can take: with escapes where its encoding lacks a character."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), sort_keys=True, indent=1) + "\n"
    return text


def share(text: str, key: str = "--precision", what: str = "a precision") -> float:
    """A precision or margin as a share: 1% and 0.01 are the same."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100.0 if percent else 1.0)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        mend = f"write {number}%" if not percent and share >= 1.0 else ""
        raise complaint(
            f"{text!r} is not {what}",
            key=key,
            expected="a part of the mean, such as 1%",
            mend=mend,
        )
    return share


@contextlib.contextmanager
def progress(*, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """One bar on stderr, for whatever is going on; nothing where nobody looks."""
    if not shown:
        yield lambda label, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def told(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(label, total=total)
            bars.update(tasks[label], completed=done, total=total)

        yield told
