"""What a verdict costs with its columns on disk, beside the same in memory: CPU seconds, and memory that is
not the kernel's to take back, over what the process began with.

One process a way, which has judged a small history before, so that compiling is not counted. `RssAnon` is
looked at a hundred times a second; pages of the file are not in it.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from loadtests.history import write
from tests.large_histories import Crowd, crowded

CROWD = Crowd(reads=0.01, retries=0.05, unknown=0.002)
JUDGE = """
import json, sys, threading, time
from pathlib import Path
from loadtests.checking import check
from loadtests.spilling import room
small, large, memory = sys.argv[1:]
room.BASE = 0
check(small, memory=10**15 if memory == "all" else 10**6)
def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
begun, most = anonymous(), 0
def watch():
    global most
    while True:
        most = max(most, anonymous())
        time.sleep(0.01)
threading.Thread(target=watch, daemon=True).start()
a = time.process_time()
verdict = check(large, memory=10**15 if memory == "all" else memory)
print(json.dumps({"cpu_s": time.process_time() - a, "gigabytes": (most - begun) / 1e9,
    "verdict": verdict.judgement,
    "says": [each.says for each in verdict.findings if each.check == "memory"]}))
"""


def measured(operations: int) -> dict[str, dict[str, Any]]:
    """What all checks of a history with people, keys and slots took `in memory` and `on disk`."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("small.parquet", "large.parquet")]
        for file, size in zip(files, (5_000, operations), strict=True):
            write(crowded(np.random.default_rng(1), _sized(size)), file)
        ways = {"in memory": "all", "on disk": f"{operations * 100}"}
        return {way: _judged(*files, memory) for way, memory in ways.items()}


def _sized(operations: int) -> Crowd:
    return Crowd(operations, reads=CROWD.reads, retries=CROWD.retries, unknown=CROWD.unknown)


def _judged(small: Path, large: Path, memory: str) -> dict[str, Any]:
    words = [sys.executable, "-c", JUDGE, str(small), str(large), memory]
    asked = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(asked.stdout)
    return found
