"""A shard of a trace, played against a target: the sends, what was answered, and what follows from it.

Every attempt is put on record before its first byte leaves, and completed once its answer was read; what
happens to be under way when the process dies is on record too. An attempt that takes several requests (the
steps of the target) is one operation, from the first request to the last answer.

The conductor fires attempts. If a connection is idle, `fire` writes the request itself and a *hand*, a
greenlet that serves one attempt at a time, is woken when the answer arrives; otherwise the hand opens a
connection first. `attempt` does the same in the greenlet of its caller, for closed loops. Both end in
`_finish`.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

import gevent
from greenlet import greenlet

from loadtests.answer import Response
from loadtests.chains import Chain, Turns
from loadtests.client import Pool
from loadtests.conversation import converse
from loadtests.flights import Done, Flight, Hand, Record
from loadtests.pacing import Alarm, Conductor
from loadtests.plan import CLAIM, RELEASE, Plan
from loadtests.profile import Classified, Request, Target
from loadtests.protocol import ANSWER, CURRENT, NONE, OP, OPS, RESULT
from loadtests.tally import Tally
from loadtests.trace import Trace

TICKET: Final = OP["ticket"]
GRANTS: Final = frozenset({"granted", "replayed"})
GIVEN_BACK: Final = "given back"
HANDS_OF_A_RUSH: Final = 1_000_000
"""In a closed loop the users are the first clients; hands, which do their follow-ups, are numbered from
here."""
FAILED: Final = frozenset({"error", "unmatched", "rejected"})
"""Answers that Locust's statistics show as failures. A refusal is an answer like any other."""

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
        self._retry = target.retry
        self.is_stopped = False
        self._report = report
        self._turns: Turns[Flight] = Turns()
        self._free: list[Hand] = []
        self._hands = HANDS_OF_A_RUSH if is_rush else 0
        self._chains_open = 0
        self._holders: dict[tuple[str, str], int] = {}  # (intake, slot) -> who was granted it last
        self.conductor = Conductor(
            iter(()) if is_rush else ((flight.due_ns, flight) for flight in self.plan.first_sends),
            self.fire,
            is_over=lambda: self.plan.is_exhausted and not self._chains_open,
        )

    # ------------------------------------------------------------------ sending

    def fire(self, flight: Flight) -> None:
        """Send, without ever waiting; whatever has to be waited for is a hand's."""
        if not flight.is_first:
            flight.chain.due -= 1
        elif not self._begins(flight):
            return
        hand = self._free.pop() if self._free else self._hand()
        hand.flight = flight
        hand.connection = connection = self.pool.idle()
        self._invoke(flight, hand.number)
        if connection is not None and connection.put(flight.encoded):
            connection.waiter = hand.greenlet
            hand.is_partial = False
        else:
            hand.is_partial = True
            gevent.get_hub().loop.run_callback(hand.greenlet.switch)

    def attempt(self, flight: Flight, client: int) -> None:
        """Send and wait for the answer in this greenlet: closed loop, due when it leaves."""
        flight.due_ns = time.monotonic_ns()
        if not flight.is_first or self._begins(flight):
            self._invoke(flight, client)
            self._finish(flight, self.pool.send(flight.encoded))

    def _begins(self, flight: Flight) -> bool:
        """Whether a chain may begin, or has to wait for its person's turn."""
        chain = flight.chain
        if not self._turns.take(chain.person, flight):
            self.tally.dropped = self._turns.dropped
            return False
        self._chains_open += 1
        if chain.hedge_ns >= 0:
            self._later(flight.again(flight.due_ns + chain.hedge_ns))
        return True

    def _hand(self) -> Hand:
        hand = Hand(self._hands)
        self._hands += 1
        hand.greenlet = greenlet(lambda: self._serve(hand), gevent.get_hub())
        return hand

    def _invoke(self, flight: Flight, client: int) -> None:
        chain, due_ns = flight.chain, flight.due_ns
        flight.invoked_ns = now_ns = time.monotonic_ns()
        number = chain.began()
        flight.row = self.recorder.invoke(
            op=chain.op,
            person=chain.person,
            chain=chain.chain,
            attempt=number,
            client=client,
            due_ns=due_ns,
            invoked_ns=now_ns,
        )
        self.tally.left(now_ns - due_ns, is_first=not number)

    def _serve(self, hand: Hand) -> None:
        """The life of a hand: woken for an attempt, it sees it through and lies down again."""
        hub = gevent.get_hub()
        while True:
            flight, connection = hand.flight, hand.connection
            try:
                if connection is None:
                    response = self.pool.send(flight.encoded)
                elif hand.is_partial:
                    connection.write_out()
                    response = self.pool.finish(connection)
                else:
                    connection.waiter = None
                    response = self.pool.finish(connection, is_ready=True)
                self._finish(flight, response)
            except Exception:  # broken code here must not end the run: the attempt stays pending on record
                log.exception("an attempt was not brought to its end")
            self._free.append(hand)
            hub.switch()

    # ------------------------------------------------------------------ what was answered

    def _finish(self, flight: Flight, response: Response) -> None:
        """See the attempt through its further steps, record its answer, and begin what follows from it."""
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
        chosen = found.extracted.get("intake") if chain.intake == CURRENT else None
        self.recorder.complete(
            flight.row,
            completed_ns=completed_ns,
            result=RESULT[found.result],
            answer=ANSWER.get(found.answer, NONE),
            http_status=response.status,
            value=found.value,
            slot=found.slot,
            claim_id=found.claim_id,
            position=found.position,
            cap=found.cap,
            given_back=found.given_back,
            note=found.note,
            intake=chosen,
        )
        op = OPS[chain.op]
        self.tally.came(op, found.answer)
        problem = None
        if found.answer in FAILED:
            problem = found.note or f"{found.answer}: HTTP {response.status}"
        self._report(
            Done(op, found.answer, flight.due_ns, flight.invoked_ns, completed_ns, response, problem)
        )
        if chain.op == CLAIM and found.answer in GRANTS:
            self._granted(chain, found, chosen)
        elif found.given_back:
            chain.slot = GIVEN_BACK
        due_ns = chain.answered(
            found.answer,
            found.result,
            invoked_ns=flight.invoked_ns,
            completed_ns=completed_ns,
            rule=self._retry,
            retry_after_s=found.retry_after_s if self._retry.retry_after else None,
        )
        if due_ns is not None and not self.is_stopped:
            self._later(flight.again(due_ns))
        elif chain.is_over:
            self._over(chain, found, completed_ns)

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
        return replies[-1], told.classified._replace(extracted=told.variables)

    def _granted(self, chain: Chain, found: Classified, chosen: str | None) -> None:
        tally = self.tally
        slot = found.slot or self.trace.applicant[chain.person]
        if chain.slot is None:
            chain.slot = slot
            chain.claim_id = found.claim_id or ""
            chain.intake = chosen or chain.intake
            tally.granted[chain.intake] += 1
            holder = self._holders.setdefault((chain.intake, slot), chain.person)
            tally.anomalies["slots granted to two people"] += holder != chain.person
        elif chain.slot != slot:
            tally.granted[chain.intake] += 1
            tally.anomalies["two slots under one key"] += 1

    # ------------------------------------------------------------------ what follows

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
        if chain.op == CLAIM and chain.slot is not None and self.plan.withdraws_ns[person] >= 0:
            release = self.plan.chain(RELEASE, person, chain.chain, 0)
            release.intake, release.claim_id = chain.intake, chain.claim_id
            self._follow(release, max(self.plan.start_ns + self.plan.withdraws_ns[person], now_ns))
        elif chain.op == TICKET and found.result == "ok":
            claim = self.plan.chain(CLAIM, person, chain.chain, 0)
            claim.intake = chain.intake
            claim.variables = {**chain.variables, **found.extracted}
            self._follow(claim, max(self._admitted_ns(found.value or 0), now_ns))
        if chain.on_over is not None:
            chain.on_over()
        if next_flight is not None and not self.is_stopped:
            next_flight.is_first = False
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
