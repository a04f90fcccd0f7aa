"""An HTTP client for counting: one attempt a call, and it knows whether anything was written.

A *pool* keeps the connections to one service alive and never sends anything twice: no retry on a dropped
connection, no redirect followed. Whoever wants another attempt makes it, and records it. An *attempt* takes
an idle connection or opens one, writes the request, and waits for the answer; whatever goes wrong is an error
in the Response, never an exception. The wait is gevent's (ear.py), so neither select() nor its limit of 1,024
sockets comes in.

`Pool.attempt` does all of it. A play (play.py) uses the same steps one by one and waits for nothing: `encode`
ahead of time, `idle` and `Connection.put` when the request is due, and `answered` is called with the answer.
"""

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import gevent
from gevent import socket as cooperative
from gevent.event import AsyncResult

from loadtests.answer import Response
from loadtests.connection import Broken, Connection, Encoded
from loadtests.ear import ear
from loadtests.profiles.exchange import WITH_BODY
from loadtests.transport import Tls
from sim.errors import complaint

SWEEP_S: Final = 0.05
STALE_NS: Final = 1_000_000_000
"""A connection idle for longer is looked at before it is used: servers close theirs after some seconds."""
_NEW: Final = tuple.__new__  # goes past a call by name, which costs twice as much


class Request(Protocol):
    """What profiles make; see loadtests/profile.py."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...
    @property
    def body(self) -> bytes: ...


class Step(Protocol):
    """What profiles make of a step; see loadtests/profiles/steps.py."""

    @property
    def request(self) -> Callable[[Any, Mapping[str, str]], Request]: ...
    @property
    def message(self) -> Callable[[Any, Mapping[str, str], str], str] | None: ...


class Pool:
    """The connections to one service. Of several idle ones, the one used last is taken first."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 10.0,
        tls: Tls | None = None,
        most: int = 1_000_000,
    ) -> None:
        url = urlsplit(base_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise complaint(
                f"{base_url!r} is no address of a service", expected="http://host:port or https://…"
            )
        self.host = url.hostname
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.place = f"{self.host}:{self.port}"
        self.timeout_ns = int(timeout_s * 1e9)
        self.connect_timeout_ns = int(connect_timeout_s * 1e9)
        tls = tls or Tls()
        self.context = tls.context() if url.scheme == "https" else None
        self.server_name = tls.server_name or self.host
        self.connections: set[Connection] = set()
        self.opened = 0
        """Connections ever opened."""
        self.answered: Callable[[Any, Response], None] = _nobody_asked
        """Called with a connection's item and the answer for it; it may wait."""
        self.handled: Callable[[], None] = _nothing
        """Called when all answers that arrived together have been given to `answered`."""
        self.ear = ear(lambda: self.handled())
        self._host_line = f"Host: {url.netloc.rpartition('@')[2]}\r\n"
        self.most = most
        """Connections open at once, at most."""
        self._opening = 0
        self._waiting: deque[AsyncResult[Connection | None]] = deque()
        self._idle: list[Connection] = []
        self._addresses: list[tuple[Any, Any]] = []
        self._looked_ns = time.monotonic_ns()
        self._sweeper = gevent.get_hub().loop.timer(SWEEP_S, SWEEP_S, ref=False)
        self._sweeper.start(self._sweep)

    def attempt(self, request: Request, written: Callable[[], None] | None = None) -> Response:
        """One attempt; `written` is called once all of the request has been handed to the kernel."""
        return self.send(self.encode(request), written)

    def send(self, encoded: Encoded, written: Callable[[], None] | None = None) -> Response:
        """One attempt at a request already encoded."""
        connection = self._connected()
        if isinstance(connection, Response):
            return connection
        if not connection.put(encoded, time.monotonic_ns()):
            connection.write_out()
        if written is not None:
            written()
        return connection.receive()

    def begin(self, encoded: Encoded, item: object, begun: Connection | None = None) -> Response | None:
        """Write a request and wait for no more than that: `answered` is called with the item later on. The
        Response, if there can be no answer. `begun` is a connection that has taken a part of it."""
        if begun is None:
            connection = self._connected()
            if isinstance(connection, Response):
                return connection
            if connection.put(encoded, time.monotonic_ns()):
                return connection.answer_is_for(item)
            begun = connection
        begun.write_out()
        return begun.answer_is_for(item)

    def _connected(self) -> Connection | Response:
        """A connection that is open and free, as soon as there is one; or why there is none."""
        connection = self.idle(time.monotonic_ns()) or self._waited_for()
        if connection is None:
            connection = Connection(self)
            self._opening += 1
            try:
                connection.open()
            except Broken as broken:
                return Response(0, {}, b"", str(broken), False)
            finally:
                self._opening -= 1
        return connection

    def keep(self, connection: Connection) -> None:
        """A connection that has done its work, for the next request."""
        connection.idle_since_ns = self._looked_ns  # a twentieth of a second is near enough
        if self._waiting:  # whoever has waited longest goes first
            self._waiting.popleft().set(connection)
        else:
            self._idle.append(connection)

    def _waited_for(self) -> Connection | None:
        """A connection that was free again, if no more may be opened; None if one more may."""
        if self._room() > 0:
            return None
        turn: AsyncResult[Connection | None] = AsyncResult()
        self._waiting.append(turn)
        return turn.get()

    def _room(self) -> int:
        """How many more connections may be opened."""
        return self.most - len(self.connections) - self._opening

    def idle(self, now_ns: int) -> Connection | None:
        """A connection that is open and free, now in the hands of the caller; None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_open:
                continue
            if now_ns - connection.idle_since_ns > STALE_NS and connection.is_dead():
                connection.close()
                continue
            return connection
        return None

    def warm(self, count: int) -> str | None:
        """Open connections until so many are idle; why not, if the service refuses."""
        errors: list[str] = []

        def one() -> None:
            connection = Connection(self)
            try:
                connection.open()
            except Broken as broken:
                errors.append(str(broken))
                return
            connection.deadline_ns = 0
            self.keep(connection)

        missing = count - len(self._idle)
        while missing > 0 and not errors:  # in batches that fit a listen queue
            gevent.joinall([gevent.spawn(one) for _ in range(min(missing, 100))])
            missing -= 100
        return errors[0] if errors else None

    def encode(self, request: Request) -> Encoded:
        """The bytes of a request. Host and Content-Length are ours to say."""
        method, path, headers, body = request.method, request.path, request.headers, request.body
        head = f"{method} {path} HTTP/1.1\r\n{self._host_line}"
        for name, value in headers:
            head += f"{name}: {value}\r\n"
        count = len(headers) + 3
        if body or method in WITH_BODY:
            head += f"Content-Length: {len(body)}\r\n\r\n"
            count += 1
        else:
            head += "\r\n"
        # A line break in a value would become a header of its own, or a second request.
        is_whole = head.count("\n") == head.count("\r") == count
        if not is_whole or " " in path or not head.isascii():
            raise complaint(
                f"the request {method} {path!r} has a blank, a line break or a letter where none can be",
                expected="paths in percent-encoding, header values of one line of ASCII",
            )
        encoded: Encoded = _NEW(Encoded, (head.encode() + body, method == "HEAD"))
        return encoded

    def encode_step(self, step: Step, who: Any, variables: Mapping[str, str]) -> Encoded:
        """The bytes of a step's request, by the short way where there is one."""
        if step.message is not None:
            text = step.message(who, variables, self._host_line)
            if text.isascii():
                encoded: Encoded = _NEW(Encoded, (text.encode(), False))
                return encoded
        return self.encode(step.request(who, variables))

    def addresses(self) -> list[tuple[Any, Any]]:
        """Where the service is; asked of the resolver once."""
        if not self._addresses:
            try:
                found = cooperative.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            except OSError as error:
                raise Broken(f"cannot find {self.host}: {error.strerror}") from None
            self._addresses = [(family, address) for family, _, _, _, address in found]
        return self._addresses

    def forget(self, connection: Connection) -> None:
        """An idle connection that the server closed."""
        connection.close()
        with contextlib.suppress(ValueError):
            self._idle.remove(connection)

    def close(self) -> None:
        """Close every connection."""
        self._sweeper.stop()
        self._sweeper.close()
        for connection in list(self.connections):
            connection.close()
        self._idle.clear()
        self.ear.close()

    def _sweep(self) -> None:
        """Time-outs are the same for all, so one look at all connections a few times a second is enough."""
        self._looked_ns = now = time.monotonic_ns()
        for _ in range(min(len(self._waiting), self._room())):
            self._waiting.popleft().set(None)  # connections that were closed made room
        for connection in list(self.connections):
            if 0 < connection.deadline_ns < now:
                connection.expire()


def _nobody_asked(item: object, response: Response) -> None:
    raise AssertionError(f"an answer to {item!r}, of which nobody knows")


def _nothing() -> None:
    pass
