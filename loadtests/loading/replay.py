"""The replay itself: Locust as a child process, watched until it is over, interrupted, or out of time."""

import itertools
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from loadtests import safe, signs
from loadtests.history import HARNESS
from loadtests.loading.plan import Plan
from loadtests.loading.service import Service, set_clock
from loadtests.loading.watching import Watch
from loadtests.recorder import left_in
from loadtests.settings import LEFT_BY_SETUP
from loadtests.target import Child, start

LOOK_S: Final = 0.4
START_S: Final = 60.0
"""Within this time Locust has to send the first request."""
FAR_S: Final = 600.0
"""The same where workers on other hosts have to be started; and how long their records may take to come."""
DRAIN_S: Final = 10.0
"""How long answers are waited for after an interruption."""
UNMATCHED: Final = 100
"""After so many answers that no rule of the profile matches, more of them would teach nobody anything."""
STUCK_S: Final = 5.0
"""After a worker died and nothing has moved for so long, the rest of the run is over."""

LOGGED: Final = re.compile(r"\[[^]]*\] [^ ]*/[A-Z]+/[\w.]+: ")
RAISED: Final = re.compile(r"[\w.]*(Error|Exception|BadInput)\b")
ERROR: Final = re.compile(r"\[[^]]*\] [^ ]*/(?:ERROR|CRITICAL)/[\w.]+: ")
"""How a line of Locust's log begins that tells of an error."""

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
    """What Locust complained of last; empty if it did not."""
    lost: tuple[int, ...] = ()
    """Shards of which no record is here: their workers were on other hosts, and did not send it."""


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
    if options.expect_workers:
        host, listens = safe.address(options.listen, key="--listen")
        found += ["--master", "--expect-workers", str(options.expect_workers)]
        found += ["--master-bind-host", host, "--master-bind-port", str(listens)]
    elif options.workers > 1:
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
    # The setup was done here; what it left may be secret, so it goes by the environment and not by a file.
    left = {LEFT_BY_SETUP: json.dumps(service.asker.left_by_setup)}
    child = start(
        "locust", command(plan, service, folder), folder / "locust" / "locust.log", environment=left
    )
    patience_s = FAR_S if plan.options.expect_workers else DRAIN_S + 10
    how: How = "over"
    try:
        how = _watch(plan, service, folder, child, watch, told)
        if how != "over":
            child.interrupt()
        child.wait(patience_s)
    except KeyboardInterrupt:
        how = "interrupted"
        child.interrupt()
        child.wait(patience_s)
    finally:
        code = child.stop(1.0)
    watch.look()
    dead = _dead(folder)
    if how == "over" and (code or not watch.sent):
        how = "failed"
    return Replayed(how, len(dead), why(child), _lost(folder))


def _watch(plan: Plan, service: Service, folder: Path, child: Child, watch: Watch, told: Told) -> How:
    begun = time.monotonic()
    started_s: float | None = None
    moved_s, before = begun, -1
    while child.is_alive:
        now = time.monotonic()
        if started_s is None:
            start = signs.started(folder)
            if start is not None:
                started_s = start.start_ns / 1e9
                begun = now  # the budget is for sending, not for waiting until workers come
                if plan.store:
                    set_clock(service, plan.trace, starts_in_s=started_s - time.monotonic())
            elif now - begun > (FAR_S if plan.options.expect_workers else START_S):
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
        child.wait(LOOK_S)
    return "over"


def why(child: Child) -> str:
    """What Locust complained of last, as its log has it: an error of ours before any other."""
    try:
        lines = child.output.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    errors = [number for number, line in enumerate(lines) if ERROR.match(line)]
    errors = [number for number in errors if "/loadtests." in lines[number]] or errors
    if not errors:
        return next((line for line in reversed(lines) if RAISED.match(line)), "")
    first, *rest = lines[errors[-1] :]
    said = ERROR.sub("", first).removeprefix("nothing was judged: ")
    mine = list(itertools.takewhile(lambda line: not LOGGED.match(line), rest))
    # Of errors that led to one another the last is the one that was not dealt with.
    if raised := next((line for line in reversed(mine) if RAISED.match(line)), ""):
        return raised if said.startswith("Unhandled exception") else f"{said}: {raised}"
    return "\n".join([said, *itertools.takewhile(lambda line: line.startswith("      "), mine)])


def _lost(folder: Path) -> tuple[int, ...]:
    """The shards of a run that had begun of which there is no record."""
    start = signs.started(folder)
    if start is None:
        return ()
    here = {each.worker for each in left_in(folder / "history", with_rows=False) if each.host != HARNESS}
    return tuple(shard for shard in range(start.shards) if shard not in here)


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
