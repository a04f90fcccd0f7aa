"""How the service says no, and yes: problem documents, and plain JSON."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from loadtests import protocol

STATUS = {
    "exhausted": 409,
    "already-holds-slot": 409,
    "idempotency-in-progress": 409,
    "key-reused": 422,
    "incomplete": 422,
    "ineligible": 403,
    "intake-closed": 410,
    "not-held": 404,
    "unknown": 404,
    "malformed": 400,
    "unfit": 422,
    "other-caps": 422,
    "other-spec": 422,
    "unknown-cap": 422,
    "unauthorized": 401,
    "not-admitted": 429,
    "unavailable": 503,
    "broken": 500,
}


class Refusal(Exception):
    """A request that ends here, with a problem."""

    def __init__(self, problem: str, *, retry_s: int | None = None, **more: Any) -> None:
        self.problem, self.retry_s, self.more = problem, retry_s, more
        super().__init__(problem)


def no(problem: str, *, retry_s: int | None = None, more: Mapping[str, object] | None = None) -> Response:
    """The answer to a request that is refused."""
    status = STATUS[problem]
    said = {
        "type": protocol.problem_type(problem),
        "title": protocol.PROBLEMS[problem],
        "status": status,
        **(more or {}),
    }
    headers = {} if retry_s is None else {"Retry-After": str(retry_s)}
    if problem == "unauthorized":
        headers["WWW-Authenticate"] = "Bearer"
    return Response(as_json(said), status, headers, "application/problem+json")


def yes(said: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(as_json(said), status, headers, "application/json")


def as_json(said: object) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()
