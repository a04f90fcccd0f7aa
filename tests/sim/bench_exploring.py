"""What exploring costs: fifty caps on the same people, the best of them, and what workers add.

The workload is W1: five years, a yearly cap, first come first served without letters, everybody outside
Quebec, so that all of so many people take part. The other side is the naive model (tests/naive.py), a process
a person, which has to simulate every cap of every replication anew; it is run for some of these cells only,
drawn at random, and its row says so.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sim.exploring import best, points
from sim.exploring.points import Point
from sim.exploring.race import Agreed
from sim.exploring.wanted import Difference, Objective
from sim.people import settle
from sim.policy import Invite, Policy
from sim.population import draw
from sim.scenario import Scenario
from sim.scenario_file import load, replaced
from sim.studying.blocks import Crew, cores
from tests import naive

CAPS, REPLICATIONS, CELLS = 50, 40, 20
OPEN = "open"
MEASURES = ("grants", "days_to_cap/2022", "days_to_cap/2023", "cap_reached/2022", "unused_slots")
MECHANISMS = (
    "people drawn, settled and sorted once a replication for all caps; only the luck that claims rest on; "
    "everyone's first claim sorted once; a cap is a cut through each year's claims, and those who come again "
    "are merged in"
)


def workload(applicants: int) -> Scenario:
    """W1 with about so many applicants."""
    scenario = load("imp-plus")
    outside = {"residence.abroad": 1.0, "residence.other_province": 0.0, "residence.quebec": 0.0}
    outside |= {"demand.backlog_quebec": 0.0}
    scenario = replaced(scenario, outside)
    policies = {OPEN: Policy(invite=Invite(by="open"))}
    scenario = scenario.model_copy(update={"policies": policies, "baseline": OPEN})
    count = int(settle(scenario, draw(scenario, 0)).in_scope.sum())
    return replaced(scenario, {"demand.multiple": applicants / count})


def caps(scenario: Scenario, applicants: int) -> list[Point]:
    """Fifty caps, the same in every year, from one that is soon reached to one that never is."""
    most = applicants // 3
    years = [intake.year for intake in scenario.intake]
    return [
        Point(tuple((f"intake.{year}.cap", most * (k + 1) // CAPS) for year in years), OPEN)
        for k in range(CAPS)
    ]


def cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def crew() -> Crew:
    return Crew(1, lambda *_: None)


def sweep_rows(applicants: int = 120_000, cells: int = CELLS) -> Iterator[dict[str, Any]]:
    """Fifty caps x forty replications: grants and fill dates; then with decisions and waits too."""
    scenario = workload(applicants)
    given = caps(scenario, applicants)
    luck = random.Random(1)
    naively = []
    for _ in range(cells):
        replication, point = luck.randrange(REPLICATIONS), luck.choice(given)
        at_point = replaced(scenario, dict(point.settings))
        people = settle(at_point, draw(at_point, replication))
        policy = at_point.policy(OPEN)
        naively.append(cpu(lambda: naive.simulate(at_point, people, policy)))  # noqa: B023
    whole = statistics.mean(naively) * CAPS * REPLICATIONS

    def swept(measures: tuple[str, ...], fast: bool, replications: range) -> None:
        question = points.asked(points.ready(scenario, given), measures, seed=1, fast=fast)
        for _ in points.each(question, replications, crew()):
            pass

    for subject, measures, fast, part in (
        ("grants and fill dates, from claims alone", MEASURES, False, REPLICATIONS),
        ("permits and median wait, plain", ("permits", "median_wait_days"), False, 4),
        ("permits and median wait, compiled", ("permits", "median_wait_days"), True, 4),
    ):
        swept(measures, fast, range(1))
        ours = [cpu(lambda: swept(measures, fast, range(part))) * REPLICATIONS / part for _ in range(3)]  # noqa: B023
        yield {
            "measure": f"{CAPS} caps x {REPLICATIONS} replications x {applicants:,} applicants",
            "subject": f"{subject}, sampling included",
            "baseline": "naive SimPy, one process an applicant, sampling not included",
            "n": applicants,
            "pairs": [(each, whole) for each in ours],
            "unit": "cpu s",
            "extrapolated": f"baseline from {cells} cells of {CAPS * REPLICATIONS:,} drawn at random"
            + ("" if part == REPLICATIONS else f"; ours from {part} replications of {REPLICATIONS}"),
            "mechanisms": MECHANISMS,
        }


def best_rows(applicants: int = 12_000) -> Iterator[dict[str, Any]]:
    """The best of fifty caps with 95 % confidence: the selection, then with its confirmation too."""
    scenario = workload(applicants)
    given = caps(scenario, applicants)
    for measure, fast in (("grants", False), ("permits", False), ("permits", True)):
        agreed = Agreed(
            Objective(measure, 1), (), Difference(0.01, True), 0.95, "good", best.FIRST, best.MOST
        )
        ended: list[int] = []

        def selected() -> None:
            ready = points.ready(scenario, given)
            own = points.ready(scenario, [Point((), OPEN)])[0]
            found = best.select(ready, own, agreed, seed=1, crew=crew(), fast=fast)  # noqa: B023
            assert found.settled
            ended.append(found.replications)  # noqa: B023

        def confirmed() -> None:
            best.best(scenario, given, agreed, crew=crew(), fast=fast)  # noqa: B023

        selected()
        for name, work in (("selection", selected), ("selection and confirmation", confirmed)):
            yield {
                "measure": f"best of {CAPS} caps at 95 %, {applicants:,} applicants",
                "subject": f"{measure}, {'compiled' if fast else 'plain'}: {name}",
                "baseline": "1 CPU second allowed",
                "n": applicants,
                "pairs": [(cpu(work), 1.0) for _ in range(5)],
                "unit": "cpu s",
                "replications": ended[-1],
            }


def parallel_rows(blocks: int = 200, milliseconds: float = 50.0) -> Iterator[dict[str, Any]]:
    """What handing blocks over costs: calls of 50 ms each on all cores, beside the same calls here."""
    jobs = cores()
    busy = Crew(jobs, lambda *_: None, milliseconds / 1000.0)
    calls = [(milliseconds / 1000.0, k) for k in range(blocks)]
    list(busy.each("warming up", spin, calls[: 4 * jobs]))
    pairs, own = [], []
    for _ in range(3):
        began, here = time.perf_counter(), time.process_time()
        assert list(busy.each("calls", spin, calls)) == list(range(blocks))
        pairs.append((time.perf_counter() - began, blocks * milliseconds / 1000.0 / jobs))
        own.append((time.process_time() - here) / (blocks * milliseconds / 1000.0))
    overhead = statistics.median(ours / theirs for ours, theirs in pairs) - 1.0
    yield {
        "measure": f"parallel overhead, blocks of {milliseconds:g} ms",
        "subject": f"{blocks} calls on {jobs} workers",
        "baseline": "the same work without handing over",
        "n": blocks,
        "pairs": pairs,
        "unit": "s",
        "overhead": round(overhead, 4),
        "cpu_of_handing_over": round(
            statistics.median(own), 4
        ),  # a part of the work; a busy machine leaves it
    }


def spin(seconds: float, number: int) -> int:
    """Work for so much CPU time, as a replication of so long would."""
    numbers = np.arange(1000)
    ends = time.process_time() + seconds
    while time.process_time() < ends:
        numbers.sum()
    return number
