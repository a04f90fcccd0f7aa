"""Orders of the administration that nobody answered: decided in histories too large to be searched whole."""

from collections import Counter

import numpy as np
import pytest

from loadtests.checks import linearizability
from loadtests.checks.linearizability import check
from loadtests.header import Header
from loadtests.history import COLUMNS, History
from loadtests.linear import object as whole
from loadtests.verdict import Finding
from sim.ledger import Spec, cap_of
from tests.large_histories import Crowd, crowded
from tests.loadtests.histories import drawn
from tests.loadtests.test_linearizability import random_one
from tests.oracle import shown, truth, verdict
from tests.random_histories import MIXES

PARTS = ("cuts", "cuts-alone", "copies", "years", *(name for name in MIXES if name.endswith("unanswered")))


@pytest.fixture
def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories are judged as large ones are: not searched whole."""
    monkeypatch.setattr(whole, "searched", lambda history, operations: "not asked")


def parts_agree(name: str, seeds: range) -> Counter[tuple[str, str]]:
    """What the parts say and what is true, none of it contradictory."""
    found: Counter[tuple[str, str]] = Counter()
    for seed in seeds:
        history = random_one(name, seed)
        said, true = verdict(history), truth(history)
        assert said in (true, "UNKNOWN"), shown(history, (name, seed))
        found[said, true] += 1
    return found


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("name", PARTS)
def test_the_parts_alone_are_never_wrong_and_explain_nearly_all(name: str) -> None:
    found = parts_agree(name, range(20_000, 20_150))
    assert found["VALID", "VALID"] > 60
    assert found["UNKNOWN", "VALID"] <= 6
    assert found["INVALID", "INVALID"] > found["UNKNOWN", "INVALID"]


@pytest.mark.long
@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("name", PARTS)
def test_the_parts_alone_are_never_wrong_in_many(name: str) -> None:
    found = parts_agree(name, range(30_000, 34_000))
    assert found["UNKNOWN", "VALID"] < 0.04 * 4_000


def by_its_parts(text: str, **options: int) -> Finding:
    [finding] = linearizability.check(drawn(text, **options))
    return finding


RAISED = """
ana  claim    1-2   granted  slot=1
bo   claim    3-4   full     cap=2022
-    set-cap  5-    -        cap=2022 value=2
cy   claim    6-7   granted  slot=2
dan  claim    8-9   full     cap=2022
"""


@pytest.mark.usefixtures("by_parts")
def test_an_order_that_explains_a_grant_took_effect() -> None:
    finding = by_its_parts(RAISED)
    assert finding.judgement == "VALID"
    assert finding.order is not None
    assert finding.order.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("by_parts")
def test_an_order_that_explains_nothing_is_left_out() -> None:
    finding = by_its_parts(
        RAISED.replace("cy   claim    6-7   granted  slot=2", "cy claim 6-7 full cap=2022")
    )
    assert finding.order is not None
    assert finding.order.tolist() == [0, 1, 3, 4]


WRONG = {
    "one more than either limit": RAISED + "dora claim 8-9 granted slot=3",
    "granted before the order was sent": RAISED.replace("set-cap  5-", "set-cap  8-"),
    "refused below both": RAISED.replace("ana  claim    1-2   granted  slot=1", "") ,
    "the old limit again": RAISED.replace(
        "dan  claim    8-9 ", "ana release 8-8 released given_back=yes\ndan claim 9-9 "
    ),
}  # fmt: skip


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize("name", WRONG)
def test_what_no_effect_explains_is_invalid(name: str) -> None:
    history = drawn(WRONG[name])
    assert truth(history) == "INVALID"
    [finding] = check(history)
    assert finding.judgement == "INVALID"
    assert "no effect of the order to set a cap that nobody answered" in finding.says


@pytest.mark.usefixtures("by_parts")
def test_more_orders_than_are_tried_are_told_of_with_what_would_decide() -> None:
    raised = "".join(f"- set-cap {at}- - cap=2022 value={at}\n" for at in range(2, 8))
    claims = "".join(f"p{at} claim {at}0-{at}1 granted slot={at}\n" for at in range(1, 9))
    [finding] = check(drawn(raised + claims))
    assert finding.judgement == "UNKNOWN"
    assert "6 operations, as operation 0, are orders to set a cap that nobody answered" in finding.says
    assert "give the others the result ok and a time" in finding.mend


COPIED = """
ana  claim    1-2   granted  slot=1
bo   claim    3-4   granted  slot=2
-    refresh  5-    -
cy   claim    6-7   full     cap=2022
"""


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize(
    ("text", "judgement", "order"),
    [
        (COPIED, "VALID", [0, 1, 2, 3]),
        (COPIED.replace("full     cap=2022", "granted slot=3"), "VALID", [0, 1, 3]),
        (COPIED.replace("refresh  5-", "refresh  8-"), "INVALID", None),
    ],
)
def test_a_copy_taken_without_an_answer_is_found_where_it_is_needed(
    text: str, judgement: str, order: list[int] | None
) -> None:
    header = Header(caps=(cap_of("2022", 2),), spec=Spec(counter=7))
    [finding] = check(drawn(text, header=header))
    assert finding.judgement == judgement
    assert order is None or (finding.order is not None and finding.order.tolist() == order)


TURNED = """
-    open   1-     -
ana  claim  2-3    granted  slot=1
bo   claim  4-5    full     cap=2022
-    close  6-     -
cy   claim  7-8    full     cap=2022
dan  claim  9-10   closed
-    close  11-12  closed
"""


@pytest.mark.usefixtures("by_parts")
@pytest.mark.parametrize(
    ("old", "new", "judgement"),
    [
        ("", "", "VALID"),
        ("full     cap=2022\ndan", "closed\ndan", "VALID"),
        ("dan  claim  9-10   closed\n-    close  11-12  closed", "", "VALID"),
        ("7-8    full", "11-12  full", "INVALID"),
        ("9-10   closed", "4-5    closed", "INVALID"),
        ("11-12  closed", "4-5    closed", "INVALID"),
    ],
)
def test_an_opening_and_a_close_that_nobody_answered(old: str, new: str, judgement: str) -> None:
    history = drawn(TURNED.replace(old, new))
    assert truth(history) == judgement
    assert check(history)[0].judgement == judgement


STEPS = {
    "raised": (0.2, ((0.5, 0.3, True),)),
    "cut below what was granted": (0.5, ((0.3, 0.2, True),)),
    "cut above what was granted": (0.5, ((0.3, 0.4, True),)),
    "without effect": (0.5, ((0.3, 0.2, False),)),
    "two": (0.2, ((0.3, 0.25, True), (0.6, 0.3, True))),
    "down and up": (0.4, ((0.2, 0.1, True), (0.6, 0.3, True))),
    "three, one without effect": (0.2, ((0.3, 0.25, True), (0.5, 0.5, False), (0.6, 0.3, True))),
}


def stepped(name: str, size: int, in_flight: int, releases: float = 0.0) -> History:
    filled, steps = STEPS[name]
    scale = 1.0 if not releases else 0.6
    crowd = Crowd(
        operations=size,
        in_flight=in_flight,
        unknown=0.01,
        releases=releases,
        filled=filled * scale,
        steps=tuple((at, to * scale, is_done) for at, to, is_done in steps),
    )
    return crowded(np.random.default_rng(size + in_flight), crowd)


@pytest.mark.parametrize("releases", [0.0, 0.2], ids=["claims", "releases"])
@pytest.mark.parametrize("name", STEPS)
def test_a_correct_service_whose_cap_was_set_without_an_answer_is_valid(name: str, releases: float) -> None:
    for in_flight in (10, 100):
        history = stepped(name, 10_000, in_flight, releases)
        assert verdict(history) == "VALID", [each.says for each in check(history)]


def test_a_hundred_thousand_operations_around_an_unanswered_cut_are_valid() -> None:
    assert verdict(stepped("cut below what was granted", 100_000, 100)) == "VALID"


@pytest.mark.long
@pytest.mark.parametrize("in_flight", [10, 100, 1_000])
@pytest.mark.parametrize("name", STEPS)
def test_a_hundred_thousand_operations_around_unanswered_orders_are_valid(name: str, in_flight: int) -> None:
    assert verdict(stepped(name, 100_000, in_flight)) == "VALID"


def with_a_grant_too_many(history: History) -> History:
    """The last refusals made grants."""
    columns = {name: history[name].copy() for name in COLUMNS}
    granted = int(np.flatnonzero(history.is_answer("granted"))[0])
    for number, row in enumerate(np.flatnonzero(history.is_answer("full"))[-2:].tolist()):
        columns["answer"][row] = columns["answer"][granted]
        columns["slot"][row], columns["cap"][row] = f"new {number}", None
    return History(history.header, columns)


@pytest.mark.parametrize("name", ["raised", "cut below what was granted", "two", "down and up"])
@pytest.mark.parametrize("size", [10_000, 100_000])
def test_a_grant_too_many_beside_an_unanswered_order_is_invalid(name: str, size: int) -> None:
    history = with_a_grant_too_many(stepped(name, size, 100))
    [finding] = check(history)
    assert finding.judgement == "INVALID"
    assert "that nobody answered, at whatever moment, explains it" in finding.says
