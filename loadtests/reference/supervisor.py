"""The parent of the workers: one listening socket, N processes, and nothing left behind.

A worker that dies is started again; a worker that cannot start ends the service. Whatever ends the parent
ends the workers, since the pipe that they watch ends with it.
"""

import dataclasses
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from loadtests.reference.logs import log
from loadtests.reference.settings import Settings

START_S = 30.0
STOP_S = 8.0
TOO_OFTEN = 20  # times a worker is started again before the service gives up


class CannotStart(Exception):
    """A worker ended before it was ready, or workers die again and again; why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that all workers accept from."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(4096)
    listening.setblocking(False)
    return listening


class Workers:
    """Begins with `start`; `watch` returns when a signal has asked for the end; `stop` leaves nobody."""

    def __init__(self, settings: Settings, listening: socket.socket) -> None:
        self._settings = settings
        self._listening = listening
        self._parent_read, self._parent_write = os.pipe()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._restarts = 0

    def start(self) -> None:
        """Start them all, and come back when each is ready; the first goes ahead and makes the tables."""
        self._start(0)
        ready = [self._spawn(number) for number in range(1, self._settings.workers)]
        for each in ready:
            self._await(each)

    def _start(self, number: int) -> None:
        self._await(self._spawn(number))

    def _spawn(self, number: int) -> int:
        settings = dataclasses.replace(self._settings, worker=number)
        read, write = os.pipe()
        kept = (self._listening.fileno(), write, self._parent_read)
        command = [sys.executable, "-m", "loadtests.reference.worker", *map(str, kept)]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=kept, start_new_session=True)
        os.close(write)
        assert worker.stdin is not None
        worker.stdin.write(settings.as_text().encode() + b"\n")
        worker.stdin.close()
        self._running[number] = worker
        return read

    def _await(self, ready: int) -> None:
        """Wait until it says that it is ready; the end of the pipe means that it has ended without a word."""
        with selectors.DefaultSelector() as selector:
            selector.register(ready, selectors.EVENT_READ)
            came = selector.select(START_S)
        said = (
            os.read(ready, 4096).decode("utf-8", "replace") if came else f"0nothing happened in {START_S:g} s"
        )
        os.close(ready)
        if said != "1":
            raise CannotStart(said[1:] or "a worker ended before it was ready")

    def watch(self, is_ended: Callable[[], bool]) -> None:
        """Start dead workers again until the end is asked for."""
        while not is_ended():
            for number, worker in list(self._running.items()):
                if worker.poll() is not None and not is_ended():
                    log("worker died", worker=number, code=worker.returncode)
                    self._restarts += 1
                    if self._restarts > TOO_OFTEN:
                        raise CannotStart(f"its workers have died {self._restarts} times")
                    self._start(number)
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask, wait, and end those that do not listen."""
        os.close(self._parent_write)
        os.close(self._parent_read)
        for worker in self._running.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for worker in self._running.values():
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
