"""A Pareto front on a screen or in a file, from the data of summary.json."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.showing.exploring_sentences import Data, called, interval
from sim.showing.terminal import print_whole, table_of
from sim.showing.whereabouts import show_folder

MOST_SHOWN = 30
SURE = 0.95


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print a front; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence)
    if not found["complete"]:
        console.print(f"INCOMPLETE: {found['stopped']}. What was finished is kept.", style="bold red")
    if brief:
        return
    console.print()
    goals = " and ".join(_goal(each) for each in found["objectives"])
    console.print(Text(f"{len(found['points'])} points by {goals}", style="bold"))
    print_whole(_points(found), console)
    console.print()
    about = (
        f"{found['scenario']['name']}, seed {found['seed']}, {found['replications']} replications of the "
        "same people for every point. P(on the front): share of 2,000 samples of whole replications, "
        "drawn again, in which no point is better in one objective and as good in the others."
    )
    console.print(Text(about, style="dim"))
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """Who is on the front, and how sure that is."""
    front = [each for each in found["points"] if each["on_front"]]
    goals = " and ".join(_goal(each) for each in found["objectives"])
    if not front:
        return [f"No point meets {' and '.join(found['constraints']) or 'the objectives'}."]
    names = [each["label"] for each in _sorted(found, front)]
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    one = len(front) == 1
    said = [
        f"{listed} {'is' if one else 'are'} not beaten in {goals} at once; each of the other "
        f"{len(found['points']) - len(front)} is no better in anything and worse in something."
    ]
    unsure = [each for each in found["points"] if each["probability"] and 0.05 < each["probability"] < SURE]
    if unsure:
        most = ", ".join(f"{each['label']} ({100 * each['probability']:.0f} %)" for each in unsure[:5])
        more = f" and {len(unsure) - 5} more" if len(unsure) > 5 else ""
        said.append(f"It is not sure who belongs to this front: {most}{more} may.")
    return said


def _goal(objective: Data) -> str:
    return f"{'more' if objective['better'] == 'higher' else 'less'} {called(objective['measure'])}"


def _sorted(found: Data, points: list[Data]) -> list[Data]:
    first = found["objectives"][0]
    sign = -1.0 if first["better"] == "higher" else 1.0
    return sorted(points, key=lambda each: sign * (each["measures"][first["measure"]]["mean"] or 0.0))


def _points(found: Data) -> Table:
    table = table_of("point", "P(on the\nfront)", *(called(name) for name in found["measures"]))
    order = _sorted(found, [each for each in found["points"] if each["on_front"]])
    order += _sorted(found, [each for each in found["points"] if not each["on_front"]])
    for each in order[:MOST_SHOWN]:
        mark = "* " if each["on_front"] else "  "
        sure = "-" if each["probability"] is None else f"{100 * each['probability']:.0f} %"
        cells = [interval(name, each["measures"][name]) for name in found["measures"]]
        table.add_row(mark + each["label"], "forbidden" if each["reason"] else sure, *cells)
    return table
