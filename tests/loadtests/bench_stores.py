"""What a grant costs a store that is on disk: many a commit, beside one a commit.

Wall time of the same claims, 64 under way at once, by one worker's engine; alternating, on one server that
flushes every commit, as the one that `quotalab serve` starts.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadtests.reference import launch
from loadtests.reference.stores import postgres, sqlite
from loadtests.reference.stores.sql import Engine, SqlStore
from sim.ledger import Claim, Granted, Open, Spec, cap_of

CLAIMS = 2_000
AT_ONCE = 64
ROUNDS = 3


def rows() -> Iterator[dict[str, Any]]:
    """Rows for `record`: microseconds a claim."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as own:
        Path(own).chmod(0o755)  # whoever PostgreSQL runs as may pass
        with launch.server("postgres", Path(own) / "postgres", is_lasting=False) as url:
            yield _row("PostgreSQL", lambda most: postgres.Postgres(url, most=most))
        file = Path(own) / "quota.sqlite"
        yield _row("SQLite", lambda most: sqlite.Sqlite(file, most=most))


def _row(name: str, engine: Any) -> dict[str, Any]:
    pairs = [tuple(asyncio.run(_cost(engine(most))) for most in (256, 1)) for _ in range(ROUNDS)]
    return {
        "measure": f"grants, {name}",
        "subject": "what came together in one commit",
        "baseline": "one grant a commit",
        "n": CLAIMS,
        "pairs": pairs,
        "unit": "us a claim",
        "at_once": AT_ONCE,
    }


async def _cost(engine: Engine) -> float:
    store = SqlStore(engine, Spec())
    await store.start()
    await store.reset()
    await store.apply(Open("2022", (cap_of("2022", CLAIMS),)))
    people = iter(range(CLAIMS))

    async def one_after_the_other() -> None:
        for number in people:
            answer = await store.apply(Claim(f"person {number}", "k", "2022", "main"), at=number)
            assert isinstance(answer.reply, Granted), answer

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))
    took = time.perf_counter() - begun
    await store.close()
    return took / CLAIMS * 1e6
