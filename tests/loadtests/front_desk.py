"""A service that is logged in to: a token for the run, a cookie and a pass for each applicant."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, PASS, COOKIE, PASSWORD = "t-9f8e7d6c", "pass-4711-xyz", "crumb-0815", "open & sesame"

PROFILE = """\
format = 1
name = "front-desk"
title = "a service that is logged in to"
base_url = "http://127.0.0.1:8080"
slot = "applicant"
cookies = true
variables = { password = "${DESK_PASSWORD}", access = "", mine = "" }
headers = { X-Desk = "{access}" }

[[setup]]
request = "POST /login"
form = { user = "harness", password = "{password}" }
extract = { access = "json:access" }

[[enrol]]
request = "POST /users"
json = { name = "{applicant}" }
extract = { mine = "json:entry" }

[[claim]]
request = "POST /claims?entry={mine}"
graphql = { query = "mutation ($who: ID!) { claim(who: $who) { id } }", variables = { who = "{applicant|uuid5}", late = false } }
rules = [
    { status = 200, json = "errors[0].message", equals = "sold out", answer = "full" },
    { status = 200, json = "data.claim.id", exists = true, answer = "granted" },
]
"""  # noqa: E501


class Desk(BaseHTTPRequestHandler):
    """Lets in who has what the earlier answers gave."""

    protocol_version = "HTTP/1.1"
    bodies: list[str] = []

    def do_POST(self) -> None:
        """One of the three requests."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.bodies.append(body)
        if self.path == "/login":
            self._say({"access": TOKEN} if "open+%26+sesame" in body else {"error": "no"})
        elif self.headers["X-Desk"] != TOKEN:
            self._say({"error": "log in"}, 401)
        elif self.path == "/users":
            self._say({"entry": PASS}, cookie=COOKIE)
        elif PASS in self.path and COOKIE in self.headers.get("Cookie", ""):
            self._say({"data": {"claim": {"id": 1}}, "csrf_token": "abcdef", "seen": self.path})
        else:
            self._say({"error": "who are you?"}, 403)

    def _say(self, said: dict[str, object], status: int = 200, *, cookie: str = "") -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", f"sid={cookie}; Path=/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is said of single requests."""


@contextlib.contextmanager
def desk() -> Iterator[tuple[str, list[str]]]:
    """Its address, and the bodies of what it was sent."""
    bodies: list[str] = []
    kind = type("Here", (Desk,), {"bodies": bodies})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        server.server_close()
