"""To go on with a run: more replications, a higher precision, or the rest of one that was stopped or killed.

What is there is not simulated again. That is right only if the same code would give the same bits, so where
the simulation's code, a library that computes, or the machine is another than the run was begun with, some of
the replications that are there are simulated once more and compared, bit by bit; if one differs, the run is
left as it is, and what differs is said.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from sim import results, scenario_file
from sim.comparing.worlds import Asked, world
from sim.errors import complaint
from sim.results import FINISHED, digest
from sim.run_folders import making, provenance
from sim.scenario import Scenario
from sim.study import CHANCE
from sim.studying.blocks import Progress
from sim.studying.keeping import Kept, text_of
from sim.studying.replication import Question, measured

PROBES = 3
"""Replications that are simulated again where something differs: the first, the last, and one between."""


class Begun(NamedTuple):
    """A run folder as it was found."""

    path: Path
    manifest: dict[str, Any]
    scenario: Scenario
    """With the settings of then."""
    replications: int
    """How many it says it has; 0 for one that was killed."""


def begun(path: Path) -> Begun:
    """The run in a folder; BadInput if it cannot be continued."""
    manifest, summary = results.read(path)
    question = manifest["question"]
    if "applicants" not in question or "model_sha256" not in manifest:
        raise complaint(
            "this run kept nothing to go on from; it may be of an earlier version, or no run or compare",
            file=str(path),
            expected="a folder of quotalab run or quotalab compare",
        )
    for name in (FINISHED, "replications.parquet"):
        if name in manifest["files"] and _sha256(path / name) != manifest["files"][name]:
            raise _changed(path, name)
    scenario = scenario_of(path, manifest)
    return Begun(path, manifest, scenario, summary["replications"] if summary else 0)


def scenario_of(path: Path, manifest: dict[str, Any]) -> Scenario:
    """The scenario of a run, with the settings of then; BadInput if its file is not what the run wrote."""
    file, settings = path / "scenario.toml", manifest["settings"]
    if digest(file.read_text("utf-8"), settings) != manifest["scenario_sha256"]:
        raise _changed(path, file.name)
    scenario = scenario_file.load(file)
    return scenario_file.replaced(scenario, settings) if settings else scenario


def asked(run: Begun, *, replications: int | None, precision: float | None) -> dict[str, Any]:
    """The question that the run shall answer now; BadInput for fewer replications than there are."""
    question = dict(run.manifest["question"])
    if replications is None and precision is None:
        return question
    if replications is not None and replications < run.replications:
        raise complaint(
            f"{replications:,} replications are fewer than the {run.replications:,} that are there",
            key="--replications",
            expected=f"at least {run.replications:,}",
            mend="make a smaller run of its own, with the same seed: it gives the first of these",
        )
    return question | {"replications": replications, "precision": precision}


def is_done(run: Begun, question: dict[str, Any]) -> bool:
    """Whether nothing is left to do."""
    return bool(run.manifest["complete"]) and question == run.manifest["question"]


def check_bits(run: Begun, kept: Kept) -> None:
    """BadInput if what is kept would come out otherwise here and now."""
    there = differences(run.manifest)
    count = kept.count(CHANCE)
    if not there or not count:
        return
    numbers = sorted({round(k * (count - 1) / (PROBES - 1)) for k in range(PROBES)})
    for number in numbers:
        (before,) = kept.known(CHANCE, number, number + 1)
        now = _again(run, number)
        if text_of(now) != text_of(before):
            raise complaint(
                f"replication {number} comes out otherwise than it did: {_difference(before, now)}",
                file=str(run.path),
                expected="what began the run; since then " + "; ".join(there),
                mend="make the study anew, or go on with what began it",
            )


def differences(manifest: dict[str, Any]) -> list[str]:
    """What may change bits and is not as it was, in words."""
    now = provenance.session()
    found = []
    if manifest["model_sha256"] != now["model_sha256"]:
        commits = f" (commit {_short(manifest)} then, {_short(now)} now)"
        found.append(f"the code of the simulation was changed{commits}")
    for name in provenance.COMPUTES:
        then, is_now = manifest["versions"].get(name), now["versions"].get(name)
        if then != is_now:
            found.append(f"{name} {then} became {is_now}")
    for part in ("system", "processor"):
        if manifest["machine"][part] != now["machine"][part]:
            found.append(f"the {part} {manifest['machine'][part]} became {now['machine'][part]}")
    return found


def extend(
    run: Begun, question: dict[str, Any], kept: Kept, *, jobs: int | None, progress: Progress | None
) -> bool:
    """Answer the question in the run's folder; whether there is a new result.

    There is none where the work was interrupted before it had all that the former result has: that one stays,
    and so does what was finished since.
    """
    folder = results.reopen(run.path, question=question)
    found = making.made(folder, run.scenario, kept=kept, jobs=jobs, progress=progress)
    if found.complete and found.replications < run.replications:
        kept.undo()
        results.restore(run.path, run.manifest)
        raise complaint(
            f"{run.replications:,} replications are there, and {found.replications:,} would do",
            key="--precision",
            mend="ask for a higher precision, or say with --replications how many there shall be",
        )
    if not found.complete and (run.manifest["complete"] or found.replications < run.replications):
        return False
    making.written(folder, found, kept)
    (run.path / results.PAGE).unlink(
        missing_ok=True
    )  # it shows the former result; quotalab report makes it anew
    return True


def _again(run: Begun, number: int) -> Any:
    scenario, manifest = run.scenario, run.manifest
    names, seed = manifest["question"].get("compare"), manifest["seed"]
    if names is None:
        return measured(Question(scenario, scenario.policy(manifest["policy"]), seed), number, False)
    return world(Asked(scenario, tuple((name, scenario.policy(name)) for name in names), seed), number)


def _difference(before: Any, now: Any) -> str:
    """The first value that differs, in words."""
    then, later = _flat(before, ""), _flat(now, "")
    for name in {**then, **later}:
        old, new = then.get(name, "nothing"), later.get(name, "nothing")
        if text_of(old) != text_of(new):
            return f"{name} was {old} and is {new}"
    return "in its form"


def _flat(answer: Any, name: str) -> dict[str, Any]:
    """Every number of an answer, by the names on the way to it."""
    if hasattr(answer, "_asdict"):
        answer = list(answer)
    if isinstance(answer, dict):
        parts = [(str(key), value) for key, value in answer.items()]
    elif isinstance(answer, list | tuple):
        parts = [("", value) for value in answer]
    else:
        return {name: answer}
    found: dict[str, Any] = {}
    for number, (key, value) in enumerate(parts):
        inner = key or ("" if isinstance(value, dict) else str(number))
        found |= _flat(value, f"{name}/{inner}".strip("/"))
    return found


def _short(session: dict[str, Any]) -> str:
    return str(session["commit"] or "unknown")[:10]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else "missing"


def _changed(path: Path, name: str) -> Exception:
    return complaint(
        f"{name} is not what the run wrote",
        file=str(path),
        expected="the file as its manifest describes it",
        mend="put it back as it was, or make the study anew",
    )
