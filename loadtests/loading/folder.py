"""The run folder of a load test: begun before anything is sent, and whole again whatever ends the run.

Beside what every run folder has (sim/results.py): `trace.npz` (what was planned), `history/` (the workers'
rows as they were written), `history.parquet`, `verdict.json`, `clash.svg` (if it is INVALID: what clashes),
`latency.hdr`, `summary.json`, `locust/` (Locust's own files and words), `service.log`, and `report.html`, the
page, made from the others. The manifest says `"complete": false` until the run came to its end.
"""

import datetime
import hashlib
import os
import shutil
from pathlib import Path
from typing import Any, Final

from loadtests import signs
from loadtests.loading.plan import Plan
from sim import results
from sim.errors import BadInput

FILES: Final = (
    "scenario.toml",
    "trace.npz",
    "history.parquet",
    "verdict.json",
    "clash.svg",
    "latency.hdr",
    "summary.json",
)

SIGNS: Final = (signs.START, signs.PROGRESS)
FOLDERS: Final = ("history", "locust", "service")


def begin(plan: Plan) -> results.RunFolder:
    """Make the folder, marked incomplete, with the scenario and the trace in it."""
    options, sent = plan.options, plan.trace
    path = options.out or results.default_path(plan.scenario.name, sent.seed)
    _clear(path)
    folder = results.begin(
        path,
        source=plan.source,
        text=plan.text,
        settings={},
        policy=sent.policy,
        seed=sent.seed,
        question={
            "run": sent.run,
            "target": options.target,
            "fault": options.fault,
            "workers": options.workers,
            "service_workers": options.service_workers if plan.store else None,
            "scale": options.scale,
            "compress": sent.clock.rate,
        },
    )
    sent.save(folder.path / "trace.npz")
    (folder.path / "history").mkdir()
    return folder


def begin_search(path: Path, first: Plan, *, run: str) -> results.RunFolder:
    """Make the folder of a search for the highest rate; its stages get theirs inside."""
    _clear(path)
    options = first.options
    return results.begin(
        path,
        source=first.source,
        text=first.text,
        settings={},
        policy=first.trace.policy,
        seed=first.trace.seed,
        question={
            "run": run,
            "target": options.target,
            "fault": options.fault,
            "workers": options.workers,
            "service_workers": options.service_workers if first.store else None,
        },
    )


def _clear(path: Path) -> None:
    """Take away what an earlier load test left; of a folder that is none of ours, nothing."""
    try:
        results.read(path)
    except (BadInput, OSError, ValueError):
        return
    ours = {*results.OURS, results.MANIFEST, results.PAGE, *FILES, *SIGNS, *FOLDERS, "service.log"}
    stages = {each.name for each in path.glob("stage-[0-9]*") if (each / results.MANIFEST).is_file()}
    if {each.name for each in path.iterdir()} - ours - stages:
        return  # somebody keeps other things here: results.begin says so, and all of it stays
    for name in (*FOLDERS, *stages):
        shutil.rmtree(path / name, ignore_errors=True)
    for name in (*FILES[1:], *SIGNS, results.PAGE, "service.log"):
        (path / name).unlink(missing_ok=True)


def finish(folder: results.RunFolder, *, is_complete: bool) -> None:
    """Close the manifest: what is there, with its digests, and whether the run came to its end."""
    there = (folder.path / name for name in FILES)
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in there if file.exists()}
    ended = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    write_json(
        folder.path / results.MANIFEST,
        folder.manifest | {"complete": is_complete, "ended": ended, "files": digests},
    )


def write_json(path: Path, data: Any) -> None:
    """Data as JSON; the file is there whole, or as it was."""
    temporary = path.with_name(path.name + ".unfinished")
    temporary.write_text(results.json_text(data), "utf-8")
    os.replace(temporary, path)
