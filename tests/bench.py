"""What the engine costs, beside what it replaces: `make bench`, both sides in one go.

Every measurement appends one row to results/benchmarks.jsonl; ratio = baseline_value / value, so above 1 is
better. CPU time of this process is compared, medians of alternating runs, because the machine is shared.
The naive model (tests/naive.py) is what a competent SimPy user would write for the same people: a process for
every applicant. Ciw is asked for the part that it can express: files, officers, first in, first out.
"""

import argparse
import datetime
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "results" / "benchmarks.jsonl"
MECHANISMS = (
    "offices are processes and applicants are rows; wake only when something can change; one sort a "
    "replication; window-wise vector claims; officers as a heap in working time; people outside the "
    "programme's scope are settled, not simulated"
)


def record(
    measure: str,
    subject: str,
    baseline: str,
    n: int,
    pairs: list[tuple[float, float]],
    unit: str,
    **more: Any,
) -> None:
    """Append one row for paired (value, baseline value) runs, and print it."""
    value, baseline_value = (statistics.median(side) for side in zip(*pairs, strict=True))
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    row = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _commit(),
        "machine": f"{system}, Python {platform.python_version()}",
        "measure": measure,
        "subject": subject,
        "baseline": baseline,
        "n": n,
        "value": round(value, 6),
        "baseline_value": round(baseline_value, 6),
        "unit": unit,
        "ratio": round(baseline_value / value, 3),
        "runs": len(pairs),
        **more,
    }
    with ROWS.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(
        f"{measure}: {subject} {value:.4g} {unit}; {baseline} {baseline_value:.4g} {unit}; "
        f"ratio {row['ratio']:g}",
        flush=True,
    )


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True
    )
    return asked.stdout.strip() or "unknown"


def cpu(work: Callable[[], Any]) -> float:
    """CPU seconds of one call, collections of garbage included."""
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def flagship(applicants: int, *, in_scope: bool = False) -> Any:
    """imp-plus with demand scaled to about so many people, or so many who may get a slot at all."""
    from sim.people import settle
    from sim.population import draw
    from sim.scenario_file import load, replaced

    scenario = load("imp-plus")
    people = settle(scenario, draw(scenario, 0))
    count = int(people.in_scope.sum()) if in_scope else len(people)
    return replaced(scenario, {"demand.multiple": applicants / count})


def whole(scenario: Any, *, fast: bool = False) -> Callable[[], Any]:
    """One replication from the seed to the outcome, sampling included."""
    from sim.people import settle
    from sim.population import draw
    from sim.programme import prepare, simulate

    policy = scenario.policy(scenario.baseline)
    return lambda: simulate(prepare(scenario, settle(scenario, draw(scenario, 0))), policy, fast=fast)


def against_naive(applicants: int, rounds: int, *, in_scope: bool = False) -> None:
    """The flagship: ours with sampling, against the naive model on people already drawn."""
    from sim.people import settle
    from sim.population import draw
    from tests import naive

    scenario = flagship(applicants, in_scope=in_scope)
    people = settle(scenario, draw(scenario, 0))
    policy = scenario.policy(scenario.baseline)
    flavours = {"plain": whole(scenario), "compiled": whole(scenario, fast=True)}
    for work in flavours.values():
        work()
    ours: dict[str, list[float]] = {name: [] for name in flavours}
    theirs = []
    for _ in range(rounds):
        theirs.append(cpu(lambda: naive.simulate(scenario, people, policy)))
        for name, work in flavours.items():
            ours[name].append(statistics.median(cpu(work) for _ in range(5)))
    gc.disable()
    without_gc = cpu(lambda: naive.simulate(scenario, people, policy))
    gc.enable()
    for name in flavours:
        record(
            "flagship replication, " + (f"{applicants} in scope" if in_scope else f"{applicants} people"),
            f"engine, {name}, sampling included",
            "naive SimPy, one process an applicant, sampling not included",
            len(people),
            list(zip(ours[name], theirs, strict=True)),
            "cpu s",
            mechanisms=MECHANISMS + ("; numba for the officers" if name == "compiled" else ""),
            in_scope=int(people.in_scope.sum()),
            baseline_without_garbage_collection=round(without_gc, 3),
        )


def coupled() -> None:
    """The event loop of coupled rules, compiled against plain, on people already drawn."""
    from sim.people import settle
    from sim.population import draw
    from sim.programme import prepare, simulate

    scenario = flagship(66_000)
    prepared = prepare(scenario, settle(scenario, draw(scenario, 0)))
    policy = scenario.policy(scenario.baseline)
    simulate(prepared, policy, fast=True, loop=True)
    pairs = [
        (
            cpu(lambda: simulate(prepared, policy, fast=True, loop=True)),
            cpu(lambda: simulate(prepared, policy, loop=True)),
        )
        for _ in range(5)
    ]
    record("event loop", "compiled", "plain", len(prepared.people), pairs, "cpu s")


def flat_cost(sizes: tuple[int, ...]) -> None:
    """Microseconds an applicant, from the smallest to the largest size."""
    costs = {}
    for size in sizes:
        scenario = flagship(size)
        work = whole(scenario)
        work()
        costs[size] = statistics.median(cpu(work) for _ in range(5 if size < 1_000_000 else 3)) / size * 1e6
    for size in sizes[1:]:
        pair = (costs[size], costs[sizes[0]])
        record("cost an applicant", f"{size} applicants", f"{sizes[0]} applicants", size, [pair], "cpu us")


def memory(applicants: int) -> None:
    """Peak resident memory that simulating so many people adds to a process that has imported the engine."""
    code = (
        "import re, sys\n"
        "from tests.bench import flagship, whole\n"
        "import sim.programme, sim.population\n"
        "scenario = flagship(12_000) if sys.argv[1] == '0' else flagship(int(sys.argv[1]))\n"
        "whole(scenario)() if sys.argv[1] != '0' else None\n"
        "status = open('/proc/self/status').read()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) / 1024)\n"
    )

    def peak(count: int) -> float:
        ran = subprocess.run(
            [sys.executable, "-c", code, str(count)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return float(ran.stdout)

    base = peak(0)
    peaks = [peak(applicants) for _ in range(3)]
    record(
        "memory",
        "engine, sampling included, above imports",
        "350 MB allowed",
        applicants,
        [(each - base, 350.0) for each in peaks],
        "MB",
        whole_process=round(statistics.median(peaks), 1),
    )


def against_ciw(files: int) -> None:
    """Files that arrive at given times, ten officers, given service times: our queue against Ciw's."""
    import ciw

    from sim.engine.flavours import PLAIN, compiled

    luck = np.random.default_rng(1)
    gaps = luck.exponential(1.0, files)
    service = luck.lognormal(2.2, 0.5, files) * 0.9
    ready = np.cumsum(gaps)
    unit = 1_000_000  # our times are whole: microunits
    ready_w, service_w = np.rint(ready * unit).astype(np.int64), np.rint(service * unit).astype(np.int64)
    never = np.full(files, 2**62)

    def ours(flavour: Any) -> np.ndarray[Any, Any]:
        free = flavour.heap()
        for _ in range(10):
            free.append(0)
        starts = flavour.sequence(np.empty(files, dtype=np.int64))
        flavour.officers(*(flavour.sequence(each) for each in (ready_w, never, service_w)), free, starts)
        return np.asarray(starts)

    def theirs() -> list[float]:
        network = ciw.create_network(
            arrival_distributions=[ciw.dists.Sequential([*gaps.tolist(), float("inf")])],
            service_distributions=[ciw.dists.Sequential(service.tolist())],
            number_of_servers=[10],
        )
        run = ciw.Simulation(network)
        run.simulate_until_max_customers(files, method="Finish")
        return sorted(each.service_start_date for each in run.get_all_records())

    compared = np.abs(np.sort(ours(PLAIN)) / unit - np.array(theirs())).max()
    assert compared < 0.01, f"the two queues differ by {compared}"
    for name, flavour in (("plain", PLAIN), ("compiled", compiled())):
        ours(flavour)
        pairs = [(cpu(lambda flavour=flavour: ours(flavour)), cpu(theirs)) for _ in range(3)]
        record("officers' queue", f"officers kernel, {name}", "Ciw, one node", files, pairs, "cpu s")


def against_locust() -> None:
    """The load generator beside Locust's own client, its punctuality, and what it reports of a stall."""
    from tests.loadtests import bench_client

    for row in bench_client.rows():
        record(**row)


def grants() -> None:
    """What a grant costs on disk, many a commit beside one a commit."""
    from tests.loadtests import bench_stores

    for row in bench_stores.rows():
        record(**row)


def verdicts(operations: int, in_flight: int, *, is_whole: bool = False) -> None:
    """The exact verdict on a file, its order replayed, beside mere reading of the times and answers.

    `is_whole`: of the whole object alone.
    """
    from tests.loadtests.bench_verdict import CROWDS, EVERYTHING, measured

    only = (EVERYTHING,) if is_whole else tuple(CROWDS)
    for name, took in measured(operations, in_flight, only=only):
        record(
            f"verdict on {operations:,} operations, {in_flight:,} in flight",
            f"{name}: {took['verdict']}",
            "reading the file",
            operations,
            [(took["judge"], took["read"])],
            "s",
            gigabytes=round(took["gigabytes"], 2),
        )


def verdict_on_disk(operations: int) -> None:
    """All checks with the columns on disk, beside the same in memory."""
    from tests.loadtests.bench_spilling import measured

    found = measured(operations)
    there, here = found["on disk"], found["in memory"]
    assert there["says"], found
    assert not here["says"], found
    record(
        f"verdict on {operations:,} operations, columns on disk",
        f"all checks, claims with keys and slots: {there['verdict']}",
        "columns in memory",
        operations,
        [(there["cpu_s"], here["cpu_s"])],
        "s",
        gigabytes=round(there["gigabytes"], 2),
        gigabytes_in_memory=round(here["gigabytes"], 2),
    )


def page_of_load(operations: int) -> None:
    """The page of a history that was judged already, file to file, beside mere reading of its columns."""
    from tests.loadtests.bench_page import measured

    found = [measured(operations) for _ in range(3)]
    for each in found:
        assert each["bytes"] < 2_000_000, each
    record(
        "CPU seconds of a page",
        "the page of a load test, from its folder to HTML",
        "reading its columns",
        operations,
        [(each["page"], each["read"]) for each in found],
        "s CPU",
        bytes=found[0]["bytes"],
    )


def exploring(name: str) -> None:
    """Fifty caps on the same people, the best of them, and what workers add."""
    from tests.sim import bench_exploring

    rows: dict[str, Callable[[], Any]] = {
        "sweep": bench_exploring.sweep_rows,
        "best": bench_exploring.best_rows,
        "parallel": bench_exploring.parallel_rows,
    }
    for row in rows[name]():
        record(**row)


def page_of_comparison(replications: int) -> None:
    """The page of eight policies, from its folder to HTML, beside mere reading of the folder."""
    from tests.reporting.bench_page import measured

    found = measured(replications, 3)
    for each in found:
        assert each["bytes"] < 2_000_000, each
    record(
        "CPU seconds of a page",
        "the page of a comparison of eight policies, from its folder to HTML",
        "reading its summary and curves",
        replications,
        [(each["page"], each["read"]) for each in found],
        "s CPU",
        bytes=found[0]["bytes"],
    )


def main() -> None:
    """Run every benchmark, or the named ones."""
    benchmarks: dict[str, Callable[[], None]] = {
        "naive": lambda: against_naive(120_000, 3),
        "naive-in-scope": lambda: against_naive(120_000, 1, in_scope=True),
        "coupled": coupled,
        "flat": lambda: flat_cost((12_000, 120_000, 1_200_000)),
        "memory": lambda: memory(1_200_000),
        "ciw": lambda: against_ciw(20_000),
        "locust": against_locust,
        "grants": grants,
        "page-compare": lambda: page_of_comparison(100),
        "page-load": lambda: page_of_load(1_000_000),
        **{name: lambda name=name: exploring(name) for name in ("sweep", "best", "parallel")},  # type: ignore[misc]
        "verdicts": lambda: verdicts(1_000_000, 100),
        "verdicts-crowded": lambda: verdicts(1_000_000, 1_000),
        "verdicts-large": lambda: verdicts(10_000_000, 100),
        "verdicts-on-disk": lambda: verdict_on_disk(4_000_000),
        "verdicts-large-crowded": lambda: verdicts(10_000_000, 1_000, is_whole=True),
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[*benchmarks, []], help="which ones; all if none is named"
    )
    for name in parser.parse_args().names or benchmarks:
        benchmarks[name]()


if __name__ == "__main__":
    main()
