"""`quotalab target`: what its commands print, and what they refuse."""

import json

import pytest

from loadtests import cli_target
from loadtests.profile import shipped, text_of
from sim.errors import BadInput


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
