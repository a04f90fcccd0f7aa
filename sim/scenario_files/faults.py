"""What is wrong with the form of a scenario's data, in words: unknown and missing keys, types, bounds.

A *fault* is one thing wrong at one path of the data; a *problem* (sim/errors.py) is a fault with its place in
a file. *Form* is what can be judged key by key; what must hold between keys is in `rules`.
"""

import datetime
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sim.errors import nearest
from sim.scenario_files.schema import Node, Path, all_keys, choices, expected, keys, node_at, plainly


class Fault(NamedTuple):
    """One thing wrong at one path of the data."""

    path: Path
    message: str
    expected: str = ""
    mend: str = ""
    at_key: bool = False
    """Whether the key itself is wrong, rather than its value."""


class Form(NamedTuple):
    """What messages know of the form of a kind of file."""

    node_at: Callable[[Path], Node | None]
    """The schema of the value at a path."""
    all_keys: Callable[[], list[Path]]
    """Every path that has a name of its own."""
    missing: Callable[[Path], Fault]
    """The fault that a key is missing, with the line that would supply it."""
    most_places: int | None = None
    """How many places are named for a key that stands in a wrong one; None for all."""
    special: Callable[[Path, Any], Fault | None] = lambda path, value: None
    """A fault of this kind of file alone, for a value that is wrong."""


def faults_of_form(data: Any, error: ValidationError, form: Form | None = None) -> list[Fault]:
    """Every fault that the types found, one a path, in the words of someone who knows the form: that of a
    scenario if none is given."""
    form = form or SCENARIO
    found: dict[Path, list[ErrorDetails]] = {}
    for each in error.errors(include_url=False):
        found.setdefault(_path(data, each["loc"], form), []).append(each)
    # A value that fits none of several forms is complained about once per form: the closest look counts.
    deepest = {p: each for p, each in found.items() if not any(q[: len(p)] == p and q != p for q in found)}
    faults = [_fault(data, path, errors, form) for path, errors in deepest.items()]
    taken = {(*fault.path[:-1], fault.mend.removeprefix("write ")) for fault in faults if fault.at_key}
    return [fault for fault in faults if fault.message != MISSING or fault.path not in taken]


MISSING = "is missing"


def _path(data: Any, loc: tuple[int | str, ...], form: Form) -> Path:
    """The path in the data of a place in the types, which also names the forms that were tried."""
    path: Path = ()
    for number, step in enumerate(loc):
        if isinstance(data, dict) and str(step) in data:
            path, data = (*path, str(step)), data[str(step)]
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            path, data = (*path, step), data[step]
        elif isinstance(data, dict) and number == len(loc) - 1 and step in keys(form.node_at(path)):
            path = (*path, step)  # a missing key
    return path


def value_at(data: Any, path: Path) -> Any:
    """The value at a path; None where there is none."""
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _fault(data: Any, path: Path, errors: list[ErrorDetails], form: Form) -> Fault:
    kinds = {each["type"]: each for each in errors}
    if "extra_forbidden" in kinds:
        return unknown_key(path, value_at(data, path), form)
    if "missing" in kinds:
        return form.missing(path)
    if any(each["loc"][-1] == "[key]" for each in errors):
        return Fault(path, f'the key "{path[-1]}" is not a whole number from 1 to 1,000,000,000', at_key=True)
    if "value_error" in kinds:
        return _stated(data, path, str(kinds["value_error"]["ctx"]["error"]), form)
    value = value_at(data, path)
    return form.special(path, value) or wrong_value(path, value, form.node_at(path))


def _stated(data: Any, path: Path, statement: str, form: Form) -> Fault:
    """A fault that the types put in words themselves, "key: what is wrong"."""
    key, _, message = statement.partition(": ")
    value = value_at(data, path)
    bounded = re.match(r"\S+ is not a (whole )?number", message)
    inner = (*path, key) if isinstance(value, dict) and key in value else path
    if bounded:
        return wrong_value(inner, value_at(data, inner), form.node_at(path))
    return Fault(inner, message)


def unknown_key(path: Path, value: Any, form: Form) -> Fault:
    """A key that the form does not have, with the nearest one that it has."""
    valid = keys(form.node_at(path[:-1]))
    key = str(path[-1])
    message = f"there is no such {'table' if kind(value) == 'a table' else 'key'}"
    if near := nearest(key, valid):
        return Fault(path, message, mend=f"write {near}", at_key=True)
    elsewhere = [place for place in form.all_keys() if place[-1] == key]
    if elsewhere:
        headers = list(dict.fromkeys(header(place[:-1]) for place in elsewhere))
        tables = " or ".join(headers[: form.most_places])
        return Fault(path, f"{message} here", mend=f"{key} belongs under {tables}", at_key=True)
    return Fault(path, message, f"one of {', '.join(valid)}", at_key=True)


def header(path: Path) -> str:
    """How the header of a table is written."""
    names = [str(step) for step in path if not isinstance(step, int)]
    if not names:
        return "the top of the file"
    return f"[[{'.'.join(names)}]]" if isinstance(path[-1], int) else f"[{'.'.join(names)}]"


_EXAMPLES = {
    "format": "1",
    "name": '"a-short-name"',
    "title": '"what the scenario describes"',
    "starts": "2022-05-24",
    "ends": "2026-12-31",
    "year": "2022",
    "opens": "2022-05-24",
    "closes": "2022-12-31",
    "cap": "7_350",
    "share": "1.0",
    "values": "{ yes = 0.5, no = 0.5 }",
    "factor": "0.0",
    "people": "100",
    "hours": "8",
    "low": "4",
    "mode": "8",
    "high": "16",
    "filed": "2022-01-01",
    "months": "27",
    "refresh_days": "7",
    "value": "100",
    "stream": '"a-stream-of-the-file"',
    "admitted_per_minute": "100",
}

_TABLES_TO_ADD = {
    "intake": "add a table [[intake]] for each year, with year, opens, closes and cap",
    "streams": "add a table for each stream, such as [streams.all] with share = 1.0",
    "demand": "add a table [demand], with backlog and per_year",
}


def _missing(path: Path) -> Fault:
    """A key that is missing from a scenario."""
    wanted = "" if path[0] in _TABLES_TO_ADD else expected(node_at(path))
    return Fault(path, MISSING, wanted, _line_to_add(path))


def _line_to_add(path: Path) -> str:
    """The line that would supply a missing key."""
    key = str(path[-1])
    if key in _TABLES_TO_ADD:
        return _TABLES_TO_ADD[key]
    example = "2022-05-02T09:00:00" if path[-3:-2] == ("surges",) and key == "starts" else _EXAMPLES[key]
    where = "add a line before the first table" if len(path) == 1 else "add here"
    return f"{where}: {key} = {example}"


SCENARIO: Final = Form(node_at, all_keys, _missing)


def wrong_value(path: Path, value: Any, node: Node | None) -> Fault:
    """A value that its key cannot have, by the schema of the value."""
    forms = choices(node or {})
    numeric = next((form for form in forms if form.get("type") in ("integer", "number")), None)
    wanted = expected(node)
    if numeric and isinstance(value, (int, float)) and not isinstance(value, bool):
        return Fault(path, _out_of_bounds(value, numeric), wanted, _mend_number(value, numeric))
    words = (word for form in forms for word in form.get("enum", [form.get("const")]))
    literals = [word for word in words if isinstance(word, str)]
    if isinstance(value, str) and literals and not numeric:
        near = nearest(value, literals)
        return Fault(path, f"{shown(value)} is not a choice", wanted, f"write {shown(near)}" if near else "")
    if isinstance(value, str) and any("pattern" in form and "examples" not in form for form in forms):
        slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
        message = f"{shown(value)} has characters that a name cannot have" if value else "the name is empty"
        return Fault(path, message, wanted, f"write {shown(slug)}" if slug else "")
    if isinstance(value, (list, tuple, dict)) and not value:
        return Fault(path, "nothing is in it", wanted)
    return Fault(path, f"{shown(value)} is {kind(value)}", wanted, _mend_kind(path, value, forms))


def _out_of_bounds(value: float, numeric: Node) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return f"{shown(value)} is not a finite number"
    low, high = numeric.get("minimum", numeric.get("exclusiveMinimum")), numeric.get("maximum")
    if "const" in numeric:
        return f"{shown(value)} is not a format that this version reads"
    if high is not None and value > high:
        return f"{shown(value)} is more than {plainly(high)}"
    if low is not None and value < low:
        return f"{shown(value)} is not above 0" if 0 < low < 1e-3 else f"{shown(value)} is less than {low:g}"
    if low is not None and value == low and "exclusiveMinimum" in numeric:
        return f"{shown(value)} is not above {low:g}"
    return f"{shown(value)} is not a whole number"


def _mend_number(value: float, numeric: Node) -> str:
    if numeric.get("maximum") == 1 and 2 <= value <= 100:
        return f"write {value / 100:g} for {value:g} %"
    if numeric["type"] == "integer" and isinstance(value, float) and value.is_integer():
        return f"write {int(value)}"
    return ""


def _mend_kind(path: Path, value: Any, forms: list[Node]) -> str:
    """How to write a value that is of the wrong kind, where that can be told."""
    types = {form.get("type") for form in forms}
    if isinstance(value, str):
        return _unquoted(value.strip(), types, forms)
    if isinstance(value, dict) and "array" in types:
        return f"write [[{'.'.join(map(str, path))}]], with double brackets, before each table of the list"
    if isinstance(value, (list, tuple)) and "object" in types and len(path) == 1:
        named = any(isinstance(form.get("additionalProperties"), dict) for form in forms)
        return f"write [{path[0]}{'.NAME' if named else ''}], with single brackets"
    if "array" in types and not any("$ref" in form.get("items", {}) for form in forms):
        return f"write [{shown(value)}]"
    if isinstance(value, datetime.datetime) and any(form.get("format") == "date" for form in forms):
        return f"write {value.date()}"
    if isinstance(value, datetime.date) and any("T09" in str(form.get("examples")) for form in forms):
        return f"write {value}T00:00:00"
    is_text = types == {"string"} and not any("format" in form or "examples" in form for form in forms)
    return f'write "{value}"' if is_text and isinstance(value, (int, float)) else ""


def _unquoted(value: str, types: set[Any], forms: list[Node]) -> str:
    """How to write without quotes what was written in quotes."""
    if types & {"number", "integer"}:
        percent = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", value)
        if percent:
            return f"write {float(percent[1]) / 100:g}, without quotes"
        plain = value.replace(",", "").replace(" ", "").replace("_", "")
        return f"write {plain}, without quotes" if re.fullmatch(r"\d+(\.\d+)?", plain) else ""
    dated = any("format" in form or "examples" in form for form in forms)
    if dated and re.fullmatch(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?|\d\d:\d\d:\d\d", value):
        return f"write {value}, without quotes"
    if types == {"boolean"} and value.lower() in ("true", "yes", "false", "no"):
        return f"write {'true' if value.lower() in ('true', 'yes') else 'false'}, without quotes"
    listed = "array" in types and not any("$ref" in form.get("items", {}) for form in forms)
    return f"write [{shown(value)}]" if listed else ""


def shown(value: Any) -> str:
    """A value as TOML writes it; long ones by what they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value if len(value) <= 60 else value[:57] + "...", ensure_ascii=False)
    if isinstance(value, (dict, list, tuple)):
        return "this"
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else str(value)


def kind(value: Any) -> str:
    """What kind of TOML value it is."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a truth value"),
        ((int, float), "a number"),
        (str, "text"),
        (datetime.datetime, "a date and time"),
        (datetime.date, "a date"),
        (datetime.time, "a time"),
        (dict, "a table"),
    ]
    return next((name for types, name in names if isinstance(value, types)), "a list")


def dotted(data: Any, path: Path) -> str:
    """A path as people write it: demand.backlog, intake.2022.cap, demand.events.a-halt.factor."""
    return ".".join(_steps(data, path))


def _steps(data: Any, path: Path) -> Iterator[str]:
    for step in path:
        inner = value_at(data, (step,))
        yield item_name(inner, step) if isinstance(step, int) and isinstance(data, list) else str(step)
        data = inner


def item_name(item: Any, position: int) -> str:
    """What an item of a list is called in a dotted key: by its year, name or date, else its number from 1."""
    is_date = isinstance(item, datetime.date)  # which has a year of its own
    for key in ("year", "name", "filed"):
        value = item.get(key) if isinstance(item, dict) else None if is_date else getattr(item, key, None)
        if isinstance(value, (int, str, datetime.date)):
            return re.sub(r"[^a-z0-9]+", "-", str(value).lower()).strip("-") or str(position + 1)
    return str(position + 1)
