"""OpenAPI documents as data: their operations, and what these take and answer, references followed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from sim.errors import complaint

METHODS: Final = ("get", "post", "put", "patch", "delete")


class Operation(NamedTuple):
    """One operation of the document."""

    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def words(self) -> str:
        told = (self.said.get(key, "") for key in ("operationId", "summary"))
        return " ".join([self.path, *map(str, told)]).lower()


def document_of(file: Path) -> dict[str, Any]:
    """The document, its references left in place."""
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise complaint(f"it cannot be read: {error}", file=str(file)) from None
    try:
        document = json.loads(text)
    except ValueError as error:
        mend = "convert it to JSON first" if file.suffix in (".yaml", ".yml") else ""
        raise complaint(f"this is not JSON: {error}", file=str(file), mend=mend) from None
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise complaint("this is not an OpenAPI document: it has no paths", file=str(file))
    return document


def operations_of(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation, with the parameters that its path gives it."""
    for path, item in document["paths"].items():
        shared = item.get("parameters", []) if isinstance(item, dict) else []
        for method in METHODS:
            said = item.get(method) if isinstance(item, dict) else None
            if isinstance(said, dict):
                yield Operation(
                    method.upper(), path, said | {"parameters": [*shared, *said.get("parameters", [])]}
                )


def resolved(document: dict[str, Any], node: Any) -> dict[str, Any]:
    """A piece of the document, its reference followed; {} where there is none."""
    for _ in range(8):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        target: Any = document
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            target = (
                target.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(target, dict) else {}
            )
        node = target
    return node if isinstance(node, dict) else {}


def properties(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The properties that a body needs; all of them if the schema requires none."""
    required = schema.get("required") or list(schema.get("properties", {}))
    for name, each in schema.get("properties", {}).items():
        if name in required:
            yield name, resolved(document, each)


def answered(document: dict[str, Any], operation: Operation) -> list[str]:
    """The fields at the top of a good answer."""
    for status in ("201", "200", "202"):
        answer = resolved(document, operation.said.get("responses", {}).get(status, {}))
        for content in answer.get("content", {}).values():
            if names := list(resolved(document, content.get("schema", {})).get("properties", {})):
                return names
    return []
