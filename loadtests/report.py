"""The page of what a load test or a search left, or of a recorded history.

Beside what is simulated (sim/report.py) these have pages: the folder of a load test, that of a search for the
highest rate, and any history, which is then judged first.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sim import results
from sim.errors import complaint
from sim.reporting.page import Page

if TYPE_CHECKING:
    from loadtests.history import History
    from loadtests.verdict import Verdict


def is_history(path: Path) -> bool:
    """Whether it can be a file of a history, and no folder of a run."""
    return path.is_file()


def is_ours(folder: Path) -> bool:
    """Whether a run folder was left by a load test or by a search."""
    return (folder / "trace.npz").is_file() or is_search(folder)


def is_search(folder: Path) -> bool:
    """Whether it is the folder of a search for the highest rate."""
    return any(folder.glob("stage-[0-9]*/trace.npz"))


def page_of(path: Path) -> Page:
    """The page of a folder of ours, or of a history; BadInput if there is nothing to show."""
    from loadtests.reporting import load_page, subject

    if is_history(path):
        from loadtests import checking
        from loadtests.history import read

        history = read(path)
        return of_judged(str(path), history, checking.judged(history))
    if is_search(path):
        return _of_search(path)
    return load_page.page(subject.of_run(path))


def of_judged(file: str, history: "History", verdict: "Verdict") -> Page:
    """The page of a history that was judged."""
    from loadtests.reporting import load_page, subject

    return load_page.page(subject.of_history(file, history, verdict))


def _of_search(folder: Path) -> Page:
    from loadtests.reporting import ramp_page, subject

    manifest, summary = results.read(folder)
    if summary is None:
        what = "the search never came to an answer, so there is nothing to show"
        raise complaint(what, file=str(folder), mend="show one of its stages: quotalab report RUN/stage-01")
    return ramp_page.page(subject.title(folder, manifest), manifest, summary)


def write(folder: Path) -> Path | None:
    """Write the page into a folder of ours; where it is. None if it could not be made: the verdict stands."""
    from sim.reporting.html import html

    try:
        return results.write_page(folder, html(page_of(folder)))
    except Exception:
        return None


def write_to(file: Path, page: Page, key: str = "--report") -> None:
    """Write a page to any file; BadInput if it cannot be."""
    from sim.reporting.html import html

    try:
        file.write_text(html(page), "utf-8")
    except OSError as error:
        raise complaint(f"cannot be written: {error.strerror}", key=key, file=str(file)) from error
