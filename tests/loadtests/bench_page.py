"""What the page of a load test costs, for a history of many operations that was judged when it was made."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from loadtests import checking, latency
from loadtests.history import NEVER, History, write
from loadtests.loading.folder import write_json
from loadtests.showing import verdict as show_verdict
from sim import results
from tests.large_histories import Crowd, crowded

CROWD = {"releases": 0.05, "reads": 0.01, "unknown": 0.002, "retries": 0.02}
STRETCH = 60
"""A crowd does an operation a microsecond; so many times slower it is a minute for a million."""
SHOW = """
import json, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
a = time.process_time()
from loadtests import report
report.write(folder)
b = time.process_time()
from loadtests.history import read
h = read(folder / "history.parquet")
for name in ("op", "invoked_ns", "completed_ns", "due_ns", "answer", "result"): h[name]
c = time.process_time()
print(json.dumps({"page": b - a, "read": c - b, "bytes": (folder / "report.html").stat().st_size}))
"""


def measured(operations: int) -> dict[str, Any]:
    """CPU seconds of the page in a process of its own, imports included, and of reading; its size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "run")
        _left(folder, operations)
        asked = subprocess.run(
            [sys.executable, "-c", SHOW, str(folder)], capture_output=True, text=True, check=True
        )
        found: dict[str, Any] = json.loads(asked.stdout)
        return found


def _left(folder: Path, operations: int) -> None:
    """What a load test leaves, as far as its page is made of it."""
    crowd = crowded(np.random.default_rng(1), Crowd(operations=operations, **CROWD))
    columns = dict(crowd.columns)
    for name in ("due_ns", "invoked_ns", "completed_ns"):
        columns[name] = np.where(columns[name] < NEVER, columns[name] * STRETCH, NEVER)
    history = History(crowd.header, columns)
    question = {"target": "reference:sqlite", "workers": 1, "run": "bench"}
    made = results.begin(
        folder, source="crowd", text="", settings={}, policy="first-come", seed=1, question=question
    )
    write(history, folder / "history.parquet")
    verdict = checking.judged(history)
    write_json(folder / "verdict.json", show_verdict.as_plain(verdict, history))
    latency.write(folder / "latency.hdr", latency.latencies(history))
    write_json(folder / results.MANIFEST, made.manifest | {"complete": True})
