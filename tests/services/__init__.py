"""Services that nobody here wrote, started on a free loopback port for tests of their profiles."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ANNOUNCEMENT = "serving on "


@contextlib.contextmanager
def started(module: str, *arguments: str) -> Iterator[str]:
    """The address of a service that `python -m module` starts and announces; it ends with the block."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        lines = []
        for line in child.stdout:
            lines.append(line)
            if ANNOUNCEMENT in line:
                yield line.partition(ANNOUNCEMENT)[2].split()[0]
                return
        raise AssertionError(f"{module} ended with {child.wait(10)} before it was ready:\n{''.join(lines)}")
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()
