"""A run on one process or on many: who plays which shard, from which moment, and when all is over.

Locust's own runners carry the messages. The master decides everything once (the trace, the run's id, what the
target's setup left) and sends each worker its shard by name, since Locust's worker numbers are not reused
when a worker comes back. Then it relates the workers' clocks to its own, and gives them one moment to start
from.

    master -> worker   shard       settings, trace file and its digest, shard of shards, variables
    worker -> master   want-trace  the file is not on this host; answered by `trace`, with its bytes
    worker -> master   ready       or `failed`, with the reason
    both ways          clock       a few exchanges of the time
    master -> worker   go          the moment, and how the clocks stand
    worker -> master   done        everything is answered
    master -> worker   close       how the clocks stood in the end; answered by `closed`
    worker -> master   piece       of the record of a worker that shares no folder with the master

A worker that dies is not waited for: what it sent is in its file. A process without workers plays it all.
"""

import hashlib
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import gevent

from loadtests import live, profile, shipping, signs
from loadtests.clocks import Exchange, clock_offset
from loadtests.flights import Done, Failed
from loadtests.member import Member, boot, hear_ctrl_c
from loadtests.run_trace import trace_of
from loadtests.safe import check_host
from loadtests.settings import Settings, from_options
from loadtests.tally import Tally, together
from loadtests.trace import Trace
from loadtests.worker import Worker, set_up, with_variables
from sim.errors import BadInput, complaint

TOPIC: Final = "quotalab-"
EXCHANGES: Final = 8
AHEAD_NS: Final = 500_000_000
"""From the word to start to the first due time: the word has to reach every worker, and requests are
encoded."""
PIECES_S: Final = 10.0
"""A record that is on its way may take as long as it likes, if something of it comes this often."""
USAGE: Final = 3

log = logging.getLogger(__name__)


class Fleet:
    """One process of a run, as Locust's environment knows it: alone, a master, or a worker."""

    def __init__(self, environment: Any, *, is_rush: bool) -> None:
        self.environment = environment
        self.is_rush = is_rush
        self._alone: Worker | None = None
        self._member = Member(
            self._send, self.report, lambda: from_options(environment.parsed_options).run_folder
        )
        self.tallies: dict[str, dict[str, Any]] = {}
        self.caps: dict[str, int] = {}
        self._runner = environment.runner
        self._is_master = hasattr(self._runner, "clients")
        self._is_worker = hasattr(self._runner, "master_host")
        self._said: defaultdict[str, dict[str, Any]] = defaultdict(dict)  # topic -> client id -> what it said
        self._exchanges: defaultdict[str, list[Exchange]] = defaultdict(list)
        self._trace_file = Path()
        self._folder = Path()
        self._moved_s = 0.0  # when the last piece of a record arrived
        events = environment.events
        events.test_start.add_listener(self._on_start)
        events.test_stopping.add_listener(self._on_stopping)
        hear_ctrl_c()
        if self._is_master:
            events.worker_report.add_listener(self._on_report)
            for topic in ("ready", "failed", "done", "closed", "want-trace", "clock", "piece"):
                self._hear(topic, self._master_hears)
        elif self._is_worker:
            events.report_to_master.add_listener(self._on_reporting)
            for topic in ("shard", "trace", "go", "clock", "close"):
                self._hear(topic, self._member.hear)

    @property
    def worker(self) -> Worker | None:
        """The worker of this process, if it plays and is ready."""
        return self._alone or self._member.worker

    def tally(self) -> Tally:
        """The counts of all workers so far."""
        if self.worker is not None:
            return self.worker.tally
        return together(list(self.tallies.values()))

    # ------------------------------------------------------------------ Locust's events

    def _on_start(self, environment: Any, **_: Any) -> None:
        if not self._is_worker:
            self._alone = None
            self.tallies.clear()
            self._said.clear()
            self._exchanges.clear()
            gevent.spawn(self._guarded, self._lead)

    def _on_stopping(self, environment: Any, **_: Any) -> None:
        if self.worker is not None:
            self.worker.stop(from_options(environment.parsed_options).drain_s)
            if self._is_worker:
                self._member.say_closed(self.worker)
            else:
                self.worker.close()
        elif self._is_master:
            self._close_all(from_options(environment.parsed_options).drain_s)

    def _on_reporting(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.worker is not None:
            data["quotalab"] = self.worker.tally.as_plain()

    def _on_report(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if "quotalab" in data:
            self.tallies[client_id] = data["quotalab"]

    def report(self, done: Done) -> None:
        """An attempt for Locust's statistics: by operation and answer, its time counted from when it was
        due."""
        op, answer, due_ns, _, completed_ns, response, problem = done
        self.environment.events.request.fire(
            request_type=op,
            name=answer or "done",
            response_time=(completed_ns - due_ns) / 1e6,
            response_length=len(response.body),
            response=response,
            context={},
            exception=None if problem is None else Failed(problem),
        )

    # ------------------------------------------------------------------ the master, or the only process

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BadInput as bad:
            self._give_up(str(bad))
        except Exception as broken:
            log.exception("the run broke off")
            self._give_up(str(broken))

    def _give_up(self, why: str) -> None:
        log.error("nothing was judged: %s", why)
        self.environment.process_exit_code = USAGE
        self._end()

    def _end(self) -> None:
        # stop() and quit() must not run in a greenlet that they kill
        is_headless = getattr(self.environment.parsed_options, "headless", True)
        gevent.spawn(self._runner.quit if is_headless else self._runner.stop)

    def _lead(self) -> None:
        settings = from_options(self.environment.parsed_options)
        target = profile.target(settings.target, base_url=self.environment.host or None)
        check_host(target.base_url, (settings.i_own,) if settings.i_own else ())
        trace, self._trace_file, folder = trace_of(settings)
        if any((folder / "history").glob("*.rows")):
            raise complaint(
                f"{folder} has the history of a run already",
                key="--run-folder",
                expected="a folder for each run",
                mend="name another folder, or leave it to be named after the run",
            )
        self.caps = {each.intake: cap.limit for each in trace.intakes for cap in each.caps if covers_all(cap)}
        log.info(
            "run %s: %d first sends of %d people in %.1f s to %s; history in %s",
            *(trace.run, len(trace.due_ns), len(trace.ids), trace.ends_ns / 1e9, target.base_url, folder),
        )
        variables = set_up(target, [each.intake for each in trace.intakes])
        if self._is_master:
            self._lead_workers(settings, trace, folder, variables)
            return
        self._alone = worker = Worker(
            trace,
            with_variables(target, variables),
            folder=folder / "history",
            shard=0,
            shards=1,
            clients=settings.clients or int(trace.traffic.clients.value),
            is_rush=self.is_rush,
            report=self.report,
        )
        start_ns = time.monotonic_ns() + AHEAD_NS
        signs.begins(folder, start_ns=start_ns, shards=1)
        worker.start(start_ns)
        worker.has_finished.wait()
        if worker.failure is not None:
            self.environment.process_exit_code = USAGE
        self._end()

    def _lead_workers(
        self, settings: Settings, trace: Trace, folder: Path, variables: Mapping[str, str]
    ) -> None:
        clients = sorted(self._alive())
        self._folder = folder
        for shard, client in enumerate(clients):
            said = {
                "settings": settings.as_plain(),
                "host": self.environment.host,
                "trace": str(self._trace_file),
                "digest": hashlib.sha256(self._trace_file.read_bytes()).hexdigest(),
                "folder": str(folder.resolve()),
                "boot": boot(),
                "run": trace.run,
                "shard": shard,
                "shards": len(clients),
                "variables": dict(variables),
                "is_rush": self.is_rush,
            }
            self._send("shard", said, client)
        self._wait_for("ready", clients, 120.0)
        offsets = self._clocks(clients)
        start_ns = time.monotonic_ns() + AHEAD_NS
        signs.begins(folder, start_ns=start_ns, shards=len(clients))
        for client, (offset_ns, bound_ns) in offsets.items():
            self._send("go", {"start_ns": start_ns, "offset_ns": offset_ns, "bound_ns": bound_ns}, client)
        if any(said.get("is_far") for said in self._said["ready"].values()):
            gevent.spawn(self._tell, folder)
        self._wait_for("done", clients, None)
        self._close_all(0.0)
        self._end()

    def _tell(self, folder: Path) -> None:
        """Say how far the run is, for as long as this process lives."""
        while True:
            signs.goes_on(folder, self.tally().as_plain())
            gevent.sleep(1.0)

    def _clocks(self, clients: list[str]) -> dict[str, tuple[int, int]]:
        """How each worker's clock stands to ours: the same one on one host, else bounded by exchanges."""
        for _ in range(EXCHANGES):
            for client in self._alive() & set(clients):
                self._send("clock", {"sent_ns": time.monotonic_ns()}, client)
            gevent.sleep(0.02)
        ready, ours = self._said["ready"], boot()
        found = {}
        for client in self._alive() & set(clients):
            is_here = bool(ours) and ready.get(client, {}).get("boot") == ours
            exchanges = self._exchanges[client]
            if is_here or not exchanges:
                found[client] = (0, 0)
            else:
                found[client] = clock_offset(exchanges)
        return found

    def _close_all(self, drain_s: float) -> None:
        """Have every worker close its record, and fetch the records of other hosts."""
        clients = sorted(set(self._said["ready"]) - set(self._said["closed"]))
        if not clients:
            return
        for client, (offset_ns, bound_ns) in self._clocks(clients).items():
            self._send("close", {"offset_ns": offset_ns, "bound_ns": bound_ns, "drain_s": drain_s}, client)
        self._wait_for("closed", clients, drain_s + 10.0)

    def _wait_for(self, topic: str, clients: list[str], limit_s: float | None) -> None:
        """Until every worker that lives has said it. BadInput if one cannot take part."""
        until = time.monotonic() + limit_s if limit_s is not None else float("inf")
        while missing := set(clients) & self._alive() - set(self._said[topic]):
            if self._said["failed"]:
                raise complaint(next(iter(self._said["failed"].values()))["why"])
            if time.monotonic() > max(until, self._moved_s + PIECES_S):
                log.warning("%d of %d workers did not say %s in time", len(missing), len(clients), topic)
                return
            gevent.sleep(0.02)
        if self._said["failed"]:
            raise complaint(next(iter(self._said["failed"].values()))["why"])
        if dead := set(clients) - self._alive() - set(self._said[topic]):
            log.warning(
                "%d of %d workers died; their records count as far as they go", len(dead), len(clients)
            )

    def _alive(self) -> set[str]:
        return {client for client, node in self._runner.clients.items() if node.state != "missing"}

    def _master_hears(self, topic: str, client: str, said: Any) -> None:
        if topic == "clock":
            times = (said["sent_ns"], said["received_ns"], said["answered_ns"], time.monotonic_ns())
            self._exchanges[client].append(Exchange(*times))
        elif topic == "piece":
            self._moved_s = time.monotonic()
            shipping.put(self._folder / "history", said)
        elif topic == "want-trace":
            self._send("trace", {"bytes": self._trace_file.read_bytes()}, client)
        else:
            self._said[topic][client] = said
        if topic in ("done", "closed"):
            self.tallies[client] = said["tally"]
        if (
            topic == "closed"
            and said["files"]
            and not shipping.arrived(self._folder / "history", said["files"])
        ):
            log.error(
                "the record of %s did not arrive whole; quotalab load-merge brings it from there", client
            )

    # ------------------------------------------------------------------ messages

    def _hear(self, topic: str, listener: Callable[[str, str, Any], None]) -> None:
        def heard(environment: Any, msg: Any, **_: Any) -> None:
            listener(topic, msg.node_id, msg.data)

        self._runner.register_message(TOPIC + topic, heard)

    def _send(self, topic: str, said: dict[str, Any], client: str | None = None) -> None:
        self._runner.send_message(TOPIC + topic, said, client)


def covers_all(cap: Any) -> bool:
    """Whether a cap is that of a whole intake, so that every grant of the intake counts against it."""
    return any(stream is None for _, stream in cap.covers) and len(cap.covers) == 1


def join(environment: Any, **_: Any) -> None:
    """Make this process a part of a run; called once Locust is ready."""
    options = environment.parsed_options
    replays = [each for each in environment.user_classes if getattr(each, "is_replay", False)]
    if (
        not getattr(options, "user_classes", None)
        and replays
        and not hasattr(environment.runner, "master_host")
    ):
        environment.user_classes = replays  # a closed loop is played when it is asked for by its name
    fleet = Fleet(environment, is_rush=not any(each in replays for each in environment.user_classes))
    environment.quotalab = fleet
    if environment.web_ui is not None:
        live.attach(environment.web_ui, lambda: (fleet.tally(), fleet.caps))
