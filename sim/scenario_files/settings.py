"""Single values of a scenario replaced, as in --set demand.multiple=2; the result is checked in full.

A dotted key names tables and keys as the file does. An item of a list is named by its year, name or date,
else by its number from 1: intake.2022.cap, demand.events.a-halt.factor. A policy of the catalogue that is
set becomes one of the scenario's own.
"""

import re
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from sim.errors import BadInput, Problem, complaint, nearest
from sim.labelled import Labelled
from sim.policy import CATALOGUE
from sim.scenario import Scenario
from sim.scenario_files.check import Faulty, checked
from sim.scenario_files.faults import dotted, item_name, shown, value_at
from sim.scenario_files.schema import Path, all_keys, choices, keys, node_at


def parse_setting(setting: str) -> tuple[str, Any]:
    """The key and the value of `key=value`; the value is read as TOML, and a bare word as text."""
    key, equals, written = (part.strip() for part in setting.partition("="))
    if not equals or not key or not written:
        raise complaint(f'"{setting}" is not a setting', expected="key=value, such as demand.multiple=2")
    try:
        parsed = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError):  # not TOML; too many digits; nested too deeply
        if re.fullmatch(r"[A-Za-z][\w./+-]*", written):
            return key, written
        parsed = {}
    if list(parsed) != ["value"]:
        mend = "write 0.75 for 75 %, 7350 for 7,350, and text with spaces in quotes"
        wanted = "a value as in a scenario file"
        short = written if len(written) <= 60 else f"{written[:57]}..."
        raise complaint(f"{short} cannot be read", key=key, expected=wanted, mend=mend)
    return key, parsed["value"]


def replaced(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """The scenario with other values at some dotted keys; raises BadInput."""
    data = plain_data(scenario)
    problems: list[Problem] = []
    set_at: dict[Path, str] = {}
    for key, value in values.items():
        try:
            path = _path(data, scenario, key)
        except BadInput as error:
            problems += error.problems
            continue
        set_at[path] = key
        _put(data, path, _kept_label(scenario, path, value))
    if problems:
        raise BadInput(problems)
    try:
        return checked(data)
    except Faulty as error:
        found = []
        for fault in error.faults:
            where = dotted(data, fault.path)
            near = (each for each in set_at if each[: len(fault.path)] == fault.path[: len(each)])
            path = next(near, fault.path)
            key = set_at.get(path, where)
            is_there = fault.path in (path, (*path, "value"))
            message = fault.message if is_there else f"{where}: {fault.message}"
            found.append(Problem(message, key=key, expected=fault.expected, mend=fault.mend))
        raise BadInput(found) from None


def plain_data(record: Any) -> Any:
    """The data that would be read as this record: what was given, without defaults."""
    if hasattr(record, "model_fields_set"):
        given = [name for name in type(record).model_fields if name in record.model_fields_set]
        values = {name: getattr(record, name) for name in given}
        return {name: plain_data(value) for name, value in values.items() if value is not None}
    if isinstance(record, dict):
        return {str(key): plain_data(value) for key, value in record.items()}
    if isinstance(record, (tuple, list)):
        return [plain_data(value) for value in record]
    return record


def _path(data: dict[str, Any], scenario: Scenario, key: str) -> Path:
    """The path that a dotted key names; on the way, a catalogue's policy is copied into the data."""
    path: Path = ()
    here: Any = data
    steps = key.split(".")
    if steps[0] == "policies" and len(steps) > 2 and steps[1] in CATALOGUE:
        data.setdefault("policies", {}).setdefault(steps[1], plain_data(CATALOGUE[steps[1]]))
    for number, step in enumerate(steps):
        node = node_at(path)
        found: str | int | None = None
        valid = keys(node)
        if isinstance(here, list):
            valid = [item_name(_Item(item), k) for k, item in enumerate(here)]
            by_number = {str(k + 1): k for k in range(len(here))}
            found = valid.index(step) if step in valid else by_number.get(step)
        elif step in valid:
            found = step
        elif any(isinstance(form.get("additionalProperties"), dict) for form in choices(node or {})):
            is_new_item = number < len(steps) - 1 and step not in (here or {})
            valid = [*(here or {}), *(CATALOGUE if path == ("policies",) else ())]
            found = None if is_new_item else step
        if found is None:
            raise _no_such_key(key, path, step, valid)
        path = (*path, found)
        here = value_at(here, (found,))
    return path


class _Item:
    """A table of a list, with its keys as attributes."""

    def __init__(self, item: Any) -> None:
        self.__dict__.update(item if isinstance(item, dict) else {})


def _no_such_key(key: str, path: Path, step: str, valid: list[str]) -> BadInput:
    """A key that leads nowhere, with the nearest that leads somewhere."""
    steps = key.split(".")
    before, after = steps[: len(path)], steps[len(path) + 1 :]
    near = "" if step.isdecimal() else nearest(step, valid)
    meant = [".".join([*before, near, *after])] if near else []
    if not meant:
        meant = [".".join(map(str, place)) for place in all_keys() if place[-1] == step and 0 not in place]
    where = f" in {'.'.join(before)}" if before else ""
    return complaint(
        f"there is no {shown(step)}{where}",
        key=key,
        expected=f"one of {', '.join(valid)}" if valid and not meant else "",
        mend=f"write {' or '.join(meant)}" if meant else "",
    )


def _put(data: Any, path: Path, value: Any) -> None:
    for step, after in pairwise(path):
        if isinstance(data, dict):
            data.setdefault(step, [] if isinstance(after, int) else {})
        data = data[step]
    data[path[-1]] = value


def _kept_label(scenario: Scenario, path: Path, value: Any) -> Any:
    """A plain number under the label of the number it replaces; a range that it leaves is dropped."""
    found: Any = scenario
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(int(step) if step.isdecimal() and step not in found else step)
        elif isinstance(step, int) or found is None:
            found = found[step] if found is not None else None
        else:
            found = getattr(found, step, None)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not isinstance(found, Labelled) or not is_number:
        return value
    label = plain_data(found) | {"value": value}
    if found.low is not None and found.high is not None and not found.low <= value <= found.high:
        label = {name: part for name, part in label.items() if name not in ("low", "high")}
    return label if len(label) > 1 else value
