"""Draws with unequal chances against their exact laws, and limits on what one value gets in a round.

A draw without replacement in which each next winner is drawn by the weights of those left gives the order
(i, j, ...) the chance w_i / W times w_j / (W - w_i), and so on, with W the sum of all weights.
"""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sim import streams
from sim.engine.drawing import DRAWS, Letters, draw_keys
from sim.people import People
from sim.policy import Invite, ValueLimit, Weights
from sim.programme import prepare
from sim.scenario import Scenario
from tests.people import make_people
from tests.sim.building import CHANCE_OF_A_FALSE_ALARM
from tests.stories import world

WEIGHTS = (1.0, 2.0, 5.0)
TIMES = 40_000


def three_wages(times: int) -> tuple[Scenario, People]:
    """So many groups of three people, one of each wage, with the luck of a random stream."""
    scenario = world(attribute={"wage": {"values": {"low": 0.5, "middle": 0.25, "high": 0.25}}})
    luck = (streams.uniforms(7, 0, "lottery/drawing", 3 * times) * 2.0**53).astype(np.uint64)
    people = make_people(3 * times, lottery=luck)
    return scenario, replace(people, attributes={"wage": np.tile(np.arange(3), times)})


def orders(number: int | None) -> NDArray[np.int64]:
    """The order of the three in each group, shape (times, 3)."""
    scenario, people = three_wages(TIMES)
    weights = Weights(by="wage", values=dict(zip(("low", "middle", "high"), WEIGHTS, strict=True)))
    keys = draw_keys(scenario, people, weights, number)
    return np.argsort(keys.reshape(TIMES, 3), axis=1)


@pytest.mark.parametrize("number", [None, 0, 1, DRAWS + 3], ids=["for-good", "round-0", "round-1", "draw-3"])
def test_a_weighted_draw_goes_on_by_the_weights_of_those_left(number: int | None) -> None:
    found = orders(number)
    every = list(permutations(range(3)))
    seen = [int((found == order).all(axis=1).sum()) for order in every]
    law = []
    for first, second, _ in every:
        law.append(WEIGHTS[first] / 8.0 * WEIGHTS[second] / (8.0 - WEIGHTS[first]))
    assert stats.chisquare(seen, np.array(law) * TIMES).pvalue > CHANCE_OF_A_FALSE_ALARM
    assert stats.chisquare(seen, np.full(6, TIMES / 6)).pvalue < 1e-100, (
        "it could tell them from equal chances"
    )


def test_a_new_round_is_new_luck() -> None:
    first, second = orders(0)[:, 0], orders(1)[:, 0]
    table = np.histogram2d(first, second, bins=(3, 3))[0]
    assert stats.chi2_contingency(table).pvalue > CHANCE_OF_A_FALSE_ALARM


@pytest.mark.parametrize("order", ["first-come", "lottery", "ranked-lottery", "score"])
def test_a_round_gives_no_value_more_than_its_part_and_all_letters_if_it_can(order: str) -> None:
    scenario, people = three_wages(30)
    prepared = prepare(scenario, people)
    limit = ValueLimit(attribute="wage", share=0.4, of="round")
    invite = Invite.model_validate({"order": order, "size": "fixed", "number": 20})
    rows = np.arange(90)
    chosen = Letters(prepared, invite, limit).chosen(rows, 0, 20)
    had = np.bincount(people.attributes["wage"][prepared.scope][chosen], minlength=3)
    assert had.sum() == 20
    assert had.max() <= 8


def test_without_weights_the_keys_are_the_lottery_itself() -> None:
    scenario, people = three_wages(10)
    assert np.array_equal(draw_keys(scenario, people, None, None), people.lottery)
