"""`quotalab report`: the page of a run as one HTML file, and its pictures as PNG and SVG."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

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
    """Write report.html into a run folder: pictures and the numbers behind them, in one file without network.

    Parameters
    ----------
    run
        A run folder, the name of one in results/runs or its beginning, or last.
    open_it
        Open the page in the browser.
    png
        Folder for the pictures, each as PNG and SVG; no browser is needed.
    quiet
        Print nothing.
    """
    from sim import locating
    from sim import report as reporting
    from sim.reporting.export import write_pictures

    folder = locating.locate(run)
    page = reporting.page_of(folder)
    written = reporting.write(folder, page)
    pictures = write_pictures(page, png) if png is not None else []
    if not quiet:
        print(written)
        for picture in pictures:
            print(picture)
    if open_it:
        import webbrowser

        webbrowser.open(written.resolve().as_uri())
    return 0
