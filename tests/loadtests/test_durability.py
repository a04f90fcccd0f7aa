"""Nothing that was acknowledged is lost when all is killed at once: kill -9, in the middle of a rush."""

import contextlib
import http.client
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loadtests.services import Service, children, is_running, running
from tests.loadtests.stores_here import NEEDS, skip_unless_installed

CAP = 2_000


def rush(
    url: str, client: int, granted: dict[str, object], ended: threading.Event, *, is_patient: bool = False
) -> None:
    """One person after the other, until nobody answers; the patient go on, and are answered by others."""
    service = Service(url, None)  # type: ignore[arg-type]
    for number in range(CAP):
        if ended.is_set():
            return
        try:
            told = service.claim(f"person {client}-{number}", "k")
        except (OSError, ValueError, http.client.HTTPException):
            if not is_patient:
                return
            continue
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


def workers_of(service: Service) -> list[int]:
    """The worker processes, without the database's."""
    return [pid for pid in children(service.process.pid) if b"reference.worker" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """The words that a process was started with; nothing if it has ended meanwhile."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.mark.long
@pytest.mark.parametrize("store", ["sqlite", *NEEDS])
def test_a_worker_that_is_killed_takes_no_acknowledged_grant_with_it(store: str) -> None:
    """One of four, in the middle of a rush that goes on; then all of it, and the service starts again."""
    skip_unless_installed(store)
    granted: dict[str, object] = {}
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        options = ("--data", str(Path(folder) / "data"), "--workers", "4", "--cap", f"2022={CAP}")
        with running(store, *options) as service:
            crowd = [
                threading.Thread(
                    target=rush, args=(service.url, each, granted, ended), kwargs={"is_patient": True}
                )
                for each in range(8)
            ]
            for each in crowd:
                each.start()
            until(lambda: len(granted) >= 40)
            before = workers_of(service)
            os.kill(before[1], signal.SIGKILL)
            until(lambda: before[1] not in (now := workers_of(service)) and len(now) == 4)
            so_far = len(granted)
            until(lambda: len(granted) >= so_far + 40)
            ended.set()
            for each in crowd:
                each.join(30)
            check(service, granted, under_way=8)
            kill_all(service)
        with running(store, *options) as service:
            check(service, granted, under_way=8)


def until(happens: Callable[[], bool]) -> None:
    """Look again and again, for a minute at most."""
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def check(service: Service, granted: dict[str, object], *, under_way: int) -> None:
    """Every acknowledged grant is there as it was told, and few others are."""
    holders = {each["applicant"]: each for each in service.holders()}
    assert set(granted) <= set(holders), "an acknowledged grant was lost"
    assert len(holders) <= len(granted) + under_way, "more than what was under way"
    assert len({each["slot"] for each in holders.values()}) == len(holders) == service.read()["used"]
    for who in list(granted)[:5]:
        again = service.claim(who, "k")
        assert again.body == granted[who]
        assert again.headers["idempotent-replayed"] == "true"


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
            check(service, granted, under_way=4)
