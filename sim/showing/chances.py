"""Tables of how far streams have equal chances of a slot: the ratio with its interval, and the 4/5 line.

Made from the data of summary.json (`disparate_impact`, see sim/studying/impact.py).
"""

from rich.table import Table

from sim.showing.dates import LOAD_HEADERS, load_cells
from sim.showing.headline import Data
from sim.showing.terminal import table_of

TITLE = (
    "Equal chances? P(slot) of a stream against that of {first}, with 95 % intervals; by the four-fifths "
    "line a ratio below 0.8 or above 1.25 is adverse"
)
HEADERS = ("P(slot)", "{first}", "ratio (95 %)", "points (95 %)", "4/5 line")


def title(found: Data) -> str:
    """The title, which names the stream that the others are compared with."""
    return TITLE.format(first=_rows(found)[0]["against"] if _rows(found) else "")


def ratio_label(found: Data) -> str:
    """What the ratio of the first two streams is called, as in "P(slot), pilot / regular"."""
    rows = _rows(found)
    return (
        f"P(slot), {rows[0]['stream']} / {rows[0]['against']}" if rows else "P(slot), second / first stream"
    )


def _rows(found: Data) -> list[Data]:
    rows: list[Data] = (
        found["policies"][found["baseline"]]["disparate_impact"]
        if "policies" in found
        else found["disparate_impact"]
    )
    return rows


def equal_chances(found: Data) -> Table:
    """One row a further stream; of a comparison, a row a policy and stream."""
    policies = found.get("policies")
    headers = [each.format(first=_rows(found)[0]["against"]) for each in HEADERS] if _rows(found) else []
    if policies is None:
        table = table_of("stream", *headers)
        for row in found["disparate_impact"]:
            table.add_row(row["stream"], *_cells(row))
        return table
    table = table_of("policy", "stream", *headers, *LOAD_HEADERS, left=2)
    for name in found["order"]:
        for row in policies[name]["disparate_impact"]:
            table.add_row(name, row["stream"], *_cells(row), *load_cells(policies[name]))
    return table


def _cells(row: Data) -> list[str]:
    ratio = "not estimable" if row["ratio"] is None else f"{row['ratio']:.2f}"
    if row["low"] is not None:
        ratio += f" ({row['low']:.2f} to {row['high']:.2f})"
    points = "-" if row["difference"] is None else f"{100 * row['difference']:+.1f}"
    if row["difference_low"] is not None:
        points += f" ({100 * row['difference_low']:.1f} to {100 * row['difference_high']:.1f})"
    chances = ("-" if row[each] is None else f"{100 * row[each]:.1f} %" for each in ("second", "first"))
    return [*chances, ratio, points, row["line"]]
