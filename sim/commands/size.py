"""`quotalab size`: how many officers a service level takes, and what hits the portal.

Exit codes are those of `quotalab run`: 0 fine, also when interrupted with something to show; 3 the input
cannot be used; 130 interrupted with nothing to show.
"""

import re
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sim.cli import Flag, progress, share
from sim.commands.exploring import check_numbers, given, policy_of, print_summary
from sim.errors import complaint

app = App(name="size", help="Size the office, and the portal's peak.", help_format="plaintext")


@app.default
def size(
    scenario: str,
    /,
    *,
    policy: str | None = None,
    level: str = "90%",
    within: str | None = None,
    confidence: str = "95%",
    officers: str | None = None,
    whole: Flag = False,
    replications: int = 100,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    no_register: Flag = False,
    csv: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """How many officers does a service level take, when is the peak, and how fast do requests come then?

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    policy
        Policy to simulate; the scenario's baseline if left out.
    level
        The part of the applications that must be decided in time.
    within
        In time means so many days or weeks from the application, as 60d or 8w; the scenario's service
        standard if left out.
    confidence
        In which part of the replications that must hold.
    officers
        Numbers of officers that may be had, as 2..40; from 1 to 16 times the scenario's own if left out.
    whole
        Judge all years together; otherwise every year must meet the level.
    replications
        How many replications.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    jobs
        Workers; one a core if left out.
    no_register
        Leave out the extra runs, with the assumptions drawn.
    csv
        Folder for the tables as CSV files.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import results
    from sim import size as sizing
    from sim.showing import sheets, size_sheets, size_summary
    from sim.showing import size as show_size
    from sim.showing.terminal import console_for

    check_numbers(replications=(replications, 1), seed=(seed, 0), jobs=(jobs, 1))
    asked = given(scenario, settings)
    described, seed = asked.scenario, asked.scenario.seed if seed is None else seed
    name = policy_of(described, policy)
    wanted = sizing.wanted_of(
        described,
        share=share(level, "--level", "a service level"),
        days=None if within is None else days_of(within),
        confidence=share(confidence, "--confidence", "a confidence"),
        officers=None if officers is None else range_of(officers),
        whole=whole,
    )
    folder = results.begin(
        out or results.default_path(described.name, seed),
        source=asked.source,
        text=asked.text,
        settings=asked.settings,
        policy=name,
        seed=seed,
        question={"size": wanted._asdict(), "replications": replications, "register": not no_register},
    )
    try:
        with progress(shown=not quiet and sys.stderr.isatty()) as told:
            found = sizing.size(
                described,
                wanted,
                policy=name,
                replications=replications,
                seed=seed,
                jobs=jobs,
                register=not no_register,
                progress=told,
            )
        summary = size_summary.summary(found, source=scenario, settings=asked.settings)
        results.finish_tables(folder, summary, size_summary.tables(found), complete=found.complete)
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise
    if csv is not None:
        sheets.write_csv(csv, size_sheets.sheets(summary))
    if as_json:
        print_summary(folder.path)
        return 0
    show_size.show(summary, console_for(sys.stdout), folder=None if quiet else folder.path, brief=quiet)
    return 0


def days_of(text: str) -> float:
    """A service standard in days: 60d, 60 or 8w."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(d|w|)\s*", text)
    days = float(found[1]) * (7.0 if found[2] == "w" else 1.0) if found else 0.0
    if days <= 0:
        raise complaint(f"{text!r} is no length of time", key="--within", expected="days or weeks: 60d, 8w")
    return days


def range_of(text: str) -> tuple[int, int]:
    """Numbers of officers: 2..40, or a single one."""
    found = re.fullmatch(r"\s*(\d+)\s*(?:\.\.\s*(\d+)\s*)?", text)
    if not found:
        raise complaint(f"{text!r} is no range", key="--officers", expected="two whole numbers, as in 2..40")
    return int(found[1]), int(found[2] or found[1])
