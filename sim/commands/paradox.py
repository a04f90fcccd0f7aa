"""`quotalab paradox`: where does more of something good hurt somebody, or everybody together?

Exit codes are those of `quotalab run`: 0 fine, also when interrupted with something to show; 3 the input
cannot be used; 130 interrupted with nothing to show. A law that is proved and yet broken ends with 2.
"""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from sim.cli import UNKNOWN, Flag, progress
from sim.commands.exploring import check_numbers, given, policy_of, print_summary

app = App(name="paradox", help="Search for cases in which more hurts.", help_format="plaintext")


@app.default
def paradox(
    scenario: str | None = None,
    /,
    *,
    about: str | None = None,
    policy: str | None = None,
    instances: int = 400,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    csv: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Search for cases in which a larger cap, a higher score or more demand hurts; the smallest, in words.

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one, whose rules and people are tried in small;
        random small worlds if left out.
    about
        What there is more of: cap, score, validity, demand, over-invitation, expiry, frequency, reserve,
        officers, as in cap,score; all if left out.
    policy
        The policy of every world: one of the scenario, or, without a scenario, open-first-come or one of the
        catalogue; the scenario's baseline, or random policies, if left out.
    instances
        How many worlds are tried for each law.
    seed
        Seed of the worlds; the scenario's own, or 1, if left out.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/paradox-UTC-SEED, or SCENARIO-UTC-SEED, if left out.
    jobs
        Workers; one a core if left out.
    csv
        Folder for the tables as CSV files.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import paradox as searching
    from sim import results
    from sim.errors import complaint
    from sim.paradoxes import of_scenario
    from sim.showing import paradox as show_paradox
    from sim.showing import paradox_summary, sheets
    from sim.showing.terminal import console_for

    check_numbers(instances=(instances, 1), seed=(seed, 0), jobs=(jobs, 1))
    laws = searching.laws_of(about)
    if scenario is None and settings:
        raise complaint("there is no scenario whose values could be set", key="--set", mend="name one first")
    asked = None if scenario is None else given(scenario, settings)
    described = None if asked is None else asked.scenario
    if described is not None:
        policy = policy_of(described, policy)
        of_scenario.check(described, policy)
    name = searching.check_policy(policy, described)
    seed = (1 if described is None else described.seed) if seed is None else seed
    folder = results.begin(
        out or results.default_path("paradox" if described is None else described.name, seed),
        source="" if asked is None else asked.source,
        text="" if asked is None else asked.text,
        settings={} if asked is None else asked.settings,
        policy=name,
        seed=seed,
        question={"paradox": list(laws), "instances": instances},
    )
    try:
        with progress(shown=not quiet and sys.stderr.isatty()) as told:
            found = searching.search(
                laws,
                scenario=described,
                policy=name,
                instances=instances,
                seed=seed,
                jobs=jobs,
                progress=told,
            )
        summary = paradox_summary.summary(found, settings={} if asked is None else asked.settings)
        results.finish_tables(
            folder,
            summary,
            paradox_summary.tables(found),
            texts=paradox_summary.files(found),
            complete=found.complete,
        )
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise
    if csv is not None:
        sheets.write_csv(csv, show_paradox.sheets(summary))
    if as_json:
        print_summary(folder.path)
    else:
        show_paradox.show(
            summary, console_for(sys.stdout), folder=None if quiet else folder.path, brief=quiet
        )
    return UNKNOWN if show_paradox.faults(summary) else 0
