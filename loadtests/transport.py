"""How bytes of one connection reach the kernel and come back: plain, or through TLS. Nothing here waits.

Both kinds have the same calls. `put` takes bytes to be sent and `flush` hands over as many as the kernel
accepts; `take` returns what has arrived, b"" at the end of the stream, or raises BlockingIOError when there
is nothing yet. TLS goes through two memory buffers, so that the waiting is the same for both, and the one
place that waits (connection.py) never deals with TLS.
"""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

CHUNK = 16_384
"""More than most answers have; the room for it is made before each reading."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What is trusted, and who we are."""

    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    client_certificate: Path | None = None
    """Our certificate, for services that ask for one."""
    client_key: Path | None = None
    """Its key, where it is not in the same file."""
    verify: bool = True
    """False accepts any certificate: for a test bench that made its own and cannot be asked for it."""
    server_name: str | None = None
    """The name the certificate must carry, where it is not the host of the URL."""

    def context(self) -> ssl.SSLContext:
        """The context for every connection of a pool."""
        made = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        if not self.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        if self.client_certificate:
            made.load_cert_chain(self.client_certificate, self.client_key)
        return made


class Plain:
    """A TCP connection as it is."""

    __slots__ = ("_left", "sent", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sent = 0  # bytes of the present request that the kernel has taken
        self._left: bytes | memoryview = b""

    def put(self, data: bytes) -> bool:
        """Send; False if the kernel took a part only and `flush` has to go on."""
        try:
            self.sent = taken = self.sock.send(data)
        except BlockingIOError:
            self.sent = taken = 0
        if taken == len(data):
            return True
        self._left = memoryview(data)[taken:]
        return False

    def flush(self) -> bool:
        try:
            taken = self.sock.send(self._left)
        except BlockingIOError:
            return False
        self.sent += taken
        self._left = self._left[taken:]
        return not self._left

    def take(self) -> bytes:
        return self.sock.recv(CHUNK)


class Encrypted:
    """The same through TLS. `shake` until it says that hands are shaken, flushing in between."""

    __slots__ = ("_coming", "_going", "_left", "_session", "sent", "sock")

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self.sock = sock
        self.sent = 0
        self._left = b""
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._coming, self._going, server_hostname=name)

    def shake(self) -> bool:
        """One step of the handshake; False: flush, wait for the server, come again."""
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            try:
                self._receive()
            except BlockingIOError:
                return False
            return self.shake()
        return self.flush()

    def put(self, data: bytes) -> bool:
        self.sent = 0
        self._session.write(data)
        return self.flush()

    def flush(self) -> bool:
        self._left += self._going.read()
        while self._left:
            try:
                taken = self.sock.send(self._left)
            except BlockingIOError:
                return False
            self.sent += taken
            self._left = self._left[taken:]
        return True

    def take(self) -> bytes:
        while True:
            try:
                return self._session.read(CHUNK)
            except ssl.SSLWantReadError:
                self.flush()  # TLS may owe the server a word of its own
                self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def _receive(self) -> None:
        raw = self.sock.recv(CHUNK)
        if raw:
            self._coming.write(raw)
        else:
            self._coming.write_eof()


Transport = Plain | Encrypted
