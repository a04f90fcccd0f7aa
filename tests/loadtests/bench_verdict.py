"""What a verdict costs, from the file to the replayed order: CPU seconds and memory, beside mere reading.

Each history is made and written by one process and judged by another, which has judged a smaller one before,
large enough for compiled loops, so that compiling is not counted. Memory is the peak of the judge alone: the
system's own figure of it (ru_maxrss) begins with that of the process which started the judge.

`bare` histories have no applicants, keys or slots: claims, refusals and readings of one counter. The others
have all of it, which is the whole object.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.history import History, write
from tests.large_histories import FRAGMENTS, Crowd, crowded

EVERYTHING = "5 % releases, 1 % reads, 0.2 % unanswered, whole object"
CROWDS: dict[str, tuple[Crowd, bool]] = {
    "claims and refusals alone": (FRAGMENTS["claims"], True),
    "claims with keys and slots": (FRAGMENTS["claims"], False),
    EVERYTHING: (
        Crowd(releases=0.05, reads=0.01, unknown=0.002, retries=0.02),
        False,
    ),
}
WARM = 20_000
"""Operations of the smaller one: more than are judged by plain loops."""
JUDGE = """
import json, sys, time
from pathlib import Path
from loadtests.checks import linearizability
from loadtests.history import read
linearizability.check(read(Path(sys.argv[1])))
def cpu(): return time.process_time()
a = cpu(); h = read(Path(sys.argv[2])); h["op"]; h["invoked_ns"]; h["completed_ns"]; h["answer"]; h["result"]
b = cpu()
del h
found = linearizability.check(read(Path(sys.argv[2])))
c = cpu()
[peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(json.dumps({"read": b - a, "judge": c - b, "verdict": found[0].judgement,
    "gigabytes": int(peak) * 1024 / 1e9}))
"""


def measured(
    operations: int, in_flight: int, *, only: Collection[str] = tuple(CROWDS)
) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each kind of history, or some: its name, and what judging a file of it took."""
    with tempfile.TemporaryDirectory() as folder:
        for name in only:
            crowd, is_bare = CROWDS[name]
            small, large = Path(folder, "small.parquet"), Path(folder, "large.parquet")
            _made(small, replace(crowd, operations=WARM, in_flight=in_flight), is_bare)
            _made(large, replace(crowd, operations=operations, in_flight=in_flight), is_bare)
            asked = subprocess.run(
                [sys.executable, "-c", JUDGE, str(small), str(large)],
                capture_output=True,
                text=True,
                check=True,
            )
            yield name, json.loads(asked.stdout)


def _made(path: Path, crowd: Crowd, is_bare: bool) -> None:
    history = crowded(np.random.default_rng(1), crowd)
    if is_bare:
        columns = {name: history[name] for name in _KEPT}
        columns["completed_ns"] = columns["completed_ns"] + _told_apart(columns["invoked_ns"])
        history = History(history.header, columns)
    write(history, path)


def _told_apart(invoked_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """A nanosecond more for each request before it that was sent in the same one.

    Of ten million nameless requests a few would else be the same in everything, which a record may not be.
    """
    order = np.argsort(invoked_ns, kind="stable")
    first = np.searchsorted(invoked_ns[order], invoked_ns[order])
    more = np.empty(len(order), dtype=np.int64)
    more[order] = np.arange(len(order)) - first
    return more


_KEPT = ("intake", "op", "invoked_ns", "completed_ns", "result", "answer", "value", "cap")
