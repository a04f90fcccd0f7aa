"""The replay itself: Locust as a child process, watched until it is over, interrupted, or out of time."""

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from loadtests.loading.plan import Plan
from loadtests.loading.service import Service, set_clock
from loadtests.loading.watching import Watch
from loadtests.recorder import left_in, related_ns
from loadtests.target import Child, start

AHEAD_S: Final = 0.5
"""From the moment at which the workers are told of their clocks to the first due time (fleet.AHEAD_NS)."""
LOOK_S: Final = 0.4
START_S: Final = 60.0
"""Within this time Locust has to send the first request."""
DRAIN_S: Final = 10.0
"""How long answers are waited for after an interruption."""
UNMATCHED: Final = 100
"""After so many answers that no rule of the profile matches, more of them would teach nobody anything."""
STUCK_S: Final = 5.0
"""After a worker died and nothing has moved for so long, the rest of the run is over."""

How = Literal["over", "interrupted", "out of time", "not understood", "failed"]
Told = Callable[["Progress"], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the replay is, for people who watch."""

    elapsed_s: float
    """Since the first due time; below 0 before it."""
    replay_s: float
    watch: Watch
    dead: int
    """Workers that died."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How the replay ended."""

    how: How
    dead: int
    words: str
    """The last line of what Locust said."""


def command(plan: Plan, service: Service, folder: Path) -> list[str]:
    """Locust's command line; the same works by hand."""
    locustfile = Path(__file__).resolve().parents[1] / "locustfile.py"
    options = plan.options
    found = [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless"]
    found += [
        "--host",
        service.target.base_url,
        "--target",
        plan.profile,
        "--scenario",
        plan.options.scenario,
    ]
    found += ["--trace", str((folder / "trace.npz").resolve()), "--run-folder", str(folder.resolve())]
    found += [
        "--run-id",
        plan.trace.run,
        "--drain-s",
        f"{DRAIN_S:g}",
        "--csv",
        str(folder / "locust" / "stats"),
    ]
    found += ["--only-summary", "--loglevel", "INFO"]
    found += ["--exit-code-on-error", "0"]  # an answer that Locust calls a failure is the judge's business
    if options.workers > 1:
        port = str(free_port())  # Locust's own would be taken by another run on this machine
        found += ["--processes", str(options.workers), "--master-bind-host", "127.0.0.1"]
        found += ["--master-bind-port", port, "--master-host", "127.0.0.1", "--master-port", port]
    for host in options.owned:
        found += ["--i-own", host]
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probing:
        probing.bind(("127.0.0.1", 0))
        port: int = probing.getsockname()[1]
    return port


def replay(plan: Plan, service: Service, folder: Path, told: Told) -> Replayed:
    """Run Locust to its end; Ctrl-C stops it cleanly, the budget does the same."""
    (folder / "locust").mkdir()
    watch = Watch(folder / "history", int(plan.trace.traffic.late_ms.value * 1e6))
    child = start("locust", command(plan, service, folder), folder / "locust" / "locust.log")
    how: How = "over"
    try:
        how = _watch(plan, service, folder, child, watch, told)
        if how != "over":
            child.interrupt()
        _wait(child, DRAIN_S + 10)
    except KeyboardInterrupt:
        how = "interrupted"
        child.interrupt()
        _wait(child, DRAIN_S + 10)
    finally:
        code = child.stop(1.0)
    watch.look()
    dead = _dead(folder)
    if how == "over" and (code or not watch.sent):
        how = "failed"
    return Replayed(how, len(dead), next(reversed(child.last_words().splitlines()), ""))


def _watch(plan: Plan, service: Service, folder: Path, child: Child, watch: Watch, told: Told) -> How:
    begun = time.monotonic()
    started_s: float | None = None
    moved_s, before = begun, -1
    while child.is_alive:
        now = time.monotonic()
        if started_s is None:
            related = related_ns(folder / "history")
            if related is not None:
                started_s = related / 1e9 + AHEAD_S
                if plan.store:
                    set_clock(service, plan.trace, starts_in_s=started_s - time.monotonic())
            elif now - begun > START_S:
                return "failed"
            time.sleep(0.01)
            continue
        watch.look()
        dead = _dead(folder)
        told(Progress(now - started_s, plan.replay_s, watch, len(dead)))
        moved = watch.sent + watch.answered
        if moved != before:
            moved_s, before = now, moved
        is_past = now - started_s > plan.replay_s
        if dead and is_past and now - moved_s > STUCK_S:
            return "over"
        if watch.unmatched > UNMATCHED:
            return "not understood"
        if now - begun > plan.budget_s:
            return "out of time"
        time.sleep(LOOK_S)
    return "over"


def _dead(folder: Path) -> list[int]:
    """The pids of workers of this host that ended without closing their record."""
    return [
        each.pid
        for each in left_in(folder / "history", with_rows=False)
        if not each.is_closed and not _is_alive(each.pid)
    ]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a child that nobody has waited for yet is dead too
        state = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state != "Z"


def _wait(child: Child, seconds: float) -> None:
    until = time.monotonic() + seconds
    while child.is_alive and time.monotonic() < until:
        time.sleep(0.05)
