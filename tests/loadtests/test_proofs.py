"""The replay of an order, and the recount of a contradiction, against slower ways of doing the same."""

import numpy as np
import pytest

from loadtests.checking import judged
from loadtests.header import Header
from loadtests.history import History
from loadtests.proofs.recount import contradicts
from loadtests.proofs.replay import accepts
from sim.ledger import Spec, cap_of
from tests.loadtests.histories import drawn
from tests.mutations import mutated
from tests.random_histories import MIXES, from_ledger
from tests.told_ledger import ORDERED, Service
from tests.wing_gong import beginnings, legal_order


def is_legal(history: History, order: list[int]) -> bool:
    """Play the order through the ledger, one operation at a time."""
    rows = list(history.rows())
    begins, ends = history.widened()
    may_be = {at for at, row in enumerate(rows) if row["op"] in ORDERED and row["result"] != "fail"}
    must_be = {at for at in may_be if rows[at]["result"] == "ok"}
    may_be = {at for at in may_be if at in must_be or rows[at]["op"] not in ("read", "hold")}
    if len(set(order)) < len(order) or not must_be <= set(order) <= may_be:
        return False
    if any(begins[one] > ends[other] for at, one in enumerate(order) for other in order[at:]):
        return False
    header = history.header
    return any(_plays(Service(header, rows, holders), order) for holders in beginnings(header, rows))


def _plays(service: Service, order: list[int]) -> bool:
    return all(service.take(at, service.rows[at]["intake"]) for at in order)


def shuffled(rng: np.random.Generator, order: list[int], size: int) -> list[int]:
    """The order, or one that is slightly different."""
    order = list(order)
    kind = rng.random()
    if kind < 0.4 and len(order) > 1:
        at = int(rng.integers(len(order) - 1))
        order[at], order[at + 1] = order[at + 1], order[at]
    elif kind < 0.6 and order:
        order.insert(int(rng.integers(len(order))), order.pop(int(rng.integers(len(order)))))
    elif kind < 0.75:
        order.insert(int(rng.integers(len(order) + 1)), int(rng.integers(size)))
    elif kind < 0.8 and order:
        del order[int(rng.integers(len(order)))]
    return order


def compare(name: str, seeds: range) -> tuple[int, int]:
    """How many orders were legal and how many were not; both ways say the same of each."""
    counts = [0, 0]
    for seed in seeds:
        rng = np.random.default_rng([seed, 11])
        history = from_ledger(rng, MIXES[name])
        if rng.random() < 0.5:
            history = mutated(rng, history)
        order = legal_order(history)
        if order is None:  # one that lets every operation happen when it began
            order = [at for at, row in enumerate(history.rows()) if row["result"] == "ok"]
        for _ in range(6):
            one = shuffled(rng, order, len(history))
            says, legal = accepts(history, np.array(one, dtype=np.int64)), is_legal(history, one)
            text = "\n".join(map(str, history.rows()))
            assert (says is None) == legal, f"seed {seed} of {name}: {says}; {one}\n{history.header}\n{text}"
            counts[legal] += 1
    return counts[0], counts[1]


UNSHARED = [name for name, mix in MIXES.items() if not mix.shared]


@pytest.mark.parametrize("name", UNSHARED)
def test_a_replay_by_columns_is_a_replay_by_the_ledger(name: str) -> None:
    wrong, right = compare(name, range(20))
    assert wrong > 5
    assert right > 5


@pytest.mark.long
@pytest.mark.parametrize("name", UNSHARED)
def test_a_replay_by_columns_is_a_replay_by_the_ledger_many_times(name: str) -> None:
    compare(name, range(1000, 2000))


@pytest.mark.parametrize("name", [name for name, mix in MIXES.items() if mix.shared])
def test_what_others_did_is_allowed_for(name: str) -> None:
    for seed in range(30):
        rng = np.random.default_rng([seed, 12])
        history = from_ledger(rng, MIXES[name])
        order = legal_order(history)
        assert order is not None
        assert accepts(history, np.array(order, dtype=np.int64)) is None


ORDERS = [
    ("too few", "ana claim 1-2 granted", [], "operation 0 took effect, and is not in the order"),
    ("twice", "ana claim 1-2 granted", [0, 0], "operation 0 stands in the order twice"),
    ("not there", "ana claim 1-2 granted", [7], "there is no operation 7"),
    ("failed", "ana claim 1-2 conflict", [0], "operation 0 had no effect, and stands in the order"),
    ("too late", "ana claim 1-2 granted\n- read 3-4 count", [1, 0],
     "operation 0 was over before one that precedes it"),
    ("full", "ana claim 1-2 granted\nbo claim 3-4 granted", [0, 1],
     "operation 1: granted without room in 2022"),
    ("room", "ana claim 1-2 full", [0], "operation 0: told that the cap is full, while there was room"),
    ("what was not answered may be left out", "ana claim 1- -\n- read 3-4 count value=0", [1], None),
    ("or not", "ana claim 1- -\n- read 3-4 count value=1", [0, 1], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "order", "says"), [row[1:] for row in ORDERS], ids=[row[0] for row in ORDERS]
)
def test_a_replay_says_what_is_wrong(text: str, order: list[int], says: str | None) -> None:
    assert accepts(drawn(text), np.array(order, dtype=np.int64)) == says


READINGS = (
    "ana claim 0-100 granted\n- read 5-10 count value=1\nbo claim 12-14 granted\n- read 20-22 count value=1"
)
CLASHES = [
    ("a grant between two readings", READINGS, [1, 2, 3],
     "2022: 1 read by operation 1, then 1 grants, and 1 read by operation 3"),
    ("without the grant there is no clash", READINGS, [1, 3], None),
    ("more than the limit", "ana claim 1-2 granted\nbo claim 1-2 granted", [0, 1],
     "2022: 0 before the run, then 2 grants, and a limit of 1"),
    ("refused with room", "ana claim 1-2 full cap=2022\nbo claim 3-4 granted", [0],
     "2022: operation 0 refused, when at most 0 can have been counted"),
    ("the earlier attempt may have done it",
     "ana claim 1- -\nana claim 5-6 granted\n- read 2-3 count value=1", [1, 2], None),
    ("one grant, told of twice", "ana claim 1-2 granted\nana claim 3-4 replayed", [0, 1], None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "rows", "says"), [row[1:] for row in CLASHES], ids=[row[0] for row in CLASHES]
)
def test_a_contradiction_is_counted_again(text: str, rows: list[int], says: str | None) -> None:
    assert contradicts(drawn(text, cap=1 if "limit" in str(says) or "most" in str(says) else 5), rows) == says


@pytest.mark.parametrize("name", ["claims", "readings", "unanswered", "keys", "quotas", "soft", "years"])
def test_no_legal_history_is_contradictory(name: str) -> None:
    found = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 13])
        history = mutated(rng, from_ledger(rng, MIXES[name]))
        says = contradicts(history, range(len(history)))
        assert says is None or legal_order(history) is None, f"seed {seed} of {name}: {says}"
        found += says is not None
    assert found > 2


KEEPS = Header(caps=(cap_of("2022", 1),), spec=Spec(refusals="sticky", gives_back=frozenset()))
REPEATED = """
- read 0-0 count value=1
bo claim {}-1 replayed
bo claim 1-1 granted
"""
"""What passes a request on may send it twice and tell what came back the second time: replayed."""


@pytest.mark.parametrize(
    ("begins", "says"),
    [(0, None), (1, "2022: 1 read by operation 0, when at most 0 can have been counted")],
    ids=["so it may be the first", "but not before it begins"],
)
def test_a_replay_that_does_not_say_of_what_repeats_a_grant(begins: int, says: str | None) -> None:
    history = drawn(REPEATED.format(begins), header=KEEPS)
    found = {each.check: each.judgement for each in judged(history).findings}
    assert found["bounds"] == found["linearizability"] == ("INVALID" if says else "VALID")
    assert contradicts(history, [0]) == says
    assert (legal_order(history) is None) == (says is not None)


def test_a_replay_that_does_not_say_of_what_is_held_to_what_its_key_was_told() -> None:
    history = drawn("ana claim 0-1 replayed\nana claim 0-2 duplicate", header=KEEPS)
    assert accepts(history, np.array([0, 1])) == "operation 0: told of a slot, and holds none"
    assert legal_order(history) is None
