"""Many short load tests of the same key sent twice at once, against one correct service that is kept running.

`python -m tests.hedges 1 50 --out FOLDER` makes those with the seeds 1 to 50. Each is what `quotalab load
last-slots --scale 0.05` makes: the scenario's people with luck of their own, the reference service over HTTP,
every request recorded by the worker that Locust runs, what is unknown asked again, the audit, all checks.
Only what costs seconds and decides nothing is left out: the service is started once and reset between two
runs, the worker plays in this process instead of in a child of Locust's, and the minute of the scenario is
told in a second or less, by a pace that changes from batch to batch.

Where two sends under one key are under way at once a verdict is hardest to reach. None may stay UNKNOWN. The
folder of a run that is not VALID is kept.
"""

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from loadtests import load, signs
from loadtests.history import History
from loadtests.load import Loaded, Watcher
from loadtests.loading import folder as folders
from loadtests.loading.plan import Options, Plan, plan
from loadtests.loading.replay import Replayed
from loadtests.loading.service import Service, _administer, service, set_clock
from loadtests.verdict import EXIT_CODES, WEIGHT
from loadtests.worker import Worker, with_variables

SCENARIO: Final = "last-slots"
SCALE: Final = 0.05
PACES: Final = (30.0, 60.0, 120.0, 240.0)
"""How many times faster than the scenario; the faster, the more is under way at once."""
AHEAD_S: Final = 0.1
"""From the word to start to the first due time."""


def played(made: Plan, answering: Service, folder: Path, _told: object) -> Replayed:
    """The replay, by a worker of this process."""
    target = with_variables(answering.target, answering.asker.variables)
    clients = int(made.trace.traffic.clients.value)
    about = {"folder": folder / "history", "shard": 0, "shards": 1, "clients": clients, "is_rush": False}
    worker = Worker(made.trace, target, report=lambda done: None, **about)
    start_ns = time.monotonic_ns() + int(AHEAD_S * 1e9)
    signs.begins(folder, start_ns=start_ns, shards=1)
    set_clock(answering, made.trace, starts_in_s=(start_ns - time.monotonic_ns()) / 1e9)
    worker.start(start_ns)
    worker.has_finished.wait()
    worker.close()
    if worker.failure is not None:
        raise worker.failure
    return Replayed("over", 0, "")


@contextmanager
def playing_here() -> Iterator[None]:
    """While it lasts, load tests are replayed in this process."""
    before, load.replay = load.replay, played
    try:
        yield
    finally:
        load.replay = before


def one(answering: Service, made: Plan) -> Loaded:
    """A load test against a service that has forgotten everything before."""
    _administer(answering, "DELETE", "/quotas", None)
    before = load.ready(answering, made)
    folder = folders.begin(made)
    quiet = Watcher(lambda line: None, lambda progress: None)
    loaded = load.against(answering, made, folder.path, before, quiet, begun=time.monotonic())
    folders.finish(folder, is_complete=loaded.came_to_its_end)
    return loaded


def at_once(history: History) -> int:
    """How many sends began while another one under their key had no answer yet."""
    which = np.flatnonzero(history.is_op("claim"))
    people, keys = history.coded("applicant").codes[which], history.coded("key").codes[which]
    order = np.lexsort((history["invoked_ns"][which], keys, people))
    rows = which[order]
    same = (np.diff(people[order]) == 0) & (np.diff(keys[order]) == 0)
    return int((same & (history["invoked_ns"][rows[1:]] <= history["completed_ns"][rows[:-1]])).sum())


def batch(first: int, last: int, folder: Path, *, fault: str | None = None) -> dict[str, Any]:
    """The runs of these seeds, and what they came to."""
    pace = PACES[(first // max(1, last - first + 1)) % len(PACES)]
    options = Options(SCENARIO, scale=SCALE, compress=pace, seed=first, fault=fault)
    verdicts: Counter[str] = Counter()
    kept: list[str] = []
    operations = pairs = 0
    with service(plan(options), folder) as answering, playing_here():
        for seed in range(first, last + 1):
            path = folder / f"{seed:04}"
            loaded = one(answering, plan(replace(options, seed=seed, out=path)))
            verdicts[loaded.verdict.judgement] += 1
            operations += len(loaded.history)
            pairs += at_once(loaded.history)
            if loaded.verdict.judgement == "VALID":
                shutil.rmtree(path)
            else:
                kept.append(path.name)
    worst = max(verdicts, key=WEIGHT.__getitem__)
    counts = {"runs": last - first + 1, "verdicts": dict(verdicts), "operations": operations}
    return {"verdict": worst, **counts, "pairs_at_once": pairs, "pace": pace, "kept": kept}


def main(arguments: list[str]) -> int:
    """One batch; the exit code of its worst verdict."""
    asked = argparse.ArgumentParser(prog="python -m tests.hedges", description=__doc__.splitlines()[0])
    asked.add_argument("first", type=int, help="the first seed")
    asked.add_argument("last", type=int, help="the last seed")
    asked.add_argument("--out", type=Path, required=True, help="a folder for what is kept")
    given = asked.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    found = batch(given.first, given.last, given.out)
    (given.out / "summary.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found))
    return EXIT_CODES[found["verdict"]]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
