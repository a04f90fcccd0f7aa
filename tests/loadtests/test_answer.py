"""Answers put together: a head that was seen before means what it meant, and nothing else is assumed."""

from collections.abc import Iterator

import pytest

from loadtests import answer
from loadtests.answer import HEADS, Answer, Response
from tests.loadtests.strange_server import SAID


@pytest.fixture(autouse=True)
def _nothing_seen() -> Iterator[None]:
    HEADS.clear()
    yield
    HEADS.clear()


def told(*pieces: bytes, is_head: bool = False) -> Response | None:
    """What a connection makes of these pieces."""
    made = Answer()
    made.expect(is_head=is_head)
    for piece in pieces:
        response = made.fed(piece)
    return response


def head(length: int, more: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n" % (length, more)


def test_a_head_seen_before_brings_the_new_body() -> None:
    first, second = told(head(2) + b"ab"), told(head(2) + b"cd")
    assert len(HEADS) == 1
    assert first == (200, {"content-length": "2"}, b"ab", None, True)
    assert second == (200, {"content-length": "2"}, b"cd", None, True)


@pytest.mark.parametrize(
    ("pieces", "body"),
    [
        ((head(4), b"abcd"), b"abcd"),
        ((head(4) + b"ab", b"cd"), b"abcd"),
        ((head(4) + b"ab\r\n",), b"ab\r\n"),
        ((head(4)[:20], head(4)[20:] + b"\r\n\r\n"), b"\r\n\r\n"),
    ],
)
def test_a_head_seen_before_may_come_in_pieces(pieces: tuple[bytes, ...], body: bytes) -> None:
    told(head(4) + b"wxyz")
    response = told(*pieces)
    assert response is not None
    assert response.body == body


@pytest.mark.parametrize("path", ["/chunked", "/no-length", "/wait", "/old", "/twice", "/unchanged"])
def test_what_is_no_plain_answer_is_always_parsed(path: str) -> None:
    assert told(SAID[path]) == told(SAID[path])
    assert not HEADS


def test_more_than_the_declared_body_is_an_excess_though_the_head_is_known() -> None:
    made = Answer()
    for data, is_lasting in ((head(2) + b"ok", True), (SAID["/twice"], False)):
        made.expect(is_head=False)
        made.fed(data)
        assert made.is_lasting is is_lasting


def test_the_answer_to_head_has_no_body_though_the_head_is_known() -> None:
    told(head(12) + b"hello, world")
    response = told(head(12), is_head=True)
    assert response is not None
    assert response.body == b""


def test_heads_that_are_always_new_are_not_kept_for_ever() -> None:
    for number in range(answer.MOST_HEADS + 5):
        told(head(1, b"X-Id: %d\r\n" % number) + b"x")
    assert len(HEADS) == 5
