"""The flights of a shard: who asks what of the target, at which moment, with the request encoded.

A plan turns rows of the trace into the first sends of chains, and makes the chains that follow from answers:
the release of what was granted, the claim after a ticket.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from loadtests.chains import NOBODY, Chain
from loadtests.client import Pool
from loadtests.flights import Flight
from loadtests.profile import Target, Who
from loadtests.protocol import CURRENT, OP, OPS
from loadtests.trace import Trace

CLAIM: Final = OP["claim"]
RELEASE: Final = OP["release"]
_NEW: Final = tuple.__new__
BLOCK: Final = 4_096
"""Rows turned from columns into numbers at a time."""


class Plan:
    """What a worker will send, as far as it is known before the answers."""

    def __init__(self, trace: Trace, target: Target, pool: Pool) -> None:
        self.trace, self.target = trace, target
        self.start_ns = 0
        """The moment from which due times count; set before the first flight is taken."""
        self.enrolled: dict[int, Mapping[str, str]] = {}
        """What the target's `enrol` left for each person's requests."""
        self.is_exhausted = False
        # Lists, since numbers are taken from them one by one, which columns are slow at.
        self._retries = np.minimum(trace.retries, target.retry.most).tolist()
        said_s = target.retry.pause_s  # by the target, instead of what is drawn for each person
        self._pauses_ns = (
            trace.backoff_ns.tolist() if said_s is None else [int(said_s * 1e9)] * len(trace.ids)
        )
        self._hedges_ns = trace.hedge_ns.tolist()
        self._people = list(
            zip(
                *(trace.applicant, trace.stream, trace.residence, trace.certificate.tolist()),
                *(trace.letter.tolist(), trace.complete.tolist()),
                strict=True,
            )
        )
        self._names = {year: str(year) for year in np.unique(trace.intake).tolist()} | {0: CURRENT}
        self._steps = [target.operation(op) for op in OPS]
        self._encode = pool.encode_step
        self.first_sends = self._sends()
        """The first sends of the shard, in the order of their due times."""

    def take(self) -> Flight | None:
        """The next first send, for a closed loop; None after the last."""
        return next(self.first_sends, None)

    def _sends(self) -> Iterator[Flight]:
        trace = self.trace
        columns = (trace.due_ns, trace.op, trace.person, trace.chain, trace.intake)
        for start in range(0, len(trace.due_ns), BLOCK):
            block = (column[start : start + BLOCK].tolist() for column in columns)
            for due_ns, op, person, number, year in zip(*block, strict=True):
                flight = self.flight(self.chain(op, person, number, year), self.start_ns + due_ns)
                if flight is not None:
                    yield flight
        self.is_exhausted = True

    def chain(self, op: int, person: int, number: int, year: int) -> Chain:
        """A chain before its first attempt; the year 0 leaves the intake to the service."""
        trace = self.trace
        if person == NOBODY:
            order = trace.orders[number]
            chain = Chain(op, person, number, order.intake, "")
            if order.cap:
                chain.variables = {**self.target.variables, "cap": order.cap, "limit": str(order.limit)}
            return chain
        chain = Chain(
            op,
            person,
            number,
            self._names[year],
            trace.release_key(person, number) if op == RELEASE else trace.key(person, number),
        )
        # As arguments with names these would cost three times as much.
        chain.retries_left = self._retries[person]
        chain.pause_ns = self._pauses_ns[person]
        if op == CLAIM:
            chain.hedge_ns = self._hedges_ns[person]
        chain.variables = self.enrolled.get(person) or self.target.variables
        return chain

    def flight(self, chain: Chain, due_ns: int) -> Flight | None:
        """The chain's first request; None if the target has no such operation."""
        steps = self._steps[chain.op]
        if not steps:
            return None
        chain.variables = chain.variables or self.target.variables
        who = self._who(chain)
        encoded = self._encode(steps[0], who, chain.variables)
        return Flight(chain, due_ns, who, steps, encoded)

    def who_is(self, person: int) -> Who:
        """A person, before any chain."""
        return self._who(Chain(CLAIM, person, 0, CURRENT, self.trace.key(person, 0)))

    def _who(self, chain: Chain) -> Who:
        """As whom the chain's requests speak."""
        trace, person = self.trace, chain.person
        if person == NOBODY:
            return Who("", intake=chain.intake)
        number = chain.chain
        applicant, stream, residence, certificate, letter, complete = self._people[person]
        reason = trace.reason(person, number) if chain.op == RELEASE else ""
        # tuple.__new__ goes past a call by name, which would cost as much as the rest.
        return _NEW(
            Who,
            (
                *(applicant, stream, residence, certificate, letter, complete or number > 0),
                *(chain.key, chain.intake, chain.claim_id, number, reason),
            ),
        )
