"""Ears: what arrives is heard, in a greenlet that may wait, while the others are heard all the same."""

import contextlib
import select
import socket
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event

from loadtests.ear import KernelEar, LoopEar

Make = Callable[[Callable[[], None]], KernelEar | LoopEar]
EARS = [
    pytest.param(
        KernelEar, marks=pytest.mark.skipif(not hasattr(select, "epoll"), reason="epoll is Linux's")
    ),
    LoopEar,
]


@contextlib.contextmanager
def pairs(count: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Connected sockets, ours and theirs."""
    with contextlib.ExitStack() as stack:
        found = [socket.socketpair() for _ in range(count)]
        for pair in found:
            for each in pair:
                stack.enter_context(each).setblocking(False)
        yield found


@pytest.mark.parametrize("make", EARS)
def test_everything_is_heard_and_then_said_to_be_handled(make: Make) -> None:
    told: list[bytes] = []
    ear = make(lambda: told.append(b"handled"))
    with pairs(40) as sockets:
        for ours, _ in sockets:
            ear.add(ours.fileno(), lambda ours=ours: told.append(ours.recv(10)))
        for number, (_, theirs) in enumerate(sockets):
            theirs.send(b"%d" % number)
        gevent.sleep(0.05)
        ear.close()
    assert {*told} == {b"handled", *(b"%d" % number for number in range(40))}
    assert told[-1] == b"handled"
    assert len([each for each in told if each != b"handled"]) == 40


@pytest.mark.parametrize("make", EARS)
def test_one_that_waits_holds_up_nobody(make: Make) -> None:
    heard: list[int] = []
    last = Event()
    ear = make(lambda: None)

    def hear(number: int, ours: socket.socket) -> None:
        try:
            ours.recv(10)
        except BlockingIOError:  # heard by the greenlet that came to the aid of the one that waits
            return
        if number == 0:
            last.wait()  # for what is heard after it
        heard.append(number)
        if number == 3:
            last.set()

    with pairs(4) as sockets:
        for number, (ours, theirs) in enumerate(sockets):
            ear.add(ours.fileno(), lambda number=number, ours=ours: hear(number, ours))
            theirs.send(b"x")
        with gevent.Timeout(5):
            last.wait()
            gevent.sleep(0)
        ear.close()
    assert sorted(heard) == [0, 1, 2, 3]
    assert heard.index(3) < heard.index(0)


@pytest.mark.parametrize("make", EARS)
def test_broken_code_stops_nothing_and_what_is_removed_is_not_heard(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []
    ear = make(lambda: None)

    def broken(ours: socket.socket) -> None:
        ours.recv(10)
        raise ZeroDivisionError

    with pairs(3) as ((bad, to_bad), (good, to_good), (gone, to_gone)):
        ear.add(bad.fileno(), lambda: broken(bad))
        ear.add(good.fileno(), lambda: heard.append(good.recv(10)))
        ear.add(gone.fileno(), lambda: heard.append(gone.recv(10)))
        ear.remove(gone.fileno())
        for each in (to_bad, to_gone, to_good):
            each.send(b"x")
        gevent.sleep(0.05)
        ear.close()
    assert heard == [b"x"]
    assert "was not handled" in caplog.text
