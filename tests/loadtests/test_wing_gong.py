"""The search that others are compared with, against stories whose end is plain."""

import time

import pytest

from loadtests.header import Header, Initial
from sim.ledger import Spec, cap_of
from tests import every_person
from tests.loadtests.histories import drawn
from tests.wing_gong import Known, legal_order, order_of

HERE = (cap_of("2022", 1),)
BACK = Header(caps=HERE, spec=Spec(gives_back=frozenset({"withdrawal"})))
BACK_TWO = Header(caps=(cap_of("2022", 2),), spec=BACK.spec)
HELD = Header(caps=HERE, initial=Initial({"2022": 1}, {"2022": ("ana",)}), spec=BACK.spec)
UNLISTED = Header(caps=(cap_of("2022", 2),), initial=Initial({"2022": 1}, None))
STICKY = Header(caps=HERE, spec=Spec(refusals="sticky", gives_back=BACK.spec.gives_back))
SOFT = Header(caps=HERE, spec=Spec(tolerance=1))
COPY = Header(caps=HERE, spec=Spec(counter=7))
SHARED = Header(caps=HERE, shared=True)
QUOTA = Header(caps=(cap_of("2022", 1, "regular"), cap_of("2022", 2)))
ANA = "ana claim 1-2 granted slot=1\n"

STORIES = [
    ("granted", {}, ANA, True),
    ("one too many", {}, ANA + "bo claim 3-4 granted slot=2", False),
    ("refused by the one beside", {}, "ana claim 1-4 full\nbo claim 4-5 granted", True),
    ("refused by the one after", {}, "ana claim 1-4 full\nbo claim 5-6 granted", False),
    ("refused by one that was never answered", {}, "ana claim 1-4 full\nbo claim 2- -", True),
    ("a slot for two", {"cap": 5}, ANA + "bo claim 3-4 granted slot=1", False),
    ("the same key, the same slot", {}, ANA + "ana claim 3-4 granted slot=1", True),
    ("the same key, another slot", {"cap": 5}, ANA + "ana claim 3-4 replayed slot=2", False),
    ("another key", {"cap": 5}, ANA + "ana claim 3-4 granted slot=2 key=b", False),
    ("another key is a duplicate", {}, ANA + "ana claim 3-4 duplicate key=b", True),
    ("a duplicate of nothing", {}, "ana claim 3-4 duplicate key=b", False),
    ("the retry tells the slot of the first attempt", {"cap": 3},
     "ana claim 1- -\nbo claim 3-4 granted slot=1\nana claim 5-6 replayed slot=1", False),
    ("closed and not closed", {}, "- close 1-4 done\nana claim 2-3 granted\nbo claim 2-3 closed", True),
    ("open again", {}, "- close 1-2 done\nana claim 3-4 granted", False),
    ("not open yet", {}, "- open 3-4 done\nana claim 1-2 granted", False),
    ("nobody says when it closed", {}, ANA + "bo claim 3-4 closed", True),
    ("a cap cut", {"cap": 2}, ANA + "- set-cap 3-4 done cap=2022 value=1\nbo claim 5-6 granted", False),
    ("released", {"header": BACK}, ANA + "ana release 3-4 released\nbo claim 5-6 granted slot=2", True),
    ("a slot is not used again", {"header": BACK},
     ANA + "ana release 3-4 released\nbo claim 5-6 granted slot=1", False),
    ("kept back", {"header": BACK}, ANA + "ana release 3-4 released given_back=no\nbo claim 5-6 full", True),
    ("not held", {"header": BACK}, "bo release 3-4 released", False),
    ("release again", {"header": BACK}, ANA + "ana release 3-4 released\nana release 5-6 released", True),
    ("the old answer after a release", {"header": BACK},
     ANA + "ana release 3-4 released\nana claim 5-6 replayed slot=1\n- read 7-8 count value=0", True),
    ("held before", {"header": HELD}, "bo claim 1-2 full\nana release 3-4 released\nbo claim 5-6 granted", 1),
    ("held by somebody unknown", {"header": UNLISTED}, "ana claim 1-2 duplicate\nbo claim 3-4 granted", 1),
    ("two held by somebody unknown", {"header": UNLISTED},
     "ana claim 1-2 duplicate\nbo claim 3-4 duplicate", False),
    ("a refusal sticks", {"header": STICKY},
     ANA + "bo claim 3-4 full\nana release 5-6 released\nbo claim 7-8 replayed cap=2022", True),
    ("a refusal that did not stick", {"header": STICKY},
     ANA + "bo claim 3-4 full\nana release 5-6 released\nbo claim 7-8 granted", False),
    ("a soft cap", {"header": SOFT}, ANA + "bo claim 3-4 granted slot=2\ncy claim 5-6 full", True),
    ("a soft cap also refuses", {"header": SOFT}, ANA + "bo claim 3-4 full", True),
    ("a soft cap passed", {"header": SOFT}, ANA + "bo claim 3-4 granted\ncy claim 5-6 granted", False),
    ("a copy shows nothing", {"header": COPY}, ANA + "bo claim 3-4 granted\n- read 5-6 count value=2", True),
    ("a copy taken", {"header": COPY}, ANA + "- refresh 3-4 done\nbo claim 5-6 granted", False),
    ("others have it", {"header": SHARED}, "ana claim 1-2 full\n- read 3-4 count value=1", True),
    ("others keep it", {"header": SHARED}, "ana claim 1-2 full\nbo claim 3-4 granted", False),
    ("others are listed", {"header": SHARED},
     "ana claim 1-2 full\n- read 3-4 count note=audit;listed\nzoe hold 3-4 done", True),
    ("others are not listed", {"header": SHARED},
     "ana claim 1-2 full\n- read 3-4 count note=audit;listed", False),
    ("a quota is full", {"header": QUOTA}, ANA + "bo claim 3-4 full cap=2022/regular", True),
    ("the total is not", {"header": QUOTA}, ANA + "bo claim 3-4 full cap=2022", False),
    ("another stream has room", {"header": QUOTA}, ANA + "bo claim 3-4 granted stream=pilot", True),
    ("another stream's quota", {"header": QUOTA}, ANA + "bo claim 3-4 full stream=pilot cap=2022/regular", 0),
    ("held to the end", {},
     ANA + "- read 5-6 count value=1 note=audit;listed\nana hold 5-6 done slot=1", True),
    ("lost", {}, ANA + "- read 5-6 count value=1 note=audit;listed", False),
    ("another slot at the end", {}, ANA + "ana hold 5-6 done slot=2", False),
    ("never refused", {}, "ana claim 1-2 conflict", True),
    ("counted twice in between", {"cap": 5},
     "ana claim 0-100 granted\n- read 5-10 count value=1\nbo claim 12-14 granted\n- read 20-22 count value=1",
     False),
    ("a greedy way would miss it", {"cap": 2, "header": BACK_TWO},
     """ana claim 0-1 granted
bo claim 2-100 granted
cy claim 3-20 full
ana release 4-5 released
        dee claim 6-7 granted
eve claim 8-9 granted
dee release 30-40 released""", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "text", "is_legal"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES]
)
def test_stories(given: dict[str, object], text: str, is_legal: bool) -> None:
    history = drawn(text, **given)  # type: ignore[arg-type]
    order = legal_order(history)
    assert (order is not None) == bool(is_legal)
    assert order is None or len(order) >= history.is_result("ok").sum() - history.is_op("fault").sum()


def test_ten_operations_all_at_once_are_decided_quickly() -> None:
    text = "".join(f"p{n} claim 1-9 {'granted' if n < 5 else 'full'}\n" for n in range(10))
    began = time.perf_counter()
    assert legal_order(drawn(text, cap=6)) is None
    assert legal_order(drawn(text, cap=5)) is not None
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("spec", every_person.SPECS)
def test_what_is_known_of_alike_histories_is_what_the_ledger_says_of_each(spec: str) -> None:
    """Two histories that differ in times, order and names are alike; one that lacks a name is not."""
    header = every_person.header_of(1, every_person.SPECS[spec])
    known, legal = Known(header), 0
    some = [
        *every_person.every_repeated(2, 1, every_person.SPECS[spec]),
        *every_person.every_history(3, 1, every_person.SPECS[spec], part=3, parts=60),
    ]
    for rows in some:
        order = order_of(header, rows)
        legal += order is not None
        assert (order_of(header, rows, known) is None) == (order is None), rows
    assert 0 < legal < len(some)
    assert len(known.steps) < len(some)
