"""The store in PostgreSQL: one function call a claim, on a connection of a pool.

An error that the server reports has rolled everything back. A connection that breaks while a claim is under
way leaves its effect unknown, and the error is passed on as it is.
"""

from importlib import resources
from typing import TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from loadtests.reference.stores import tables
from loadtests.reference.stores.store import (
    Announced,
    Answer,
    Asked,
    Busy,
    Figures,
    Holding,
    Ticket,
    replayed,
    reply_of,
)
from sim.ledger import Cap, Claim, Command, Count, Read, Release, Spec

T = TypeVar("T")
FUNCTIONS = resources.files("loadtests.reference.stores").joinpath("postgres.sql").read_text("utf-8")
ONE_AT_A_TIME = 0x51554F5441  # of services that begin at once, one makes the tables

# Plans are made while the tables are empty, when reading them whole looks cheap, and kept for the whole rush.
OPTIONS = "-c lock_timeout={} -c enable_seqscan=off -c jit=off"

CLAIM = (
    "SELECT reply, number, cap, first_at, is_replay"
    " FROM quota_claim(%s::text, %s::text, %s::text, %s::text, %s::bigint, %s, %s, %s)"
)
RELEASE = (
    "SELECT reply, number, cap, first_at, is_replay"
    " FROM quota_release(%s::text, %s::text, %s::text, %s::bigint, %s::bigint, %s, %s)"
)


class PostgresStore:
    """Durable as PostgreSQL is: a commit is on disk before it is answered."""

    def __init__(self, url: str, spec: Spec, *, busy_s: float = 5.0, connections: int = 8) -> None:
        self._spec = spec
        self._url = url
        self._busy_s = busy_s
        self._connections = connections

    async def start(self) -> None:
        self._pool = AsyncConnectionPool(
            self._url,
            min_size=2,
            max_size=self._connections,
            timeout=self._busy_s,
            kwargs={"autocommit": True, "options": OPTIONS.format(int(self._busy_s * 1000))},
            open=False,
        )
        await self._pool.open(wait=True, timeout=30)
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
            await connection.execute(tables.SCHEMA)
            await connection.execute(FUNCTIONS.encode())
        if await self._run(tables.read_spec()) is None:
            await self._run(tables.adopt(self._spec), is_writing=True)
        await self.spec()

    async def close(self) -> None:
        await self._pool.close()

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        is_sticky = self._spec.refusals == "sticky"
        match command:
            case Claim():
                is_exact = self._spec.counter == "exact"
                who = (command.applicant, command.key, command.intake, command.stream)
                return await self._ask(CLAIM, (*who, at, is_exact, is_sticky, unchecked))
            case Release():
                back = command.reason in self._spec.gives_back
                whose = (command.applicant, command.key, command.intake)
                return await self._ask(RELEASE, (*whose, slot, at, back, is_sticky))
            case Read():
                return Answer(Count(await self._run(tables.used(command.intake))), at)
        return Answer(await self._run(tables.administer(command), is_writing=True), at)

    async def _ask(self, statement: str, values: tuple[object, ...]) -> Answer:
        try:
            async with self._pool.connection() as connection:
                found = await (await connection.execute(statement, values)).fetchone()
        except (PoolTimeout, errors.LockNotAvailable, errors.TransactionRollback) as error:
            raise Busy(f"postgres: {error}") from error
        assert found is not None
        word, number, cap, first_at, is_replay = found
        reply = reply_of(word, number, cap)
        return Answer(replayed(reply) if is_replay else reply, first_at)

    async def _run(self, steps: tables.Steps[T], *, is_writing: bool = False) -> T:
        """The steps in one transaction: on one snapshot, or with every claim held off."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                if is_writing:
                    await connection.execute("LOCK TABLE intakes IN EXCLUSIVE MODE")
                else:
                    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                return await _stepped(connection, steps)
        except (PoolTimeout, errors.LockNotAvailable, errors.TransactionRollback) as error:
            raise Busy(f"postgres: {error}") from error

    async def spec(self) -> Spec:
        found = await self._run(tables.read_spec())
        self._spec = found or self._spec
        return self._spec

    async def adopt(self, spec: Spec) -> bool:
        is_adopted = await self._run(tables.adopt(spec), is_writing=True)
        await self.spec()
        return is_adopted

    async def announce(
        self, intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None
    ) -> None:
        await self._run(tables.announce(intake, caps, opens_at, closes_at), is_writing=True)

    async def schedule(self) -> list[Announced]:
        return await self._run(tables.schedule())

    async def figures(self, intake: str) -> Figures | None:
        return await self._run(tables.figures(intake, self._spec))

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        return await self._run(tables.holders(intake, after, limit))

    async def asked(self, applicant: str, key: str) -> Asked | None:
        return await self._run(tables.asked(applicant, key))

    async def ticket(self, intake: str, applicant: str, at: int, *, issue: bool) -> Ticket | None:
        if issue:
            return await self._run(tables.issue(intake, applicant, at), is_writing=True)
        return await self._run(tables.ticket(intake, applicant))

    async def reset(self) -> None:
        await self._run(tables.reset(), is_writing=True)


async def _stepped(connection: "psycopg.AsyncConnection[tuple[object, ...]]", steps: tables.Steps[T]) -> T:
    rows: tables.Rows | None = None
    try:
        while True:
            statement, values = next(steps) if rows is None else steps.send(rows)
            cursor = await connection.execute(statement.replace("?", "%s"), values)
            rows = await cursor.fetchall() if cursor.description is not None else []
    except StopIteration as end:
        return end.value
