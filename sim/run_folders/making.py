"""A run as it is made: from the question in its manifest to a finished folder.

The *question* says everything that the result depends on beside the scenario, its settings, the policy and
the seed; so a folder that was begun by `quotalab run` or `quotalab compare` can be taken up again by whoever
finds it, and gives the same bytes. What a study has finished is kept in the folder as it goes.
"""

from typing import Any, TypedDict

from sim import compare, results, study
from sim.compare import Comparison
from sim.results import RunFolder
from sim.scenario import Scenario
from sim.study import Study
from sim.studying.blocks import Progress
from sim.studying.keeping import Kept


class RunQuestion(TypedDict):
    """What `quotalab run` was asked."""

    replications: int | None
    precision: float | None
    register: bool
    fast: bool
    applicants: int | None
    """Replications of which people are written row by row; None: all of at most two."""


class CompareQuestion(TypedDict):
    """What `quotalab compare` was asked."""

    compare: list[str]
    """The policies that are compared, the baseline first."""
    policies: list[str] | None
    """Those that were named; None: every one that fits."""
    baseline: str | None
    replications: int | None
    precision: float | None
    margin: float | None
    register: bool
    applicants: int | None
    shocks: bool
    """Whether the policies are tried under shocks too."""
    predictability: bool
    """Whether people are followed through the replications, to see how well they foresee their date."""


def make(
    folder: RunFolder, scenario: Scenario, *, jobs: int | None = None, progress: Progress | None = None
) -> RunFolder:
    """Make the study of a folder that was begun, and finish the folder."""
    try:
        with Kept(folder.path) as kept:
            found = made(folder, scenario, kept=kept, jobs=jobs, progress=progress)
            return written(folder, found, kept)
    except Exception as error:
        error.add_note(f"what was written is in {folder.path}")
        raise


def made(
    folder: RunFolder, scenario: Scenario, *, kept: Kept, jobs: int | None, progress: Progress | None
) -> Study | Comparison:
    """What comes out of the question of a folder; nothing but `kept` is written."""
    question: dict[str, Any] = folder.manifest["question"]
    wanted = {name: question[name] for name in ("replications", "precision", "register")}
    wanted |= {"seed": folder.manifest["seed"], "jobs": jobs, "progress": progress, "kept": kept}
    if "compare" not in question:
        return study.run(scenario, policy=folder.manifest["policy"], fast=question["fast"], **wanted)
    named = question["policies"]
    return compare.compare(
        scenario,
        policies=None if named is None else tuple(named),
        baseline=question["baseline"],
        margin=question["margin"],
        shocks=question["shocks"],
        predictability=question["predictability"],
        **wanted,
    )


def written(folder: RunFolder, found: Study | Comparison, kept: Kept) -> RunFolder:
    """The folder with everything that came out, finished; what an interrupted study kept stays as it is."""
    if found.complete:
        kept.settle()
    rows = _rows(folder.manifest["question"])
    if isinstance(found, Study):
        return results.finish(folder, found, applicants=rows)
    return results.finish_comparison(folder, found, applicants=rows)


def _rows(question: dict[str, Any]) -> int:
    """Of how many replications people are written."""
    most = study.most(question["replications"], question["precision"])
    asked: int | None = question["applicants"]
    return asked if asked is not None else (most if most <= 2 else 0)
