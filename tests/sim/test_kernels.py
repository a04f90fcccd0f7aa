"""The array forms against plain loops, and every way of running a policy against every other, bit for bit."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.clock import NEVER
from sim.engine import flavours, kernels
from sim.outcome import Outcome
from sim.people import settle
from sim.policy import CATALOGUE
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario_file import load

try:
    COMPILED = flavours.compiled()
except ImportError:
    COMPILED = None

needs_numba = pytest.mark.skipif(COMPILED is None, reason="numba, the extra `fast`, is not installed")

many = settings(max_examples=300, deadline=None, derandomize=True)


@st.composite
def claims(draw):
    """Streams of claims, and caps that cover some of the streams."""
    streams, caps = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    cover = draw(
        st.lists(st.lists(st.booleans(), min_size=streams, max_size=streams), min_size=caps, max_size=caps)
    )
    room = draw(st.lists(st.one_of(st.integers(0, 8), st.just(NEVER)), min_size=caps, max_size=caps))
    stream = draw(st.lists(st.integers(0, streams - 1), max_size=30))
    return np.array(stream, dtype=np.int64), np.array(cover), np.array(room, dtype=np.int64)


@many
@given(claims())
def test_first_come_is_the_plain_loop(case):
    stream, cover, room = case
    left, expected = room.tolist(), []
    for each in stream.tolist():
        over = [cap for cap in range(len(room)) if cover[cap, each]]
        granted = all(left[cap] > 0 for cap in over)
        for cap in over if granted else ():
            left[cap] -= 1
        expected.append(granted)
    before = room.copy()
    assert kernels.first_come(stream, cover, room).tolist() == expected
    assert (room == before).all(), "the room given is not changed"


@st.composite
def files(draw):
    """Files in the order in which they become ready, and when their owners would leave."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 12), st.integers(0, 20)), max_size=30))
    ready = np.cumsum([gap for gap, _, _ in gaps], dtype=np.int64) if gaps else np.empty(0, dtype=np.int64)
    service = np.array([service for _, service, _ in gaps], dtype=np.int64)
    patience = np.array([patience or NEVER for _, _, patience in gaps], dtype=np.int64)
    return ready, np.where(patience < NEVER, ready + patience, NEVER), service, draw(st.integers(1, 4))


def minute_by_minute(ready, leave, service, officers):
    """The queue with a clock that ticks: who is ready and still there is taken up in order as officers free
    up.
    """
    starts, busy, queue, coming = [-1] * len(ready), [], [], list(range(len(ready)))
    now = 0
    while coming or queue:
        busy = [end for end in busy if end > now]
        queue = [k for k in queue if leave[k] > now]
        queue += [k for k in coming if ready[k] <= now]
        coming = [k for k in coming if ready[k] > now]
        while queue and len(busy) < officers:
            k = queue.pop(0)
            starts[k] = now
            busy.append(now + service[k])
        now += 1
    return starts


def served(flavour, ready, leave, service, officers):
    """Starts by a flavour of the kernel, and the officers' free moments in the end."""
    free = flavour.heap()
    for _ in range(officers):
        free.append(0)
    starts = flavour.sequence(np.empty(len(ready), dtype=np.int64))
    flavour.officers(*(flavour.sequence(each) for each in (ready, leave, service)), free, starts)
    return np.asarray(starts, dtype=np.int64).tolist(), sorted(free)


@many
@given(files())
def test_officers_are_a_queue_with_a_ticking_clock(case):
    ready, leave, service, officers = case
    starts, _ = served(flavours.PLAIN, ready, leave, service, officers)
    assert starts == minute_by_minute(ready.tolist(), leave.tolist(), service.tolist(), officers)


@needs_numba
@pytest.mark.usefixtures("compiled")
@many
@given(files())
def test_compiled_officers_are_the_plain_ones(case):
    assert served(flavours.PLAIN, *case) == served(COMPILED, *case)


def test_more_files_than_a_call_can_be_served_in_parts():
    """The heap carries over: serving in two parts is serving at once."""
    rng = np.random.default_rng(3)
    ready = np.cumsum(rng.integers(0, 5, 500))
    service, leave = rng.integers(1, 20, 500), ready + rng.integers(1, 40, 500)
    at_once, _ = served(flavours.PLAIN, ready, leave, service, 3)
    free, parts = [0, 0, 0], []
    for part in (slice(0, 123), slice(123, 500)):
        starts = [0] * len(ready[part])
        kernels.officers(ready[part].tolist(), leave[part].tolist(), service[part].tolist(), free, starts)
        parts += starts
    assert parts == at_once
    assert free[0] == heapq.nsmallest(1, free)[0]


@many
@given(st.integers(0, 2**35), st.integers(0, 2**35), st.integers(0, 5), st.integers(0, 5), st.data())
def test_events_sort_by_time_phase_and_row(one_s, other_s, one_phase, other_phase, data):
    rows = st.integers(0, kernels.ROWS_AT_MOST - 1)
    one, other = (one_s, one_phase, data.draw(rows)), (other_s, other_phase, data.draw(rows))
    assert (one < other) == (kernels.event(*one) < kernels.event(*other))
    assert 0 <= kernels.event(*one) < 2**63


def test_a_fresh_draw_each_round_is_fresh():
    """Lottery numbers of different rounds are uncorrelated with the person's own and with each other."""
    own = (np.random.default_rng(4).random(20_000) * 2.0**53).astype(np.uint64)
    rounds = np.array([kernels.round_number(own, k).astype(float) for k in (0, 1, 2, 50)])
    correlation = np.corrcoef(np.vstack([own.astype(float), rounds]))[np.triu_indices(5, 1)]
    assert np.abs(correlation).max() < 6 / np.sqrt(20_000)
    assert (kernels.round_number(own, 7) == kernels.round_number(own, 7)).all()


# --- whole policies

CROWDED = load("smoke")
demand = CROWDED.demand.model_copy(
    update={"multiple": CROWDED.demand.multiple.model_copy(update={"value": 4.0})}
)
CROWDED = CROWDED.model_copy(update={"demand": demand})
"""The small shipped world with four times its people: every cap binds."""

NAMES = CROWDED.policy_names()


@pytest.fixture(scope="module")
def prepared():
    return prepare(CROWDED, settle(CROWDED, draw(CROWDED, 0)))


@pytest.fixture(scope="module")
def plain(prepared):
    return {name: simulate(prepared, CROWDED.policy(name)) for name in NAMES}


def assert_equal(one: Outcome, other: Outcome) -> None:
    for name, column in one.columns().items():
        differing = np.flatnonzero(column != other.columns()[name])
        assert len(differing) == 0, f"{name} of rows {differing[:5]}"
    assert one.intakes == other.intakes


def test_the_world_is_worth_the_comparison(plain):
    assert set(CATALOGUE) < set(NAMES)
    assert sum((outcome.full_count > 0).any() for outcome in plain.values()) >= len(NAMES) - 3
    assert len(np.unique(np.concatenate([outcome.status for outcome in plain.values()]))) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_the_event_loop_is_the_vector_way(prepared, plain, name):
    assert_equal(simulate(prepared, CROWDED.policy(name), loop=True), plain[name])


@needs_numba
@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("name", NAMES)
def test_compiled_is_plain(prepared, plain, name):
    assert_equal(simulate(prepared, CROWDED.policy(name), fast=True), plain[name])
    assert_equal(simulate(prepared, CROWDED.policy(name), fast=True, loop=True), plain[name])


@pytest.mark.parametrize("days", [1, 7, 30, 365])
@pytest.mark.parametrize("name", NAMES)
def test_how_often_an_office_wakes_changes_nothing(prepared, plain, name, days):
    assert_equal(simulate(prepared, CROWDED.policy(name), wake_days=days), plain[name])


def test_nobody_at_all_is_simulated():
    nobody = settle(CROWDED, draw(CROWDED, 0))
    nobody.in_scope[:] = False
    for name in NAMES:
        outcome = simulate(prepare(CROWDED, nobody), CROWDED.policy(name), loop=True)
        assert (outcome.attempts == 0).all()
