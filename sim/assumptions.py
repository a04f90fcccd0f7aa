"""The register of a scenario's labelled numbers, and the scenario with its uncertain ones drawn.

An *assumption* is a labelled number with its dotted key. Those with a range are *uncertain*: the wider of a
headline's two intervals draws each from the triangular distribution low, value, high. A draw has a random
stream of its own, named after its key, so another assumption more or less changes no other draw.

A draw keeps what the rules promise. Shares that belong together still sum to 1: those without a range are
scaled to fill what the drawn ones leave. People still do not answer more letters than they have.
"""

import functools
from collections.abc import Iterator
from types import UnionType
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin

from sim import streams
from sim.labelled import Bounds, Labelled
from sim.policy import Record
from sim.scenario import Behaviour, Scenario
from sim.scenario_files.faults import item_name

R = TypeVar("R", bound=Record)


class Assumption(NamedTuple):
    """A labelled number of a scenario, and the dotted key that sets it."""

    key: str
    number: Labelled
    is_whole: bool

    @property
    def uncertain(self) -> bool:
        """Whether it has a range to draw from."""
        return self.number.uncertain


def register(scenario: Scenario) -> tuple[Assumption, ...]:
    """Every number of the scenario that has a basis, in the order of the format; those of [load] apart,
    since traffic changes no outcome."""
    found = (each for each in _numbers(scenario, "") if not each.key.startswith("load."))
    return tuple(each for each in found if each.number.basis is not None)


def _numbers(record: Record, prefix: str) -> Iterator[Assumption]:
    """The labelled numbers that a record was given, each with its key."""
    for name, is_whole in _fields(type(record)):
        if name in record.model_fields_set:
            yield from _inside(getattr(record, name), f"{prefix}{name}", is_whole)


def _inside(value: Any, key: str, is_whole: bool) -> Iterator[Assumption]:
    if isinstance(value, Labelled):
        yield Assumption(key, value, is_whole)
    elif isinstance(value, Record):
        yield from _numbers(value, f"{key}.")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _inside(item, f"{key}.{name}", is_whole)
    elif isinstance(value, tuple):
        for k, item in enumerate(value):
            if isinstance(item, Record):
                yield from _inside(item, f"{key}.{item_name(item, k)}", is_whole)


@functools.cache
def _fields(record: type[Record]) -> tuple[tuple[str, bool], ...]:
    """The fields of a record that can hold labelled numbers, and whether those are whole."""
    found = []
    for name, field in record.model_fields.items():
        bounds = [each for each in field.metadata if isinstance(each, Bounds)] + list(
            _bounds(field.annotation)
        )
        if bounds or any(_is_record(each) for each in (field.annotation, *get_args(field.annotation))):
            found.append((name, any(each.whole for each in bounds)))
    return tuple(found)


def _bounds(annotation: Any) -> Iterator[Bounds]:
    """The bounds of numbers in the forms of a type, as in dict[str, Count] and Whole | Literal["none"]."""
    for part in get_args(annotation):
        yield from (each for each in getattr(part, "__metadata__", ()) if isinstance(each, Bounds))
        if get_origin(part) in (Union, UnionType):
            yield from _bounds(part)


def _is_record(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Record)


def drawn(scenario: Scenario, replication: int, seed: int) -> Scenario:
    """The scenario with each uncertain number replaced by its draw for a replication, which has no range."""
    uncertain = (each for each in register(scenario) if each.uncertain)
    return placed(scenario, {each.key: _draw(each, replication, seed) for each in uncertain})


def placed(scenario: Scenario, values: dict[str, Labelled]) -> Scenario:
    """The scenario with these numbers of the register instead of its own, the rules between them kept."""
    if not values:
        return scenario
    touched = {key.rsplit(".", dots)[0] for key in values for dots in range(key.count(".") + 1)}
    return _mended(_replaced(scenario, values, "", touched), values)


def _draw(assumption: Assumption, replication: int, seed: int) -> Labelled:
    return quantile(assumption, streams.uniforms(seed, replication, f"assumption/{assumption.key}", 1))


def quantile(assumption: Assumption, u: streams.Floats) -> Labelled:
    """An uncertain number at a quantile of its triangular distribution; `u` has shape (1,)."""
    number = assumption.number
    assert number.low is not None, number
    assert number.high is not None, number
    value = float(streams.triangular(u, low=number.low, mode=number.value, high=number.high)[0])
    value = float(round(value)) if assumption.is_whole else value
    return _certain(number, min(max(value, number.low), number.high))


def _certain(number: Labelled, value: float) -> Labelled:
    return number.model_copy(update={"value": value, "low": None, "high": None})


def _replaced(record: R, values: dict[str, Labelled], prefix: str, touched: set[str]) -> R:
    """A copy of a record with some numbers replaced; `touched` has their keys and what they stand in."""
    update = {
        name: _replaced_inside(getattr(record, name), values, key, touched)
        for name, _ in _fields(type(record))
        if (key := f"{prefix}{name}") in touched
    }
    return record.model_copy(update=update) if update else record


def _replaced_inside(value: Any, values: dict[str, Labelled], key: str, touched: set[str]) -> Any:
    if key not in touched:
        return value
    if isinstance(value, Labelled):
        return values[key]
    if isinstance(value, Record):
        return _replaced(value, values, f"{key}.", touched)
    if isinstance(value, dict):
        return {
            name: _replaced_inside(item, values, f"{key}.{name}", touched) for name, item in value.items()
        }
    return tuple(
        _replaced_inside(item, values, f"{key}.{item_name(item, k)}", touched) for k, item in enumerate(value)
    )


def _mended(scenario: Scenario, values: dict[str, Labelled]) -> Scenario:
    """The scenario with the rules between numbers kept, where a draw broke them."""
    tables = {key.split(".")[0] for key in values}
    update: dict[str, Any] = {}
    if "streams" in tables:
        shares = {f"streams.{name}.share": stream.share for name, stream in scenario.streams.items()}
        filled = _filled(shares, values)
        update["streams"] = {
            name: stream.model_copy(update={"share": filled[f"streams.{name}.share"]})
            for name, stream in scenario.streams.items()
        }
    if "residence" in tables:
        names = ("abroad", "other_province", "quebec")
        shares = {f"residence.{name}": getattr(scenario.residence, name) for name in names}
        filled = _filled(shares, values)
        update["residence"] = scenario.residence.model_copy(
            update={name: filled[f"residence.{name}"] for name in names}
        )
    if "behaviour" in tables:
        update["behaviour"] = _consistent(scenario.behaviour)
    return scenario.model_copy(update=update) if update else scenario


def _filled(shares: dict[str, Labelled], values: dict[str, Labelled]) -> dict[str, Labelled]:
    """Shares that sum to 1 again: the drawn ones stay if they can, the others fill what is left."""
    drawn_sum = sum(number.value for key, number in shares.items() if key in values)
    fixed_sum = sum(number.value for key, number in shares.items() if key not in values)
    if fixed_sum > 0 and drawn_sum <= 1:
        scale = {key: 1.0 if key in values else (1 - drawn_sum) / fixed_sum for key in shares}
    else:
        scale = dict.fromkeys(shares, 1 / (drawn_sum + fixed_sum) if drawn_sum + fixed_sum else 1.0)
    return {key: _certain(number, number.value * scale[key]) for key, number in shares.items()}


def _consistent(behaviour: Behaviour) -> Behaviour:
    """Behaviour in which people do not answer more letters than they have, nor arrive before they can."""
    update: dict[str, Labelled] = {}
    left = 1.0 - behaviour.declines_share.value
    if behaviour.applies_share.value > left:
        update["applies_share"] = _certain(behaviour.applies_share, left)
    if behaviour.landing_days_low.value > behaviour.landing_days_high.value:
        update["landing_days_low"] = behaviour.landing_days_high
    return behaviour.model_copy(update=update) if update else behaviour
