"""Scenario files: what is shipped is right, what is wrong is said in full, where it stands, with its mending.

tests/scenarios/bad has one file a fault, named after it, and beside it the message expected, word for word.
After a wording is changed on purpose: REWRITE=1 python -m pytest tests/sim/test_scenario_files.py
"""

import datetime
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sim.errors import BadInput
from sim.scenario import Scenario
from sim.scenario_file import load, schema, shipped
from sim.scenario_files.check import RULES, Faulty, checked, prepared
from sim.scenario_files.faults import Fault
from sim.scenario_files.syntax import read

ROOT = Path(__file__).resolve().parents[2]
BAD = ROOT / "tests" / "scenarios" / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.toml"))
SHIPPED = [each.name for each in shipped()]
SEVERAL = {
    "five-faults": 5,
    "missing-tables": 2,
    "parts-of-no-cap": 2,
    "syntax-several": 4,
    "syntax-more-than-fifty": 51,  # the last of them says that there are more
}
"""Bad files with more than one fault, and how many."""

JARGON = re.compile(
    r"Input should|valid (dict|int|str|num|date|tup|bool)|instance of|Labelled|Traceback|NoneType|\bNone\b"
)


def complaint_about(name: str, monkeypatch: pytest.MonkeyPatch) -> BadInput:
    """What is said of a bad file, named as its author would name it."""
    monkeypatch.chdir(BAD)
    with pytest.raises(BadInput) as caught:
        load(f"{name}.toml")
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_file_is_answered_word_for_word(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"{complaint_about(name, monkeypatch)}\n"
    golden = BAD / f"{name}.txt"
    if os.environ.get("REWRITE"):
        golden.write_text(said, "utf-8")
    assert said == golden.read_text("utf-8")
    assert not JARGON.search(said)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_file_has_the_faults_it_is_named_for_and_no_other(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problems = complaint_about(name, monkeypatch).problems
    assert len(problems) == SEVERAL.get(name, 1), problems
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


def test_there_are_many_bad_files_and_each_has_its_message() -> None:
    assert len(NAMES) >= 45
    assert sorted(path.stem for path in BAD.glob("*.txt")) == NAMES


def test_the_caret_stands_under_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = complaint_about("percent-in-quotes", monkeypatch).problems
    begins = problem.column - 1
    assert problem.text[begins : begins + problem.width] == '"75 %"'


def test_columns_count_characters_and_not_bytes(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "smoke.toml").read_text("utf-8")
    file = tmp_path / "accents.toml"
    file.write_text(text.replace('stream = "arts"', '"stream" = "é", share = 2'), "utf-8")
    with pytest.raises(BadInput) as caught:
        load(file)
    for problem in caught.value.problems:
        begins = problem.column - 1
        assert problem.text[begins : begins + problem.width] in ('"é"', "2")


def rule_breakers() -> Iterator[tuple[str, str]]:
    """Each bad file whose form is right, with the rules that it breaks."""
    for name in NAMES:
        try:
            data = tomllib.loads((BAD / f"{name}.toml").read_text("utf-8"))
            scenario = Scenario.model_validate(prepared(data), strict=True)
        except (ValueError, RecursionError):  # not TOML, or not of the form
            continue
        for rule in RULES:
            if list(rule(scenario)):
                yield rule.__name__, name


def test_every_rule_has_a_file_that_breaks_it() -> None:
    broken = dict(rule_breakers())
    unbroken = [rule.__name__ for rule in RULES if rule.__name__ not in broken]
    assert not unbroken


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path of some data."""
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in inner:
        yield (*path, step)
        yield from leaves(value, (*path, step))


def damaged(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The data of the small scenario with one value replaced."""
    data = tomllib.loads((ROOT / "scenarios" / "smoke.toml").read_text("utf-8"))
    here: Any = data
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return data


STRANGE = ["text", -1, True, [], {}, 10**30, float("inf"), datetime.date(1, 1, 1), [{}], {"value": "x"}]


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_a_strange_value_anywhere_is_accepted_or_complained_about(number: int) -> None:
    everywhere = list(leaves(tomllib.loads((ROOT / "scenarios" / "smoke.toml").read_text("utf-8"))))
    for path in everywhere[number :: len(STRANGE)]:
        try:
            checked(damaged(path, STRANGE[number]))
        except Faulty as error:
            faults = error.faults
        else:
            continue
        said = " ".join(f"{fault.message} {fault.expected} {fault.mend}" for fault in faults)
        assert said, path
        assert not JARGON.search(said), (path, said)


def test_rules_run_on_what_can_be_read() -> None:
    data = damaged(("intake", 0, "cap"), "many")
    data["streams"]["arts"]["share"] = 0.5
    with pytest.raises(Faulty) as caught:
        checked(data)
    found = {fault.path: fault for fault in caught.value.faults}
    assert set(found) == {("intake", 0, "cap"), ("streams", "visitors", "share")}
    assert isinstance(found["intake", 0, "cap"], Fault)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_scenario_is_sound_and_named_after_its_file(name: str) -> None:
    assert load(name).name == name
    assert load(name) == load(ROOT / "scenarios" / f"{name}.toml")


def test_the_flagship_has_the_published_figures() -> None:
    scenario = load("imp-plus")
    assert [round(intake.cap.value) for intake in scenario.intake] == [14_700, 7_350, 7_350, 7_350, 7_350]
    assert scenario.intake[0].opens == datetime.date(2022, 5, 24)
    assert {intake.cap.basis for intake in scenario.intake} == {"sourced"}
    assert all(
        round(each.cap.value) == round(each.permit_target.value * 1.05)
        for each in scenario.intake
        if each.permit_target
    )
    assert scenario.spec(scenario.policy("first-come")).gives_back == frozenset()
    assert scenario.spec(scenario.policy("weekly-counter")).counter == 7
    assert scenario.spec(scenario.policy("received-counts")).counts == "received"


def differences(one: Any, other: Any, key: str = "") -> set[str]:
    """The dotted keys of two files whose values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            each
            for name in one.keys() | other.keys()
            for each in differences(one.get(name), other.get(name), f"{key}.{name}".strip("."))
        }
    return set() if one == other else {key}


@pytest.mark.parametrize(
    ("name", "differ"),
    [("imp-plus-high-demand", {"demand.multiple"}), ("imp-plus-supply-shock", {"demand.events"})],
)
def test_a_variant_differs_from_the_flagship_only_where_it_says(name: str, differ: set[str]) -> None:
    files = [
        tomllib.loads((ROOT / "scenarios" / f"{each}.toml").read_text("utf-8")) for each in ("imp-plus", name)
    ]
    for file in files:
        del file["policies"], file["name"], file["title"]
    found = {
        key if not key.startswith("demand.multiple") else "demand.multiple" for key in differences(*files)
    }
    assert found == differ


def test_every_number_of_the_flagship_has_a_label() -> None:
    for path, value in numbers(tomllib.loads((ROOT / "scenarios" / "imp-plus.toml").read_text("utf-8"))):
        assert "basis" in value, path
        assert value["basis"] == "assumption" or value.get("source"), path


def numbers(data: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The numbers of a file that could have a label, as tables; years and the days of rules apart."""
    if isinstance(data, dict) and ("value" in data or "mode" in data):
        yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from numbers(value, f"{path}.{key}")
    elif isinstance(data, list):
        for item in data:
            yield from numbers(item, path)
    elif isinstance(data, (int, float)) and not isinstance(data, bool):
        unlabelled = ("year", "format", "seed", "months", "round_days", "refresh_days", "slots")
        if not path.endswith(unlabelled) or path.endswith(("per_year", "medians.months", "files_months")):
            yield path, {}


def test_the_committed_schema_is_current() -> None:
    assert json.loads((ROOT / "scenarios" / "schema.json").read_text("utf-8")) == schema()


def test_the_schema_describes_every_key_and_names_no_host() -> None:
    text = json.dumps(schema())
    assert "null" not in text
    assert schema()["$id"] == "quotalab-scenario-1"
    for name, definition in {**schema()["$defs"], "top": schema()}.items():
        for key, property_ in definition.get("properties", {}).items():
            assert property_.get("description") or "$ref" in property_, f"{name}.{key}"


def as_json(data: Any) -> Any:
    """TOML data as an editor hands it to a schema: dates as text."""
    if isinstance(data, dict):
        return {key: as_json(value) for key, value in data.items()}
    if isinstance(data, list):
        return [as_json(value) for value in data]
    return data.isoformat() if isinstance(data, (datetime.date, datetime.time)) else data


@pytest.mark.parametrize("name", SHIPPED)
def test_the_schema_accepts_what_is_shipped_and_refuses_an_unknown_key(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft7Validator(schema())
    validator.check_schema(schema())
    data = as_json(tomllib.loads((ROOT / "scenarios" / f"{name}.toml").read_text("utf-8")))
    assert not list(validator.iter_errors(data))
    data["demand"]["backlogg"] = 1
    assert [error.validator for error in validator.iter_errors(data)] == ["additionalProperties"]


def test_the_readme_explains_a_file_that_loads(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "README.md").read_text("utf-8")
    first, *parts = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert [each for each in SHIPPED if f"`{each}`" not in text] == []
    file = tmp_path / "example.toml"
    file.write_text(first, "utf-8")
    assert load(file).title == "300 people a year want one of 200 lockers"
    for number, part in enumerate(parts):
        table = re.match(r"\[demand\]\n", part)
        whole = (
            first.replace("per_year = 300\n", part.removeprefix("[demand]\n"))
            if table
            else f"{first}\n{part}"
        )
        file.write_text(whole, "utf-8")
        assert load(file).name == "sports-hall", number


def test_a_file_of_another_editor_is_read(tmp_path: Path) -> None:
    text = (ROOT / "scenarios" / "smoke.toml").read_text("utf-8")
    file = tmp_path / "smoke.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(file) == load("smoke")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("imp-pluss", "write imp-plus"),
        ("scenarios/imp-pluss.toml", "write scenarios/imp-plus.toml"),
        ("nowhere/imp-plus.toml", "there is no folder nowhere"),
        ("scenarios", "this is a folder"),
        ("/dev/null", "this is a device"),
    ],
)
def test_a_file_that_is_not_there(name: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(BadInput, match=re.escape(says)):
        load(name)


def test_a_pipe_is_called_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="this is a pipe"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["lamp", "scenarios/lamp.toml", "scenarios/x.toml", "scenarios/toml.toml"])
def test_a_name_that_is_near_none_is_given_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(BadInput) as caught:
        load(name)
    assert "to mend" not in str(caught.value)


@pytest.mark.parametrize(("faults", "told"), [(50, 50), (51, 51), (52, 51)])
def test_the_first_fifty_faults_of_syntax_are_told_and_that_there_are_more(faults: int, told: int) -> None:
    problems = read("\n".join(f"note_{k} = in words" for k in range(faults))).problems
    assert len(problems) == told
    assert problems[-1].message.startswith("and more") == (faults > 50)


@pytest.mark.parametrize("key", ["tolerance", "refusals"])
def test_a_key_that_no_simulation_reads_says_so(key: str) -> None:
    said = schema()["$defs"]["Programme"]["properties"][key]["description"]
    assert "no simulation reads it" in said


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes('title = "Québec"\n'.encode("latin-1"))
    with pytest.raises(BadInput, match="line 1 has a character that is not UTF-8"):
        load(file)


def test_a_good_file_does_not_load_the_parser_of_positions() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from sim.scenario_file import load; load('smoke'); print('tree_sitter' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
