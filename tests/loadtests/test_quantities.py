"""Figures beside the verdict: against brute force on small histories, and by drawn examples."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.checks import moves
from loadtests.checks.quantities import Span, quantities
from loadtests.checks.withdrawals import Freed, Held, fewest_withdrawn, stays
from loadtests.header import Header, Initial
from loadtests.history import NEVER, History
from sim.ledger import Spec, cap_of
from tests.loadtests.histories import drawn

BACK = Header(caps=(cap_of("2022", 1),), spec=Spec(gives_back=frozenset({"withdrawal"})))
SHARED = Header(caps=(cap_of("2022", 1),), shared=True)
FULL = Header(caps=(cap_of("2022", 1),), initial=Initial({"2022": 1}))
TWO = "ana claim 1-5 granted slot=1\nbo claim 2-6 granted slot=2\n"
NONE = Span(0, 0)


def figures(text: str, **given: Any) -> tuple[Any, Any, Any]:
    found = quantities(drawn(text, **given))
    return found.over[0], found.refused[0], found.stale[0] if found.stale else None


OVER = [
    ("within the cap", TWO, {"cap": 2}, (0, 0), (0, 0)),
    ("one over, until the last operation", TWO + "- read 9-16 count", {}, (1, 1), (10, 10)),
    ("came back as early as it can have", TWO + "ana release 8-12 released given_back=yes\n- read 9-16 count",
     {"header": BACK}, (1, 1), (2, 2)),
    ("may have come back", TWO + "ana release 8-12 released\n- read 9-16 count", {"header": BACK},
     (1, 1), (2, 10)),
    ("may have been granted", "ana claim 1-5 granted\nbo claim 2- -\n- read 9-16 count", {}, (0, 1), (0, 11)),
    ("one can have gone before the other came",
     "ana claim 1-5 granted\nana release 6-9 released given_back=yes\nbo claim 2-7 granted",
     {"header": BACK}, (0, 0), (0, 0)),
    ("a slot was taken before", "ana claim 1-5 granted\n- read 9-16 count", {"header": FULL},
     (1, 1), (11, 11)),
    ("the cap was raised", TWO + "- set-cap 8-9 done cap=2022 value=2\n- read 9-16 count", {},
     (1, 1), (2, 2)),
    ("the cap was cut", TWO + "- set-cap 8-9 done cap=2022 value=1", {"cap": 2}, (0, 0), (0, 0)),
    ("others may be there", "ana claim 1-5 granted", {"header": SHARED}, (0, math.inf), (0, math.inf)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given", "peak", "nanoseconds"), [row[1:] for row in OVER], ids=[row[0] for row in OVER]
)
def test_slots_over_a_cap(text: str, given: dict[str, Any], peak: Any, nanoseconds: Any) -> None:
    over, _, _ = figures(text, **given)
    assert over.peak_slots == Span(*peak)
    assert [round(each * 1e9, 6) for each in over.slot_seconds] == list(nanoseconds)


REFUSED = [
    ("nobody had it", "bo claim 2-7 full", {"cap": 3}, (1, 1), (3, 3), (15, 15)),
    ("somebody may have had one", "ana claim 1- -\nbo claim 2-7 full", {"cap": 3},
     (1, 1), (2, 3), (10, 15)),
    ("somebody may have had it", "ana claim 1- -\nbo claim 2-7 full", {}, (0, 1), (0, 1), (0, 5)),
    ("it was taken meanwhile", "ana claim 4-9 granted\nbo claim 2-7 full", {}, (0, 0), (0, 0), (0, 0)),
    ("one of two was taken meanwhile", "ana claim 4-9 granted\nbo claim 2-7 full", {"cap": 2},
     (1, 1), (1, 1), (2 * 2 + 3, 2 * 2 + 3)),
    ("two at once count once", "bo claim 2-7 full\ncy claim 5-9 full", {}, (2, 2), (1, 1), (7, 7)),
    ("it came back", "ana claim 1-2 granted\nana release 3-4 released given_back=yes\nbo claim 6-9 full",
     {"header": BACK}, (1, 1), (1, 1), (3, 3)),
    ("it may have come back", "ana claim 1-2 granted\nana release 3- -\nbo claim 6-9 full",
     {"header": BACK}, (0, 1), (0, 1), (0, 3)),
    ("the cap was raised meanwhile", "- set-cap 4-5 done cap=2022 value=9\nbo claim 2-7 full", {"cap": 1},
     (1, 1), (1, 1), (2 + 1 + 2 * 9, 2 + 1 + 2 * 9)),
    ("others may have had it", "bo claim 2-7 full", {"header": SHARED}, (0, 1), (0, 1), (0, 5)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given", "many", "vacancy", "nanoseconds"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_refused_while_free(
    text: str, given: dict[str, Any], many: Any, vacancy: Any, nanoseconds: Any
) -> None:
    _, refused, _ = figures(text, **given)
    assert (refused.while_free, refused.vacancy) == (Span(*many), Span(*vacancy))
    assert [round(each * 1e9, 6) for each in refused.slot_seconds] == list(nanoseconds)


READ = [
    ("as it was", "ana claim 1-5 granted\n- read 3-4 count value=0", {}, (0, 0), (0, 0)),
    ("older than it was", "ana claim 1-5 granted\n- read 9-12 count value=0", {}, (1, 1), (4, 4)),
    ("never so", "ana claim 1-5 granted\n- read 9-12 count value=7", {}, (1, 1), (math.inf, math.inf)),
    ("perhaps older", "ana claim 1- -\n- read 9-12 count value=0", {}, (0, 1), (0, 8)),
    ("perhaps never so", "ana claim 1- -\n- read 9-12 count value=1", {}, (0, 1), (0, math.inf)),
    ("before it came back", "ana claim 1-2 granted\nana release 4-5 released given_back=yes\n"
     "- read 9-12 count value=1", {"header": BACK}, (1, 1), (4, 4)),
    ("two times as it was", "ana claim 1-2 granted\nana release 4-5 released given_back=yes\n"
     "bo claim 6-7 granted\n- read 9-12 count value=0", {"header": BACK}, (1, 1), (2, 2)),
    ("others may have come", "- read 9-12 count value=1", {"header": SHARED}, (0, 1), (0, math.inf)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given", "stale", "nanoseconds"), [row[1:] for row in READ], ids=[row[0] for row in READ]
)
def test_how_old_a_reading_was(text: str, given: dict[str, Any], stale: Any, nanoseconds: Any) -> None:
    _, _, read = figures(text, **given)
    assert read.stale == Span(*stale)
    assert [round(each * 1e9, 6) for each in read.worst_s] == list(nanoseconds)


def test_what_is_not_known_is_counted_and_the_figures_are_plain() -> None:
    text = "ana claim 1- -\nana release 3- -\nbo claim 2-5 full\n- read 9-12 count value=7"
    found = quantities(drawn(text, header=BACK))
    assert (found.over[0].unknown_claims, found.over[0].unknown_releases) == (1, 1)
    assert found.as_plain()["stale"][0] == {
        "intake": "2022", "readings": 1, "stale": [1, 1], "worst_s": [None, None]
    }  # fmt: skip


LONGEST = [("ana", 0, 100), ("bo", 10, 20), ("cy", 30, 40), ("di", 50, 60)]


def test_whoever_stays_longest_is_withdrawn() -> None:
    text = "\n".join(
        f"{who} claim {begun}-{begun} granted\n{who} release {ended}-{ended} released given_back=yes"
        for who, begun, ended in LONGEST
    )
    over, _, _ = figures(text, header=BACK)
    assert (over.peak_slots, over.withdrawn) == (Span(1, 1), Span(1, 1))


INTERVALS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=7)


@settings(max_examples=300, deadline=None)
@given(INTERVALS, st.integers(0, 3), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=2))
def test_no_fewer_could_be_withdrawn(
    intervals: list[tuple[int, int]], cap: int, steps: list[tuple[int, int]]
) -> None:
    begins = np.array([begun for begun, _ in intervals], dtype=np.int64)
    ends = begins + np.array([lasts for _, lasts in intervals], dtype=np.int64)
    limits = [(cap, -NEVER, NEVER), *((limit, begun, NEVER) for begun, limit in steps)]

    def is_kept(chosen: tuple[int, ...]) -> bool:
        for now in range(15):
            limit = max(limit for limit, begun, _ in limits if begun <= now)
            if sum(begins[each] <= now < ends[each] for each in chosen) > limit:
                return False
        return True

    everybody = range(len(intervals))
    fewest = min(
        len(intervals) - size
        for size in range(len(intervals) + 1)
        if any(is_kept(chosen) for chosen in itertools.combinations(everybody, size))
    )
    assert fewest_withdrawn(begins, ends, limits) == fewest


def columns(kind: Any, rows: list[tuple[int, ...]]) -> Any:
    """Rows as the arrays of a record."""
    table = np.array(rows, dtype=np.int64).reshape(len(rows), len(kind._fields))
    return kind(*(table[:, place] for place in range(table.shape[1])))


def stays_one_by_one(
    granted: list[tuple[int, ...]], freed: list[tuple[int, ...]], start: int
) -> tuple[list[int], list[int]]:
    """The same as `stays`, for each grant in turn: the first release of the person's that can be of it."""
    left = sorted(freed, key=lambda each: each[1])
    begins, ends = [], []
    for applicant, at, since in sorted(granted, key=lambda each: each[1]):
        mine = next((each for each in left if each[0] == applicant and each[1] >= since), None)
        if mine is not None:
            left.remove(mine)
        begins.append(at)
        ends.append(NEVER if mine is None else max(at, mine[1]))
    before = [time for _, time in left][:start]
    return [-NEVER] * start + begins, before + [NEVER] * (start - len(before)) + ends


PEOPLE, TIMES = st.integers(-1, 3), st.integers(0, 9)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(PEOPLE, TIMES, st.integers(0, 3)), max_size=6),
    st.lists(st.tuples(PEOPLE, TIMES), max_size=5),
    st.integers(0, 2),
)
def test_stays_of_many_are_those_of_each(
    grants: list[tuple[int, int, int]], freed: list[tuple[int, int]], start: int
) -> None:
    granted = [(who, at, max(0, at - before)) for who, at, before in grants]
    begins, ends = stays(columns(Held, granted), columns(Freed, freed), start)
    expected = stays_one_by_one(granted, freed, start)
    assert (begins.tolist(), ends.tolist()) == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=60), st.lists(st.integers(-9, 9), max_size=8))
def test_the_last_place_that_has_a_value_is_found_in_blocks(steps: list[int], values: list[int]) -> None:
    lows = np.cumsum(steps)
    highs = lows + np.abs(np.array(steps))
    wanted = [(value, end) for value in values for end in (0, len(lows) // 2, len(lows))]
    sought, ends = (np.array([each[at] for each in wanted], dtype=np.int64) for at in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moves, "BLOCK", 4)
        found = moves._last_places(lows, highs, sought, ends)
    for place, (value, end) in zip(found.tolist(), wanted, strict=True):
        having = [at for at in range(end) if lows[at] <= value <= highs[at]]
        assert place == max(having, default=-1)


def test_a_release_is_of_the_persons_own_slot_and_else_of_one_from_before() -> None:
    granted = columns(Held, [(1, 5, 2), (1, 20, 18), (2, 6, 6)])
    begins, ends = stays(granted, columns(Freed, [(1, 9), (3, 4), (1, 30)]), start=2)
    pairs = sorted(zip(begins.tolist(), ends.tolist(), strict=True))
    assert pairs == [(-NEVER, 4), (-NEVER, NEVER), (5, 9), (6, NEVER), (20, 30)]


MOVES = st.lists(
    st.tuples(st.sampled_from("GGR"), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=5
)


def moving(moves: list[tuple[str, int, int]], cap: int) -> History:
    """Grants, and releases by people who had a slot before the run: five of them."""
    told = {"G": "claim {}-{} granted", "R": "release {}-{} released given_back=yes"}
    lines = [
        f"p{who} " + told[kind].format(begun, begun + lasts) for who, (kind, begun, lasts) in enumerate(moves)
    ]
    initial = Initial({"2022": 5}, {"2022": tuple(f"p{who}" for who in range(5))})
    return drawn("\n".join(lines), header=Header((cap_of("2022", cap),), BACK.spec, initial))


@settings(max_examples=150, deadline=None)
@given(MOVES, st.integers(5, 7))
def test_no_order_has_fewer_slots_over_the_cap(moves: list[tuple[str, int, int]], cap: int) -> None:
    """Against every choice of whole moments inside the intervals; at one moment, whatever is kindest."""
    until = max(begun + lasts for _, begun, lasts in moves)
    peaks, sums = [], []
    for chosen in itertools.product(*(range(begun, begun + lasts + 1) for _, begun, lasts in moves)):
        done = [(at, 1 if kind == "G" else -1) for (kind, _, _), at in zip(moves, chosen, strict=True)]
        counts = [5 + sum(change for at, change in done if at <= now) for now in range(until + 1)]
        peaks.append(max(0, max(counts) - cap))
        sums.append(sum(max(0, count - cap) for count in counts[:-1]))
    over = quantities(moving(moves, cap)).over[0]
    assert over.peak_slots == Span(min(peaks), min(peaks))
    assert round(over.slot_seconds.least * 1e9, 6) == min(sums)
