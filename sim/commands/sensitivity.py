"""`quotalab sensitivity`: which of the numbers that nobody knows matter, and how much is chance anyway?

Exit codes are those of `quotalab run`: 0 fine, also when interrupted with something to show; 3 the input
cannot be used; 130 interrupted with nothing to show.
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from sim.cli import Flag, progress
from sim.commands.exploring import check_numbers, given, policy_of, print_summary

app = App(name="sensitivity", help="Which uncertain numbers matter?", help_format="plaintext")


@app.default
def sensitivity(
    scenario: str,
    /,
    *,
    policy: str | None = None,
    method: Literal["morris", "sobol", "both"] = "both",
    measures: str | None = None,
    trajectories: int = 12,
    samples: int = 128,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    csv: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Which of the numbers that nobody knows matter for what a scenario says, and how much is chance anyway?

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    policy
        Policy to simulate; the scenario's baseline if left out.
    method
        morris screens the uncertain numbers, sobol divides the variance among them and chance; both does the
        second with what the first finds worth telling apart. A tornado, one at a time, comes with each.
    measures
        What is looked at, as in grants,service_level; grants, unused_slots and median_wait_days if left out.
    trajectories
        Of Morris: each simulates every number once more.
    samples
        Of Sobol, a power of two: each simulates every number that is told apart once more. Four times as
        many halve the intervals.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    jobs
        Workers; one a core if left out.
    csv
        Folder for the tables as CSV files.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import results
    from sim import sensitivity as ranking
    from sim.exploring import naming
    from sim.showing import sensitivity as show_sensitivity
    from sim.showing import sensitivity_summary, sheets
    from sim.showing.terminal import console_for

    check_numbers(seed=(seed, 0), jobs=(jobs, 1))
    asked = given(scenario, settings)
    described, seed = asked.scenario, asked.scenario.seed if seed is None else seed
    name = policy_of(described, policy)
    wanted = naming.checked_measures(described, naming.listed(measures) or ranking.MEASURES)
    ranking.check(described, trajectories=trajectories, samples=samples)
    folder = results.begin(
        out or results.default_path(described.name, seed),
        source=asked.source,
        text=asked.text,
        settings=asked.settings,
        policy=name,
        seed=seed,
        question={
            "sensitivity": method,
            "measures": list(wanted),
            "trajectories": trajectories,
            "samples": samples,
        },
    )
    try:
        with progress(shown=not quiet and sys.stderr.isatty()) as told:
            found = ranking.sensitivity(
                described,
                policy=name,
                method=method,
                measures=wanted,
                trajectories=trajectories,
                samples=samples,
                seed=seed,
                jobs=jobs,
                progress=told,
            )
        summary = sensitivity_summary.summary(found, settings=asked.settings)
        results.finish_tables(folder, summary, sensitivity_summary.tables(found), complete=found.complete)
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise
    if csv is not None:
        sheets.write_csv(csv, show_sensitivity.sheets(summary))
    if as_json:
        print_summary(folder.path)
        return 0
    shown_in = None if quiet else folder.path
    show_sensitivity.show(summary, console_for(sys.stdout), folder=shown_in, brief=quiet)
    return 0
