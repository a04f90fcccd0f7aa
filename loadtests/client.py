"""An HTTP client for counting: one attempt a call, and it knows whether anything was written.

A *pool* keeps the connections to one service alive and never sends anything twice: no retry on a dropped
connection, no redirect followed. Whoever wants another attempt makes it, and records it. An *attempt* takes
an idle connection or opens one, writes the request, and waits for the answer; whatever goes wrong is an error
in the Response, never an exception. The wait is gevent's, through one watcher a connection for all its life,
so neither select() nor its limit of 1,024 sockets comes in.

`Pool.attempt` does all of it. The conductor (pacing.py) uses the same steps one by one: `encode` ahead of
time, `idle` and `Connection.put` at the due time without ever waiting, `finish` in the greenlet that waits.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import gevent
from gevent import socket as cooperative

from loadtests.answer import Response
from loadtests.connection import Broken, Connection, Encoded
from loadtests.transport import Tls
from sim.errors import complaint

SWEEP_S: Final = 0.05
STALE_NS: Final = 1_000_000_000
"""A connection idle for longer is looked at before it is used: servers close theirs after some seconds."""
WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


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


class Pool:
    """The connections to one service. Of several idle ones, the one used last is taken first."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_s: float = 30.0,
        connect_timeout_s: float = 10.0,
        tls: Tls | None = None,
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
        self._host_line = f"Host: {url.netloc.rpartition('@')[2]}\r\n"
        self._idle: list[Connection] = []
        self._addresses: list[tuple[Any, Any]] = []
        self._sweeper = gevent.get_hub().loop.timer(SWEEP_S, SWEEP_S, ref=False)
        self._sweeper.start(self._sweep)

    def attempt(self, request: Request, written: Callable[[], None] | None = None) -> Response:
        """One attempt; `written` is called once all of the request has been handed to the kernel."""
        return self.send(self.encode(request), written)

    def send(self, encoded: Encoded, written: Callable[[], None] | None = None) -> Response:
        """One attempt at a request already encoded."""
        connection = self.idle()
        if connection is None:
            connection = Connection(self)
            try:
                connection.open()
            except Broken as broken:
                return Response(0, {}, b"", str(broken), False)
        if not connection.put(encoded):
            connection.write_out()
        if written is not None:
            written()
        return self.finish(connection)

    def finish(self, connection: Connection, *, is_ready: bool = False) -> Response:
        """Wait for the answer on a connection that was written to, and keep the connection for the next."""
        try:
            response = connection.receive(is_ready=is_ready)
        except (
            BaseException
        ):  # the greenlet was killed: the answer would be taken for that of the next request
            connection.close()
            raise
        if connection.is_open:
            connection.idle_since_ns = time.monotonic_ns()
            self._idle.append(connection)
        return response

    def idle(self) -> Connection | None:
        """A connection that is open and free, now in the hands of the caller; None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_open:
                continue
            if time.monotonic_ns() - connection.idle_since_ns > STALE_NS and connection.is_dead():
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
            connection.idle_since_ns = time.monotonic_ns()
            self._idle.append(connection)

        missing = count - len(self._idle)
        while missing > 0 and not errors:  # in batches that fit a listen queue
            gevent.joinall([gevent.spawn(one) for _ in range(min(missing, 100))])
            missing -= 100
        return errors[0] if errors else None

    def encode(self, request: Request) -> Encoded:
        """The bytes of a request. Host and Content-Length are ours to say."""
        method, path, headers, body = request.method, request.path, request.headers, request.body
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        count = len(headers)
        if body or method in WITH_BODY:
            lines += f"Content-Length: {len(body)}\r\n"
            count += 1
        head = f"{method} {path} HTTP/1.1\r\n{self._host_line}{lines}\r\n"
        # A line break in a value would become a header of its own, or a second request.
        is_whole = head.count("\n") == head.count("\r") == count + 3
        if not is_whole or " " in path or not head.isascii():
            raise complaint(
                f"the request {method} {path!r} has a blank, a line break or a letter where none can be",
                expected="paths in percent-encoding, header values of one line of ASCII",
            )
        return Encoded(head.encode("ascii") + body, method == "HEAD")

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

    def _sweep(self) -> None:
        """Time-outs are the same for all, so one look at all connections a few times a second is enough."""
        now = time.monotonic_ns()
        for connection in list(self.connections):
            if 0 < connection.deadline_ns < now:
                connection.expire()
