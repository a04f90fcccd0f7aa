"""One worker process of the reference service, started by `quotalab serve`.

It is given its settings, the listening socket that all workers share, a pipe to say on that it is ready (1)
or why it cannot begin (0 and the reason), and a pipe whose end means that the parent has gone. Then it ends
too, however the parent went.
"""

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn
import uvloop

from loadtests.reference import app, faults
from loadtests.reference.clock import Board, Clock
from loadtests.reference.document import as_text
from loadtests.reference.logs import log
from loadtests.reference.service import Service
from loadtests.reference.settings import TOKEN_VARIABLE, Settings
from loadtests.reference.stores.store import Store

LAST_WORDS = 2_000  # bytes, which a pipe takes whole


def open_store(settings: Settings) -> Store:
    """The store of these settings, with the fault that was asked for."""
    match settings.store:
        case "memory":
            from loadtests.reference.stores.memory import MemoryStore

            store: Store = MemoryStore(settings.spec)
        case "sqlite":
            from loadtests.reference.stores.sql import SqlStore
            from loadtests.reference.stores.sqlite import Sqlite

            engine = Sqlite(Path(settings.where), sync=settings.sync, busy_s=settings.busy_s)
            store = SqlStore(engine, settings.spec)
        case "postgres":
            from loadtests.reference.stores.postgres import Postgres
            from loadtests.reference.stores.sql import SqlStore

            store = SqlStore(Postgres(settings.where, busy_s=settings.busy_s), settings.spec)
        case "valkey":
            from loadtests.reference.stores.valkey import ValkeyStore

            store = ValkeyStore(settings.where, settings.spec, busy_s=settings.busy_s)
    return store if settings.fault is None else faults.planted(settings.fault, store)


def service_of(settings: Settings, token: str | None) -> Service:
    clock = Clock(settings.origin_ms, settings.rate, settings.started_s, Board(Path(settings.board)))
    return Service(settings, open_store(settings), clock, token)


def document() -> str:
    """The OpenAPI document, which is the same for every store."""
    with tempfile.TemporaryDirectory() as folder:
        board = Path(folder) / "board"
        Board.create(board)
        return as_text(app.build(service_of(Settings("memory", board=str(board)), None)))


async def serve(settings: Settings, listening: socket.socket, ready: int, parent: int) -> None:
    service = service_of(settings, os.environ.get(TOKEN_VARIABLE))
    try:
        await service.begin()
    except Exception as error:
        os.write(ready, f"0{error or type(error).__name__}".encode()[:LAST_WORDS])
        raise SystemExit(1) from error
    server = uvicorn.Server(
        uvicorn.Config(
            app.build(service),
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            backlog=4096,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=3,
            lifespan="on",
        )
    )
    loop = asyncio.get_running_loop()
    loop.add_reader(parent, _parent_gone, server, parent)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        os.write(ready, b"1")
    os.close(ready)
    keeping = asyncio.create_task(_keep(service))
    await serving
    keeping.cancel()
    if not server.started:
        raise SystemExit(1)


def _parent_gone(server: uvicorn.Server, parent: int) -> None:
    asyncio.get_running_loop().remove_reader(parent)
    server.should_exit = True


async def _keep(service: Service) -> None:
    """Turn the year also when nobody asks."""
    while True:
        await asyncio.sleep(0.1)
        try:
            await service.keeper.turn()
        except Exception as error:
            log("the schedule could not be kept", why=f"{type(error).__name__}: {error}")
            await asyncio.sleep(1.0)


def main() -> None:
    """python -m loadtests.reference.worker LISTENING READY PARENT, and the settings on standard input."""
    listening, ready, parent = (int(number) for number in sys.argv[1:4])
    settings = Settings.of_text(sys.stdin.readline())
    with (
        contextlib.suppress(KeyboardInterrupt),
        socket.socket(fileno=listening) as shared,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(serve(settings, shared, ready, parent))


if __name__ == "__main__":
    main()
