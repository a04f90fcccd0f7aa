"""Predictability: the same persons among other people and lots, and how wide their dates spread."""

import dataclasses
import json

import numpy as np
import pytest

from sim import cli
from sim.clock import DAY_S
from sim.comparing import predictability as foreseeing
from sim.comparing.predictability import dates, foreseen
from sim.comparing.worlds import Asked
from sim.policy import Invite, Policy
from sim.scenario_file import load
from sim.studying.blocks import Crew
from tests.sim.building import world

SMOKE = load("smoke")
CREW = Crew(1, lambda *_: None)
BY_LOT = Policy(invite=Invite(order="lottery", size="fixed", number=10, every_days=1))
IN_ORDER = Policy(invite=Invite(size="fixed", number=10, every_days=1))


def crowd(**demand: object) -> Asked:
    """2,000 people who are all there on the first day, 10 letters a day."""
    scenario = world(days=365, demand={"backlog": 2000, "backlog_age_months": 12, **demand})
    return Asked(scenario, (("in-order", IN_ORDER), ("by-lot", BY_LOT)), 3)


def test_a_lottery_over_many_days_leaves_nine_tenths_of_them_open() -> None:
    """Everybody's day is uniform over 200 days, so 90 % of it are 180; of 72 replications about 175.

    The quantiles of 72 uniform values, read between neighbours, lie 0.9 x (71/73) apart on average.
    """
    in_order, by_lot = foreseeing.predictability(crowd(), CREW, 72)
    assert by_lot.people == 40
    assert by_lot.width_days == pytest.approx(200 * 0.9 * 71 / 73, rel=0.03)
    assert by_lot.low is not None
    assert by_lot.high is not None
    assert by_lot.low < 180 < by_lot.high + 6
    assert by_lot.sure_share == 1.0
    assert in_order.width_days is not None
    assert in_order.width_days < 25, "the others' certificates move a place in the line by a little"


def test_the_same_persons_are_in_every_replication_in_the_places_of_their_ids() -> None:
    asked = crowd()
    first = foreseeing._followed(foreseeing._drawn(asked, 0))
    again = foreseeing._followed(foreseeing._drawn(asked, 0))
    for column in dataclasses.fields(first):
        if column.name != "attributes":
            assert np.array_equal(getattr(first, column.name), getattr(again, column.name))
    other = foreseeing._drawn(asked, 5)
    kept = foreseeing._rows(other, np.flatnonzero(~np.isin(other.applicant, first.applicant)))
    assert len(foreseeing._joined(kept, first)) == len(other), "nobody is added"


def test_dates_are_a_function_of_the_seed_and_the_replication() -> None:
    asked = Asked(SMOKE, (("lottery", SMOKE.policy("lottery")),), 7)
    assert dates(asked, 4) == dates(asked, 4)
    assert dates(asked, 4) != dates(asked, 5)
    assert max(dates(asked, 4)["lottery"]) <= SMOKE.ends_s


def test_no_slot_counts_as_served_at_the_end_and_few_replications_as_nothing() -> None:
    horizon = 100 * DAY_S
    days = np.full((40, 2), 100 * DAY_S)
    days[::2, 0] = 10 * DAY_S  # a slot in every other replication
    days[:, 1] = 50 * DAY_S
    found = foreseen("x", days, horizon)
    assert found.width_days == pytest.approx((90 + 0) / 2)
    assert found.sure_share == 0.5
    assert foreseen("x", days[:19], horizon).width_days is None


def test_it_is_told_in_the_summary_and_on_the_screen(tmp_path, capsys) -> None:  # type: ignore[no-untyped-def]

    asked = [
        "compare",
        "smoke",
        "--policies",
        "lottery",
        "--replications",
        "20",
        "--no-register",
        "--jobs",
        "1",
    ]
    assert cli.main([*asked, "--predictability", "--out", str(tmp_path / "run")]) == 0
    found = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))["predictability"]
    assert [each["policy"] for each in found] == ["first-come", "lottery"]
    assert all(each["low"] <= each["width_days"] <= each["high"] for each in found)
    assert "Can people foresee their date?" in capsys.readouterr().out
