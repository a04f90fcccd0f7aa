"""Nothing that was acknowledged is lost when all is killed at once: kill -9, in the middle of a rush."""

import contextlib
import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest

from tests.loadtests.services import Service, children, is_running, running
from tests.loadtests.stores_here import skip_unless_installed

CAP = 2_000


def rush(url: str, client: int, granted: dict[str, object], ended: threading.Event) -> None:
    """One person after the other, until nobody answers."""
    service = Service(url, None)  # type: ignore[arg-type]
    with contextlib.suppress(OSError, ValueError):
        for number in range(CAP):
            if ended.is_set():
                return
            told = service.claim(f"person {client}-{number}", "k")
            if told.status == 201:
                granted[f"person {client}-{number}"] = told.body


def kill_all(service: Service) -> None:
    """The parent first, so that it restarts nobody, then all its children."""
    pids = [service.process.pid, *children(service.process.pid)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    service.process.wait(10)
    while any(is_running(pid) for pid in pids):
        time.sleep(0.02)


@pytest.mark.parametrize("store", ["sqlite", "postgres", "valkey"])
def test_every_acknowledged_grant_survives_kill_9(store: str) -> None:
    skip_unless_installed(store)
    granted: dict[str, object] = {}
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # whoever PostgreSQL runs as may pass
        options = ("--data", str(Path(folder) / "data"), "--workers", "2", "--cap", f"2022={CAP}")
        with running(store, *options) as service:
            crowd = [
                threading.Thread(target=rush, args=(service.url, each, granted, ended)) for each in range(4)
            ]
            for each in crowd:
                each.start()
            while len(granted) < 40:
                time.sleep(0.01)
            kill_all(service)
            ended.set()
            for each in crowd:
                each.join(30)
        with running(store, *options) as service:
            holders = {each["applicant"]: each for each in service.holders()}
            assert set(granted) <= set(holders), "an acknowledged grant was lost"
            assert len(holders) <= len(granted) + 4, "more than what was under way"
            assert len({each["slot"] for each in holders.values()}) == len(holders) == service.read()["used"]
            for who in list(granted)[:5]:
                again = service.claim(who, "k")
                assert again.body == granted[who]
                assert again.headers["idempotent-replayed"] == "true"
