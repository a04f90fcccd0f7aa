"""Every policy of the catalogue, as scenarios/README.md writes it, on a handful of people.

The table there maps a policy to its keys. For each line there is a story here: who gets a slot under these
keys, and who under others, so that it is seen what the keys do. The people hold certificates since 1970
unless a story says otherwise, file an hour after a letter, and are told apart by their place, 0, 1, 2, ...
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.clock import DAY_S, NEVER
from sim.measures import measure
from sim.people import People
from sim.policy import Invite, Policy, Release, Reserve
from sim.programme import Prepared, prepare, simulate
from sim.scenario import Scenario
from tests import twin
from tests.people import make_people
from tests.random_worlds import random_composition, random_people, random_world
from tests.stories import filing, second, seconds, world

README = Path(__file__).resolve().parents[2] / "scenarios" / "README.md"
LINE = re.compile(r"^\| ([^|`]+) \| (`.+?) \| [^|]* \|$", re.MULTILINE)
OPEN = 'invite = { by = "open" }'


@dataclass(frozen=True, slots=True)
class Example:
    """One line of the table, tried out."""

    people: People
    slots: list[int]
    """Who gets a slot."""
    other: str
    """The keys of a policy to contrast it with, as TOML."""
    other_slots: list[int]
    """Who gets a slot under those."""
    scenario: Scenario


def example(people: People, slots: list[int], other: str, other_slots: list[int], **how: Any) -> Example:
    return Example(people, slots, other, other_slots, world(**how))


def filed(*texts: str, **columns: Any) -> People:
    """People who file at these times, letters being no matter."""
    return make_people(len(texts), **filing(*texts), **columns)


def of(people: People, **attributes: list[int]) -> People:
    return replace(people, attributes={name: np.array(column) for name, column in attributes.items()})


TWO_COUNTRIES = {"attribute": {"country": {"values": {"here": 0.5, "there": 0.5}}}}
DAY_LONG = [{"year": 2024, "opens": "2024-01-01", "closes": "2024-01-01", "cap": 10}]
ONCE = 'invite = { dates = [2024-02-01], size = "to-cap" }'
TWICE = 'invite = { dates = [2024-02-01, 2024-04-01], size = "to-cap", letter_validity_days = 20 }'
LIST = 'invite = { order = "ranked-lottery", dates = [2024-02-01], size = "to-cap"'
HALVES = 'release = { every = "dates", dates = [2024-07-01]'
OWN = '{{ stream = "{}", slots = 1, kind = "reserve-first" }}'
RESERVE = 'reserves = [{ stream = "b", slots = 1, kind ='

EXAMPLES = {
    "First come, strict": example(
        filed("01-01 03:00", "01-01 01:00", "01-01 02:00"), [1, 2], "capped = false", [0, 1, 2], caps=(2,)
    ),
    "First come, final day by lot": example(  # in the draw at the end of 2 January the last comes first
        filed("01-01 05:00", "01-02 01:00", "01-02 02:00", lottery=[1, 2, 4]), [0, 2], OPEN, [0, 1], caps=(2,)
    ),
    "Virtual waiting room": example(  # one each half hour: the third is let in as the intake closes
        filed("01-01 23:00", "01-01 23:10", "01-01 23:20"), [0, 1], OPEN, [0, 1, 2], intake=DAY_LONG
    ),
    "Lottery, single": example(make_people(3, lottery=[1, 2, 3]), [2], ONCE, [0], caps=(1,)),
    "Lottery, ranked list": example(  # the second letter goes to the next on the same list
        make_people(3, lottery=[9, 3, 5], certified_s=[0, DAY_S, 2 * DAY_S]),
        [1, 2],
        'invite = { dates = [2024-02-01, 2024-03-01], size = "fixed", number = 1 }',
        [0, 1],
    ),
    "One person, one entry": example(
        make_people(2, lottery=[2**50, 2**52], entries=[1, 50]),
        [0],
        f'{LIST}, weights = {{ by = "entries" }} }}',
        [1],
        caps=(1,),
    ),
    "Weighted lottery": example(  # -log(1/4) is more than -log(1/2) / 4
        of(make_people(3, lottery=[2**51, 2**52, 2**50]), wage=[0, 1, 0]),
        [1],
        f"{LIST} }}",
        [2],
        caps=(1,),
        attribute={"wage": {"values": {"low": 0.5, "high": 0.5}}},
    ),
    "Weighted by entries": example(
        make_people(2, lottery=[2**50, 2**52], entries=[1, 50]),
        [1],
        f"{LIST} }}",
        [0],
        caps=(1,),
    ),
    "Score rounds": example(make_people(3, score=[500, 600, 550]), [1, 2], ONCE, [0, 1], caps=(2,)),
    "Tie-break by timestamp": example(
        make_people(3, certified_s=[30 * DAY_S, 10 * DAY_S, 20 * DAY_S]),
        [1],
        'invite = { order = "ranked-lottery", dates = [2024-02-01], size = "fixed", number = 1 }',
        [0],
    ),
    "Over-invitation": example(  # 2 slots, 3 letters, of which one comes to nothing
        make_people(4, applies=[False, True, True, True]), [1, 2], ONCE, [1], caps=(2,)
    ),
    "Over-invitation, adaptive": example(  # 4 letters, 2 slots: then (1 + 4) / (1 + 2) letters a slot
        make_people(8, applies=[True, False, True, False, False, False, True, True]),
        [0, 2, 6, 7],
        TWICE,
        [0, 2],
        caps=(4,),
    ),
    "Periodic release": example(
        filed("01-01 01:00", "01-02 01:00", "07-02 01:00"), [0, 2], OPEN, [0, 1], caps=(2,)
    ),
    "Carry-over within the year": example(
        filed("07-02 01:00", "07-03 01:00"), [0, 1], f'{HALVES}, carry = "none" }}', [0], caps=(2,)
    ),
    "Carry-over across years": example(
        filed("06-01 01:00", "2025-02-01 01:00", "2025-03-01 01:00"), [0, 1, 2], OPEN, [0, 1], caps=(2, 1)
    ),
    "Borrowing": example(
        filed("01-01 01:00", "01-02 01:00", "01-03 01:00", "07-01 01:00", "07-02 01:00"),
        [0, 1, 2, 3],
        f"{HALVES} }}",
        [0, 1, 3, 4],
        caps=(4,),
    ),
    "Reclaim on expiry": example(  # void on 21 January, before the holder arrives
        filed("01-01 01:00", "01-15 01:00", "02-15 01:00"), [0, 2], 'gives_back = ["expiry"]', [0], caps=(1,)
    ),
    "No reclaim": example(
        filed("01-01 01:00", "02-01 01:00", approved=[False, True]),
        [0],
        'gives_back = ["refusal"]',
        [0, 1],
        caps=(1,),
    ),
    "Cap on output": example(
        filed("01-01 01:00", "02-01 01:00", approved=[False, True]), [1], OPEN, [0], caps=(1,)
    ),
    "Two-stage cap": example(  # 3 are received: two that are incomplete, and one complete
        filed(*(f"01-01 0{hour}:00" for hour in range(1, 5)), complete=[False, False, True, True]),
        [2],
        'counts = "received"',
        [],
        caps=(2,),
    ),
    "Hard sub-quota": example(
        filed("01-01 01:00", "01-01 02:00", "01-01 03:00", stream=[1, 1, 0]),
        [0, 2],
        f'{RESERVE} "soft" }}]',
        [0, 1],
        caps=(2,),
        streams=("a", "b"),
    ),
    "Soft reserve, reserve last": example(
        filed("01-01 01:00", "01-01 02:00", "01-01 03:00", stream=[1, 0, 1]),
        [0, 2],
        f'{RESERVE} "reserve-first" }}]',
        [0, 1],
        caps=(2,),
        streams=("a", "b"),
    ),
    "Soft reserve, reserve first": example(
        filed("01-01 01:00", "01-01 02:00", "01-01 03:00", stream=[1, 0, 1]),
        [0, 1],
        f'{RESERVE} "reserve-last" }}]',
        [0, 2],
        caps=(2,),
        streams=("a", "b"),
    ),
    "Cascade spill-over": example(  # in October c takes what b left; b comes too late
        filed(
            "01-01 01:00", "02-01 01:00", "10-01 01:00", "10-02 01:00", "10-03 01:00", stream=[2, 2, 2, 0, 1]
        ),
        [0, 2, 3],
        "reserves = ["
        + ", ".join(f'{{ stream = "{s}", slots = 1, kind = "reserve-first" }}' for s in "abc")
        + "]",
        [0, 3, 4],
        caps=(3,),
        streams=("a", "b", "c"),
    ),
    "Shared central reserve": example(
        filed(*(f"01-01 0{hour}:00" for hour in range(1, 5)), stream=[0, 0, 0, 1]),
        [0, 1, 3],
        OPEN,
        [0, 1, 2],
        caps=(3,),
        streams=("a", "b"),
    ),
    "Per-country limit, of a year": example(
        of(filed("01-01 01:00", "01-01 02:00", "01-01 03:00"), country=[0, 0, 1]),
        [0, 2],
        OPEN,
        [0, 1],
        caps=(2,),
        **TWO_COUNTRIES,
    ),
    "Per-country limit, of a draw": example(
        of(make_people(3), country=[0, 0, 1]),
        [0, 2],
        'invite = { dates = [2024-02-01], size = "fixed", number = 2 }',
        [0, 1],
        **TWO_COUNTRIES,
    ),
    "Waitlist, dated queue": example(  # at 02:00 the slot comes back, to who waits
        filed("01-01 01:00", "01-01 01:10", "01-01 03:00", approved=[False, True, True]),
        [0, 1],
        'gives_back = ["refusal"]',
        [0, 2],
        caps=(1,),
    ),
    "Waitlist, expiring": example(
        filed("01-01 01:00", "01-01 02:00", "2025-01-02 01:00"),
        [0, 2],
        'over_cap = "queue"',
        [0, 1],
        caps=(1, 1),
    ),
    "Invitation expiry": example(  # the first takes 40 days to answer
        make_people(2, answer_delay_s=[40 * DAY_S, 3600]),
        [1],
        'invite = { dates = [2024-02-01, 2024-04-01], size = "to-cap" }',
        [0],
        caps=(1,),
    ),
    "Entry expiry": example(
        make_people(2, certified_s=seconds("2022-06-01 00:00", "2023-06-01 00:00")),
        [1],
        'invite = { dates = [2024-02-01], size = "fixed", number = 1 }',
        [0],
    ),
    "Zero cap": example(filed("01-01 01:00"), [], "capped = false", [0], caps=(1,)),
    "Mid-year top-up": example(
        filed("01-01 01:00", "06-01 01:00", "08-01 01:00"), [0, 2], OPEN, [0], caps=(1,)
    ),
    "Counter refreshed every d days": example(  # up to the copy of 8 January the cap looks free
        filed("01-01 01:00", "01-02 01:00", "01-09 01:00"), [0, 1], OPEN, [0], caps=(1,)
    ),
}


def table() -> dict[str, dict[str, Any]]:
    """Policy -> its keys, as the README has them."""
    text = README.read_text("utf-8")
    part = text[text.index("### Policies seen in real programmes") : text.index("## What if")]
    return {
        name: tomllib.loads("\n".join(re.findall(r"`([a-z_]+ = [^`]*)`", keys)))
        for name, keys in LINE.findall(part)
    }


TABLE = table()


def holders(scenario: Scenario, people: People, policy: Policy, *, loop: bool | None = None) -> list[int]:
    """Who has a slot; the twin must agree."""
    outcome = simulate(prepare(scenario, people), policy, loop=loop)
    expected = twin.simulate(scenario, people, policy)
    assert np.array_equal(outcome.slot_s, expected.slot_s)
    return np.flatnonzero(outcome.slot_s < NEVER).tolist()


def policy_of(keys: dict[str, Any]) -> Policy:
    return Policy.model_validate({"invite": {"by": "open"}} | keys)


def test_every_line_of_the_table_has_an_example_and_the_other_way_round() -> None:
    assert list(TABLE) == list(EXAMPLES)
    assert len(TABLE) == 34


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("loop", [None, True], ids=["as-needed", "event-loop"])
def test_the_slots_go_to_whom_the_policy_gives_them(name: str, loop: bool | None) -> None:
    told, keys = EXAMPLES[name], dict(TABLE[name])
    scenario = told.scenario
    if (cap := keys.pop("cap", None)) is not None:
        intake = scenario.intake[0].model_copy(
            update={"cap": scenario.intake[0].cap.model_copy(update={"value": cap})}
        )
        scenario = scenario.model_copy(update={"intake": (intake,)})
    assert holders(scenario, told.people, policy_of(keys), loop=loop) == told.slots


@pytest.mark.parametrize("name", EXAMPLES)
def test_without_these_keys_they_go_to_others(name: str) -> None:
    told = EXAMPLES[name]
    assert told.slots != told.other_slots
    other = policy_of(tomllib.loads(told.other))
    assert holders(told.scenario, told.people, other) == told.other_slots


def served(prepared: Prepared, policy: Policy, *reserves: Reserve) -> list[int]:
    """Who gets a slot under a policy with these reserves: one window, nothing comes back, no letters."""
    changes = {"reserves": reserves, "release": Release(), "gives_back": (), "invite": Invite(by="open")}
    outcome = simulate(prepared, policy.model_copy(update=changes))
    return np.flatnonzero(outcome.slot_s < NEVER).tolist()


def test_soft_and_reserve_first_are_one_rule_for_one_stream_if_nothing_comes_back() -> None:
    bound = 0
    for number in range(120):
        scenario, policy = random_world(number)
        if len(scenario.streams) == 1 or not policy.capped:
            continue
        slots = min(int(intake.cap.value) for intake in scenario.intake) * 2 // 3
        prepared = prepare(scenario, random_people(scenario, number))
        stream = list(scenario.streams)[1]
        soft, first = (Reserve(stream=stream, slots=slots, kind=kind) for kind in ("soft", "reserve-first"))
        softly = served(prepared, policy, soft)
        assert softly == served(prepared, policy, first), f"world {number}"
        bound += softly != served(prepared, policy)
    assert bound >= 5


@pytest.mark.parametrize("first", range(0, 300, 100))
def test_every_composition_can_be_measured_and_its_books_agree(first: int) -> None:
    for number in range(first, first + 100):
        scenario, policy = random_composition(number)
        people = random_people(scenario, number)
        outcome = simulate(prepare(scenario, people), policy)
        found = measure(scenario, people, outcome, spec=scenario.spec(policy))
        if policy.capped and scenario.spec(policy).counter == "exact":
            assert found["overshoot"] == 0, f"composition {number}"


def test_a_slot_drawn_for_is_granted_in_the_last_second_of_the_day() -> None:
    told = EXAMPLES["First come, final day by lot"]
    outcome = simulate(prepare(told.scenario, told.people), policy_of(TABLE["First come, final day by lot"]))
    assert outcome.slot_s.tolist() == [second("01-01 23:59:59"), NEVER, second("01-02 23:59:59")]
