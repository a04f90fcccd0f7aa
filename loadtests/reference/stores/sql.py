"""What SQLite and PostgreSQL have in common: a store of tables, told by an engine.

An *engine* runs the steps of `tables.py` on its database, and decides claims and releases, its hot path, in a
way of its own. Everything else that a store does is the same steps for both.
"""

from typing import Protocol, TypeVar

from loadtests.reference.stores import tables
from loadtests.reference.stores.store import Announced, Answer, Asked, Figures, Holding, Ticket
from sim.ledger import Cap, Claim, Command, Count, Read, Release, Spec

T = TypeVar("T")


class Engine(Protocol):
    """A database with the tables in it. Every method but `close` may raise Busy: then nothing was done."""

    async def start(self) -> None:
        """Connect, and make the tables where there are none."""
        ...

    async def close(self) -> None: ...

    async def read(self, steps: tables.Steps[T]) -> T:
        """Run steps that change nothing, on one snapshot."""
        ...

    async def write(self, steps: tables.Steps[T]) -> T:
        """Run steps in one transaction, with every claim held off until it is on disk."""
        ...

    async def decide(
        self, command: Claim | Release, spec: Spec, *, slot: int | None, at: int, unchecked: bool
    ) -> Answer:
        """Decide and record, and answer once that is on disk."""
        ...


class SqlStore:
    """Keeps the spec of its last look at the database; it cannot change under slots that were granted."""

    def __init__(self, engine: Engine, spec: Spec) -> None:
        self._engine, self._spec = engine, spec

    async def start(self) -> None:
        await self._engine.start()
        self._spec = await self._engine.write(tables.first_spec(self._spec))

    async def close(self) -> None:
        await self._engine.close()

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        match command:
            case Claim() | Release():
                return await self._engine.decide(command, self._spec, slot=slot, at=at, unchecked=unchecked)
            case Read():
                return Answer(Count(await self._engine.read(tables.used(command.intake))), at)
        return Answer(await self._engine.write(tables.administer(command)), at)

    async def spec(self) -> Spec:
        found = await self._engine.read(tables.read_spec())
        self._spec = found or self._spec
        return self._spec

    async def adopt(self, spec: Spec) -> bool:
        is_adopted = await self._engine.write(tables.adopt(spec))
        await self.spec()
        return is_adopted

    async def announce(
        self, intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None
    ) -> None:
        await self._engine.write(tables.announce(intake, caps, opens_at, closes_at))

    async def schedule(self) -> list[Announced]:
        return await self._engine.read(tables.schedule())

    async def figures(self, intake: str) -> Figures | None:
        return await self._engine.read(tables.figures(intake, self._spec))

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        return await self._engine.read(tables.holders(intake, after, limit))

    async def asked(self, applicant: str, key: str) -> Asked | None:
        return await self._engine.read(tables.asked(applicant, key))

    async def ticket(self, intake: str, applicant: str, at: int, *, issue: bool) -> Ticket | None:
        if issue:
            return await self._engine.write(tables.issue(intake, applicant, at))
        return await self._engine.read(tables.ticket(intake, applicant))

    async def reset(self) -> None:
        await self._engine.write(tables.reset())
