"""quotalab demo: all of it on this machine, in under two minutes, with one page at the end.

Exit codes: 0 everything came out as it should; 2 a step did not; 130 interrupted.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from loadtests.demo import Done, Step

app = App(name="demo", help="Simulate, compare, load and judge: all of it once.", help_format="plaintext")

Flag = Annotated[bool, Parameter(negative="")]
OUT: Final = Path("results", "runs", "demo")
WRONG, INTERRUPTED = 2, 130


@app.default
def demo(
    *,
    out: Path = OUT,
    open_it: Annotated[bool, Parameter(name="--open", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Do everything once on this machine: simulate, compare, replay a rush, judge it, catch a planted fault.

    It takes a minute or two, and ends with one page that links all.

    Parameters
    ----------
    out
        Folder to write to; results/runs/demo if left out. An earlier demonstration there is replaced.
    open_it
        Open the page in the browser.
    quiet
        Print where the page is, and nothing else.
    """
    from loadtests import demo as demonstration

    with _progress(quiet) as told:
        done, place = demonstration.make(out, told)
    print(f"{'' if quiet else 'the page: '}{place}")
    if open_it:
        import webbrowser

        webbrowser.open(place.resolve().as_uri())
    if len(done) < len(demonstration.STEPS):
        return INTERRUPTED
    return 0 if all(each.is_fine for each in done) else WRONG


@contextlib.contextmanager
def _progress(quiet: bool) -> "Iterator[Callable[[int, int, Step, Done | None], None]]":
    """Where somebody looks: what is going on, and then what came of it; a line a step is left of it."""
    if quiet or not sys.stderr.isatty():
        yield lambda number, many, step, done: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as progress:

        def told(number: int, many: int, step: "Step", done: "Done | None") -> None:
            for task in progress.task_ids:
                progress.remove_task(task)
            if done is None:
                progress.add_task(f"{number} of {many}: {step.doing}", total=None)
                return
            sign = "✓" if done.is_fine else "✗"
            console.print(f"{sign} {number} of {many}: {step.typed()}", highlight=False, soft_wrap=True)
            if not done.is_fine:
                console.print(done.words, highlight=False, markup=False, style="red")

        yield told
