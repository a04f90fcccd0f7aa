"""The exact check: agrees with the plain search wherever that can look, and never alarms falsely.

A disagreement is printed with its seed, both verdicts, and the smallest history that shows it, as JSON lines
that can be kept under tests/histories.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from itertools import islice

import numpy as np
import pytest

from loadtests.checking import judged
from loadtests.checks.arrays import Rows
from loadtests.header import Header
from loadtests.history import History, history_of
from loadtests.linear.object import explain
from loadtests.proofs.replay import accepts
from sim.ledger import Spec, cap_of
from tests.large_histories import FRAGMENTS, Crowd, crowded
from tests.loadtests.histories import drawn
from tests.mutations import mutated
from tests.oracle import shown, truth, verdict
from tests.random_histories import MIXES, from_ledger, sized

MOST_UNKNOWN = 0.005
"""Share of the verdicts on a fragment, or in many on a mix, that may be UNKNOWN."""


OF_A_FRAGMENT = 1_000
"""Random histories of each fragment in the normal run: of its mixes together."""
MANY_OF_A_MIX = -(-200_000 // len(MIXES))
"""Of each mix in the long run: of all together at least 200,000."""
MIXES_OF: dict[str, tuple[str, ...]] = {
    "claims": ("claims", "readings", "unanswered"),
    "releases": ("releases", "kept-back", "begun", "begun-unlisted"),
    "keys": ("keys", "sticky"),
    "years": ("years", "years-and-releases", "turns-unanswered", "turns-and-cuts-unanswered"),
    "quotas": (
        *("quotas", "quotas-and-releases", "quotas-unnamed", "quotas-cut-unanswered"),
        "over-years",
    ),
    "limits": ("cuts", "cuts-alone", "cuts-unanswered", "cuts-and-releases-unanswered"),
    "copies": ("copies", "copies-and-releases", "copies-unanswered", "soft"),
    "shared": ("shared", "shared-audited"),
    "audited": ("audited", "audited-releases"),
    "nasty": ("nasty",),
    "skewed": ("skewed",),
}
"""The fragments, and what is mixed for each."""


def random_one(name: str, seed: int) -> History:
    """A history of a correct service, and two times in three an edited one."""
    rng = np.random.default_rng([seed, 5])
    history = from_ledger(rng, MIXES[name])
    return mutated(rng, history, edits=seed % 3) if seed % 3 else history


def agreed(cases: Iterable[tuple[object, History]]) -> Counter[str]:
    """How many verdicts there were of each kind, none of them wrong."""
    found: Counter[str] = Counter()
    for seed, history in cases:
        said, true = verdict(history), truth(history)
        assert said in (true, "UNKNOWN"), shown(history, seed)
        found[said] += 1
    return found


@pytest.mark.parametrize("fragment", MIXES_OF)
def test_random_histories_are_judged_as_the_search_judges_them(fragment: str) -> None:
    names, unknown = MIXES_OF[fragment], 0
    many = OF_A_FRAGMENT // len(names)
    for name in names:
        found = agreed(((name, seed), random_one(name, seed)) for seed in range(many))
        assert found["VALID"] > many / 10, name
        assert found["INVALID"] > many / 20, name
        unknown += found["UNKNOWN"]
    assert unknown <= MOST_UNKNOWN * OF_A_FRAGMENT


def test_every_mix_is_of_a_fragment() -> None:
    assert sorted(name for names in MIXES_OF.values() for name in names) == sorted(MIXES)


@pytest.mark.long
@pytest.mark.parametrize("name", MIXES)
def test_many_random_histories_are_judged_as_the_search_judges_them(name: str) -> None:
    found = agreed(((name, seed), random_one(name, seed)) for seed in range(10_000, 10_000 + MANY_OF_A_MIX))
    assert found["UNKNOWN"] <= MOST_UNKNOWN * MANY_OF_A_MIX


def test_nothing_need_have_happened() -> None:
    """An order of the administration that nobody answered, and nothing else: to do nothing is legal."""
    row = {"op": "set-cap", "intake": "2022", "cap": "2022", "value": 1, "invoked_ns": 1, "result": "info"}
    assert verdict(history_of(Header(caps=(cap_of("2022", 2),)), [row])) == "VALID"


REFUSED_TWICE = """
bo   claim    1-2    granted  slot=1
ana  claim    10-60  full     cap=2022
bo   release  20-40  released given_back=yes
ana  claim    22-50  granted  slot=2
ana  claim    25-70  full     cap=2022
"""
"""Both refusals were decided before bo released, and what ana was granted after it."""


def test_two_refusals_beside_a_grant_of_their_key_need_one_order_only() -> None:
    said = []

    def replayed(history: History, order: Rows) -> str | None:
        said.append(accepts(history, order))
        return said[-1]

    spec = Spec(gives_back=frozenset({"withdrawal"}))
    history = drawn(REFUSED_TWICE, header=Header(caps=(cap_of("2022", 1),), spec=spec))
    assert explain(history, replayed).judgement == "VALID"
    assert said == [None]


CHECKS = ("receipts", "bounds", "linearizability", "reasons")
"""Those that decide of a history without an audit."""
FLIGHTS = (10, 32, 100, 1_000)


def a_correct_crowd_is_valid(name: str, size: int, in_flight: int) -> None:
    crowd = dataclasses.replace(FRAGMENTS[name], operations=size, in_flight=in_flight)
    found = judged(crowded(np.random.default_rng(size + in_flight), crowd), only=CHECKS)
    assert found.judgement == "VALID", [each.says for each in found.findings]


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_correct_crowd_of_ten_thousand_is_valid(name: str) -> None:
    for in_flight in FLIGHTS:
        a_correct_crowd_is_valid(name, 10_000, in_flight)


def test_a_correct_crowd_of_a_hundred_thousand_is_valid() -> None:
    a_correct_crowd_is_valid("everything", 100_000, 1_000)
    a_correct_crowd_is_valid("a stall", 100_000, 32)


@pytest.mark.long
@pytest.mark.parametrize("size", [100_000, 1_000_000])
@pytest.mark.parametrize("in_flight", FLIGHTS)
@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_larger_correct_crowd_is_valid(name: str, in_flight: int, size: int) -> None:
    a_correct_crowd_is_valid(name, size, in_flight)


REALISTIC = ["claims", "readings", "quotas", "cuts-alone", "copies", "years", "begun", "audited"]


@pytest.mark.parametrize("name", REALISTIC)
def test_a_correct_service_is_valid_at_two_thousand_operations(name: str) -> None:
    mix = sized(MIXES[name], 2_000, in_flight=10)
    if mix.cuts:  # among so many orders of the administration dozens would be without an answer
        mix = dataclasses.replace(mix, unknown=0.0)
    assert verdict(from_ledger(np.random.default_rng(3), mix)) == "VALID"


def test_a_crowd_with_one_grant_too_many_is_invalid() -> None:
    history = crowded(np.random.default_rng(1), Crowd(reads=0.0, retries=0.0))
    refused = int(np.flatnonzero(history.is_answer("full"))[-1])
    [granted] = islice(np.flatnonzero(history.is_answer("granted")).tolist(), 1)
    columns = {name: column.copy() for name, column in history.columns.items()}
    columns["answer"][refused] = columns["answer"][granted]
    columns["slot"][refused], columns["cap"][refused] = "new", None
    assert verdict(History(history.header, columns)) == "INVALID"
