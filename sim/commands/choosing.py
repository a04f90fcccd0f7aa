"""The two jobs of `quotalab best`: a selection by one objective, and a front over several.

What is typed becomes a *wish*; a job reads it against the scenario, so that what can be wrong is said before
a folder is made.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from sim.cli import share
from sim.commands.exploring import Given, policies_of
from sim.errors import complaint


class Wish(NamedTuple):
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


def points_of(asked: Given, policies: str | None, vary: tuple[str, ...]) -> Any:
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
    """Those named; else all with a cap that fit if nothing else varies: without one more is never worse."""
    from sim.compare import misfit

    scenario = asked.scenario
    if policies is not None or vary:
        return policies_of(scenario, policies)
    named = ((name, scenario.policy(name)) for name in scenario.policy_names())
    return tuple(name for name, policy in named if policy.capped and not misfit(scenario, policy))


class Front:
    """Several objectives: the Pareto front."""

    def __init__(
        self, asked: Given, wish: Wish, points: Any, replications: int | None, seed: int, fast: bool
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


class Selection:
    """One objective: a selection with a guarantee, after a search if asked for."""

    def __init__(
        self,
        asked: Given,
        wish: Wish,
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
            self.points = points_of(asked, policies, vary)
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
