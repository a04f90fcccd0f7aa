"""A trace is what was simulated, at its moments, in compressed time; the same bytes whoever builds it."""

import datetime
import subprocess
import sys
import uuid
from pathlib import Path

import numpy as np
import pytest

from loadtests.trace import NAMESPACE, PREFIX, Trace, build
from loadtests.tracing import pace
from sim import clock
from sim.errors import BadInput
from sim.people import settle
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load
from tests.loadtests.traced import SECOND_NS, changed, is_op, of, served, simulated, slots

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["smoke", "opening-day", "two-caps", "year-end", "churn", "last-slots"])
def test_served_in_order_the_trace_comes_to_the_simulated_outcome(name: str) -> None:
    scale = 1.0 if name == "smoke" else 0.02
    trace = build(load(name), run="t", scale=scale)
    assert served(trace).of(trace) == slots(*simulated(load(name), scale=scale))


def test_a_trace_has_the_same_bytes_twice_and_after_a_file(tmp_path: Path) -> None:
    for name, trace in (("a", of("overload")), ("b", of("overload"))):
        trace.save(tmp_path / name)
    Trace.load(tmp_path / "a").save(tmp_path / "c")
    first, *others = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert others == [first, first]


def test_a_file_gives_the_trace_back(tmp_path: Path) -> None:
    made = of("weekly-count", scale=0.05)
    made.save(tmp_path / "trace")
    read = Trace.load(tmp_path / "trace")
    assert (read.spec, read.intakes, read.orders, read.clock) == (
        made.spec,
        made.intakes,
        made.orders,
        made.clock,
    )
    assert read.traffic.must_see == made.traffic.must_see
    assert read.key(3, 0) == made.key(3, 0)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_have_every_row_once_and_keep_the_numbers(count: int) -> None:
    trace = of("opening-day")
    shards = [trace.shard(index, count) for index in range(count)]
    rows = [
        (due, op, person, chain)
        for each in shards
        for due, op, person, chain in zip(each.due_ns, each.op, each.person, each.chain, strict=True)
    ]
    whole = list(zip(trace.due_ns, trace.op, trace.person, trace.chain, strict=True))
    assert sorted(rows) == sorted(whole)
    for index, each in enumerate(shards):
        assert set((each.person % count).tolist()) <= {index}
        assert (np.diff(each.due_ns) >= 0).all()
        assert each.applicant == trace.applicant


@pytest.mark.parametrize("name", ["opening-day", "waiting-room", "year-end", "ramp", "smoke"])
def test_everyone_has_one_first_send_and_later_ones_in_order(name: str) -> None:
    trace = of(name, scale=1.0 if name == "smoke" else 0.02)
    people = trace.person[trace.person >= 0]
    assert sorted(people[trace.chain[trace.person >= 0] == 0].tolist()) == list(range(len(trace.ids)))
    for person in np.flatnonzero(np.bincount(people) > 1).tolist():
        chains = trace.chain[trace.person == person]
        assert chains.tolist() == list(range(len(chains)))


def test_due_times_ascend_and_lie_within_the_run() -> None:
    trace = of("soak")
    assert (np.diff(trace.due_ns) >= 0).all()
    assert trace.due_ns[0] >= 0
    assert trace.due_ns[-1] < trace.ends_ns == trace.lasts_s * SECOND_NS


def test_keys_belong_to_a_run_a_person_and_a_chain() -> None:
    one, other = of("opening-day"), build(load("opening-day"), run="u", scale=0.02)
    keys = {one.key(0, 0), one.key(0, 1), one.key(1, 0), one.release_key(0, 0), other.key(0, 0)}
    assert len(keys) == 5
    assert one.applicant[0].startswith(f"{PREFIX}t-")
    assert len(set(one.applicant)) == len(one.ids)


def test_compression_divides_due_times_and_nothing_else() -> None:
    slow, fast = of("churn", compress=100_000), of("churn", compress=400_000)
    claims = is_op(slow, "claim"), is_op(fast, "claim")
    assert np.abs(slow.due_ns[claims[0]] - 4 * fast.due_ns[claims[1]]).max() <= 4
    released = slow.release_ns >= 0
    assert np.abs(slow.release_ns[released] - 4 * fast.release_ns[released]).max() <= 4
    for name in ("backoff_ns", "hedge_ns", "retries"):
        assert (getattr(slow, name) == getattr(fast, name)).all()


def test_minutes_are_kept_and_the_command_line_outweighs_the_file() -> None:
    assert of("opening-day", minutes=0.5).lasts_s == pytest.approx(30, abs=0.01)
    assert of("soak", compress=86_400).clock.rate == 86_400


def test_a_rate_is_never_passed_and_nothing_overtakes() -> None:
    free, held = of("weekly-count"), of("weekly-count", rate=5)
    gaps = held.due_ns[5:] - held.due_ns[:-5]
    orders = is_op(held, "refresh").sum()
    assert np.sort(gaps)[2 * orders * 5 :].min() >= SECOND_NS - 5
    claims = is_op(free, "claim"), is_op(held, "claim")
    assert (free.person[claims[0]] == held.person[claims[1]]).all()


def test_a_burst_waits_for_its_turn_under_a_rate() -> None:
    assert pace.capped(np.array([0, 0, 0, 5 * SECOND_NS]), 1.0).tolist() == [
        0,
        SECOND_NS,
        2 * SECOND_NS,
        5 * SECOND_NS,
    ]


def test_hedges_are_drawn_for_their_share_at_their_offset() -> None:
    trace = build(load("last-slots"), run="t")
    hedged = trace.hedge_ns >= 0
    assert hedged.mean() == pytest.approx(0.3, abs=0.03)
    assert trace.hedge_ns[hedged].max() <= 5_000_000
    assert (trace.hedge_ns[~hedged] == -1).all()
    more = build(changed("last-slots", load__hedge_share=0.6), run="t")
    assert (more.hedge_ns[hedged] == trace.hedge_ns[hedged]).all()  # whoever hedged still does


def test_retries_make_three_to_ten_requests_a_person() -> None:
    trace = of("overload")
    assert (trace.retries.min(), trace.retries.max()) == (2, 9)


def test_repeats_have_a_chain_of_their_own_soon_after() -> None:
    trace = build(load("same-person"), run="t")
    again = np.flatnonzero((trace.chain == 1) & is_op(trace, "claim"))
    assert len(again) > 100
    told_so = {person for person in trace.person[again].tolist()} & served(trace).years.keys()
    assert trace.counts["repeats"] == pytest.approx(len(told_so), abs=10)
    first = {int(person): row for row, person in enumerate(trace.person) if trace.chain[row] == 0}
    waits = trace.due_ns[again] - trace.due_ns[[first[int(trace.person[row])] for row in again]]
    assert waits.min() > 0
    assert waits.max() * trace.clock.rate <= 123 * SECOND_NS


def test_the_ineligible_lack_one_thing_each_and_come_on_top() -> None:
    trace = of("opening-day", scale=0.2)
    extra = trace.ids < 0
    lacks = np.array([trace.residences == 2, ~trace.certificate, ~trace.letter])
    assert (lacks.sum(axis=0) == extra).all()
    assert (lacks.sum(axis=1) > 0).all()
    assert extra.mean() == pytest.approx(0.01, abs=0.001)
    assert trace.complete[extra].all()


def test_the_incomplete_apply_again_and_are_complete_then() -> None:
    trace = of("opening-day", scale=0.2)
    incomplete = np.flatnonzero(~trace.complete)
    assert trace.counts["incomplete"] == len(incomplete) > 100
    later = np.isin(incomplete, trace.person[(trace.chain == 1)])
    assert later.mean() == pytest.approx(0.5, abs=0.1)  # behaviour.refile_share
    assert not trace.is_complete(int(incomplete[0]), 0)
    assert trace.is_complete(int(incomplete[0]), 1)


def test_the_clock_of_the_service_turns_the_year_where_the_scenario_does() -> None:
    trace = of("year-end")
    midnight = clock.at(datetime.date(2023, 1, 1), "America/Toronto")
    assert trace.intakes[0].closes_s == trace.intakes[1].opens_s == midnight
    shown = np.array([trace.clock.shows(due) for due in trace.due_ns.tolist()])
    assert (shown < midnight).any()
    assert (shown > midnight).any()
    named = build(changed("year-end", load__current=False), run="t", scale=0.02)
    claims = named.person >= 0
    assert ((named.intake[claims] == 2023) == (shown[claims] >= midnight)).all()
    assert (trace.intake[trace.person >= 0] == 0).all()


def test_scale_keeps_the_ratio_of_people_and_slots() -> None:
    whole, part = build(load("overload"), run="t"), of("overload", scale=0.1)
    caps = [trace.intakes[0].caps for trace in (whole, part)]
    assert [cap.limit for cap in caps[1]] == [round(cap.limit / 10) for cap in caps[0]] == [470, 235, 235]
    assert len(part.ids) == pytest.approx(len(whole.ids) / 10, rel=0.01)
    assert set(part.ids.tolist()) < set(whole.ids.tolist())  # a small crowd is a part of the large one
    assert of("weekly-count", scale=0.1).spec.tolerance == 350
    assert part.traffic.must_see.refusals == whole.traffic.must_see.refusals // 10


def test_a_window_leaves_out_who_came_before_and_the_slots_they_took() -> None:
    window = {"starts": "2019-01-28T12:08:00", "ends": "2019-01-28T12:12:00"}
    scenario = load("opening-day")
    late = Scenario.model_validate(
        scenario.model_dump() | {"load": scenario.load.model_dump() | {"window": window}}
    )
    trace = build(late, run="t", scale=0.1)
    assert trace.lasts_s == pytest.approx(240 / 25)
    left = trace.intakes[0].caps[0].limit
    assert 0 < left < 600
    assert len(served(trace).years) == left == trace.counts["granted"]


def test_a_waiting_room_gives_tickets_and_lasts_until_it_is_empty() -> None:
    trace = of("waiting-room", scale=0.1)
    assert is_op(trace, "ticket").sum() == len(trace.ids) == 4_100
    assert not is_op(trace, "claim").any()
    admitted_per_s = 13.7 / 60 * 180
    assert trace.admitted_per_s == pytest.approx(admitted_per_s)
    assert trace.lasts_s == pytest.approx(4_100 / admitted_per_s)


def test_a_stale_counter_is_copied_by_orders_of_nobody() -> None:
    trace = build(load("weekly-count"), run="t")
    rows = np.flatnonzero(is_op(trace, "refresh"))
    assert len(rows) == 31
    assert (trace.person[rows] == -1).all()
    assert {trace.orders[trace.chain[row]].intake for row in rows.tolist()} == {"2022"}
    weeks = np.diff(trace.due_ns[rows]) * trace.clock.rate / SECOND_NS / clock.WEEK_S
    assert weeks == pytest.approx(1.0, abs=1.01 / 168)  # local days: an hour more when summer time ends


def test_windows_of_a_policy_become_orders_that_raise_the_caps() -> None:
    trace = build(load("smoke"), run="t", policy="two-windows")
    raised = [each for each in trace.orders if each.op == "set-cap"]
    assert [(each.cap, each.limit) for each in raised] == [
        ("2022", 80),
        ("2022/arts", 20),
        ("2023", 60),
        ("2023/arts", 15),
    ]
    assert trace.intakes[0].caps[0].limit == 40


def test_readings_are_even_and_about_the_open_intake() -> None:
    trace = of("year-end", scale=1.0)
    reads = np.flatnonzero(is_op(trace, "read"))
    assert len(reads) == int(20 * trace.ends_ns / SECOND_NS)
    per_second = np.bincount(trace.due_ns[reads] // SECOND_NS)[:-1]
    assert set(per_second.tolist()) == {20}
    assert {trace.orders[trace.chain[row]].intake for row in reads.tolist()} == {"2022", "2023"}


def test_a_shorter_run_need_not_see_as_many_readings() -> None:
    assert build(load("churn"), run="t").traffic.must_see.reads == 500
    assert of("churn", minutes=0.5, scale=1.0).traffic.must_see.reads == 300


def test_a_ramp_rises_stage_by_stage() -> None:
    trace = build(load("ramp"), run="t")
    stages = np.bincount(trace.due_ns // (8 * SECOND_NS)) / 8
    assert stages == pytest.approx([100 * 1.5**k for k in range(8)], abs=1)


@pytest.mark.parametrize(
    ("counts", "moment"),
    [("accepted", "first_filed_s"), ("received", "first_filed_s"), ("approved", "decided_s")],
)
def test_a_send_is_due_at_the_counted_moment(counts: str, moment: str) -> None:
    scenario = changed("weekly-count", programme__counts=counts, demand__multiple=0.02)
    people = settle(scenario, draw(scenario, 0, outside_only=True))
    outcome = simulate(prepare(scenario, people), scenario.policy("first-come"))
    expected = dict(zip(people.applicant.tolist(), getattr(outcome, moment).tolist(), strict=True))
    trace = build(scenario, run="t", compress=1_000.0)
    firsts = np.flatnonzero((trace.chain == 0) & (trace.person >= 0))
    assert len(firsts)
    for row in firsts.tolist():
        shown = trace.clock.shows(int(trace.due_ns[row]))
        assert 0 <= shown - expected[int(trace.ids[trace.person[row]])] < 1.001


def test_every_filing_of_the_outcome_is_sent() -> None:
    scenario = changed("smoke", behaviour__refile_share=1.0, behaviour__incomplete_share=0.4)
    people = settle(scenario, draw(scenario, 0, outside_only=True))
    outcome = simulate(prepare(scenario, people), scenario.policy("first-come"))
    trace = build(scenario, run="t")
    assert trace.counts["sends"] == int(outcome.attempts.sum())
    assert outcome.attempts.max() >= 3


def test_a_replay_of_nothing_says_so() -> None:
    with pytest.raises(BadInput, match="nobody applies"):
        build(changed("opening-day", behaviour__applies_share=0.0), run="t")


def test_reading_a_trace_loads_no_simulation() -> None:
    code = "import sys, loadtests.trace; print({'simpy', 'scipy', 'sim.scenario'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_keys_are_version_5_of_what_they_are_made_of() -> None:
    trace = of("opening-day", scale=0.02)
    run = uuid.uuid5(NAMESPACE, trace.run)
    for person in range(40):
        name = f"{trace.applicant[person]}/1"
        assert trace.key(person, 1) == str(uuid.uuid5(run, name))
        assert trace.release_key(person, 1) == str(uuid.uuid5(run, f"{name}/release"))
