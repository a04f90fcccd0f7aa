"""What is wrong with the form of a profile's data, in words: unknown and missing keys, types, bounds.

The words and the nearest names are those of scenario files; this module knows the form of profiles.
"""

import functools
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from loadtests.profiles.records import Profile
from sim.scenario_files.faults import (
    MISSING,
    Fault,
    header,
    kind,
    nearest,
    shown,
    value_at,
    wrong_value,
)
from sim.scenario_files.schema import Node, Path, choices, expected, keys

EXAMPLES = {
    "format": "1",
    "name": '"a-short-name"',
    "title": '"what the service is"',
    "base_url": '"http://127.0.0.1:8080"',
    "request": '"POST /claims"',
    "value": '"json:used"',
    "applicant": '"json:applicant"',
}


@functools.cache
def schema() -> Node:
    """The JSON schema of a profile, without references and without null."""
    whole = Profile.model_json_schema()
    parts = whole.pop("$defs")

    def plain(node: Any) -> Any:
        if isinstance(node, list):
            return [plain(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = parts[node["$ref"].rpartition("/")[2]] | {k: v for k, v in node.items() if k != "$ref"}
        made = {
            key: plain(value) for key, value in node.items() if key != "default" or isinstance(value, dict)
        }
        if isinstance(made.get("anyOf"), list):
            made["anyOf"] = [each for each in made["anyOf"] if each != {"type": "null"}]
        if made.get("additionalProperties") is True:
            made["additionalProperties"] = {}
        return made

    made: Node = plain(whole)
    return made


def node_at(path: Path) -> Node | None:
    """The schema of the value at a path; None if profiles have no such place."""
    node = schema()
    for step in path:
        below = next((found for each in choices(node) if (found := _below(each, step)) is not None), None)
        if below is None:
            return None
        node = below
    return node


def _below(node: Node, step: str | int) -> Node | None:
    found: Any = None
    if isinstance(step, int):
        found = node.get("items")
    elif step in node.get("properties", {}):
        found = node["properties"][step]
    else:
        found = node.get("additionalProperties")
    return found if isinstance(found, dict) else None


def all_keys() -> list[Path]:
    """Every path that has a name of its own, with 0 for positions in lists."""

    def below(node: Node, path: Path) -> list[Path]:
        found: list[Path] = []
        for each in choices(node):
            for name, inner in each.get("properties", {}).items():
                found += [(*path, name), *below(inner, (*path, name))]
            if isinstance(each.get("items"), dict):
                found += below(each["items"], (*path, 0))
        return found

    return below(schema(), ())


def faults_of_form(data: Any, error: ValidationError) -> list[Fault]:
    """Every fault that the types found, one a path."""
    found: dict[Path, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        found.setdefault(_path(data, each["loc"]), []).append(each)
    # A value that fits none of several forms is complained about once per form: the closest look counts.
    deepest = {p: each for p, each in found.items() if not any(q[: len(p)] == p and q != p for q in found)}
    faults = [_fault(data, path, errors) for path, errors in deepest.items()]
    taken = {(*fault.path[:-1], fault.mend.removeprefix("write ")) for fault in faults if fault.at_key}
    return [fault for fault in faults if fault.message != MISSING or fault.path not in taken]


def _path(data: Any, loc: tuple[int | str, ...]) -> Path:
    """The path in the data of a place in the types, which also names the forms that were tried."""
    path: Path = ()
    for number, step in enumerate(loc):
        if isinstance(data, dict) and str(step) in data:
            path, data = (*path, str(step)), data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path, data = (*path, step), data[step]
        elif isinstance(data, dict) and number == len(loc) - 1 and step in keys(node_at(path)):
            path = (*path, step)  # a missing key
    return path


def _fault(data: Any, path: Path, errors: list[ErrorDetails]) -> Fault:
    kinds = {each["type"] for each in errors}
    value = value_at(data, path)
    if "extra_forbidden" in kinds:
        return _unknown_key(path, value)
    if "missing" in kinds:
        key = str(path[-1])
        where = "add a line before the first table" if len(path) == 1 else "add here"
        return Fault(path, MISSING, expected(node_at(path)), f"{where}: {key} = {EXAMPLES[key]}")
    if path[-1] == "request" and isinstance(value, str):
        return _wrong_request(path, value)
    return wrong_value(path, value, node_at(path) or {})


def _wrong_request(path: Path, value: str) -> Fault:
    method, _, target = value.strip().partition(" ")
    mend = ""
    if target.startswith(("http://", "https://")):
        mend = "write the path alone; the address is base_url"
    elif method.startswith("/"):
        mend = f'write "GET {value.strip()}", or another method'
    elif method.upper() != method or target != target.strip():
        mend = f'write "{method.upper()} {target.strip()}"'
    elif target and not target.startswith("/"):
        mend = f'write "{method} /{target}"'
    elif " " in target:
        mend = "write %20 for a space"
    return Fault(path, f"{shown(value)} is not a request", "a method and a path, such as POST /claims", mend)


def _unknown_key(path: Path, value: Any) -> Fault:
    valid = keys(node_at(path[:-1]))
    key = str(path[-1])
    message = f"there is no such {'table' if kind(value) == 'a table' else 'key'}"
    if near := nearest(key, valid):
        return Fault(path, message, mend=f"write {near}", at_key=True)
    elsewhere = [place for place in all_keys() if place[-1] == key]
    if elsewhere:
        tables = list(dict.fromkeys(header(place[:-1]) for place in elsewhere))[:3]
        return Fault(path, f"{message} here", mend=f"{key} belongs under {' or '.join(tables)}", at_key=True)
    return Fault(path, message, f"one of {', '.join(valid)}", at_key=True)
