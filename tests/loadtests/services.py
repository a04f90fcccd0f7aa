"""A running reference service for a test, and a client that says what it was told."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from loadtests import protocol
from loadtests.protocol import Request
from sim.ledger import Claim

ROOT = Path(__file__).resolve().parents[2]


class Told(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: Any

    @property
    def problem(self) -> str | None:
        kind = self.body.get("type", "") if isinstance(self.body, dict) else ""
        return kind.removeprefix(protocol.PROBLEM_BASE) if kind else None


class Service:
    """A service that runs; `process` is its parent."""

    def __init__(self, url: str, process: "subprocess.Popen[str]") -> None:
        self.url, self.process = url, process
        self._wire: http.client.HTTPConnection | None = None

    def send(self, request: Request, headers: dict[str, str] | None = None) -> Told:
        if self._wire is None:
            self._wire = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            sent = {**request.headers, **(headers or {})}
            self._wire.request(request.method, request.path, request.body, sent)
            response = self._wire.getresponse()
            raw = response.read()
        except OSError:
            self._wire.close()
            self._wire = None
            raise
        names = {name.lower(): value for name, value in response.getheaders()}
        return Told(response.status, names, json.loads(raw) if raw else None)

    def ask(self, method: str, path: str, said: object = None, **headers: str) -> Told:
        body = b"" if said is None else json.dumps(said).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(Request(method, path, {"Content-Type": "application/json", **sent}, body))

    def claim(
        self, applicant: str, key: str, intake: str = "2022", stream: str = "main", **said: Any
    ) -> Told:
        request = protocol.request_of(Claim(applicant, key, intake, stream))
        body = json.dumps({**json.loads(request.body), **said}).encode()
        return self.send(request._replace(body=body))

    def forget(self, **spec: object) -> None:
        """Begin again, with this spec."""
        assert self.ask("DELETE", "/quotas").status == 200
        if spec:
            self.adopt(spec)

    def adopt(self, spec: dict[str, object]) -> None:
        """A spec comes with an intake: one that nobody claims in."""
        said = {"caps": [], "opens_at": protocol.FAR_OFF, "spec": spec}
        assert self.ask("PUT", "/quotas/spec", said).status == 200

    def open(self, limit: int, intake: str = "2022") -> None:
        caps = [{"name": intake, "limit": limit, "covers": [[intake, None]]}]
        assert self.ask("PUT", f"/quotas/{intake}", {"caps": caps}).status == 200

    def read(self, intake: str = "2022") -> Any:
        return self.ask("GET", f"/quotas/{intake}").body

    def holders(self, intake: str = "2022") -> list[Any]:
        found: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = self.ask("GET", f"/quotas/{intake}/claims?after={after}&limit=500").body
            found += page["claims"]
            after = page["next"]
        return found

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()


SERVE = (sys.executable, "-m", "loadtests.commands.serve")


@contextlib.contextmanager
def running(
    store: str, *options: str, token: str = "", command: tuple[str, ...] = SERVE, log: Path | None = None
) -> Iterator[Service]:
    """A service with this store; it and all its children have gone at the end."""
    environment = {**os.environ, "QUOTALAB_ADMIN_TOKEN": token}
    said_on = tempfile.TemporaryFile("w+") if log is None else log.open("w+")  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        [*command, "--store", store, "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=said_on,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        if not said.startswith("serving on http://"):
            said_on.seek(0)
            raise AssertionError(f"{options} said {said!r} and {said_on.read()[-3000:]}")
        service = Service(said.split()[-1], process)
        yield service
        service.close()
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(40)
        process.stdout.close()
        said_on.close()


def children(pid: int) -> list[int]:
    """The processes that a process has started, by the kernel's books."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet buried does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"
