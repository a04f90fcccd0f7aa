"""Each measure on a handful of people worked out by hand, with the trap that a careless one falls into."""

import math
from typing import Any

import numpy as np
import pytest

from sim import outcome as became
from sim.clock import DAY_S, MONTH_S, NEVER, YEAR_S
from sim.ledger import Spec
from sim.measures import measure
from sim.measuring.definitions import MEASURES, definition
from sim.measuring.intakes import uptake
from sim.outcome import IntakeAccount
from sim.people import People, settle
from sim.policy import CATALOGUE
from sim.population import draw
from sim.programme import prepare, simulate
from sim.scenario import Scenario
from sim.scenario_file import load
from tests.people import make_people
from tests.sim.building import world
from tests.sim.handmade import make_outcome

YEAR = world(days=365, cap=4)  # 2022 in UTC
START = YEAR.starts_s
END = YEAR.ends_s


def day(*days: float | None) -> list[int | None]:
    """Seconds, given in days from the start of the scenario."""
    return [None if one is None else START + round(one * DAY_S) for one in days]


def account(year: int = 2022, **fields: int) -> IntakeAccount:
    """The account of an intake that lasts a year of 365 days."""
    opens = START + (year - 2022) * 365 * DAY_S
    full = {"cap": 4, "carried_in": 0, "granted": 0, "used": 0}
    return IntakeAccount(year, opens, opens + 365 * DAY_S, **(full | fields))


def measured(
    n: int, *intakes: IntakeAccount, scenario: Scenario = YEAR, people: People | None = None, **columns: Any
) -> dict[str, float]:
    people = make_people(n, certified_s=START) if people is None else people
    spec = columns.pop("spec", None)
    return measure(scenario, people, make_outcome(n, *(intakes or (account(),)), **columns), spec=spec)


def served(*days: float, **columns: Any) -> dict[str, Any]:
    """Columns of people who filed, and got a slot of 2022, on these days."""
    times = day(*days)
    filed = {"letter_s": START, "first_filed_s": times, "filed_s": times, "attempts": 1}
    return filed | {"slot_s": times, "intake": 2022, "status": became.ACCEPTED} | columns


# Intakes


def test_the_fill_rate_counts_carried_slots_as_slots() -> None:
    found = measured(3, account(cap=4, carried_in=2, granted=3, used=3), **served(1, 2, 3))
    assert found["intake_fill_rate/2022"] == 0.5


def test_a_slot_carried_on_is_not_counted_twice() -> None:
    scenario = world(days=730, cap=4)
    first, second = account(granted=1, used=1), account(2023, carried_in=3, granted=2, used=2)
    columns = served(10, 370, 380, intake=[2022, 2023, 2023])
    found = measured(3, first, second, scenario=scenario, **columns)
    assert [found[f"{name}/2022"] for name in ("unused_slots", "carried_slots")] == [0, 3]
    assert [found[f"{name}/2023"] for name in ("unused_slots", "carried_slots")] == [5, 0]
    assert (found["unused_slots"], found["intake_fill_rate"], found["grants"]) == (5, 3 / 8, 3)


def test_refusals_burn_the_cap_but_make_no_permit() -> None:
    intake = [{"year": 2022, "opens": YEAR.starts, "closes": YEAR.ends, "cap": 4, "permit_target": 4}]
    decided = day(50, 50, 50, 50)
    columns = served(1, 2, 3, 4, decided_s=decided, permit_s=[*decided[:3], None])
    columns["status"] = [became.PERMIT] * 3 + [became.REFUSED]
    found = measured(4, account(granted=4, used=4), scenario=world(intake=intake), **columns)
    assert (found["intake_fill_rate"], found["permit_fill_rate"], found["refused"]) == (1, 0.75, 1)


def test_the_day_of_a_cap_that_was_not_reached_is_not_a_number() -> None:
    reached = measured(4, account(granted=4, used=4), **served(30, 1, 20, 25.5))
    assert (reached["cap_reached/2022"], reached["days_to_cap/2022"], reached["caps_reached"]) == (1, 30, 1)
    missed = measured(3, account(granted=3, used=3), **served(1, 2, 3))
    assert missed["cap_reached/2022"] == 0
    assert math.isnan(missed["days_to_cap/2022"])
    assert missed["window_days/2022"] == 365  # it was watched so long: a right-censored time


def test_slots_given_back_delay_the_cap() -> None:
    """Four grants, but the first slot is back before the third claim: never are all four used at once."""
    spec = Spec(gives_back=frozenset({"refusal"}))
    columns = served(1, 2, 20, 21, decided_s=day(10, None, None, None), spec=spec)
    columns["status"] = [became.REFUSED, *[became.ACCEPTED] * 3]
    found = measured(4, account(cap=4, granted=4, used=3), **columns)
    assert (found["grants"], found["given_back"], found["used"]) == (4, 1, 3)
    assert (found["cap_reached/2022"], found["unused_slots"]) == (0, 1)


def test_a_slot_given_back_after_closing_is_not_an_unused_one() -> None:
    scenario = world(days=730, cap=4)
    spec = Spec(gives_back=frozenset({"withdrawal"}))
    columns = served(1, 2, 3, 4, left_s=day(400, None, None, None), spec=spec)
    columns["status"] = [became.WITHDRAWN, *[became.ACCEPTED] * 3]
    second = account(2023, cap=0)
    found = measured(4, account(granted=4, used=3), second, scenario=scenario, **columns)
    assert (found["unused_slots/2022"], found["used/2022"], found["given_back/2022"]) == (0, 4, 1)


def test_the_wrong_rules_for_giving_back_are_noticed() -> None:
    with pytest.raises(AssertionError, match="is this the spec"):
        measured(1, account(granted=1, used=0), **served(1))


def test_a_stale_counter_overshoots() -> None:
    found = measured(6, account(cap=4, granted=6, used=6), **served(1, 2, 3, 4, 5, 6))
    assert (found["overshoot"], found["unused_slots"], found["days_to_cap/2022"]) == (2, 0, 4)


def test_without_a_cap_nothing_can_be_full() -> None:
    found = measured(1, account(cap=NEVER, granted=1, used=1), **served(1))
    assert found["grants"] == 1
    for name in ("cap", "intake_fill_rate", "unused_slots", "cap_reached/2022", "caps_reached"):
        assert math.isnan(found[name]), name


def test_an_incomplete_application_that_took_a_slot_is_part_of_the_uptake() -> None:
    columns = served(5, 7, spent=[1, 0], first_filed_s=day(1, 7), spec=Spec(counts="received"))
    found = measured(2, account(cap=3, granted=3, used=3), **columns)
    assert (found["used/2022"], found["days_to_cap/2022"]) == (3, 7)


def test_uptake_is_a_step_a_slot() -> None:
    outcome = make_outcome(3, account(granted=3, used=3), **served(1, 2, 2))
    grid = np.array(day(0, 1, 1.5, 2, 300), dtype=np.int64)
    assert uptake(outcome, 2022, grid).tolist() == [0, 0.25, 0.25, 0.75, 0.75]
    assert np.isnan(uptake(make_outcome(0, account(cap=NEVER)), 2022, grid)).all()


# The funnel


def test_a_letter_still_open_at_the_horizon_is_not_wasted() -> None:
    status = [became.INVITED, became.DECLINED, became.LAPSED, became.PR_FIRST, became.POOL]
    found = measured(5, status=status, letter_s=day(1, 1, 1, 1, None), left_s=day(None, 5, 61, 99, None))
    assert (found["letters"], found["letters_outstanding"], found["invitations_wasted"]) == (4, 1, 3)
    causes = ("declined", "lapsed", "overtaken", "over-cap", "incomplete")
    assert [found[f"invitations_wasted/cause={cause}"] for cause in causes] == [1, 1, 1, 0, 0]
    assert found["invitations_wasted_share"] == 0.75


def test_an_application_over_the_cap_wastes_its_letter_once_whatever_came_after() -> None:
    """Returned for good; returned and then overtaken; returned and served later; still waiting in line."""
    status = [became.RETURNED_OVER_CAP, became.PR_FIRST, became.ACCEPTED, became.WAITLISTED]
    columns = {"first_filed_s": START, "filed_s": START, "first_full_s": START, "attempts": [2, 1, 2, 1]}
    slots = {"slot_s": day(None, None, 9, None), "intake": [0, 0, 2022, 0], "full_count": [2, 1, 1, 1]}
    found = measured(4, account(granted=1, used=1), status=status, letter_s=START, **columns, **slots)
    assert (found["invitations_wasted"], found["invitations_wasted/cause=over-cap"]) == (2, 2)
    assert (found["over_cap_returns"], found["over_cap_persons"], found["applications"]) == (5, 4, 6)


def test_an_incomplete_application_over_the_cap_was_not_looked_into() -> None:
    """Received counts: the first finds the cap reached unopened, the second is opened and handed back."""
    people = make_people(2, certified_s=START, complete=False)
    columns = {"first_filed_s": START, "filed_s": START, "attempts": 1}
    status = [became.RETURNED_OVER_CAP, became.RETURNED_INCOMPLETE]
    full = {"full_count": [1, 0], "first_full_s": [START, None], "spent": [0, 1]}
    spec = Spec(counts="received")
    found = measured(
        2, account(granted=1, used=1), people=people, spec=spec, status=status, **columns, **full
    )
    assert found["incomplete_returns"] == 1


def test_who_is_out_of_scope_is_counted_for_the_bridging_permit_only() -> None:
    people = make_people(3, certified_s=START, in_scope=[True, False, False])
    found = measured(3, people=people, status=[became.POOL, became.BRIDGING, became.OUT_OF_SCOPE])
    assert (found["in_scope"], found["bridging_permits"]) == (1, 1)


def test_families_arrive_together() -> None:
    people = make_people(2, certified_s=START, family_size=[4, 2])
    found = measured(2, people=people, arrived_s=day(100, None))
    assert (found["arrivals"], found["persons_arrived"]) == (1, 4)


# Chances and order


def test_a_permit_counts_if_it_came_before_permanent_residence() -> None:
    """Before; after; refused permanent residence, which never comes; no permit."""
    people = make_people(
        4, certified_s=START, pr_decided_s=START + 50 * DAY_S, pr_approved=[True, True, False, True]
    )
    found = measured(4, people=people, permit_s=day(40, 60, 60, None))
    assert found["permit_before_pr_probability"] == 0.5


def test_disparate_impact_gives_ratio_and_difference() -> None:
    """1 of 2 against 1 of 4: the ratio alone would look the same for 1 of 200 against 1 of 400."""
    scenario = world(streams={"regular": {"share": 0.5}, "pilot": {"share": 0.5}})
    people = make_people(6, certified_s=START, stream=[0, 0, 1, 1, 1, 1])
    filed = day(1, None, 1, None, None, None)
    slots = {"filed_s": filed, "slot_s": filed, "intake": [2022, 0, 2022, 0, 0, 0]}
    found = measured(6, account(granted=2, used=2), scenario=scenario, people=people, **slots)
    assert (found["disparate_impact_ratio"], found["disparate_impact_difference"]) == (0.5, -0.25)
    assert (found["slot_probability/stream=regular"], found["slot_probability/stream=pilot"]) == (0.5, 0.25)


def test_chances_by_half_year_and_by_tenth_of_scores() -> None:
    autumn = START + 250 * DAY_S
    people = make_people(10, certified_s=[START - 1, *[START] * 6, *[autumn] * 3], score=range(500, 600, 10))
    filed = day(*[None] * 8, 301, 302)
    slots = {"filed_s": filed, "slot_s": filed, "intake": [0] * 8 + [2022] * 2}
    found = measured(10, account(granted=2, used=2), people=people, **slots)
    names = ("cohort=backlog", "cohort=2022H1", "cohort=2022H2", "decile=1", "decile=9", "decile=10")
    assert [found[f"slot_probability/{name}"] for name in names] == [0, 0, 2 / 3, 0, 1, 1]


def test_equal_scores_share_a_tenth() -> None:
    found = measured(20, people=make_people(20, certified_s=START, score=[500] * 18 + [600, 700]))
    there = [k for k in range(1, 11) if not math.isnan(found[f"slot_probability/decile={k}"])]
    assert there == [5, 10]


def test_an_inversion_is_a_later_certificate_served_earlier() -> None:
    people = make_people(4, certified_s=[START, START + 1, START + 2, START + 3])
    found = measured(4, account(granted=4, used=4), people=people, **served(4, 1, 2, 3))
    assert found["order_inversions"] == 3 / 6


def test_a_claim_is_justified_if_a_later_filer_of_the_same_stream_got_in() -> None:
    """Turned away on day 10: a later filer of stream 0 was served, of stream 1 only an earlier one."""
    scenario = world(streams={"regular": {"share": 0.5}, "pilot": {"share": 0.5}})
    people = make_people(4, certified_s=START, stream=[0, 0, 1, 1])
    columns = served(10, 20, 10, 5, slot_s=day(None, 20, None, 5), intake=[0, 2022, 0, 2022])
    full = {"full_count": [1, 0, 1, 0], "first_full_s": day(10, None, 10, None)}
    status = [became.RETURNED_OVER_CAP, became.ACCEPTED] * 2
    accounts = account(granted=2, used=2)
    found = measured(4, accounts, scenario=scenario, people=people, **(columns | full | {"status": status}))
    assert found["justified_claims"] == 1


# Waits


def test_the_median_wait_of_those_already_served_is_too_short() -> None:
    """Three decided after 10 days, four still open after 100: nobody knows the median; it is not 10."""
    columns = served(*[265] * 7, decided_s=day(*[275] * 3, *[None] * 4))
    found = measured(7, account(cap=9, granted=7, used=7), **columns)
    assert math.isnan(found["median_wait_days"])
    assert math.isnan(found["service_level"])  # of 112 days, beyond what anyone was watched


def test_who_withdraws_would_have_waited_on() -> None:
    """Of four, one withdraws on day 5 and the others are decided on days 10, 20 and 30."""
    columns = served(0, 0, 0, 0, decided_s=day(None, 10, 20, 30), left_s=day(5, None, None, None))
    found = measured(4, account(granted=4, used=4), **columns)
    assert (found["median_wait_days"], found["p90_wait_days"], found["service_level"]) == (20, 30, 1)


def test_the_service_level_does_not_forget_files_still_open() -> None:
    """Three of four decided in time, one open beyond the standard: 3/4, not 3 of the 3 completed."""
    found = measured(4, account(granted=4, used=4), **served(0, 0, 0, 0, decided_s=day(10, 10, 10, None)))
    assert found["service_level"] == 0.75


def test_permanent_residence_competes_with_the_permit() -> None:
    """Half leave by permanent residence, half get a permit: 1/2 ever do. Kaplan-Meier would say all."""
    people = make_people(4, certified_s=START)
    status = [became.PR_FIRST, became.PR_FIRST, became.PERMIT, became.PERMIT]
    columns = {"left_s": day(20, 30, None, None), "permit_s": day(None, None, 100, 110)}
    found = measured(4, people=people, status=status, **columns)
    assert found["permit_within_6_months"] == 0.5
    assert found["median_months_to_permit"] == 110 * DAY_S / MONTH_S


def test_the_backlog_is_watched_from_its_age_at_the_start() -> None:
    """A holder of three months had no permit earlier because there was none to have, which is no evidence."""
    ages = [0, 0, 90, 90]
    people = make_people(4, certified_s=[START - age * DAY_S for age in ages])
    found = measured(4, people=people, permit_s=day(10, 20, 10, 20), status=became.PERMIT)
    assert found["median_months_to_permit"] == 10 * DAY_S / MONTH_S


# Time saved


def test_time_saved_per_holder_alone_rewards_creaming() -> None:
    """Serving the one person who gains two years beats serving both per holder, and loses in total."""
    people = make_people(
        2, certified_s=START, pr_arrival_s=[START + 2 * YEAR_S, START + YEAR_S], employed=[1, 0]
    )
    few, all_ = (measured(2, people=people, arrived_s=[START, second]) for second in (None, START))
    assert few["years_saved_per_arrival"] == 2 > all_["years_saved_per_arrival"] == 1.5
    assert few["years_saved_per_person"] == 1 < all_["years_saved_per_person"] == 1.5
    assert all_["years_saved"] == 3
    assert all_["labour_months_gained"] == 24


def test_a_permit_gains_no_more_labour_than_its_validity() -> None:
    """Permanent residence in 5 years, never, and before the arrival."""
    alone = [START + 5 * YEAR_S, NEVER, START - 1]
    found = measured(3, people=make_people(3, certified_s=START, pr_arrival_s=alone), arrived_s=START)
    assert found["labour_months_gained"] == 36 + 36 + 0
    assert found["years_saved"] == 5 + 3 + 0


def test_permit_years_stop_at_the_horizon_and_at_the_permits_end() -> None:
    scenario = world(days=365, programme={"permit_months": 6, "certificate_months": 240})
    people = make_people(3, certified_s=START, pr_arrival_s=[NEVER, START + MONTH_S, NEVER])
    arrived = [START, START, END - MONTH_S]
    found = measured(3, scenario=scenario, people=people, arrived_s=arrived)
    assert found["permit_years"] == pytest.approx(13 / 12)
    assert found["permit_years_before_pr"] == pytest.approx(8 / 12)
    assert found["permits_in_force"] == 1


# Offices


def test_utilisation_counts_the_part_of_a_service_inside_and_shows_the_busy_year() -> None:
    scenario = world(days=730, offices={"officers": 1})
    half_year = 365 * DAY_S // 2
    people = make_people(2, certified_s=START, service_s=half_year)
    started = [START, scenario.ends_s - half_year // 2]
    found = measured(2, account(), scenario=scenario, people=people, ready_s=started, started_s=started)
    assert (found["utilisation/2022"], found["utilisation/2023"]) == (0.5, 0.25)
    assert found["utilisation"] == 0.375


def test_a_file_that_waits_for_the_doors_to_open_does_not_wait_for_an_officer() -> None:
    """The office opens at 08:30 on Monday 3 January: one file ready before, one started an hour late."""
    hours = {
        "opens_at": world().offices.opens_at.replace(8, 30),
        "hours_per_day": 7.5,
        "weekdays": ["monday"],
    }
    ready, started = day(2 + 3 / 24, 2 + 9 / 24), day(2 + 8.5 / 24, 2 + 10 / 24)
    found = measured(2, scenario=world(offices=hours), ready_s=ready, started_s=started)
    assert found["waited_share"] == 0.5
    assert found["mean_queue_days"] == pytest.approx(6.5 / 2 / 24)


def test_the_longest_queue_leaves_out_files_that_start_at_once() -> None:
    ready, started = day(1, 2, 2, 5), day(3, 4, None, 5)
    found = measured(4, ready_s=ready, started_s=started, left_s=day(None, None, 6, None))
    assert found["longest_queue"] == 3


def test_the_backlog_is_a_stock_over_time() -> None:
    """In processing on days 0 to 73, 0 to 292, and from day 345 on."""
    decided = day(73, 292, None)
    found = measured(3, account(granted=3, used=3), **served(0, 0, 345, decided_s=decided))
    assert found["backlog_mean"] == pytest.approx((73 + 292 + 20) / 365)
    assert (found["backlog_max"], found["backlog_end"], found["oldest_age_days"]) == (2, 1, 20)
    assert found["clearance_months"] == pytest.approx(
        6 * 365 / 365.25
    )  # one left, two decided in the 365 days


def test_an_approval_counted_programme_has_files_before_it_has_slots() -> None:
    filed = day(0, 0)
    columns = {"first_filed_s": filed, "filed_s": filed, "attempts": 1, "spec": Spec(counts="approved")}
    found = measured(2, decided_s=day(10, None), **columns)
    assert (found["backlog_end"], found["median_wait_days"]) == (1, 10)


def test_the_peak_day_is_a_local_day_and_the_peak_hour_any_hour() -> None:
    times = day(9.99, 10.01, 10.02, 10.99)
    found = measured(4, account(granted=4, used=4), **served(*[0] * 4, first_filed_s=times, filed_s=times))
    assert (found["peak_day_applications"], found["peak_hour_applications"]) == (3, 3)


def test_a_second_filing_is_an_application_too() -> None:
    found = measured(1, first_filed_s=day(1), filed_s=day(2), attempts=2)
    assert (found["applicants"], found["applications"], found["peak_day_applications"]) == (1, 2, 1)


# The table as a whole


def test_nobody_at_all_is_a_row_like_any_other() -> None:
    assert list(measured(0)) == list(measured(4, account(granted=4, used=4), **served(1, 2, 3, 4)))


@pytest.mark.parametrize("policy", ["first-come", "carry-over", "score-rounds", "no-cap"])
def test_the_names_of_a_row_do_not_depend_on_chance(policy: str) -> None:
    scenario = load("smoke")
    rows = []
    for replication in range(3):
        people = settle(scenario, draw(scenario, replication))
        outcome = simulate(prepare(scenario, people), scenario.policy(policy))
        rows.append(measure(scenario, people, outcome, spec=scenario.spec(scenario.policy(policy))))
    assert list(rows[0]) == list(rows[1]) == list(rows[2])
    assert all(isinstance(value, float) for row in rows for value in row.values())


def test_every_name_is_defined_and_every_definition_used() -> None:
    scenario = load("smoke")
    people = settle(scenario, draw(scenario, 0))
    found = measure(scenario, people, simulate(prepare(scenario, people), CATALOGUE["first-come"]))
    assert {name.partition("/")[0] for name in found} == set(MEASURES)
    assert definition("slot_probability/stream=crafts") is MEASURES["slot_probability"]
    assert {"grants", "unused_slots", "median_wait_days"} <= {
        k for k, one in MEASURES.items() if one.headline
    }


@pytest.mark.parametrize("policy", ["first-come", "lottery", "carry-over", "monthly-release", "no-cap"])
def test_the_parts_of_a_row_add_up(policy: str) -> None:
    scenario = load("smoke")
    people = settle(scenario, draw(scenario, 1))
    found = measure(scenario, people, simulate(prepare(scenario, people), scenario.policy(policy)))
    for name in ("grants", "used", "permits"):
        assert found[name] == sum(v for k, v in found.items() if k.startswith(f"{name}/"))
    slots = sum(found[f"{name}/2022"] for name in ("used", "unused_slots", "carried_slots"))
    assert (
        policy == "no-cap" or slots == found["cap/2022"] + found["carried_in/2022"] + found["overshoot/2022"]
    )
    wasted = sum(value for name, value in found.items() if name.startswith("invitations_wasted/"))
    assert found["invitations_wasted"] == wasted
