"""The run folder: what was run, and everything that came out, so that it can be read, checked and run again.

A folder holds `manifest.json` (what ran, when, on what, and the SHA-256 of every other file), `scenario.toml`
(the scenario's text as it was given), `settings.json` (values replaced on the command line, if any),
`summary.json`, `curves.json` (for pictures), `replications.parquet`, `finished.jsonl.gz` (what the study can
be continued from) and, if asked for, `applicants.parquet` and `events.parquet`. Only the manifest knows the
time and the machine: every other file is the same, byte for byte, on a second run from the same seed.

The manifest is written first and says `"complete": false`; it says otherwise only once everything else is in
place. Each file is written beside its place and then renamed, so a file that is there is whole.
"""

import contextlib
import datetime
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import complaint
from sim.run_folders.provenance import now, session

if TYPE_CHECKING:  # `quotalab --version` must not pay for the whole simulation
    from sim.compare import Comparison
    from sim.showing.tables import Column
    from sim.study import Study

MANIFEST = "manifest.json"
FORMAT = "quotalab-run-1"
TABLES = ("replications.parquet", "applicants.parquet", "events.parquet")
FINISHED = "finished.jsonl.gz"
OURS = ("scenario.toml", "settings.json", "summary.json", "curves.json", *TABLES, FINISHED)
PAGE = "report.html"
"""The page, which can be made again from the others at any time, so the manifest has no digest of it."""
ALSO = ("*.parquet", "paradox-*.toml")
"""What else a command may write: tables of its own, and scenarios that it made."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder that a run writes to: begun with what is known before, finished with what came out."""

    path: Path
    manifest: dict[str, Any]
    """As last written."""


def default_path(scenario: str, seed: int) -> Path:
    """results/runs/<scenario>-<UTC>-<seed>, with a number at the end if that one is there already."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    first = Path("results", "runs", f"{scenario}-{now}-{seed}")
    path, number = first, 2
    while path.exists():
        path, number = first.with_name(f"{first.name}-{number}"), number + 1
    return path


def begin(
    path: Path,
    *,
    source: str,
    text: str,
    settings: dict[str, Any],
    policy: str,
    seed: int,
    question: dict[str, Any],
) -> RunFolder:
    """Make the folder, marked incomplete, with the scenario in it; BadInput if it holds other files."""
    _claim(path)
    manifest = {
        "format": FORMAT,
        "complete": False,
        "scenario": source,
        "scenario_sha256": digest(text, settings),
        "settings": settings,
        "policy": policy,
        "seed": seed,
        "question": question,
        **session(),
    }
    _write_json(path / MANIFEST, manifest)
    _write(path / "scenario.toml", text.encode())
    if settings:
        _write_json(path / "settings.json", settings)
    return RunFolder(path, manifest)


def reopen(path: Path, *, question: dict[str, Any]) -> RunFolder:
    """The folder of an earlier run, marked incomplete again, to be finished with another question."""
    before, summary = read(path)
    anew = session()
    then = {name: before[name] for name in (*anew, "question", "complete")}
    then["replications"] = summary["replications"] if summary else 0
    manifest = before | {"complete": False, "question": question, **anew}
    manifest["earlier"] = [*before.get("earlier", ()), then]
    _write_json(path / MANIFEST, manifest)
    return RunFolder(path, manifest)


def restore(path: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest as it was before the folder was reopened."""
    _write_json(path / MANIFEST, manifest)


def finish(folder: RunFolder, study: "Study", *, applicants: int = 0) -> RunFolder:
    """Write what came out, with the rows of the first `applicants` replications, and close the manifest."""
    from sim.showing import tables
    from sim.showing.summary import summary

    _write_json(folder.path / "summary.json", summary(study, settings=folder.manifest["settings"]))
    _write_pictures(folder, study.pictures)
    with _placed(folder.path / "replications.parquet") as temporary:
        tables.write_replications(temporary, study)
    if applicants:
        with (
            _placed(folder.path / "applicants.parquet") as people,
            _placed(folder.path / "events.parquet") as events,
        ):
            tables.write_people(people, events, study, min(applicants, study.replications))
    else:
        _remove(folder.path, "applicants.parquet", "events.parquet")
    return _closed(folder, complete=study.complete)


def finish_comparison(folder: RunFolder, found: "Comparison", *, applicants: int = 0) -> RunFolder:
    """The same for a comparison: the rows of people are those under every policy."""
    from sim.showing import comparison_tables as tables
    from sim.showing.comparison_summary import summary

    _write_json(folder.path / "summary.json", summary(found, settings=folder.manifest["settings"]))
    _write_pictures(folder, found.pictures)
    with _placed(folder.path / "replications.parquet") as temporary:
        tables.write_replications(temporary, found)
    if applicants:
        with _placed(folder.path / "applicants.parquet") as people:
            tables.write_people(people, found, min(applicants, found.replications))
    else:
        _remove(folder.path, "applicants.parquet")
    return _closed(folder, complete=found.complete)


def write_page(folder: Path, text: str) -> Path:
    """Put a page into a run folder; where it is."""
    _write(folder / PAGE, text.encode())
    return folder / PAGE


def _write_pictures(folder: RunFolder, pictures: dict[str, Any] | None) -> None:
    """The curves, on one line: long lists of numbers are not for reading."""
    if pictures is not None:
        text = json.dumps(pictures, sort_keys=True, allow_nan=False, separators=(",", ":"))
        _write(folder.path / "curves.json", text.encode() + b"\n")


def finish_exploration(
    folder: RunFolder, summary: dict[str, Any], write_cells: Callable[[Path], None], *, complete: bool
) -> RunFolder:
    """The same for many points of a scenario: their summary, and whoever writes their cells as Parquet."""
    _write_json(folder.path / "summary.json", summary)
    with _placed(folder.path / "replications.parquet") as temporary:
        write_cells(temporary)
    return _closed(folder, complete=complete)


def finish_tables(
    folder: RunFolder,
    summary: dict[str, Any],
    tables: "dict[str, dict[str, Column]]",
    *,
    texts: dict[str, str] | None = None,
    complete: bool,
) -> RunFolder:
    """The same for a command with tables of its own: name -> columns, each a Parquet file; and text files."""
    from sim.showing.tables import write_plain

    _write_json(folder.path / "summary.json", summary)
    for name, columns in tables.items():
        with _placed(folder.path / f"{name}.parquet") as temporary:
            write_plain(temporary, columns)
    for name, text in (texts or {}).items():
        _write(folder.path / name, text.encode())
    return _closed(folder, complete=complete)


def _closed(folder: RunFolder, *, complete: bool) -> RunFolder:
    """The manifest with the digest of every file; a page of what was here before is out of date."""
    (folder.path / PAGE).unlink(missing_ok=True)
    there = sorted(each for each in folder.path.iterdir() if _may_be_ours(each.name))
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in there}
    manifest = folder.manifest | {"complete": complete, "ended": now(), "files": files}
    _write_json(folder.path / MANIFEST, manifest)
    return RunFolder(folder.path, manifest)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The manifest and the summary of a run; None for a summary that was never written."""
    if not _is_ours(path):
        raise complaint("this is not a run folder", file=str(path), expected=f"a folder with {MANIFEST}")
    summary = path / "summary.json"
    found = json.loads(summary.read_text("utf-8")) if summary.exists() else None
    return json.loads((path / MANIFEST).read_text("utf-8")), found


def digest(text: str, settings: dict[str, Any]) -> str:
    """SHA-256 of a scenario: of its text, and of the values replaced in it, if any."""
    parts = text if not settings else text + "\0" + json_text(settings)
    return hashlib.sha256(parts.encode()).hexdigest()


def json_text(data: Any) -> str:
    """Data as JSON, the same for the same data: sorted keys, floats in full, no nan."""
    return json.dumps(data, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False, default=str) + "\n"


def _claim(path: Path) -> None:
    """Make the folder, or empty it if an earlier run of ours is all that is in it."""
    if path.exists() and not path.is_dir():
        raise complaint(
            "this is a file", key="--out", file=str(path), mend="give a folder that is new or empty"
        )
    path.mkdir(parents=True, exist_ok=True)
    found = sorted(each.name for each in path.iterdir())
    if not found:
        return
    aside = (PAGE, MANIFEST)
    strange = [
        name
        for name in found
        if name not in aside and not _may_be_ours(name) and not name.endswith(_UNFINISHED)
    ]
    if strange or not _is_ours(path):
        what = ", ".join((strange or found)[:3]) + (", ..." if len(strange or found) > 3 else "")
        raise complaint(
            f"the folder holds other files ({what})",
            key="--out",
            file=str(path),
            mend="give a folder that is new or empty, or an earlier run, which is then replaced",
        )
    for name in found:
        (path / name).unlink()


def _may_be_ours(name: str) -> bool:
    """Whether a file of this name belongs to a run, beside its manifest."""
    return name in OURS or any(fnmatch(name, pattern) for pattern in ALSO)


def _is_ours(path: Path) -> bool:
    try:
        manifest = json.loads((path / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def _remove(path: Path, *names: str) -> None:
    """Take away tables that an earlier session wrote and this one does not."""
    for name in names:
        (path / name).unlink(missing_ok=True)


_UNFINISHED = ".unfinished"


@contextlib.contextmanager
def _placed(path: Path) -> Any:
    """A path to write to, which takes its real name when all is written."""
    temporary = path.with_name(path.name + _UNFINISHED)
    yield temporary
    os.replace(temporary, path)


def _write(path: Path, data: bytes) -> None:
    with _placed(path) as temporary:
        temporary.write_bytes(data)


def _write_json(path: Path, data: Any) -> None:
    _write(path, json_text(data).encode())
