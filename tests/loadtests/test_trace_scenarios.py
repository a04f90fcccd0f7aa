"""The scenarios made for load tests: each simulates, and sends what its must_see names, as its page says."""

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests import cli as load_cli
from loadtests.trace import Trace, build
from loadtests.tracing.summary import summary
from sim import cli
from sim.labelled import Labelled, Spread
from sim.load import Load, MustSee, Ramp, WaitingRoom, Window
from sim.policy import Record
from sim.population import SURGE
from sim.scenario_file import load

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| .* \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) s \| ([\d,]+) \|$", re.MULTILINE)
PAGE = (ROOT / "scenarios" / "README.md").read_text("utf-8")
TABLE = {
    name: tuple(int(figure.replace(",", "")) for figure in figures) for name, *figures in ROW.findall(PAGE)
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
        *("waiting-room", "weekly-count", "soak", "ramp", "midnight"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_page_says_what_is_sent(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    slots = sum(each.caps[0].limit for each in trace.intakes)
    assert TABLE[name] == (len(trace.ids), slots, round(trace.lasts_s), summary(trace).peak_1s)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_a_command_for_each_and_says_what_it_must_see(name: str) -> None:
    (row,) = re.findall(rf"^\| `quotalab load {name}` \|.*\|$", PAGE, re.MULTILINE)
    figures = {int(figure.replace(",", "")) for figure in re.findall(r"(?<![\d,])\d[\d,]*(?!\d)", row)}
    wanted = load(name).load.must_see.model_dump()
    assert figures <= {*wanted.values(), 2}  # 2: of cores, and of workers


def commands() -> list[str]:
    """The commands of the page: in tables, and in the indented lines; without what they are for."""
    indented = [
        re.split(r" {3,}", line)[0] for line in re.findall(r"^    (quotalab .*)$", PAGE, re.MULTILINE)
    ]
    return [*indented, *re.findall(r"`(quotalab [^`]*)`", PAGE)]


@pytest.mark.parametrize("command", [each for each in commands() if "NAME" not in each])
def test_a_command_of_the_page_parses(command: str) -> None:
    load_cli.mount(cli.app)
    cli.app.parse_args(shlex.split(command)[1:], exit_on_error=False, print_error=False)


def keys_of(record: type[Record], before: str = "") -> dict[str, str]:
    """Every key of a record as the page writes it, and its default as TOML; empty for none."""
    return {f"{before}{name}": shown(field.default) for name, field in record.model_fields.items()}


def shown(default: Any) -> str:
    if isinstance(default, Labelled):
        return f"{default.value:g}"
    if isinstance(default, Spread):
        return f"{{ low = {default.low:g}, mode = {default.mode:g}, high = {default.high:g} }}"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, int | float) else ""


def test_the_page_has_every_key_of_load_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (?:`([^`]*)`)? ?\| .+ \|$", PAGE, re.MULTILINE)
    parts = {"window.": Window, "waiting_room.": WaitingRoom, "ramp.": Ramp, "must_see.": MustSee}
    keys = keys_of(Load)
    for before, record in parts.items():
        keys |= keys_of(record, before)
    keys |= {"policy": "baseline", "minutes": "2"}  # what they come to when left out
    assert dict(rows) == keys


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_sends_what_must_be_seen(name: str, traces: dict[str, Trace]) -> None:
    counts, wanted = traces[name].counts, load(name).load.must_see
    for thing, least in wanted.model_dump().items():
        if thing in counts:
            assert counts[thing] >= 1.2 * least or thing in ("intakes", "tickets"), (thing, counts[thing])
    assert counts["refused"] >= 1.2 * wanted.refusals
    assert counts["refused"] > 0 or not wanted.cap_reached


def test_every_kind_of_traffic_is_in_some_scenario(traces: dict[str, Trace]) -> None:
    kinds = {kind for trace in traces.values() for kind, count in trace.counts.items() if count}
    assert kinds >= {
        *("hedges", "repeats", "incomplete", "ineligible", "withdrawals", "revocations", "tickets", "reads"),
        "refreshes",
    }
    assert max(int(trace.retries.max()) for trace in traces.values()) == 9
    assert build(load("smoke"), run="t", policy="waiting-list").counts["waitlist"] > 20


@pytest.mark.parametrize("name", ["year-end", "midnight"])
def test_the_year_ends_in_the_middle_of_the_rush(name: str, traces: dict[str, Trace]) -> None:
    trace = traces[name]
    turn_ns = (trace.intakes[1].opens_s - trace.clock.origin_s) / trace.clock.rate * 1e9
    for side in (trace.due_ns < turn_ns, trace.due_ns >= turn_ns):
        near = side & (abs(trace.due_ns - turn_ns) < 1e9) & (trace.person >= 0)
        assert near.sum() > 200
        assert (trace.hedge_ns[trace.person[near]] >= 0).sum() > 5
    assert [each.caps[0].limit for each in trace.intakes] == [14_700, 7_350]


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
