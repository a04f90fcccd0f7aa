"""What a run left behind, as a history: the merged one of its folder, or its workers' records merged now.

`quotalab load` reads the service before the run and after it, and leaves `history.parquet`. A run of Locust
alone (`locust -f loadtests/locustfile.py`) leaves its trace and its workers' records. They are judged as if
nothing had been taken before; what is INVALID by that, and is not when nobody knows what had been taken, is
UNKNOWN. There was no audit, so none is asked for.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadtests import signs
from loadtests.header import Initial
from loadtests.history import History
from loadtests.verdict import Finding, Verdict, verdict_of
from sim.errors import complaint
from sim.run_folders.locating import LAST, RUNS, locate

HISTORY: Final = "history.parquet"
RECORDS: Final = "history"
TRACE: Final = "trace.npz"
MEND: Final = "let quotalab load make the run: it reads the service before and after"


def is_run(path: Path) -> bool:
    """Whether a run is meant, and not a file: by its folder, its name, the beginning of it, or `last`."""
    if path.exists():
        return path.is_dir()
    return str(path) == LAST or (not path.suffix and len(path.parts) == 1)


def folder_of(path: Path) -> Path:
    """The folder of the run that is meant; BadInput if there is none, or it left no history."""
    named = next((each for each in (path, RUNS / path) if _is_left(each)), None)
    folder = named or locate(path)
    if not _is_left(folder):
        expected = f"{HISTORY}, or {TRACE} and the records of workers in {RECORDS}/"
        raise complaint("this run left no history", file=str(folder), expected=expected)
    return folder


def _is_left(folder: Path) -> bool:
    return (folder / HISTORY).is_file() or ((folder / TRACE).is_file() and (folder / RECORDS).is_dir())


def is_merged(folder: Path) -> bool:
    """Whether its workers' records are one history already."""
    return (folder / HISTORY).is_file()


def merged(folder: Path) -> History:
    """The workers' records as one history, complete if all of the trace is in it."""
    from loadtests.loading import judging  # brings the whole of a scenario with it
    from loadtests.recorder import left_in
    from loadtests.trace import Trace

    records = folder / RECORDS
    try:
        trace = Trace.load(folder / TRACE)
        left = left_in(records, with_rows=False)
        caps = {cap.name: cap for intake in trace.intakes for cap in intake.caps}
        header = judging.header_of(trace, caps=tuple(caps.values()))
        history = judging.merged(records, trace, header)
        sent, planned = judging.begun(history, trace)
        start = signs.started(folder)
    except (OSError, ValueError, KeyError, IndexError, TypeError, json.JSONDecodeError) as error:
        what = f"the workers' records cannot be read: {error or type(error).__name__}"
        raise complaint(what, file=str(records), mend="restore the folder, or run it again") from error
    missing = 0 if start is None else start.shards - len({each.worker for each in left})
    if missing > 0 or not left:
        what = f"the records of {missing or 'all'} of {start.shards if start else 'the'} workers are not here"
        raise complaint(what, file=str(records), mend="copy their files into this folder")
    is_complete = all(each.is_closed for each in left) and sent >= planned
    return replace(history, header=replace(history.header, complete=is_complete))


def judged(history: History, judge: Callable[[History], Verdict]) -> Verdict:
    """The verdict on a run of which nobody knows what had been taken before."""
    verdict = judge(history)
    if verdict.judgement != "INVALID":
        return verdict
    unread = replace(history, header=replace(history.header, initial=Initial({}, None)))
    if (without := judge(unread)).judgement == "INVALID":
        return without
    return verdict_of([_doubted(each) for each in verdict.findings])


def _doubted(finding: Finding) -> Finding:
    if finding.judgement != "INVALID":
        return finding
    says = f"{finding.says}, or something had been taken before the run, which nobody read"
    return replace(finding, judgement="UNKNOWN", says=says, anomaly="", mend=MEND)
