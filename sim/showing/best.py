"""The best of many points on a screen or in a file: the choice and its guarantee first, then every point.

Everything is made from the data of summary.json.
"""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.exploring.naming import shown
from sim.showing.exploring_sentences import Data, called, interval, written
from sim.showing.terminal import print_whole, table_of
from sim.showing.whereabouts import show_folder

MOST_SHOWN = 30
HOW = {
    "best": "chosen",
    "near": "not told apart",
    "behind": "worse",
    "beaten": "beaten",
    "outside": "misses",
    "no value": "has no value",
    "forbidden": "forbidden",
    "undecided": "undecided",
}


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print a choice; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence)
    if not found["complete"]:
        console.print(f"INCOMPLETE: {found['stopped']}. What was finished is kept.", style="bold red")
    if brief:
        return
    console.print()
    console.print(Text(_title(found), style="bold"))
    print_whole(_points(found), console)
    if found["confirmed"]:
        console.print()
        n = found["confirmed"][0]["replications"]
        console.print(Text(f"On {n} fresh replications, against the scenario as it is", style="bold"))
        print_whole(_confirmed(found), console)
    console.print()
    console.print(Text(_provenance(found), style="dim"))
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """What a planner reads first."""
    said = [_choice(found), _guarantee(found), _near(found), _outside(found), _searched(found)]
    return [each for each in said if each]


def _choice(found: Data) -> str:
    """Which point, and what it gives on fresh replications."""
    measure, most = called(found["objective"]["measure"]), _most(found)
    if found["chosen"] is None:
        limits = " and ".join(found["constraints"])
        if found["constraints"] and found["points"]:
            return f"No point is known to meet {limits}."
        return "Nothing is chosen yet."
    name = found["points"][found["chosen"]]["label"]
    fresh = [each for each in found["confirmed"] if each["point"] == found["chosen"]]
    if not fresh:
        return f"{name} gives {most} {measure}."
    objective = found["objective"]["measure"]
    value = interval(objective, fresh[0]["measures"][objective])
    said = f"{name} gives {most} {measure}: {value} on {fresh[0]['replications']} fresh replications"
    gap = fresh[0]["differences"][objective]
    if gap["mean"] is None:
        return f"{said}."
    if gap["low"] == gap["high"] == 0:
        return f"{said}, the same as the scenario as it is in every one."
    return f"{said}, {interval(objective, gap)} against the scenario as it is."


def _most(found: Data) -> str:
    return "the most" if found["objective"]["better"] == "higher" else "the least"


def _guarantee(found: Data) -> str:
    """What is sure, and how sure."""
    if found["chosen"] is None:
        return ""
    k, sure = len(found["points"]), f"{100 * found['confidence']:g} %"
    others = f"of {k} points" if any(each["settings"] for each in found["points"]) else f"of {k} policies"
    left = sum(1 for each in found["points"] if each["how"] in ("near", "behind", "undecided"))
    measure = found["objective"]["measure"]
    among = " that meets the constraints" if found["constraints"] else ""
    if not found["settled"]:
        reach = written(measure, found["shortfall"])
        return f"Not settled: with {sure} confidence no other {others}{among} is better by more than {reach}."
    if found["procedure"] == "kn":
        return (
            f"With {sure} confidence it is the best {others}{among}, provided that the best is better than "
            f"every other by at least {_delta(found)}."
        )
    if left == 0:
        return f"With {sure} confidence it is the best {others}{among}."
    return f"With {sure} confidence no other {others}{among} is better by more than {_delta(found)}."


def _delta(found: Data) -> str:
    """The difference that matters: in per cent, or in the objective's unit."""
    delta = found["delta"]
    amount = written(found["objective"]["measure"], delta["amount"])
    if not delta["relative"]:
        return amount
    return f"{100 * delta['asked']:g} % ({amount})"


def _near(found: Data) -> str:
    near = [each for each in found["points"] if each["how"] == "near"]
    if not near:
        return ""
    same = [
        each
        for each in near
        if each["difference"] and each["difference"]["low"] == each["difference"]["high"] == 0
    ]
    if len(same) == len(near):
        return (
            f"{_listed(near)} {_is(near)} the very same in every replication: the choice among them is free."
        )
    return f"{_listed(near)} {_is(near)} not told apart from it."


def _is(points: list[Data]) -> str:
    return "is" if len(points) == 1 else "are"


def _listed(points: list[Data]) -> str:
    """Some points by their names, or by their numbers where names are long."""
    names = [each["label"] if not each["settings"] else f"point {each['point']}" for each in points[:3]]
    more = len(points) - len(names)
    if more:
        return f"{', '.join(names)} and {more} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _outside(found: Data) -> str:
    """Points that miss a constraint, or cannot be simulated."""
    outside = [each for each in found["points"] if each["how"] == "outside"]
    forbidden = [each for each in found["points"] if each["reason"]]
    said = []
    if outside:
        limit = found["constraints"][outside[0]["by"] or 0]
        said.append(f"{_listed(outside)} {'misses' if len(outside) == 1 else 'miss'} a constraint ({limit}).")
    if forbidden:
        said.append(f"{_listed(forbidden)} cannot be simulated: {forbidden[0]['reason']}.")
    return " ".join(said)


def _searched(found: Data) -> str:
    search = found["search"]
    if not search or not search["best"]:
        return ""
    measure = found["objective"]["measure"]
    return (
        f"It was found among {search['tried']:,} points tried; the {len(found['points'])} most promising "
        "were simulated again on fresh people. The search's own best had seemed to give "
        f"{written(measure, search['best']['mean'])}."
    )


def _title(found: Data) -> str:
    measure = called(found["objective"]["measure"])
    return f"{len(found['points'])} points in the selection, by {measure}: when each left, and why"


def _points(found: Data) -> Table:
    """One row a point: those that stayed longest first."""
    measure = found["objective"]["measure"]
    keys = list(dict.fromkeys(key for each in found["points"] for key in each["settings"]))
    several = len({each["policy"] for each in found["points"]}) > 1
    head = (["policy"] if several or not keys else []) + keys
    columns = ["replications", called(measure), "against the best", "what became of it"]
    table = table_of("point", *(key.replace(".", ".\n") for key in head), *columns)
    order = sorted(found["points"], key=lambda each: (each["how"] != "best", -each["replications"]))
    for each in order[:MOST_SHOWN]:
        gap = each.get("difference")
        cells = [shown(({"policy": each["policy"]} | each["settings"]).get(key, "-")) for key in head]
        table.add_row(
            str(each["point"]),
            *cells,
            str(each["replications"]),
            interval(measure, each) if "mean" in each else "-",
            "-" if each["how"] == "best" or not gap or gap["mean"] is None else interval(measure, gap),
            _fate(found, each),
        )
    return table


def _fate(found: Data, each: Data) -> str:
    if each["how"] == "beaten":
        return f"beaten by {each['by']}"
    if each["how"] == "outside":
        return f"misses {found['constraints'][each['by']]}"
    return HOW[each["how"]]


def _confirmed(found: Data) -> Table:
    measures = found["measures"]
    table = table_of("point", *(column for name in measures for column in (called(name), "difference")))
    for each in found["confirmed"]:
        name = "as it is" if each["point"] is None else _listed([found["points"][each["point"]]])
        cells = []
        for measure in measures:
            gap = each["differences"][measure]
            is_own = each["point"] is None or gap["mean"] is None
            cells += [interval(measure, each["measures"][measure]), "-" if is_own else interval(measure, gap)]
        table.add_row(name, *cells)
    return table


def _provenance(found: Data) -> str:
    how = {"good": "good selection by linear bounds", "kn": "Kim and Nelson's procedure"}[found["procedure"]]
    return (
        f"{found['scenario']['name']}, seed {found['seed']}; {how} on paired differences, {found['first']} "
        f"first replications, {found['replications']} in all. The search, the selection and the confirmation "
        "have other people each."
    )
