"""`quotalab target`: what its commands print, and what they refuse."""

import json
from pathlib import Path
from uuid import uuid5

import pytest

from loadtests.commands import target as cli_target
from loadtests.loading.plan import Options, check
from loadtests.loading.preparing import how_to_reset
from loadtests.profile import shipped, target, text_of
from loadtests.profiles.filters import NAMESPACE
from sim.errors import BadInput
from tests.loadtests import front_desk as front
from tests.loadtests.profiled import SMALLEST, target_of
from tests.loadtests.services import running


def test_the_shipped_profiles_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    cli_target.list_shipped(quiet=True)
    assert capsys.readouterr().out.split() == [each.name for each in shipped()]
    cli_target.list_shipped(as_json=True)
    assert {each["name"] for each in json.loads(capsys.readouterr().out)} >= {"reference", "kinto"}


def test_a_profile_is_shown_with_what_it_has_and_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINTO_LOGIN", "quotalab:s3cr3t")
    cli_target.show("kinto")
    said = capsys.readouterr().out
    assert "has setup, claim, release; reads cap, slot, holders" in said
    assert text_of("kinto")[1].strip() in said
    cli_target.show("kinto", as_json=True)
    shown = capsys.readouterr().out
    assert json.loads(shown)["claim"][1]["headers"]["If-Match"] == "{generation}"
    assert "s3cr3t" not in said + shown


def test_other_hosts_are_asked_nothing_unless_they_are_owned() -> None:
    with pytest.raises(BadInput, match=r"--i-own quotas\.example"):
        cli_target.check("reference", base_url="http://quotas.example")
    with pytest.raises(BadInput, match="no shipped profile"):
        cli_target.check("referense")


@pytest.fixture
def front_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESK_PASSWORD", front.PASSWORD)
    file = tmp_path / "desk.toml"
    file.write_text(front.PROFILE, "utf-8")
    return file


@pytest.mark.parametrize("as_json", [True, False])
def test_what_the_service_gives_as_secrets_is_not_shown(
    as_json: bool, front_desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with front.desk() as (address, bodies):
        code = cli_target.check(str(front_desk), base_url=address, as_json=as_json)
    said = capsys.readouterr().out
    assert code == 0, said
    who = str(uuid5(NAMESPACE, "quotalab-dry-run-1"))
    assert json.loads(bodies[-1])["variables"] == {"who": who, "late": False}
    for secret in (front.TOKEN, front.PASS, front.COOKIE, front.PASSWORD, "open+%26+sesame", "abcdef"):
        assert secret not in said
    assert "{access}" in said
    assert "/claims?entry={mine}" in said


def test_a_reset_says_what_it_runs_and_runs_it_in_the_folder_of_the_profile(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reset.sh").write_text("echo at $QUOTALAB_BASE_URL with $1; pwd > where.txt\n")
    (tmp_path / "parent.toml").write_text(
        SMALLEST + '\n[reset]\ncommand = ["sh", "reset.sh", "${RESET_WORD:-nothing} but {braces}"]\n'
    )
    (tmp_path / "below").mkdir()
    child = tmp_path / "below" / "child.toml"
    child.write_text('extends = "../parent.toml"\n')
    assert cli_target.reset(str(child), base_url="http://127.0.0.1:1") == 0
    said = capsys.readouterr().out
    assert "running sh reset.sh" in said
    assert "at http://127.0.0.1:1 with nothing but {braces}" in said
    assert (tmp_path / "where.txt").read_text().strip() == str(tmp_path)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ('["sh", "-c", "echo it broke; exit 3"]', "ended with 3: it broke"),
        ('["no-such-program"]', "cannot be started: No such file"),
        ('["sleep", "60"]', "did not come to its end in 0.2 s"),
    ],
)
def test_a_reset_that_fails_says_how(command: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f"{SMALLEST}\n[reset]\ncommand = {command}\ndeadline_s = 0.2\n")
    with pytest.raises(BadInput, match=said):
        cli_target.reset(str(file))


def test_a_reset_without_a_command_says_what_to_do_by_hand() -> None:
    with pytest.raises(BadInput, match="by hand: start the service again"):
        cli_target.reset("kinto")


def test_a_reset_of_another_host_needs_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'{SMALLEST}\n[reset]\ncommand = ["true"]\n')
    with pytest.raises(BadInput, match="--i-own"):
        cli_target.reset(str(file), base_url="http://quotas.example")


def test_a_dirty_target_is_told_exactly_what_resets_it(tmp_path: Path) -> None:
    made = target_of(tmp_path, SMALLEST + '\n[reset]\ncommand = ["sh", "-c", "echo now"]\n')
    said = how_to_reset("mine.toml", made)
    assert said == "quotalab target reset mine.toml, or --reset here: either runs sh -c 'echo now'"
    made = target_of(tmp_path, SMALLEST + '\n[reset]\nsays = "empty its table"\n')
    assert how_to_reset("mine.toml", made) == "empty its table"


def test_a_service_that_is_started_for_the_run_is_not_reset() -> None:
    with pytest.raises(BadInput, match="nothing to reset"):
        check(Options("opening-day", reset=True))


def test_setup_is_sent_once_or_once_for_each_intake_that_it_names(tmp_path: Path) -> None:
    one = target_of(tmp_path, SMALLEST + '\n[[setup]]\nrequest = "POST /login"\n')
    assert [who.intake for who in one.set_up_by(["2022", "2023"])] == ["current"]
    each = target("kinto", environment={})
    assert [who.intake for who in each.set_up_by(["2022", "2023"])] == ["2022", "2023"]


def test_the_cap_that_was_read_is_set_again_under_the_name_of_its_intake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running("memory", "--cap", "2022=5") as service:
        code = cli_target.check("reference", base_url=service.url)
        said = capsys.readouterr().out
        assert code == 0, said
        assert '{"cap":"2022","limit":5}' in said
        wrong = tmp_path / "wrong.toml"
        order = (
            'request = "POST /quotas/{intake}/caps"\njson = { cap = "no-{cap}", limit = "{limit|number}" }'
        )
        wrong.write_text(f'format = 1\nname = "wrong"\nextends = "reference"\n[[set_cap]]\n{order}\n')
        assert cli_target.check(str(wrong), base_url=service.url) == 1
    assert "mismatch: the cap that was read, ordered again, is not accepted" in capsys.readouterr().out
