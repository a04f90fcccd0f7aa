"""Every key of a record of the format as a row: its value, its label, and what it means.

The meaning is the sentence that stands beside the field in the code, so a new key is described as soon as it
is there.
"""

import datetime
from collections.abc import Iterator
from typing import Any

from sim.labelled import Labelled
from sim.policy import Record
from sim.scenario_files.faults import item_name

Row = dict[str, Any]


def rows(record: Record, prefix: str = "", *, leave_out: tuple[str, ...] = ()) -> list[Row]:
    """One row a key, in the order of the format, those of inner records with dots; `leave_out` by name."""
    found: list[Row] = []
    for name, field in type(record).model_fields.items():
        if name in leave_out:
            continue
        meaning = " ".join((field.description or "").split())
        is_given = name in record.model_fields_set
        found += _inside(getattr(record, name), f"{prefix}{name}", meaning, is_given)
    return found


def _inside(value: Any, key: str, meaning: str, is_given: bool) -> Iterator[Row]:
    if isinstance(value, Labelled):
        label = {name: getattr(value, name) for name in ("low", "high", "basis", "source", "note")}
        yield _row(key, _whole(value.value), meaning, is_given) | label
    elif isinstance(value, Record):
        yield from rows(value, f"{key}.")
    elif isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _inside(item, f"{key}.{name}", meaning, is_given)
    elif isinstance(value, tuple) and value and isinstance(value[0], Record):
        for k, item in enumerate(value):
            yield from _inside(item, f"{key}.{item_name(item, k)}", meaning, is_given)
    else:
        yield _row(key, plain(value), meaning, is_given)


def _row(key: str, value: Any, meaning: str, is_given: bool) -> Row:
    nothing = {"low": None, "high": None, "basis": None, "source": "", "note": ""}
    return {"key": key, "value": value, "given": is_given, "meaning": meaning} | nothing


def plain(value: Any) -> Any:
    """A value as JSON has it: dates as text, tuples and sets as lists, nothing as null."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, tuple | frozenset | set):
        return [plain(each) for each in (sorted(value) if isinstance(value, frozenset | set) else value)]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()} or None
    return value


def _whole(value: float) -> float | int:
    return int(value) if value == int(value) else value
