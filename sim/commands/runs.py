"""`quotalab runs`: the runs that are there, newest first.

Exit codes: 0 fine; 3 there is no such folder.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sim.cli import encodable
from sim.errors import complaint

app = App(name="runs", help="List the runs that are there, newest first.", help_format="plaintext")


@app.default
def runs(
    folder: Path | None = None,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """List the runs that are there, newest first: what each was, and what it says in one sentence.

    Where a command takes RUN, any of these names will do, or the beginning of one, or last.

    Parameters
    ----------
    folder
        Folder that holds run folders; results/runs if left out.
    as_json
        Print the list as data.
    """
    from sim.run_folders.listing import listed
    from sim.run_folders.locating import RUNS
    from sim.showing import listing
    from sim.showing.terminal import console_for

    if folder is not None and not folder.is_dir():
        raise complaint("there is no such folder", file=str(folder), expected="a folder of run folders")
    found = listed(folder or RUNS)
    if as_json:
        data = [each._asdict() | {"path": each.path.as_posix()} for each in found]
        sys.stdout.write(encodable(json.dumps(data, indent=1, ensure_ascii=False) + "\n"))
        return 0
    listing.show(found, console_for(sys.stdout), folder=folder or RUNS)
    return 0
