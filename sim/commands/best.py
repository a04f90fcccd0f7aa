"""`quotalab best`: which policy or setting is best, and how sure is that?"""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from sim.cli import Flag, progress
from sim.commands.choosing import Front, Selection, Wish, points_of
from sim.commands.exploring import check_fast, check_numbers, given, print_summary
from sim.errors import complaint

app = App(name="best", help="Which policy or setting is best, and how sure is that?", help_format="plaintext")

Many = Annotated[tuple[str, ...], Parameter(negative="")]


@app.default
def best(
    scenario: str,
    /,
    *,
    objective: str | None = None,
    objectives: str | None = None,
    maximise: Flag = False,
    minimise: Flag = False,
    policies: str | None = None,
    vary: Many = (),
    subject_to: Many = (),
    delta: str = "1%",
    confidence: str = "95%",
    procedure: Literal["good", "kn"] = "good",
    search: int | None = None,
    shortlist: int | None = None,
    measures: str | None = None,
    replications: int | None = None,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    fast: Flag = False,
    csv: Path | None = None,
    xlsx: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Find the best policy or setting, with a guarantee, on the same people.

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    objective
        The measure to be made best, as in permits, or backlog_max:min.
    objectives
        Instead, two or more of them, as in permits,median_wait_days: the Pareto front, and how sure it is.
    maximise
        More of the objective is better; if neither is given, what the measure's definition says.
    minimise
        Less of the objective is better.
    policies
        Policies to choose from, as in a,b,c; if left out the baseline, or all with a cap if nothing varies.
    vary
        A key and its values, as in --vary intake.2022.cap=5000,7350, or a range; may be given again.
    subject_to
        A limit on the mean of another measure, as in "over_cap_returns<=500"; may be given again.
    delta
        The difference that matters: 1% of the objective as the scenario is, or a number of its unit.
    confidence
        How sure the choice has to be.
    procedure
        good: what is chosen is within delta of the best; kn (Kim and Nelson): it is the best, if that is
        better than every other by delta.
    search
        Search over the ranges with so many points tried, instead of taking every combination.
    shortlist
        How many points that a search found are simulated again and selected from; 10 if left out.
    measures
        Further measures to report of what is chosen.
    replications
        After how many replications a selection is given up, 1000 if left out; for a front, how many are made,
        100 if left out.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario for all points, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    jobs
        Workers; one a core if left out.
    fast
        Use compiled kernels (they come with the extra "fast"); the results are the same.
    csv
        Folder for the tables as CSV files.
    xlsx
        File for the same tables as a workbook.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import results
    from sim.showing import sheets
    from sim.showing.terminal import console_for
    from sim.studying.blocks import Crew, cores

    check_numbers(
        replications=(replications, 12),
        seed=(seed, 0),
        jobs=(jobs, 1),
        search=(search, 1),
        shortlist=(shortlist, 1),
    )
    check_fast(fast)
    if shortlist is not None and search is None:
        raise complaint("there is no search to shorten", key="--shortlist", mend="add --search 200")
    wish = Wish(objective, objectives, (maximise, minimise), subject_to, delta, confidence, procedure)
    asked = given(scenario, settings)
    seed = asked.scenario.seed if seed is None else seed
    job: Selection | Front
    if objectives is not None:
        if search is not None:
            raise complaint("a search has one objective", key="--search", mend="give --objective instead")
        job = Front(asked, wish, points_of(asked, policies, vary), replications, seed, fast)
    else:
        job = Selection(asked, wish, policies, vary, (search, shortlist), measures, replications, seed, fast)
    folder = results.begin(
        out or results.default_path(asked.scenario.name, seed),
        source=asked.source,
        text=asked.text,
        settings=asked.settings,
        policy=asked.scenario.baseline,
        seed=seed,
        question=job.question,
    )
    try:
        with progress(shown=not quiet and sys.stderr.isatty()) as told:
            summary, write, complete = job.run(Crew(cores() if jobs is None else jobs, told))
        results.finish_exploration(folder, summary, write, complete=complete)
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise
    _, kept = results.read(folder.path)
    assert kept is not None, folder.path
    if csv is not None:
        sheets.write_csv(csv, job.tables(kept))
    if xlsx is not None:
        sheets.write_xlsx(xlsx, job.tables(kept))
    if as_json:
        print_summary(folder.path)
    else:
        shown_in = None if quiet else folder.path
        job.show(kept, console_for(sys.stdout), folder=shown_in, brief=quiet)
    return 0
