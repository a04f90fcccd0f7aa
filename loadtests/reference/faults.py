"""Three planted faults, for the checks to find. Each wraps a store that is right.

check-then-act         reads whether there is room, and grants a moment later without looking again: the cap
                       is passed when two ask at once
non-idempotent-retry   a request that comes again under its key is served again: one person, two slots
per-worker-cap         each worker counts its own grants against the cap: N workers, N times the cap
"""

import asyncio
import itertools
from typing import Any

from loadtests.reference.stores.store import Answer, Holding, Store
from sim.ledger import Claim, Command, Full, Granted, Replayed

FAULTS = ("check-then-act", "non-idempotent-retry", "per-worker-cap")

MARK = "~again-"  # parts an applicant from the number of a repeat, in the store alone

GAP_S = 0.02  # between reading and granting, as if a slow check of the papers stood there


class _Wrapper:
    """A store that does all as the wrapped one does, but for what the fault changes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def _full(self, claim: Claim) -> Full | None:
        """By a reading of its own, the first cap over the claim that has no room."""
        figures = await self._store.figures(claim.intake)
        for each in () if figures is None else figures.caps:
            if each.cap.is_over(claim.intake, claim.stream) and each.judged >= each.cap.limit:
                return Full(each.cap.name)
        return None


class CheckThenAct(_Wrapper):
    """The reading and the grant are two steps, and between them anybody may take the last slot."""

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        if not isinstance(command, Claim) or await self._full(command) is not None:
            return await self._store.apply(command, slot=slot, at=at)
        await asyncio.sleep(GAP_S)
        return await self._store.apply(command, slot=slot, at=at, unchecked=True)


class NonIdempotentRetry(_Wrapper):
    """A repeat takes another slot for the same person, whose holdings the store sees as two people's."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._repeats = itertools.count(1)

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        answer = await self._store.apply(command, slot=slot, at=at)
        reply = answer.reply
        if not (
            isinstance(command, Claim) and isinstance(reply, Replayed) and isinstance(reply.first, Granted)
        ):
            return answer
        repeat = f"{command.applicant}{MARK}{at}-{id(self)}-{next(self._repeats)}"
        return await self._store.apply(Claim(repeat, command.key, command.intake, command.stream), at=at)

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        found = await self._store.holders(intake, after=after, limit=limit)
        return [each._replace(applicant=each.applicant.partition(MARK)[0]) for each in found]


class PerWorkerCap(_Wrapper):
    """Counts in its own process, and believes that nobody else grants."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._granted: dict[str, int] = {}

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        if not isinstance(command, Claim):
            return await self._store.apply(command, slot=slot, at=at)
        figures = await self._store.figures(command.intake)
        caps = () if figures is None else tuple(each.cap for each in figures.caps)
        over = [cap for cap in caps if cap.is_over(command.intake, command.stream)]
        has_room = all(self._granted.get(cap.name, 0) < cap.limit for cap in over)
        answer = await self._store.apply(command, slot=slot, at=at, unchecked=has_room)
        if isinstance(answer.reply, Granted):
            for cap in over:
                self._granted[cap.name] = self._granted.get(cap.name, 0) + 1
        return answer


def planted(fault: str, store: Store) -> Any:
    """The store with the fault."""
    match fault:
        case "check-then-act":
            return CheckThenAct(store)
        case "non-idempotent-retry":
            return NonIdempotentRetry(store)
        case "per-worker-cap":
            return PerWorkerCap(store)
    raise AssertionError(f"no such fault: {fault}")
