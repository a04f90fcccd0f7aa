"""One HTTP answer while it arrives, put together by the callbacks of the parser (httptools).

An answer is over at the end of its declared or chunked body, after its head where it can have no body (HEAD,
204, 304), or when the server closes a connection whose answer declared no length. Interim answers (100, 103)
are skipped. Bytes after the end belong to nobody: they make the connection unfit for another request.

Most heads that a service sends are byte for byte ones that it sent before. What the parser made of such a
head is kept, and holds again if as much of a body follows as the head declares; the parser sees the rest.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import httptools


class Response(NamedTuple):
    """What one attempt brought. Status 0 with an error: no answer was read."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several with one name, the values joined by a comma."""
    body: bytes
    error: str | None
    """Why there is no answer, in words for people; None if there is one."""
    was_written: bool
    """Whether the kernel took any byte of the request. If not, it certainly had no effect."""


NAMES: dict[bytes, str] = {}
"""Header names seen, decoded and in lower case. Few, since they come from the services under test."""


HEADS: dict[bytes, tuple[int, Mapping[str, str], int]] = {}
"""Heads seen, to the empty line -> status, headers, and the length of the body, which the head declares."""
MOST_HEADS: Final = 1_000
"""Then all are forgotten: a service that puts something new into every head."""
END: Final = b"\r\n\r\n"

_NEW: Final = tuple.__new__


class Answer:
    """The callbacks of one parser, and what they have gathered of the present answer."""

    __slots__ = (
        *("_parser", "body", "chunks", "excess", "headers", "is_fresh"),
        *("is_head", "is_lasting", "is_over", "is_read", "status"),
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.expect(is_head=False)
        self._begin()

    def expect(self, *, is_head: bool) -> None:
        """Get ready for the answer to the next request."""
        self.is_head = is_head
        self.is_fresh = True  # nothing of it has come

    def _begin(self) -> None:
        self.is_over = False  # the answer is complete
        self.is_read = False  # its head is complete
        self.is_lasting = False  # the connection can carry another request
        self.excess = False  # something came after its end
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.chunks: list[bytes] | None = None

    def fed(self, data: bytes) -> Response | None:
        """Parse what has arrived: the answer, if that completes it. HttpParserError if it is not HTTP."""
        is_first = self.is_fresh
        if is_first:
            self.is_fresh = False
            end = data.find(END) + 4
            known = HEADS.get(data[:end])
            if known is not None and len(data) - end == known[2] and not self.is_head:
                self.is_lasting = True
                # tuple.__new__ goes past a call by name, which would cost more than all of this.
                response: Response = _NEW(Response, (known[0], known[1], data[end:], None, True))
                return response
            self._begin()
        self._parser.feed_data(data)
        if not self.is_over:
            return None
        self.is_lasting = self.is_lasting and not self.excess and not self.is_head
        if is_first and self.is_lasting:
            self._remember(data)
        return self.response()

    def _remember(self, data: bytes) -> None:
        """Keep the head of an answer that came in one piece, if it declares how long the body is."""
        end, length = data.find(END) + 4, len(self.body)
        is_plain = self.headers.get("content-length") == str(length) and self.chunks is None
        # An interim answer before the real one has a head of its own, and more than a body follows it.
        if is_plain and len(data) - end == length:
            if len(HEADS) >= MOST_HEADS:
                HEADS.clear()
            HEADS[data[:end]] = (self.status, self.headers, length)

    def ends_with_the_stream(self) -> bool:
        """The server closed: was that the proper end of this answer?"""
        has_length = "content-length" in self.headers or "chunked" in self.headers.get(
            "transfer-encoding", ""
        )
        return self.is_read and not has_length

    def response(self) -> Response:
        """The complete answer."""
        if self.chunks is not None:
            self.body = b"".join((self.body, *self.chunks))
        return Response(self.status, self.headers, self.body, None, True)

    # the callbacks, by the names that the parser looks for

    def on_message_begin(self) -> None:
        if self.is_over:
            self.excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_over:
            return
        known = NAMES.get(name)
        if known is None:
            known = NAMES[name] = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        self.headers[known] = f"{self.headers[known]}, {text}" if known in self.headers else text

    def on_headers_complete(self) -> None:
        if self.is_over:
            return
        self.status = self._parser.get_status_code()
        if self.status >= 200 or self.status == 101:
            self.is_read = True
            self.is_lasting = self._parser.should_keep_alive()
            # The parser does not know that HEAD was asked and would wait for the body that the head
            # describes.
            self.is_over = self.is_head

    def on_body(self, part: bytes) -> None:
        if self.is_over:
            return
        if not self.body:
            self.body = part
        elif self.chunks is None:
            self.chunks = [part]
        else:
            self.chunks.append(part)

    def on_message_complete(self) -> None:
        if self.is_read:
            self.is_over = True
        else:  # an interim answer: the real one follows
            self.headers = {}
