"""The last lines of every command that leaves a run folder: where everything is, and its page.

The page is made here, once for all commands, and only where its name is printed: a script that runs with
--quiet or --json asks for it with `quotalab report`. It costs a tenth of a second (two on the first use on a
machine, when Vega's script is put together) and a megabyte.
"""

from pathlib import Path

from rich.console import Console


def show_folder(console: Console, folder: Path) -> None:
    """Say where everything is, and make and name the page; a page that cannot be made stops nothing."""
    from sim import report

    console.print(f"Everything is in {folder}", soft_wrap=True, highlight=False)
    page = report.attempt(folder)
    if page is not None:
        console.print(f"The page: {page}", soft_wrap=True, highlight=False)
