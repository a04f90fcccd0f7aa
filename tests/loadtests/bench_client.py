"""What our client costs and how punctual it is, beside Locust's own: rows for `make bench`.

Each function returns the arguments of tests.bench.record. Every side runs in a child process of its own,
since gevent patches the process, against a server in another (quick_server.py where the generator's CPU is
measured, strange_server.py elsewhere); what is compared is CPU time of the generating process, median of
alternating runs. The machine is shared, so figures of one row belong together.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

USERS = 32
RUNS = 3
ROUNDS = 5


def rows() -> list[dict[str, Any]]:
    """All of them: under three minutes."""
    return [*cost(), *punctuality(), *stall()]


def cost(requests: int = 20_000) -> list[dict[str, Any]]:
    """CPU a request: a claim with key and JSON body; answer parsed as JSON, classified, recorded, counted."""
    import bench_others
    import quick_server

    others = bench_others.installed()
    spent: dict[str, list[float]] = {name: [] for name in ("ours", "fast", *others)}
    recorder = []
    with quick_server.running() as address, tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            mine = _child("ours", address, requests)
            spent["ours"].append(mine["cpu_us"])
            recorder.append(100 * mine["recorder_us"] / mine["cpu_us"])
            spent["fast"].append(_child("fast", address, requests)["cpu_us"])
            for name in others:
                spent[name].append(bench_others.cpu_us(name, address, requests, USERS, Path(folder)))
    for name in set(bench_others.WANTED) - set(others):
        print(f"{name} is not installed, so it is not beside the others")
    subject = "RushUser: recording, JSON, statistics"
    found = []
    for name in ("fast", *others):
        baseline = "FastHttpUser: JSON, statistics" if name == "fast" else f"{name}, for scale: status only"
        pairs = list(zip(spent["ours"], spent[name], strict=True))
        wanted = {"wanted_ratio": 4.0} if name == "fast" else {}
        row = _row("generator CPU a request", subject, baseline, requests, pairs, "cpu us")
        found.append(row | {"users": USERS} | wanted)
    shares = [(share, 5.0) for share in recorder]
    return [*found, _row("recorder's share", "two rows a request", "5 % allowed", requests, shares, "%")]


def punctuality() -> list[dict[str, Any]]:
    """Actual minus intended send time, beside the same timetable without HTTP."""
    found = []
    for name in ("poisson", "bursts"):
        with _server() as address:
            runs = [_child("open", address, name) for _ in range(RUNS)]
        for share in ("p50", "p99"):
            pairs = [(run["http"][share], run["control"][share]) for run in runs]
            subject = {"poisson": "Poisson 1,000/s", "bursts": "bursts of 1,200 in 60 ms"}[name]
            found.append(
                _row(
                    f"lateness {share}",
                    subject,
                    "no HTTP",
                    runs[0]["n"],
                    pairs,
                    "ms",
                    max=runs[0]["http"]["max"],
                )
            )
    return found


def stall() -> list[dict[str, Any]]:
    """A service that stands still for two seconds: reported p99, beside the truth from the due times."""
    found = []
    for clients in (2, 400):
        with _server() as address:
            run = _child("stall", address, clients)
        pairs = [(run["reported_ms"], run["true_ms"])]
        found.append(
            _row("p99 under a stall of 2 s", f"{clients} connections opened", "truth", run["n"], pairs, "ms")
        )
    return found


def _row(
    measure: str,
    subject: str,
    baseline: str,
    n: int,
    pairs: list[tuple[float, float]],
    unit: str,
    **more: Any,
) -> dict[str, Any]:
    return {
        "measure": measure,
        "subject": subject,
        "baseline": baseline,
        "n": n,
        "pairs": pairs,
        "unit": unit,
        **more,
    }


def _server() -> Any:
    import strange_server

    return strange_server.running()


def _child(side: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, __file__, side, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


# ---------------------------------------------------------------------- in the child


def plain_trace(due_ns: Any) -> Any:
    """A trace of first claims at these moments, of people who neither retry, hedge nor withdraw."""
    from dataclasses import replace

    import numpy as np

    from loadtests.protocol import OP
    from loadtests.trace import build
    from sim.scenario_file import load

    made = build(load("opening-day"), run="bench", scale=0.02)
    people, count = len(made.ids), len(due_ns)
    number = np.arange(count)
    return replace(
        made,
        due_ns=np.asarray(due_ns, dtype=np.int64),
        op=np.full(count, OP["claim"], dtype=np.int8),
        person=(number % people).astype(np.int32),
        chain=(number // people).astype(np.int16),
        intake=np.full(count, 2019, dtype=np.int32),
        retries=np.zeros(people, dtype=np.int8),
        hedge_ns=np.full(people, -1),
        release_ns=np.full(people, -1),
        reasons=np.zeros(people, dtype=np.int8),
    )


def ours(address: str, requests: str) -> dict[str, Any]:
    """RushUsers in a Locust environment."""
    import locust  # noqa: I001
    import time

    import numpy as np
    from locust.env import Environment

    from loadtests import profile
    from loadtests.fleet import Fleet
    from loadtests.users import RushUser
    from loadtests.worker import Worker

    class Crowd(RushUser):
        pass

    environment = Environment(user_classes=[Crowd], events=locust.events)
    runner = environment.create_local_runner()
    fleet = Fleet(environment, is_rush=True)
    environment.events.test_start._handlers.clear()  # the trace is ours, not a scenario's
    environment.quotalab = fleet
    with tempfile.TemporaryDirectory() as folder:
        fleet._alone = worker = Worker(
            plain_trace(np.zeros(int(requests))),
            profile.target("reference", base_url=address),
            folder=Path(folder),
            shard=0,
            shards=1,
            clients=USERS,
            is_rush=True,
            report=fleet.report,
        )
        runner.start(USERS, 100)
        while runner.user_count < USERS:
            time.sleep(0.01)
        begin = time.process_time()
        worker.start(time.monotonic_ns())
        worker.has_finished.wait()
        spent = time.process_time() - begin
        assert environment.stats.total.num_requests == int(requests)
        cost_us = _recorder_us(Path(folder) / "again")
        return {"cpu_us": spent / int(requests) * 1e6, "recorder_us": cost_us}


def _recorder_us(folder: Path) -> float:
    """CPU of one invocation and one completion, with what a grant has to say."""
    import time

    from loadtests.recorder import Recorder

    recorder = Recorder(folder, host="bench", worker=0, rows=20_000)
    begin = time.process_time()
    for number in range(20_000):
        row = recorder.invoke(0, number, 0, 0, 3, 1, 2)
        recorder.complete(row, 3, 0, 0, 201, None, "1", "2022-1", 1, None, None, None, None)
    spent = time.process_time() - begin
    recorder.close()
    return spent / 20_000 * 1e6


def fast(address: str, requests: str) -> dict[str, Any]:
    """The same with Locust's FastHttpUser."""
    import locust  # noqa: I001
    import time
    from itertools import count
    from uuid import UUID

    from locust import FastHttpUser, task
    from locust.env import Environment
    from locust.exception import StopUser

    left = iter(range(int(requests)))
    numbers = count()
    begin = 0.0

    class Crowd(FastHttpUser):
        host = address

        @task
        def claim(self) -> None:
            while not begin:
                time.sleep(0.01)
            if next(left, None) is None:
                raise StopUser
            number = next(numbers)
            claim = {
                "applicant": f"quotalab-bench-{number}",
                "stream": "general",
                "residence": "abroad",
                "certificate": True,
                "letter": True,
                "complete": True,
            }
            headers = {"Idempotency-Key": f'"{UUID(int=number)}"', "Content-Type": "application/json"}
            answer = self.client.post("/quotas/2019/claims", data=json.dumps(claim), headers=headers)
            assert answer.json()["status"] == "granted"

    environment = Environment(user_classes=[Crowd], events=locust.events)
    runner = environment.create_local_runner()
    runner.start(USERS, 100)
    while runner.user_count < USERS:
        time.sleep(0.01)
    begin = time.process_time()
    while environment.stats.total.num_requests < int(requests):
        time.sleep(0.02)
    return {"cpu_us": (time.process_time() - begin) / int(requests) * 1e6}


def _moments(name: str) -> Any:
    import numpy as np

    luck = np.random.default_rng(7)
    if name == "poisson":
        return np.cumsum(luck.exponential(1e6, 8_000)).astype(np.int64)
    burst = np.sort(luck.uniform(0, 60e6, (6, 1_200)), axis=1) + np.arange(6)[:, None] * 1e9
    return burst.ravel().astype(np.int64)


def played(
    address: str, due_ns: Any, clients: int, folder: Path, during: Any = None
) -> tuple[Any, list[Any]]:
    """Play claims at these moments; the worker, and what was reported of each."""
    import time

    import gevent

    from loadtests import profile
    from loadtests.worker import Worker

    done: list[Any] = []
    worker = Worker(
        plain_trace(due_ns),
        profile.target("reference", base_url=address),
        folder=folder,
        shard=0,
        shards=1,
        clients=clients,
        is_rush=False,
        report=done.append,
    )
    start_ns = time.monotonic_ns() + 300_000_000
    worker.start(start_ns)
    if during is not None:
        gevent.spawn_later(0.3 + 3.0, during)
    worker.has_finished.wait()
    return worker, done


def spread(lateness_ns: Any) -> dict[str, float]:
    """Median, p99 and the worst, in ms."""
    import numpy as np

    late = np.asarray(lateness_ns) / 1e6
    return {
        "p50": float(np.quantile(late, 0.5)),
        "p99": float(np.quantile(late, 0.99)),
        "max": float(late.max()),
    }


def open(address: str, name: str) -> dict[str, Any]:
    """Open loop with HTTP, then the same moments with nothing but the pacing."""
    import time

    import gevent

    from loadtests.pacing import Conductor, alarm

    due_ns = _moments(name)
    with tempfile.TemporaryDirectory() as folder:
        worker, _ = played(address, due_ns, 256 if name == "poisson" else 1_200, Path(folder))
        http = spread(worker.tally.lateness)
    gevent.sleep(0.2)
    late: list[int] = []
    start_ns = time.monotonic_ns() + 300_000_000
    items = ((start_ns + each, start_ns + each) for each in due_ns.tolist())
    Conductor(items, lambda due: late.append(time.monotonic_ns() - due)).run(alarm())
    return {"n": len(due_ns), "http": http, "control": spread(late)}


def stalled(address: str, clients: str) -> dict[str, Any]:
    """Poisson 300/s for eight seconds; after three the service stands still for two."""
    import numpy as np
    from strange_server import stand_still

    due_ns = np.cumsum(np.random.default_rng(8).exponential(1e9 / 300, 2_400)).astype(np.int64)
    window: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        _, done = played(
            address, due_ns, int(clients), Path(folder), lambda: window.extend(stand_still(address, 2.0))
        )
    begins, ends = window
    due = np.array([each.due_ns for each in done])
    reported = np.array([each.completed_ns - each.due_ns for each in done]) / 1e6
    true = np.where((due >= begins) & (due < ends), ends - due, 0) / 1e6
    return {
        "n": len(due),
        "reported_ms": float(np.quantile(reported, 0.99)),
        "true_ms": float(np.quantile(true, 0.99)),
    }


if __name__ == "__main__":
    if len(sys.argv) == 1:
        for each in rows():
            print(json.dumps(each))
    else:
        sides = {"ours": ours, "fast": fast, "open": open, "stall": stalled}
        print(json.dumps(sides[sys.argv[1]](*sys.argv[2:])))
