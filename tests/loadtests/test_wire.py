"""Every row of the contract's table, over HTTP, against every store."""

from collections.abc import Iterator

import pytest

from loadtests.protocol import TABLE, WireRow
from sim.ledger import Replayed
from tests.loadtests.services import Service, running
from tests.loadtests.stores_here import STORES, skip_unless_installed


@pytest.fixture(scope="module", params=STORES)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    skip_unless_installed(request.param)
    workers = "1" if request.param == "memory" else "2"
    with running(request.param, "--workers", workers, "--sync", "normal") as found:
        yield found


def play(service: Service, wire: WireRow) -> None:
    service.forget(**wire.row.spec.as_plain())
    for request in wire.before:
        assert service.send(request).status < 500
    told = service.send(wire.request)
    said = wire.answered
    assert (told.status, told.problem) == (said.status, said.problem), told
    assert ("idempotent-replayed" in told.headers) == said.replayed
    assert {name: told.body[name] for name in said.body} == said.body


def test_the_wire_says_what_the_table_says(service: Service) -> None:
    """One test a store: the rows share its processes."""
    for wire in TABLE:
        try:
            play(service, wire)
        except AssertionError as error:
            raise AssertionError(f"{wire.row.state}: {wire.row.command} -> {wire.row.reply}") from error


def test_a_replay_has_the_same_body_to_the_letter(service: Service) -> None:
    service.forget()
    service.open(1)
    first, second = service.claim("ana", "k1"), service.claim("ana", "k1")
    assert first.status == second.status == 201
    assert first.body == second.body
    assert any(isinstance(wire.row.reply, Replayed) for wire in TABLE)


def test_a_release_is_of_one_holding(service: Service) -> None:
    """A release that was meant for an earlier slot of the same person ends nothing."""
    service.forget(gives_back=["withdrawal"])
    service.open(5)
    first = service.claim("ana", "k1").body["claim_id"]
    gone = service.ask("DELETE", f"/quotas/2022/claims/{first}", applicant="ana", idempotency_key="r1")
    second = service.claim("ana", "k2").body["claim_id"]
    late = service.ask("DELETE", f"/quotas/2022/claims/{first}", applicant="ana", idempotency_key="r2")
    reused = service.ask("DELETE", f"/quotas/2022/claims/{second}", applicant="ana", idempotency_key="r1")
    assert gone.body == {"status": "released", "given_back": True}
    assert (late.status, late.problem) == (404, "not-held")
    assert (reused.status, reused.problem) == (422, "key-reused")
    assert [each["claim_id"] for each in service.holders()] == [second]


def test_the_audit_lists_every_holder_by_position_page_by_page(service: Service) -> None:
    service.forget()
    service.open(7)
    for number in range(9):
        service.claim(f"person {number}", "k")
    first = service.ask("GET", "/quotas/2022/claims?limit=3").body
    rest = service.ask("GET", f"/quotas/2022/claims?limit=9&after={first['next']}").body
    assert [each["position"] for each in first["claims"] + rest["claims"]] == [1, 2, 3, 4, 5, 6, 7]
    assert rest["next"] is None
    assert service.read()["used"] == 7
