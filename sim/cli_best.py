"""`quotalab best`: which policy or setting is best, and how sure is that?"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from cyclopts import App, Parameter

from sim.cli import Flag, progress, share
from sim.cli_exploring import Given, check_fast, check_numbers, given, policies_of, print_summary
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
        Policies to choose from, as in a,b,c; if left out the baseline, or all that fit if nothing is varied.
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
    wish = _Wish(objective, objectives, (maximise, minimise), subject_to, delta, confidence, procedure)
    asked = given(scenario, settings)
    seed = asked.scenario.seed if seed is None else seed
    job: _Selection | _Front
    if objectives is not None:
        if search is not None:
            raise complaint("a search has one objective", key="--search", mend="give --objective instead")
        job = _Front(asked, wish, _points(asked, policies, vary), replications, seed, fast)
    else:
        job = _Selection(asked, wish, policies, vary, (search, shortlist), measures, replications, seed, fast)
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


class _Wish(NamedTuple):
    """What is wanted, as it was typed."""

    objective: str | None
    objectives: str | None
    ways: tuple[bool, bool]
    """--maximise, --minimise."""
    subject_to: tuple[str, ...]
    delta: str
    confidence: str
    procedure: Literal["good", "kn"]

    def goals(self, asked: Given) -> Any:
        """The objectives, in the direction given."""
        from sim.exploring import naming, wanted

        if self.objective is not None and self.objectives is not None:
            raise complaint("--objective and --objectives: give one of the two", key="--objectives")
        if all(self.ways):
            raise complaint("--maximise and --minimise: give one of the two", key="--minimise")
        if self.objective is None and self.objectives is None:
            expected = "a measure, such as --objective permits"
            raise complaint("what is to be made best?", key="--objective", expected=expected)
        names = naming.listed(self.objectives) if self.objectives is not None else (self.objective or "",)
        if self.objectives is not None and len(names or ()) < 2:
            mend = f"write --objective {self.objectives}"
            raise complaint("a front needs two objectives", key="--objectives", mend=mend)
        if self.objectives is not None and any(self.ways):
            mend = "write the direction behind each, as in permits:max,backlog_max:min"
            raise complaint("several objectives have several directions", key="--objectives", mend=mend)
        sign = 1 if self.ways[0] else -1 if self.ways[1] else 0
        return wanted.objectives(asked.scenario, names or (), sign=sign)

    def limits(self, asked: Given) -> Any:
        """The constraints."""
        from sim.exploring import wanted

        return wanted.constraints(asked.scenario, self.subject_to)


def _points(asked: Given, policies: str | None, vary: tuple[str, ...]) -> Any:
    """Every combination of what is varied, under every policy."""
    from sim.exploring import designs
    from sim.exploring.varying import varied

    keys = varied(asked.scenario, vary)
    points = designs.crossed(designs.grid(keys), _policies(asked, policies, vary))
    if len(points) < 2:
        mend = "give --vary KEY=a,b,c, or several --policies"
        raise complaint("there is nothing to choose from", key="--vary", mend=mend)
    return points


def _policies(asked: Given, policies: str | None, vary: tuple[str, ...]) -> tuple[str, ...]:
    """Those named; else all that fit if nothing else varies."""
    from sim.compare import misfit

    scenario = asked.scenario
    if policies is not None or vary:
        return policies_of(scenario, policies)
    return tuple(name for name in scenario.policy_names() if not misfit(scenario, scenario.policy(name)))


class _Front:
    """Several objectives: the Pareto front."""

    def __init__(
        self, asked: Given, wish: _Wish, points: Any, replications: int | None, seed: int, fast: bool
    ) -> None:
        self.asked, self.points, self.seed, self.fast = asked, points, seed, fast
        self.goals, self.limits = wish.goals(asked), wish.limits(asked)
        self.replications = replications
        self.question = {
            "best": [[list(map(list, each.settings)), each.policy] for each in points],
            "objectives": [list(each) for each in self.goals],
            "subject_to": [str(each) for each in self.limits],
            "replications": replications,
        }

    def run(self, crew: Any) -> Any:
        """The summary, whoever writes the cells, and whether everything was done."""
        from sim.exploring import frontier
        from sim.showing import best_summary, best_tables

        number = frontier.REPLICATIONS if self.replications is None else self.replications
        found = frontier.frontier(
            self.asked.scenario,
            self.points,
            self.goals,
            self.limits,
            replications=number,
            seed=self.seed,
            crew=crew,
            fast=self.fast,
        )
        summary = best_summary.front_summary(found, settings=self.asked.settings)
        return summary, lambda path: best_tables.write_front(path, found), found.complete

    def tables(self, kept: Any) -> Any:
        """For spreadsheets."""
        from sim.showing import best_tables, front

        return best_tables.sheets(kept, front.sentences(kept))

    def show(self, kept: Any, console: Any, *, folder: Path | None, brief: bool) -> None:
        """On the screen."""
        from sim.showing import front

        front.show(kept, console, folder=folder, brief=brief)


class _Selection:
    """One objective: a selection with a guarantee, after a search if asked for."""

    def __init__(
        self,
        asked: Given,
        wish: _Wish,
        policies: str | None,
        vary: tuple[str, ...],
        search: tuple[int | None, int | None],
        measures: str | None,
        replications: int | None,
        seed: int,
        fast: bool,
    ) -> None:
        from sim.exploring import best as choosing
        from sim.exploring import naming, wanted
        from sim.exploring.race import Agreed
        from sim.exploring.searching import Wanted
        from sim.exploring.varying import varied

        (goal,) = wish.goals(asked)
        self.asked, self.seed, self.fast = asked, seed, fast
        self.agreed = Agreed(
            goal,
            wish.limits(asked),
            wanted.difference(wish.delta),
            share(wish.confidence, "--confidence", "a confidence"),
            wish.procedure,
            choosing.FIRST,
            choosing.MOST if replications is None else replications,
        )
        self.extra = naming.checked_measures(asked.scenario, naming.listed(measures) or ("grants",))
        self.trials, self.shortlist = search[0] or 0, search[1] or 10
        self.space = self.points = None
        if self.trials:
            if not vary:
                mend = "give --vary KEY=lo..hi"
                raise complaint("there is nothing to search over", key="--search", mend=mend)
            named = policies_of(asked.scenario, policies)
            self.space = Wanted(varied(asked.scenario, vary), named, goal, self.agreed.constraints)
        else:
            self.points = _points(asked, policies, vary)
        self.question = {
            "best": [[list(map(list, each.settings)), each.policy] for each in self.points or ()],
            "search": {"vary": list(vary), "points": self.trials, "shortlist": self.shortlist},
            "objective": list(goal),
            "subject_to": list(wish.subject_to),
            "delta": wish.delta,
            "confidence": self.agreed.confidence,
            "procedure": wish.procedure,
            "replications": replications,
            "measures": list(self.extra),
        }

    def run(self, crew: Any) -> Any:
        """The summary, whoever writes the cells, and whether everything was done."""
        from sim.exploring import best as choosing
        from sim.showing import best_summary, best_tables

        found = choosing.best(
            self.asked.scenario,
            self.points or (),
            self.agreed,
            wanted=self.space,
            trials=self.trials,
            shortlist=self.shortlist,
            extra=self.extra,
            seed=self.seed,
            crew=crew,
            fast=self.fast,
        )
        summary = best_summary.summary(found, settings=self.asked.settings)
        return summary, lambda path: best_tables.write_best(path, found), found.complete

    def tables(self, kept: Any) -> Any:
        """For spreadsheets."""
        from sim.showing import best as show_best
        from sim.showing import best_tables

        return best_tables.sheets(kept, show_best.sentences(kept))

    def show(self, kept: Any, console: Any, *, folder: Path | None, brief: bool) -> None:
        """On the screen."""
        from sim.showing import best as show_best

        show_best.show(kept, console, folder=folder, brief=brief)
