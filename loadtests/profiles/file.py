"""Profile files: find one, follow what it extends, check it in full, and say all that is wrong at once."""

import dataclasses
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from loadtests.profiles import rules
from loadtests.profiles.faults import FORM
from loadtests.profiles.records import Profile
from sim.errors import BadInput, Problem, complaint
from sim.scenario_files import files
from sim.scenario_files.check import UNREADABLE
from sim.scenario_files.faults import Fault, faults_of_form, value_at
from sim.scenario_files.files import Kind, Shipped
from sim.scenario_files.syntax import Read, read

PROFILES: Final = Kind("profile", package="loadtests.targets", folder="loadtests/targets")


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
        faults = faults_of_form(data, error, FORM)
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


def folder_of(path_or_name: str | Path, path: tuple[str, ...]) -> Path:
    """The folder of the file that says something: the profile's own, or that of one which it extends."""
    layers = _layers(path_or_name)
    saying = next((each for each in layers if value_at(each.found.data or {}, path) is not None), layers[0])
    if Path(saying.file).is_file():
        return Path(saying.file).resolve().parent
    return Path(str(resources.files(PROFILES.package)))  # one that comes with the package


def text_of(path_or_name: str | Path) -> tuple[str, str]:
    """What to call the file in messages, and its text."""
    return files.text_of(PROFILES, path_or_name)


def shipped() -> list[Shipped]:
    """The profiles that come with the package, by name."""
    return files.shipped(PROFILES)


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
    placed: list[tuple[int, Problem]] = []
    places = [files.places_of(layer.found.text) for layer in layers]
    for fault in faults:
        saying = (k for k, layer in enumerate(layers) if _says(layer.found.data, fault.path))
        number = next(saying, 0)
        problem = files.placed(fault, data, layers[number].found.text, places[number])
        placed.append((number, _of(layers[number], problem)))
    placed.sort(key=lambda item: (item[0], item[1].line, item[1].column))
    return [problem for _, problem in placed]


def _says(data: Any, path: tuple[str | int, ...]) -> bool:
    """Whether a file has something at a path, or the table or list in which something is missing."""
    here = path if value_at(data, path) is not None else path[:-1]
    return bool(here) and value_at(data, here) is not None
