"""`quotalab policies`: the catalogue in data and in words, each line of which runs."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from sim import cli
from sim.clock import NEVER
from sim.people import settle
from sim.policy import CATALOGUE, Policy
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario_files.check import checked
from sim.seen_policies import POLICIES, Seen

README = Path(__file__).resolve().parents[2] / "scenarios" / "README.md"


YEAR = """
format = 1
name = "catalogue"
title = "streams, countries and wages for examples"
starts = 2024-01-01
ends = 2024-12-31
baseline = "example"
attribute.country.values = { here = 0.6, there = 0.4 }
attribute.wage.values = { low = 0.7, high = 0.3 }
intake = [{ year = 2024, opens = 2024-01-01, closes = 2024-12-31, cap = 30 }]
streams = { a.share = 0.4, b.share = 0.3, c.share = 0.3 }
demand = { backlog = 60, backlog_age_months = 6, per_year = 60 }
[entries]
1 = 0.8
5 = 0.2
[policies.example]
"""
"""Whatever the examples of the catalogue ask for is there."""


@pytest.mark.parametrize("seen", POLICIES, ids=lambda seen: seen.name)
def test_every_lines_example_runs(seen: Seen) -> None:
    own = [line for line in seen.keys if line != "cap = 0"]
    year = YEAR if own else YEAR.replace("cap = 30", seen.keys[0])
    without_letters = [] if any(line.startswith("invite") for line in own) else ['invite = { by = "open" }']
    scenario = checked(tomllib.loads(year + "\n".join([*own, *without_letters])))
    people = settle(scenario, draw(scenario, 0))
    outcome = simulate(prepare(scenario, people), scenario.policy("example"))
    assert (outcome.letter_s < NEVER).any(), "somebody may file"
    if seen.name == "Zero cap":
        assert not (outcome.slot_s < NEVER).any()


def test_the_readme_has_the_same_table() -> None:
    text = README.read_text("utf-8")
    part = text[text.index("### Policies seen in real programmes") :]
    rows = re.findall(r"^\| ([^|`]+) \| (`.+?`[^|]*) \| ([^|]*) \|$", part, re.MULTILINE)[: len(POLICIES)]
    for (name, keys, seen_in), seen in zip(rows, POLICIES, strict=True):
        assert (name, seen_in.strip()) == (seen.name, seen.seen_in)
        written = keys.replace("` in `[[intake]]`", "`")
        assert [line.strip("` ") for line in written.split("<br>")] == list(seen.keys)


def test_the_command_tells_every_policy_with_its_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policies"]) == 0
    out = capsys.readouterr().out
    for each in POLICIES:
        assert f"{each.name}: {each.what}" in out
        assert all(f"    {line}" in out for line in each.keys)
    for name, policy in CATALOGUE.items():
        assert f"{name}: {policy.summary}" in out


def test_json_has_the_keys_of_a_policy_that_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policies", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["name"]: Policy.model_validate(each["keys"]) for each in found["named"]} == {
        name: policy.model_copy(update={"summary": "", "seen_in": ""}) for name, policy in CATALOGUE.items()
    }
    assert [each["name"] for each in found["compositions"]] == [each.name for each in POLICIES]


def test_quiet_prints_names_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policies", "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [*CATALOGUE, *(each.name for each in POLICIES)]
