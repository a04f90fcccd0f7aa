"""Small runs to make pages of, in folders as the commands leave them."""

import json
from pathlib import Path
from typing import Any

from sim import compare, results, scenario_file, study

POLICIES = ("lottery", "monthly-release", "waiting-list", "no-cap")


def run_folder(path: Path, *, replications: int = 8, register: bool = True) -> Path:
    """A run of the smoke scenario."""
    scenario = scenario_file.load("smoke")
    folder = _begun(path, scenario.baseline)
    found = study.run(scenario, replications=replications, jobs=1, register=register)
    return results.finish(folder, found).path


def comparison_folder(path: Path, *, replications: int = 8, register: bool = True) -> Path:
    """A comparison of a few policies in the smoke scenario."""
    scenario = scenario_file.load("smoke")
    folder = _begun(path, scenario.baseline)
    found = compare.compare(scenario, policies=POLICIES, replications=replications, jobs=1, register=register)
    return results.finish_comparison(folder, found).path


def _begun(path: Path, policy: str) -> results.RunFolder:
    source, text = scenario_file.text_of("smoke")
    return results.begin(path, source=source, text=text, settings={}, policy=policy, seed=7, question={})


def summary_of(folder: Path) -> dict[str, Any]:
    """summary.json."""
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    return found
