"""The description holds every switch and every labelled number, and is well-formed Markdown."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sim import cli
from sim.assumptions import register
from sim.describing import logic
from sim.engine import kernels, windows
from sim.labelled import Labelled
from sim.policy import Policy, Record
from sim.population import PURPOSES
from sim.scenario import Scenario
from sim.scenario_file import load, shipped
from tests.sim.test_extend import quotalab


def described(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert cli.main(["describe", *arguments]) == 0
    return capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(described(capsys, *arguments, "--format", "json"))
    return found


def paths(record: type[Record], prefix: str = "") -> set[str]:
    """Every dotted key of a record with plain inner records, by the classes alone."""
    found = set()
    for name, field in record.model_fields.items():
        kind = field.annotation
        is_inner = isinstance(kind, type) and issubclass(kind, Record) and kind is not Labelled
        found |= paths(kind, f"{prefix}{name}.") if is_inner else {f"{prefix}{name}"}  # type: ignore[arg-type]
    return found


def faults(text: str) -> list[str]:
    """What is wrong with Markdown: jumping headings, rows with a cell too many or too few, open fences."""
    found, level, width, is_code = [], 0, 0, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            is_code = not is_code
        if is_code:
            continue
        if heading := re.match(r"(#+) \S", line):
            if len(heading[1]) > level + 1:
                found.append(f"{number}: from level {level} to {len(heading[1])}")
            level = len(heading[1])
        elif line.startswith("#"):
            found.append(f"{number}: a heading without text")
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1 if line.startswith("|") else 0
        if cells and width and cells != width:
            found.append(f"{number}: {cells} cells under {width}")
        if cells and not line.endswith(" |"):
            found.append(f"{number}: a row that does not end")
        width = cells
    return [*found, *(["an open fence"] if is_code else [])]


@pytest.mark.parametrize("name", [each.name for each in shipped()])
def test_every_shipped_scenario_is_described_well_formed(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = described(capsys, name)
    assert faults(text) == []
    assert [line[3:4] for line in text.splitlines() if line.startswith("## ")] == list("123456")


def test_the_check_of_markdown_sees_what_is_wrong() -> None:
    assert len(faults("# a\n\n### b\n\n| a | b |\n| --- | --- |\n| 1 | 2 | 3 |\n\n```sh\n")) == 3


@pytest.mark.parametrize("name", ["imp-plus", "smoke"])
def test_every_labelled_number_stands_there_with_its_source(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = load(name)
    keys = {row["key"]: row for row in data(capsys, name)["data"]["keys"]}
    keys |= {row["key"]: row for row in data(capsys, name)["objectives"]["limits"]}
    text = described(capsys, name)
    for each in register(scenario):
        row, number = keys[each.key], each.number
        assert (row["value"], row["low"], row["high"]) == (number.value, number.low, number.high)
        assert (row["basis"], row["source"], row["note"]) == (number.basis, number.source, number.note)
        line = next(line for line in text.splitlines() if line.startswith(f"| `{each.key}` |"))
        for part in (number.basis, number.source):
            assert not part or part in line


def test_every_key_of_the_format_stands_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, "smoke")
    keys = {row["key"] for row in [*found["data"]["keys"], *found["objectives"]["limits"]]}
    elsewhere = {"policies", "format", "name", "title", "seed", "baseline"}
    for path in paths(Scenario):
        if path.split(".")[0] not in elsewhere | {"load"}:
            assert any(key == path or key.startswith(f"{path}.") for key in keys), path


def test_every_switch_of_a_policy_and_of_the_allocator_stands_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    policy = data(capsys, "smoke")["logic"]["policies"][0]
    keys = {row["key"] for row in policy["keys"]}
    for path in paths(Policy) - {"summary", "seen_in"}:
        assert any(key == path or key.startswith(f"{path}.") for key in keys), path
    assert set(policy["switches"]) == {
        *("counts", "gives_back", "refusals", "counter", "over_cap", "tolerance"),
    }
    assert all(row["meaning"] for row in policy["keys"] if "." not in row["key"])


def test_what_another_policy_changes_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    first, other = data(capsys, "imp-plus", "--policies", "first-come,lottery")["logic"]["policies"]
    assert other["beside"] == first["name"]
    changed = {row["key"]: row["value"] for row in other["keys"]}
    assert changed == {"invite.order": "lottery", "invite.size": "to-cap", "invite.letter_validity_days": 60}


def test_a_number_that_changes_changes_in_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    text = described(capsys, "imp-plus", "--set", "offices.officers=4711", "--set", "seed=81729")
    assert "4711" in text
    assert "| seed | 81729 |" in text
    assert "4711" not in described(capsys, "imp-plus")


def test_the_order_of_events_is_that_of_the_engine(capsys: pytest.CaptureFixture[str]) -> None:
    found = data(capsys, "smoke")["logic"]
    phases = [each["name"] for each in found["phases"]]
    assert [getattr(kernels, name) for name in phases] == list(range(len(phases)))
    assert " < ".join(phases) in (kernels.__doc__ or "")
    assert [getattr(windows, each["name"]) for each in found["turns"]] == list(range(len(logic.TURNS)))


def test_the_random_streams_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    text = described(capsys, "smoke")
    assert all(f"`{purpose}`" in text for purpose in PURPOSES)
    assert "attribute:country" in text


def test_a_run_is_described_with_what_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    arguments = ("--seed", "99", "--set", "demand.multiple=1.5", "--no-register", "--out", str(path))
    assert quotalab("compare", "smoke", "--policies", "lottery", "--replications", "3", *arguments) == 0
    assert quotalab("extend", str(path), "--replications", "4", "--jobs", "1") == 0
    found, text = data(capsys, str(path)), described(capsys, str(path))
    assert faults(text) == []
    assert found["objectives"]["policies"] == ["first-come", "lottery"]
    assert found["experiment"]["replications"] == 4
    assert found["experiment"]["seed"] == 99
    manifest = json.loads((path / "manifest.json").read_text("utf-8"))
    assert all(version in text for version in manifest["versions"].values())
    assert manifest["model_sha256"] in text
    assert [each["replications"] for each in found["implementation"]["earlier_sessions"]] == [3]
    command = found["code"]["command"].split()[1:]
    assert quotalab(*command, "--jobs", "1", "--out", str(tmp_path / "again")) == 0
    for name in ("summary.json", "replications.parquet"):
        assert (tmp_path / "again" / name).read_bytes() == (path / name).read_bytes(), (
            "the command repeats it"
        )


def test_what_is_neither_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["describe", "nothing-like-it"]) == cli.USAGE
    assert "there is no run 'nothing-like-it'" in capsys.readouterr().err
    assert cli.main(["describe", "smoke", "--policies", "lotery"]) == cli.USAGE
    assert "write lottery" in capsys.readouterr().err
