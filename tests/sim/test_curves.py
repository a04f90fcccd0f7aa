"""Curves and tables for pictures: they add up, agree with the measures, and with another library."""

import datetime
import json
from pathlib import Path

import lifelines
import numpy as np
import pytest

from sim import outcome as became
from sim.cli import main
from sim.clock import DAY_S, MONTH_S, NEVER
from sim.measures import in_scope, measure
from sim.measuring import curves as curving
from sim.measuring.curves import STATES
from sim.measuring.survival import cumulative_incidence
from sim.measuring.waits import ENDS, certificate_to_permit, ends
from sim.outcome import IntakeAccount, Outcome
from sim.people import People, settle
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load
from sim.studying import binding, influence
from tests.people import make_people
from tests.sim.building import world
from tests.sim.handmade import make_outcome

POLICIES = (
    "first-come",
    "lottery",
    "score-rounds",
    "monthly-release",
    "carry-over",
    "no-cap",
    "waiting-list",
)
SMOKE = load("smoke")
YEAR = world(days=365, cap=4)
START = YEAR.starts_s


def played(policy: str, scenario: Scenario = SMOKE, replication: int = 0) -> tuple[People, Outcome]:
    people = settle(scenario, draw(scenario, replication))
    return in_scope(people, simulate(prepare(scenario, people), scenario.policy(policy)))


@pytest.mark.parametrize("policy", POLICIES)
def test_everybody_is_in_one_state_and_ends_in_that_of_the_status(policy: str) -> None:
    people, outcome = played(policy)
    stock = curving.stocks(SMOKE, people, outcome, SMOKE.spec(SMOKE.policy(policy)))
    assert stock.shape == (len(STATES), len(curving.grids(SMOKE).ends))
    assert (stock >= 0).all()
    assert stock[:, -1].sum() == len(people), "everyone is certified by the end"
    assert (np.diff(stock.sum(axis=0)) >= 0).all()
    last = dict(zip(STATES, stock[:, -1], strict=True))
    assert last["pool"] == np.count_nonzero(outcome.status == became.POOL)
    assert last["letter"] == np.count_nonzero(outcome.status == became.INVITED)
    assert last["in processing"] == np.count_nonzero(outcome.status == became.ACCEPTED)
    assert last["waiting list"] == np.count_nonzero(outcome.status == became.WAITLISTED)
    assert last["decided"] == np.count_nonzero(outcome.decided_s < NEVER)


def test_a_stock_by_hand() -> None:
    """Letter on day 0, filed on day 40, slot on day 70 from a waiting list, decided on day 100."""
    times = {
        name: [START + day * DAY_S] for name, day in (("filed_s", 40), ("slot_s", 70), ("decided_s", 100))
    }
    outcome = make_outcome(
        1,
        letter_s=START,
        first_filed_s=times["filed_s"],
        attempts=1,
        full_count=1,
        status=became.REFUSED,
        **times,
    )
    spec = YEAR.spec(YEAR.policy("first-come")).__class__(over_cap="queue")
    stock = curving.stocks(YEAR, make_people(1, certified_s=START), outcome, spec)
    by_month = [STATES[int(np.argmax(column))] for column in stock.T]
    assert by_month[:4] == ["letter", "waiting list", "in processing", "decided"]
    assert set(by_month[4:]) == {"decided"}


@pytest.mark.parametrize("policy", POLICIES)
def test_slots_by_arrival_and_score_sum_to_the_measures(policy: str) -> None:
    people, outcome = played(policy)
    spec = SMOKE.spec(SMOKE.policy(policy))
    found = curving.curves(SMOKE, people, outcome, spec)
    measures = measure(SMOKE, people, outcome, spec=spec)
    assert found.served.sum() / found.people.sum() == pytest.approx(measures["slot_probability"])
    for k in range(10):
        assert found.served[:, k].sum() / found.people[:, k].sum() == pytest.approx(
            measures[f"slot_probability/decile={k + 1}"]
        )
    assert found.served[0].sum() / found.people[0].sum() == pytest.approx(
        measures["slot_probability/cohort=backlog"]
    )
    assert found.queue.max() == measures["longest_queue"]
    assert np.nanmax(found.busy) == pytest.approx(measures["peak_month_utilisation"])


@pytest.mark.parametrize("policy", ["first-come", "lottery"])
def test_incidence_is_that_of_the_curve_and_sums_to_at_most_one(policy: str) -> None:
    people, outcome = played(policy)
    found = curving.incidence(SMOKE, people, outcome)
    grid = curving.grids(SMOKE)
    assert found.shape == (len(grid.streams), len(ENDS), len(grid.ages))
    assert np.nanmax(found.sum(axis=1)) <= 1 + 1e-9
    assert (np.diff(found, axis=2)[~np.isnan(np.diff(found, axis=2))] >= -1e-12).all()
    curve = certificate_to_permit(SMOKE, people, outcome)
    for age in (0, 6, 12):
        assert found[0, 0, age] == pytest.approx(curve.incidence_at(age * MONTH_S), nan_ok=True)


@pytest.mark.parametrize("cause", range(1, len(ENDS) + 1))
def test_incidence_is_lifelines_aalen_johansen(cause: int) -> None:
    """An independent library, on people certified inside the scenario (it knows no late entry).

    It breaks ties of different causes by moving them a little, hence the tolerance.
    """
    scenario = load("smoke")
    people, outcome = played("score-rounds", scenario)
    young = people.certified_s >= scenario.starts_s
    curve = certificate_to_permit(scenario, people, outcome, among=young)
    end, why = ends(people, outcome)
    age = np.minimum(end, scenario.ends_s)[young] - people.certified_s[young]
    seen = np.where(end < scenario.ends_s, why, 0)[young]
    assert (seen == cause).any()
    fitted = lifelines.AalenJohansenFitter(calculate_variance=False, seed=1)
    fitted.fit(age / DAY_S, seen, event_of_interest=cause)
    theirs = fitted.cumulative_density_.iloc[:, 0]
    for months in (3, 6, 12, 18):
        if months * MONTH_S <= curve.last:
            at = theirs[theirs.index <= months * MONTH_S / DAY_S].iloc[-1]
            assert curve.incidence_at(months * MONTH_S, cause=cause) == pytest.approx(at, abs=2e-3)


def test_late_entry_is_lifelines_kaplan_meier() -> None:
    rng = np.random.default_rng(23)
    entered = np.where(rng.random(500) < 0.6, 0, rng.integers(1, 200, 500))
    left = entered + rng.geometric(0.01, 500)
    event = (rng.random(500) < 0.7).astype(np.int64)
    curve = cumulative_incidence(entered, left, event)
    fitted = lifelines.KaplanMeierFitter().fit(left, event, entry=entered)
    for age in (5, 20, 60, 120, 240):
        assert curve.survival_at(age) == pytest.approx(float(fitted.predict(age)), abs=1e-9)


def test_a_round_of_letters_brings_a_queue_that_the_mean_hides() -> None:
    """Two rounds of three letters; the second finds the officer busy with a file for each letter."""
    hour = 3600
    ready = [START, START, START, START + 30 * DAY_S, START + 30 * DAY_S, START + 30 * DAY_S]
    started = [START, START + hour, START + 2 * hour, *(START + 30 * DAY_S + k * hour for k in range(3))]
    letters = [START] * 3 + [START + 30 * DAY_S] * 3
    outcome = make_outcome(
        6, letter_s=letters, first_filed_s=letters, filed_s=letters, ready_s=ready, started_s=started
    )
    found = curving.rounds(YEAR, outcome)
    assert [(each.letters, each.applications, each.longest_queue) for each in found] == [(3, 3, 2), (3, 3, 2)]


def test_work_past_closing_and_the_busiest_week() -> None:
    """Office 8:30 to 16:00; a file of two hours begun at 15:00 would cost an hour of overtime."""
    office = {
        "opens_at": datetime.time(8, 30),
        "hours_per_day": 7.5,
        "weekdays": ["monday", "tuesday"],
        "officers": 1,
    }
    scenario = world(days=28, offices=office)  # 1 January 2022 is a Saturday
    monday = scenario.starts_s + 2 * DAY_S
    begun = monday + 15 * 3600
    account = IntakeAccount(2022, scenario.starts_s, scenario.ends_s, 9, 0, 1, 1)
    outcome = make_outcome(
        1, account, slot_s=begun, intake=2022, ready_s=begun, started_s=begun, decided_s=begun + 20 * 3600
    )
    people = make_people(1, certified_s=scenario.starts_s, service_s=2 * 3600)
    found = measure(scenario, people, outcome)
    assert found["overtime_hours"] == pytest.approx(1.0)
    assert found["peak_week_load"] == pytest.approx(2 / 15)
    assert found["utilisation"] == pytest.approx(2 / 60)
    assert found["peak_month_utilisation"] == pytest.approx(found["utilisation"])


def test_curves_of_a_few_replications_lie_in_the_run_folder_and_are_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influence, "REPLICATIONS_OF_FEW", 2)
    monkeypatch.setattr(binding, "REPLICATIONS", 2)
    texts = []
    for name in ("first", "second"):
        asked = ["run", "smoke", "--replications", "3", "--jobs", "1", "--out", str(tmp_path / name)]
        assert main([*asked, "--quiet"]) == 0
        texts.append((tmp_path / name / "curves.json").read_text("utf-8"))
    assert texts[0] == texts[1]
    found = json.loads(texts[0])
    assert found["replications"] == 3
    policy = found["policies"]["first-come"]
    assert set(policy["incidence"]) == set(found["streams"])
    stock = [policy["stock"][state]["mean"][-1] for state in found["states"]]
    summary = json.loads((tmp_path / "first" / "summary.json").read_text("utf-8"))
    assert sum(stock) == pytest.approx(summary["measures"]["in_scope"]["chance"]["mean"], rel=1e-4)
    assert policy["rounds"][0]["letters"] > 0
