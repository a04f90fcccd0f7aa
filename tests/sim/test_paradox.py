"""Paradoxes: found, made as small as they get, told in words, and reproduced by the files written of them."""

import dataclasses
import datetime
from functools import cache

import numpy as np
import pytest

from sim import paradox, scenario_file
from sim.outcome import Outcome
from sim.paradoxes import shrinking, trying
from sim.paradoxes.laws import LAWS, Case, get, people_of, put, with_surges
from sim.paradoxes.people import known_people
from sim.paradoxes.worlds import EVERYBODY, RULE, Luck, person, random_world, template
from sim.paradoxes.writing import text_of
from sim.people import settle
from sim.policy import Invite, Policy
from sim.population import draw
from sim.scenario import Scenario
from sim.showing.paradox_summary import files

START = datetime.datetime(2024, 12, 1)


@cache
def found(law: str, instances: int) -> paradox.Search:
    return paradox.search((law,), instances=instances, seed=1, jobs=1)


# --- the worlds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", LAWS)
@pytest.mark.parametrize("number", range(4))
def test_people_that_are_known_are_those_that_would_be_drawn(subject: str, number: int) -> None:
    world = random_world(Luck(3, number, subject), subject)
    drawn = settle(world, draw(world, 0))
    known = known_people(world)
    for field in dataclasses.fields(drawn):
        if field.name not in ("attributes", "entries", "employed", "family_size"):
            one, other = getattr(drawn, field.name), getattr(known, field.name)
            assert (one == other).all(), field.name
    quick, slow = trying.played(world), trying.drawn(world)
    assert all((column == slow.columns()[name]).all() for name, column in quick.columns().items())


def test_a_world_written_as_a_file_is_the_same_world(tmp_path) -> None:
    for number in range(6):
        world = random_world(Luck(5, number, "cap"), "cap")
        file = tmp_path / f"{number}.toml"
        file.write_text(text_of(world, ["a world"]), "utf-8")
        again = scenario_file.load(file)
        assert again == world


def test_a_number_put_at_a_key_is_the_one_that_set_would_put() -> None:
    world = random_world(Luck(1, 3, "reserve"), "reserve")
    for key, value in (("intake.2024.cap", 4.0), ("offices.officers", 3.0), ("demand.surges.bo.people", 0.0)):
        assert get(put(world, key, value), key) == value
        assert put(world, key, value) == scenario_file.replaced(world, {key: int(value)})


# --- the search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["cap", "officers"])
def test_a_law_that_is_proved_is_never_broken(law: str) -> None:
    search = paradox.search((law,), policy="open-first-come", instances=150, seed=11, jobs=1)
    exact = [rate for rate in search.rates if rate.exact]
    assert sum(rate.tried for rate in exact) >= (150 if law == "cap" else 30)
    assert all(chance.times == 0 for rate in exact for chance in rate.harms.values())


PINNED = {
    # law, world of seed 1: harm, people in the smallest example, less and more
    ("cap", 94): ("lost", 3, 1.0, 2.0),
    ("score", 380): ("own", 4, None, None),
    ("over-invitation", 18): ("total", 3, None, None),
    ("expiry", 184): ("total", 4, None, None),
    ("frequency", 44): ("total", None, None, None),
}
"""Counter-examples to laws that only seem to hold."""


@cache
def pinned(law: str, number: int) -> shrinking.Shrunk:
    tried = trying.tried(law, "", 1, number)
    assert tried.case is not None
    return shrinking.shrunk(tried.case, tried.harm)


@pytest.mark.parametrize(("law", "number"), PINNED)
def test_more_of_it_can_hurt(law: str, number: int) -> None:
    harm, people, less, more = PINNED[law, number]
    small = pinned(law, number)
    assert small.harm == harm
    assert shrinking.still(small.case, small.harm)
    if people is not None:
        assert len(small.case.world.demand.surges) == people
    if less is not None:
        assert (small.case.less, small.case.more) == (less, more)


@pytest.mark.parametrize(("law", "number"), PINNED)
def test_a_smallest_example_loses_the_paradox_with_anybody_or_anything(law: str, number: int) -> None:
    """Locally minimal: without any one person, intake or rule, or with any number plainer, it vanishes."""
    case, harm = pinned(law, number).case, pinned(law, number).harm
    surges = case.world.demand.surges
    for surge in surges:
        if surge.name != case.subject:
            others = tuple(each for each in surges if each is not surge)
            smaller = case._replace(world=with_surges(case.world, others))
            assert trying.harm_of(smaller, (harm,)) != harm, f"{surge.name} is not needed"
    for step in shrinking.STEPS:
        for simpler in step(case):
            assert simpler == case or not shrinking.still(simpler, harm), step.__name__


def test_an_example_is_told_person_by_person_and_its_file_gives_both_variants(tmp_path) -> None:
    example = paradox.example(94, pinned("cap", 94))
    told = example.told
    assert told.lead.startswith("With a cap of 2 instead of 1 in 2024, Fay loses the slot")
    assert "the application found no slot left" in told.lead
    assert any("the round invites" in line and "instead of" in line for line in told.chain)
    assert {line.name for line in told.lines} == {"Dee", "Eli", "Fay"}
    search = dataclasses.replace(found("frequency", 1), examples=(example,))
    (name, text), *_ = files(search).items()
    (tmp_path / name).write_text(text, "utf-8")
    base = scenario_file.load(tmp_path / name)
    more = scenario_file.replaced(base, {example.case.key: paradox.setting(example.case.more)})
    fay = people_of(base).index("Fay")
    assert trying.drawn(base).slot_s[fay] < 2**62 <= trying.drawn(more).slot_s[fay]


def test_the_same_search_gives_the_same_whoever_makes_it() -> None:
    one = paradox.search(("frequency",), instances=30, seed=1, jobs=1)
    two = paradox.search(("frequency",), instances=30, seed=1, jobs=2)
    assert one == two


def test_worlds_are_made_from_a_scenario() -> None:
    smoke = scenario_file.load("smoke")
    search = paradox.search(("cap", "expiry"), scenario=smoke, policy="lottery", instances=25, seed=4, jobs=1)
    assert sum(rate.tried for rate in search.rates) == 50
    worlds = [each.case.world for each in search.tried if each.case]
    assert all(world.intake[0].opens == smoke.intake[0].opens for world in worlds)
    assert {world.policies[RULE].invite.order for world in worlds} == {"lottery"}
    assert all(shrinking.is_legal(each.case) for each in search.tried[:5] if each.case)


def test_a_law_without_anything_to_vary_is_skipped_with_the_reason() -> None:
    search = paradox.search(("reserve",), policy="first-come", instances=3, seed=1, jobs=1)
    assert search.rates == ()
    assert "a reserve in slots" in search.skipped["reserve"]


# --- one by hand -----------------------------------------------------------------------------------------


def by_hand(*days: int, **known) -> Scenario:
    people = tuple(
        person(name, START + datetime.timedelta(days=day), EVERYBODY.model_copy(update=known))
        for name, day in zip(("Ana", "Bo", "Cy"), days, strict=False)
    )
    return with_surges(template(), people)


def outcomes(case: Case) -> tuple[Outcome, Outcome]:
    return trying.played(case.world), trying.played(case.other)


def test_shrinking_finds_the_case_that_was_buried() -> None:
    """Rounds every 20 days, two letters a free slot: with one slot more a third person is invited too early,
    finds it gone, and misses the next year's. Everything else is ballast.
    """
    world = by_hand(1, 1, 2)
    world = world.model_copy(
        update={"policies": {RULE: Policy(invite=Invite(size="to-cap", factor=2.0, every_days=20))}}
    )
    ballast = tuple(
        person(name, START + datetime.timedelta(days=40), EVERYBODY.model_copy(update={"answer": "none"}))
        for name in ("Dee", "Eli", "Fay")
    )
    buried = with_surges(world, (*world.demand.surges, *ballast))
    case = Case(buried, "cap", "intake.2024.cap", 2.0)
    base, more = outcomes(case)
    assert (base.slot_s < 2**62).sum() >= 2
    assert trying.harm_of(case, ("lost",)) == "lost"
    small = shrinking.shrunk(case, "lost")
    assert people_of(small.case.world) == ["Ana", "Bo", "Cy"]
    assert np.count_nonzero(outcomes(small.case)[0].slot_s < 2**62) == 2
    assert (more.slot_s < 2**62).sum() >= 1
