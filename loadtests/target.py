"""Services as children of the run: started on loopback, watched, stopped or killed, and never left behind.

A *child* is a process in a session of its own, so that whatever it started ends with it. Its words go to a
file in the run folder.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.errors import complaint

READY: Final = re.compile(r"serving on (http://\S+)")
START_S: Final = 60.0
STOP_S: Final = 10.0
LAST_WORDS: Final = 600
"""Characters of a child's output that a complaint quotes."""


@dataclass(eq=False)
class Child:
    """A process of ours. `stop` or `kill` it; either waits until it is gone."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def wait(self, seconds: float) -> None:
        """Return when it is gone, or after so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def interrupt(self) -> None:
        """Ask it to come to its end, as Ctrl-C does."""
        if self.is_alive:
            self.process.send_signal(signal.SIGINT)

    def stop(self, seconds: float = STOP_S) -> int:
        """Ask it to stop, wait, and kill what does not listen; its exit code."""
        if self.is_alive:
            self.process.terminate()
            self.wait(seconds)
        self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL to it and to everything that it started in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self) -> str:
        """The end of what it has written."""
        try:
            return self.output.read_text("utf-8", errors="replace")[-LAST_WORDS:].strip()
        except OSError:
            return ""


def start(
    name: str,
    command: Sequence[str],
    output: Path,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Child:
    """Start a command as a child, with more in its environment; BadInput if there is no such command."""
    output.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"PYTHONUNBUFFERED": "1"} | dict(environment or {})
    with output.open("wb") as file:
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise complaint(f"{command[0]} cannot be started: {error.strerror}", key=name) from error
    return Child(name, process, output)


def serve(output: Path, options: Sequence[str]) -> tuple[Child, str]:
    """The reference service on a free port of loopback, once it says that it is ready; and its URL."""
    command = [sys.executable, "-m", "loadtests.commands.serve", "--port", "0", *options]
    child = start("serve", command, output, cwd=_root())
    until = time.monotonic() + START_S
    while child.is_alive and time.monotonic() < until:
        if found := READY.search(output.read_text("utf-8", errors="replace")):
            return child, found[1]
        time.sleep(0.05)
    child.kill()
    raise complaint(
        f"the reference service did not start: {child.last_words() or 'it said nothing'}",
        key="--target",
        file=str(output),
    )


def _root() -> Path:
    """Where the packages are found, whatever the folder that the user is in."""
    return Path(__file__).resolve().parents[1]
