"""PostgreSQL as the engine of a store: one writing connection a worker, many commands a transaction.

Whoever grants holds the counter's row until its commit is on disk. One grant a transaction is therefore one
flush after the other, however many connections ask. So the writer takes what has come together while the last
commit was flushed, has it decided by one call of one function, and answers everybody when that is on disk.
Several workers take turns by the locks.

An error that the server reports has rolled everything back. A connection that breaks while a batch is under
way leaves its effect unknown, and the error is passed on as it is.
"""

import asyncio
import collections
import contextlib
import time
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from loadtests.reference.stores import tables
from loadtests.reference.stores.store import Answer, Busy, answer_of
from sim.ledger import Claim, Release, Spec

T = TypeVar("T")
FUNCTIONS = resources.files("loadtests.reference.stores").joinpath("postgres.sql").read_text("utf-8")
ONE_AT_A_TIME = 0x51554F5441  # of services that begin at once, one makes the tables
MOST_IN_A_COMMIT = 256

# Plans are made while the tables are empty, when reading them whole looks cheap, and kept for the whole rush.
OPTIONS = "-c lock_timeout={} -c enable_seqscan=off -c jit=off"

ANSWERS = (
    "SELECT reply, number, cap, first_at, is_replay FROM quota_answers(%s::text[], %s::text[],"
    " %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::boolean[], %s::boolean[], %s, %s)"
)


class _Job(NamedTuple):
    row: tuple[object, ...]  # what the function is told of the command, in the order of its arrays
    since: float
    future: "asyncio.Future[Answer]"


class Postgres:
    """Durable as PostgreSQL is: a commit is on disk before it is answered."""

    def __init__(
        self, url: str, *, busy_s: float = 5.0, connections: int = 8, most: int = MOST_IN_A_COMMIT
    ) -> None:
        self._url = url
        self._busy_s = busy_s
        self._connections = connections
        self._most = most
        self._jobs: collections.deque[_Job] = collections.deque()
        self._writer: asyncio.Task[None] | None = None

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

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer
        await self._pool.close()

    async def decide(
        self, command: Claim | Release, spec: Spec, *, slot: int | None, at: int, unchecked: bool
    ) -> Answer:
        whose = (command.applicant, command.key, command.intake)
        match command:
            case Claim():
                row: tuple[object, ...] = ("claim", *whose, command.stream, None, at, False, unchecked)
            case Release():
                row = ("release", *whose, "", slot, at, command.reason in spec.gives_back, False)
        job = _Job(row, time.monotonic(), asyncio.get_running_loop().create_future())
        self._jobs.append(job)
        self._spec = spec  # the newest holds for everybody: it changes while no intake is open, or not at all
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await job.future

    async def _write(self) -> None:
        """Decide what has come, and what comes meanwhile, until nobody asks any more."""
        try:
            while self._jobs:
                batch = [self._jobs.popleft() for _ in range(min(len(self._jobs), self._most))]
                await self._answer([job for job in batch if self._is_wanted(job)])
        finally:
            self._writer = None

    def _is_wanted(self, job: _Job) -> bool:
        """Whether somebody waits still, and has not waited too long; whoever has is told so."""
        if time.monotonic() - job.since > self._busy_s and not job.future.done():
            job.future.set_exception(Busy("postgres: too much to do"))
        return not job.future.done()

    async def _answer(self, batch: list[_Job]) -> None:
        results: Sequence[Answer | Exception]
        try:
            results = await self._answers(batch) if batch else []
        except Exception as error:
            results = [error] * len(batch)
        for job, result in zip(batch, results, strict=True):
            if job.future.done():
                continue  # whoever asked has gone
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    async def _answers(self, batch: list[_Job]) -> list[Answer]:
        arrays = [list(each) for each in zip(*(job.row for job in batch), strict=True)]
        switches = (self._spec.counter == "exact", self._spec.refusals == "sticky")
        with _busy():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(ANSWERS, (*arrays, *switches))
                return [answer_of(*row) for row in await cursor.fetchall()]

    async def read(self, steps: tables.Steps[T]) -> T:
        with _busy():
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                return await _stepped(connection, steps)

    async def write(self, steps: tables.Steps[T]) -> T:
        with _busy():
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute("LOCK TABLE intakes IN EXCLUSIVE MODE")
                return await _stepped(connection, steps)


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    """No connection, no lock in time, no room, or rolled back by the server: nothing was done."""
    try:
        yield
    except (PoolTimeout, errors.LockNotAvailable, errors.TransactionRollback, errors.DiskFull) as error:
        raise Busy(f"postgres: {error}") from error


async def _stepped(connection: "psycopg.AsyncConnection[tuple[object, ...]]", steps: tables.Steps[T]) -> T:
    rows: tables.Rows | None = None
    try:
        while True:
            statement, values = next(steps) if rows is None else steps.send(rows)
            cursor = await connection.execute(statement.replace("?", "%s"), values)
            rows = await cursor.fetchall() if cursor.description is not None else []
    except StopIteration as end:
        return end.value
