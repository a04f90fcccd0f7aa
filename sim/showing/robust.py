"""Tables of a comparison under shocks: one a measure, a row a policy, a column a situation.

Made from the data of summary.json (`shocks`, see sim/comparing/robustness.py).
"""

from typing import Any

from rich.table import Table

from sim.comparing.robustness import AS_IS, Robust, Shocked
from sim.measures import definition
from sim.showing.headline import Data, count
from sim.showing.terminal import figure, table_of

SHOWN = (
    ("permits", "Permits", "count"),
    ("slot_probability", "P(slot)", "share"),
    ("median_wait_days", "Median days to a decision", "count"),
    ("labour_months_gained", "Months of work gained", "count"),
)
"""Measure, how it is called, how it is written; all headline measures are in summary.json."""
LOAD = ("peak_hour_applications", "backlog_max")


def shocks_data(situations: tuple[Shocked, ...], told: tuple[Robust, ...], left_out: dict[str, str]) -> Data:
    """The shocks as data that JSON can hold."""
    first = situations[0].found
    return {
        "replications": len(next(iter(next(iter(first.values())).values()))),
        "situations": [each.shock._asdict() for each in situations],
        "left_out": left_out,
        "rows": [_row(each) for each in told],
        "load": {
            policy: {
                each.shock.name: {m: float(each.found[policy][m].mean()) for m in LOAD} for each in situations
            }
            for policy in first
        },
    }


def _row(each: Robust) -> Data:
    regret = None if each.most is None else each.regrets[each.most]
    return {
        "policy": each.policy,
        "measure": each.measure,
        "better": definition(each.measure).better,
        "means": each.means,
        "worst": each.means[each.worst],
        "worst_in": each.worst,
        "cvar10": each.cvar10,
        "regrets": {name: one._asdict() for name, one in each.regrets.items()},
        "max_regret": None if regret is None else regret.mean,
        "max_regret_low": None if regret is None else regret.low,
        "max_regret_high": None if regret is None else regret.high,
        "max_regret_in": each.most,
        "max_regret_to": None if regret is None else regret.best,
    }


def tables(found: Data) -> list[tuple[str, Table]]:
    """A table for each of `SHOWN` that is known, with its title."""
    made = []
    names = [each["name"] for each in found["shocks"]["situations"]]
    for measure, label, unit in SHOWN:
        rows = [each for each in found["shocks"]["rows"] if each["measure"] == measure]
        if rows:
            made.append((_title(found, rows[0], label), _table(found, rows, names, unit)))
    return made


def _title(found: Data, row: Data, label: str) -> str:
    way = "most" if row["better"] == "higher" else "least"
    n = found["shocks"]["replications"]
    return (
        f"{label} under shocks ({way} is best; means of {n:,} replications, the same people under every "
        "policy); bad tenth: mean of the worst tenth of all outcomes; regret: most that is lost against the "
        "best policy of a situation; hour and backlog: the highest of all situations"
    )


def _table(found: Data, rows: list[Data], names: list[str], unit: str) -> Table:
    table = table_of(
        "policy",
        *(name.replace("-", "\n") for name in names),
        "worst",
        "bad\ntenth",
        "regret",
        "busiest\nhour",
        "peak\nbacklog",
    )
    ordered = sorted(rows, key=lambda row: found["order"].index(row["policy"]))
    for row in ordered:
        load = found["shocks"]["load"][row["policy"]]
        table.add_row(
            row["policy"],
            *(figure(row["means"][name], unit) for name in names),
            figure(row["worst"], unit),
            figure(row["cvar10"], unit),
            "-" if row["max_regret"] is None else _points(row["max_regret"], unit),
            *(count(max(each[m] for each in load.values())) for m in LOAD),
        )
    return table


def _points(value: float, unit: str) -> str:
    return f"{100 * value:.1f} pts" if unit == "share" else figure(value, unit)


def sentence(found: Data) -> str:
    """Which policy regrets least, in permits: a choice for whoever cannot foresee the situation."""
    rows = [
        row
        for row in found["shocks"]["rows"]
        if row["measure"] == "permits" and row["max_regret"] is not None
    ]
    if len(rows) < 2:
        return ""
    least = min(rows, key=lambda row: (row["max_regret"], found["order"].index(row["policy"])))
    name, shocks = least["policy"].replace("-", " "), len(found["shocks"]["situations"]) - 1
    if least["max_regret"] == 0:
        return f"Under each of {shocks} shocks and without one, no policy gives more permits than {name}."
    return (
        f"Under {shocks} shocks and without one, {name} stays closest to the best in permits: at most "
        f"{count(least['max_regret'])} behind ({_told(least['max_regret_in'], found)})."
    )


def _told(name: str, found: Data) -> str:
    if name == AS_IS:
        return "as it is"
    return next(
        str(each["summary"] or name) for each in found["shocks"]["situations"] if each["name"] == name
    )


def sheet_rows(found: Data) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The header and rows for spreadsheets: one a policy, measure and situation."""
    header = (
        *("policy", "measure", "situation", "mean", "regret", "regret_low", "regret_high", "best"),
        *("worst", "worst_in", "cvar10", "max_regret", "max_regret_in", *LOAD),
    )
    rows = []
    for row in found["shocks"]["rows"]:
        for name, mean in row["means"].items():
            regret = row["regrets"].get(name) or dict.fromkeys(("mean", "low", "high", "best"))
            load = found["shocks"]["load"][row["policy"]][name]
            rows.append(
                (
                    *(row["policy"], row["measure"], name, mean),
                    *(regret[each] for each in ("mean", "low", "high", "best")),
                    *(row[each] for each in ("worst", "worst_in", "cvar10", "max_regret", "max_regret_in")),
                    *(load[each] for each in LOAD),
                )
            )
    return header, rows
