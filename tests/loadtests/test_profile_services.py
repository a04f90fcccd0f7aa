"""Profiles against the real services: every answer is understood, and means what it says."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.asking import Asker
from loadtests.commands import target as cli_target
from loadtests.conversation import Told, converse
from loadtests.openapi import starter
from loadtests.profile import Request, Target, Who, compiled, load, target
from tests.services import started

CAP = 3
ENVIRONMENT = {"KINTO_CAP": f"{CAP}", "KINTO_LOGIN": "quotalab:s3cr3t"}
CAPS = [word for year in range(2022, 2027) for word in ("--cap", f"{year}={CAP}")]  # one a test
PLACES = {
    "reference": ("loadtests.commands.serve", "--store", "memory", "--port", "0", *CAPS),
    "drf-throttle": ("tests.services.drf_throttle", "--cap", f"{CAP}"),
    "flask-limiter": ("tests.services.flask_limited", "--cap", f"{CAP}"),
    "kinto": ("tests.services.kinto_store",),
    "huey-jobs": ("tests.services.huey_jobs", "--cap", f"{CAP}"),
}


@pytest.fixture(params=PLACES, scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Target]:
    """The target of a profile whose service runs, with a cap of three."""
    with started(*PLACES[request.param]) as address:
        yield target(request.param, environment=ENVIRONMENT, base_url=address)


def held(told: Target, op: str, who: Who, variables: dict[str, str] | None = None) -> Told:
    steps = getattr(told, op)
    asker = Asker(told)
    try:
        return converse(steps, who, variables or told.variables, asker.attempt, time.sleep, time.monotonic)
    finally:
        asker.close()


def key(intake: str, number: int) -> str:
    """A key for a command; no two commands of these tests share one, since a receipt is for ever."""
    return f"5b0c4f0e-0000-4000-8000-{intake}{number:08}"


def ready(told: Target, intake: str) -> None:
    """The intake as claims need it; most services need nothing."""
    if told.setup:
        held(told, "setup", Who("", intake=intake))


def reads(told: Target, name: str, intake: str) -> int:
    reading = getattr(told.readings, name)
    answer = Asker(told).attempt(reading.request(Who("", intake=intake), told.variables))
    found: int = reading.value(answer.status, answer.headers, answer.body)
    return found


def test_target_check_understands_every_answer(
    served: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    code = cli_target.check(served.profile.name, base_url=served.base_url, intake="2022", as_json=True)
    said = capsys.readouterr().out
    exchanges = json.loads(said)
    assert code == 0, said
    assert {each["verdict"] for each in exchanges} == {"fine"}
    claims = [each["meaning"] for each in exchanges if each["name"].startswith("claim")]
    assert claims[-1].startswith("granted")
    assert "s3cr3t" not in said


def test_claims_are_granted_up_to_the_cap_and_then_refused(served: Target) -> None:
    ready(served, "2023")
    answers = []
    for number in range(CAP + 2):
        who = Who(f"Zoe-{number}", "all", intake="2023", key=key("2023", number))
        answers.append(held(served, "claim", who).classified.answer)
    assert answers == ["granted"] * CAP + ["full", "full"]
    assert reads(served, "cap", "2023") == CAP
    if served.readings.available:
        assert reads(served, "available", "2023") == 0


def test_a_claim_again_is_a_replay_or_a_duplicate(served: Target) -> None:
    if not served.capabilities.idempotent:
        pytest.skip("the service forgets who has claimed")
    ready(served, "2024")
    who = Who("Zoe-0", "all", intake="2024", key=key("2024", 0))
    first = held(served, "claim", who).classified
    again = held(served, "claim", who).classified
    assert first.answer == "granted"
    assert again.answer == ("granted" if served.profile.name == "huey-jobs" else "replayed")
    assert again.slot == first.slot is not None
    other = held(served, "claim", who._replace(key=key("2024", 1))).classified
    assert other.answer == "duplicate"
    gone = who._replace(claim_id=again.claim_id or "", key=key("2024", 2))
    assert held(served, "release", gone).classified.answer == "released"
    twice = gone._replace(key=key("2024", 3))
    assert held(served, "release", twice).classified.answer == "unheld"


def test_holders_are_listed_with_their_way_back(served: Target) -> None:
    listing = served.readings.holders
    if listing is None:
        pytest.skip("the service lists nobody")
    ready(served, "2025")
    for number in (1, 2):
        held(served, "claim", Who(f"Zoe-{number}", "all", intake="2025", key=key("2025", number)))
    request = listing.request(Who("", intake="2025"), served.variables)
    said = Asker(served).attempt(request)
    holders, _ = listing.page(request, said.status, said.headers, said.body)
    back = served.way_back([f"Zoe-{number}" for number in range(CAP)])
    assert all(holder.slot for holder in holders)
    assert sorted(back[holder.shown] for holder in holders) == ["Zoe-1", "Zoe-2"]


def test_a_starter_is_made_of_the_service_s_own_document(served: Target, tmp_path: Path) -> None:
    if served.profile.name != "reference":
        pytest.skip("the service has no OpenAPI document")
    said = Asker(served).attempt(Request("GET", "/openapi.json", (), b""))
    (tmp_path / "openapi.json").write_bytes(said.body)
    (tmp_path / "mine.toml").write_text(starter(tmp_path / "openapi.json"), "utf-8")
    made = compiled(
        load(tmp_path / "mine.toml"), environment={"SERVICE_TOKEN": "abcd"}, base_url=served.base_url
    )
    who = Who("Zoe-9", "all", intake="2026", key=key("2026", 0))
    ours, guessed = (each.claim[0].request(who, each.variables) for each in (served, made))
    assert (guessed.method, guessed.path) == (ours.method, ours.path)
    assert json.loads(guessed.body).keys() <= json.loads(ours.body).keys()
    assert held(made, "claim", who).classified.answer == "granted"


def test_what_is_not_understood_is_shown_and_ends_with_1(
    served: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(
        f'extends = "{served.profile.name}"\nrules = []\n[[claim]]\nrequest = "POST /nowhere"\n'
        'take = { slot = "json:s", claim_id = "json:c" }\nrules = [{ status = 299, answer = "granted" }]\n'
    )
    assert cli_target.check(str(file), base_url=served.base_url, intake="2022", quiet=True) == 1
    said = capsys.readouterr().out
    assert "unmatched: no rule holds for this answer" in said
    assert "add a rule for each" in said


def test_a_service_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for name in PLACES:
        assert cli_target.check(name, base_url="http://127.0.0.1:9") == 2
        assert "gave no answer" in capsys.readouterr().out
