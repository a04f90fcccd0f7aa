"""Every small history is judged as the plain search over the ledger judges it: none left out, none UNKNOWN.

Worlds, each up to isomorphism, with every interval order:

    pools     one counter: grants, refusals, releases, readings, caps 1 to 3. 43,211 of at most 4 operations,
              875,322 of 5
    counters  the same as histories of people: 45,977 of at most 4, 1,005,274 of 5
    persons   whoever asks again: keys, slots, duplicates, claims and releases that nobody answered, under
              five kinds of spec. 9,108 of at most 3 under cap 1, 609,373 of 4
    repeats   persons, some of whose answers are told as replays, which may leave out what they repeat

What is compared (tests/every_agreement.py): for pools, the judgement and the evidence of
loadtests.pools.kernel.judge, which is what each counter of a history is given to, with the slow judge of
tests.pools. For histories, the judgement of `explained`, which is all that the check "linearizability" rests
on (its order was replayed, if it is VALID), with the search of Wing and Gong over the ledger.

    normal    all pools and counters of at most 4 operations; under cap 1, persons and repeats of at most 2,
              and of persons of 3 every third (every ninth under the rarer specs)
    long      all pools and counters of 5; all persons of 3, under every spec and caps 1 to 3; all repeats of
              3 under cap 1 and the specs fresh and sticky; of persons of 4 every fourth under cap 1 and the
              first spec, and every 64th under caps 1 and 2 and the others
    campaign  all persons of 4 under cap 1 and every spec (tests/campaign.py)
"""

from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace

import pytest

from tests import every_agreement
from tests.every_agreement import counters, persons, pools, repeats
from tests.every_history import every_placing
from tests.every_person import SPECS, every_labelled

CAPS = (1, 2, 3)


@pytest.mark.parametrize(("cap", "count"), [(1, 6_500), (2, 13_058), (3, 23_653)])
def test_every_pool_of_at_most_four_operations(cap: int, count: int) -> None:
    assert sum(pools(size, cap).total() for size in range(1, 5)) == count


@pytest.mark.long
@pytest.mark.parametrize(("cap", "count"), [(1, 101_376), (2, 247_224), (3, 526_722)])
def test_every_pool_of_five_operations(cap: int, count: int) -> None:
    assert pools(5, cap).total() == count


@pytest.mark.parametrize(("cap", "part"), [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_every_history_of_at_most_four_operations(cap: int, part: int) -> None:
    for size in (1, 2, 3, 4):
        counters(size, cap, part=part, parts=cap)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize(("cap", "count"), [(1, 129_112), (2, 289_460), (3, 586_702)])
def test_every_history_of_five_operations(cap: int, count: int, part: int) -> None:
    assert counters(5, cap, part=part, parts=4).total() in (count // 4, count // 4 + 1)


@pytest.mark.parametrize("spec", SPECS)
def test_every_history_of_people_of_at_most_three_operations(spec: str) -> None:
    """Under cap 1, all of two operations; of three every third, and under the rarer specs every ninth."""
    for size in (1, 2):
        persons(size, 1, spec)
    persons(3, 1, spec, part=2, parts=3 if spec == "fresh" else 9)


@pytest.mark.parametrize("spec", ["fresh", "sticky"])
def test_every_history_of_two_operations_with_replays(spec: str) -> None:
    found = repeats(1, 1, spec) + repeats(2, 1, spec)
    assert found["INVALID"] > 50


@pytest.mark.long
@pytest.mark.parametrize("spec", ["fresh", "sticky"])
def test_every_history_of_three_operations_with_replays(spec: str) -> None:
    assert repeats(3, 1, spec)["VALID"] > 1_000


@pytest.mark.long
@pytest.mark.parametrize("cap", CAPS)
@pytest.mark.parametrize("spec", SPECS)
def test_every_history_of_people_of_three_operations(spec: str, cap: int) -> None:
    persons(3, cap, spec)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_every_fourth_history_of_people_of_four_operations(part: int) -> None:
    found = persons(4, 1, "fresh", part=part, parts=8)
    assert found.total() in (609_373 // 8, 609_373 // 8 + 1)


@pytest.mark.long
@pytest.mark.parametrize("spec", [name for name in SPECS if name != "fresh"])
def test_every_64th_history_of_people_of_four_operations(spec: str) -> None:
    for cap in (1, 2):
        persons(4, cap, spec, part=cap, parts=64)


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
    monkeypatch.setattr(every_agreement, "explained", lambda history: SimpleNamespace(judgement="VALID"))
    with pytest.raises(AssertionError, match="number 0"):
        counters(1, 1, part=1, parts=5)  # one refusal with room
