"""Every small history is judged as the plain search over the ledger judges it: none left out, none UNKNOWN.

Three worlds, each up to isomorphism, with every interval order, caps 1 to 3:

    pools     one counter: grants, refusals, releases, readings. 43,211 of at most 4 operations, 759,575 of 5
    counters  the same as histories of people: 45,977 of at most 4, 1,051,251 of 5
    persons   whoever asks again: keys, slots, duplicates, claims and releases that nobody answered, under
              five kinds of spec. 9,108 of at most 3 under cap 1, 609,373 of 4

What is compared: for pools, the judgement and the evidence of loadtests.linear.kernel.judge, which is what
each counter of a history is given to, with the slow judge of tests.pools. For histories, the judgement of
`explained`, which is all that the check "linearizability" rests on (its order was replayed, if it is VALID),
with the search of Wing and Gong over the ledger. The normal run takes all pools and counters of 4 operations
and every third history of persons of 3; the long run all pools and counters of 5 and all persons of 3 under
caps 1 to 3 and every spec, and of 4 under cap 1 and the first spec (of the others, every 32nd).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from types import SimpleNamespace

import pytest

from loadtests.checks.linearizability import explained
from loadtests.header import Header
from loadtests.history import history_of
from loadtests.linear.kernel import judge
from tests import every_history, every_person
from tests.every_history import every_placing
from tests.every_person import SPECS, every_labelled
from tests.oracle import shown
from tests.pools import every_pool, is_legal, kinds_up_to, ops_of, wrong_with
from tests.told_ledger import Row
from tests.wing_gong import Known, order_of

CAPS = (1, 2, 3)


def agreed(header: Header, worlds: Iterable[list[Row]], name: object) -> Counter[str]:
    """How many verdicts there were of each kind: none of them UNKNOWN, and none wrong."""
    found: Counter[str] = Counter()
    known = Known(header)
    for number, rows in enumerate(worlds):
        history = history_of(header, rows)
        said = explained(history).judgement
        true = "INVALID" if order_of(header, rows, known) is None else "VALID"
        assert said == true, shown(history, f"{name}, number {number}")
        found[said] += 1
    return found


def counters_agreed(size: int, cap: int, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same for one counter."""
    rows = every_history.every_history(size, cap, part=part, parts=parts)
    return agreed(every_history.header_of(cap), rows, ("counter", size, cap, part, parts))


def persons_agreed(size: int, cap: int, spec: str, *, part: int = 0, parts: int = 1) -> Counter[str]:
    """The same for people."""
    rows = every_person.every_history(size, cap, SPECS[spec], part=part, parts=parts)
    return agreed(every_person.header_of(cap, SPECS[spec]), rows, ("persons", size, cap, spec, part, parts))


def pools_agree(size: int, cap: int, *, part: int = 0, parts: int = 1) -> int:
    """How many pools were judged, all rightly and with evidence."""
    certain = [kind for kind in kinds_up_to(cap) if not kind[1]]
    count = 0
    for number, pool in enumerate(every_pool(size, certain, cap=cap)):
        if number % parts != part:
            continue
        judged = judge(pool)
        assert judged.judgement == ("VALID" if is_legal(pool) else "INVALID"), ops_of(pool)
        if judged.judgement == "VALID":
            assert wrong_with(pool, judged.order.tolist(), judged.at.tolist()) is None, ops_of(pool)
        count += 1
    return count


@pytest.mark.parametrize(("cap", "count"), [(1, 6_500), (2, 13_058), (3, 23_653)])
def test_every_pool_of_at_most_four_operations(cap: int, count: int) -> None:
    assert sum(pools_agree(size, cap) for size in range(1, 5)) == count


@pytest.mark.long
@pytest.mark.parametrize("part", range(8))
def test_every_pool_of_five_operations(part: int) -> None:
    assert sum(pools_agree(5, cap, part=part, parts=8) for cap in CAPS) > 100_000


@pytest.mark.parametrize(("cap", "part"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_every_history_of_at_most_four_operations(cap: int, part: int) -> None:
    for size in (1, 2, 3, 4):
        counters_agreed(size, cap, part=part, parts=cap)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("cap", CAPS)
def test_every_history_of_five_operations(cap: int, part: int) -> None:
    found = counters_agreed(5, cap, part=part, parts=4)
    assert found["VALID"] > 1_000


@pytest.mark.parametrize("spec", SPECS)
def test_every_history_of_people_of_at_most_three_operations(spec: str) -> None:
    """Under cap 1, all of two operations; of three every third, and under the rarer specs every ninth."""
    for size in (1, 2):
        persons_agreed(size, 1, spec)
    persons_agreed(3, 1, spec, part=2, parts=3 if spec == "fresh" else 9)


@pytest.mark.long
@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("spec", SPECS)
def test_every_history_of_people_of_three_operations(spec: str, cap: int) -> None:
    persons_agreed(3, cap, spec)


@pytest.mark.long
@pytest.mark.parametrize("part", range(8))
def test_every_history_of_people_of_four_operations(part: int) -> None:
    found = persons_agreed(4, 1, "fresh", part=part, parts=8)
    assert sum(found.values()) in (609_373 // 8, 609_373 // 8 + 1)


@pytest.mark.long
@pytest.mark.parametrize("spec", [name for name in SPECS if name != "fresh"])
def test_every_32nd_history_of_people_of_four_operations(spec: str) -> None:
    for cap in (1, 2):
        persons_agreed(4, cap, spec, part=cap, parts=32)


# ---- that nothing is left out


def test_every_interval_order_is_there_once() -> None:
    """The Fishburn numbers, for one kind; and the pools of up to four operations with caps 1 to 3."""
    counts = [sum(sum(1 for _ in every_placing(size, cap)) for cap in CAPS) for size in (1, 2, 3, 4)]
    assert counts == [18, 174, 2_337, 40_682]


def all_pairs() -> Iterator[tuple[object, ...]]:
    """Every history of two operations of people, in all intervals and under all names, as what they are."""
    every = product("GJDcLNl", (0, 1), (0, 1), (0, 1))
    kinds = [each for each in every if each[0] == "G" or each[3] == 0]
    kinds += [(f"R{value}", 0, 0, 0) for value in (0, 1)]
    spans = [(begin, end) for begin in range(4) for end in range(begin, 4)]
    for one in kinds:
        for two in kinds:
            for first in spans:
                for second in spans:
                    yield _kind_of(one, two, first, second)


def _kind_of(one: tuple, two: tuple, first: tuple[int, int], second: tuple[int, int]) -> tuple[object, ...]:
    is_before = first[1] < second[0] and one[0] not in "cl"
    is_after = second[1] < first[0] and two[0] not in "cl"
    both_people = one[0][0] != "R" and two[0][0] != "R"
    same_person = both_people and one[1] == two[1]
    same_side = (one[0] in "GJDc") == (two[0] in "GJDc")
    same_key = same_person and same_side and one[2] == two[2]
    same_slot = one[0] == two[0] == "G" and one[3] == two[3]
    if is_after or (not is_before and one[0] > two[0]):
        return (two[0], one[0], True if is_after else is_before, same_person, same_key, same_slot)
    return (one[0], two[0], is_before, same_person, same_key, same_slot)


def test_every_history_of_two_operations_of_people_is_there_once() -> None:
    assert len(set(all_pairs())) == sum(1 for _ in every_labelled(2, 1)) == 211


def test_no_history_of_people_is_there_twice() -> None:
    histories = list(every_labelled(3, 1))
    assert len(set(histories)) == len(histories) == 8_888


def test_a_wrong_judge_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: here with a judge to whom everything is legal."""
    monkeypatch.setitem(globals(), "explained", lambda history: SimpleNamespace(judgement="VALID"))
    with pytest.raises(AssertionError, match="number 0"):
        counters_agreed(1, 1, part=1, parts=5)  # one refusal with room
