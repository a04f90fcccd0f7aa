"""A world as a scenario file: TOML that `quotalab run` reads and that gives the same world again."""

import datetime
from typing import Any

from sim.scenario import Scenario
from sim.scenario_files.settings import plain_data

INLINE = frozenset(
    [
        *("known", "invite", "release", "claims", "waiting_room", "value_limit", "reserves", "top_ups"),
        *("weights", "spill", "dates", "certificate_delay_months", "unstaffed_weeks", "weeks", "medians"),
    ]
)
"""Tables that are written on one line."""


def text_of(world: Scenario, comment: list[str]) -> str:
    """The file, with a comment at its head."""
    data = plain_data(world)
    lines = [f"# {line}".rstrip() for line in comment] + [""]
    tables = {key: value for key, value in data.items() if _is_table(key, value)}
    lines += [f"{key} = {_value(value)}" for key, value in data.items() if key not in tables]
    for key, value in tables.items():
        lines += _table(key, value)
    return "\n".join(lines) + "\n"


def _is_table(key: str, value: Any) -> bool:
    """Whether a value is a table, or a list of tables, with lines of its own."""
    if key in INLINE or _is_number(value):
        return False
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict) and not _is_number(value[0])
    )


def _is_number(value: Any) -> bool:
    """Whether a value is a labelled number without a label."""
    return isinstance(value, dict) and list(value) == ["value"]


def _table(key: str, value: Any) -> list[str]:
    if isinstance(value, list):
        return [line for item in value for line in _lines(f"[[{key}]]", key, item)]
    return _lines(f"[{key}]", key, value)


def _lines(head: str, path: str, table: dict[str, Any]) -> list[str]:
    inner = {key: value for key, value in table.items() if _is_table(key, value)}
    own = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if key not in inner]
    lines = ["", head, *own] if own or not inner or head.startswith("[[") else []
    for key, value in inner.items():
        lines += _table(f"{path}.{_key(key)}", value)
    return lines


def _key(name: Any) -> str:
    text = str(name)
    return text if text.replace("-", "").replace("_", "").isalnum() else _value(text)


def _value(value: Any) -> str:
    if _is_number(value):
        return _value(value["value"])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, int):
        return str(value)
    return '"' + "".join(_ESCAPED.get(each, each) for each in str(value)) + '"'


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
