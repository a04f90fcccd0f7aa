"""Every sequence of up to six commands in small worlds, against the second opinion of tests/worlds.py.

A *world* is a beginning, which sets it up, and an alphabet. Every world has a cap of one, at most two
applicants, two keys and two intakes. One alphabet with everything in it would be too wide for six steps, so
each world has the commands that may trouble one another:

    keys       claims with both keys, by both applicants, in both intakes and in another stream, and releases
               under the keys of claims: who gets a replay, a mismatch, a duplicate
    year       opening, closing and claiming in two years, one of them not yet open
    limits     claims and releases among changes of the limit and refreshes
    shared     a cap over two intakes beside a cap on one stream

The quick walks of six judge every step and follow those that changed the state: what comes after the others
is what comes after the same sequence without them. Walks of four follow every step; so do the long ones.
"""

from dataclasses import replace

import pytest

from sim.ledger import REPLIES_TO, Command, Ledger, Reply, Spec
from tests.worlds import ALL_SPECS, begin, command, switches, walk

WORLDS = {
    "keys": (
        ["open 2022 all=1", "open 2023 all=1"],
        [
            "ana claims 2022 k1",
            "ana claims 2022 k2",
            "ana claims 2022/pilot k1",
            "ana claims 2023 k1",
            "bo claims 2022 k1",
            "ana releases 2022 k1 withdrawal",
            "ana releases 2022 k2 withdrawal",
            "bo releases 2022 k2 refusal",
        ],
    ),
    "year": (
        ["open 2022 all=1"],
        [
            "open 2022 all=1",
            "open 2023 all=1",
            "open 2023 all=2",
            "set 2023 2023 0",
            "refresh 2023",
            "close 2022",
            "close 2023",
            "ana claims 2022 k1",
            "ana claims 2023 k2",
            "bo claims 2023 k1",
            "ana releases 2022 k2 withdrawal",
            "read 2022",
        ],
    ),
    "limits": (
        ["open 2022 all=1"],
        [
            "set 2022 2022 0",
            "set 2022 2022 2",
            "set 2022 2023 1",
            "refresh 2022",
            "ana claims 2022 k1",
            "bo claims 2022 k1",
            "ana releases 2022 k2 withdrawal",
            "bo releases 2022 k2 expiry",
            "ana claims 2022 k2",
            "read 2022",
        ],
    ),
    "shared": (
        ["open 2022 2022+2023=1 pilot=1", "open 2023 2022+2023=1"],
        [
            "ana claims 2022/pilot k1",
            "ana claims 2023/pilot k2",
            "bo claims 2022 k1",
            "ana releases 2022 k2 withdrawal",
            "set 2023 2022+2023 2",
            "set 2022 2022/pilot 0",
            "refresh 2023",
            "close 2022",
        ],
    ),
}


BOLDEST = Spec(gives_back=frozenset({"withdrawal"}), refusals="sticky", counter=7)
"""The spec under which the most commands change something."""


@pytest.mark.parametrize("spec", ALL_SPECS, ids=switches)
@pytest.mark.parametrize("world", WORLDS)
def test_every_sequence_is_answered_as_the_contract_says(world: str, spec: Spec) -> None:
    # Where withdrawals alone give back, the worlds have releases of both kinds; five steps do for the rest.
    walk_through(world, spec, depth=6 if spec.gives_back == {"withdrawal"} else 5, prune=True)


@pytest.mark.parametrize("spec", [Spec(), BOLDEST], ids=switches)
@pytest.mark.parametrize("world", WORLDS)
def test_steps_without_an_effect_change_no_later_answer(world: str, spec: Spec) -> None:
    walk_through(world, spec, depth=4, prune=False)


@pytest.mark.parametrize("refusals", ["fresh", "sticky"])
def test_the_worlds_meet_every_reply_to_every_command(refusals: str) -> None:
    spec = replace(BOLDEST, refusals=refusals)
    met = set().union(*(walk_through(world, spec, depth=3, prune=True) for world in WORLDS))
    assert met == {(asked, told) for asked, replies in REPLIES_TO.items() for told in replies}


@pytest.mark.long
@pytest.mark.parametrize("spec", [Spec(), BOLDEST], ids=switches)
@pytest.mark.parametrize("world", WORLDS)
def test_every_sequence_of_six_with_all_its_steps_followed(world: str, spec: Spec) -> None:
    walk_through(world, spec, depth=6, prune=False)


@pytest.mark.long
@pytest.mark.parametrize("world", WORLDS)
def test_every_sequence_of_eight_is_answered_as_the_contract_says(world: str) -> None:
    walk_through(world, BOLDEST, depth=8, prune=True)


def walk_through(
    world: str, spec: Spec, *, depth: int, prune: bool
) -> set[tuple[type[Command], type[Reply]]]:
    """Walk a world, audit the ledger at every step, and say which replies to which commands were met."""
    beginning, lines = WORLDS[world]
    ledger = Ledger(spec)
    past = begin(ledger, beginning)
    met = set()
    for asked, told in walk(ledger, past, [command(line) for line in lines], depth, prune=prune):
        ledger.audit()
        met.add((type(asked), type(told)))
    return met
