"""A run judged again, with the record of a worker that could not send it: `quotalab load-merge`."""

import json
from dataclasses import replace
from pathlib import Path

from loadtests import latency, profile, report, shipping
from loadtests import verdict as verdicts
from loadtests.history import AUDIT, HARNESS, History, read, write
from loadtests.loading import folder as folders
from loadtests.loading import judging, lost
from loadtests.loading.plan import REFERENCE
from loadtests.showing import verdict as show_verdict
from loadtests.trace import Trace
from loadtests.verdict import Verdict
from sim import results, scenario_file
from sim.errors import complaint


def merge(run: Path, records: tuple[Path, ...]) -> tuple[History, Verdict]:
    """Bring records of workers into a run's folder, and judge the run by all that is there."""
    manifest, summary = results.read(run)
    if not (run / "trace.npz").is_file() or not (run / "history.parquet").is_file():
        raise complaint("this is not the folder of a load test", file=str(run))
    trace = Trace.load(run / "trace.npz")
    for record in records:
        _bring(run, record, trace.run)
    before = read(run / "history.parquet")
    is_whole = (summary or {}).get("ended") == "over" and not lost.supposed(run / "history")
    header = replace(before.header, complete=is_whole)
    history = judging.with_rows(judging.merged(run / "history", trace, header), _audit_of(before))
    target = str(manifest["question"]["target"])
    target = REFERENCE if target.startswith(REFERENCE + ":") else target
    scenario = scenario_file.load(run / "scenario.toml") if (run / "scenario.toml").is_file() else None
    verdict = judging.verdict(history, trace, profile.target(target), scenario=scenario)
    _keep(run, history, verdict, summary or {}, manifest, is_whole)
    return history, verdict


def _bring(run: Path, record: Path, name: str) -> None:
    """Copy one worker's files; BadInput if they are of another run, or none."""
    folder = record / "history" if (record / "history").is_dir() else record
    files = shipping.sizes(folder) if folder.is_dir() else {}
    if not files:
        raise complaint("there is no record of a worker", file=str(record), expected="its run folder")
    if (record / "trace.npz").is_file() and (other := Trace.load(record / "trace.npz").run) != name:
        raise complaint(f"this record is of run {other}, not of {name}", file=str(record))
    for piece in shipping.pieces(folder, files):
        shipping.put(run / "history", piece)
    shipping.arrived(run / "history", files)
    for about in folder.glob("*.json"):
        lost.forget(run / "history", int(json.loads(about.read_text("utf-8"))["worker"]))


def _audit_of(before: History) -> list[dict[str, object]]:
    """What the service said of itself after the run; it is asked only once."""
    notes = before["note"]
    mine = (before["host"] == HARNESS).nonzero()[0].tolist()
    is_hold = before.is_op("hold")
    chosen = [row for row in mine if is_hold[row] or (notes[row] or "").startswith(AUDIT)]
    return [{name: value for name, value in row.items() if name != "index"} for row in before.rows(chosen)]


def _keep(
    run: Path, history: History, verdict: Verdict, summary: dict[str, object], manifest: dict[str, object],
    is_whole: bool,
) -> None:  # fmt: skip
    """The run's files, as they are now."""
    write(history, run / "history.parquet")
    found = latency.latencies(history)
    latency.write(run / "latency.hdr", found)
    folders.write_json(run / "verdict.json", show_verdict.as_plain(verdict, history))
    judging.draw(run, history, verdict)
    told = {
        "operations": len(history),
        "lost_workers": lost.supposed(run / "history"),
        "outcomes": {each.outcome: each.count for each in found[1:]},
        "latencies": [each.as_plain() for each in found],
        "exit_code": verdict.exit_code,
    }
    folders.write_json(run / "summary.json", summary | told | verdicts.as_plain(verdict, history))
    folders.finish(results.RunFolder(run, manifest), is_complete=is_whole)
    report.write(run)
