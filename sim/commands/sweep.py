"""`quotalab sweep`: many points of a scenario's parameters on the same people."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from sim.cli import Flag, progress
from sim.commands.exploring import Given, check_fast, check_numbers, given, policies_of, print_summary
from sim.errors import complaint

app = App(name="sweep", help="Vary keys of a scenario: what follows from each?", help_format="plaintext")

Many = Annotated[tuple[str, ...], Parameter(negative="")]


@app.default
def sweep(
    scenario: str,
    /,
    *,
    vary: Many = (),
    policies: str | None = None,
    measures: str | None = None,
    design: Literal["grid", "latin"] = "grid",
    points: int | None = None,
    from_list: Annotated[Path | None, Parameter(name="--list")] = None,
    replications: int | None = None,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    resume: Flag = False,
    jobs: int | None = None,
    fast: Flag = False,
    csv: Path | None = None,
    xlsx: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Vary keys of a scenario, on the same people: what does each value change?

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    vary
        A key and its values, as in --vary intake.2022.cap=5000,7350 or --vary demand.multiple=0.5..2:4 (four
        values of a range); may be given again.
    policies
        Policies to look at, as in a,b,c; the scenario's baseline if left out.
    measures
        Measures to report, the most important first; the headline measures if left out.
    design
        grid: every combination of the values; latin: a Latin hypercube over the ranges.
    points
        How many points the Latin hypercube has.
    from_list
        Instead of --vary: a CSV file, a key (or policy) at the head of each column and a row a point.
    replications
        How many replications of each point; 40 if left out.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario for all points, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    resume
        Go on with the interrupted sweep in --out; the result is that of one that was never interrupted.
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
    from sim.exploring import naming
    from sim.exploring import sweep as sweeping
    from sim.exploring.varying import varied
    from sim.showing import sheets, sweep_summary, sweep_tables
    from sim.showing import sweep as show_sweep
    from sim.showing.terminal import console_for
    from sim.studying.blocks import Crew, cores

    check_numbers(replications=(replications, 1), seed=(seed, 0), jobs=(jobs, 1), points=(points, 1))
    check_fast(fast)
    asked = given(scenario, settings)
    described, seed = asked.scenario, asked.scenario.seed if seed is None else seed
    named = policies_of(described, policies)
    wanted = naming.checked_measures(described, naming.listed(measures) or naming.HEADLINES)
    keys = varied(described, vary)
    drawn = _design(asked, named, keys, design, points, from_list, seed)
    chosen = "list" if from_list else design
    question = {
        "sweep": [[list(map(list, each.settings)), each.policy] for each in drawn],
        "design": chosen,
        "measures": list(wanted),
        "replications": replications,
    }
    number = sweeping.REPLICATIONS if replications is None else replications
    known = _resumed(out, asked, seed, question) if resume else None
    cells = None
    if known is not None:
        cells = sweep_tables.read_cells(
            known / "replications.parquet", sweeping.with_own(drawn), wanted, number
        )
    folder = results.begin(
        out or results.default_path(described.name, seed),
        source=asked.source,
        text=asked.text,
        settings=asked.settings,
        policy=named[0],
        seed=seed,
        question=question,
    )
    try:
        with progress(shown=not quiet and sys.stderr.isatty()) as told:
            found = sweeping.sweep(
                described,
                drawn,
                measures=wanted,
                varied=keys,
                design=chosen,
                replications=number,
                seed=seed,
                crew=Crew(cores() if jobs is None else jobs, told),
                fast=fast,
                known=cells,
            )
        summary = sweep_summary.summary(found, settings=asked.settings)
        results.finish_exploration(
            folder, summary, lambda path: sweep_tables.write_cells(path, found), complete=found.complete
        )
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise
    _, kept = results.read(folder.path)
    assert kept is not None, folder.path
    tables = sweep_tables.sheets(kept, show_sweep.sentences(kept))
    if csv is not None:
        sheets.write_csv(csv, tables)
    if xlsx is not None:
        sheets.write_xlsx(xlsx, tables)
    if as_json:
        print_summary(folder.path)
        return 0
    shown_in = None if quiet else folder.path
    show_sweep.show(kept, console_for(sys.stdout), folder=shown_in, brief=quiet)
    return 0


def _design(
    asked: Given,
    policies: tuple[str, ...],
    keys: Any,
    design: str,
    points: int | None,
    from_list: Path | None,
    seed: int,
) -> Any:
    """The points to look at; BadInput for options that do not go together."""
    from sim.exploring import designs

    if from_list is not None:
        if keys or points is not None or design != "grid":
            mend = "give either --list, or --vary with --design"
            raise complaint("--list says all points by itself", key="--list", mend=mend)
        return designs.listed(asked.scenario, from_list, policies)
    if design == "latin":
        if points is None:
            raise complaint("how many points?", key="--points", expected="such as --points 100")
        return designs.crossed(designs.latin(keys, points, seed=seed), policies)
    if points is not None:
        raise complaint("a grid has the points of its values", key="--points", mend="add --design latin")
    if not keys and len(policies) < 2:
        mend = "give --vary KEY=a,b,c, or several --policies"
        raise complaint("nothing is varied", key="--vary", mend=mend)
    return designs.crossed(designs.grid(keys), policies)


def _resumed(out: Path | None, asked: Given, seed: int, question: dict[str, Any]) -> Path:
    """The folder of the interrupted sweep, if it asked the same."""
    import json

    from sim import results

    if out is None:
        raise complaint("which sweep?", key="--resume", mend="name its folder with --out")
    manifest, _ = results.read(out)
    same = json.loads(results.json_text(question)) == manifest["question"]
    same &= manifest["seed"] == seed
    same &= manifest["scenario_sha256"] == results.digest(asked.text, asked.settings)
    if not same:
        message = "the folder holds another question: other points, measures, replications, seed or scenario"
        raise complaint(message, key="--resume", file=str(out), mend="leave --resume out to start anew")
    return out
