"""The embedded store: one file, one writer thread a process, many commands a commit.

The writer takes what has come together while the last commit was written, decides it in one transaction, and
answers when that is on disk. Several processes take turns by BEGIN IMMEDIATE: whoever does not get its turn
in time tells its commands to come again, and nothing was done. Readings have a connection of their own, which
sees whatever was answered before they were asked.
"""

import asyncio
import contextlib
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from loadtests.reference.stores import tables
from loadtests.reference.stores.store import Answer, Busy, again, kept
from sim.ledger import Claim, Closed, Duplicate, Full, Granted, Release, Released, Reply, Spec, Unheld

T = TypeVar("T")
MOST_IN_A_COMMIT = 512


class _Job(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


class Sqlite:
    """Durable: an answer is given after its commit. `full` survives the machine, `normal` the process."""

    def __init__(
        self,
        path: Path,
        *,
        sync: Literal["full", "normal"] = "full",
        busy_s: float = 5.0,
        most: int = MOST_IN_A_COMMIT,
    ) -> None:
        self._path = path
        self._sync = sync
        self._busy_s = busy_s
        self._most = most
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")

    async def start(self) -> None:
        with contextlib.closing(self._connect()) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(tables.SCHEMA)
        self._reader = self._connect()
        self._writer.start()

    async def close(self) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        self._reader.close()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=self._busy_s, isolation_level=None, check_same_thread=False)
        db.execute(f"PRAGMA synchronous = {self._sync}")
        return db

    async def decide(
        self, command: Claim | Release, spec: Spec, *, slot: int | None, at: int, unchecked: bool
    ) -> Answer:
        match command:
            case Claim():
                return await self._written(lambda db: _claim(db, spec, command, at, unchecked))
            case Release():
                return await self._written(lambda db: _release(db, spec, command, slot, at))

    async def read(self, steps: tables.Steps[T]) -> T:
        def read() -> T:
            self._reader.execute("BEGIN")
            try:
                return tables.run(lambda sql, values: self._reader.execute(sql, values).fetchall(), steps)
            finally:
                self._reader.execute("COMMIT")

        return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    async def write(self, steps: tables.Steps[T]) -> T:
        return await self._written(
            lambda db: tables.run(lambda sql, values: db.execute(sql, values).fetchall(), steps)
        )

    async def _written(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._jobs.put(job)
        result: T = await job.future
        return result

    def _write(self) -> None:
        """The writer thread: wait for a command, take the turn, decide what has come by then, commit."""
        db = self._connect()
        db.execute("PRAGMA busy_timeout = 0")  # SQLite waits in ever longer naps; `_take_turn` does not
        is_last = False
        while not is_last:
            job = self._jobs.get()
            is_last = job is None
            jobs = [] if job is None else [job]
            error = self._take_turn(db) if jobs else None
            with contextlib.suppress(queue.Empty):
                while len(jobs) < self._most and not is_last:
                    job = self._jobs.get_nowait()
                    is_last = job is None
                    jobs += [] if job is None else [job]
            results = _committed(db, jobs) if error is None else [error] * len(jobs)
            for loop in {job.loop for job in jobs}:
                mine = [(job, result) for job, result in zip(jobs, results, strict=True) if job.loop is loop]
                with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                    loop.call_soon_threadsafe(_deliver, mine)
        db.close()

    def _take_turn(self, db: sqlite3.Connection) -> Exception | None:
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                db.execute("BEGIN IMMEDIATE")
                return None
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    return Busy(str(error))
            time.sleep(random.uniform(0.0002, 0.001))


def _is_busy(error: Exception) -> bool:
    codes = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF in codes


def _told(error: Exception) -> Exception:
    """After a lock or a full disk nothing was done. After a failed write to the disk nobody knows."""
    is_full = isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL
    if is_full:
        return Busy("the disk that the store is on has no room: nothing is granted until it has")
    return Busy(str(error)) if _is_busy(error) else error


def _committed(db: sqlite3.Connection, jobs: list[_Job]) -> list[Any]:
    """The results in one commit; if anything at all goes wrong nothing was done, and everybody is told so."""
    try:
        results = [job.work(db) for job in jobs]
        db.execute("COMMIT")
        return results
    except Exception as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        return [_told(error)] * len(jobs)


def _deliver(results: list[tuple[_Job, Any]]) -> None:
    for job, result in results:
        if job.future.done():
            continue  # whoever asked has gone
        if isinstance(result, Exception):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)


_RECEIPT = (
    "SELECT kind, intake, stream, slot, reply, number, cap, at FROM receipts WHERE applicant = ? AND key = ?"
)
_KEEP = "INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_STANDING = (
    "SELECT i.state, i.granted, h.slot, h.stream FROM intakes i"
    " LEFT JOIN holdings h ON h.intake = i.name AND h.applicant = ? WHERE i.name = ?"
)
_OVER = (
    "SELECT DISTINCT c.seq, c.name, c.lim, c.used, c.copied FROM covers v JOIN caps c ON c.name = v.cap"
    " WHERE v.intake = ? AND v.stream IN ('', ?) ORDER BY c.seq"
)
_MOVE_CAPS = (
    "UPDATE caps SET used = used + ?, held = held + ?"
    " WHERE name IN (SELECT cap FROM covers WHERE intake = ? AND stream IN ('', ?))"
)
_MOVE = (
    "UPDATE intakes SET granted = granted + ?, used = used + ?, held = held + ?, version = version + 1"
    " WHERE name = ?"
)


def _claim(db: sqlite3.Connection, spec: Spec, claim: Claim, at: int, unchecked: bool) -> Answer:
    receipt = db.execute(_RECEIPT, (claim.applicant, claim.key)).fetchone()
    if receipt is not None:
        return again(claim, None, receipt)
    reply = _decide_claim(db, spec, claim, unchecked)
    if isinstance(reply, Granted):
        slot, where = reply.slot, (claim.intake, claim.stream)
        db.execute(
            "INSERT INTO holdings VALUES (?, ?, ?, ?, ?, ?)",
            (claim.intake, claim.applicant, slot, claim.stream, claim.key, at),
        )
        db.execute(_MOVE, (1, 1, 1, claim.intake))
        db.execute(_MOVE_CAPS, (1, 1, *where))
    if isinstance(reply, Granted) or spec.refusals == "sticky":
        values = (claim.applicant, claim.key, "claim", claim.intake, claim.stream, None, *kept(reply), at)
        db.execute(_KEEP, values)
    return Answer(reply, at)


def _decide_claim(db: sqlite3.Connection, spec: Spec, claim: Claim, unchecked: bool) -> Reply:
    standing = db.execute(_STANDING, (claim.applicant, claim.intake)).fetchone()
    if standing is None or standing[0] != "open":
        return Closed()
    _, granted, held, _ = standing
    if held is not None:
        return Duplicate(held)
    if not unchecked:
        for _, name, limit, used, copied in db.execute(_OVER, (claim.intake, claim.stream)):
            if (used if spec.counter == "exact" else copied) >= limit:
                return Full(name)
    return Granted(granted + 1, granted + 1)


def _release(db: sqlite3.Connection, spec: Spec, release: Release, slot: int | None, at: int) -> Answer:
    receipt = db.execute(_RECEIPT, (release.applicant, release.key)).fetchone()
    if receipt is not None:
        return again(release, slot, receipt)
    standing = db.execute(_STANDING, (release.applicant, release.intake)).fetchone()
    held, stream = (None, "") if standing is None else standing[2:]
    reply: Reply = Unheld()
    if held is not None and slot in (None, held):
        reply = Released(release.reason in spec.gives_back)
        back = -int(reply.given_back)
        db.execute(
            "DELETE FROM holdings WHERE intake = ? AND applicant = ?", (release.intake, release.applicant)
        )
        db.execute(_MOVE, (0, back, -1, release.intake))
        db.execute(_MOVE_CAPS, (back, -1, release.intake, stream))
    if isinstance(reply, Released) or spec.refusals == "sticky":
        values = (release.applicant, release.key, "release", release.intake, "", slot, *kept(reply), at)
        db.execute(_KEEP, values)
    return Answer(reply, at)
