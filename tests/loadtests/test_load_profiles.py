"""Load tests of services by their profiles alone, from the first send to the verdict."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests import cli
from tests.loadtests import front_desk
from tests.loadtests.errand import CAP, command, errand
from tests.loadtests.lossy import lossy
from tests.loadtests.services import Service, running
from tests.services import started

BRIEFLY = ("--minutes", "0.015")
"""For runs in which it does not matter how fast people come."""


def test_claims_that_are_accepted_and_polled_are_valid(tmp_path: Path) -> None:
    with started("tests.services.huey_jobs", "--cap", f"{CAP}") as address:
        ran = errand(tmp_path, "huey-jobs", HUEY_URL=address)
    assert ran.code == 0, ran.said
    assert "\nVALID: " in ran.said
    assert int(ran.history.is_op("hold").sum()) == CAP


@pytest.mark.long
def test_a_queue_that_delivers_twice_is_found_out(tmp_path: Path) -> None:
    with started("tests.services.huey_jobs", "--cap", f"{CAP}", "--fault", "twice") as address:
        ran = errand(tmp_path, "huey-jobs", HUEY_URL=address)
    assert ran.code == 1, ran.said
    assert "held-twice" in ran.anomalies


@pytest.mark.long
def test_an_effect_that_nobody_answered_is_read_back(tmp_path: Path) -> None:
    with started("tests.services.kinto_store") as address, lossy(address, every=3) as (here, seen):
        ran = errand(
            tmp_path, "kinto", people=24, more="\n[load.must_see]\n", KINTO_URL=here, KINTO_CAP=f"{CAP}"
        )
    assert seen.lost >= 2
    assert ran.code in (0, 2), ran.said  # 2: more errors than the profile's budget allows
    assert not ran.anomalies
    rows = [each for each in ran.history.rows() if "read back" in each.get("note", "")]
    assert sum(each["answer"] == "replayed" for each in rows) >= seen.lost


STICKY = """\
format = 1
name = "sticky"
title = "a service that keeps every answer under the key"
extends = "reference"
[retry]
after = ["full", "throttled", "conflict", "error"]
new_key_after = ["full"]
pause_s = 0.02
jitter = 0.5
"""


@pytest.fixture(scope="module")
def memory() -> Iterator[Service]:
    with running("memory") as found:
        yield found


@pytest.fixture
def service(memory: Service) -> Service:
    """One that knows of no intake."""
    memory.forget()
    return memory


def test_an_intake_is_opened_and_kept_refusals_are_asked_again_under_new_keys(
    tmp_path: Path, service: Service
) -> None:
    (tmp_path / "sticky.toml").write_text(STICKY)
    more = '\n[load.must_see]\ncap_reached = true\n\n[programme]\nrefusals = "sticky"\n'
    ran = errand(tmp_path, "sticky.toml", *BRIEFLY, people=60, more=more, QUOTALAB_TARGET=service.url)
    assert ran.code == 0, ran.said
    assert "1 for each intake that is not open yet" in ran.said
    assert ran.history.header.spec.refusals == "sticky"
    keys: defaultdict[str, set[str]] = defaultdict(set)
    for each in ran.history.rows():
        if each["op"] == "claim" and each["answer"] == "full":
            keys[each["applicant"]].add(each["key"])
    assert max(len(mine) for mine in keys.values()) > 2


def test_an_intake_is_not_opened_if_that_is_not_wanted(
    tmp_path: Path,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("QUOTALAB_TARGET", service.url)
    monkeypatch.chdir(tmp_path)
    assert cli.main(command(tmp_path, "reference", "--no-open", people=10)) == 3
    assert "readings.used" in capsys.readouterr().err


SETUP = """\
format = 1
name = "with-setup"
title = "a service that is logged in to"
extends = "reference"
variables = { ticket = "" }
reset.command = ["python3", "-c", "import os; print('cleared', os.environ['QUOTALAB_BASE_URL'])"]
[[setup]]
request = "GET /health?login"
extract = { ticket = "json:status" }
"""


def test_setup_is_sent_once_a_run_and_what_it_leaves_reaches_the_workers(
    tmp_path: Path, service: Service
) -> None:
    (tmp_path / "with-setup.toml").write_text(SETUP + '[[enrol]]\nrequest = "GET /health?as={ticket}"\n')
    with lossy(service.url, every=1_000_000) as (here, seen):
        ran = errand(
            tmp_path,
            "with-setup.toml",
            "--reset",
            *BRIEFLY,
            people=10,
            more="\n[load.must_see]\n",
            QUOTALAB_TARGET=here,
        )
    assert ran.code == 0, ran.said
    assert "before everything the service is reset: python3 -c" in ran.said
    assert "the service was reset" in ran.said
    assert seen.paths["/health?login"] == 1
    [enrolled] = [path for path in seen.paths if path.startswith("/health?as=")]
    assert enrolled != "/health?as="
    assert seen.paths[enrolled] == 10


@pytest.mark.long
def test_passes_and_cookies_of_each_applicant_are_used_under_load(tmp_path: Path) -> None:
    with front_desk.desk() as (address, _):
        text = front_desk.PROFILE.replace("http://127.0.0.1:8080", address)
        (tmp_path / "desk.toml").write_text(text, "utf-8")
        more = "\n[load.must_see]\n"
        password = {"DESK_PASSWORD": front_desk.PASSWORD}
        ran = errand(tmp_path, "desk.toml", people=10, more=more, **password)
    assert ran.code == 2, ran.said  # nobody can be asked what the service counts
    claims = ran.history.is_op("claim")
    assert int((ran.history.is_answer("granted") & claims).sum()) == int(claims.sum()) >= 10
    kept = [each for each in ran.folder.rglob("*") if each.is_file()]
    for secret in (front_desk.TOKEN, front_desk.PASS, front_desk.COOKIE, front_desk.PASSWORD):
        assert not [each for each in kept if secret.encode() in each.read_bytes()]
        assert secret not in ran.said
