"""The OpenAPI document: which answers each operation may give, beside the one it is asked for."""

import json
from typing import Any

from fastapi import FastAPI

from loadtests import protocol
from loadtests.reference.models import Problem
from loadtests.reference.problems import STATUS

_PROBLEMS = {
    "claim": (
        "malformed ineligible unknown exhausted already-holds-slot idempotency-in-progress intake-closed"
        " key-reused incomplete not-admitted unavailable"
    ),
    "release": "malformed unknown not-held key-reused unavailable",
    "ticket": "malformed unknown unavailable",
    "read": "malformed unknown unavailable",
    "audit": "malformed unknown unavailable",
    "list": "unavailable",
    "open": "malformed unauthorized intake-closed unfit other-caps other-spec unavailable",
    "set-cap": "malformed unauthorized unknown intake-closed unknown-cap unavailable",
    "close": "malformed unauthorized unknown intake-closed unavailable",
    "admin": "unauthorized unavailable",
    "clock": "malformed unauthorized unavailable",
}

RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    """By status, which problems it stands for."""
    by_status: dict[int | str, list[str]] = {}
    for problem in (*_PROBLEMS[operation].split(), "broken"):
        by_status.setdefault(STATUS[problem], []).append(problem)
    found: dict[int | str, dict[str, Any]] = {}
    for status, problems in sorted(by_status.items(), key=lambda each: str(each[0])):
        said = "; ".join(f"{problem}: {protocol.PROBLEMS[problem]}" for problem in problems)
        found[status] = {
            "description": said,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in (429, 503) or "idempotency-in-progress" in problems:
            found[status]["headers"] = RETRY
    if operation == "read":
        found[304] = {"description": "Nothing has changed."}
    return found


ERRORS = {operation: _responses(operation) for operation in _PROBLEMS}


def describe(app: FastAPI) -> None:
    """Let the application describe itself as it is: malformed requests are answered 400, never 422."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = original()
            for operations in document["paths"].values():
                for operation in operations.values():
                    _without_default_422(operation)
            schemas = document["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = Problem.model_json_schema()
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _without_default_422(operation: dict[str, Any]) -> None:
    answer = operation["responses"].get("422", {})
    if "application/json" in answer.get("content", {}):
        del operation["responses"]["422"]


def as_text(app: FastAPI) -> str:
    """The document as it is kept beside the code."""
    return json.dumps(app.openapi(), indent=1, sort_keys=True) + "\n"
