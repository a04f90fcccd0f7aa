"""One HTTP answer while it arrives, put together by the callbacks of the parser (httptools).

An answer is over at the end of its declared or chunked body, after its head where it can have no body (HEAD,
204, 304), or when the server closes a connection whose answer declared no length. Interim answers (100, 103)
are skipped. Bytes after the end belong to nobody: they make the connection unfit for another request.
"""

from collections.abc import Mapping
from typing import NamedTuple

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


class Answer:
    """The callbacks of one parser, and what they have gathered of the present answer."""

    __slots__ = (
        *("_parser", "body", "chunks", "excess", "headers"),
        *("is_head", "is_lasting", "is_over", "is_read", "status"),
    )

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.expect(is_head=False)

    def expect(self, *, is_head: bool) -> None:
        """Get ready for the answer to the next request."""
        self.is_head = is_head
        self.is_over = False  # the answer is complete
        self.is_read = False  # its head is complete
        self.is_lasting = False  # the server keeps the connection
        self.excess = False  # something came after its end
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.chunks: list[bytes] | None = None

    def feed(self, data: bytes) -> None:
        """Parse what has arrived. HttpParserError if it is not HTTP."""
        self._parser.feed_data(data)

    def ends_with_the_stream(self) -> bool:
        """The server closed: was that the proper end of this answer?"""
        has_length = "content-length" in self.headers or "chunked" in self.headers.get(
            "transfer-encoding", ""
        )
        return self.is_read and not has_length

    def keeps_alive(self) -> bool:
        """Whether the connection can carry another request."""
        return self.is_lasting and not self.excess and not self.is_head

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
