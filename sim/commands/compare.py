"""`quotalab compare`: several policies on the same people, and what differs between them.

Exit codes are those of `quotalab run`: 0 fine, also when interrupted with something to show; 3 the input
cannot be used; 130 interrupted with nothing to show.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from sim.cli import Flag, encodable, progress, share
from sim.commands.crew import Backend, crew
from sim.errors import complaint

app = App(name="compare", help="Compare cap policies on the same people.", help_format="plaintext")


@app.default
def compare(
    scenario: str,
    /,
    *,
    policies: str | None = None,
    baseline: str | None = None,
    replications: int | None = None,
    precision: str | None = None,
    margin: str | None = None,
    seed: int | None = None,
    settings: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    out: Path | None = None,
    jobs: int | None = None,
    backend: Backend = "local",
    scheduler: str | None = None,
    applicants: int | None = None,
    no_register: Flag = False,
    shocks: Flag = False,
    predictability: Flag = False,
    csv: Path | None = None,
    xlsx: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    quiet: Flag = False,
) -> int:
    """Compare cap policies on the same people: what differs, how sure is that, who gains and who loses?

    Parameters
    ----------
    scenario
        Path of a scenario file, or the name of a shipped one (quotalab scenario list).
    policies
        Policies to compare, as in a,b,c; all that fit the scenario if left out.
    baseline
        The policy that the others are compared with; the scenario's baseline if left out.
    replications
        How many replications; 100 if left out.
    precision
        Instead, e such as 5%: as many as it takes until the 95% half-width of every headline contrast is at
        most e/(1+e) of it, where one below a tenth of all slots, or a week, or 10 points, counts as that.
    margin
        What counts as no difference, such as 1%, of the baseline's mean, for shares of 1; 1% if left out, or
        what the scenario says under objectives.
    seed
        Seed of every random stream; the scenario's own if left out.
    settings
        Replace a value of the scenario, as in --set demand.multiple=2; may be given again.
    out
        Folder to write to; results/runs/SCENARIO-UTC-SEED if left out.
    jobs
        Workers; one a core if left out.
    backend
        local: processes of this machine; dask: the workers of a Dask cluster (needs the extra "cluster").
    scheduler
        Address of its scheduler, such as tcp://10.0.0.5:8786; if left out, a cluster here is started.
    applicants
        Write one row an applicant and policy, for so many replications; all of them if there are at most two.
    no_register
        Leave out the extra runs: with the assumptions drawn, and at more demand where the cap is slack.
    shocks
        Try every policy under shocks too: other demand, fewer approvals, a stop of arrivals, permanent
        residence sooner, and what the scenario names under shocks.
    predictability
        Ask how well people foresee their date: the same persons are followed through all replications.
    csv
        Folder for the tables as CSV files.
    xlsx
        File for the same tables as a workbook.
    as_json
        Print summary.json instead of sentences and tables.
    quiet
        Print the leading sentences only, and no progress.
    """
    from sim import compare as comparing
    from sim import results, scenario_file
    from sim.run_folders import making
    from sim.showing import comparison as show_comparison
    from sim.showing import sheets
    from sim.showing.terminal import console_for

    source, text = scenario_file.text_of(scenario)
    described = scenario_file.load(scenario)
    values = dict(scenario_file.parse_setting(each) for each in settings)
    if values:
        described = scenario_file.replaced(described, values)
    named = None if policies is None else tuple(each.strip() for each in policies.split(",") if each.strip())
    wanted = None if precision is None else share(precision)
    no_difference = None if margin is None else share(margin, "--margin", "a margin")
    names, _ = comparing.chosen(
        described, named, baseline
    )  # what can be wrong is said before a folder is made
    seed = described.seed if seed is None else seed
    _checked(replications, wanted, seed=seed, jobs=jobs, applicants=applicants)
    with (
        crew(backend, scheduler, jobs) as workers,
        progress(shown=not quiet and sys.stderr.isatty()) as told,
    ):
        folder = results.begin(
            out or results.default_path(described.name, seed),
            source=source,
            text=text,
            settings=values,
            policy=names[0],
            seed=seed,
            question={
                "compare": list(names),
                "policies": None if named is None else list(named),
                "baseline": baseline,
                "replications": replications,
                "precision": wanted,
                "margin": no_difference,
                "register": not no_register,
                "applicants": applicants,
                "shocks": shocks,
                "predictability": predictability,
            },
        )
        making.make(folder, described, jobs=workers, progress=told)
    _, summary = results.read(folder.path)
    assert summary is not None, folder.path
    if csv is not None:
        sheets.write_csv(csv, summary)
    if xlsx is not None:
        sheets.write_xlsx(xlsx, summary)
    if as_json:
        sys.stdout.write(encodable((folder.path / "summary.json").read_text("utf-8")))
        return 0
    shown_in = None if quiet else folder.path
    show_comparison.show(summary, console_for(sys.stdout), folder=shown_in, brief=quiet)
    return 0


def _checked(replications: int | None, precision: float | None, **numbers: Any) -> None:
    """BadInput for a number that cannot be."""
    from sim import study

    for key, least in (("seed", 0), ("jobs", 1), ("applicants", 0)):
        number = numbers[key]
        if number is not None and number < least:
            expected = f"a whole number of at least {least}"
            raise complaint(f"{number} is too small", key=f"--{key}", expected=expected)
    study.most(replications, precision)
