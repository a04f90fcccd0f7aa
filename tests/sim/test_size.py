"""How many officers: against Erlang's formula, against trying every number, and against the load test."""

import math

import numpy as np
import pytest

from sim import scenario_file
from sim import size as sizing
from sim.clock import DAY_S
from sim.programme import prepare
from sim.showing import size as show_size
from sim.showing.size_summary import summary
from sim.sizing import portal
from sim.sizing.staffing import Crowd, Standard, crowd_of, least, meets
from sim.studying.replication import Question
from tests.people import make_people
from tests.sim.building import OPEN, poisson_times, world

SMOKE = scenario_file.load("smoke")


def erlang_c_level(officers: int, load: float, days: float) -> float:
    """P(wait + service <= t) of M/M/c with mean service of a day (Gross et al., Queueing Theory, 2.3).

    With C the chance of waiting and c - a = officers - load, P(T > t) = e^-t (1 + C (1 - e^(-t (c - a - 1)))
    / (c - a - 1)).
    """
    if officers <= load:
        return 0.0
    blocking = 1.0
    for n in range(1, officers + 1):
        blocking = load * blocking / (n + load * blocking)
    waits = blocking / (1.0 - load / officers * (1.0 - blocking))
    spare = officers - load - 1.0
    late = math.exp(-days) * (1.0 + waits * -math.expm1(-days * spare) / spare)
    return 1.0 - late


@pytest.mark.parametrize(("load", "days", "share"), [(8.3, 2.75, 0.87), (3.4, 4.0, 0.95), (0.6, 3.5, 0.9)])
def test_closed_form_of_the_officers_for_a_service_level(load: float, days: float, share: float) -> None:
    """Poisson filings, exponential work, an office that never closes: Erlang's C gives the least number, and
    the level that each number reaches.
    """
    count, rng = 40_000, np.random.default_rng(7)
    scenario = world(days=math.ceil(1.1 * count / load), offices={"officers": 1})
    people = make_people(
        count,
        certified_s=poisson_times(rng, scenario.starts_s, load, count),
        answer_delay_s=0,
        service_s=np.maximum(1, np.rint(rng.exponential(DAY_S, count))).astype(np.int64),
    )
    crowd = Crowd(Question(scenario, OPEN, 1), prepare(scenario, people))
    standard = Standard(share, days, each_year=False)
    expected = next(c for c in range(1, 100) if erlang_c_level(c, load, days) >= share)
    assert least(crowd, standard, (1, 64), 1) == expected
    for officers in (expected - 1, expected, expected + 3):
        if officers > load + 1:  # closer to saturation one long run says too little
            level = crowd.level(officers, standard)
            assert level == pytest.approx(erlang_c_level(officers, load, days), abs=0.012)


@pytest.mark.parametrize("replication", range(4))
def test_a_critical_number_is_where_trying_them_all_begins_to_meet_it(replication: int) -> None:
    busy = scenario_file.replaced(SMOKE, {"offices.service_hours": 12, "demand.multiple": 4})
    crowd = crowd_of(Question(busy, busy.policy("first-come"), 7), replication)
    standard = Standard(0.8, 40.0, each_year=True)
    levels = {officers: crowd.level(officers, standard) for officers in range(1, 17)}
    for hint in (1, 5, 16):
        found = least(crowd, standard, (1, 16), hint)
        assert meets(levels[int(found)], standard)
        assert not any(meets(level, standard) for officers, level in levels.items() if officers < found)


def test_no_number_is_enough_where_checks_alone_take_longer() -> None:
    slow = scenario_file.replaced(SMOKE, {"offices.unstaffed_weeks": {"low": 10, "mode": 12, "high": 20}})
    found = sizing.size(slow, sizing.wanted_of(slow), replications=3, jobs=1)
    assert found.answer is None
    assert np.isinf(found.critical).all()
    said = show_size.sentences(summary(found, source="smoke"))[0]
    assert said.startswith("No number of officers up to 100")
    assert "checks before them take 10 to 20 weeks" in said


def test_nothing_is_judged_where_the_scenario_ends_too_early() -> None:
    rush = scenario_file.load("last-slots")
    found = sizing.size(rush, sizing.wanted_of(rush), replications=2, jobs=1, register=False)
    assert found.answer is None
    assert np.isnan(found.critical).all()
    assert show_size.sentences(summary(found, source="last-slots"))[0].startswith(
        "No service level can be judged"
    )


def test_the_answer_is_the_least_number_that_meets_it_often_enough() -> None:
    busy = scenario_file.replaced(SMOKE, {"offices.service_hours": 12, "demand.multiple": 4})
    wanted = sizing.wanted_of(busy, share=0.8, days=45, confidence=0.75)
    found = sizing.size(busy, wanted, replications=12, jobs=1, register=False)
    assert found.answer is not None
    tried = range(int(found.critical.min()) - 1, found.answer + sizing.ABOVE + 1)
    assert set(tried) - {0} <= set(found.table)
    shares = {officers: found.chance_of(officers).times / 12 for officers in found.table}
    assert shares[found.answer] >= 0.75
    assert all(share < 0.75 for officers, share in shares.items() if officers < found.answer)
    assert found.table[found.answer]["level_worst_year"].mean() > found.table[min(tried)]["level"].mean()


def test_the_same_bytes_from_any_number_of_workers() -> None:
    wanted = sizing.wanted_of(SMOKE, share=0.8, days=21)
    one, two = (sizing.size(SMOKE, wanted, replications=6, jobs=jobs) for jobs in (1, 2))
    assert summary(one, source="smoke") == summary(two, source="smoke")


def test_a_number_that_seems_enough_is_tried_with_those_around_it() -> None:
    wanted = sizing.wanted_of(SMOKE, officers=(2, 50))
    assert sizing.worth_trying(np.array([5.0, 7.0, 6.0]), wanted, 10) == (4, 5, 6, 7, 8, 9, 10)
    assert sizing.worth_trying(np.array([2.0, np.nan]), wanted, 70) == (2, 3, 4)
    assert sizing.worth_trying(np.array([np.inf]), wanted, 10) == (10, 50)


def test_the_peaks_are_those_of_the_filings() -> None:
    crowd = crowd_of(Question(SMOKE, SMOKE.policy("first-come"), 7), 0)
    scenario, _, outcome = crowd.served(2)
    found = portal.peaks(scenario, outcome)
    filed = outcome.filings_s
    for begins, most, length in zip(found.begins_s, found.most, portal.STRETCHES.values(), strict=True):
        assert ((filed >= begins) & (filed < begins + length)).sum() == most
        assert most == max(((filed >= each) & (filed < each + length)).sum() for each in filed)


def test_the_peak_is_the_one_that_the_load_test_sends() -> None:
    """The line that is printed, given to the trace of the load test: the same rate within a twentieth."""
    from loadtests.trace import build  # the load test takes over what is found here
    from loadtests.tracing.summary import summary as of_trace
    from loadtests.tracing.window import window_of

    scenario = scenario_file.load("last-slots")
    found = sizing.size(scenario, sizing.wanted_of(scenario), replications=1, jobs=1, register=False)
    said = summary(found, source="last-slots")
    words = said["load"]["command"].split()
    option = dict(zip(words[3::2], words[4::2], strict=True))
    part = window_of(option["--window"])
    load = scenario.load.model_copy(update={"window": part})
    replayed = scenario.model_copy(update={"load": load})
    made = build(replayed, run="size", seed=int(option["--seed"]), compress=float(option["--compress"]))
    minute = said["portal"]["stretches"]["minute"]["requests_per_s"]["mean"] - scenario.load.reads_per_s.value
    sends = of_trace(made)
    assert (sends.claims + sends.hedges) / 60.0 == pytest.approx(minute, rel=0.05)
