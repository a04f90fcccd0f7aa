"""Profile files: find one, follow what it extends, check it in full, and say all that is wrong at once."""

import dataclasses
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from loadtests.profiles import rules
from loadtests.profiles.faults import faults_of_form
from loadtests.profiles.records import Profile
from sim.errors import BadInput, Problem, complaint
from sim.scenario_files.check import UNREADABLE
from sim.scenario_files.faults import Fault, dotted, nearest, value_at
from sim.scenario_files.syntax import Read, read


class Shipped(NamedTuple):
    """A profile that comes with the package."""

    name: str
    title: str


class _Layer(NamedTuple):
    """One file of a chain of profiles, each extending the next."""

    file: str
    found: Read


def load(path_or_name: str | Path) -> Profile:
    """The profile of a file, or the shipped one of that name; raises BadInput with every problem."""
    layers = _layers(path_or_name)
    broken = [_of(layer, problem) for layer in layers for problem in layer.found.problems]
    if any(layer.found.data is None for layer in layers):
        raise BadInput(broken)
    data: dict[str, Any] = {}
    for layer in reversed(layers):
        assert layer.found.data is not None
        data = _joined(data, layer.found.data)
    faults: list[Fault] = []
    try:
        profile = Profile.model_validate(_tuples(data), strict=True)
        faults = list(rules.broken(profile))
        if not broken and not faults:
            return profile
    except ValidationError as error:
        faults = faults_of_form(data, error)
    told = [fault for fault in faults if value_at(data, fault.path) != UNREADABLE]
    raise BadInput(broken + _placed(told, data, layers))


def _layers(path_or_name: str | Path) -> list[_Layer]:
    """The file and everything it extends, the file itself first."""
    layers: list[_Layer] = []
    wanted: str | Path = path_or_name
    while True:
        file, text = text_of(wanted)
        if any(layer.file == file for layer in layers):
            chain = " extends ".join([*(layer.file for layer in layers), file])
            raise complaint(f"a profile extends itself: {chain}", file=file, key="extends")
        layers.append(_Layer(file, read(text)))
        further = (layers[-1].found.data or {}).get("extends")
        if not isinstance(further, str) or further == UNREADABLE:
            return layers
        try:
            wanted = _beside(file, further)
            text_of(wanted)
        except BadInput as error:
            fault = Fault(
                ("extends",), error.problems[0].message, error.problems[0].expected, error.problems[0].mend
            )
            raise BadInput(_placed([fault], layers[-1].found.data or {}, layers[-1:])) from None


def _beside(file: str, named: str) -> str:
    """What a file means by a name: a file beside it, or a shipped profile."""
    beside = Path(file).parent / named
    return str(beside) if Path(named).suffix or beside.is_file() else named


def text_of(path_or_name: str | Path) -> tuple[str, str]:
    """What to call the file in messages, and its text."""
    path = Path(path_or_name)
    file = str(path_or_name)
    if path.is_file():
        raw = path.read_bytes()
    elif path.is_dir():
        raise complaint("this is a folder", file=file, expected="a profile file")
    elif path.suffix == "" and len(path.parts) == 1:
        names = [each.name for each in shipped()]
        if file not in names:
            near = nearest(file, names)
            raise complaint(
                f'there is no file and no shipped profile "{file}"',
                expected=f"a path, or one of {', '.join(names)}",
                mend=f"write {near}" if near else "",
            )
        raw = (resources.files("loadtests.targets") / f"{file}.toml").read_bytes()
        file = f"loadtests/targets/{file}.toml"
    else:
        folder = path.parent
        beside = sorted(each.name for each in folder.glob("*.toml")) if folder.is_dir() else []
        near = nearest(path.name, beside)
        where = "there is no such file" if folder.is_dir() else f"there is no folder {folder}"
        raise complaint(where, file=file, mend=f"write {folder / near}" if near else "")
    try:
        return file, raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"line {line} has a character that is not UTF-8"
        raise complaint(message, file=file, mend="save the file in the encoding UTF-8") from None


def shipped() -> list[Shipped]:
    """The profiles that come with the package, by name."""
    files = (each for each in resources.files("loadtests.targets").iterdir() if each.name.endswith(".toml"))
    titles = {each.name[:-5]: tomllib.loads(each.read_text("utf-8"))["title"] for each in files}
    return [Shipped(name, titles[name]) for name in sorted(titles)]


def _joined(below: Any, above: Any) -> Any:
    """One profile over another: tables are joined key by key, anything else is replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _joined(below.get(key), value) for key, value in above.items()}
    return above


def _tuples(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _tuples(value) for key, value in data.items()}
    return tuple(map(_tuples, data)) if isinstance(data, list) else data


def _of(layer: _Layer, problem: Problem) -> Problem:
    return dataclasses.replace(problem, file=layer.file)


def _placed(faults: list[Fault], data: dict[str, Any], layers: list[_Layer]) -> list[Problem]:
    """The faults as problems, each in the file that says it: the first of the chain that has the place."""
    from sim.scenario_files.positions import Places  # a parser that a good file does not need

    placed: list[tuple[int, Problem]] = []
    for fault in faults:
        saying = (k for k, layer in enumerate(layers) if _says(layer.found.data, fault.path))
        number = next(saying, 0)
        text = layers[number].found.text
        places = Places(text)
        place = places.key(fault.path) if fault.at_key else places.value(fault.path)
        problem = Problem(
            message=fault.message,
            file=layers[number].file,
            key=dotted(data, fault.path),
            line=place.line if place else 0,
            column=place.column if place else 0,
            width=place.width if place else 1,
            text=text.split("\n")[place.line - 1].replace("\t", " ") if place else "",
            expected=fault.expected,
            mend=fault.mend,
        )
        placed.append((number, problem))
    placed.sort(key=lambda item: (item[0], item[1].line, item[1].column))
    return [problem for _, problem in placed]


def _says(data: Any, path: tuple[str | int, ...]) -> bool:
    """Whether a file has something at a path, or the table or list in which something is missing."""
    here = path if value_at(data, path) is not None else path[:-1]
    return bool(here) and value_at(data, here) is not None
