"""What happens to a request between the wire and the store: the gate, the clock's choice, the waiting room.

The gate asks what needs no slot to be looked at: is the intake known, may this person apply at all, is the
application complete, has the waiting room let them in.
"""

import hmac
import math

from fastapi.security import HTTPAuthorizationCredentials

from loadtests import protocol
from loadtests.reference import models
from loadtests.reference.clock import Clock
from loadtests.reference.eligibility import Application, broken_rule
from loadtests.reference.keeper import Keeper
from loadtests.reference.logs import log
from loadtests.reference.problems import Refusal
from loadtests.reference.settings import Settings
from loadtests.reference.stores.store import Announced, Answer, Store, Ticket
from sim.ledger import Claim, Closed, Mismatch


class Service:
    """What the routes of one worker share. It begins and ends with the worker's event loop."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, token: str | None) -> None:
        self.settings, self.store, self.clock, self._token = settings, store, clock, token
        self.keeper = Keeper(store, clock, log, refreshes=settings.worker == 0)

    async def begin(self) -> None:
        """Start the store; the first worker makes known what the store does not know yet."""
        await self.store.start()
        if self.settings.worker == 0:
            known = {each.intake for each in await self.store.schedule()}
            for year in self.settings.years:
                if year.intake not in known:
                    await self.store.announce(year.intake, year.caps, year.opens_at, year.closes_at)
            self.clock.board.changed()
        await self.keeper.reload()

    async def intake(self, name: str) -> Announced:
        """The known intake of a path, with everything done to it that was due."""
        await self.keeper.turn()
        current = self.keeper.current() if name == protocol.CURRENT else name
        found = None if current is None else self.keeper.intakes.get(current)
        if found is None:
            raise Refusal("unknown")
        return found

    def admit(self, bearer: HTTPAuthorizationCredentials | None) -> None:
        """Let an administrator in. Without a token in the environment everybody is one."""
        given = "" if bearer is None else bearer.credentials
        if self._token and not hmac.compare_digest(given.encode(), self._token.encode()):
            raise Refusal("unauthorized")

    async def check(self, intake: Announced, body: models.ClaimBody) -> None:
        """The gate: what is decided without looking at a slot."""
        person = Application(body.stream, body.residence, body.certificate, body.letter, body.complete)
        rule = broken_rule(person, self.settings.ineligible_streams)
        if rule is not None:
            raise Refusal("ineligible", rule=rule)
        if not body.complete and self.keeper.spec.counts != "received":
            raise Refusal("incomplete")
        if self.settings.admit_per_minute is not None:
            ticket = await self.store.ticket(intake.intake, body.applicant, 0, issue=False)
            wait_ms = math.inf if ticket is None else self.admitted_at(intake, ticket) - self.clock.now_ms()
            if wait_ms > 0:
                wait_s = 1 if ticket is None else max(1, math.ceil(wait_ms / 1000 / self.clock.rate))
                raise Refusal("not-admitted", retry_s=wait_s)

    def admitted_at(self, intake: Announced, ticket: Ticket) -> int:
        """Places are let in one by one, from the opening or the first ticket on, whichever is later."""
        if self.settings.admit_per_minute is None:
            return ticket.issued_at
        begins = max(ticket.first_at, intake.opens_at or 0)
        turn = begins + math.ceil((ticket.position - 1) * 60_000 / self.settings.admit_per_minute)
        return max(turn, ticket.issued_at)

    async def claim(self, intake: Announced, body: models.ClaimBody, key: str) -> tuple[Claim, Answer]:
        claim = Claim(body.applicant, key, intake.intake, body.stream)
        return claim, await self.store.apply(claim, at=self.clock.now_ms())

    async def claim_current(self, body: models.ClaimBody, key: str) -> tuple[Claim, Answer]:
        """The clock chooses the intake, but a key that was answered in an earlier one stays there."""
        intake = await self.intake(protocol.CURRENT)
        await self.check(intake, body)
        claim, answer = await self.claim(intake, body, key)
        if isinstance(answer.reply, Mismatch):
            asked = await self.store.asked(body.applicant, key)
            if asked is not None and asked.stream == body.stream:
                claim = Claim(body.applicant, key, asked.intake, body.stream)
                answer = await self.store.apply(claim, at=self.clock.now_ms())
        elif isinstance(answer.reply, Closed) and self.keeper.spec.refusals == "fresh":
            later = await self.intake(protocol.CURRENT)  # the year may have turned under way
            if later.intake != intake.intake:
                claim, answer = await self.claim(later, body, key)
        return claim, answer
