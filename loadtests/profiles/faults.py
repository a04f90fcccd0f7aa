"""The form of a profile, as messages about what is wrong in one need it: schema, examples, requests.

The words and the nearest names are those of scenario files (sim/scenario_files/faults.py).
"""

import functools
from typing import Any, Final

from loadtests.profiles.records import Profile
from sim.scenario_files.faults import MISSING, Fault, Form, shown
from sim.scenario_files.schema import Node, Path, choices, expected, node_at

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


def _missing(path: Path) -> Fault:
    where = "add a line before the first table" if len(path) == 1 else "add here"
    line = f"{where}: {path[-1]} = {EXAMPLES[str(path[-1])]}"
    return Fault(path, MISSING, expected(_node_at(path)), line)


def _special(path: Path, value: Any) -> Fault | None:
    return _wrong_request(path, value) if path[-1] == "request" and isinstance(value, str) else None


def _node_at(path: Path) -> Node | None:
    return node_at(path, schema())


FORM: Final = Form(_node_at, all_keys, _missing, 3, _special)
"""The form of a profile; faults of it are said by sim.scenario_files.faults."""
