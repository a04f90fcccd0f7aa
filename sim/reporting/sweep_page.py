"""The page of a sweep: the heat maps, and every point against the scenario as it is."""

from typing import Any

from sim.reporting import dots, heat
from sim.reporting.naming import gap_titled, named
from sim.reporting.page import Choice, Column, Page, Section, Table, Value
from sim.reporting.provenance import provenance
from sim.showing.sweep import sentences

Data = dict[str, Any]


def page(summary: Data, manifest: Data, _: Data | None = None) -> Page:
    """Everything that a sweep's summary has to show."""
    sections = (heat.section(summary), _points(summary))
    measures = tuple((name, named(name).title) for name in summary["measures"])
    keys = ", ".join(each["key"] for each in summary["varied"])
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"A sweep of {len(summary['points'])} points on the same people: {keys}",
        lead=tuple(sentences(summary)),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
        choices=(Choice("measure", "Measure", measures, measures[0][0]), *heat.choice(summary)),
    )


def _points(summary: Data) -> Section:
    """Differences to the scenario as it is, point by point."""
    rows = []
    for point in summary["points"]:
        for measure, gap in point["differences"].items():
            if gap["mean"] is None:
                continue
            times = named(measure).times
            ends = {end: None if gap[end] is None else times * gap[end] for end in ("low", "high")}
            clear = gap["all_low"] is not None and (gap["all_low"] > 0 or gap["all_high"] < 0)
            rows.append(
                {
                    "name": point["label"],
                    "measure": measure,
                    "value": times * gap["mean"],
                    **ends,
                    "kind": "differs" if clear else "not told apart",
                }
            )
    titles = {name: gap_titled(name) for name in summary["measures"]}
    first = summary["measures"][0]
    clear = sum(row["kind"] == "differs" for row in rows if row["measure"] == first)
    text = f"{clear} of {len(summary['points']) - 1} points differ from the scenario as it is in "
    text += f"{named(first).title}."
    return Section(
        id="points",
        heading="Every point against the scenario as it is",
        text=text,
        picture=dots.picture(rows, titles=titles, first=first, zero=True, kinds=["differs", "not told apart"])
        if rows
        else None,
        label=f"Points with intervals, one row a point of the sweep. {text}",
        table=_table(summary),
        note="Paired differences of means with 95 % intervals; a point counts as different only where the "
        "wider interval that holds for all points at once leaves out 0."
        + (f" The first {dots.MOST} are drawn." if len(summary["points"]) > dots.MOST else ""),
    )


def _table(summary: Data) -> Table:
    """One row a point and measure."""
    columns = (
        Column("point"),
        Column("measure", choice="measure"),
        Column("mean", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("difference", "decimal"),
        Column("replications", "count"),
        Column("why not"),
    )
    rows: list[tuple[Value, ...]] = []
    for point in summary["points"]:
        for measure, value in point["measures"].items():
            times = named(measure).times
            gap = point["differences"].get(measure, {}).get("mean")
            figures = (value["mean"], value["low"], value["high"], gap)
            shown = tuple(None if each is None else times * each for each in figures)
            rows.append((point["label"], measure, *shown, point["replications"], point["reason"] or ""))
    return Table(columns, tuple(rows))
