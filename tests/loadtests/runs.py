"""Locust runs for tests: the reference service and Locust as children, and what they left."""

import contextlib
import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.recorder import MARK, Recorded, left_in

ROOT = Path(__file__).resolve().parents[2]
LOCUST = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py"]
SMALL = ("--scenario", "opening-day", "--scale", "0.02", "--clients", "20")
CAP = 540
"""Slots of opening-day at that scale."""


@contextlib.contextmanager
def service(*options: str) -> Iterator[str]:
    """The reference service with the small cap; its address."""
    serve = [sys.executable, "-m", "loadtests.commands.serve", "--port", "0", "--cap", f"2019={CAP}"]
    with subprocess.Popen([*serve, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = ""
        for said in child.stdout:
            if found := re.search(r"serving on (http://\S+)", said):
                break
        else:
            raise AssertionError(f"the service did not start: {said}")
        try:
            yield found[1]
        finally:
            child.terminate()
            child.communicate(timeout=20)


def command(address: str, folder: Path, *options: str) -> list[str]:
    """A headless run."""
    return [*LOCUST, "--headless", "--only-summary", "--host", address, "--run-folder", str(folder), *options]


def locust(address: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A headless run to its end."""
    return subprocess.run(
        command(address, folder, *options), cwd=ROOT, capture_output=True, text=True, timeout=100
    )


def started(address: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    """A headless run that the caller sees to its end."""
    return subprocess.Popen(command(address, folder, *options), cwd=ROOT, stderr=subprocess.PIPE, text=True)


def left(folder: Path) -> tuple[list[Recorded], Any]:
    """What the workers recorded, and all their rows together."""
    found = left_in(folder / "history")
    return found, np.concatenate([each.rows for each in found])


def completed(rows: Any) -> Any:
    """The rows that have an answer."""
    return rows[rows["completed"] == MARK]


def quota(address: str) -> dict[str, Any]:
    """What the service says of its intake."""
    with urllib.request.urlopen(f"{address}/quotas/2019", timeout=10) as answer:
        return dict(json.load(answer))


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
