"""Scenario files: find one, read it, check it in full, and say everything that is wrong with it at once."""

import dataclasses
import tomllib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from sim.errors import BadInput, Problem, complaint
from sim.scenario import Scenario
from sim.scenario_files.check import Faulty, checked
from sim.scenario_files.faults import Fault, dotted, nearest
from sim.scenario_files.schema import schema
from sim.scenario_files.settings import parse_setting, replaced
from sim.scenario_files.syntax import Read, read

__all__ = ["Shipped", "load", "parse_setting", "replaced", "schema", "shipped", "text_of"]


class Shipped(NamedTuple):
    """A scenario that comes with the package."""

    name: str
    title: str


def load(path_or_name: str | Path) -> Scenario:
    """The scenario of a file, or the shipped one of that name; raises BadInput with every problem."""
    file, text = text_of(path_or_name)
    found = read(text)
    problems = found.problems
    try:
        if found.data is not None:
            scenario = checked(found.data)
            if not problems:
                return scenario
    except Faulty as error:
        problems = problems + _placed(error.faults, found)
    ordered = sorted(problems, key=lambda problem: (problem.line, problem.column))
    raise BadInput([dataclasses.replace(problem, file=file) for problem in ordered])


def text_of(path_or_name: str | Path) -> tuple[str, str]:
    """What to call the file in messages, and its text."""
    path = Path(path_or_name)
    file = str(path_or_name)
    if path.is_file():
        raw = path.read_bytes()
    elif path.is_dir():
        raise complaint("this is a folder", file=file, expected="a scenario file")
    elif path.suffix == "" and len(path.parts) == 1:
        names = [each.name for each in shipped()]
        if file not in names:
            near = nearest(file, names, cutoff=_REALLY_NEAR)
            listed = f"a path, or one of {', '.join(names)}"
            message = f'there is no file and no shipped scenario "{file}"'
            raise complaint(message, expected=listed, mend=f"write {near}" if near else "")
        raw = (resources.files("scenarios") / f"{file}.toml").read_bytes()
        file = f"scenarios/{file}.toml"
    elif path.exists():
        raise complaint(f"this is {_kind(path)}", file=file, expected="a scenario file")
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


_REALLY_NEAR = 0.8
"""A letter or two apart: whoever misspelt a short name does not want any other short name."""


def _kind(path: Path) -> str:
    """What something is that is neither a file nor a folder."""
    if path.is_fifo():
        return "a pipe"
    return "a socket" if path.is_socket() else "a device"


def shipped() -> list[Shipped]:
    """The scenarios that come with the package, by name."""
    files = (each for each in resources.files("scenarios").iterdir() if each.name.endswith(".toml"))
    titles = {each.name[:-5]: tomllib.loads(each.read_text("utf-8"))["title"] for each in files}
    return [Shipped(name, titles[name]) for name in sorted(titles)]


def _placed(faults: list[Fault], found: Read) -> list[Problem]:
    """The faults as problems, each with its line and the stretch of it that is meant."""
    from sim.scenario_files.positions import Places  # a parser that a good file does not need

    places, lines = Places(found.text), found.text.split("\n")
    problems = []
    for fault in faults:
        place = places.key(fault.path) if fault.at_key else places.value(fault.path)
        problems.append(
            Problem(
                message=fault.message,
                key=dotted(found.data, fault.path),
                line=place.line if place else 0,
                column=place.column if place else 0,
                width=place.width if place else 1,
                text=lines[place.line - 1].replace("\t", " ") if place else "",
                expected=fault.expected,
                mend=fault.mend,
            )
        )
    return problems
