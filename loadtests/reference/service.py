"""What happens to a request between the wire and the store: the gate, the clock's choice, the waiting room.

The gate asks what needs no slot to be looked at: is the intake known, may this person apply at all, is the
application complete, has the waiting room let them in.
"""

import contextlib
import hmac
import math
from collections.abc import Iterator

from fastapi.security import HTTPAuthorizationCredentials

from loadtests import protocol
from loadtests.reference import models
from loadtests.reference.calendar import Calendar
from loadtests.reference.clock import NEVER_AGAIN, Clock
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
        calendar = Calendar(settings.years, time_zone=settings.time_zone, origin_ms=settings.origin_ms)
        self._at_work: set[tuple[str, str]] = set()
        self.keeper = Keeper(store, clock, log, calendar)

    async def begin(self) -> None:
        """Start the store; the first worker makes known what the store does not know yet."""
        await self.store.start()
        if self.settings.worker == 0 and self.clock.board.ordered_ms != NEVER_AGAIN:
            await self._announce({each.intake for each in await self.store.schedule()})
            self.clock.board.changed()
        await self.keeper.reload()

    async def _announce(self, known: set[str]) -> None:
        """An intake has the caps of its opening, or of now if that is past; what led to them is no order."""
        now = self.clock.now_ms()
        new = [year for year in self.settings.years if year.intake not in known]
        for year in new:
            caps = year.caps_at(max(now, year.opens_at or 0))
            await self.store.announce(year.intake, caps, year.opens_at, year.closes_at)
        if len(new) == len(self.settings.years):
            self.clock.board.ordered_ms = now

    async def forget(self) -> None:
        """Forget all; what was in the service's calendar is not to be ordered for what comes after it."""
        self.clock.board.ordered_ms = NEVER_AGAIN
        await self.store.reset()
        await self.keeper.changed()

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
                is_known = ticket is not None and self.clock.rate > 0
                wait_s = max(1, math.ceil(wait_ms / 1000 / self.clock.rate)) if is_known else 1
                raise Refusal("not-admitted", retry_s=wait_s)

    def admitted_at(self, intake: Announced, ticket: Ticket) -> int:
        """Places are let in one by one, from the opening or the first ticket on, whichever is later."""
        if self.settings.admit_per_minute is None:
            return ticket.issued_at
        begins = max(ticket.first_at, intake.opens_at or 0)
        turn = begins + math.ceil((ticket.position - 1) * 60_000 / self.settings.admit_per_minute)
        return max(turn, ticket.issued_at)

    @contextlib.contextmanager
    def at_work(self, applicant: str, key: str) -> Iterator[None]:
        """While a key is at work, another claim under it waits for its turn, or is told so at once.

        Waiting is the store's business, and right for all of them: whoever comes second, in this process or
        in another, is decided after the first and gets its answer again. The conflict is told for the sake
        of clients that have to live with services which answer so; a worker knows only of its own claims.
        """
        if self.settings.same_key == "wait":
            yield
            return
        if (applicant, key) in self._at_work:
            raise Refusal("idempotency-in-progress", retry_s=1)
        self._at_work.add((applicant, key))
        try:
            yield
        finally:
            self._at_work.discard((applicant, key))

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
