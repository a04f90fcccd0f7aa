"""People of whom the scenario knows something: it stands in place of chance, and nobody else is touched."""

import pytest

from sim import scenario_file
from sim.clock import DAY_S, NEVER
from sim.errors import BadInput
from sim.people import settle
from sim.population import SURGE, draw

SMOKE = scenario_file.load("smoke")
FAIR = "demand.surges.a-fair.known"


def people(**known):
    scenario = scenario_file.replaced(SMOKE, {f"{FAIR}.{name}": value for name, value in known.items()})
    return settle(scenario, draw(scenario, 0))


def test_what_is_known_stands_in_place_of_what_was_drawn() -> None:
    before, after = people(), people(score=612, answer="declines", answer_days=3, unstaffed_days=1.5)
    mine = after.cohort == SURGE
    assert mine.any()
    assert (after.score[mine] == 612).all()
    assert (after.declines[mine] & ~after.applies[mine]).all()
    assert (after.answer_delay_s[mine] == 3 * DAY_S).all()
    assert (after.unstaffed_s[mine] == 1.5 * DAY_S).all()
    assert (after.service_s == before.service_s).all(), "what is not known stays as drawn"
    assert (after.score[~mine] == before.score[~mine]).all(), "and so does everybody else"


def test_a_known_stream_decides_who_is_in_scope() -> None:
    visitors, crafts = people(stream="visitors"), people(stream="crafts")
    mine = visitors.cohort == SURGE
    assert not visitors.in_scope[mine].any()
    assert crafts.in_scope[mine].sum() == (crafts.residence[mine] != 2).sum()


def test_permanent_residence_ends_the_standing() -> None:
    soon, never = people(permanent_residence_days=40), people(permanent_residence_days="never")
    mine = soon.cohort == SURGE
    assert (soon.standing_until_s[mine] == soon.certified_s[mine] + 40 * DAY_S).all()
    assert (soon.pr_decided_s[mine] == soon.standing_until_s[mine]).all()
    assert (never.pr_decided_s[mine] == NEVER).all()
    assert (never.standing_until_s[mine] > never.certified_s[mine]).all()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("stream", "craft", 'write "crafts"'),
        ("answer", "maybe", "applies"),
        ("score", -1, "score"),
        ("lottery", 1, "lottery"),
        ("scor", 1, "write"),
    ],
)
def test_a_mistake_is_answered(key: str, value: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        scenario_file.replaced(SMOKE, {f"{FAIR}.{key}": value})
