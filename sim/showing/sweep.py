"""A sweep on a screen or in a file: what it found in sentences, the points, and a picture over two keys.

Everything is made from the data of summary.json.
"""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.exploring.naming import shown
from sim.showing.exploring_sentences import Data, called, interval, written
from sim.showing.terminal import print_whole, table_of
from sim.showing.whereabouts import show_folder

MOST_SHOWN, MOST_MEASURES, MOST_CELLS = 30, 2, 12


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print a sweep; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence)
    if not found["complete"]:
        console.print(f"INCOMPLETE: {found['stopped']}. What was finished is kept.", style="bold red")
    if brief:
        return
    console.print()
    console.print(Text(_title(found), style="bold"))
    print_whole(_points(found), console)
    for heatmap in [each for each in found["heatmaps"] if each["measure"] == found["measures"][0]][:3]:
        if len(heatmap["x"]["values"]) <= MOST_CELLS and len(heatmap["y"]["values"]) <= 2 * MOST_CELLS:
            console.print()
            console.print(Text(_heatmap_title(heatmap), style="bold"))
            print_whole(_heatmap(heatmap), console)
    console.print()
    console.print(Text(_provenance(found), style="dim"))
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """What a planner reads first: the best point, what each key moves, and how many points differ."""
    measure = found["measures"][0]
    said = [_best(found, measure), _settled(found, measure), *_moves(found, measure), _forbidden(found)]
    return [each for each in said if each]


def _best(found: Data, measure: str) -> str:
    """The point with the best mean, against the scenario as it is."""
    better = found["definitions"][measure]["better"]
    able = [each for each in found["points"] if each["measures"][measure]["mean"] is not None]
    if not able:
        return f"{called(measure).capitalize()} has no value at any point."
    means = [each["measures"][measure]["mean"] for each in able]
    own = found["points"][0]
    if max(means) == min(means):
        value = written(measure, means[0])
        return f"Nothing that was varied matters for {called(measure)}: {value} at all {len(able)} points."
    best = (min if better == "lower" else max)(able, key=lambda each: each["measures"][measure]["mean"])
    which = {"higher": "the most", "lower": "the least", "": "the most"}[better]
    value = interval(measure, best["measures"][measure])
    if best["point"] == own["point"]:
        return f"The scenario as it is has {which} {called(measure)} of {len(able)} points: {value}."
    said = f"Of {len(able)} points, {best['label']} has {which} {called(measure)}: {value}"
    gap = best["differences"][measure]
    if gap["mean"] is None:
        return f"{said}."
    return (
        f"{said}, {interval(measure, gap, ends=('all_low', 'all_high'))} against the scenario as it is. "
        "The highest of many is flattered by the choice; quotalab best judges on fresh people."
    )


def _settled(found: Data, measure: str) -> str:
    """At how many points the difference is settled, all intervals holding together."""
    gaps = [each["differences"].get(measure) for each in found["points"][1:] if not each["reason"]]
    known = [each for each in gaps if each and each["all_low"] is not None]
    if not known:
        return ""
    more, less = (
        sum(1 for each in known if each["all_low"] > 0),
        sum(1 for each in known if each["all_high"] < 0),
    )
    same = sum(1 for each in known if each["all_low"] == each["all_high"] == 0)
    parts = [f"higher at {more}", f"lower at {less}", f"the very same at {same}"]
    parts.append(f"not settled at {len(known) - more - less - same}")
    return (
        f"Against the scenario as it is: {called(measure)} "
        + ", ".join(part for part in parts if not part.endswith(" 0"))
        + f" of {len(known)} points (95 % intervals that hold together)."
    )


def _moves(found: Data, measure: str) -> list[str]:
    """For each key of a grid: the mean at its first and its last value, over everything else."""
    if found["design"] != "grid" or len(found["varied"]) < 2:
        return []
    said = []
    for each in found["varied"]:
        ends = [_mean_at(found, measure, each["key"], each["values"][k]) for k in (0, -1)]
        if None not in ends:
            first, last = (shown(each["values"][k]) for k in (0, -1))
            low, high = (written(measure, end) for end in ends)
            said.append(f"{each['key']} from {first} to {last} takes it from {low} to {high}")
    return ["On average over the other keys, " + "; ".join(said) + "."] if said else []


def _mean_at(found: Data, measure: str, key: str, value: Any) -> float | None:
    means = [
        each["measures"][measure]["mean"]
        for each in found["points"]
        if each["settings"].get(key) == value and each["measures"][measure]["mean"] is not None
    ]
    return sum(means) / len(means) if means else None


def _forbidden(found: Data) -> str:
    """Points that a rule forbids, with the reason of the first."""
    cannot = [each for each in found["points"] if each["reason"]]
    if not cannot:
        return ""
    are = "1 point is" if len(cannot) == 1 else f"{len(cannot)} points are"
    return f"{are} left out, {cannot[0]['label']} first: {cannot[0]['reason']}."


def _title(found: Data) -> str:
    what = {"grid": "every combination", "latin": "a Latin hypercube", "list": "as listed"}[found["design"]]
    best = "" if len(found["points"]) <= MOST_SHOWN else f"; the {MOST_SHOWN} best, all in summary.json"
    return (
        f"{len(found['points'])} points ({what}), {found['replications']} replications: mean and 95 % "
        f"interval, and the difference to the scenario as it is{best}"
    )


def _points(found: Data) -> Table:
    """One row a point; the most extreme ones where there are too many to print."""
    measures = found["measures"][:MOST_MEASURES]
    keys = list(dict.fromkeys(key for each in found["points"] for key in each["settings"]))
    keys = (["policy"] if len(found["policies"]) > 1 else []) + keys
    head = [key.replace(".", ".\n") for key in keys]
    columns = [
        column for name in measures for column in (called(name).replace(" of ", "\nof "), "difference")
    ]
    table = table_of("point", *head, *columns)
    for each in _chosen(found):
        cells = [shown(({"policy": each["policy"]} | each["settings"]).get(key, "as it is")) for key in keys]
        for name in measures:
            gap = each["differences"].get(name)
            cells += [
                "forbidden" if each["reason"] else interval(name, each["measures"][name]),
                interval(name, gap) if gap and gap["mean"] is not None else "-",
            ]
        table.add_row(str(each["point"]), *cells)
    return table


def _chosen(found: Data) -> list[Data]:
    """The own point, and the others in their order; only the best by the first measure if there are many."""
    points, measure = found["points"], found["measures"][0]
    if len(points) <= MOST_SHOWN:
        return list(points)
    sign = -1.0 if found["definitions"][measure]["better"] == "lower" else 1.0
    known = [each for each in points[1:] if each["measures"][measure]["mean"] is not None]
    best = sorted(known, key=lambda each: -sign * each["measures"][measure]["mean"])[: MOST_SHOWN - 1]
    return [points[0], *best]


def _heatmap_title(heatmap: Data) -> str:
    under = f" under {heatmap['policy']}" if heatmap["policy"] else ""
    over = f", mean over {', '.join(heatmap['over'])}" if heatmap["over"] else ""
    down, across = heatmap["y"]["key"], heatmap["x"]["key"]
    return f"{called(heatmap['measure'])}{under}{over}: {down} downwards, {across} across"


def _heatmap(heatmap: Data) -> Table:
    table = table_of(heatmap["y"]["key"], *(shown(value) for value in heatmap["x"]["values"]))
    for value, row in zip(heatmap["y"]["values"], heatmap["mean"], strict=True):
        table.add_row(shown(value), *(written(heatmap["measure"], mean) for mean in row))
    return table


def _provenance(found: Data) -> str:
    name, seed = found["scenario"]["name"], found["seed"]
    return (
        f"{name}, seed {seed}, {found['stopped']}. Every point has the same people, or the same luck where "
        "people change; differences are taken replication by replication."
    )
