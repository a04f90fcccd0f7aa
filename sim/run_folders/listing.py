"""The runs that are there, newest first: what each was, and what it says in one sentence.

Every kind of run writes the same manifest; the sentence is the one its command leads with, made from its
summary, or the verdict of a load test. A folder that cannot be read any more is listed with what is known.
"""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from sim.results import MANIFEST
from sim.run_folders.locating import RUNS

SHOWN_BY = {
    "run": "headline",
    "comparison": "comparison_sentences",
    "sweep": "sweep",
    "size": "size",
    "best": "best",
    "front": "front",
    "paradox": "paradox",
}
"""What a summary calls itself -> the module of sim.showing that makes its sentences."""


class Listed(NamedTuple):
    """One run."""

    name: str
    path: Path
    what: str
    """run, comparison, sweep, size, best, front, paradox, load; or unknown."""
    scenario: str
    policies: list[str]
    replications: int | None
    """None where the run counts none, or nothing came of it."""
    complete: bool
    started: str
    """UTC, when it was last worked on."""
    headline: str
    """Empty if nothing came of it."""


def listed(folder: Path = RUNS) -> list[Listed]:
    """The runs of a folder, newest first."""
    found = [_listed(manifest) for manifest in sorted(folder.glob(f"*/{MANIFEST}"))]
    return sorted(found, key=lambda each: (each.started, each.name), reverse=True)


def _listed(file: Path) -> Listed:
    path, manifest = file.parent, _read(file)
    summary = _read(path / "summary.json")
    question = manifest.get("question") or {}
    what = _what(question, summary, path)
    replications = summary.get("replications")
    return Listed(
        name=path.name,
        path=path,
        what=what,
        scenario=Path(str(manifest.get("scenario", "unknown"))).stem,
        policies=_policies(manifest, question),
        replications=replications if isinstance(replications, int) else None,
        complete=manifest.get("complete") is True,
        started=str(manifest.get("started", "")),
        headline=_headline(what, summary, path),
    )


def _what(question: dict[str, Any], summary: dict[str, Any], path: Path) -> str:
    if "kind" in summary:
        return str(summary["kind"])
    if "target" in question or (path / "verdict.json").exists():
        return "load"
    if "compare" in question:
        return "comparison"
    return "run" if "fast" in question else "unknown"


def _policies(manifest: dict[str, Any], question: dict[str, Any]) -> list[str]:
    named = question.get("compare") or question.get("policies")
    if isinstance(named, list) and named:
        return [str(each) for each in named]
    return [str(manifest["policy"])] if manifest.get("policy") else []


def _headline(what: str, summary: dict[str, Any], path: Path) -> str:
    """The leading sentence; empty if there is no result, or one of an earlier form."""
    if what == "load":
        verdict = _read(path / "verdict.json")
        return " ".join(str(verdict.get("says") or "").split())
    if not summary or what not in SHOWN_BY:
        return ""
    try:
        sentences: Callable[[dict[str, Any]], list[str]] = import_module(
            f"sim.showing.{SHOWN_BY[what]}"
        ).sentences
        return next(iter(sentences(summary)), "")
    except (KeyError, TypeError, ValueError, IndexError):
        return ""


def _read(file: Path) -> dict[str, Any]:
    """A file's JSON object; empty if there is none."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
