"""Three hazards of stock Locust, as they were seen in this version, and that we do not have them.

Should a newer Locust have mended one, its test here fails: then say so where the hazard is told, and raise
SEEN_IN.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests.protocol import OP
from tests.loadtests import runs, strange_server

SEEN_IN = "2.47.0"
CLAIMS = "POST /quotas/2019/claims"


@pytest.fixture
def address() -> Iterator[str]:
    with strange_server.running() as found:
        yield found


def stock(what: str, address: str) -> int:
    command = [sys.executable, str(Path(__file__).with_name("stock_locust.py")), what, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert said["version"] == SEEN_IN, "another Locust than the one in which the hazards were seen"
    return int(said["seen"])


def test_stock_sends_a_dropped_delete_many_times_and_tells_of_one(address: str) -> None:
    assert stock("drop", address) == 1
    assert strange_server.counts(address)["DELETE /drop"] > 1


def test_ours_sends_it_once(address: str, tmp_path: Path) -> None:
    """The release of a profile whose service drops it: one attempt, one DELETE, and an unknown effect."""
    profile = tmp_path / "dropping.toml"
    profile.write_text(
        'format = 1\nname = "dropping"\ntitle = "drops what it is asked"\nbase_url = "http://127.0.0.1:1"\n'
        'slot = "applicant"\n'
        '[[claim]]\nrequest = "DELETE /drop"\n'
        'rules = [{ status = 204, answer = "granted" }]\n[retry]\nmost = 0\nresolve = "none"\n'
    )
    done = runs.locust(
        address,
        tmp_path / "run",
        *runs.SMALL,
        "--minutes",
        "0.03",
        "--target",
        str(profile),
        "--scale",
        "0.001",
    )
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    _, rows = runs.left(tmp_path / "run")
    assert len(rows) == strange_server.counts(address)["DELETE /drop"] > 20


def test_stock_forgets_what_is_under_way_at_the_end(address: str) -> None:
    told = stock("stop", address)
    strange_server.reached(address, "POST /slow", told + 1)


def test_ours_has_it_on_record(address: str, tmp_path: Path) -> None:
    strange_server.stand_still(address, 60.0)
    with runs.started(address, tmp_path, *runs.SMALL, "--minutes", "0.3", "--drain-s", "0.3") as child:
        strange_server.reached(address, CLAIMS, 50)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=30)[1]
    assert "Traceback" not in said, said[-3000:]
    _, rows = runs.left(tmp_path)
    assert len(runs.completed(rows)) == 0
    assert np.count_nonzero(rows["op"] == OP["claim"]) == strange_server.counts(address)[CLAIMS] >= 50


@pytest.mark.long
def test_stock_opens_connections_again_and_again_beyond_1000(address: str) -> None:
    stock("connections", address)
    assert strange_server.counts(address)["connections"] > 1_700  # ours: test_client.py
