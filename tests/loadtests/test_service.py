"""The reference service beside its table: gate, clock, waiting room, administration, and how it ends."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.reference import banner
from loadtests.reference.settings import Settings, Year
from sim.ledger import cap_of
from tests.loadtests.services import ROOT, Service, children, is_running, running
from tests.loadtests.stores_here import QUICK, skip_unless_installed

LAST_MINUTES = ("--clock-origin", "2022-12-31T23:50:00-05:00", "--cap", "2022=3", "--cap", "2023=2")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running("memory") as found:
        yield found


@pytest.mark.parametrize(
    ("said", "status", "problem", "rule"),
    [
        ({"residence": "quebec"}, 403, "ineligible", "residence"),
        ({"certificate": False}, 403, "ineligible", "certificate"),
        ({"letter": False}, 403, "ineligible", "letter"),
        ({"complete": False}, 422, "incomplete", None),
        ({"residence": "other-province"}, 201, None, None),
        ({"residence": "mars"}, 400, "malformed", None),
        ({"certificate": "true"}, 400, "malformed", None),
        ({"wish": 1}, 400, "malformed", None),
        ({"stream": " main"}, 400, "malformed", None),
    ],
)
def test_the_gate(
    service: Service, said: dict[str, Any], status: int, problem: str | None, rule: str | None
) -> None:
    service.forget()
    service.open(5)
    told = service.claim("ana", "k1", **said)
    assert (told.status, told.problem, told.body.get("rule")) == (status, problem, rule)
    assert service.read()["used"] == (1 if status == 201 else 0)


def test_what_is_refused_at_the_gate_leaves_no_receipt(service: Service) -> None:
    service.forget()
    service.open(5)
    assert service.claim("ana", "k1", complete=False).status == 422
    assert service.claim("ana", "k1").status == 201


def test_incomplete_applications_count_where_the_spec_says_received(service: Service) -> None:
    service.forget(counts="received")
    service.open(5)
    assert service.claim("ana", "k1", complete=False).status == 201
    service.forget(counts="accepted")


def test_a_request_without_a_key_or_for_an_unknown_intake(service: Service) -> None:
    service.forget()
    assert service.ask("POST", "/quotas/2022/claims", {}).problem == "malformed"
    assert service.claim("ana", "k1").problem == "unknown"
    assert service.claim("ana", "k1", "current").problem == "unknown"
    assert service.ask("GET", "/quotas/2031").problem == "unknown"


def test_an_etag_saves_reading_what_has_not_changed(service: Service) -> None:
    service.forget()
    service.open(5)
    etag = service.ask("GET", "/quotas/2022").headers["etag"]
    assert service.ask("GET", "/quotas/2022", if_none_match=etag).status == 304
    service.claim("ana", "k1")
    told = service.ask("GET", "/quotas/2022", if_none_match=etag)
    assert (told.status, told.body["used"], told.body["remaining"]) == (200, 1, 4)


def test_a_spec_cannot_change_under_slots_that_were_granted_by_it(service: Service) -> None:
    service.forget(refusals="fresh")
    service.open(5)
    caps = [{"name": "2022", "limit": 5, "covers": [["2022", None]]}]
    told = service.ask("PUT", "/quotas/2022", {"caps": caps, "spec": {"refusals": "sticky"}})
    assert (told.status, told.problem) == (422, "other-spec")


def test_the_year_turns_by_the_services_clock() -> None:
    """Twelve minutes later, midnight in Toronto has passed: 2022 is closed and 2023 is current."""
    with running("sqlite", "--workers", "2", *LAST_MINUTES) as service:
        old = service.claim("ana", "k1", "current")
        assert old.body["intake"] == "2022"
        assert service.claim("bo", "k1", "2023").problem == "intake-closed"
        assert service.read("2023")["state"] == "announced"
        now = service.ask("POST", "/clock", {"step_s": 720}).body["now"]
        assert now.startswith("2023-01-01T05:0")
        for _ in range(10):  # whichever worker is asked
            assert service.claim("bo", "k1", "2022").problem == "intake-closed"
        assert service.claim("bo", "k1", "current").body["intake"] == "2023"
        assert service.claim("ana", "k1", "current").body == old.body, "a key stays where it was answered"
        service.ask("POST", "/clock", {"step_s": -7200})
        assert service.claim("cy", "k1", "2022").problem == "intake-closed", "closed is closed for good"


def test_a_fast_clock_turns_the_year_by_itself() -> None:
    with running("memory", *LAST_MINUTES, "--clock-rate", "3600") as service:
        while service.read("2022")["state"] == "open":
            service.claim("nobody in particular", "k")
        assert service.read("2023")["state"] == "open"


def test_the_weekly_counter_is_copied_by_the_clock() -> None:
    options = ("--cap", "2022=1", "--refresh-days", "7", "--clock-origin", "2022-01-01T00:00:00-05:00")
    with running("memory", *options) as service:
        assert [service.claim(who, "k").status for who in ("ana", "bo")] == [201, 201]
        service.ask("POST", "/clock", {"step_s": 8 * 86_400})
        told = service.claim("cy", "k")
        assert (told.problem, told.body["cap"]) == ("exhausted", "2022")


def test_the_waiting_room_lets_people_in_one_by_one() -> None:
    with running("sqlite", "--cap", "2022=9", "--admit-per-minute", "1") as service:
        first, second = (
            service.ask("POST", "/quotas/2022/tickets", {"applicant": who}) for who in ("ana", "bo")
        )
        assert (first.body["position"], second.body["position"]) == (1, 2)
        assert service.claim("ana", "k").status == 201
        told = service.claim("bo", "k")
        assert (told.status, told.problem) == (429, "not-admitted")
        assert 0 < int(told.headers["retry-after"]) <= 60
        assert service.claim("cy", "k").problem == "not-admitted", "without a ticket"
        service.ask("POST", "/clock", {"step_s": 61})
        assert service.claim("bo", "k").status == 201
        again = service.ask("POST", "/quotas/2022/tickets", {"applicant": "bo"})
        assert again.body == second.body


def test_the_admin_token_is_needed_where_there_is_one() -> None:
    with running("memory", "--cap", "2022=1", token="sesame") as service:
        assert service.ask("POST", "/quotas/2022/close").problem == "unauthorized"
        assert service.ask("POST", "/quotas/2022/close", authorization="Bearer open").status == 401
        assert service.claim("ana", "k").status == 201, "no applicant needs it"
        assert service.ask("POST", "/quotas/2022/close", authorization="Bearer sesame").status == 200
        assert service.claim("bo", "k").problem == "intake-closed"


def test_a_scenario_gives_caps_streams_and_switches() -> None:
    options = ("--scenario", "imp-plus", "--policy", "pilot-reserve", "--scale", "0.01")
    with running("memory", *options) as service:
        said = service.read("2022")
        assert said["cap"] == 147
        assert said["streams"]["regular"]["limit"] == 147 - 6
        assert said["spec"]["counts"] == "accepted"


def test_service_and_store_report_their_health(service: Service) -> None:
    assert service.ask("GET", "/health").body["status"] == "ok"


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "loadtests.commands.serve", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--store", "memory", "--workers", "2"), "use --store sqlite"),
        (("--cap", "2022"), "INTAKE=LIMIT"),
        (("--cap", "2022=1", "--cap", "2022=2"), "given twice"),
        (("--clock-origin", "yesterday"), "2022-12-31T23:50:00-05:00"),
        (("--host", "0.0.0.0"), "QUOTALAB_ADMIN_TOKEN"),
        (("--scenario", "nowhere"), "nowhere"),
        (("--store", "sqlite", "--store-url", "x"), "postgres or valkey"),
        (("--store", "postgres", "--store-url", "postgresql://u:p@127.0.0.1:1/x"), "refused"),
        (("--store", "valkey", "--store-url", "x"), "as in valkey://"),
        (("--refresh-days", "0"), "1 to 3,660"),
        (("--admit-per-minute", "0"), "out of range"),
        (("--policy", "lottery"), "name one with --scenario"),
        (("--scenario", "smoke", "--policy", "nobody"), "there is no policy"),
    ],
)
def test_what_cannot_be_served_is_said_at_once(options: tuple[str, ...], said: str) -> None:
    ended = run(*options)
    assert ended.returncode == 3
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_named(service: Service) -> None:
    ended = run("--store", "memory", "--port", service.url.rpartition(":")[2])
    assert ended.returncode == 3
    assert "--port" in ended.stderr


@pytest.mark.parametrize("store", QUICK[1:])
def test_sigterm_leaves_nobody_behind(store: str) -> None:
    skip_unless_installed(store)
    with running(store, "--workers", "2") as service:
        started = children(service.process.pid)
        assert len(started) == (2 if store == "sqlite" else 3)
        service.process.terminate()
        assert service.process.wait(30) == 0
        assert not any(is_running(pid) for pid in started)


@pytest.mark.parametrize("store", ["sqlite", "postgres", pytest.param("valkey", marks=pytest.mark.long)])
def test_children_end_when_the_parent_is_killed(store: str) -> None:
    skip_unless_installed(store)
    with running(store, "--workers", "2") as service:
        started = children(service.process.pid)
        service.process.kill()
        service.process.wait(10)
        ended = threading.Event()
        for _ in range(200):
            if not any(is_running(pid) for pid in started):
                break
            ended.wait(0.1)
        assert not [pid for pid in started if is_running(pid)]


def test_a_worker_that_dies_is_started_again() -> None:
    with running("sqlite", "--workers", "1", "--cap", "2022=5") as service:
        assert service.claim("ana", "k").status == 201
        (worker,) = children(service.process.pid)
        subprocess.run(["kill", "-9", str(worker)], check=True)
        told = None
        while told is None:  # until the new one accepts
            with contextlib.suppress(OSError):
                told = service.claim("ana", "k")
        assert told.headers["idempotent-replayed"] == "true"


def test_the_first_words_say_what_is_served() -> None:
    caps = (cap_of("2022", 40), cap_of("2022", 1, "arts"))
    settings = Settings(
        "sqlite",
        years=(Year("2022", caps, 0, 86_400_000, ((1, "2022", 80),)),),
        time_zone="UTC",
        rate=60.0,
        workers=2,
        fault="check-then-act",
        admit_per_minute=2.5,
    )
    assert list(banner.lines(settings, place=" in here")) == [
        "  store    sqlite in here; 2 workers",
        "  fault    check-then-act, planted on purpose: do not expect right answers",
        "  intakes  2022: 40 slots, 1 slot for arts, more on 1 later date; "
        "open from 1970-01-01 00:00+00:00 until 1970-01-02 00:00+00:00",
        "  room     a ticket before a claim; 2.5 people let in a minute",
        "  clock    1970-01-01 00:00+00:00, 60 times as fast as time",
        "  answers  GET /openapi.json; stop it with Ctrl-C",
    ]


def test_the_words_after_the_url_say_how_to_begin_where_nothing_is_open() -> None:
    said = "\n".join(banner.lines(Settings("memory"), place=", forgotten at the end"))
    assert "PUT /quotas/2022 opens one" in said
