"""Paradoxes on a screen: how often each law is broken, then the smallest example of each, event by event."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.paradoxes.telling import day
from sim.showing.headline import Data
from sim.showing.sheets import Sheet
from sim.showing.terminal import print_whole, table_of
from sim.showing.whereabouts import show_folder


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
    console.print()
    console.print(Text("How often, in small worlds with less and with more of it (95 %)", style="bold"))
    print_whole(_rates(found), console)
    for each in found["examples"]:
        console.print()
        console.print(Text(each["title"], style="bold"))
        for said in (each["lead"], *each["chain"]):
            console.print(said, highlight=False)
        print_whole(_lines(each), console)
        where = each["file"] if folder is None else str(folder / each["file"])
        for more in ("", f" --set {each['key']}={each['more']}"):
            line = f"  quotalab run {where} --replications 1 --no-register{more}"
            console.print(line, highlight=False, soft_wrap=True)
    console.print()
    console.print(Text(_provenance(found), style="dim"))
    if folder is not None:
        show_folder(console, folder)


def sentences(found: Data) -> list[str]:
    """The paragraphs, the most important first."""
    said = [_broken(found), _kept(found), *faults(found), _skipped(found)]
    return [each for each in said if each]


def _broken(found: Data) -> str:
    """The simplest paradox, or that there is none."""
    if not found["examples"]:
        return f"No paradox in {found['tried']:,} small worlds about {', '.join(found['about'])}."
    easiest = min(found["examples"], key=lambda each: (each["people"], each["law"]))
    laws = list(dict.fromkeys(each["law"] for each in found["examples"]))
    return (
        f"{len(laws)} of {len(found['about'])} things that one would think are not always true: more of it "
        f"can hurt ({', '.join(laws)}). The smallest example has {_people(easiest['people'])}: "
        f"{easiest['lead']}"
    )


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _kept(found: Data) -> str:
    """What was never broken, and how much that says."""
    said = []
    for law in found["about"]:
        rates = [rate for rate in found["rates"] if rate["law"] == law and not rate["exact"]]
        tried = sum(rate["tried"] for rate in rates)
        if tried and not any(each["times"] for rate in rates for each in rate["harms"].values()):
            said.append(f"{law} ({tried:,} worlds)")
    exact = [rate for rate in found["rates"] if rate["exact"] and not _times(rate)]
    text = f"Never broken, though not proved: {', '.join(said)}. " if said else ""
    if exact:
        held = ", ".join(f"{rate['law']} in 0 of {rate['tried']:,}" for rate in exact)
        text += f"Where it is proved it held: broken by {held}."
    return text.strip()


def _times(rate: Data) -> int:
    return sum(each["times"] for each in rate["harms"].values())


def faults(found: Data) -> list[str]:
    """Laws that are proved and yet broken: faults of this program."""
    return [
        f"FAULT: {rate['law']} is proved for these worlds, yet broken in {_times(rate)} of {rate['tried']}: "
        "please report this with the seed."
        for rate in found["rates"]
        if rate["exact"] and _times(rate)
    ]


def _skipped(found: Data) -> str:
    return " ".join(f"Not tried: {law}; {why}." for law, why in found["skipped"].items())


def _rates(found: Data) -> Table:
    table = table_of("more", "worlds", "tried", "broken", "how often", left=2)
    for rate in found["rates"]:
        for harm, each in rate["harms"].items():
            low, high = (f"{100 * each[end]:.1f}" for end in ("low", "high"))
            table.add_row(
                rate["law"],
                rate["worlds"],
                f"{rate['tried']:,}",
                f"{each['times']} {found['harms'][harm]}",
                f"{low} to {high} %",
            )
    return table


def _lines(example: Data) -> Table:
    """Everybody's events, both variants side by side; * marks what differs."""
    less, more = example["sides"]
    table = table_of("", "date", "who", less, more, left=5)
    for line in example["lines"]:
        differs = "*" if line["less"] != line["more"] else ""
        table.add_row(differs, day(line["date"]), line["name"], line["less"] or "-", line["more"] or "-")
    return table


def _provenance(found: Data) -> str:
    worlds = "random small worlds" if found["scenario"] is None else f"worlds of {found['scenario']['name']}"
    return f"{worlds}, policy {found['policy']}; seed {found['seed']}; {found['stopped']}."


def sheets(found: Data) -> tuple[Sheet, ...]:
    """rates, examples and events, for spreadsheets."""
    rates: list[tuple[Any, ...]] = [
        (rate["law"], rate["worlds"], rate["exact"], rate["tried"], harm, *each.values())
        for rate in found["rates"]
        for harm, each in rate["harms"].items()
    ]
    named = ("law", "harm", "people", "key", "less", "more", "title", "lead", "file")
    examples = [tuple(each[name] for name in named) for each in found["examples"]]
    events = [(each["file"], *line.values()) for each in found["examples"] for line in each["lines"]]
    of_chance = ("times", "n", "probability", "low", "high")
    return (
        Sheet("rates", ("law", "worlds", "exact", "tried", "harm", *of_chance), rates),
        Sheet("examples", named, examples),
        Sheet("events", ("file", "date", "name", "with_less", "with_more"), events),
    )
