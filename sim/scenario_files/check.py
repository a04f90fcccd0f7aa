"""Data to Scenario, or everything that is wrong with it at once: its form, and what its parts say together.

When the form is wrong somewhere, the rules between the parts still run on what can be read: a *partial*
scenario, built without the keys that are wrong. A rule that asks for one of those stops there.
"""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from sim.labelled import Labelled
from sim.policy import Record
from sim.scenario import Scenario
from sim.scenario_files import composition_rules, load_rules, policy_rules
from sim.scenario_files import rules as scenario_rules
from sim.scenario_files.faults import Fault, faults_of_form, value_at

RULES = (*scenario_rules.RULES, *policy_rules.RULES, *composition_rules.RULES, *load_rules.RULES)

UNREADABLE = "\x00"
"""Stands in data for a value that could not be read as TOML; nothing more is said of it."""


class Faulty(Exception):
    """Data that is not a scenario; carries its faults in no particular order."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(f"{len(faults)} faults")


def checked(data: dict[str, Any]) -> Scenario:
    """The scenario that TOML data describes; raises Faulty."""
    ready = prepared(data)
    faults: list[Fault] = []
    try:
        scenario = Scenario.model_validate(ready, strict=True)
    except ValidationError as error:
        faults = faults_of_form(data, error)
        scenario = _partial(Scenario, ready)
    told = {fault.path for fault in faults}
    rules = _broken_rules(scenario, partial=bool(faults))
    faults += [fault for fault in rules if fault.path not in told]
    if faults:
        raise Faulty([fault for fault in faults if value_at(data, fault.path) != UNREADABLE])
    return scenario


def _broken_rules(scenario: Scenario, *, partial: bool) -> Iterator[Fault]:
    for rule in RULES:
        try:
            yield from rule(scenario)
        except AttributeError:  # it asked for a part that could not be read
            if not partial:
                raise


_NUMBERED = (("entries",), ("pathways", "permanent_residence", "throughput_persons"))
"""Tables whose keys are whole numbers, which TOML gives as text."""


def prepared(data: Any, path: tuple[str, ...] = ()) -> Any:
    """The data with tuples for lists, and numbers for the keys of tables that have such."""
    if isinstance(data, dict):
        made = {key: prepared(value, (*path, key)) for key, value in data.items()}
        return {_number(key): value for key, value in made.items()} if path in _NUMBERED else made
    if isinstance(data, (list, tuple)):
        return tuple(prepared(value, (*path, "0")) for value in data)
    return data


def _number(key: str) -> int | str:
    """A key as a number if it is written as one writes numbers; 01 is not."""
    return int(key) if key.isdecimal() and key == str(int(key)) else key


def _partial(record: type[Any], data: Any) -> Any:
    """A record of what can be read; asking it for anything else raises AttributeError."""
    data = data if isinstance(data, dict) else {}
    read: dict[str, Any] = {}
    unread: list[str] = []
    for name, field in record.model_fields.items():
        if name not in data:
            unread += [name] if field.is_required() else []
            continue
        try:
            read[name] = _read(field, data[name])
        except ValidationError:
            unread.append(name)
    made = record.model_construct(_fields_set=set(read), **read)
    for name in unread:
        made.__dict__.pop(name, None)  # so that its default does not stand for it
    return made


def _read(field: FieldInfo, data: Any) -> Any:
    """The value of a field; of records within it, what can be read of them."""
    try:
        return TypeAdapter(_annotation(field)).validate_python(data, strict=True)
    except ValidationError:
        kind = _record_in(field.annotation)
        if kind is None or not data:
            raise
        origin = get_origin(field.annotation)
        if origin is tuple and isinstance(data, tuple):
            return tuple(_partial(kind, item) for item in data)
        if origin is dict and isinstance(data, dict):
            return {key: _partial(kind, item) for key, item in data.items()}
        if origin in (None, Union, types.UnionType) and isinstance(data, dict):
            return _partial(kind, data)
        raise


def _annotation(field: FieldInfo) -> Any:
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _record_in(annotation: Any) -> type[Record] | None:
    """The record that a field holds, one or many; a labelled number is read whole or not at all."""
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, Record) and each is not Labelled:
            return each
    return None
