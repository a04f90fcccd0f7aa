"""The scenarios made for load tests: each simulates, and sends what its must_see names, as its page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from loadtests.trace import Trace, build
from sim.population import SURGE
from sim.scenario_file import load

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| .* \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) s \| ([\d,]+) \|$", re.MULTILINE)
TABLE = {
    name: tuple(int(figure.replace(",", "")) for figure in figures)
    for name, *figures in ROW.findall((ROOT / "scenarios" / "README.md").read_text("utf-8"))
}
NAMES = sorted(TABLE)
MOST_PER_S = 2_000
"""What one small machine sends and serves; one scenario asks for more, on purpose."""


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    return {name: build(load(name), run="t") for name in NAMES}


def test_every_family_is_there() -> None:
    assert set(NAMES) == {
        *("opening-day", "last-slots", "same-person", "two-caps", "year-end", "churn", "overload"),
        *("waiting-room", "weekly-count", "soak", "ramp"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_is_sent(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    slots = sum(each.caps[0].limit for each in trace.intakes)
    busiest = int(np.bincount(trace.due_ns // 10**9).max())
    assert TABLE[name] == (len(trace.ids), slots, round(trace.lasts_s), busiest)


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_sends_what_must_be_seen(name: str, traces: dict[str, Trace]) -> None:
    counts, wanted = traces[name].counts, load(name).load.must_see
    for thing, least in wanted.model_dump().items():
        if thing in counts:
            assert counts[thing] >= 1.2 * least or thing in ("intakes", "tickets"), (thing, counts[thing])
    assert counts["refused"] >= 1.2 * wanted.refusals
    assert counts["refused"] > 0 or not wanted.cap_reached


@pytest.mark.parametrize("name", NAMES)
def test_what_must_be_seen_shrinks_with_the_crowd(name: str) -> None:
    scale = 0.05
    trace = build(load(name), run="t", scale=scale)
    for thing, least in trace.traffic.must_see.model_dump().items():
        if thing in trace.counts:
            assert trace.counts[thing] >= least, (thing, trace.counts[thing])
    assert trace.counts["refused"] >= trace.traffic.must_see.refusals


@pytest.mark.parametrize("name", [name for name in NAMES if name != "soak"])
def test_a_run_fits_into_two_minutes(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    assert trace.lasts_s <= 100
    assert len(trace.due_ns) / trace.lasts_s < MOST_PER_S
    busiest = np.bincount(trace.due_ns // 10**9).max()
    assert (busiest > MOST_PER_S) == (name == "overload")


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_has_a_label(name: str) -> None:
    scenario = load(name)
    surges = scenario.demand.surges
    people = [each.people for each in surges] or [scenario.demand.backlog, scenario.demand.per_year]
    figures = [*people, *(intake.cap for intake in scenario.intake)]
    figures += [most for intake in scenario.intake for most in intake.stream_caps.values()]
    assert all(each.basis for each in figures if each.value)
    text = (ROOT / "scenarios" / f"{name}.toml").read_text("utf-8")
    cited = set(re.findall(r'source = "(S\d+b?)"', text))
    assert cited
    assert cited <= set(re.findall(r"\bS\d+b?\b", text.split("format = 1")[0]))


def test_places_of_the_opening_day_are_gone_in_under_eleven_minutes(traces: dict[str, Trace]) -> None:
    trace = traces["opening-day"]
    served = np.flatnonzero((trace.chain == 0) & (trace.person >= 0))
    eligible = served[trace.complete[trace.person[served]] & (trace.ids[trace.person[served]] >= 0)]
    gone_s = trace.clock.shows(int(trace.due_ns[eligible[26_999]])) - noon("opening-day")
    assert 8 * 60 < gone_s < 11 * 60


def noon(name: str) -> int:
    """When the crowd of a scenario begins to come."""
    from sim import clock

    scenario = load(name)
    return clock.at(scenario.demand.surges[0].starts, scenario.time_zone)


def test_the_weekly_count_is_passed_within_its_tolerance(traces: dict[str, Trace]) -> None:
    trace = traces["weekly-count"]
    over = trace.counts["granted"] - 14_700
    assert 500 < over <= trace.spec.tolerance


def test_crowds_keep_their_people_when_they_grow() -> None:
    small, large = (build(load("last-slots"), run="t", scale=scale) for scale in (0.1, 0.2))
    assert small.ids.min() >= SURGE
    assert set(small.ids.tolist()) < set(large.ids.tolist())
