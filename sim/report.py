"""The page of a run folder: `report.html` beside the files that it is made from.

The page is made from the files of the folder, computes no result, and names no time and no path, so the same
run has the same page. It can be made again at any time, and is no part of the manifest's digests.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sim import results
from sim.errors import complaint
from sim.reporting import (
    best_page,
    comparison_page,
    paradox_page,
    run_page,
    sensitivity_page,
    size_page,
    sweep_page,
)
from sim.reporting.html import html
from sim.reporting.page import Page

Data = dict[str, Any]

PAGES: dict[str, Callable[[Data, Data, Data | None], Page]] = {
    "run": run_page.page,
    "comparison": comparison_page.page,
    "sweep": sweep_page.page,
    "best": best_page.best_page,
    "pareto": best_page.pareto_page,
    "size": size_page.page,
    "paradox": paradox_page.page,
    "sensitivity": sensitivity_page.page,
}
"""Kind of a summary -> its page, made from (summary, manifest, curves)."""


def page_of(folder: Path) -> Page:
    """The page of what was simulated into a folder; BadInput if there is nothing to show."""
    manifest, summary = results.read(folder)
    if summary is None:
        raise complaint(
            "the run was never finished, so there is nothing to show",
            file=str(folder),
            mend="run it again",
        )
    kind = str(summary.get("kind", "run"))
    if kind not in PAGES:
        raise complaint(f"there is no page for a {kind} yet", file=str(folder), expected=" or ".join(PAGES))
    curves = folder / "curves.json"
    drawn = json.loads(curves.read_text("utf-8")) if curves.exists() else None
    return PAGES[kind](summary, manifest, drawn)


def attempt(folder: Path) -> Path | None:
    """The same after a run, which stands whether or not its page can be made; None if it cannot."""
    try:
        return write(folder)
    except Exception:
        return None


def write(folder: Path, page: Page | None = None) -> Path:
    """Write the page into the folder; where it is."""
    return results.write_page(folder, html(page_of(folder) if page is None else page))
