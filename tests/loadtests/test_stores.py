"""Each store gives the ledger's replies, to any sequence of commands, and stays exact under concurrency."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtests.reference.stores.sql import SqlStore
from loadtests.reference.stores.store import Busy, Store
from sim.ledger import (
    REASONS,
    Cap,
    Claim,
    Close,
    Command,
    Duplicate,
    Full,
    Granted,
    Ledger,
    Open,
    Read,
    Refresh,
    Release,
    Replayed,
    SetCap,
    Spec,
    cap_of,
)
from tests.loadtests import stores_here
from tests.loadtests.stores_here import STORES, begin_again

Here = tuple[asyncio.Runner, Store]


@pytest.fixture(scope="module", params=STORES)
def here(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    with stores_here.here(request.param, tmp_path_factory.mktemp("store")) as found:
        yield found


PEOPLE = st.sampled_from(["ana", "bo", "cy"])
KEYS = st.sampled_from(["k1", "k2", "k3", "k4"])
INTAKES = st.sampled_from(["2022", "2022", "2023"])
STREAMS = st.sampled_from(["main", "pilot"])
BOTH = Cap("both", 2, frozenset({("2022", None), ("2023", "pilot")}))
CAPS = [
    cap_of("2022", 1),
    cap_of("2022", 3),
    cap_of("2022", 1, "pilot"),
    cap_of("2023", 1),
    cap_of("2022", 2, "main", "pilot"),
    BOTH,
]


def opens(intake: str) -> st.SearchStrategy[Open]:
    fit = [cap for cap in CAPS if cap.touches(intake)]
    caps = st.lists(st.sampled_from(fit), max_size=3, unique_by=lambda cap: cap.name)
    return caps.map(lambda found: Open(intake, tuple(found)))


CLAIMS = st.builds(Claim, PEOPLE, KEYS, INTAKES, STREAMS)
COMMANDS = st.one_of(
    CLAIMS,
    CLAIMS,
    CLAIMS,
    st.builds(Release, PEOPLE, KEYS, INTAKES, st.sampled_from(sorted(REASONS))),
    INTAKES.flatmap(opens),
    st.builds(SetCap, INTAKES, st.sampled_from([cap.name for cap in CAPS]), st.integers(0, 4)),
    st.builds(Refresh, INTAKES),
    st.builds(Close, INTAKES),
    st.builds(Read, INTAKES),
)
SPECS = st.builds(
    Spec,
    gives_back=st.frozensets(st.sampled_from(sorted(REASONS))),
    refusals=st.sampled_from(["fresh", "sticky"]),
    counter=st.sampled_from(["exact", 7]),
)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(spec=SPECS, first=opens("2022"), commands=st.lists(COMMANDS, min_size=5, max_size=30))
def test_a_store_replies_as_the_ledger_does(
    here: Here, spec: Spec, first: Open, commands: list[Command]
) -> None:
    runner, store = here

    async def play() -> None:
        ledger = Ledger(spec)
        await begin_again(store, spec)
        for number, command in enumerate([first, *commands]):
            reply = (await store.apply(command, at=number)).reply
            assert reply == ledger.apply(command), (number, command)
        await compare(store, ledger)

    runner.run(play())


async def compare(store: Store, ledger: Ledger) -> None:
    """The figures and the holders, too."""
    for intake in ("2022", "2023"):
        figures = await store.figures(intake)
        if figures is None:
            continue
        tally = ledger.tally(intake)
        assert (figures.granted, figures.used, figures.held) == (tally.granted, tally.used, tally.held)
        for each in figures.caps:
            cap = ledger.cap(each.cap.name)
            assert (each.cap.limit, each.used, each.held) == (cap.limit, cap.used, cap.held), cap
            assert each.judged == cap.judged, cap
        held = {
            each.applicant: (each.slot, each.key) for each in await store.holders(intake, after=0, limit=99)
        }
        assert held == {who: (got.slot, claim.key) for who, (claim, got) in ledger.holders(intake).items()}


def test_a_crowd_at_once_gets_exactly_the_cap(here: Here) -> None:
    """60 people for 25 slots, each sends its claim twice at once under one key, and once under another."""

    runner, store = here

    async def rush() -> None:
        await begin_again(store, Spec())
        await store.apply(Open("2022", (cap_of("2022", 25), cap_of("2022", 5, "pilot"))))
        claims = [
            Claim(f"person {number}", key, "2022", "pilot" if number % 3 == 0 else "main")
            for number in range(60)
            for key in ("k1", "k1", "k2")
        ]
        replies = [answer.reply for answer in await asyncio.gather(*map(store.apply, claims))]
        granted = [reply for reply in replies if isinstance(reply, Granted)]
        assert sorted(reply.slot for reply in granted) == list(range(1, 26))
        assert sorted(reply.position for reply in granted) == list(range(1, 26))
        assert all(isinstance(each, Granted | Full | Duplicate | Replayed) for each in replies)
        holders = await store.holders("2022", after=0, limit=99)
        assert len({each.applicant for each in holders}) == len(holders) == 25
        assert sum(each.stream == "pilot" for each in holders) <= 5

    runner.run(rush())


def test_slots_that_are_given_back_are_granted_again_and_never_twice(here: Here) -> None:
    runner, store = here

    async def churn() -> None:
        await begin_again(store, Spec(gives_back=frozenset({"withdrawal"})))
        await store.apply(Open("2022", (cap_of("2022", 4),)))

        async def come_and_go(who: str) -> int:
            got = 0
            for turn in range(6):
                answer = await store.apply(Claim(who, f"c{turn}", "2022", "main"))
                if isinstance(answer.reply, Granted):
                    got += 1
                    await store.apply(Release(who, f"r{turn}", "2022", "withdrawal"), slot=answer.reply.slot)
            return got

        granted = sum(await asyncio.gather(*(come_and_go(f"person {each}") for each in range(8))))
        figures = await store.figures("2022")
        assert figures is not None
        assert (figures.granted, figures.used, figures.held) == (granted, 0, 0)

    runner.run(churn())


def test_one_key_for_two_intakes_at_once_is_one_claim(here: Here) -> None:
    runner, store = here

    async def cross() -> None:
        await begin_again(store, Spec())
        for intake in ("2022", "2023"):
            await store.apply(Open(intake, (cap_of(intake, 50),)))
        claims = [
            Claim(f"person {each}", "k", intake, "main") for each in range(20) for intake in ("2022", "2023")
        ]
        replies = [answer.reply for answer in await asyncio.gather(*map(store.apply, claims))]
        assert sum(isinstance(reply, Granted) for reply in replies) == 20

    runner.run(cross())


def test_tickets_are_numbered_in_order_and_kept(here: Here) -> None:
    runner, store = here

    async def wait() -> None:
        await begin_again(store, Spec())
        await store.announce("2022", (), None, None)
        await asyncio.gather(*(store.ticket("2022", f"p{each}", 5, issue=True) for each in range(9)))
        again = [await store.ticket("2022", f"p{each}", 9, issue=True) for each in range(9)]
        assert sorted(each.position for each in again if each) == list(range(1, 10))
        assert {each.issued_at for each in again if each} == {5}
        assert await store.ticket("2022", "nobody", 9, issue=False) is None

    runner.run(wait())


@contextlib.contextmanager
def on_postgres(folder: Path, **options: float) -> Iterator[tuple[asyncio.Runner, Store, str]]:
    """A store with these options, an intake with room, and the URL of its server."""
    with stores_here.place("postgres", folder) as url, asyncio.Runner() as runner:
        from loadtests.reference.stores.postgres import Postgres

        store = SqlStore(Postgres(url, **options), Spec())  # type: ignore[arg-type]
        runner.run(store.start())
        runner.run(store.apply(Open("2022", (cap_of("2022", 200),))))
        yield runner, store, url
        runner.run(store.close())


def test_grants_that_come_together_in_postgresql_are_one_commit(tmp_path: Path) -> None:
    """Whoever grants holds the counter until its commit is on disk; xmin tells which commit a row is of."""
    with on_postgres(tmp_path) as (runner, store, url):
        import psycopg

        async def rush() -> list[int]:
            claims = [Claim(f"person {each}", "k", "2022", "main") for each in range(200)]
            replies = [answer.reply for answer in await asyncio.gather(*map(store.apply, claims))]
            return sorted(reply.slot for reply in replies if isinstance(reply, Granted))

        assert runner.run(rush()) == list(range(1, 201))
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT count(*), count(DISTINCT xmin::text) FROM holdings").fetchone()
        assert found is not None
        holders, commits = found
        assert holders == 200
        assert commits <= 2


def test_claims_that_wait_too_long_for_postgresql_are_told_so_and_nothing_is_done(tmp_path: Path) -> None:
    with on_postgres(tmp_path, busy_s=0.2, most=2) as (runner, store, url):
        import psycopg

        async def rush() -> list[object]:
            claims = [Claim(f"person {each}", "k", "2022", "main") for each in range(6)]
            return list(await asyncio.gather(*map(store.apply, claims), return_exceptions=True))

        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1 FROM intakes FOR UPDATE")
            assert all(isinstance(each, Busy) for each in runner.run(rush()))
        figures = runner.run(store.figures("2022"))  # type: ignore[arg-type]
        assert figures is not None
        assert figures.used == 0
        assert not any(isinstance(each, Exception) for each in runner.run(rush()))
