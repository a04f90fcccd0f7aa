"""The table of predictability: how well people can tell beforehand when they will get a slot."""

from rich.table import Table

from sim.showing.dates import LOAD_HEADERS, load_cells
from sim.showing.headline import Data
from sim.showing.terminal import figure, table_of


def title(found: Data) -> str:
    """What the table shows, and how it was found."""
    first = found["predictability"][0]
    return (
        f"Can people foresee their date? {first['people']:,} persons followed through "
        f"{first['replications']:,} replications, everything about them the same; width: days of the 90 % "
        "interval of a person's own date, mean over people (95 %), no slot by the end counting as one then; "
        "sure: people for whom it is sure whether they get a slot"
    )


def foresight(found: Data) -> Table:
    """One row a policy."""
    table = table_of("policy", "width, days", "sure", *LOAD_HEADERS)
    for each in found["predictability"]:
        width = "not estimable" if each["width_days"] is None else figure(each["width_days"], "count")
        if each["low"] is not None:
            width += f" ({figure(each['low'], 'count')} to {figure(each['high'], 'count')})"
        policy = found["policies"][each["policy"]]
        table.add_row(each["policy"], width, figure(each["sure_share"], "share"), *load_cells(policy))
    return table
