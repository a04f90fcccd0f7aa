"""The JSON schema of scenario files, for editors; and what it says of one key, in words, for messages.

A *path* is where a value stands in a file: keys and 0-based list positions. A *node* is the piece of schema
that a path leads to, with its references followed.
"""

import functools
from typing import Any

from sim.labelled import MOST, TINY
from sim.scenario import Scenario

Path = tuple[str | int, ...]
Node = dict[str, Any]

DATE_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"
TIME = r"^\d{2}:\d{2}(:\d{2}(\.\d+)?)?$"


@functools.cache
def schema() -> Node:
    """The JSON schema (draft 7) of a scenario file. TOML has no null, and its dates have no time zone."""
    labelled: Node = {}
    made = _tidied(Scenario.model_json_schema(), labelled)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "quotalab-scenario-1",
        "title": "quotalab scenario, format 1",
        **made,
        "$defs": made["$defs"] | labelled,
    }


def _tidied(node: Any, labelled: Node) -> Any:
    """The schema as editors of TOML want it: no null, plain defaults, references that keep their description.

    The types of labelled numbers are gathered in `labelled`, since every number would repeat one otherwise.
    """
    if isinstance(node, list):
        return [_tidied(item, labelled) for item in node]
    if not isinstance(node, dict):
        return node
    made_up = {
        "default",
        *(["title"] if isinstance(node.get("title"), str) else []),
    }  # not a property "title"
    tidy = {key: _tidied(value, labelled) for key, value in node.items() if key not in made_up}
    default = _default(node.get("default"))
    if default is not None and default != "" and not isinstance(default, dict):
        tidy["default"] = default
    if isinstance(tidy.get("anyOf"), list):
        kept = [choice for choice in tidy["anyOf"] if choice != {"type": "null"}]
        tidy = tidy | {"anyOf": kept}
        if len(kept) == 1:
            del tidy["anyOf"]
            tidy = kept[0] | tidy
    if "$ref" in tidy and len(tidy) > 1:
        tidy = {"allOf": [{"$ref": tidy.pop("$ref")}], **tidy}
    if tidy.get("format") in ("date-time", "time"):  # RFC 3339 wants a time zone there
        is_time = tidy.pop("format") == "time"
        tidy["pattern"] = TIME if is_time else DATE_TIME
        tidy["examples"] = ["08:30:00" if is_time else "2022-05-24T09:00:00"]
    if tidy.get("required") == ["value"]:
        limits = tidy["properties"]["value"]
        bounds = [f"{limits[key]:g}".replace("+", "") for key in ("minimum", "maximum")]
        name = "-".join(["labelled", limits["type"], *bounds])
        labelled[name] = tidy
        return {"$ref": f"#/$defs/{name}"}
    return tidy


def _default(value: Any) -> Any:
    """A default as one would write it: a labelled number plainly."""
    if isinstance(value, list):
        return [_default(part) for part in value]
    if isinstance(value, dict):
        return value["value"] if "value" in value else {key: _default(part) for key, part in value.items()}
    return value


def node_at(path: Path, top: Node | None = None) -> Node | None:
    """The schema of the value at a path; None if the format (a scenario's if not given) has no such place."""
    node = schema() if top is None else top
    for step in path:
        found = next((below for each in choices(node) if (below := _below(each, step)) is not None), None)
        if found is None:
            return None
        node = found
    return node


def choices(node: Node) -> list[Node]:
    """The alternatives of a node, references followed: one for most."""
    if "$ref" in node:
        return choices(schema()["$defs"][node["$ref"].removeprefix("#/$defs/")])
    for combined in ("anyOf", "oneOf", "allOf"):
        if combined in node:
            return [choice for part in node[combined] for choice in choices(part)]
    return [node]


def _below(node: Node, step: str | int) -> Node | None:
    if isinstance(step, int) and "items" in node:
        found: Node = node["items"]
        return found
    if step in node.get("properties", {}):
        found = node["properties"][step]
        return found
    further = node.get("additionalProperties")
    return further if isinstance(further, dict) else None


def keys(node: Node | None) -> list[str]:
    """The keys that a table may have; none where they are free, as names of streams are."""
    return [key for each in choices(node or {}) for key in each.get("properties", {})]


def all_keys() -> list[Path]:
    """Every path of the format that has a name of its own, with "NAME" and 0 for names and positions."""

    def below(node: Node, path: Path) -> list[Path]:
        found: list[Path] = []
        for each in choices(node):
            if "value" in each.get("properties", {}):
                continue  # a labelled number
            steps: list[tuple[str | int, Node]] = list(each.get("properties", {}).items())
            if isinstance(each.get("additionalProperties"), dict):
                steps.append(("NAME", each["additionalProperties"]))
            if isinstance(each.get("items"), dict):
                steps.append((0, each["items"]))
            for step, inner in steps:
                found += [(*path, step), *below(inner, (*path, step))]
        return found

    return below(schema(), ())


def expected(node: Node | None) -> str:
    """What a value of a node may be, in words."""
    said: list[str] = []
    for choice in choices(node or {}):
        words = _words(choice)
        if words and words not in said and not (said and "value" in choice.get("properties", {})):
            said.append(words)
    return ", or ".join(said)


def _words(node: Node) -> str:
    """One alternative in words."""
    if "const" in node or "enum" in node:
        literals = node.get("enum", [node.get("const")])
        words = [f'"{each}"' if isinstance(each, str) else str(each) for each in literals]
        return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" or {words[-1]}"
    kind = node.get("type")
    if kind in ("integer", "number"):
        return _number_words(node)
    if kind == "string" and "format" in node:
        return "a date such as 2022-05-24, without quotes"
    if kind == "string" and node.get("pattern") == DATE_TIME:
        return "a date and time such as 2022-05-24T09:00:00, without quotes"
    if kind == "string" and node.get("pattern") == TIME:
        return "a time such as 08:30:00, without quotes"
    if kind == "string":
        return "small letters, digits and hyphens in quotes" if "pattern" in node else "text in quotes"
    if kind == "boolean":
        return "true or false"
    if kind == "array":
        inner = expected(node.get("items"))
        return "a list of " + ("tables" if inner.startswith("a table") else f"values, each {inner}")
    if kind == "object" and keys(node):
        return f"a table with the keys {', '.join(keys(node))}" if len(keys(node)) <= 8 else "a table"
    if kind == "object":
        return f"a table in which each name has {expected(node['additionalProperties'])}"
    return ""


def plainly(number: float) -> str:
    """A number as one says it, without an exponent."""
    return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:g}"


def _number_words(node: Node) -> str:
    kind = "a whole number" if node["type"] == "integer" else "a number"
    low, high = node.get("minimum"), node.get("maximum")
    high = None if high == MOST else high  # which nobody means; it is named when it is passed
    if "exclusiveMinimum" in node:
        kind += f" above {node['exclusiveMinimum']:g}"
        return f"{kind} and at most {plainly(high)}" if high is not None else kind
    if low is not None and high is not None:
        return (
            f"{kind} above 0, up to {plainly(high)}"
            if low == TINY
            else f"{kind} from {low:g} to {plainly(high)}"
        )
    if low == TINY:
        return f"{kind} above 0"
    return kind if low is None else f"{kind} of at least {low:g}"
