"""The harness's own questions to a target: is it ready, what does it count, who holds a slot, a claim again.

One connection, one question at a time, each sent once. The traffic of a load test is not sent from here.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from loadtests.conversation import Seen, Told, converse
from loadtests.profile import Holder, Request, Step, Target, Unreadable, Who
from loadtests.profiles import secrecy
from sim.errors import BadInput, complaint

IDLE_S = 1.0
"""A line that was not used for so long is opened anew: the service may have closed it meanwhile."""


class Reply(NamedTuple):
    """The answer to one request, or why there is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    error: str | None
    was_written: bool


@dataclass(eq=False)
class Asker:
    """A line to one target, opened when it is needed and again after it broke."""

    target: Target
    timeout_s: float | None = None
    """Instead of the profile's."""

    def __post_init__(self) -> None:
        self._line: http.client.HTTPConnection | None = None
        self._used_s = 0.0
        self.variables: dict[str, str] = dict(self.target.variables)
        """Those of the profile, and what its setup left."""
        self.left_by_setup: dict[str, str] = {}
        self._enrolled: dict[str, Mapping[str, str]] = {}

    def attempt(self, request: Request) -> Reply:
        """Send once; never again, whatever happens."""
        was_written = False
        try:
            if self._line is not None and time.monotonic() - self._used_s > IDLE_S:
                self.close()
            line = self._line or self._open()
            self._line, self._used_s = line, time.monotonic()
            was_written = True
            line.request(
                request.method, request.path, body=request.body or None, headers=dict(request.headers)
            )
            answer = line.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Reply(0, {}, b"", _reason(error), was_written)
        headers: dict[str, str] = {}
        for name, value in answer.getheaders():
            known = name.lower()
            headers[known] = f"{headers[known]}, {value}" if known in headers else value
        if answer.will_close:
            self.close()
        return Reply(answer.status, headers, body, None, True)

    def converse(
        self,
        steps: tuple[Step, ...],
        who: Who,
        more: Mapping[str, str] | None = None,
        *,
        seen: Seen | None = None,
    ) -> Told:
        """One operation of the target, to its end; `seen` is told of every exchange."""
        variables = {**self.variables, **(more or {})}
        return converse(steps, who, variables, self.attempt, time.sleep, time.monotonic, seen=seen)

    def set_up(self, intakes: Sequence[str] = ()) -> None:
        """The profile's requests before a run; what they leave is kept for those that follow."""
        for who in self.target.set_up_by(intakes):
            told = self.converse(self.target.setup, who)
            if told.classified.result != "ok":
                why = told.classified.note or told.classified.answer
                raise self.unusable(f"the setup failed: {why}", key="setup")
            self.variables.update(told.variables)
            self.left_by_setup.update(told.variables)

    def enrolled(self, who: Who) -> Mapping[str, str]:
        """What the profile's `enrol` leaves for an applicant's requests: a token of one's own, cookies."""
        if self.target.enrol and who.applicant not in self._enrolled:
            told = self.converse(self.target.enrol, who)
            if told.classified.result != "ok":
                why = told.classified.note or told.classified.answer
                raise self.unusable(f"{who.applicant} was not enrolled: {why}", key="enrol")
            self._enrolled[who.applicant] = told.variables
        return self._enrolled.get(who.applicant, {})

    def is_ready(self) -> str | None:
        """None if the target says that it is ready, else why not."""
        if self.target.is_ready is None:
            try:
                (self._line or self._open()).close()
            except OSError as error:
                return _reason(error)
            self._line = None
            return None
        build, yes = self.target.is_ready
        reply = self.attempt(build(Who(""), self.variables))
        if reply.error is not None:
            return reply.error
        return None if reply.status in yes else f"answered {reply.status}"

    def wait_until_ready(self, deadline_s: float, is_alive: Callable[[], bool] = lambda: True) -> None:
        """Return when it is ready; BadInput once the deadline is over, or whoever should answer has died."""
        ready = self.target.ready
        every_s = ready.every_s if ready else 0.1
        until = time.monotonic() + deadline_s
        while (why := self.is_ready()) is not None:
            if not is_alive() or time.monotonic() > until:
                raise self.unusable(f"the service cannot be reached: {why}", key="base_url")
            time.sleep(every_s)

    def figure(self, name: str, intake: str) -> int | None:
        """A reading of the service: cap, used, held or available; None if the profile has no such reading."""
        reading = getattr(self.target.readings, name)
        if reading is None:
            return None
        if reading.settle_s:
            time.sleep(reading.settle_s)
        reply = self.attempt(reading.request(Who("", intake=intake), self.variables))
        if reply.error is not None:
            raise self.unusable(f"the reading {name} was not answered: {reply.error}", key=f"readings.{name}")
        figure: int = reading.value(reply.status, reply.headers, reply.body)
        return figure

    def holders(self, intake: str) -> list[Holder] | None:
        """Everyone who holds a slot, page by page; None if the profile has no such reading."""
        listing = self.target.readings.holders
        if listing is None:
            return None
        if listing.settle_s:
            time.sleep(listing.settle_s)
        found: list[Holder] = []
        request: Request | None = listing.request(Who("", intake=intake), self.variables)
        for _ in range(listing.most_pages):
            if request is None:
                return found
            reply = self.attempt(request)
            if reply.error is not None:
                raise self.unusable(f"the list of holders broke off: {reply.error}", key="readings.holders")
            try:
                page, request = listing.page(request, reply.status, reply.headers, reply.body)
            except Unreadable as error:
                raise self.unusable(str(error), key="readings.holders") from None
            found += page
        if request is None:
            return found
        raise self.unusable(
            f"the list of holders has more than {listing.most_pages} pages", key="readings.holders"
        )

    def unusable(self, message: str, *, key: str) -> BadInput:
        """A complaint about this target, without its secrets."""
        said = secrecy.masked(message, self.target.secrets, self.left_by_setup)
        return complaint(said, file=self.target.masked(self.target.base_url), key=key)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self) -> http.client.HTTPConnection:
        url = urlsplit(self.target.base_url)
        assert url.hostname, self.target.base_url
        seconds = self.timeout_s or self.target.profile.timeout_s
        line: http.client.HTTPConnection
        if url.scheme == "https":
            line = http.client.HTTPSConnection(
                url.hostname, url.port, timeout=seconds, context=self._context()
            )
        else:
            line = http.client.HTTPConnection(url.hostname, url.port, timeout=seconds)
        line.connect()
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _context(self) -> ssl.SSLContext:
        tls = self.target.tls
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
            if not tls.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if tls.certificate_file:
                context.load_cert_chain(tls.certificate_file, tls.key_file)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(each for each in (tls.ca_file, tls.certificate_file, tls.key_file) if each)
            why = error.strerror or str(error)
            raise complaint(f"the certificates cannot be read: {why}", key="tls", file=files) from None
        return context


def _reason(error: Exception) -> str:
    """Why a request was not answered, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted: {error.verify_message} "
            "(tls.ca_file names an authority to trust, tls.verify = false trusts anybody)"
        )
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return "it does not speak TLS there; is its address http:// instead of https://?"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {(error.reason or str(error)).replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return f"the answer broke off after {len(error.partial):,} bytes"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.BadStatusLine):
        return "what came is no answer of HTTP; is its address https:// instead of http://?"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"
