"""A play in this process: closed and open loops to their end, whoever listens to the answers, and broken
code."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import numpy as np
import pytest
from gevent.event import Event

from loadtests import profile
from loadtests.flights import Done, Rusher
from loadtests.worker import Worker
from tests.loadtests import strange_server
from tests.loadtests.bench_client import plain_trace

SENDS = 60


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with strange_server.running() as found:
        yield found


@contextlib.contextmanager
def worker(address: str, folder: Path, report: Callable[[Done], None], *, is_rush: bool) -> Iterator[Worker]:
    """One that is to make so many claims, all at once if it replays."""
    target = profile.target("reference", base_url=address)
    about = {"folder": folder, "shard": 0, "shards": 1, "clients": 4}
    made = Worker(plain_trace(np.zeros(SENDS)), target, **about, is_rush=is_rush, report=report)
    yield made
    made.close()


def rushed(made: Worker, count: int) -> list[Rusher]:
    """Users of a closed loop, begun."""
    users = [Rusher(number, lambda: True, Event()) for number in range(count)]
    made.start(time.monotonic_ns())
    for user in users:
        made.play.rush(user)
    made.play.leave()
    return users


def test_a_closed_loop_sends_everything_over_one_connection_a_user(address: str, tmp_path: Path) -> None:
    done: list[Done] = []
    with worker(address, tmp_path, done.append, is_rush=True) as made:
        users = rushed(made, 3)
        assert all(user.over.wait(10) for user in users)
        assert len(made.play.pool.connections) == 4  # as many as were opened ahead
    assert [each.answer for each in done] == ["granted"] * SENDS
    rows = np.fromfile(next(tmp_path.glob("*.rows")), dtype=np.uint8).reshape(-1, 64)
    assert set(rows[:, 20:24].copy().view("<i4").ravel().tolist()) == {0, 1, 2}


@pytest.mark.parametrize("is_rush", [True, False])
def test_whoever_listens_to_the_answers_may_wait(address: str, tmp_path: Path, is_rush: bool) -> None:
    done: list[Done] = []

    def report(each: Done) -> None:
        gevent.sleep(0.02)
        done.append(each)

    with worker(address, tmp_path, report, is_rush=is_rush) as made:
        users = rushed(made, 3) if is_rush else []
        if not is_rush:
            made.start(time.monotonic_ns())
        assert all(user.over.wait(10) for user in users)
        assert made.has_finished.wait(10)
    assert len(done) == SENDS


def test_a_user_that_is_no_longer_wanted_sends_nothing_more(address: str, tmp_path: Path) -> None:
    done: list[Done] = []
    with worker(address, tmp_path, done.append, is_rush=True) as made:
        wanted = [True]
        user = Rusher(0, lambda: wanted[0] and len(done) < 7, Event())
        made.start(time.monotonic_ns())
        made.play.rush(user)
        made.play.leave()
        assert user.over.wait(10)
        assert len(done) == 7
        assert not made.tally.in_flight


def test_a_user_without_an_open_connection_gets_one_and_goes_on(address: str, tmp_path: Path) -> None:
    done: list[Done] = []

    def report(each: Done) -> None:
        done.append(each)
        for connection in list(made.play.pool.connections):
            connection.close()

    with worker(address, tmp_path, report, is_rush=True) as made:
        (user,) = rushed(made, 1)
        assert user.over.wait(10)
    assert [each.answer for each in done] == ["granted"] * SENDS


def test_broken_code_ends_its_user_and_not_the_run(address: str, tmp_path: Path) -> None:
    done: list[Done] = []

    def report(each: Done) -> None:
        done.append(each)
        if len(done) == 5:
            raise ZeroDivisionError

    with worker(address, tmp_path, report, is_rush=True) as made:
        users = rushed(made, 3)
        assert all(user.over.wait(10) for user in users)
    assert sum(isinstance(user.broken, ZeroDivisionError) for user in users) == 1
    assert len(done) == SENDS
