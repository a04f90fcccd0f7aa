"""Tables of when a cap is reached: of one policy in detail, of several beside each other.

Made from the data of summary.json. A date is when a share of *all* replications has reached the cap; where it
never came to that, there is none, and a dash.
"""

from rich.table import Table

from sim.showing.headline import Data, count, day
from sim.showing.terminal import figure, table_of

BLOCKS, ASCII_BLOCKS = " ▁▂▃▄▅▆▇█", " .:-=+*#@"
LOAD_HEADERS = ("busiest\nhour", "peak\nbacklog")
NAMES = {"p5": "5 % by", "p25": "25 % by", "median": "half by", "p75": "75 % by", "p95": "95 % by"}

TITLE = (
    "When a cap is reached: in how many replications by the year's end (95 %), by when in a part of them "
    "(- : never in so many), and the probability by each month's end"
)
COMPARED_TITLE = (
    "When each cap is reached: probability by the year's end, and the day by which half of all "
    "replications reached it"
)


def reached(found: Data, *, ascii_only: bool) -> Table:
    """One row a year whose cap is reached in some replication; then the same with the assumptions drawn."""
    table = table_of("year", "P(reached)", *NAMES.values(), "Jan to Dec")
    for intake in found["intakes"]:
        for label, part in (("", "reached"), (" *", "reached_with_assumptions")):
            chance = intake[part]
            if chance is None or not chance["times"]:
                continue
            ends = f" ({figure(chance['low'], 'share')} to {figure(chance['high'], 'share')})"
            dates = [chance["quantiles"][name] for name in NAMES]
            table.add_row(
                f"{intake['year']}{label}",
                figure(chance["probability"], "share") + ends,
                *("-" if each is None else _short(each["date"]) for each in dates),
                _by_month(intake, chance["by_month_end"], ascii_only),
            )
    return table


def compared(found: Data) -> Table | None:
    """One row a policy, one column a year; nothing where no cap is reached under any policy."""
    policies = found["policies"]
    years = [
        each["year"]
        for each in policies[found["baseline"]]["intakes"]
        if any(_of(policies[name], each["year"]) for name in found["order"])
    ]
    if not years:
        return None
    table = table_of("policy", *map(str, years), *LOAD_HEADERS)
    for name in found["order"]:
        cells = [_cell(policies[name], year) for year in years]
        table.add_row(name, *cells, *load_cells(policies[name]))
    return table


def load_cells(policy: Data) -> list[str]:
    """What the policy asks of portal and offices: the last columns of every table about policies."""
    measures = policy["measures"]
    means = (measures[name]["mean"] for name in ("peak_hour_applications", "backlog_max"))
    return ["-" if mean is None else count(mean) for mean in means]


def _of(policy: Data, year: int) -> Data | None:
    """Whether and when the cap of a year is reached under a policy; None if it never is."""
    found = next((each["reached"] for each in policy["intakes"] if each["year"] == year), None)
    return found if found and found["times"] else None


def _cell(policy: Data, year: int) -> str:
    if not policy["capped"]:
        return "no cap"
    if (found := _of(policy, year)) is None:
        return "0 %"
    half = found["quantiles"]["median"]
    chance = figure(found["probability"], "share")
    return f"{chance}, {_short(half['date'])}" if half else f"{chance}, -"


def _short(date: str) -> str:
    """A date without its year: the row has it."""
    return day(date).rpartition(" ")[0]


def _by_month(intake: Data, ends: list[Data], ascii_only: bool) -> str:
    """A block a month: how likely the cap is reached by its end; blank before the opening."""
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    before = " " * (int(intake["opens"][5:7]) - 1)
    return before + "".join(blocks[round(8 * each["probability"])] for each in ends)
