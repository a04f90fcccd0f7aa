"""A service's own positions: do they prove an order?"""

import numpy as np
import pytest

from loadtests.checks import witness
from loadtests.history import COLUMNS, History
from loadtests.proofs.replay import accepts
from loadtests.verdict import Finding
from tests.large_histories import FRAGMENTS, crowded
from tests.loadtests.histories import drawn


def found(text: str, *, cap: int = 9) -> Finding:
    [finding] = witness.check(drawn(text, cap=cap))
    return finding


def test_positions_that_replay_prove_their_order() -> None:
    text = """
    bo   claim  1-9    granted   slot=1 position=2
    ana  claim  2-8    granted   slot=2 position=1
    -    read   10-11  count     value=2
    """
    finding = found(text)
    assert finding.judgement == "VALID"
    assert finding.order is not None
    assert finding.order.tolist() == [1, 0, 2]


def test_a_lost_answer_is_of_the_attempt_that_was_early_enough() -> None:
    text = """
    ana  claim  1-     -
    bo   claim  3-4    granted   slot=2 position=2
    ana  claim  5-6    replayed  slot=1 position=1
    cy   claim  7-8    full      cap=2022
    """
    finding = found(text, cap=2)
    assert finding.order is not None
    assert finding.order.tolist() == [0, 1, 2, 3]


NOTED = [
    ("nothing is stated", "ana claim 1-2 granted slot=1", "states no order"),
    ("answered before a lower one was asked for",
     "ana claim 1-2 granted slot=1 position=2\nbo claim 3-4 granted slot=2 position=1",
     "1 were answered before a lower position was asked for, such as position 2"),
    ("one position for two",
     "ana claim 1-2 granted slot=1 position=1\nbo claim 3-4 granted slot=2 position=1", "share their"),
    ("a reading says otherwise",
     "ana claim 1-9 granted slot=1 position=2\nbo claim 4-6 granted slot=2 position=1\n"
     "- read 1-2 count value=1",
     "cannot be explained"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), [row[1:] for row in NOTED], ids=[row[0] for row in NOTED])
def test_a_wrong_hint_is_told_and_never_a_verdict(text: str, says: str) -> None:
    finding = found(text)
    assert finding.judgement == "NOTED"
    assert finding.order is None
    assert says in finding.says


def with_positions(history: History, *, shift: int = 0) -> History:
    """The history with its slots, which were given in order, as positions."""
    slots = [None if slot is None else int(slot) for slot in history["slot"].tolist()]
    top = max(slot or 0 for slot in slots)
    columns = {name: history[name].copy() for name in COLUMNS}
    for row, slot in enumerate(slots):
        if slot is not None:
            columns["position"][row] = (slot - 1 + shift) % top + 1
    return History(history.header, columns)


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("seed", range(5))
def test_a_correct_service_proves_its_order_by_its_positions(fragment: str, seed: int) -> None:
    history = with_positions(crowded(np.random.default_rng(seed), FRAGMENTS[fragment]))
    [finding] = witness.check(history)
    assert finding.judgement == "VALID", finding.says
    assert finding.order is not None
    assert accepts(history, finding.order) is None
    told = history["position"][finding.order]
    granted = told[history.is_answer("granted")[finding.order]]
    # A key that was sent again may be told of its slot in another attempt than the one that took it.
    assert (np.diff(granted) > 0).all() or FRAGMENTS[fragment].retries > 0


def test_positions_that_are_turned_round_prove_nothing() -> None:
    history = with_positions(crowded(np.random.default_rng(1), FRAGMENTS["claims"]), shift=1_000)
    [finding] = witness.check(history)
    assert finding.judgement == "NOTED"
    assert finding.count > 0
