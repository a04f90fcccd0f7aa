"""The OpenAPI document is current, and the service keeps to it: schemathesis finds nothing."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from loadtests.reference.worker import document
from tests.loadtests.services import ROOT, running

KEPT = ROOT / "loadtests" / "openapi.json"


def test_the_document_is_the_services_own() -> None:
    """To mend it: quotalab serve --openapi > loadtests/openapi.json"""
    assert KEPT.read_text("utf-8") == document()


def test_every_request_of_the_contract_is_documented() -> None:
    paths = json.loads(KEPT.read_text("utf-8"))["paths"]
    known = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert known >= {
        ("POST", "/quotas/{intake}/claims"),
        ("DELETE", "/quotas/{intake}/claims/{claim_id}"),
        ("GET", "/quotas/{intake}"),
        ("GET", "/quotas/{intake}/claims"),
        ("PUT", "/quotas/{intake}"),
        ("POST", "/quotas/{intake}/close"),
        ("POST", "/quotas/{intake}/refresh"),
        ("POST", "/quotas/{intake}/caps"),
        ("POST", "/quotas/{intake}/tickets"),
    }


# A request that fits the schema may still come too late, or contradict what was said before.
SETTINGS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "401", "403", "404", "409", "410", "422", "429"]
"""


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with running(
        "sqlite", "--workers", "2", "--cap", "2022=5", "--sync", "normal", token="sesame"
    ) as service:
        (tmp_path / "schemathesis.toml").write_text(SETTINGS)
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"]
        command += ["--max-examples", "12", "--seed", "1", "--header", "Authorization: Bearer sesame"]
        command += ["--phases", "examples,coverage,fuzzing,stateful", "--no-color"]
        command += ["--suppress-health-check", "all", "--max-failures", "5"]
        environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=240, cwd=tmp_path, env=environment
        )
        assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
