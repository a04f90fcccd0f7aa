"""The live tab of Locust's own page, during a run, in Chromium: it is there, it is filled, and it moves."""

import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.loadtests import runs
from tests.loadtests.test_locust_runs import _page as asked

TIMEOUT_MS = 60_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Locust with its page, while the opening day is replayed through it, small."""
    port = runs.free_port()
    page = f"http://127.0.0.1:{port}"
    options = ["--web-host", "127.0.0.1", "--web-port", str(port), "--run-folder", str(tmp_path)]
    options += ["--minutes", "0.2"]
    with (
        runs.service("--store", "memory") as service,
        subprocess.Popen(
            [*runs.LOCUST, *options, *runs.SMALL], cwd=runs.ROOT, stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        try:
            asked(page + "/")
            form = {"user_count": "1", "spawn_rate": "1", "host": service, "scale": "0.02"}
            asked(page + "/swarm", urllib.parse.urlencode(form).encode())
            yield page
        finally:
            child.terminate()
            child.communicate(timeout=30)


def test_whoever_looks_during_a_run_sees_slots_against_their_cap(address: str, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    elsewhere: list[str] = []
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def asks(request: Any) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            elsewhere.append(request.url)

    page.on("request", asks)
    try:
        page.goto(address)
        page.get_by_role("tab", name="Allocation").click()
        row = page.get_by_role("row").filter(has_text="slots granted")
        row.filter(has_text=f"{runs.CAP}").first.wait_for()
        cells = row.first.get_by_role("cell").all_inner_texts()
        assert cells[:2] == ["slots granted", "2019"]
        assert cells[3] == str(runs.CAP)
        page.get_by_role("row").filter(has_text="none so far").first.wait_for()
        page.wait_for_function(
            "(cap) => [...document.querySelectorAll('tr')].some((row) => row.cells[0].textContent === "
            "'slots granted' && Number(row.cells[2].textContent) === cap)",
            arg=runs.CAP,
        )
    finally:
        context.close()
    assert (elsewhere, complaints) == ([], [])
