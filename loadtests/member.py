"""A worker process of a distributed run: it does what the master says, and says when it has done it."""

import hashlib
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from loadtests import profile, shipping
from loadtests.flights import Done
from loadtests.safe import check_host
from loadtests.settings import Settings
from loadtests.trace import Trace
from loadtests.worker import Worker, with_variables
from sim.errors import BadInput

log = logging.getLogger(__name__)


def boot() -> str:
    """What processes of one host share, and with it their clock; empty where it cannot be told."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def hear_ctrl_c() -> None:
    """Ctrl-C reaches Locust's own greenlet, which ends the run in order.

    Python raises it in whatever runs at the moment: a greenlet that sends would be lost, and only it.
    Who has another handler, as the parent of Locust's processes, keeps it.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.signal_handler(signal.SIGINT, gevent.kill, gevent.getcurrent(), KeyboardInterrupt)


class Member:
    """The worker of this process, on the master's orders; the messages are told in fleet.py."""

    def __init__(
        self,
        send: Callable[[str, dict[str, Any]], None],
        report: Callable[[Done], None],
        own: Callable[[], str | None],
    ) -> None:
        self.worker: Worker | None = None
        self._own = own  # the folder that this process was given on its own command line
        self._folder = Path()
        self._is_far = False
        self._send = send
        self._report = report
        self._orders: dict[str, Any] = {}

    def clock_ns(self) -> int:
        """This worker's clock."""
        return self.worker.clock_ns() if self.worker is not None else time.monotonic_ns()

    def hear(self, topic: str, client: str, said: Any) -> None:
        """A message of the master."""
        if topic == "clock":
            received_ns = self.clock_ns()
            self._send("clock", {**said, "received_ns": received_ns, "answered_ns": self.clock_ns()})
        elif topic == "shard":
            self._orders, self.worker = said, None
            path = Path(said["trace"])
            is_here = path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == said["digest"]
            self._settle_where(said, is_here)
            if is_here:
                gevent.spawn(self._prepare_or_say_why, path)
            else:
                self._send("want-trace", {})
        elif topic == "trace":
            path = self._folder / "trace.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(said["bytes"])
            gevent.spawn(self._prepare_or_say_why, path)
        elif topic == "go" and self.worker is not None:
            self.worker.start(said["start_ns"], offset_ns=said["offset_ns"], bound_ns=said["bound_ns"])
            gevent.spawn(self._see_through, self.worker)
        elif topic == "close" and self.worker is not None:
            gevent.spawn(self._close, self.worker, said)

    def _settle_where(self, orders: dict[str, Any], is_here: bool) -> None:
        """Where this worker's record goes: to the master's folder if both see it, else to one of its own."""
        masters = Path(orders["folder"])
        own = self._own()
        self._folder = masters
        if own and Path(own).resolve() != masters:
            self._folder = Path(own)
        elif not is_here or not boot() or boot() != orders["boot"]:
            self._folder = Path("results", "runs", f"{orders['run']}-shard-{orders['shard']}")
        self._is_far = self._folder != masters

    def _prepare(self, path: Path) -> None:
        orders = self._orders
        settings = Settings(**orders["settings"])
        target = profile.target(settings.target, base_url=orders["host"] or None)
        check_host(target.base_url, (settings.i_own,) if settings.i_own else ())
        trace = Trace.load(path)
        self.worker = Worker(
            trace,
            with_variables(target, orders["variables"]),
            folder=self._folder / "history",
            shard=orders["shard"],
            shards=orders["shards"],
            clients=settings.clients or int(trace.traffic.clients.value),
            is_rush=orders["is_rush"],
            report=self._report,
        )
        said = {"boot": "" if self.worker.shift_ns else boot(), "pid": os.getpid(), "is_far": self._is_far}
        self._send("ready", said)
        if self._is_far:
            log.info("the record of this worker is in %s until the master has it", self._folder)

    def _see_through(self, worker: Worker) -> None:
        worker.has_finished.wait()
        if worker.failure is not None:
            self._send("failed", {"why": str(worker.failure) or repr(worker.failure)})
        self._send("done", {"tally": worker.tally.as_plain()})

    def _close(self, worker: Worker, said: dict[str, Any]) -> None:
        worker.stop(said["drain_s"])
        worker.clock(offset_ns=said["offset_ns"], bound_ns=said["bound_ns"])
        self.say_closed(worker)

    def say_closed(self, worker: Worker) -> None:
        """Close the record, and send it where the master does not see this host's files."""
        worker.close()
        folder = self._folder / "history"
        files = shipping.sizes(folder) if self._is_far else {}
        for piece in shipping.pieces(folder, files):
            self._send("piece", piece)
            gevent.sleep(0)  # so that the master goes on hearing that this worker lives
        self._send("closed", {"tally": worker.tally.as_plain(), "files": files})

    def _prepare_or_say_why(self, path: Path) -> None:
        try:
            self._prepare(path)
        except BadInput as why:
            log.error("this worker cannot take part: %s", why)
            self._send("failed", {"why": str(why)})
        except Exception as why:
            log.exception("this worker cannot take part")
            self._send("failed", {"why": str(why)})
