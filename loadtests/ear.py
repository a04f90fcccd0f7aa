"""Hearing that something has arrived on a connection, for all connections of a pool at once.

An *ear* is given a socket and what is to be called when something can be read from it. The call is made in a
greenlet of the ear and not in gevent's hub, so it may wait: another greenlet then listens meanwhile. Where
nothing waits, one greenlet hears everything, and what arrived together is handled with one switch; `after` is
called when all of that is done.

Linux has epoll, which gevent's hub can watch like any other file: one watcher, however many connections.
Elsewhere every connection has a watcher. Both report what is there until it was read.
"""

import logging
from collections.abc import Callable
from typing import Any, Final, Protocol

import gevent
from gevent import monkey
from greenlet import getcurrent, greenlet

READABLE: Final = 1
TOGETHER: Final = 16
"""Connections heard in a row before the conductor gets its turn. With more, sends would leave late."""

UNHANDLED: Final = "what arrived on a connection was not handled"
"""Broken code in one place must not end the run."""

log = logging.getLogger(__name__)


class Ear(Protocol):
    """Listens until it is closed."""

    def add(self, file: int, heard: Callable[[], None]) -> None:
        """Call this whenever the file can be read; there may be nothing any more, if a greenlet waited."""

    def remove(self, file: int) -> None:
        """Listen to it no more; before it is closed, or the next file of that number would be heard."""

    def close(self) -> None: ...


class KernelEar:
    """epoll, itself watched by gevent's hub."""

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after
        self._epoll = monkey.get_original("select", "epoll")()
        self._heard: dict[int, Callable[[], None]] = {}
        self._hub = gevent.get_hub()
        self._resting: list[Any] = []  # greenlets that have nothing to do
        self._watcher = self._hub.loop.io(self._epoll.fileno(), READABLE)
        self._watcher.start(self._wake)

    def add(self, file: int, heard: Callable[[], None]) -> None:
        self._heard[file] = heard
        self._epoll.register(file, READABLE)

    def remove(self, file: int) -> None:
        del self._heard[file]
        self._epoll.unregister(file)

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()
        self._epoll.close()

    def _wake(self) -> None:
        (self._resting.pop() if self._resting else greenlet(self._listen, self._hub)).switch()

    def _listen(self) -> None:
        """The life of a greenlet that hears."""
        poll, called, rest, switch = self._epoll.poll, self._heard.get, self._resting.append, self._hub.switch
        me = getcurrent()
        while True:
            for file, _ in poll(0, TOGETHER):
                heard = called(file)  # None: removed by what was heard before
                if heard is not None:
                    try:  # as _guarded does it, without the call
                        heard()
                    except Exception:
                        log.exception(UNHANDLED)
            _guarded(self._after)
            rest(me)
            switch()


class LoopEar:
    """A watcher of gevent's hub for each file, for systems without epoll."""

    def __init__(self, after: Callable[[], None]) -> None:
        self._after = after
        self._watchers: dict[int, Any] = {}
        self._hub = gevent.get_hub()
        self._resting: list[Any] = []

    def add(self, file: int, heard: Callable[[], None]) -> None:
        self._watchers[file] = watcher = self._hub.loop.io(file, READABLE)
        watcher.start(self._wake, heard)

    def remove(self, file: int) -> None:
        watcher = self._watchers.pop(file)
        watcher.stop()
        watcher.close()

    def close(self) -> None:
        for file in list(self._watchers):
            self.remove(file)

    def _wake(self, heard: Callable[[], None]) -> None:
        (self._resting.pop() if self._resting else greenlet(self._listen, self._hub)).switch(heard)

    def _listen(self, heard: Callable[[], None]) -> None:
        while True:
            _guarded(heard)
            _guarded(self._after)
            self._resting.append(getcurrent())
            heard = self._hub.switch()


def ear(after: Callable[[], None]) -> Ear:
    """The best ear of this system."""
    try:
        return KernelEar(after)
    except AttributeError:
        return LoopEar(after)


def _guarded(handle: Callable[[], None]) -> None:
    try:
        handle()
    except Exception:
        log.exception(UNHANDLED)
