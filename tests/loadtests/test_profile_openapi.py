"""A starter profile from an OpenAPI document: it can be read, and asks what the document's claim asks."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtests.commands import target as cli_target
from loadtests.openapi import starter
from loadtests.profile import Who, compiled, load
from sim.errors import BadInput

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Seats & Co.", "version": "1"},
    "servers": [{"url": "https://seats.example/v2"}],
    "paths": {
        "/health": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/users": {"post": {"summary": "Create a user", "responses": {"201": {"description": "made"}}}},
        "/shows/{show_id}/reservations": {
            "parameters": [{"name": "show_id", "in": "path", "required": True}],
            "get": {"responses": {"200": {"description": "all"}}},
            "post": {
                "operationId": "reserveSeat",
                "parameters": [{"$ref": "#/components/parameters/key"}],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wish"}}}
                },
                "responses": {
                    "201": {
                        "description": "reserved",
                        "content": {
                            "application/json": {"schema": {"properties": {"reservation_id": {}, "at": {}}}}
                        },
                    },
                    "409": {"description": "sold\nout"},
                    "422": {"description": "invalid"},
                },
            },
        },
        "/shows/{show_id}/reservations/{reservation_id}": {
            "delete": {"responses": {"204": {"description": "gone"}}}
        },
    },
    "components": {
        "parameters": {"key": {"name": "Idempotency-Key", "in": "header", "required": False}},
        "schemas": {
            "Wish": {
                "required": ["user_name", "email", "seats", "kind"],
                "properties": {
                    "user_name": {"type": "string"},
                    "email": {"type": "string", "format": "email"},
                    "seats": {"type": "integer"},
                    "kind": {"enum": ["front", "back"]},
                    "remark": {"type": "string"},
                },
            }
        },
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
}


def written(folder: Path, document: Any) -> Path:
    file = folder / "openapi.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return file


def test_a_starter_asks_what_the_claim_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.toml"
    cli_target.new(from_openapi=written(tmp_path, DOCUMENT), out=out)
    assert "guesses marked CHECK" in capsys.readouterr().out
    target = compiled(load(out), environment={"SERVICE_TOKEN": "abcd"})
    request = target.claim[0].request(Who("Ana", key="k", intake="7"), {})
    assert (request.method, request.path) == ("POST", "/v2/shows/7/reservations")
    assert json.loads(request.body) == {
        "user_name": "Ana",
        "email": "ana@applicants.invalid",
        "seats": 1,
        "kind": "front",
    }
    headers = dict(request.headers)
    assert (headers["Idempotency-Key"], headers["Authorization"]) == ("k", "Bearer abcd")
    told = target.claim[0].classify(201, {}, b'{"reservation_id": 9}', {})
    assert (told.answer, told.claim_id) == ("granted", "9")
    assert target.claim[0].classify(409, {}, b"", {}).answer == "full"
    release = target.release[0].request(Who("Ana", intake="7", claim_id="9"), {})
    assert (release.method, release.path) == ("DELETE", "/v2/shows/7/reservations/9")
    assert target.readings.holders is not None


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("openapi: 3.1.0", "this is not JSON"),
        ({"swagger": "2.0"}, "it has no paths"),
        ({"paths": {"/a": {"get": {}}}}, "nothing to claim"),
    ],
)
def test_what_is_no_document_is_refused(document: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=said):
        starter(written(tmp_path, document))


def test_a_file_is_not_written_over(tmp_path: Path) -> None:
    out = tmp_path / "mine.toml"
    out.write_text("mine")
    with pytest.raises(BadInput, match="there already"):
        cli_target.new(from_openapi=written(tmp_path, DOCUMENT), out=out)
    assert out.read_text() == "mine"


def test_figures_above_the_claim_become_readings(tmp_path: Path) -> None:
    answer = {"properties": {"capacity": {}, "taken": {}, "name": {}}}
    shows = {"get": {"responses": {"200": {"content": {"application/json": {"schema": answer}}}}}}
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(DOCUMENT | {"paths": DOCUMENT["paths"] | {"/shows/{show_id}": shows}}))
    (tmp_path / "mine.toml").write_text(starter(file))
    readings = load(tmp_path / "mine.toml").readings
    assert readings.cap is not None
    assert readings.used is not None
    assert (readings.cap.request, readings.cap.value) == ("GET /shows/{intake}", "json:capacity")
    assert readings.used.value == "json:taken"
