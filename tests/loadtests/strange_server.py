"""A small HTTP server that answers as its path says, and counts what reached it: for tests of our client.

Started as a child process (`running`), because asyncio and gevent do not share one. `/count` tells how many
requests came by method and path, and how many connections were ever opened and are open now.
"""

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httptools

GRANT = json.dumps(
    {"claim_id": "2022-1", "slot": 1, "position": 1, "intake": "2022", "status": "granted"}
).encode()
KEPT = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(GRANT)
    + GRANT
)
SAID: dict[str, bytes] = {
    "/claims": KEPT,
    "/chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6\r\n world\r\n0\r\nX-End: 1\r\n\r\n",
    "/no-length": b"HTTP/1.1 200 OK\r\n\r\nto the end",
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot a hundred",
    "/nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/unchanged": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n",
    "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n",
    "/wait": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + KEPT,
    "/old": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "/last": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    "/twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
    "/garbage": b"220 mail.example ESMTP\r\n",
    "/two-cookies": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSET-COOKIE: b=2\r\nContent-Length: 0\r\n\r\n",
    "/moved": b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /claims\r\nContent-Length: 0\r\n\r\n",
}  # fmt: skip
CLOSES = {"/no-length", "/short", "/last", "/old"}


class Connection(asyncio.Protocol):
    """One connection of a client."""

    counts: Counter[str] = Counter()
    stall_until = 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.counts["connections"] += 1
        self.counts["open"] += 1

    def connection_lost(self, error: Exception | None) -> None:
        self.counts["open"] -= 1

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_url(self, url: bytes) -> None:
        self.path, _, self.query = url.decode().partition("?")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.counts[f"{self.parser.get_method().decode()} {self.path}"] += 1
        loop = asyncio.get_running_loop()
        left = Connection.stall_until - time.monotonic()
        if self.path == "/count":
            self._json(dict(self.counts))
        elif self.path == "/echo":
            self._json({"body": self.body.decode("latin-1"), "length": len(self.body)})
        elif self.path == "/stall":  # from now on nothing is answered for so many seconds
            now_ns = time.monotonic_ns()
            Connection.stall_until = now_ns / 1e9 + float(self.query)
            self._json([now_ns, int(Connection.stall_until * 1e9)])
        elif self.path == "/drop":
            self.transport.close()
        elif self.path == "/never":
            pass
        elif self.path == "/slow":
            loop.call_later(float(self.query), self._say, "/claims")
        elif left > 0:
            loop.call_later(left, self._say, self.path)
        else:
            self._say(self.path)

    def _say(self, path: str) -> None:
        path = "/claims" if path.endswith("/claims") else path
        self.transport.write(SAID.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
        if path in CLOSES:
            self.transport.close()

    def _json(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


async def serve(certificate: str | None) -> None:
    """Say the port, then serve until standard input closes."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=4096, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextlib.contextmanager
def running(certificate: Path | None = None) -> Iterator[str]:
    """The server as a child; its address."""
    command = [sys.executable, __file__, *([str(certificate)] if certificate else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        child.communicate(timeout=10)


def counts(address: str) -> dict[str, int]:
    """What the server has seen so far."""
    with urllib.request.urlopen(f"{address}/count", timeout=10) as answer:
        return json.load(answer)


def stand_still(address: str, seconds: float) -> tuple[int, int]:
    """Stop all answers for so long; from when to when, on this machine's monotonic clock."""
    with urllib.request.urlopen(f"{address}/stall?{seconds}", timeout=10) as answer:
        begins, ends = json.load(answer)
    return begins, ends


def reached(address: str, what: str, wanted: int) -> None:
    """Wait until the server has seen so many."""
    until = time.monotonic() + 30
    while counts(address).get(what, 0) < wanted:
        assert time.monotonic() < until, f"{what}: only {counts(address).get(what, 0)} in 30 s"
        time.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else None))
