"""`quotalab report`: the page of a run as one HTML file, and its pictures as PNG and SVG."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:  # with NumPy and all, which --help has no use for
    from sim.reporting.page import Page

app = App(name="report", help="One page of a run.", help_format="plaintext")

Flag = Annotated[bool, Parameter(negative="")]


@app.default
def report(
    run: str = "last",
    /,
    *,
    open_it: Annotated[bool, Parameter(name="--open", negative="")] = False,
    png: Path | None = None,
    quiet: Flag = False,
) -> int:
    """Write the page of a run: pictures and the numbers behind them, in one file without network.

    Parameters
    ----------
    run
        A run folder, the name of one in results/runs or its beginning, or last: its page is report.html in
        it. Or the file of a history, which is judged first: its page lies beside it.
    open_it
        Open the page in the browser.
    png
        Folder for the pictures, each as PNG and SVG; no browser is needed.
    quiet
        Print nothing.
    """
    from loadtests.histories.alone import without_pandas
    from sim.reporting.export import write_pictures

    without_pandas()
    page, written = _written(run)
    pictures = write_pictures(page, png) if png is not None else []
    if not quiet:
        print(written)
        for picture in pictures:
            print(picture)
    if open_it:
        import webbrowser

        webbrowser.open(written.resolve().as_uri())
    return 0


def _written(run: str) -> "tuple[Page, Path]":
    """The page of whatever is meant, and where it is now."""
    from loadtests import report as loads
    from sim import report as simulations
    from sim.run_folders import locating

    if loads.is_history(Path(run)):
        page, place = loads.page_of(Path(run)), Path(run).with_suffix(".html")
        loads.write_to(place, page, "RUN")
        return page, place
    folder = locating.locate(run)
    page = loads.page_of(folder) if loads.is_ours(folder) else simulations.page_of(folder)
    return page, simulations.write(folder, page)
