"""The description as data: objectives, logic, data, experimentation, implementation and code access.

The headings are those of STRESS-DES (Monks et al. 2019). Everything is read from the scenario, its policies
and, of a run, the manifest and summary; nothing is typed in here that could differ from what is simulated.
"""

import contextlib
from importlib import metadata
from typing import Any

from sim.assumptions import register
from sim.describing.experiment import experiment
from sim.describing.keys import rows
from sim.describing.logic import logic
from sim.measures import MEASURES
from sim.run_folders import provenance
from sim.scenario import Scenario

Data = dict[str, Any]

ASIDE = ("policies", "load", "objectives", "format", "name", "title", "seed", "baseline")
"""Keys of a scenario that are told elsewhere, or that change no outcome."""


def description(
    scenario: Scenario, names: list[str], *, manifest: Data | None = None, summary: Data | None = None
) -> Data:
    """Everything about a scenario under the named policies; of a run with what it was and came to."""
    labels = register(scenario)
    return {
        "format": 1,
        "kind": "description",
        "title": scenario.title,
        "name": scenario.name,
        "objectives": {
            "question": QUESTION if len(names) == 1 else QUESTION_OF_MANY,
            "policies": names,
            "limits": rows(scenario.objectives, "objectives."),
            "outputs": [
                {"measure": name, "unit": each.unit, "meaning": each.meaning, "better": each.better}
                for name, each in MEASURES.items()
            ],
        },
        "logic": logic(scenario, names),
        "data": {
            "keys": rows(scenario, leave_out=ASIDE),
            "labelled": len(labels),
            "uncertain": sum(each.uncertain for each in labels),
            "by_basis": {
                basis: sum(each.number.basis == basis for each in labels)
                for basis in ("sourced", "derived", "assumption")
            },
        },
        "experiment": experiment(scenario, manifest, summary, list(scenario.attribute)),
        "implementation": _implementation(manifest),
        "code": _code(scenario, names, manifest),
    }


QUESTION = "Is the cap reached, when, who is served, and how sure is that?"
QUESTION_OF_MANY = "What differs between the policies, how sure is that, and who gains and who loses?"


def _implementation(manifest: Data | None) -> Data:
    """What worked on it: of a scenario alone, this process."""
    where = manifest if manifest is not None else provenance.session()
    asked = manifest["question"] if manifest else {}
    return {
        "versions": where["versions"],
        "machine": where["machine"],
        "commit": where["commit"],
        "model_sha256": where.get("model_sha256"),
        "started": manifest["started"] if manifest else None,
        "ended": manifest["ended"] if manifest else None,
        "kernels": "compiled" if asked.get("fast") else "plain",
        "earlier_sessions": [
            {
                name: each[name]
                for name in ("started", "ended", "replications", "commit", "versions", "machine")
            }
            for each in (manifest or {}).get("earlier", ())
        ],
    }


def _code(scenario: Scenario, names: list[str], manifest: Data | None) -> Data:
    """Where the code is, under which licence, and the command that does the same again."""
    package: Data = {}
    with contextlib.suppress(metadata.PackageNotFoundError):
        found: Any = metadata.metadata("quotalab")
        package = {"summary": found.get("Summary"), "licence": found.get("License-Expression")}
    return package | {
        "version": provenance.version(),
        "scenario_sha256": manifest["scenario_sha256"] if manifest else None,
        "command": _command(scenario, names, manifest),
    }


def _command(scenario: Scenario, names: list[str], manifest: Data | None) -> str:
    asked = manifest["question"] if manifest else {}
    source = manifest["scenario"] if manifest else scenario.name
    if len(names) > 1:
        words = ["quotalab compare", source, "--policies", ",".join(names[1:]), "--baseline", names[0]]
    else:
        words = ["quotalab run", source, "--policy", names[0]]
    words += ["--seed", str(manifest["seed"] if manifest else scenario.seed)]
    for name in ("replications", "precision", "margin"):
        if asked.get(name) is not None:
            words += [f"--{name}", str(asked[name])]
    words += [] if asked.get("register", True) else ["--no-register"]
    words += [f"--set {key}={value}" for key, value in (manifest["settings"] if manifest else {}).items()]
    return " ".join(words)
