"""Signs that a run gives to whoever watches its folder from outside: when it begins, and how far it is.

`start.json` has the moment of the first due time and the number of shards, so that a shard without a record
is known to be missing. `progress.json` has the counts of all workers, where records are on other hosts.
"""

import json
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

START: Final = "start.json"
PROGRESS: Final = "progress.json"


class Start(NamedTuple):
    """What is known once a run has begun."""

    start_ns: int
    """The first due time, by the master's clock."""
    shards: int


def begins(folder: Path, *, start_ns: int, shards: int) -> None:
    """Say that the run begins."""
    _write(folder / START, Start(start_ns, shards)._asdict())


def started(folder: Path) -> Start | None:
    """What was said of the beginning; None before it."""
    said = _read(folder / START)
    return None if said is None else Start(**said)


def goes_on(folder: Path, counts: dict[str, Any]) -> None:
    """Say how far the run is."""
    _write(folder / PROGRESS, counts)


def progress(folder: Path) -> dict[str, Any] | None:
    """How far the run is, where that was said."""
    return _read(folder / PROGRESS)


def _write(place: Path, said: dict[str, Any]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(place.name + ".unfinished")
    temporary.write_text(json.dumps(said), "utf-8")
    os.replace(temporary, place)


def _read(place: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(place.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found
