"""A file opened as a history, with what somebody says beside it: caps, switches, how its columns are called.

Which form a file has is seen from its beginning (Parquet), from its name (.csv, .tsv) or from what was said
of its columns; else it is JSON lines. Columns of a CSV file that bear our names need not be mapped. Where its
rows name no intake and all caps are of one, they are about that.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from loadtests.checking import with_caps
from loadtests.checks.requests import CURRENT
from loadtests.header import Header, spec_from_plain
from loadtests.histories.columns import COLUMNS
from loadtests.histories.csv_file import ELAPSED, read_csv
from loadtests.history import History, read
from sim.errors import complaint
from sim.ledger import Cap, Spec

if TYPE_CHECKING:  # the models of a scenario take a third of a second to set up
    from sim.load import MustSee

DELIMITERS: Final = {".csv": ",", ".tsv": "\t"}
SWITCHES: Final = {
    "counts": "accepted, received or approved",
    "gives_back": "some of refusal, withdrawal and expiry, with commas between; nothing for none",
    "refusals": "fresh or sticky",
    "counter": "exact, or how many days a copy of the count is kept",
    "over_cap": "return, refuse or queue",
    "tolerance": "a whole number: by how much a soft cap may be passed",
}
"""Name of a switch -> what it can be."""


@dataclass(frozen=True, slots=True)
class Table:
    """How a CSV file says things; see loadtests/histories/csv_file.py."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Name of ours -> name in the file."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """What the file says -> answer of ours."""
    ops: Mapping[str, str] = field(default_factory=dict)
    """What the file says -> op of ours."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Name of ours -> what every row has."""
    unit: str = "ns"
    """What times are written in."""
    delimiter: str | None = None
    """What stands between cells; None if that follows from the file's name."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is said beside a file."""

    caps: tuple[Cap, ...] = ()
    """Instead of those of the same name in its header."""
    typed: tuple[str, ...] = ()
    """Names of those caps that somebody typed: the file must have something of their intakes."""
    spec: Spec | None = None
    """The switches to begin with, those of a scenario; None: those of the header."""
    switches: Mapping[str, str] = field(default_factory=dict)
    """Switches of the spec, as they are written on the command line."""
    operations: int | None = None
    """How many operations it must have; None if nobody says."""
    table: Table = field(default_factory=Table)


def opened(path: Path, beside: Beside, *, in_batches: bool = False) -> History:
    """The history of a file; BadInput if it cannot be one, or is not what was said of it.

    `in_batches`: see loadtests.history.read; a CSV file never is.
    """
    is_table = _is_table(path, beside.table)
    return _with(_table(path, beside) if is_table else read(path, in_batches=in_batches), path, beside)


def loose(folder: Path, beside: Beside) -> History:
    """The history of a run that left only the records of its workers."""
    from loadtests import left_behind

    return _with(left_behind.merged(folder), folder, beside)


def _with(history: History, path: Path, beside: Beside) -> History:
    """The history with what is said beside it."""
    _check_caps(path, history, beside)
    header = with_caps(history.header, beside.caps)
    spec = with_switches(beside.spec or header.spec, beside.switches)
    history = replace(history, header=replace(header, spec=spec))
    if beside.operations is None:
        return history
    if beside.operations != len(history):
        what = f"it has {len(history):,} operations, and {beside.operations:,} were to be there"
        mend = "restore the file: it was cut or doubled"
        raise complaint(what, file=str(path), key="--operations", mend=mend)
    return replace(history, is_whole=True)


def _check_caps(path: Path, history: History, beside: Beside) -> None:
    """Complain of a cap that is given and of whose intakes nothing is in the file: its name is mistyped."""
    named = [history.coded("intake").at(int(row)) for row in _one_of_each(history)]
    there = {intake for intake in named if intake is not None}
    declared = {cap.name for cap in history.header.caps}
    if CURRENT in there or None in named or not there:
        return  # which intakes these rows are of is not said
    for cap in (each for each in beside.caps if each.name in beside.typed and each.name not in declared):
        intakes = sorted({intake for intake, _ in cap.covers})
        if there.isdisjoint(intakes):
            what = (
                f"no operation is of intake {' or '.join(intakes)}; the file has {', '.join(sorted(there))}"
            )
            raise complaint(what, file=str(path), key="--cap", mend="name an intake of the file")


def _one_of_each(history: History) -> NDArray[np.int64]:
    """A row of every intake that claims, releases and readings name."""
    rows = np.flatnonzero(history.is_op("claim", "release", "read"))
    _, first = np.unique(history.coded("intake").codes[rows], return_index=True)
    return np.asarray(rows[first])


def with_switches(spec: Spec, switches: Mapping[str, str]) -> Spec:
    """The spec with switches from the command line, such as gives_back=withdrawal,refusal and counter=7."""
    for name, text in switches.items():
        if name not in SWITCHES:
            raise complaint(f"there is no switch {name!r}", key="--spec", expected=", ".join(SWITCHES))
        try:
            spec = spec_from_plain(dict(spec.as_plain()) | {name: _switch(name, text)})
        except (ValueError, TypeError):
            raise complaint(f"{text!r} is no {name}", key="--spec", expected=SWITCHES[name]) from None
    return spec


def _switch(name: str, text: str) -> object:
    if name == "gives_back":
        return [part for part in text.split(",") if part]
    return int(text) if name in ("counter", "tolerance") and text.isdecimal() else text


def _is_table(path: Path, table: Table) -> bool:
    return path.suffix.lower() in DELIMITERS or bool(table.columns)


def _table(path: Path, beside: Beside) -> History:
    table = beside.table
    delimiter = table.delimiter or DELIMITERS.get(path.suffix.lower(), ",")
    names = _first_line(path, delimiter)
    ours = {name: name for name in (*COLUMNS, ELAPSED) if names.count(name) == 1}
    columns = {**ours, **table.columns}
    if names and "invoked_ns" not in columns:
        what = f"none of its columns ({', '.join(names)}) is said to have the times of invocation"
        raise complaint(what, file=str(path), mend=f"say which, as in --column invoked_ns={names[0]}")
    fixed = dict(table.fixed)
    intakes = {intake for cap in beside.caps for intake, _ in cap.covers}
    if len(intakes) == 1 and "intake" not in (*columns, *fixed):
        fixed["intake"] = intakes.pop()
    return read_csv(
        path,
        {name: theirs for name, theirs in columns.items() if name not in fixed},
        unit=table.unit,
        answers=table.answers,
        ops=table.ops,
        fixed=fixed,
        header=Header(source=path.name),
        delimiter=delimiter,
    )


def _first_line(path: Path, delimiter: str) -> list[str]:
    if not path.is_file():
        return []  # said by whoever reads it
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as source:
        return next(csv.reader(source, delimiter=delimiter), [])


def of_scenario(
    name: str, policy: str | None = None, scale: float = 1.0
) -> tuple[tuple[Cap, ...], Spec, "MustSee"]:
    """What a load test of a scenario begins with: caps and switches; and what it must have seen."""
    from loadtests.trace import build
    from sim import scenario_file

    trace = build(scenario_file.load(name), run="check", policy=policy, scale=scale)
    caps = {cap.name: cap for intake in trace.intakes for cap in intake.caps}
    return tuple(caps.values()), trace.spec, trace.traffic.must_see
