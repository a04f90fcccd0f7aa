"""`quotalab scenario`: list, check, show, and the schema for editors. Bad input is left to the front door."""

import dataclasses
import json
from collections import Counter
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from sim import assumptions, scenario_file
from sim.errors import BadInput, Problem
from sim.scenario import Scenario

app = App(name="scenario", help="List, check and show scenario files.")

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print data as JSON.")]
Quiet = Annotated[bool, Parameter(name="--quiet", negative="", help="Print only what was asked for.")]


@app.command(name="list")
def list_shipped(*, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the scenarios that come with quotalab; with --quiet, their names only."""
    found = scenario_file.shipped()
    if as_json:
        _say_json([each._asdict() for each in found])
    elif quiet:
        _say("\n".join(each.name for each in found))
    else:
        _say_rows([(each.name, each.title) for each in found], ("scenario", "title"))


@app.command
def check(*files: str, as_json: Json = False, quiet: Quiet = False) -> None:
    """Check scenario files in full, and report every problem with its line.

    Parameters
    ----------
    files
        Paths of scenario files, or names of shipped ones.
    """
    problems: list[Problem] = []
    if not files:
        raise BadInput([Problem("no file is named", expected="one or more scenario files")])
    for file in files:
        try:
            scenario = scenario_file.load(file)
        except BadInput as error:
            problems += error.problems
        else:
            if not (quiet or as_json):
                _say(f"{file}: fine. {_counts(scenario)}")
    if as_json:
        _say_json([dataclasses.asdict(problem) for problem in problems])
    if problems:
        raise BadInput(problems)


@app.command
def schema(*, as_json: Json = False, quiet: Quiet = False) -> None:
    """Print the JSON schema of scenario files, for editors; --json and --quiet change nothing."""
    del as_json, quiet
    _say_json(scenario_file.schema())


@app.command
def show(name: str, *, as_json: Json = False, quiet: Quiet = False) -> None:
    """Print a scenario file, after a summary of it; with --quiet, the file alone.

    Parameters
    ----------
    name
        Path of a scenario file, or name of a shipped one.
    """
    scenario = scenario_file.load(name)
    summary = summarised(scenario)
    if as_json:
        _say_json(summary)
        return
    if not quiet:
        _say(scenario.title)
        _say_rows([(key, _told(value)) for key, value in summary.items() if key not in ("name", "title")])
        _say("")
    _, text = scenario_file.text_of(name)
    console = _console()
    if console.is_terminal:
        console.print(Syntax(text.rstrip("\n"), "toml", background_color="default", word_wrap=True))
    else:
        _say(text.rstrip("\n"))


def summarised(scenario: Scenario) -> dict[str, Any]:
    """A scenario in a few lines: period, caps, streams, policies, and where its numbers come from."""
    register = assumptions.register(scenario)
    bases = Counter(each.number.basis for each in register)
    return {
        "name": scenario.name,
        "title": scenario.title,
        "period": {"starts": str(scenario.starts), "ends": str(scenario.ends)},
        "caps": {str(intake.year): round(intake.cap.value) for intake in scenario.intake},
        "streams": {name: stream.share.value for name, stream in scenario.streams.items()},
        "baseline": scenario.baseline,
        "policies": list(scenario.policies),
        "numbers": {basis: bases[basis] for basis in ("sourced", "derived", "assumption")},
        "uncertain": sum(each.uncertain for each in register),
    }


def _told(value: Any) -> str:
    """A value of the summary on one line."""
    if isinstance(value, dict) and "starts" in value:
        return f"{value['starts']} to {value['ends']}"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {part:,}" for key, part in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _counts(scenario: Scenario) -> str:
    """What a file holds, in numbers."""
    register = assumptions.register(scenario)
    parts = [
        _counted(len(scenario.intake), "intake"),
        _counted(len(scenario.streams), "stream"),
        f"{len(scenario.policies)} policies of its own",
        f"{_counted(len(register), 'labelled number')}, {sum(each.uncertain for each in register)} uncertain",
    ]
    return "; ".join(parts)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _console() -> Console:
    return Console(highlight=False, markup=False)


def _say(text: str) -> None:
    _console().print(text, soft_wrap=True)


def _say_json(data: Any) -> None:
    _say(json.dumps(data, indent=2, ensure_ascii=False))


def _say_rows(rows: list[tuple[str, str]], header: tuple[str, str] | None = None) -> None:
    """Two columns: a table for a terminal, plain lines for a file or a pipe."""
    console = _console()
    if not console.is_terminal:
        width = max(len(first) for first, _ in rows)
        _say("\n".join(f"{first:<{width}}  {second}" for first, second in rows))
        return
    table = Table(show_header=header is not None, box=None, pad_edge=False)
    for title in header or ("", ""):
        table.add_column(title)
    for row in rows:
        table.add_row(*row)
    console.print(table)
