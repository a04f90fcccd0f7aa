"""Files of a kind (scenarios, and whatever else is written like them): find one, place what is wrong in it.

A file is named by its path, or by the name of one that comes with the package.
"""

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sim.errors import Problem, complaint, nearest
from sim.scenario_files.faults import Fault, dotted

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from sim.scenario_files.positions import Places


class Shipped(NamedTuple):
    """A file that comes with the package."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file."""

    noun: str
    """What messages call it: scenario."""
    package: str
    """The package that has those which are shipped."""
    folder: str
    """What messages call the folder of these."""


_REALLY_NEAR = 0.8
"""A letter or two apart: whoever misspelt a short name does not want any other short name."""


def text_of(kind: Kind, path_or_name: str | Path) -> tuple[str, str]:
    """What to call the file in messages, and its text."""
    path = Path(path_or_name)
    file = str(path_or_name)
    if path.is_file():
        raw = path.read_bytes()
    elif path.is_dir():
        raise complaint("this is a folder", file=file, expected=f"a {kind.noun} file")
    elif path.suffix == "" and len(path.parts) == 1:
        names = sorted(_shipped(kind))
        if file not in names:
            near = nearest(file, names, cutoff=_REALLY_NEAR)
            listed = f"a path, or one of {', '.join(names)}"
            message = f'there is no file and no shipped {kind.noun} "{file}"'
            raise complaint(message, expected=listed, mend=f"write {near}" if near else "")
        raw = (resources.files(kind.package) / f"{file}.toml").read_bytes()
        file = f"{kind.folder}/{file}.toml"
    elif path.exists():
        raise complaint(f"this is {_what(path)}", file=file, expected=f"a {kind.noun} file")
    else:
        folder = path.parent
        beside = sorted(each.stem for each in folder.glob("*.toml")) if folder.is_dir() else []
        near = nearest(path.stem, beside, cutoff=_REALLY_NEAR)
        where = "there is no such file" if folder.is_dir() else f"there is no folder {folder}"
        raise complaint(where, file=file, mend=f"write {folder / near}.toml" if near else "")
    try:
        return file, raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"line {line} has a character that is not UTF-8"
        raise complaint(message, file=file, mend="save the file in the encoding UTF-8") from None


def _what(path: Path) -> str:
    """What something is that is neither a file nor a folder."""
    if path.is_fifo():
        return "a pipe"
    return "a socket" if path.is_socket() else "a device"


def shipped(kind: Kind) -> list[Shipped]:
    """The files that come with the package, by name."""
    files = sorted(_shipped(kind).items())
    return [Shipped(name, tomllib.loads(file.read_text("utf-8"))["title"]) for name, file in files]


def _shipped(kind: Kind) -> "dict[str, Traversable]":
    """The same by name, with nothing read."""
    files = resources.files(kind.package).iterdir()
    return {each.name[:-5]: each for each in files if each.name.endswith(".toml")}


def places_of(text: str) -> "Places":
    """Where everything stands in a text; only bad files are looked at so closely."""
    from sim.scenario_files.positions import Places  # a parser that a good file does not need

    return Places(text)


def placed(fault: Fault, data: Any, text: str, places: "Places") -> Problem:
    """The fault as a problem, with its line and the stretch of it that is meant, but without its file."""
    place = places.key(fault.path) if fault.at_key else places.value(fault.path)
    return Problem(
        message=fault.message,
        key=dotted(data, fault.path),
        line=place.line if place else 0,
        column=place.column if place else 0,
        width=place.width if place else 1,
        text=text.split("\n")[place.line - 1].replace("\t", " ") if place else "",
        expected=fault.expected,
        mend=fault.mend,
    )
