"""The locustfile as a user runs it: alone, on several processes, with a crowd, with the web page."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from loadtests.commands.check import check
from loadtests.protocol import ANSWER
from tests.loadtests import runs


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("options", [(), ("--processes", "2"), ("Crowd", "-u", "30", "-r", "100")], ids=str)
def test_a_run_grants_what_the_service_counts(tmp_path: Path, options: tuple[str, ...]) -> None:
    with runs.service("--store", "memory") as address:
        done = runs.locust(
            address,
            tmp_path / "run",
            *runs.SMALL,
            "--minutes",
            "0.03",
            "--csv",
            str(tmp_path / "stats"),
            *options,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        used = runs.quota(address)["used"]
    workers, rows = runs.left(tmp_path / "run")
    assert len(workers) == (2 if "--processes" in options else 1)
    assert len(runs.completed(rows)) == len(rows) > 2_000
    assert np.count_nonzero(rows["answer"] == ANSWER["granted"]) == used == runs.CAP
    assert "attempts left a median of" in done.stderr
    assert "claim,granted,540,0," in (tmp_path / "stats_stats.csv").read_text("utf-8")
    assert_is_judged(tmp_path / "run")


def assert_is_judged(run: Path) -> None:
    """Locust alone leaves its workers' records; they are a history that can be judged."""
    assert check(run, quiet=True) == 0
    next((run / "history").glob("*.rows")).write_bytes(b"")
    assert check(run, quiet=True) == 2  # what was sent is not all there


def test_a_service_that_is_not_there_is_said_and_nothing_is_judged(tmp_path: Path) -> None:
    done = runs.locust(f"http://127.0.0.1:{free_port()}", tmp_path, *runs.SMALL)
    assert done.returncode == 3
    assert "cannot connect to 127.0.0.1" in done.stderr


def test_a_host_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    done = runs.locust("http://quota.invalid", tmp_path, *runs.SMALL)
    assert done.returncode == 3
    assert "quota.invalid is not this machine" in done.stderr


@pytest.mark.parametrize(
    "more", [(), pytest.param(("--processes", "2"), marks=pytest.mark.long)], ids=["alone", "two processes"]
)
def test_the_web_page_has_a_live_tab(tmp_path: Path, more: tuple[str, ...]) -> None:
    port = free_port()
    page = f"http://127.0.0.1:{port}"
    options = (
        "--web-host",
        "127.0.0.1",
        "--web-port",
        str(port),
        "--run-folder",
        str(tmp_path),
        "--minutes",
        "0.03",
        *more,
    )
    if more:
        bound = str(free_port())  # Locust's own port may be another run's
        options += ("--master-bind-host", "127.0.0.1", "--master-bind-port", bound)
        options += ("--master-host", "127.0.0.1", "--master-port", bound)
    with (
        runs.service("--store", "memory") as address,
        subprocess.Popen(
            [*runs.LOCUST, *options, *runs.SMALL], cwd=runs.ROOT, stderr=subprocess.PIPE, text=True
        ) as child,
    ):
        try:
            index = _page(page + "/")
            form = {"user_count": "1", "spawn_rate": "1", "host": address, "scale": "0.02"}
            _page(page + "/swarm", urllib.parse.urlencode(form).encode())
            until = time.monotonic() + 20
            shown: dict[str, int] = {}
            while shown.get("2019") != runs.CAP and time.monotonic() < until:
                time.sleep(0.1)
                stats = json.loads(_page(page + "/stats/requests"))
                table = {each["key"]: each["data"] for each in stats["extended_stats"]}["allocation"]
                shown = {row["what"]: row["count"] for row in table}
        finally:
            # Not Ctrl-C, which on a very busy machine once went unheard.
            child.terminate()
            said = child.communicate(timeout=30)[1]
    assert "Allocation" in index
    assert shown.get("2019") == runs.CAP, said[-3000:]
    assert shown["claim granted"] == runs.CAP
    assert shown["none so far"] == 0
    assert 0 <= shown["late, by more than 50 ms"] <= shown["first sends made"] + 100


def _page(address: str, body: bytes | None = None) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, body, timeout=10) as answer:
                return str(answer.read().decode())
        except ConnectionError:
            time.sleep(0.1)
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.mark.long
def test_workers_on_other_addresses_with_a_clock_that_is_off(tmp_path: Path) -> None:
    port = free_port()
    shift_ns = 7_000_000_000
    with runs.service("--store", "memory") as address:
        master = subprocess.Popen(
            [
                *(*runs.LOCUST, "--headless", "--only-summary", "--master", "--expect-workers", "2"),
                *("--master-bind-host", "127.0.0.2", "--master-bind-port", str(port), "--host", address),
                *(*runs.SMALL, "--minutes", "0.05", "--run-folder", str(tmp_path)),
            ],
            cwd=runs.ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        command = [*runs.LOCUST, "--worker", "--master-host", "127.0.0.2", "--master-port", str(port)]
        workers = [
            subprocess.Popen(
                command,
                cwd=runs.ROOT,
                env={**os.environ, "QUOTALAB_CLOCK_OFFSET_NS": str(shift)},
                stderr=subprocess.DEVNULL,
            )
            for shift in (0, shift_ns)
        ]
        said = master.communicate(timeout=60)[1]
        assert [each.wait(20) for each in workers] == [0, 0]
        assert master.returncode == 0, said[-3000:]
        used = runs.quota(address)["used"]
    found, rows = runs.left(tmp_path)
    assert np.count_nonzero(rows["answer"] == ANSWER["granted"]) == used == runs.CAP
    straight, shifted = sorted(found, key=lambda each: each.offset_ns)
    assert (straight.offset_ns, straight.bound_ns) == (0, 0)
    assert abs(shifted.offset_ns - shift_ns) <= shifted.bound_ns < 50_000_000
    both = [each.rows["invoked_ns"] - each.offset_ns for each in (straight, shifted)]
    assert abs(int(both[0][0]) - int(both[1][0])) < 1_000_000_000


@pytest.mark.long
def test_a_killed_worker_is_not_waited_for(tmp_path: Path) -> None:
    options = (*runs.SMALL, "--minutes", "0.15", "--processes", "2")
    with runs.service("--store", "memory") as address:
        child = runs.started(address, tmp_path, *options)
        until = time.monotonic() + 20
        while runs.quota(address)["used"] < 100 and time.monotonic() < until:
            time.sleep(0.05)
        victim = json.loads(sorted((tmp_path / "history").glob("*.json"))[0].read_text())["pid"]
        os.kill(victim, signal.SIGKILL)
        begin = time.monotonic()
        said = child.communicate(timeout=60)[1]
        assert time.monotonic() - begin < 30
        assert "1 of 2 workers died" in said
        used = runs.quota(address)["used"]
    _, rows = runs.left(tmp_path)
    granted = np.count_nonzero(runs.completed(rows)["answer"] == ANSWER["granted"])
    under_way = len(rows) - len(runs.completed(rows))
    assert granted <= used <= granted + under_way
