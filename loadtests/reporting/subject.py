"""What a page is about: a load test's folder, or a history that was judged by itself.

Of a folder nothing is judged again: verdict, sentence, clash and percentiles are those that the run kept, so
that the page says what the run said. The figures of the history are worked out anew from its columns.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from loadtests import latency, signs
from loadtests.checks.quantities import Quantities, quantities
from loadtests.history import History, read
from loadtests.latency import Latencies
from loadtests.reporting.axis import Axis, axis_of
from loadtests.reporting.predicted import Predicted
from sim import results
from sim.errors import BadInput, complaint
from sim.run_folders.provenance import version

if TYPE_CHECKING:
    from loadtests.verdict import Verdict

Data = dict[str, Any]
NEEDED: Final = ("history.parquet", "verdict.json", "latency.hdr")
"""What a run folder must have to be shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """Everything that a page shows."""

    title: str
    kind: str
    """What it is, above the title."""
    history: History
    axis: Axis
    verdict: Data
    """As verdict.json has it: verdict, says, findings, clash."""
    latencies: list[Latencies]
    quantities: Quantities
    predicted: Mapping[str, Predicted] = field(default_factory=dict)
    """By cap; empty where nothing was simulated."""
    summary: Data = field(default_factory=dict)
    """As the load test's summary.json has it; empty for a history."""
    provenance: tuple[tuple[str, str], ...] = ()
    incomplete: str = ""
    """Why the record is not whole; empty if it is."""


def of_history(file: str, history: History, verdict: "Verdict") -> Subject:
    """A history that was just judged."""
    from loadtests.showing import verdict as show_verdict

    header = history.header
    where = {"File": Path(file).name, "Run": header.run, "Written by": header.source}
    where |= {"Scenario": header.scenario, "Version": f"quotalab {version()}"}
    return Subject(
        title=f"{Path(file).name} judged",
        kind="A recorded history",
        history=history,
        axis=axis_of(history),
        verdict=show_verdict.as_plain(verdict, history),
        latencies=latency.latencies(history),
        quantities=quantities(history),
        provenance=tuple((what, value) for what, value in where.items() if value),
        incomplete="" if header.complete and history.is_whole else "the record may have lost its end",
    )


def of_run(folder: Path) -> Subject:
    """A load test's folder; BadInput if it is none, or one that never came to a verdict."""
    manifest, summary = results.read(folder)
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        what = f"this load test left no {missing[0]}, so there is nothing to show"
        raise complaint(what, file=str(folder), mend="judge what it recorded: quotalab load-merge RUN")
    history = read(folder / "history.parquet")
    summary = summary or {}
    return Subject(
        title=title(folder, manifest),
        kind=_kind(manifest),
        history=history,
        axis=axis_of(history),
        verdict=_verdict(folder),
        latencies=latency.read(folder / "latency.hdr"),
        quantities=quantities(history),
        predicted=_predicted(folder),
        summary=summary,
        provenance=provenance(manifest, summary),
        incomplete=_incomplete(manifest, summary),
    )


def _verdict(folder: Path) -> Data:
    """verdict.json; that of an older version has no sentence, and then the gravest finding's is taken."""
    found: Data = json.loads((folder / "verdict.json").read_text("utf-8"))
    grave = [each["says"] for each in found["findings"] if each["verdict"] == found["verdict"]]
    found.setdefault("says", f"{found['verdict']}: {grave[0] if grave else 'nothing was checked'}")
    found.setdefault("clash", None)
    return found


def title(folder: Path, manifest: Data) -> str:
    """What the scenario calls itself."""
    from sim import scenario_file

    try:
        return scenario_file.load(folder / "scenario.toml").title or str(manifest["scenario"])
    except BadInput:
        return str(manifest["scenario"])


def _kind(manifest: Data) -> str:
    asked = manifest["question"]
    planted = f" with the fault {asked['fault']} planted" if asked.get("fault") else ""
    return f"A load test of {asked['target']}{planted}"


def _predicted(folder: Path) -> Mapping[str, Predicted]:
    """What the simulation has; nothing where the scenario can no longer be read, or the run never began."""
    from loadtests.reporting.predicted import predicted
    from loadtests.trace import Trace
    from sim import scenario_file

    start = signs.started(folder)
    if start is None or not (folder / "trace.npz").is_file():
        return {}
    trace = Trace.load(folder / "trace.npz")
    try:
        return predicted(scenario_file.load(folder / "scenario.toml"), trace, start.start_ns)
    except BadInput:
        return {}


def provenance(manifest: Data, summary: Data) -> tuple[tuple[str, str], ...]:
    """(what, value): what makes the run again; the manifest beside the page has times and machine."""
    asked, versions = manifest["question"], manifest["versions"]
    rows = {
        "Scenario": summary.get("scenario", manifest["scenario"]),
        "Policy": manifest["policy"],
        "Seed": str(manifest["seed"]),
        "Digest of the scenario": manifest["scenario_sha256"],
        "Target": asked["target"],
        "Fault planted": asked.get("fault") or "",
        "Load generator": f"{asked['workers']} Locust process{'es' if asked['workers'] != 1 else ''}",
        "Scale": f"{asked['scale']:g}" if asked.get("scale", 1.0) != 1.0 else "",
        "Compressed": f"{asked['compress']:,.4g} times" if asked.get("compress", 1.0) != 1.0 else "",
        "Run": asked["run"],
        "Versions": f"quotalab {versions['quotalab']}, Python {versions['python']}",
        "Files": "history.parquet, verdict.json, summary.json and latency.hdr beside this page have every "
        "request and number; manifest.json when and on what it ran",
    }
    return tuple((what, value) for what, value in rows.items() if value)


ENDED: Final = {
    "interrupted": "the replay was interrupted",
    "out of time": "the budget was used up before the replay was over",
    "not understood": "it was stopped, since too many answers matched no rule of the profile",
    "failed": "the load generator broke off",
}


def _incomplete(manifest: Data, summary: Data) -> str:
    if manifest["complete"]:
        return ""
    if lost := summary.get("lost_workers"):
        return f"the records of {len(lost)} workers are missing"
    if summary.get("dead_workers"):
        return f"{summary['dead_workers']} of the load generator's processes died"
    return ENDED.get(str(summary.get("ended")), "the run did not come to its end")
