"""A shard of a trace, played against a target: the sends, what was answered, and what follows from it.

Every attempt is put on record before its first byte leaves, and completed once its answer was read; what
happens to be under way when the process dies is on record too. An attempt that takes several requests (the
steps of the target) is one operation, from the first request to the last answer.

The conductor fires attempts: if a connection is idle, the request is written at once, and the pool calls
`_answered` when the answer has arrived; otherwise a greenlet of the attempt's own opens a connection first.
In a closed loop (`rush`) the answer to a user's request fires the next one. A *client* is a number that the
history has, with one attempt under way at a time: a user of a closed loop, or one of as many as are needed.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

import gevent

from loadtests.answer import Response
from loadtests.chains import NOBODY, Chain, Turns
from loadtests.client import Pool
from loadtests.connection import Connection
from loadtests.conversation import converse
from loadtests.flights import Done, Flight, Record, Rusher
from loadtests.pacing import Alarm, Conductor
from loadtests.plan import CLAIM, RELEASE, Plan
from loadtests.profile import Classified, Request, Target
from loadtests.protocol import ANSWER, CURRENT, NONE, OP, OPS, RESULT
from loadtests.tally import Tally
from loadtests.trace import Trace
from loadtests.tries import next_try, where

TICKET: Final = OP["ticket"]
GRANTS: Final = frozenset({"granted", "replayed"})
GIVEN_BACK: Final = "given back"
CLIENTS_BESIDE_A_RUSH: Final = 1_000_000
"""In a closed loop the users are the first clients; those who do their follow-ups are numbered from here."""
FAILED: Final = frozenset({"error", "unmatched", "rejected"})
"""Answers that Locust's statistics show as failures. A refusal is an answer like any other."""

_NEW: Final = tuple.__new__

log = logging.getLogger(__name__)


class Play:
    """One worker's part of a run, from the first due time to the last answer."""

    def __init__(
        self,
        trace: Trace,
        target: Target,
        pool: Pool,
        recorder: Record,
        *,
        report: Callable[[Done], None],
        tally: Tally,
        is_rush: bool = False,
    ) -> None:
        self.trace, self.target, self.pool, self.recorder = trace, target, pool, recorder
        self.tally = tally
        self.tally.planned = len(trace.due_ns)
        self.plan = Plan(trace, target, pool)
        self._put_invoked, self._put_completed = recorder.invoke, recorder.complete
        self._idle = pool.idle
        self._retry = target.retry
        self._heeds_waits = target.retry.retry_after
        self.is_stopped = False
        self._report = report
        self._turns: Turns[Flight] = Turns()
        pool.answered, pool.handled = self._answered, self.leave
        self._leaving: list[Flight] = []  # next requests of users, for the moment
        self._free: list[int] = []  # clients with no attempt under way
        self._clients = CLIENTS_BESIDE_A_RUSH if is_rush else 0
        self._chains_open = 0
        self._holders: dict[tuple[str, str], int] = {}  # (intake, slot) -> who was granted it last
        self._slots: dict[int, list[str]] = {}  # person -> slots of earlier chains, where they are read back
        self._reads_back = target.retry.resolve == "read-back"
        self._keeps = target.keeps_variables
        self.conductor = Conductor(
            iter(()) if is_rush else ((flight.due_ns, flight) for flight in self.plan.first_sends),
            self.fire,
            is_over=lambda: self.plan.is_exhausted and not self._chains_open,
        )

    # ------------------------------------------------------------------ sending

    def fire(self, flight: Flight) -> None:
        """Send what is due, without ever waiting."""
        if not flight.is_first:
            flight.chain.due -= 1
        elif not self._begins(flight):
            return
        self._send(flight, self._free.pop() if self._free else self._client())

    def rush(self, user: Rusher) -> None:
        """Send the user's next request, due when it leaves; when nothing is left or wanted, say so."""
        while not self.is_stopped and user.is_wanted():
            flight = self.plan.take()
            if flight is None:
                self.conductor.look_again()
                break
            flight.due_ns = time.monotonic_ns()
            if self._begins(flight):
                flight.user = user
                self._leaving.append(flight)
                return
        user.over.set()

    def leave(self) -> None:
        """Send the next requests of the users whose answers arrived together: one after the other, since
        writing by turns with reading costs more of the processor."""
        leaving, self._leaving = self._leaving, []
        for flight in leaving:
            assert flight.user is not None, "only users of a closed loop"
            self._send(flight, flight.user.number)

    def _begins(self, flight: Flight) -> bool:
        """Whether a chain may begin, or has to wait for its person's turn."""
        chain = flight.chain
        if not self._turns.take(chain.person, flight):
            self.tally.dropped = self._turns.dropped
            return False
        self._chains_open += 1
        if self._keeps:
            self._bring_up_to_date(flight)
        if chain.hedge_ns >= 0:
            self._later(flight.again(flight.due_ns + chain.hedge_ns))
        return True

    def _client(self) -> int:
        self._clients += 1
        return self._clients - 1

    def _send(self, flight: Flight, client: int) -> None:
        """Write the request if a connection is idle; whatever has to be waited for is another greenlet's."""
        now_ns = time.monotonic_ns()
        connection = self._idle(now_ns)
        self._invoke(flight, client, now_ns)
        if connection is not None and connection.put(flight.encoded, now_ns):
            connection.item = flight
        else:
            gevent.spawn(self._send_slowly, flight, connection)

    def _send_slowly(self, flight: Flight, connection: Connection | None) -> None:
        response = self.pool.begin(flight.encoded, flight, connection)
        if response is not None:  # there will be no answer
            self._answered(flight, response)
            self.leave()

    def _invoke(self, flight: Flight, client: int, now_ns: int) -> None:
        chain, due_ns = flight.chain, flight.due_ns
        flight.client = client
        flight.invoked_ns = now_ns
        number = chain.began()
        flight.row = self._put_invoked(
            chain.op, chain.person, chain.row_chain, number, client, due_ns, now_ns
        )
        self.tally.left(now_ns - due_ns, is_first=not number)

    # ------------------------------------------------------------------ what was answered

    def _answered(self, flight: Flight, response: Response) -> None:
        """An attempt came to its end: what follows, and the next request of a user in a closed loop."""
        user = flight.user
        try:
            is_over = self._finish(flight, response)
            if user is None:
                pass
            elif is_over:
                self.rush(user)
            else:  # a retry or a twin is under way or due
                flight.chain.on_over = lambda: self.rush(user)
        except Exception as broken:  # code here must not end the run: the attempt stays pending on record
            if user is None:
                log.exception("an attempt was not brought to its end")
            else:
                user.broken = broken
                user.over.set()
        if user is None:
            self._free.append(flight.client)

    def _finish(self, flight: Flight, response: Response) -> bool:
        """See the attempt through its further steps, record its answer, and begin what follows from it.
        Whether that was the end of the chain."""
        chain = flight.chain
        if response.error is None:
            found = flight.steps[0].classify(
                response.status, response.headers, response.body, chain.variables, flight.who
            )
            if not found.done:
                response, found = self._further(flight, response)
        else:
            found = Classified("error", "info" if response.was_written else "fail", note=response.error)
        completed_ns = time.monotonic_ns()
        # One step for all fields costs a third of looking them up one by one.
        answer, result, slot, claim_id, position, value, cap, given_back, wait_s, extracted, _, _, _, note = (
            found
        )
        chosen = extracted.get("intake") if chain.intake == CURRENT else None
        told = (value, slot, claim_id, position, cap, given_back, note, chosen)
        codes = (RESULT[result], ANSWER.get(answer, NONE), response.status)
        self._put_completed(flight.row, completed_ns, *codes, *told)
        op = OPS[chain.op]
        self.tally.came(op, answer)
        problem = (note or f"{answer}: HTTP {response.status}") if answer in FAILED else None
        # tuple.__new__ goes past a call by name, as in classify.py.
        done = (op, answer, flight.due_ns, flight.invoked_ns, completed_ns, response, problem)
        self._report(_NEW(Done, done))
        if chain.op == CLAIM and answer in GRANTS:
            self._granted(chain, found, chosen)
        elif given_back:
            chain.slot = GIVEN_BACK
        due_ns = chain.answered(
            answer,
            result,
            invoked_ns=flight.invoked_ns,
            completed_ns=completed_ns,
            rule=self._retry,
            retry_after_s=wait_s if self._heeds_waits else None,
        )
        if self._keeps and extracted:
            chain.variables = {**chain.variables, **extracted}
        if due_ns is not None and not self.is_stopped:
            self._later(self._next_try(flight, due_ns))
        elif not (chain.in_flight or chain.due):
            self._over(chain, found, completed_ns)
            return True
        return False

    def _further(self, flight: Flight, response: Response) -> tuple[Response, Classified]:
        """The steps after the first, or the first again while it is polled."""
        chain, replies, asked = flight.chain, [response], 0

        def attempt(request: Request) -> Response:
            nonlocal asked
            asked += 1
            if asked > 1:  # the answer to the first is here already
                replies.append(self.pool.attempt(request))
            return replies[-1]

        def pause(seconds: float) -> None:
            if asked:
                gevent.sleep(seconds)

        told = converse(flight.steps, flight.who, chain.variables, attempt, pause, time.monotonic)
        chain.variables = {**chain.variables, **told.variables}
        whole = self.target.operation(OPS[chain.op])
        chain.reached = max(chain.reached, where(flight.steps, whole, told.step))
        return replies[-1], told.classified._replace(extracted=told.variables)

    def _granted(self, chain: Chain, found: Classified, chosen: str | None) -> None:
        tally = self.tally
        slot = found.slot or self.trace.applicant[chain.person]
        if chain.slot is None:
            chain.slot = slot
            chain.claim_id = found.claim_id or ""
            chain.intake = chosen or chain.intake
            if self._reads_back:
                self._slots.setdefault(chain.person, []).append(slot)
            tally.granted[chain.intake] += 1
            holder = self._holders.setdefault((chain.intake, slot), chain.person)
            if holder != chain.person:
                tally.anomalies["slots granted to two people"] += 1
        elif chain.slot != slot:
            tally.granted[chain.intake] += 1
            tally.anomalies["two slots under one key"] += 1

    # ------------------------------------------------------------------ what follows

    def _next_try(self, flight: Flight, due_ns: int) -> Flight:
        slots = self._slots.get(flight.chain.person, ())
        return next_try(
            flight, due_ns, trace=self.trace, target=self.target, encode=self.pool.encode, slots=slots
        )

    def _bring_up_to_date(self, flight: Flight) -> None:
        """A first send was made ahead of its time: the person's earlier chains may have left more since."""
        chain = flight.chain
        known = self.plan.enrolled.get(chain.person)
        if known is not None and known is not chain.variables:
            chain.variables = {**chain.variables, **known}
            flight.encoded = self.pool.encode_step(flight.steps[0], flight.who, chain.variables)

    def _later(self, flight: Flight) -> None:
        flight.chain.due += 1
        self.conductor.at(flight.due_ns, flight)

    def _over(self, chain: Chain, found: Classified, now_ns: int) -> None:
        """The chain is over: its person may withdraw, claim after a ticket, or begin the next chain."""
        person = chain.person
        self._chains_open -= 1
        if chain.op == RELEASE and chain.slot == GIVEN_BACK:
            self.tally.granted[chain.intake] -= 1
        next_flight = self._turns.leave(person, in_doubt=chain.doubt_ns > 0)
        self.tally.dropped = self._turns.dropped
        if self._keeps and person != NOBODY:
            self.plan.enrolled[person] = chain.variables
        if self._reads_back and chain.op == RELEASE and found.answer == "released":
            self._slots.pop(person, None)
        release_ns = -1
        if chain.op == CLAIM and chain.slot is not None:
            release_ns = self.trace.release_due_ns(person, chain.chain)
        if release_ns >= 0:
            release = self.plan.chain(RELEASE, person, chain.chain, 0)
            release.intake, release.claim_id = chain.intake, chain.claim_id
            self._follow(release, max(self.plan.start_ns + release_ns, now_ns))
        elif chain.op == TICKET and found.result == "ok":
            claim = self.plan.chain(CLAIM, person, chain.chain, 0)
            claim.intake = chain.intake
            claim.variables = {**chain.variables, **found.extracted}
            self._follow(claim, max(self._admitted_ns(found.value or 0), now_ns))
        if chain.on_over is not None:
            chain.on_over()
        if next_flight is not None and not self.is_stopped:
            next_flight.is_first = False
            if self._keeps:
                self._bring_up_to_date(next_flight)
            self._chains_open += 1
            self._later(next_flight)
        if not self._chains_open:
            self.conductor.look_again()

    def _admitted_ns(self, position: int) -> int:
        """When the waiting room lets in whoever has this position."""
        per_s = self.trace.admitted_per_s
        return self.plan.start_ns + (int(position / per_s * 1e9) if per_s else 0)

    def _follow(self, chain: Chain, due_ns: int) -> None:
        flight = self.plan.flight(chain, due_ns)
        if flight is not None and not self.is_stopped:
            self.conductor.at(due_ns, flight)

    # ------------------------------------------------------------------ the run

    def run(self, alarm: Alarm) -> None:
        """Play the whole shard; returns when every chain is over, or soon after `stop`."""
        self.conductor.run(alarm)

    def stop(self, *, drain_s: float) -> None:
        """Send nothing more, and give answers that are on their way so long to arrive."""
        self.is_stopped = True
        self.conductor.stop()
        until_ns = time.monotonic_ns() + int(drain_s * 1e9)
        while self.tally.in_flight and time.monotonic_ns() < until_ns:
            gevent.sleep(0.02)
