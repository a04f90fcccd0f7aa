"""One key sent twice at once: the second waits for the first answer, or is told that the key is at work."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loadtests.services import Service, Told, running


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Nobody writes to the database meanwhile."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")


def sent(url: str, told: list[Told], came: Callable[[], object]) -> threading.Thread:
    def send() -> None:
        told.append(Service(url, None).claim("ana", "k"))  # type: ignore[arg-type]
        came()

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path)


def test_a_key_at_work_is_a_conflict_that_passes(folder: str) -> None:
    options = ("--same-key", "conflict", "--busy-s", "30", "--cap", "2022=5", "--data", folder)
    with running("sqlite", *options) as service:
        told: list[Told] = []
        one_came = threading.Event()
        with locked(Path(folder, "quota.sqlite")):
            both = [sent(service.url, told, one_came.set) for _ in range(2)]
            assert one_came.wait(20), "whichever was second does not wait"
            assert service.claim("ana", "k").problem == "idempotency-in-progress"
        for each in both:
            each.join(30)
        refused, granted = told
        assert (refused.status, refused.problem) == (409, "idempotency-in-progress")
        assert int(refused.headers["retry-after"]) > 0
        assert granted.status == 201
        again = service.claim("ana", "k")
        assert (again.body, again.headers["idempotent-replayed"]) == (granted.body, "true")
        assert service.read()["used"] == 1


def test_others_and_other_keys_are_not_in_the_way(folder: str) -> None:
    options = ("--same-key", "conflict", "--busy-s", "0.3", "--cap", "2022=5", "--data", folder)
    with running("sqlite", *options) as service, locked(Path(folder, "quota.sqlite")):
        first = sent(service.url, [], lambda: None)
        assert service.claim("bo", "k").problem == "unavailable", "it waited for the database only"
        assert service.claim("ana", "other").problem == "unavailable"
        first.join(30)
        assert service.claim("ana", "k").problem == "unavailable", "the first has gone"


@pytest.mark.parametrize("workers", ["1", "3"])
def test_the_second_waits_for_the_first_unless_told_otherwise(folder: str, workers: str) -> None:
    options = ("--workers", workers, "--busy-s", "30", "--cap", "2022=5", "--data", folder)
    with running("sqlite", *options) as service:
        told: list[Told] = []
        with locked(Path(folder, "quota.sqlite")):
            all_of_them = [sent(service.url, told, lambda: None) for _ in range(4)]
        for each in all_of_them:
            each.join(30)
        assert {each.status for each in told} == {201}
        assert len({each.body["slot"] for each in told}) == 1
        assert sorted("idempotent-replayed" in each.headers for each in told) == [False, True, True, True]
