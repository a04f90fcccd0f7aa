"""One connection to a service: opened, then used for one request after the other until a side closes it.

The pool's ear (ear.py) listens to it for all its life. A complete answer is handed to the pool with the
*item* that it is for, or wakes the greenlet that waits for it; a server that closes an idle connection is
noticed. Whatever goes wrong before an answer is complete is `Broken`; what was written until then is known.
"""

import errno
import os
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

import gevent
import httptools
from gevent import monkey
from gevent.hub import Waiter

from loadtests.answer import Answer, Response
from loadtests.ear import Ear
from loadtests.transport import Encrypted, Plain, Transport

READABLE: Final = 1
WRITABLE: Final = 2
Socket: Final = monkey.get_original("socket", "socket")


class Owner(Protocol):
    """The pool that a connection belongs to, as far as it concerns the connection."""

    place: str
    server_name: str
    context: ssl.SSLContext | None
    timeout_ns: int
    connect_timeout_ns: int
    connections: "set[Connection]"
    opened: int
    ear: Ear
    answered: Callable[[Any, Response], None]
    handled: Callable[[], None]

    def addresses(self) -> list[tuple[Any, Any]]: ...
    def keep(self, connection: "Connection") -> None: ...
    def forget(self, connection: "Connection") -> None: ...


class Encoded(NamedTuple):
    """A request as the bytes of the wire."""

    data: bytes
    is_head: bool


class Broken(Exception):
    """A connection that can no longer be used, and why; caught in this module."""


class Connection:
    """One connection: made, then used for one request after the other until one side closes it."""

    __slots__ = (
        *("_answer", "_file", "_is_paused", "_pool", "_transport", "_waiter"),
        *("deadline_ns", "idle_since_ns", "is_open", "item"),
    )

    def __init__(self, pool: Owner) -> None:
        self._pool = pool
        self._answer = Answer()
        self._transport: Transport
        self._file = -1
        self._is_paused = False  # the ear does not listen, since nobody waits for the answer yet
        self._waiter: Any = None  # of the greenlet that waits for the answer
        self.item: Any = None  # or else what the answer is for
        self.is_open = False
        self.deadline_ns = 0  # of the present request; 0: there is none, below 0: it has passed
        self.idle_since_ns = 0

    def open(self) -> None:
        """Connect, and shake hands where it is TLS. Broken if that fails."""
        pool = self._pool
        self.deadline_ns = time.monotonic_ns() + pool.connect_timeout_ns
        refused = "no address"
        for family, address in pool.addresses():
            sock = Socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            if family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._transport = Plain(sock)
            try:
                self._connect(sock, address)
            except OSError as error:
                sock.close()
                refused = error.strerror or str(error)
                continue
            break
        else:
            raise Broken(f"cannot connect to {pool.place}: {refused}")
        if pool.context is not None:
            self._shake(sock, pool.context)
        self._file = sock.fileno()
        pool.ear.add(self._file, self.heard)
        self.is_open = True
        pool.connections.add(self)
        pool.opened += 1

    def _connect(self, sock: Any, address: Any) -> None:
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            self._wait(WRITABLE, "connecting")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _shake(self, sock: Any, context: ssl.SSLContext) -> None:
        place = self._pool.place
        try:
            self._transport = encrypted = Encrypted(sock, context, self._pool.server_name)
            while not encrypted.shake():
                self._wait(READABLE, "the TLS handshake")
        except ssl.SSLCertVerificationError as error:
            sock.close()
            raise Broken(f"TLS: the certificate of {place} is not accepted: {error.verify_message}") from None
        except ssl.SSLError as error:
            sock.close()
            reason = (error.reason or str(error)).replace("_", " ").lower()
            hint = (
                "; is it plain http?"
                if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
                else ""
            )
            raise Broken(f"TLS: the handshake with {place} failed: {reason}{hint}") from None
        except OSError as error:
            sock.close()
            raise Broken(f"TLS: {place} broke off the handshake: {error.strerror}") from None

    def put(self, encoded: Encoded, now_ns: int) -> bool:
        """Write as much of the request as the kernel takes at once, without waiting; False if not all."""
        data, is_head = encoded
        answer = self._answer
        answer.is_head, answer.is_fresh = is_head, True  # as `expect` does it, without the call
        self.deadline_ns = now_ns + self._pool.timeout_ns
        try:
            return self._transport.put(data)
        except OSError:
            return True  # the answer, or its absence, will tell

    def receive(self) -> Response:
        """Wait for the answer to what was put, in the greenlet of the caller."""
        if self.deadline_ns < 0:
            return self._failed(self._late("the answer"))
        self._listen()
        waiter: Waiter[Response] = Waiter()
        self._waiter = waiter
        try:
            response: Response = waiter.get()
        finally:
            if self._waiter is waiter:  # killed: the answer would be taken for that of the next request
                self._waiter = None
                self.close()
        return response

    def answer_is_for(self, item: object) -> Response | None:
        """The answer to what was put goes to the pool with this item. If it is too late for one: that."""
        if self.deadline_ns < 0:
            return self._failed(self._late("the answer"))
        self.item = item
        self._listen()
        return None

    def _listen(self) -> None:
        """Somebody waits for the answer now."""
        if self._is_paused:
            self._is_paused = False
            self._pool.ear.add(self._file, self.heard)

    def heard(self) -> None:
        """Called by the ear whenever there is something to read, or the other side closed."""
        if not self.deadline_ns:  # idle: whatever it is, it is no answer to anything
            if self.is_dead():
                self._pool.forget(self)
        elif self.item is None and self._waiter is None:  # still writing
            self._is_paused = True
            self._pool.ear.remove(self._file)
        else:
            response = self._read()
            if response is not None:
                self._tell(response)

    def _read(self) -> Response | None:
        """Parse what has arrived. The answer, once it is complete or cannot be any more."""
        answer, take, data = self._answer, self._transport.take, b""
        try:
            while data := take():
                response = answer.fed(data)
                if response is not None:
                    self.deadline_ns = 0
                    if not answer.is_lasting:
                        self.close()
                    return response
                # TLS may have more of it already, of which the socket knows nothing.
            if not answer.ends_with_the_stream():
                return self._failed(self._cut_short())
            self.close()
            return answer.response()
        except BlockingIOError:
            return None
        except httptools.HttpParserUpgrade:
            error = "the service changed to another protocol"
        except httptools.HttpParserError as bad:
            error = f"the answer is not HTTP: {bad}"
            if data[:1] in (b"\x15", b"\x16"):
                error = "the answer is not HTTP but TLS: should the address begin with https?"
        except OSError as failed:
            error = f"the connection broke: {failed.strerror or failed}"
        return self._failed(error)

    def _failed(self, error: str) -> Response:
        """No answer, and the connection is of no more use."""
        self.close()
        return Response(0, {}, b"", error, self._transport.sent > 0)

    def _tell(self, response: Response) -> None:
        """Hand the answer to whoever it is for; the connection is free before that."""
        pool, item, waiter = self._pool, self.item, self._waiter
        self.item = self._waiter = None
        if self.is_open:
            pool.keep(self)
        if item is not None:
            pool.answered(item, response)
        else:
            gevent.get_hub().loop.run_callback(waiter.switch, response)

    def _tell_late(self, response: Response) -> None:
        self._tell(response)
        self._pool.handled()  # as the ear does after answers

    def write_out(self) -> None:
        """Go on writing what `put` left, waiting for the kernel to take it."""
        try:
            while not self._transport.flush():
                self._wait(WRITABLE, "the request to be taken")
        except (OSError, Broken):
            pass  # a server may answer and close before it has read everything: receive will tell

    def close(self) -> None:
        """Give the socket back."""
        if self.is_open:
            self.is_open = False
            if not self._is_paused:
                self._pool.ear.remove(self._file)
            self._transport.sock.close()
            self._pool.connections.discard(self)

    def is_dead(self) -> bool:
        """Whether the server has closed, or sent something unasked, while the connection was idle."""
        try:
            self._transport.take()
        except BlockingIOError:
            return False  # nothing, or a word between the two TLS layers
        except OSError:
            pass
        return True

    def expire(self) -> None:
        """The deadline has passed: whoever waits is told; in a greenlet, since the hub calls this."""
        if self.item is not None or self._waiter is not None:
            gevent.spawn(self._tell_late, self._failed(self._late("the answer")))
        self.deadline_ns = -1

    def _wait(self, what: int, waiting_for: str) -> None:
        """Wait once for a state of the socket, outside the common path."""
        hub = gevent.get_hub()
        left_s = (self.deadline_ns - time.monotonic_ns()) / 1e9
        limit = gevent.Timeout(max(left_s, 0.001))
        watcher = hub.loop.io(self._transport.sock.fileno(), what)
        limit.start()
        try:
            hub.wait(watcher)
        except gevent.Timeout as passed:
            if passed is not limit:
                raise
            if not self.is_open:
                self._transport.sock.close()
            raise Broken(self._late(waiting_for)) from None
        finally:
            limit.close()
            watcher.close()

    def _late(self, waiting_for: str) -> str:
        pool = self._pool
        limit_ns = pool.timeout_ns if self.is_open else pool.connect_timeout_ns
        return f"time-out: waited {limit_ns / 1e9:g} s for {waiting_for}"

    def _cut_short(self) -> str:
        if self._answer.is_read:
            return "the service closed the connection in the middle of its answer"
        return "the service closed the connection without an answer"
