"""The figures of a load test's page: against brute force on small histories, and what the run keeps."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests import latency
from loadtests.checks import bounds
from loadtests.checks.quantities import quantities
from loadtests.header import Header
from loadtests.history import NEVER, History, history_of
from loadtests.reporting import pace, slots, waits
from loadtests.reporting.axis import axis_between, axis_of
from sim.ledger import Spec, cap_of
from tests.large_histories import FRAGMENTS, Crowd, crowded
from tests.loadtests.histories import drawn

BACK = Header(caps=(cap_of("2022", 2),), spec=Spec(gives_back=frozenset({"withdrawal"})))
SECOND = 10**9


def only(history: History) -> slots.Course:
    [found] = slots.courses(history, axis_of(history))
    return found


@st.composite
def small(draw: Any) -> str:
    """Up to four people who claim, at even times, of whom some give their slot back once they have it."""
    lines = []
    for who in range(draw(st.integers(1, 4))):
        begins, took = draw(st.integers(1, 8)), draw(st.integers(0, 6))
        fate = draw(st.sampled_from(["granted", "granted", "full", "lost"]))
        ends = "" if fate == "lost" else str(2 * (begins + took))
        lines.append(f"p{who} claim {2 * begins}-{ends} {'-' if fate == 'lost' else fate}")
        if fate == "granted" and draw(st.booleans()):
            since = begins + took + draw(st.integers(1, 4))
            until = draw(st.sampled_from(["", str(2 * (since + draw(st.integers(0, 4))))]))
            told = "released given_back=yes" if until else "-"
            lines.append(f"p{who} release {2 * since}-{until} {told}")
    return "\n".join(lines)


def counts_at(text: str, moment: float) -> list[int]:
    """Every count that there can be at a moment, by trying for each operation whether it was done by then."""
    may: list[tuple[int, ...]] = []
    for line in text.splitlines():
        _, op, interval, answer, *_ = line.split()
        begins, _, ends = interval.partition("-")
        if answer == "full" or float(begins) > moment:
            continue
        effect = 1 if op == "claim" else -1
        is_done = bool(ends) and float(ends) < moment
        may.append((effect,) if is_done else (0, effect))
    return [sum(each) for each in itertools.product(*may)]


@settings(max_examples=150, deadline=None)
@given(small())
def test_the_bounds_are_the_least_and_the_most_of_all_that_can_have_been(text: str) -> None:
    """Between two moments of the course, which are even, every count is tried that there can be."""
    found = only(drawn(text, header=BACK))
    for moment in range(int(found.at_ns[0]) + 1, int(found.at_ns[-1]), 2):
        here = int(np.searchsorted(found.at_ns, moment, side="right")) - 1
        possible = counts_at(text, moment)
        assert (found.least[here], found.most[here]) == (min(possible), max(possible)), moment


TWO = "ana claim 1-5 granted slot=1\nbo claim 2-6 granted slot=2\n"


def test_the_moment_from_which_a_cap_is_over_is_when_one_too_many_was_certain() -> None:
    found = only(drawn(TWO + "- read 9-16 count"))
    assert (found.peak_over, found.over_ns) == (1, 6)
    assert found.least.max() == 2
    assert found.limit.tolist() == [1] * len(found)


def test_a_limit_has_its_steps() -> None:
    found = only(drawn(TWO + "- set-cap 8-9 done cap=2022 value=5\n- read 12-20 count"))
    steps = dict(zip(found.at_ns.tolist(), found.limit.tolist(), strict=True))
    assert (steps[6], steps[8], steps[max(steps)]) == (1, 5, 5)


def test_refusals_while_there_was_room_are_those_that_the_check_names() -> None:
    history = drawn("ana claim 1-5 granted\nbo claim 7-9 full\ncy claim 2-4 full\ndi claim 8-9 full", cap=3)
    [finding] = bounds.check(history)
    assert finding.anomaly == "phantom-full"
    assert sorted(only(history).phantoms.tolist()) == sorted(finding.witness)


@pytest.mark.parametrize("name", ["claims", "releases", "everything"])
def test_a_thinned_course_keeps_the_extremes_and_the_ends(name: str) -> None:
    crowd = FRAGMENTS[name]
    history = crowded(np.random.default_rng(3), Crowd(**{**_plain(crowd), "operations": 20_000}))
    axis, (cap,) = axis_of(history), history.header.caps
    found = slots.course(history, cap, axis)
    whole = slots.whole(history, cap, axis)
    assert len(found) <= 4 * slots.STRETCHES < len(whole.at_ns)
    for name_of, best in (("least", np.max), ("most", np.min)):
        assert best(getattr(found, name_of)) == best(getattr(whole, name_of))
        assert getattr(found, name_of)[-1] == getattr(whole, name_of)[-1]
    places = np.searchsorted(whole.at_ns, found.at_ns)
    assert (whole.least[places] == found.least).all()
    assert (whole.most[places] == found.most).all()


def test_by_how_much_a_cap_was_exceeded_is_what_the_quantities_say() -> None:
    history = crowded(np.random.default_rng(4), Crowd(operations=4_000, releases=0.1, unknown=0.01))
    tight = Header(caps=(cap_of("2022", 500),), spec=history.header.spec)
    history = History(tight, dict(history.columns))
    [over] = quantities(history).over
    found = only(history)
    assert found.peak_over == over.peak_slots.least > 0
    assert int((found.least - found.limit).max()) == found.peak_over


def _plain(crowd: Crowd) -> dict[str, Any]:
    return {name: getattr(crowd, name) for name in crowd.__slots__}


def test_every_request_is_in_one_bin_and_every_answer_told_once() -> None:
    history = crowded(np.random.default_rng(5), Crowd(operations=3_000, releases=0.1, unknown=0.02))
    axis = axis_of(history)
    found = pace.pace(history, axis)
    assert found.due.sum() == found.sent.sum() == len(history)
    assert found.completed.sum() == int((history["completed_ns"] < NEVER).sum())
    told = {name: int(counts.sum()) for name, counts in found.answers.items()}
    kept = {each.outcome: each.count for each in latency.latencies(history)[1:]}
    assert {name: count for name, count in told.items() if name != pace.UNANSWERED} == kept
    assert sum(told.values()) == len(history)


def test_many_kinds_of_answers_are_summed_up_beyond_the_most_frequent() -> None:
    answers = [
        "granted",
        "full",
        "duplicate",
        "replayed",
        "closed",
        "mismatch",
        "incomplete",
        "ineligible",
        "error",
    ]
    text = "\n".join(f"p{at} claim {at}-{at + 1} {answer}" for at, answer in enumerate(answers))
    found = pace.pace(drawn(text), axis_of(drawn(text)))
    assert len(found.answers) == pace.MOST_KINDS + 1
    assert found.answers[pace.OTHER].sum() == 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), min_size=1, max_size=60))
def test_quantiles_of_a_bin_are_values_that_occurred(pairs: list[tuple[int, int]]) -> None:
    bins, values = (np.array(each) for each in zip(*pairs, strict=True))
    found = pace.quantiles(bins, values.astype(float), 4)
    for number in range(4):
        mine = values[bins == number]
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
            if len(mine):
                assert found[name][number] == np.quantile(mine, share, method="inverted_cdf")
            else:
                assert np.isnan(found[name][number])


def test_percentiles_are_those_of_the_histograms_and_go_no_further_than_the_answers() -> None:
    history = crowded(np.random.default_rng(6), Crowd(operations=5_000))
    kept = latency.latencies(history)
    for curve, each in zip(waits.curves(kept), kept, strict=False):
        plain = each.as_plain()["from_due_ms"]
        shown = dict(zip(curve.percentiles, curve.values_ms, strict=True))
        assert shown[50.0] == plain["p50"]
        if curve.count >= 100:
            assert shown[99.0] == plain["p99"]
        assert list(curve.values_ms) == sorted(curve.values_ms)
        assert 100 - curve.percentiles[-1] >= 100 / curve.count - 1e-9


AXES = [
    (8, "ns", 1),
    (5_000, "µs", 50),
    (3 * 10**6, "ms", 20_000),
    (8 * SECOND, "s", SECOND // 10),
    (40 * SECOND, "s", SECOND),
    (240 * SECOND, "s", 2 * SECOND),
    (3_600 * SECOND, "min", 30 * SECOND),
]


@pytest.mark.parametrize(("span", "unit", "width"), AXES, ids=str)
def test_an_axis_has_a_unit_and_bins_that_fit(span: int, unit: str, width: int) -> None:
    axis = axis_between(1_000, 1_000 + span)
    assert (axis.unit, axis.width_ns) == (unit, width)
    assert axis.count <= 160
    assert axis.counted(np.array([1_000, 1_000 + span])).sum() == 2


def test_a_history_of_nothing_sent_has_an_axis() -> None:
    history = history_of(Header(caps=(cap_of("2022", 1),)), [])
    axis = axis_of(history)
    assert axis.count >= 1
    assert pace.pace(history, axis).answers == {}
