"""Picture 10: how far behind the best policy each policy stays, shock by shock."""

from typing import Any

from sim.reporting import forest
from sim.reporting.naming import amount, gap_titled, named
from sim.reporting.page import Column, Section, Spec, Table, Value
from sim.reporting.subject import called
from sim.showing.robust import sentence

Data = dict[str, Any]


def section(summary: Data) -> Section | None:
    """The regrets of a comparison under shocks; None where none were tried."""
    rows = _rows(summary) if summary.get("shocks") else []
    if not rows:
        return None
    chosen = forest.choice(summary).value
    first = chosen if any(row["measure"] == chosen for row in rows) else rows[0]["measure"]
    text = sentence(summary)
    return Section(
        id="regret",
        heading="Regret under shocks",
        text=text,
        picture=_picture(summary, rows, first),
        label=f"Heat map of regret, a row a policy, a column a situation. {text}",
        table=_table(summary),
        note="How far a policy stays behind the one that is best in a situation, on the same people; means "
        f"of {summary['shocks']['replications']:,} replications. Policies without a cap have no regret. The "
        "measure is the one chosen at the top.",
    )


def _rows(summary: Data) -> list[Data]:
    """One row a measure, policy and situation with a regret; `dark`: its number has to be light."""
    rows: list[Data] = []
    names = forest.shown_measures(summary)
    for measure in dict.fromkeys(row["measure"] for row in summary["shocks"]["rows"]):
        found = [row for row in summary["shocks"]["rows"] if row["measure"] == measure and row["regrets"]]
        if measure not in names or not found:
            continue
        times = named(measure).times
        most = max(regret["mean"] for row in found for regret in row["regrets"].values())
        rows += [
            {
                "measure": measure,
                "policy": called(row["policy"]),
                "situation": called(situation),
                "value": times * regret["mean"],
                "label": amount(times * regret["mean"]),
                "best": called(regret["best"]),
                "dark": most > 0 and regret["mean"] / most > 0.45,
            }
            for row in found
            for situation, regret in row["regrets"].items()
        ]
    return rows


def _table(summary: Data) -> Table:
    columns = (
        Column("measure", choice="measure"),
        Column("policy"),
        Column("situation"),
        Column("mean", "decimal"),
        Column("regret", "decimal"),
        Column("95 % low", "decimal"),
        Column("95 % high", "decimal"),
        Column("best there"),
    )
    rows: list[tuple[Value, ...]] = []
    for row in summary["shocks"]["rows"]:
        times = named(row["measure"]).times
        for situation, mean in row["means"].items():
            regret = row["regrets"].get(situation) or dict.fromkeys(("mean", "low", "high", "best"))
            figures = (mean, *(regret[key] for key in ("mean", "low", "high")))
            rows.append(
                (
                    row["measure"],
                    called(row["policy"]),
                    called(situation),
                    *(None if each is None else times * each for each in figures),
                    None if regret["best"] is None else called(regret["best"]),
                )
            )
    return Table(columns, tuple(rows))


def _picture(summary: Data, rows: list[Data], first: str) -> Spec:
    titles = {row["measure"]: gap_titled(row["measure"]).replace("difference", "regret") for row in rows}
    policies = [
        called(name) for name in summary["order"] if any(row["policy"] == called(name) for row in rows)
    ]
    situations = [called(each["name"]) for each in summary["shocks"]["situations"]]
    x = {
        "field": "situation",
        "type": "ordinal",
        "sort": situations,
        "title": None,
        "axis": {
            "labelAngle": 0,
            "labelExpr": "split(datum.label, ' ')",
            "labelOverlap": "greedy",
            "ticks": False,
        },
    }
    y = {"field": "policy", "type": "ordinal", "sort": policies, "title": None}
    return {
        "params": [{"name": "measure", "value": first}, {"name": "titles", "value": titles}],
        "data": {"values": rows},
        "transform": [{"filter": f"datum.measure == (isValid(titles[measure]) ? measure : '{first}')"}],
        "width": "container",
        "height": 34 * len(policies),
        "layer": [
            {
                "mark": {"type": "rect"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"field": "value", "type": "quantitative", "legend": None},
                    "tooltip": [
                        {"field": "policy"},
                        {"field": "situation"},
                        {"field": "label", "title": "regret"},
                        {"field": "best", "title": "best there"},
                    ],
                },
            },
            {
                "mark": {"type": "text", "fontSize": 11},
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {"condition": {"test": "width >= 420", "field": "label"}, "value": ""},
                    "color": {"condition": {"test": "datum.dark", "value": "white"}, "value": "#1b2026"},
                },
            },
            {
                "data": {"values": [{}]},
                "mark": {"type": "text", "align": "right", "baseline": "bottom", "fontWeight": 500, "dy": 68},
                "encoding": {
                    "text": {"value": {"expr": f"titles[isValid(titles[measure]) ? measure : '{first}']"}},
                    "x": {"value": "width"},
                    "y": {"value": "height"},
                },
            },
        ],
    }
