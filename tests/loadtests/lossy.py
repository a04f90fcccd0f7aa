"""A service whose answers get lost on the way: a proxy that hands on requests, and not every answer."""

import contextlib
import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = ("connection", "transfer-encoding", "content-length", "keep-alive")


class Lossy(BaseHTTPRequestHandler):
    """Every `every`-th answer to a request that changes something is lost after it was done."""

    protocol_version = "HTTP/1.1"
    place, every, lost = "", 5, 0
    changes = 0
    paths: Counter[str] = Counter()
    lock = threading.Lock()

    def handle_one(self) -> None:
        """Hand one request on, and its answer back, or break the line."""
        size = int(self.headers.get("Content-Length", 0))
        line = http.client.HTTPConnection(self.place, timeout=20)
        line.request(self.command, self.path, self.rfile.read(size), dict(self.headers))
        answer = line.getresponse()
        body = answer.read()
        line.close()
        kind = type(self)
        with kind.lock:
            is_change = self.command in ("POST", "PATCH", "DELETE") and answer.status < 300
            kind.changes += is_change
            is_lost = is_change and kind.changes % kind.every == 0
            kind.lost += is_lost
            kind.paths[self.path] += 1
        if is_lost:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is said of single requests."""


@contextlib.contextmanager
def lossy(address: str, every: int = 5) -> Iterator[tuple[str, type[Lossy]]]:
    """The address of the proxy of a service, and what it counts."""
    fresh = {"paths": Counter(), "lock": threading.Lock()}
    kind = type("Here", (Lossy,), {"place": urlsplit(address).netloc, "every": every, **fresh})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kind
    finally:
        server.shutdown()
        server.server_close()
