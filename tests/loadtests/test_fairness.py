"""First come, first served, in figures: by hand, and against counting pair by pair."""

import itertools

import numpy as np
import pytest

from loadtests.checks import fairness
from loadtests.checks.inversions import inversions, overtakings
from tests.loadtests.histories import drawn

LAST_COME_FIRST = """
ana  claim  1-2    full      cap=2022
bo   claim  3-4    full      cap=2022
cy   claim  5-6    granted   slot=1 position=1
di   claim  7-8    granted   slot=2 position=2
"""


def test_a_service_that_serves_the_last_first_overtakes_those_before() -> None:
    [finding] = fairness.check(drawn(LAST_COME_FIRST))
    [cap] = fairness.fairness(drawn(LAST_COME_FIRST)).overtaken
    assert (cap.pairs, cap.people, cap.grants) == ((4, 4), (2, 2), (2, 2))
    assert finding.judgement == "NOTED"
    assert finding.witness == (0, 2)
    assert "2 people were overtaken, in 4 pairs" in finding.says


ROWS = [
    ("nobody waited", "ana claim 1-2 granted slot=1\nbo claim 3-4 full cap=2022", (0, 0), (0, 0)),
    ("both were under way", "ana claim 1-3 full cap=2022\nbo claim 3-4 granted slot=1", (0, 0), (0, 0)),
    ("who came back had come first",
     "ana claim 1-2 full cap=2022\nbo claim 3-4 full cap=2022\nana claim 5-6 granted slot=1",
     (0, 0), (0, 0)),
    ("the slot may be another's", "ana claim 1-2 full cap=2022\nbo claim 3- -", (0, 1), (0, 1)),
    ("who was refused may have a slot",
     "ana claim 1-2 full cap=2022\nana claim 3- -\nbo claim 4-5 granted slot=1", (0, 1), (1, 1)),
    ("who was refused got one later",
     "ana claim 1-2 full cap=2022\nbo claim 3-4 granted slot=1\nana claim 5-6 granted slot=2",
     (0, 0), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "pairs", "grants"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_overtaking(text: str, pairs: tuple[int, int], grants: tuple[int, int]) -> None:
    [cap] = fairness.fairness(drawn(text)).overtaken
    assert (cap.pairs, cap.grants) == (pairs, grants)


def test_positions_are_set_against_due_times_and_sending() -> None:
    text = """
    ana  claim  1-2    granted   position=2 due_ns=1
    bo   claim  3-4    granted   position=1 due_ns=0
    cy   claim  5-6    granted   position=3 due_ns=0
    """
    [intake] = fairness.fairness(drawn(text, cap=9)).inverted
    assert (intake.grants, intake.pairs) == (3, 3)
    assert (intake.against_due, intake.against_sent, intake.certain) == (1, 1, 1)


@pytest.mark.parametrize("seed", range(40))
def test_inversions_are_those_that_pairs_show(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(0, 40))
    first, second = rng.integers(0, 30, size), rng.integers(0, 30, size)
    pairs = list(itertools.permutations(range(size), 2))
    assert inversions(first, second) == sum(first[i] < first[j] and second[i] > second[j] for i, j in pairs)
    ends, places = first + rng.integers(0, 9, size), rng.permutation(size)
    assert overtakings(ends, first, places) == sum(
        ends[i] < first[j] and places[i] > places[j] for i, j in pairs
    )


@pytest.mark.parametrize("seed", range(20))
def test_overtaking_is_what_pairs_show(seed: int) -> None:
    rng = np.random.default_rng(seed)
    begins = np.sort(rng.integers(0, 60, 25))
    ends = begins + rng.integers(0, 12, 25)
    told = [("granted", "full cap=2022", "")[each] for each in rng.choice(3, 25, p=[0.45, 0.45, 0.1])]
    lines = [
        f"p{k} claim {begin}-{end} {answer}" if answer else f"p{k} claim {begin}- -"
        for k, (begin, end, answer) in enumerate(zip(begins, ends, told, strict=True))
    ]
    [cap] = fairness.fairness(drawn("\n".join(lines))).overtaken
    full = [k for k in range(25) if told[k].startswith("full")]
    for bound, ways in (("least", ("granted",)), ("most", ("granted", ""))):
        pairs = [(i, j) for i in full for j in range(25) if told[j] in ways and ends[i] < begins[j]]
        assert getattr(cap.pairs, bound) == len(pairs)
        assert getattr(cap.people, bound) == len({i for i, _ in pairs})
        assert getattr(cap.grants, bound) == len({j for _, j in pairs})
