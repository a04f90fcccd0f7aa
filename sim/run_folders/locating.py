"""Which run is meant: a folder, the name of one under results/runs, the beginning of such a name, or `last`.

Names begin with the scenario and then the time (`imp-plus-20261129T084500Z-1`), so the beginning of a name
stands for the newest run that has it; `last` is the newest of all. Newest is by what the manifests say, not
by the file system, so that a copied folder stays in its place.
"""

import json
from pathlib import Path
from typing import Final

from sim.errors import complaint, nearest
from sim.results import MANIFEST

RUNS: Final = Path("results", "runs")
LAST: Final = "last"


def locate(run: str | Path) -> Path:
    """The folder of a run; BadInput with the nearest name if there is none."""
    path = Path(run)
    if (path / MANIFEST).is_file():
        return path
    if path.exists():
        raise complaint("this is no run folder", file=str(path), expected=f"a folder with {MANIFEST}")
    found = {each.name: each for each in _by_age()}
    name = str(run)
    if name in found:
        return found[name]
    beginning = [each for each in found.values() if name == LAST or each.name.startswith(name)]
    if beginning:
        return beginning[-1]
    near = nearest(name, [*found, LAST]) if found else None
    raise complaint(
        f"there is no run {name!r}",
        key="RUN",
        expected=f"a run folder, the name of one in {RUNS} or its beginning, or {LAST}",
        mend=f"write {near}" if near else ("" if found else "make a run first: quotalab run SCENARIO"),
    )


def _by_age() -> list[Path]:
    """The run folders under results/runs, the oldest first."""
    begun = []
    for manifest in RUNS.glob(f"*/{MANIFEST}"):
        try:
            started = json.loads(manifest.read_text("utf-8"))["started"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        begun.append((str(started), manifest.parent.name, manifest.parent))
    return [path for _, _, path in sorted(begun)]
