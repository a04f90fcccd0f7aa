"""Which placeholders a text may have: the fields of who asks, and the variables known by then."""

import re
from collections.abc import Iterator
from typing import Any, Final

from loadtests.profiles.environment import texts
from loadtests.profiles.exchange import Who
from loadtests.profiles.filters import FILTERS, filter_of
from loadtests.profiles.records import OPERATIONS, ORDERS, Asking, Profile
from loadtests.profiles.templates import Hole, Stray, parts
from sim.errors import nearest
from sim.scenario_files.faults import Fault
from sim.scenario_files.schema import Path

OF_ORDERS: Final = {"open": ("limit", "cap", "caps", "spec"), "set_cap": ("limit", "cap")}
"""What an order of the administration is about, besides its intake."""

SHARED: Final = (
    "setup",
    "ready",
    *ORDERS,
    "readings.cap",
    "readings.used",
    "readings.held",
    "readings.available",
    "readings.holders",
)
"""Requests that are sent for nobody: of who asks, they may name the intake alone."""


def holes(data: Any) -> Iterator[tuple[Path, Hole | Stray]]:
    """Every placeholder and every stray brace of some data, with its path."""
    for path, text in texts(data):
        for part in parts(text):
            if isinstance(part, Hole | Stray):
                yield path, part


def names(asking: Asking) -> set[str]:
    """The names of the placeholders of a request."""
    return {part.name for _, part in holes(_templates(asking)) if isinstance(part, Hole)}


def _templates(asking: Asking) -> dict[str, Any]:
    """The parts of a request that are templates, under the keys of the file."""
    data = asking.model_dump(
        by_alias=True, include={"request", "query", "headers", "json_body", "form", "body"}
    )
    data["graphql"] = {k: v for k, v in (asking.graphql or {}).items() if k != "query"}
    return data


def all_are_known(profile: Profile) -> Iterator[Fault]:
    """Every placeholder names something that is known when the request is made; its filters exist."""
    fields = set(Who._fields)
    known = set(profile.variables)
    yield from _named((), {"headers": profile.headers}, fields | _extracted(profile), "")
    yield from _constant(profile)
    if profile.ready:
        yield from _named(("ready",), _templates(profile.ready), known | {"intake"}, "ready")
    for part in ("setup", "enrol", *OPERATIONS):
        allowed = {"intake", *OF_ORDERS.get(part, ())} if part in SHARED else fields
        for number, step in enumerate(getattr(profile, part)):
            yield from _named((part, number), _templates(step), known | allowed, part)
            known |= set(step.extract)
            sourced = {"rules": [rule.model_dump(by_alias=True, exclude_none=True) for rule in step.rules]}
            of_sources = {"take": step.take.model_dump(exclude_none=True), "extract": step.extract}
            yield from _in_sources((part, number), sourced | of_sources, known | allowed, part)
    for name in type(profile.readings).model_fields:
        reading = getattr(profile.readings, name)
        if reading is not None:
            allowed = fields if name == "slot" else {"intake"}
            yield from _named(("readings", name), _templates(reading), known | allowed, f"readings.{name}")
    if profile.readings.holders:
        path: Path = ("readings", "holders")
        yield from _named(path, {"shown_as": profile.readings.holders.shown_as}, {"applicant"}, "shown_as")


def _extracted(profile: Profile) -> set[str]:
    steps = (step for part in ("setup", "enrol", *OPERATIONS) for step in getattr(profile, part))
    return set(profile.variables).union(*(step.extract for step in steps))


def _constant(profile: Profile) -> Iterator[Fault]:
    """Variables are texts of the file and the environment: nobody has asked yet."""
    for path, part in holes(profile.variables):
        if isinstance(part, Hole):
            mend = f"write ${{{part.name}}} for the environment's, {{{{ and }}}} for braces"
            yield Fault(("variables", *path), f"a variable cannot depend on {{{part.name}}}", mend=mend)


def _in_sources(path: Path, data: dict[str, Any], known: set[str], part: str) -> Iterator[Fault]:
    """Placeholders in sources and paths; braces of regular expressions are their own."""
    for place, found in holes(data):
        key = place[-1]
        if (
            isinstance(found, Hole)
            and key not in ("body", "matches", "contains")
            and not _is_regex(data, place)
        ):
            yield from _hole((*path, *place), found, known, part)


def _is_regex(data: Any, place: Path) -> bool:
    for step in place:
        data = data[step]
    return str(data).startswith("body:")


def _named(path: Path, data: dict[str, Any], known: set[str], part: str) -> Iterator[Fault]:
    for place, found in holes(data):
        here = (*path, *place)
        if isinstance(found, Hole):
            yield from _hole(here, found, known, part)
        elif place[0] != "body":
            message = f'a "{found.brace}" that belongs to no placeholder'
            yield Fault(here, message, mend=f"write {found.brace * 2} for the brace itself")


def _hole(path: Path, hole: Hole, known: set[str], part: str) -> Iterator[Fault]:
    if hole.name not in known:
        near = nearest(hole.name, known)
        what = "is not known yet" if hole.name in Who._fields else "is not known"
        if part in SHARED and hole.name in Who._fields:
            what = f"is of an applicant, and {part} is asked for nobody"
            near = ""
        listed = ", ".join(sorted(known))
        mend = f"write {{{near}}}" if near else f"write {{{{{hole.name}}}}} if the braces are meant"
        yield Fault(path, f"{{{hole.name}}} {what}", f"one of {listed}", mend)
    for name, argument in hole.filters:
        try:
            filter_of(name, argument)
        except KeyError:
            near = nearest(name, FILTERS)
            yield Fault(
                path,
                f"there is no filter {name}",
                f"one of {', '.join(FILTERS)}",
                f"write {near}" if near else "",
            )
        except ValueError as error:
            said = str(error)
            yield Fault(path, said if re.match(name, said) else f"{name} {said}")
