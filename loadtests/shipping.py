"""A worker's record on its way from its host to the master's, over the channel that Locust's runners have.

A *far* worker shares no folder with the master: it is on another host, or in another container. Its files
go in pieces, since a message is held in memory whole; they are put beside their place, and take their names
once everything is there. A worker that dies on the way leaves no half record with the master: its own is in
its folder, from where `quotalab load-merge` brings it.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

PIECE: Final = 1 << 20
KINDS: Final = (".rows", ".strings", ".json")
"""The files of a record, in the order in which they take their places: what names the others comes last."""
ON_ITS_WAY: Final = ".arriving"


def sizes(folder: Path) -> dict[str, int]:
    """The files of a history folder, and how long they are."""
    return {place.name: place.stat().st_size for place in sorted(folder.iterdir()) if place.suffix in KINDS}


def pieces(folder: Path, names: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """The files in pieces, each with its name and where it belongs."""
    for name in names:
        with (folder / name).open("rb") as file:
            at = 0
            while data := file.read(PIECE):
                yield {"name": name, "at": at, "data": data}
                at += len(data)


def put(folder: Path, piece: Mapping[str, Any]) -> None:
    """Keep a piece that arrived; names are names, never paths."""
    place = _arriving(folder, piece["name"])
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, piece["data"], piece["at"])
    finally:
        os.close(descriptor)


def arrived(folder: Path, names: Mapping[str, int]) -> bool:
    """Whether all of the files are there in full; then they take their names, and else go."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in names.items():
        if not size:
            _arriving(folder, name).touch()
    is_whole = all(
        _arriving(folder, name).exists() and _arriving(folder, name).stat().st_size == size
        for name, size in names.items()
    )
    for name in sorted(names, key=lambda name: KINDS.index(Path(name).suffix)):
        if is_whole:
            os.replace(_arriving(folder, name), folder / name)
        else:
            _arriving(folder, name).unlink(missing_ok=True)
    return is_whole


def _arriving(folder: Path, name: str) -> Path:
    assert Path(name).name == name, name
    assert Path(name).suffix in KINDS, name
    return folder / (name + ON_ITS_WAY)
