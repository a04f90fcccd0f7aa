"""Who is served first: the orders of invitation rounds and of claims that are collected for a draw.

Rows stand in lottery order, which decides every tie. A draw with *weights* is a draw without replacement, in
which each next winner is drawn by the weights of those left: give everyone the key -log(u) / weight, with u
the luck a person already has for this draw, and take the least keys. (The keys are exponential times with
the weights as rates; who is first, and who is next among the rest, has exactly these chances. Source:
Efraimidis and Spirakis, Weighted random sampling with a reservoir, Information Processing Letters 2006.)
"""

import numpy as np
from numpy.typing import NDArray

from sim import streams
from sim.clock import Seconds
from sim.engine.caps import part
from sim.engine.kernels import Flags, Whole, round_number
from sim.engine.prepared import Prepared
from sim.people import People
from sim.policy import Claims, Invite, ValueLimit, Weights
from sim.scenario import Scenario
from sim.streams import Floats

DRAWS = 1 << 32
"""Added to the number of a draw of claims, so that it is not the luck of the round of that number."""


def weight(scenario: Scenario, people: People, weights: Weights) -> Floats:
    """The weight of each person, shape (people,)."""
    if weights.by == "entries":
        return np.asarray(people.entries, dtype=np.float64)
    names = scenario.streams if weights.by == "stream" else scenario.attribute[weights.by].values
    column = people.stream if weights.by == "stream" else people.attributes[weights.by]
    return np.array([weights.values.get(name, 1.0) for name in names])[column]


def draw_keys(
    scenario: Scenario, people: People, weights: Weights | None, number: int | None
) -> NDArray[np.uint64] | Floats:
    """The key of each person in a draw, least first; `number` None is the one draw for good."""
    luck = people.lottery if number is None else round_number(people.lottery, number)
    if weights is None:
        return luck
    bits = luck if number is None else luck >> np.uint64(11)  # 53 bits, as a double holds them
    uniform = (bits.astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(-streams.log(uniform) / weight(scenario, people, weights))


def place_in_order(prepared: Prepared, invite: Invite) -> Whole:
    """The place of each row in the standing order of a policy: 0 is served first. Shape (rows,)."""
    n = len(prepared.scope)
    if invite.order == "first-come":
        served = prepared.by_certificate
    elif invite.order == "score":
        served = np.lexsort((np.arange(n), prepared.certified, -prepared.score))
    elif invite.order == "ranked-lottery" and invite.weights is not None:
        keys = draw_keys(prepared.scenario, prepared.people, invite.weights, None)
        served = np.argsort(keys[prepared.scope], kind="stable")
    else:  # rows stand in lottery order; a draw afresh each round re-orders them itself
        served = np.arange(n)
    place = np.empty(n, dtype=np.int64)
    place[served] = np.arange(n)
    return place


class Letters:
    """Chooses who of a pool gets the letters of a round."""

    def __init__(self, prepared: Prepared, invite: Invite, limit: ValueLimit | None) -> None:
        self.prepared, self.invite = prepared, invite
        self.share: float | None = None
        """The part of a round's letters that each value of an attribute gets at most; None for no limit."""
        if limit is not None and limit.of == "round":
            self.share = limit.share
            self.value = np.asarray(prepared.people.attributes[limit.attribute][prepared.scope])

    def chosen(self, rows: Whole, number: int, letters: int) -> Flags:
        """Which rows of a pool, given in its standing order, get one of so many letters in a round."""
        letters = min(letters, len(rows))
        place = np.arange(len(rows))
        if self.share is None and (self.invite.order != "lottery" or letters == len(rows)):
            return place < letters
        if self.share is None:
            return least(self._keys(rows, number), letters)
        order = place
        if self.invite.order == "lottery":
            order = np.argsort(self._keys(rows, number), kind="stable")
        order = order[_rank_within(self.value[rows[order]]) < part(self.share, letters)]
        drawn = np.zeros(len(rows), dtype=np.bool_)
        drawn[order[:letters]] = True
        return drawn

    def _keys(self, rows: Whole, number: int) -> NDArray[np.uint64] | Floats:
        prepared, weights = self.prepared, self.invite.weights
        if weights is None:
            return round_number(prepared.lottery[rows], number)
        return draw_keys(prepared.scenario, prepared.people, weights, number)[prepared.scope][rows]


def least(key: NDArray[np.uint64] | Floats, count: int) -> Flags:
    """Which of some keys are the least, so many of them; ties go by their order."""
    if count <= 0:
        return np.zeros(len(key), dtype=np.bool_)
    last = np.partition(key, count - 1)[count - 1]
    chosen = key < last
    ties = np.flatnonzero(key == last)
    chosen[ties[: count - int(chosen.sum())]] = True
    return chosen


def _rank_within(value: Whole) -> Whole:
    """How many of the same value stand before each, shape of `value`."""
    order = np.argsort(value, kind="stable")
    begins = np.searchsorted(value[order], value[order], side="left")
    rank = np.empty(len(value), dtype=np.int64)
    rank[order] = np.arange(len(value)) - begins
    return rank


def order_of_draw(prepared: Prepared, claims: Claims, rows: Whole, filed: Seconds, number: int) -> Whole:
    """Rows whose claims were collected, in the order in which a draw decides them."""
    if claims.order == "first-come":
        return rows[np.argsort(filed[rows], kind="stable")]
    if claims.order == "score":
        return rows[np.lexsort((rows, filed[rows], -prepared.score[rows]))]
    keys = draw_keys(prepared.scenario, prepared.people, claims.weights, DRAWS + number)
    return rows[np.argsort(keys[prepared.scope][rows], kind="stable")]
