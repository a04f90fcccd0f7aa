"""Published cases about services: an allocator that lost updates, and a rush that must be borne."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from loadtests.reference.stores.store import Store
from loadtests.trace import build
from sim.ledger import Claim, Granted, Open, Spec, cap_of
from sim.people import settle
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario_file import load
from tests.loadtests.stores_here import begin_again, here
from tests.published import case

CAP = 10_000
"""A quarter of the incident: whose chance is so much smaller than the tolerance that a quarter will do."""


class LostUpdates:
    """An allocator that reads its counter, waits for the papers, and writes back what it read plus one."""

    def __init__(self, store: Store, cap: int) -> None:
        self._store, self._cap, self.counted = store, cap, 0

    async def claim(self, number: int) -> bool:
        read = self.counted
        if read >= self._cap:
            return False
        await asyncio.sleep(0)  # whoever came at the same moment reads the same figure
        answer = await self._store.apply(_claim(number), unchecked=True)
        self.counted = read + 1
        return isinstance(answer.reply, Granted)


def _claim(number: int) -> Claim:
    return Claim(f"person {number}", "k", "2021", "graduates")


def clusters(mean: float, upto: int) -> list[range]:
    """People who submit at the same moment: a Poisson number of them, those moments without any left out."""
    sizes = np.random.default_rng(2021).poisson(mean, 6 * upto)
    ends = np.cumsum(sizes[sizes > 0])
    begins = ends - sizes[sizes > 0]
    return [range(a, b) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]


async def admitted_by_racing(store: Store, cap: int, mean: float) -> tuple[int, int]:
    """How many are admitted until the counter says that the cap is reached, and what the audit counts."""
    await begin_again(store, Spec())
    await store.apply(Open("2021", (cap_of("2021", cap),)))
    racy, admitted = LostUpdates(store, cap), 0
    for cluster in clusters(mean, cap):
        if racy.counted >= cap:
            break
        admitted += sum(await asyncio.gather(*(racy.claim(number) for number in cluster)))
    assert racy.counted == cap
    return admitted, await _held(store)


async def admitted_by_the_store(store: Store, cap: int, mean: float, at_once: int) -> tuple[int, int]:
    """The same crowds at the shipped allocator, many moments at once."""
    await begin_again(store, Spec())
    await store.apply(Open("2021", (cap_of("2021", cap),)))
    people = [number for cluster in clusters(mean, cap) for number in cluster][: 2 * cap]
    admitted = 0
    for begin in range(0, len(people), at_once):
        claims = (store.apply(_claim(number)) for number in people[begin : begin + at_once])
        admitted += sum(isinstance(each.reply, Granted) for each in await asyncio.gather(*claims))
    return admitted, await _held(store)


async def _held(store: Store) -> int:
    figures = await store.figures("2021")
    assert figures is not None
    return figures.held


def test_ircc_trpr_lost_update_reproduces_the_incident(tmp_path: Path) -> None:
    """A counter that takes all who come at once for one admits 18 % too many, and does not know.

    Circular as a validation of how it came about, since the crowding is fitted to the one number known; what
    is tested is that the harness shows it.
    """
    _, expected, near = case("ircc-trpr-lost-update")
    with here("memory", tmp_path) as (runner, store):
        admitted, held = runner.run(admitted_by_racing(store, CAP, expected["lost_update_a"]))
    assert held == admitted
    share = expected["over_admission_pct"] / 100
    assert admitted == pytest.approx(CAP * (1 + share), rel=near["sim_rel"])


@pytest.mark.parametrize("at_once", [1, 7, 500])
@pytest.mark.parametrize("name", ["memory", "sqlite"])
def test_ircc_trpr_lost_update_cannot_happen_to_the_shipped_allocator(
    name: str, at_once: int, tmp_path: Path
) -> None:
    _, expected, _ = case("ircc-trpr-lost-update")
    cap = 400
    with here(name, tmp_path) as (runner, store):
        admitted, held = runner.run(admitted_by_the_store(store, cap, expected["lost_update_a"], at_once))
    assert admitted - cap == held - cap == expected["atomic_allocator_over_admission"]


def test_ircc_pgp2019_rush() -> None:
    """27,000 places gone in under 11 minutes, over 100,000 people: opening-day is that rush."""
    given, expected, near = case("ircc-pgp2019-rush")
    assert given["cap"] / given["window_s"] == pytest.approx(
        expected["accept_rate_per_s"], rel=near["rate_rel"]
    )
    scenario = load("opening-day")
    trace = build(scenario, run="t")
    eligible = int((trace.ids >= 0).sum())
    rate = eligible / given["window_s"]
    assert rate == pytest.approx(expected["attempt_rate_per_s"], rel=near["rate_rel"])
    assert trace.counts["granted"] == given["cap"]
    assert trace.counts["granted"] / eligible <= expected["success_share_max"]
    people = settle(scenario, draw(scenario, 0))
    outcome = simulate(prepare(scenario, people), scenario.policy(scenario.baseline))
    gone = int(np.sort(outcome.slot_s)[given["cap"] - 1]) - int(outcome.filings_s[0])
    assert gone < given["window_s"], "gone in under 11 minutes"
