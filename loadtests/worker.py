"""One worker of a run: it plays its shard, keeps its record, and counts for those who watch.

Its life: `prepare` (trace, target, connections, files), `start` at a moment that all workers share, `finish`
or `stop`, `close`. What can be wrong with the input is found in `prepare`, before anything is sent.
"""

import gc
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import gevent
from gevent.event import Event

from loadtests.client import Pool
from loadtests.conversation import converse
from loadtests.flights import Done
from loadtests.pacing import alarm
from loadtests.play import Play
from loadtests.profile import Target, Who
from loadtests.recorder import Recorder
from loadtests.settings import LEFT_BY_SETUP
from loadtests.tally import Tally
from loadtests.trace import Trace
from loadtests.transport import Tls
from sim.errors import complaint

INJECTED: Final = "QUOTALAB_CLOCK_OFFSET_NS"
"""Of the environment: this worker's clock is taken to be so far off. For tests of the clocks' comparison."""
ENROLLING: Final = 32

log = logging.getLogger(__name__)


def pool_for(target: Target, shards: int = 1) -> Pool:
    """The connections to a target; of those that it bears at once, one of so many workers has its share."""
    most = max(1, target.capabilities.most_clients // shards)
    tls = Tls(
        ca_file=Path(target.tls.ca_file) if target.tls.ca_file else None,
        client_certificate=Path(target.tls.certificate_file) if target.tls.certificate_file else None,
        client_key=Path(target.tls.key_file) if target.tls.key_file else None,
        verify=target.tls.verify,
    )
    return Pool(target.base_url, timeout_s=target.profile.timeout_s, tls=tls, most=most)


def set_up(target: Target, intakes: Sequence[str] = ()) -> Mapping[str, str]:
    """The variables for all requests: `setup` is sent, unless whoever started this process has done it."""
    if (left := os.environ.pop(LEFT_BY_SETUP, None)) is not None:
        return {**target.variables, **json.loads(left)}
    pool = pool_for(target)
    try:
        if (refusal := pool.warm(1)) is not None:
            raise complaint(refusal, key="--host", expected="a service that listens there")
        variables: Mapping[str, str] = target.variables
        for who in target.set_up_by(intakes):
            variables = _conversed(pool, target, who, variables, "setup")
        return variables
    finally:
        pool.close()


def _conversed(
    pool: Pool, target: Target, who: Who, variables: Mapping[str, str], part: str
) -> Mapping[str, str]:
    steps = getattr(target, part)
    if not steps:
        return variables
    told = converse(steps, who, variables, pool.attempt, gevent.sleep, time.monotonic)
    if told.classified.result != "ok":
        said = told.classified.note or told.classified.answer
        raise complaint(f"{part} was not answered as the profile expects: {said}", key=part)
    return {**variables, **told.variables}


class Worker:
    """What one process does in a run."""

    def __init__(
        self,
        trace: Trace,
        target: Target,
        *,
        folder: Path,
        shard: int,
        shards: int,
        clients: int,
        is_rush: bool,
        report: Callable[[Done], None],
    ) -> None:
        self.shard = shard
        self.tally = Tally(late_ns=int(trace.traffic.late_ms.value * 1e6))
        self.has_started = Event()
        self.has_finished = Event()
        self.failure: BaseException | None = None
        self.host = socket.gethostname()
        self.shift_ns = int(os.environ.get(INJECTED, "0"))
        self._pool = pool_for(target, shards)
        self._alarm = alarm()
        self._is_closed = False
        mine = trace.shard(shard, shards)
        self._recorder = Recorder(folder, host=self.host, worker=shard, rows=3 * len(mine.due_ns) + 1_000)
        self.play = Play(
            mine,
            target,
            self._pool,
            Shifted(self._recorder, self.shift_ns) if self.shift_ns else self._recorder,
            report=report,
            tally=self.tally,
            is_rush=is_rush,
        )
        self._enrol(target)
        share = min(clients, target.capabilities.most_clients) // shards
        if (refusal := self._pool.warm(max(share, 1))) is not None:
            raise complaint(refusal, key="--host", expected="a service that listens there")

    def clock_ns(self) -> int:
        """This worker's clock, as its record has it."""
        return time.monotonic_ns() + self.shift_ns

    def start(self, start_ns: int, *, offset_ns: int = 0, bound_ns: int = 0) -> None:
        """Play, from this moment of the master's clock, which is so far behind ours."""
        self.clock(offset_ns=offset_ns, bound_ns=bound_ns)
        self.play.plan.start_ns = start_ns + offset_ns - self.shift_ns
        # A collection that looks at everything takes tens of milliseconds, in which nothing leaves on time.
        # What is here now stays to the end of the run, and what a run makes has few cycles.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1_000)
        self.has_started.set()
        gevent.spawn(self._run)

    def clock(self, *, offset_ns: int, bound_ns: int) -> None:
        """Keep how this host's clock stands to the master's."""
        if not self._is_closed:
            self._recorder.clock(offset_ns=offset_ns, bound_ns=bound_ns)

    def stop(self, drain_s: float) -> None:
        """Send nothing more; what is under way after drain_s stays pending on record."""
        self.play.stop(drain_s=drain_s)
        self.has_finished.set()

    def close(self) -> None:
        """Close the record and the connections, and say how punctual the sends were."""
        if self._is_closed:
            return
        self._is_closed = True
        self._recorder.close()
        self._pool.close()
        tally = self.tally
        log.info(
            "worker %d, paced by %s: %d attempts left a median of %.2f ms and p99 %.1f ms "
            "after they were due; %d of them later than %g ms",
            self.shard,
            self._alarm.name,
            tally.sent,
            tally.quantile(0.5),
            tally.quantile(0.99),
            tally.late,
            tally.late_ns / 1e6,
        )

    def _run(self) -> None:
        try:
            self.play.run(self._alarm)
        except BaseException as error:
            self.failure = error
            log.exception("worker %d broke off", self.shard)
        self.has_finished.set()

    def _enrol(self, target: Target) -> None:
        """Each applicant of the shard, once, before the run."""
        if not target.enrol:
            return
        plan = self.play.plan
        people = iter(sorted({person for person in plan.trace.person.tolist() if person >= 0}))

        def some() -> None:
            for person in people:
                who = self.play.plan.who_is(person)
                self.play.plan.enrolled[person] = _conversed(
                    self._pool, target, who, target.variables, "enrol"
                )

        greenlets = [gevent.spawn(some) for _ in range(ENROLLING)]
        gevent.joinall(greenlets, raise_error=True)


class Shifted:
    """A recorder on a host whose clock is off: every time that is kept is moved."""

    def __init__(self, recorder: Recorder, shift_ns: int) -> None:
        self._recorder = recorder
        self._shift_ns = shift_ns

    def invoke(
        self, op: int, person: int, chain: int, attempt: int, client: int, due_ns: int, invoked_ns: int
    ) -> int:
        moments = (due_ns + self._shift_ns, invoked_ns + self._shift_ns)
        return self._recorder.invoke(op, person, chain, attempt, client, *moments)

    def complete(self, row: int, completed_ns: int, *told: Any) -> None:
        self._recorder.complete(row, completed_ns + self._shift_ns, *told)


def with_variables(target: Target, variables: Mapping[str, str]) -> Target:
    """The target with what its setup left."""
    return replace(target, variables=variables)
