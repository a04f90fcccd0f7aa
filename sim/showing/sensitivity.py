"""A sensitivity analysis on a screen: what the uncertainty comes from, in sentences, then in tables."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.sensing.factors import CHANCE, REST
from sim.showing.headline import Data, count
from sim.showing.sheets import Sheet
from sim.showing.terminal import print_whole, table_of
from sim.showing.whereabouts import show_folder

MOST_SHOWN = 10
SMALL = 0.05
"""A part of the variance below this is not worth a sentence."""
BAR = 20


def show(found: Data, console: Console, *, folder: Path | None = None, brief: bool = False) -> None:
    """Print what was found; `brief`: the sentences only."""
    for sentence in sentences(found):
        console.print(sentence, highlight=False)
    if not found["complete"]:
        console.print(
            f"INCOMPLETE: {found['stopped']}. What was finished is shown and kept.", style="bold red"
        )
    if brief:
        return
    for measure, each in found["measures"].items():
        for title, table in (
            (f"{measure}: what its variance comes from (Sobol, 95 %)", _sobol(each)),
            (f"{measure}: what does anything at all (Morris, change a range)", _morris(each)),
            (f"{measure}: one number at a time, from low to high (tornado)", _tornado(found, each)),
        ):
            if table.row_count:
                console.print()
                console.print(Text(title, style="bold"))
                print_whole(table, console)
    console.print()
    console.print(Text(_provenance(found), style="dim"))
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """One for each measure: what its uncertainty comes from."""
    return [_sentence(found, name, each) for name, each in found["measures"].items()]


def _sentence(found: Data, name: str, measure: Data) -> str:
    if not measure["sobol"]:
        return _without_sobol(name, measure)
    if measure["points_without_value"]:
        return (
            f"{name} has no value in {measure['points_without_value']:,} of {found['simulated']:,} points, "
            "so its variance cannot be divided; the tornado shows it where it has one."
        )
    if not measure["sd"]:
        return f"{name} is {_number(measure['mean'])} whatever the numbers are."
    numbers = [each for each in measure["sobol"] if each["name"] not in (CHANCE, REST)]
    numbers.sort(key=lambda each: -each["first"])
    told = [each for each in numbers if each["first"] >= SMALL] or numbers[:1]
    parts = [f"{each['name']} {_share(each['first'], each['first_half'])}" for each in told[:3]]
    share, half = (measure["due_to_chance"][name] for name in ("share", "half"))
    said = (
        f"{name} is {_number(measure['mean'])} with a standard deviation of {_number(measure['sd'])}, over "
        f"the ranges of {len(found['numbers'])} numbers. Of its variance, knowing one of them would remove: "
        f"{'; '.join(parts)}. {_share(share, half)} is chance, and would stay if all were known"
    )
    return said + (": better numbers narrow this, more replications do not." if share < 0.5 else ".")


def _without_sobol(name: str, measure: Data) -> str:
    """From the screen, or else the tornado."""
    if measure["morris"] and measure["morris"][0]["mu_star"] is not None:
        ranked = sorted(measure["morris"], key=lambda each: -each["mu_star"])
        told = [f"{each['name']} ({_number(each['mu_star'])})" for each in ranked[:3]]
        return f"{name} is moved most, over a whole range and wherever the others are, by {', '.join(told)}."
    ranked = sorted(measure["tornado"], key=lambda each: -abs(each["moves"] or 0.0))
    told = [f"{each['number']} ({_number(each['moves'])})" for each in ranked[:3] if each["above_chance"]]
    return f"{name} is moved most, one number at a time, by {', '.join(told) or 'nothing above chance'}."


def _share(share: float | None, half: float | None) -> str:
    """A part of the variance with its interval: "56 % (41 to 71 %)".

    Nothing is cut off at 0 or 100 %: an estimate beyond them says that the samples were too few.
    """
    if share is None:
        return "an unknown part"
    text = f"{100 * share:.0f} %"
    if half is None:
        return text
    return f"{text} ({100 * (share - half):.0f} to {100 * (share + half):.0f} %)"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return count(value) if abs(value) >= 100 else f"{value:.3g}"


def _sobol(measure: Data) -> Table:
    table = table_of("", "alone", "with others", "", left=1)
    table.columns[3].justify = "left"
    rows = [each for each in measure["sobol"] if each["total"] is not None]
    for each in sorted(rows, key=lambda each: -each["total"]):
        bar = "#" * round(BAR * min(1.0, max(0.0, each["total"])))
        table.add_row(
            each["name"],
            _share(each["first"], each["first_half"]),
            _share(each["total"], each["total_half"]),
            bar,
        )
    return table


def _morris(measure: Data) -> Table:
    table = table_of("", "mu*", "95 %", "mu", "sigma", "told apart", left=1)
    rows = [each for each in measure["morris"] if each["mu_star"] is not None]
    for each in sorted(rows, key=lambda each: -each["mu_star"])[:MOST_SHOWN]:
        table.add_row(
            each["name"],
            _number(each["mu_star"]),
            f"+- {_number(each['half'])}",
            _number(each["mu"]),
            _number(each["sigma"]),
            "yes" if each["kept"] else "",
        )
    return table


def _tornado(found: Data, measure: Data) -> Table:
    table = table_of("", "low to high", "at low", "base", "at high", "moves", left=1)
    rows = [each for each in measure["tornado"] if each["moves"] is not None]
    rows.sort(key=lambda each: (not each["above_chance"], -abs(each["moves"])))
    for each in rows[:MOST_SHOWN]:
        number = found["numbers"][each["number"]]
        table.add_row(
            each["number"],
            f"{number['low']:g} to {number['high']:g}",
            *(_number(each[end]) for end in ("at_low", "at_base", "at_high")),
            _number(each["moves"]) if each["above_chance"] else "not above chance",
        )
    return table


def _provenance(found: Data) -> str:
    parts = [f"{found['scenario']['name']}, policy {found['policy']['name']}", f"seed {found['seed']}"]
    if found["settings"]:
        settings = (f"{key} = {json.dumps(value)}" for key, value in sorted(found["settings"].items()))
        parts.insert(1, "with " + ", ".join(settings))
    parts.append(f"tornado on {found['tornado_replications']} replications")
    if found["trajectories"]:
        parts.append(f"Morris with {found['trajectories']} trajectories")
    if found["samples"]:
        parts.append(f"Sobol with {found['samples']:,} samples")
    parts.append(f"{found['simulated']:,} points simulated")
    return "; ".join(parts) + "."


def sheets(found: Data) -> tuple[Sheet, ...]:
    """sobol, morris, tornado and method, for spreadsheets; figures as summary.json has them."""

    def rows(part: str, names: tuple[str, ...]) -> list[tuple[Any, ...]]:
        measures = found["measures"].items()
        return [(name, *(row[each] for each in names)) for name, about in measures for row in about[part]]

    sobol = ("name", "first", "first_half", "total", "total_half")
    morris = ("name", "mu_star", "half", "mu", "sigma", "kept")
    tornado = ("number", "at_low", "at_base", "at_high", "moves", "half", "above_chance")
    method: list[tuple[Any, ...]] = [(f"finding {k}", said) for k, said in enumerate(sentences(found), 1)]
    method += [(name, found[name]) for name in ("seed", "trajectories", "samples", "stopped", "complete")]
    return (
        Sheet("sobol", ("measure", *sobol), rows("sobol", sobol)),
        Sheet("morris", ("measure", *morris), rows("morris", morris)),
        Sheet("tornado", ("measure", *tornado), rows("tornado", tornado)),
        Sheet("method", ("what", "value"), method),
    )
