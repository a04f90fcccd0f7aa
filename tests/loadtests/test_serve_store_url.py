"""A server that runs already, given by its URL: used as it is, or complained of before anything is served."""

import re
import socket
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from loadtests.reference import reach
from sim.errors import BadInput
from tests.loadtests import stores_here
from tests.loadtests.services import running

SERVERS = ("postgres", "valkey")


class Server(NamedTuple):
    """One that was started for these tests."""

    store: str
    url: str


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with stores_here.place(request.param, tmp_path_factory.mktemp("server")) as url:
        yield Server(request.param, url)


def complaint_about(store: str, url: str) -> str:
    with pytest.raises(BadInput) as told:
        reach.check(store, url)
    assert url not in str(told.value), "a URL may have a password in it"
    return str(told.value)


@pytest.mark.long
def test_two_services_share_a_server_and_leave_it_running(server: Server) -> None:
    options = ("--store-url", server.url, "--cap", "2022=2")
    with running(server.store, *options, "--workers", "2") as one, running(server.store, *options) as other:
        granted = one.claim("ana", "k").body
        assert other.claim("ana", "k").body == granted
        assert other.claim("bo", "k").status == 201
        assert one.claim("cy", "k").problem == "exhausted"
    with running(server.store, *options) as later:
        assert [each["applicant"] for each in later.holders()] == ["ana", "bo"]


def test_a_wrong_password_is_said(server: Server) -> None:
    wrong = re.sub(r":[^:@/]+@", ":sesame@", server.url)
    said = complaint_about(server.store, wrong)
    assert "--store-url" in said
    assert "password" in said
    assert "sesame" not in said


def test_a_server_of_another_kind_is_said(server: Server) -> None:
    other = "valkey" if server.store == "postgres" else "postgresql"
    url = re.sub(r"^\w+", other, server.url).replace("/postgres", "/0")
    if other == "valkey":  # PostgreSQL hangs up at once; Valkey would let us wait for its greeting
        assert "cannot be used" in complaint_about("valkey", url)
    assert "this is no URL of such a server" in complaint_about(server.store, url)


@pytest.mark.parametrize("store", SERVERS)
def test_a_refused_connection_is_said(store: str) -> None:
    stores_here.skip_unless_installed(store)
    with socket.socket() as free:  # bound, and nobody listens
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        scheme = "postgresql" if store == "postgres" else store
        said = complaint_about(store, f"{scheme}://user:sesame@127.0.0.1:{port}/0")
    assert f"127.0.0.1, port {port}" in said
    assert "refused" in said
    assert "sesame" not in said


@pytest.mark.parametrize(
    "url", ["nonsense", "", "http://127.0.0.1", "postgresql://127.0.0.1:x/y", "valkey://"]
)
@pytest.mark.parametrize("store", SERVERS)
def test_what_is_no_url_is_said_with_an_example(store: str, url: str) -> None:
    with pytest.raises(BadInput, match=r"as in (postgresql|valkey)://"):
        reach.check(store, url)


def test_a_database_that_is_not_there_is_named(server: Server) -> None:
    if server.store != "postgres":
        pytest.skip("Valkey has numbers for databases")
    said = complaint_about("postgres", server.url.replace("/postgres", "/nowhere"))
    assert '"nowhere" does not exist' in said
