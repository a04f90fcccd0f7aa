"""The header of a history: what its operations are judged by, so that the file alone suffices."""

from dataclasses import dataclass, field, fields
from typing import Any, Final

from sim.errors import complaint
from sim.ledger import Cap, Spec

FORMAT: Final = "quotalab-history-1"
COUNT: Final = "operations"
"""Key of the header's line in a file of JSON lines: how many operations follow. A file's matter, not ours."""


@dataclass(frozen=True, slots=True)
class Initial:
    """What was read of the service before the run."""

    used: dict[str, int] = field(default_factory=dict)
    """By intake, or by cap where the service says it."""
    holders: dict[str, tuple[str, ...]] | None = None
    """By intake, who held a slot; None where the service does not list them."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a history is judged by, so that a file suffices."""

    caps: tuple[Cap, ...] = ()
    """The caps as the run began; a set-cap row changes one."""
    spec: Spec = field(default_factory=Spec)
    initial: Initial | None = None
    """None: nothing was used, nobody held a slot."""
    shared: bool = False
    """Whether others may have claimed meanwhile: holders who are not in the history are then no anomaly."""
    complete: bool = True
    """Whether the run came to its end. A history that is not complete shows what was recorded until then."""
    clock_bound_ns: int = 0
    """By how much a time may be wrong; 0 on one host."""
    origin_ns: int = 0
    """UTC epoch nanoseconds at the times' zero; 0 if not known."""
    run: str = ""
    """Id of the run, which its applicants bear."""
    source: str = ""
    """Who wrote the file."""
    scenario: str = ""
    format: str = FORMAT

    def as_plain(self) -> dict[str, Any]:
        """The header as JSON has it."""
        initial = self.initial and {"used": self.initial.used, "holders": self.initial.holders}
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "spec": self.spec.as_plain(),
            "caps": [cap_as_plain(cap) for cap in self.caps],
            "initial": initial,
        }


def cap_as_plain(cap: Cap) -> dict[str, Any]:
    """A cap as headers write it; covers in one order."""
    covers = sorted(cap.covers, key=lambda pair: (pair[0], pair[1] or ""))
    return {"name": cap.name, "limit": cap.limit, "covers": [list(pair) for pair in covers]}


def spec_from_plain(plain: dict[str, Any]) -> Spec:
    """The inverse of Spec.as_plain; ValueError for a switch that does not exist."""
    known = {each.name for each in fields(Spec)}
    if strange := set(plain) - known:
        raise ValueError(f"spec has no {', '.join(sorted(strange))}; it has {', '.join(sorted(known))}")
    values = dict(plain)
    if isinstance(values.get("counter"), dict):
        values["counter"] = values["counter"]["refresh_days"]
    if "gives_back" in values:
        values["gives_back"] = frozenset(values["gives_back"])
    return Spec(**values)


def header_from_plain(plain: dict[str, Any], file: str = "") -> Header:
    """The inverse of Header.as_plain; whatever is left out has its default."""
    known = {each.name for each in fields(Header)}
    try:
        if plain.get("format") != FORMAT:
            raise ValueError(f"format is {plain.get('format')!r}")
        if strange := set(plain) - known:
            raise ValueError(f"no such key: {', '.join(sorted(strange))}")
        values = dict(plain)
        values["spec"] = spec_from_plain(plain.get("spec") or {})
        values["caps"] = tuple(
            Cap(cap["name"], cap["limit"], frozenset((intake, stream) for intake, stream in cap["covers"]))
            for cap in plain.get("caps") or ()
        )
        if initial := plain.get("initial"):
            holders = initial.get("holders")
            named = None if holders is None else {intake: tuple(who) for intake, who in holders.items()}
            values["initial"] = Initial(dict(initial.get("used") or {}), named)
        return Header(**values)
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        raise complaint(
            f"the header cannot be read: {error}",
            file=file,
            expected=f'an object with "format": "{FORMAT}"; its keys: {", ".join(sorted({*known, COUNT}))}',
        ) from error
