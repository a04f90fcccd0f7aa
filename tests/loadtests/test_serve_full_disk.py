"""A disk without room: nothing is acknowledged that is not stored, the log says why, and room mends it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loadtests.services import ROOT, SERVE, Service, Told, running

SIZE_KB = 512
MOST = 4_000


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of this size, where one may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def claim_until_refused(service: Service) -> tuple[list[str], Told]:
    """Who was granted a slot, and the first other answer."""
    granted = []
    for number in range(MOST):
        who = f"{'person ' * 20}{number}"  # long names fill a disk sooner
        told = service.claim(who, "k")
        if told.status != 201:
            return granted, told
        granted.append(who)
    raise AssertionError(f"{MOST} slots fitted on {SIZE_KB} kB")


@pytest.mark.long
def test_a_full_disk_is_unavailable_and_keeps_what_was_granted(tmp_path: Path) -> None:
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.mkdir()
    with small_disk(disk):
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(100_000))
        options = ("--data", str(disk / "data"), "--cap", f"2022={MOST}")
        with running("sqlite", *options, log=log) as service:
            granted, told = claim_until_refused(service)
            assert (told.status, told.problem) == (503, "unavailable")
            assert int(told.headers["retry-after"]) > 0
            assert [each["applicant"] for each in service.holders()] == granted, "it can still be read"
            assert any("no room" in json.loads(line).get("why", "") for line in log.read_text().splitlines())
            ballast.unlink()
            assert service.claim("after all", "k").status == 201
            granted.append("after all")
        with running("sqlite", *options) as service:
            assert [each["applicant"] for each in service.holders()] == granted


LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
sys.argv = ["quotalab serve", *sys.argv[1:]]
runpy.run_module("loadtests.commands.serve", run_name="__main__")
"""


@pytest.mark.long
def test_a_write_that_fails_is_never_acknowledged(tmp_path: Path) -> None:
    """A file that may not grow: SQLite calls that an input or output error, after which nobody knows."""
    options = ("--data", str(tmp_path), "--cap", f"2022={MOST}")
    with running(
        "sqlite", *options, command=(sys.executable, "-c", LIMITED), log=tmp_path / "log"
    ) as service:
        granted, told = claim_until_refused(service)
        assert told.status in (500, 503)
        assert "disk" in (tmp_path / "log").read_text()
    with running("sqlite", *options) as service:
        holders = [each["applicant"] for each in service.holders()]
        assert holders[: len(granted)] == granted
        assert len(holders) <= len(granted) + 1


def test_a_disk_that_is_full_from_the_start_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        (tmp_path / "ballast").write_bytes(bytes(SIZE_KB * 1000))
        command = [*SERVE, "--port", "0", "--data", str(tmp_path / "data")]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 3
    assert "disk" in ended.stderr
    assert "Traceback" not in ended.stderr
