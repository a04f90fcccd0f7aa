"""The client: one attempt a call, every way in which HTTP ends a body, errors in words, and many
connections."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from loadtests.client import Pool
from loadtests.profiles.exchange import Request
from loadtests.transport import Tls
from sim.errors import BadInput
from tests.loadtests import strange_server


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with strange_server.running() as found:
        yield found


@pytest.fixture
def pool(address: str) -> Iterator[Pool]:
    made = Pool(address, timeout_s=2.0)
    yield made
    made.close()


def asked(pool: Pool, method: str, path: str, body: bytes = b""):
    return pool.attempt(Request(method, path, (("X-Who", "me"),), body))


@pytest.mark.parametrize(
    ("line", "status", "body"),
    [
        ("POST /claims", 201, strange_server.GRANT),
        ("GET /chunked", 200, b"hello world"),
        ("GET /no-length", 200, b"to the end"),
        ("DELETE /nothing", 204, b""),
        ("GET /unchanged", 304, b""),
        ("HEAD /head", 200, b""),
        ("POST /wait", 201, strange_server.GRANT),
        ("GET /old", 200, b"ok"),
        ("GET /twice", 200, b"ok"),
        ("GET /moved", 307, b""),
    ],
)
def test_an_answer_ends_where_http_says(pool: Pool, line: str, status: int, body: bytes) -> None:
    method, path = line.split()
    for _ in range(2):  # the second time on whatever the first left of the connection
        answer = asked(pool, method, path)
        assert (answer.status, answer.body, answer.error) == (status, body, None)


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/drop", "closed the connection without an answer"),
        ("/short", "closed the connection in the middle of its answer"),
        ("/garbage", "not HTTP"),
    ],
)
def test_no_answer_is_an_error_and_the_request_was_written(pool: Pool, path: str, error: str) -> None:
    answer = asked(pool, "GET", path)
    assert answer.status == 0
    assert error in (answer.error or "")
    assert answer.was_written


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH"])
def test_a_dropped_request_is_sent_once(address: str, pool: Pool, method: str) -> None:
    before = strange_server.counts(address).get(f"{method} /drop", 0)
    asked(pool, method, "/claims")  # a connection that is alive, as the hazard needs it
    asked(pool, method, "/drop")
    assert strange_server.counts(address)[f"{method} /drop"] == before + 1


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_was_said(address: str) -> None:
    pool = Pool(address, timeout_s=0.2)
    begin = time.monotonic()
    answer = asked(pool, "POST", "/never")
    assert 0.2 <= time.monotonic() - begin < 1.0
    assert (answer.error, answer.was_written) == ("time-out: waited 0.2 s for the answer", True)
    assert not pool.connections


def test_a_late_answer_is_never_taken_for_that_of_the_next_request(address: str) -> None:
    pool = Pool(address, timeout_s=0.2)
    asked(pool, "GET", "/slow?0.3")
    gevent.sleep(0.2)
    assert asked(pool, "GET", "/chunked").body == b"hello world"
    pool.close()


def test_a_killed_greenlet_takes_its_connection_with_it(pool: Pool) -> None:
    waiting = gevent.spawn(asked, pool, "GET", "/slow?0.3")
    gevent.sleep(0.05)
    waiting.kill()
    gevent.sleep(0.3)
    assert asked(pool, "GET", "/chunked").body == b"hello world"


def test_a_refused_connection_wrote_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        answer = asked(Pool(f"http://127.0.0.1:{taken.getsockname()[1]}"), "POST", "/claims")
    assert "cannot connect to 127.0.0.1:" in (answer.error or "")
    assert not answer.was_written


def test_a_name_that_is_nowhere_wrote_nothing() -> None:
    answer = asked(Pool("http://nowhere.invalid"), "POST", "/claims")
    assert "cannot find nowhere.invalid" in (answer.error or "")
    assert not answer.was_written


def test_a_large_body_arrives_whole(pool: Pool) -> None:
    answer = asked(pool, "POST", "/echo", b"y" * 5_000_000)
    assert len(answer.body) > 5_000_000


def test_headers_have_small_names_and_join(pool: Pool) -> None:
    assert asked(pool, "GET", "/two-cookies").headers["set-cookie"] == "a=1, b=2"


def test_an_idle_connection_that_the_server_closed_is_not_used_again(address: str, pool: Pool) -> None:
    asked(pool, "GET", "/last")
    for _ in range(3):
        assert asked(pool, "GET", "/claims").status == 201
    assert pool.opened == 2


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/a b", "x"),
        ("/a\r\nX: y", "x"),
        ("/a", "x\r\nX-Other: y"),
        ("/a", "x\ny"),
        ("/é", "x"),
        ("/a", "x\ry"),
    ],
)
def test_nothing_can_be_smuggled_into_a_request(pool: Pool, path: str, header: str) -> None:
    with pytest.raises(BadInput, match="where none can be"):
        pool.encode(Request("GET", path, (("X-Who", header),), b""))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://"])
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    with pytest.raises(BadInput, match="no address"):
        Pool(url)


def test_1500_users_keep_1500_connections(address: str) -> None:
    pool = Pool(address, timeout_s=20.0)
    before = strange_server.counts(address)["connections"]

    def user() -> None:
        assert asked(pool, "GET", "/slow?0.7").status == 201

    for _ in range(3):
        gevent.joinall([gevent.spawn(user) for _ in range(1_500)], raise_error=True)
    assert pool.opened == 1_500
    # the two questions for the counts are connections too
    assert strange_server.counts(address)["connections"] - before <= 1_502
    pool.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tls") / "both.pem"
    key = place.with_name("key.pem")
    made = subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ),
            *(
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-keyout",
                str(key),
                "-out",
                str(place),
            ),
            *("-addext", "basicConstraints=critical,CA:TRUE"),
        ],
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("no openssl to make a certificate with")
    place.write_text(key.read_text() + place.read_text())
    return place


@pytest.fixture(scope="module")
def secure(certificate: Path) -> Iterator[str]:
    with strange_server.running(certificate) as found:
        yield found


def test_tls_with_a_certificate_that_is_trusted(secure: str, certificate: Path) -> None:
    pool = Pool(secure, tls=Tls(ca_file=certificate))
    assert asked(pool, "POST", "/echo", b"z" * 300_000).status == 200
    gevent.sleep(0.1)  # session tickets come when they like
    assert [asked(pool, "GET", "/chunked").body for _ in range(3)] == [b"hello world"] * 3
    assert pool.opened == 1


@pytest.mark.parametrize("ca", ["strangers", "nobody asks"])
def test_tls_with_a_certificate_of_strangers(secure: str, ca: str) -> None:
    answer = asked(Pool(secure, tls=Tls(verify=ca == "strangers")), "GET", "/claims")
    if ca == "strangers":
        assert "TLS: the certificate of 127.0.0.1:" in (answer.error or "")
        assert not answer.was_written
    else:
        assert answer.status == 201


def test_tls_with_another_name(secure: str, certificate: Path) -> None:
    tls = Tls(ca_file=certificate, server_name="elsewhere.test")
    assert "is not accepted" in (asked(Pool(secure, tls=tls), "GET", "/claims").error or "")


def test_https_asked_of_a_plain_server(address: str) -> None:
    answer = asked(Pool(address.replace("http:", "https:"), connect_timeout_s=1.0), "GET", "/claims")
    assert (answer.error or "").startswith(("TLS: ", "time-out"))
    assert not answer.was_written


def test_http_asked_of_a_tls_server(secure: str) -> None:
    answer = asked(Pool(secure.replace("https:", "http:"), timeout_s=1.0), "GET", "/claims")
    assert answer.error is not None


QUIET = ("protocol", "trace", "profile", "history", "recorder", "conversation", "chains", "tally", "clocks")


def test_gevent_is_absent_elsewhere() -> None:
    imports = "; ".join(f"import loadtests.{name}" for name in QUIET)
    code = f"import sys; {imports}; assert not {{'gevent', 'locust'}} & set(sys.modules), 'patched'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_more_connections_are_opened_than_the_service_bears() -> None:
    with strange_server.running() as address:
        before = strange_server.counts(address)["connections"]
        pool = Pool(address, most=3)
        request = pool.encode(Request("GET", "/slow?0.05", (), b""))
        waiting = [gevent.spawn(pool.send, request) for _ in range(12)]
        gevent.joinall(waiting, raise_error=True)
        assert {each.value.status for each in waiting} == {201}
        assert pool.opened == 3
        assert strange_server.counts(address)["connections"] - before <= 5  # two of them ask for the counts
        pool.close()


def test_a_connection_that_is_closed_makes_room_for_another() -> None:
    with strange_server.running() as address:
        pool = Pool(address, most=1)
        closing = pool.encode(Request("GET", "/last", (), b""))
        waiting = [gevent.spawn(pool.send, closing) for _ in range(3)]
        gevent.joinall(waiting, raise_error=True)
        assert [each.value.body for each in waiting] == [b"ok"] * 3
        pool.close()
