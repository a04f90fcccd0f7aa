"""The tables of a comparison for spreadsheets: the same five as a workbook, or as CSV files.

*headline* is the planner's table, *policies* every contrast with its intervals, *groups* who gains and who
loses, *assumptions* every number of the scenario with its source, *method* how it was computed, and the seed.
Every figure is taken from summary.json as it stands there, unrounded; what is not estimable stays empty.
"""

import csv
from pathlib import Path
from typing import Any, NamedTuple

from sim.showing import robust
from sim.showing.comparison_sentences import sentences
from sim.showing.headline import Data


class Sheet(NamedTuple):
    """One table."""

    name: str
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]]


CONTRAST = (
    *(
        "policy",
        "measure",
        "n",
        "base",
        "value",
        "difference",
        "low",
        "high",
        "method",
        "all_low",
        "all_high",
    ),
    *("p", "p_holm", "size", "margin", "p_equivalent", "p_no_worse", "verdict"),
)
GROUP = (
    *("policy", "kind", "group", "people", "base", "value", "difference", "low", "high", "all_low"),
    *(
        "all_high",
        "slot_gained",
        "slot_lost",
        "permit_gained",
        "permit_lost",
        "permit_earlier",
        "permit_later",
    ),
)
ASSUMPTION = ("key", "value", "low", "high", "basis", "source", "note")
LOAD = ("peak_hour_applications", "backlog_max")
"""The last columns of every table about policies."""


def sheets(found: Data) -> tuple[Sheet, ...]:
    """The tables of a summary: five, and a sixth where the policies were tried under shocks."""
    load = {name: _load(found["policies"][name]["measures"]) for name in found["policies"]}
    contrasts = [
        (*_picked(each, CONTRAST), *_parts(each), *load[each["policy"]]) for each in found["contrasts"]
    ]
    groups = [(*_picked(each, GROUP), *load[each["policy"]]) for each in found["groups"]]
    parts = ("ratio", "ratio_low", "ratio_high", "tail", "tail_low", "tail_high")
    return (
        _headline(found),
        Sheet("policies", (*CONTRAST, *parts, *LOAD), contrasts),
        Sheet("groups", (*GROUP, *LOAD), groups),
        *([Sheet("shocks", *robust.sheet_rows(found))] if found["shocks"] else []),
        Sheet("assumptions", ASSUMPTION, [_picked(each, ASSUMPTION) for each in found["assumptions"]]),
        Sheet("method", ("what", "value"), _method(found)),
    )


def write_csv(folder: Path, found: Data | tuple[Sheet, ...]) -> None:
    """One file a table: headline.csv and so on; of a comparison's summary, or of the tables given."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in found if isinstance(found, tuple) else sheets(found):
        with (folder / f"{sheet.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(sheet.header)
            writer.writerows(sheet.rows)


def write_xlsx(path: Path, found: Data | tuple[Sheet, ...]) -> None:
    """One workbook; each table a sheet, its header in bold and fixed; the tables as for `write_csv`."""
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.remove(book.active)
    for sheet in found if isinstance(found, tuple) else sheets(found):
        page = book.create_sheet(sheet.name)
        for row in (sheet.header, *sheet.rows):
            page.append(["'" + cell if _is_formula(cell) else cell for cell in row])
        for cell in page[1]:
            cell.font = Font(bold=True)
        page.freeze_panes = "B2"
        for k, name in enumerate(sheet.header, 1):
            longest = max(
                [len(name), *(len(str(row[k - 1])) for row in sheet.rows if isinstance(row[k - 1], str))]
            )
            page.column_dimensions[get_column_letter(k)].width = min(60, longest + 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def _headline(found: Data) -> Sheet:
    """Means of the headline measures, one row a policy, the baseline first."""
    names = (*found["headlines"], *found["load"])
    rows = [
        (name, policy["summary"], *(policy["measures"][measure]["mean"] for measure in names))
        for name, policy in ((name, found["policies"][name]) for name in found["order"])
    ]
    return Sheet("headline", ("policy", "summary", *names), rows)


def _method(found: Data) -> list[tuple[Any, ...]]:
    """What was run and how the figures came about; the leading sentences first."""
    needed = found["replications_for"]
    rows: list[tuple[Any, ...]] = [(f"finding {k}", text) for k, text in enumerate(sentences(found), 1)]
    rows += [(name, found["scenario"][name]) for name in ("name", "title", "time_zone")]
    rows += [(f"set {key}", str(value)) for key, value in sorted(found["settings"].items())]
    rows += [(name, found[name]) for name in ("seed", "baseline", "replications")]
    rows += [("replications with assumptions drawn", found["replications_with_assumptions"])]
    rows += [(name, found[name]) for name in ("stopped", "complete", "margin")]
    rows += [
        ("pairing", "every policy serves the same people of a replication; differences are taken within it"),
        ("low, high", "95 % interval of the mean difference: paired t, or BCa bootstrap where method is bca"),
        ("all_low, all_high", "95 % intervals that hold together: max |t| by bootstrap, Bonferroni for few"),
        ("p, p_holm", "two-sided paired t; the same after Holm over all contrasts that have one"),
        ("p_equivalent, p_no_worse", "TOST: within the margin; not beyond it on the bad side"),
        ("ratio", "times the baseline's mean, BCa interval"),
        ("tail", "difference of the bad year in ten: 10th percentile where more is better, else the 90th"),
        ("empty cells", "not estimable, or not defined"),
        ("replications needed for BCa", needed["bca"]),
        ("replications needed for a tail", needed["tails"]),
        ("replications needed for max |t|", needed["max_t"]),
    ]
    return rows + [
        (name, f"{each['unit']}: {each['meaning']}") for name, each in found["definitions"].items()
    ]


def _picked(data: Data, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(data[name] for name in names)


def _parts(contrast: Data) -> tuple[Any, ...]:
    return tuple(contrast[part][end] for part in ("ratio", "tail") for end in ("value", "low", "high"))


def _load(measures: Data) -> tuple[Any, ...]:
    return tuple(measures[name]["mean"] for name in LOAD)


def _is_formula(cell: Any) -> bool:
    """Text that a spreadsheet would compute; scenario files may come from anybody."""
    return isinstance(cell, str) and cell.startswith(("=", "+", "@"))
