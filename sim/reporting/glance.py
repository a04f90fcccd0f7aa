"""All policies side by side: the headline measures, and how each stands against the baseline."""

from typing import Any

from sim.reporting.naming import MEASURES, amount, named, titled
from sim.reporting.page import Column, Section, Table
from sim.reporting.subject import called

Data = dict[str, Any]

MARKS = {
    "better": " ▲",
    "worse": " ▼",
    "higher": " >",
    "lower": " <",
    "same": " =",
    "no worse": " ~",
    "not settled": " ?",
    "not estimable": "",
}


def section(summary: Data) -> Section:
    """A table, shown at once: it is what a planner reads first."""
    names = [name for name in (*summary["headlines"], *summary["load"]) if name in MEASURES]
    base = called(summary["baseline"])
    return Section(
        id="policies",
        heading="The policies side by side",
        table=Table(
            (Column("mean"), *(Column(called(policy), "number") for policy in summary["order"])),
            tuple((titled(name), *_cells(summary, name)) for name in names),
        ),
        table_open=True,
        note=f"Means of {summary['replications']:,} replications. Against {base}: ▲ better, ▼ worse, "
        "> higher, < lower (Holm); = no difference beyond the margin, ~ no worse (one-sided tests); ? not "
        "settled.",
    )


def _cells(summary: Data, name: str) -> list[str]:
    """A measure under every policy, each with its mark."""
    verdicts = {each["policy"]: each["verdict"] for each in summary["contrasts"] if each["measure"] == name}
    cells = []
    for policy in summary["order"]:
        spread = summary["policies"][policy]["measures"].get(name)
        mean = None if spread is None or spread["mean"] is None else named(name).times * spread["mean"]
        text = f"{mean:.2f}" if mean is not None and not named(name).unit else amount(mean)
        cells.append(text + MARKS.get(verdicts.get(policy, ""), ""))
    return cells
