"""The ledger's rules as stories: commands on the left, the reply each must get on the right.

tests/worlds.py explains the text form. "released back" lowered `used`; "released" alone did not.
"""

import pytest

from sim.ledger import Cap, Claim, Granted, Ledger, Open, Release, SetCap, Spec, cap_of
from tests.worlds import begin, command, reply

GIVING_BACK = Spec(gives_back=frozenset({"withdrawal"}))
STICKY = Spec(gives_back=frozenset({"withdrawal"}), refusals="sticky")
WEEKLY = Spec(gives_back=frozenset({"withdrawal"}), counter=7)

STORIES = {
    "a cap of one serves one": (
        Spec(),
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2022 k2                  -> full 2022
        read 2022                          -> count 1
        """,
    ),
    "a cap of zero serves nobody": (
        Spec(),
        """
        open 2022 all=0                    -> done
        ana claims 2022 k1                 -> full 2022
        """,
    ),
    "an intake without caps serves everybody": (
        Spec(),
        """
        open 2022                          -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2022 k2                  -> granted 2
        """,
    ),
    "the same key gets the same answer and takes nothing": (
        Spec(),
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        ana claims 2022 k1                 -> replayed granted 1
        read 2022                          -> count 1
        """,
    ),
    "another key of a holder is a duplicate, even when the cap is full": (
        Spec(),
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        ana claims 2022 k2                 -> duplicate 1
        ana claims 2022/pilot k2           -> duplicate 1
        """,
    ),
    "one key names one request": (
        GIVING_BACK,
        """
        open 2022 all=9                    -> done
        open 2023 all=9                    -> done
        ana claims 2022 k1                 -> granted 1
        ana claims 2023 k1                 -> mismatch
        ana claims 2022/pilot k1           -> mismatch
        ana releases 2022 k1 withdrawal    -> mismatch
        ana releases 2022 k2 withdrawal    -> released back
        ana claims 2022 k2                 -> mismatch
        ana releases 2023 k2 withdrawal    -> mismatch
        read 2023                          -> count 0
        """,
    ),
    "a key belongs to its applicant": (
        Spec(),
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2022 k1                  -> granted 2
        """,
    ),
    "after a fresh refusal the key is decided anew, even for another stream": (
        Spec(),
        """
        open 2022 all=0                    -> done
        ana claims 2022 k1                 -> full 2022
        set 2022 2022 1                    -> done
        ana claims 2022/pilot k1           -> granted 1
        """,
    ),
    "a sticky refusal stands": (
        STICKY,
        """
        open 2022 all=0                    -> done
        ana claims 2022 k1                 -> full 2022
        set 2022 2022 1                    -> done
        ana claims 2022 k1                 -> replayed full 2022
        ana claims 2022/pilot k1           -> mismatch
        ana claims 2022 k2                 -> granted 1
        """,
    ),
    "sticky keeps every definite answer": (
        STICKY,
        """
        ana claims 2022 k1                 -> closed
        ana releases 2022 k2 withdrawal    -> unheld
        open 2022 all=9                    -> done
        ana claims 2022 k1                 -> replayed closed
        ana claims 2022 k3                 -> granted 1
        ana claims 2022 k4                 -> duplicate 1
        ana releases 2022 k2 withdrawal    -> replayed unheld
        ana releases 2022 k5 withdrawal    -> released back
        ana claims 2022 k4                 -> replayed duplicate 1
        """,
    ),
    "a slot given back is room for another, under a new number": (
        GIVING_BACK,
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        ana releases 2022 k2 withdrawal    -> released back
        read 2022                          -> count 0
        bo claims 2022 k3                  -> granted 2
        """,
    ),
    "a release for another reason ends the holding and frees nothing": (
        GIVING_BACK,
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        ana releases 2022 k2 refusal       -> released
        read 2022                          -> count 1
        ana claims 2022 k3                 -> granted 2
        bo claims 2022 k4                  -> full 2022
        """,
    ),
    "a replay after the release returns the old answer and does nothing": (
        GIVING_BACK,
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        ana releases 2022 k2 withdrawal    -> released back
        ana claims 2022 k1                 -> replayed granted 1
        read 2022                          -> count 0
        """,
    ),
    "a release is repeated without harm, and only by its key": (
        GIVING_BACK,
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        bo releases 2022 k2 withdrawal     -> unheld
        ana releases 2022 k2 withdrawal    -> released back
        ana releases 2022 k2 withdrawal    -> replayed released back
        ana releases 2022 k2 expiry        -> replayed released back
        ana releases 2022 k3 withdrawal    -> unheld
        """,
    ),
    "a closed intake replays, refuses and still takes slots back": (
        GIVING_BACK,
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        close 2022                         -> done
        ana claims 2022 k1                 -> replayed granted 1
        ana claims 2022 k2                 -> closed
        bo claims 2022 k2                  -> closed
        ana releases 2022 k3 withdrawal    -> released back
        read 2022                          -> count 0
        """,
    ),
    "the year turns by close and open, and nothing is carried over": (
        Spec(),
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2023 k2                  -> closed
        close 2022                         -> done
        open 2023 all=1                    -> done
        ana claims 2023 k2                 -> granted 1
        bo claims 2023 k2                  -> full 2023
        read 2022                          -> count 1
        """,
    ),
    "an intake opens once": (
        Spec(),
        """
        close 2022                         -> closed
        set 2022 2022 1                    -> closed
        refresh 2022                       -> closed
        read 2022                          -> count 0
        open 2022 all=1                    -> done
        open 2022 all=1                    -> done
        open 2022 all=2                    -> mismatch
        close 2022                         -> done
        close 2022                         -> closed
        open 2022 all=1                    -> closed
        read 2022                          -> count 0
        """,
    ),
    "a cap may be cut below what is used": (
        GIVING_BACK,
        """
        open 2022 all=2                    -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2022 k1                  -> granted 2
        set 2022 2022 1                    -> done
        ana releases 2022 k2 withdrawal    -> released back
        cy claims 2022 k1                  -> full 2022
        bo releases 2022 k2 withdrawal     -> released back
        cy claims 2022 k1                  -> granted 3
        """,
    ),
    "every cap over the stream must have room, and the first without is named": (
        Spec(),
        """
        open 2022 all=2 pilot=1            -> done
        ana claims 2022/pilot k1           -> granted 1
        bo claims 2022/pilot k2            -> full 2022/pilot
        bo claims 2022 k3                  -> granted 2
        cy claims 2022/pilot k4            -> full 2022
        """,
    ),
    "a soft reserve is a smaller cap on every other stream": (
        Spec(),
        """
        open 2022 all=3 work+study=2       -> done
        ana claims 2022/work k1            -> granted 1
        bo claims 2022/study k2            -> granted 2
        cy claims 2022/work k3             -> full 2022/work+study
        cy claims 2022/pilot k4            -> granted 3
        """,
    ),
    "a release gives back to the caps of the stream it was granted in": (
        GIVING_BACK,
        """
        open 2022 pilot=1 work=1           -> done
        ana claims 2022/pilot k1           -> granted 1
        bo claims 2022/work k2             -> granted 2
        ana releases 2022 k3 withdrawal    -> released back
        cy claims 2022/work k4             -> full 2022/work
        cy claims 2022/pilot k5            -> granted 3
        """,
    ),
    "a cap over two intakes counts both": (
        GIVING_BACK,
        """
        open 2022 2022+2023=1              -> done
        ana claims 2022 k1                 -> granted 1
        open 2023 2022+2023=1              -> done
        bo claims 2023 k2                  -> full 2022+2023
        close 2022                         -> done
        ana releases 2022 k3 withdrawal    -> released back
        bo claims 2023 k2                  -> granted 1
        set 2023 2022+2023 2               -> done
        ana claims 2023 k4                 -> granted 2
        """,
    ),
    "a cap over two intakes comes with the first of them": (
        Spec(),
        """
        open 2022 all=1                    -> done
        open 2023 2022+2023=1              -> mismatch
        open 2024 2024+2025=1              -> done
        open 2025 2024+2025=2              -> mismatch
        open 2025                          -> done
        ana claims 2025 k1                 -> granted 1
        bo claims 2024 k1                  -> full 2024+2025
        set 2022 2024+2025 5               -> mismatch
        """,
    ),
    "a weekly counter overshoots until the refresh": (
        WEEKLY,
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        bo claims 2022 k1                  -> granted 2
        read 2022                          -> count 2
        refresh 2022                       -> done
        cy claims 2022 k1                  -> full 2022
        ana releases 2022 k2 withdrawal    -> released back
        bo releases 2022 k2 withdrawal     -> released back
        read 2022                          -> count 0
        cy claims 2022 k1                  -> full 2022
        refresh 2022                       -> done
        cy claims 2022 k1                  -> granted 3
        """,
    ),
    "an exact counter needs no refresh": (
        Spec(),
        """
        open 2022 all=1                    -> done
        ana claims 2022 k1                 -> granted 1
        refresh 2022                       -> done
        bo claims 2022 k1                  -> full 2022
        """,
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str) -> None:
    spec, text = STORIES[name]
    ledger = Ledger(spec, journal=False)
    for line in text.strip().splitlines():
        asked, told = (side.strip() for side in line.split("->"))
        assert ledger.apply(command(asked)) == reply(told), line
        ledger.audit()


def test_the_audit_tells_what_was_given_back_from_what_was_not() -> None:
    ledger = Ledger(GIVING_BACK)
    begin(
        ledger,
        ["open 2022 all=9 pilot=5", *(f"p{n} claims 2022/pilot k" for n in range(4)), "q claims 2022 k"],
    )
    begin(
        ledger, ["p0 releases 2022 r withdrawal", "p1 releases 2022 r expiry", "p2 releases 2022 r refusal"]
    )
    whole, pilot, intake = ledger.audit()
    assert (whole.granted, whole.used, whole.held, whole.given_back, whole.not_given_back) == (5, 4, 2, 1, 2)
    assert (pilot.granted, pilot.used, pilot.held, pilot.given_back, pilot.not_given_back) == (4, 3, 1, 1, 2)
    assert (whole.limit, pilot.limit, intake.limit) == (9, 5, None)
    assert whole.used - whole.held == whole.not_given_back
    assert set(ledger.holders("2022")) == {"p3", "q"}


def test_undo_takes_back_everything_step_by_step() -> None:
    ledger = Ledger(WEEKLY)
    states = []
    for line in STORIES["a weekly counter overshoots until the refresh"][1].strip().splitlines():
        states.append(ledger.state())
        ledger.apply(command(line.split("->")[0]))
    while states:
        ledger.undo()
        assert ledger.state() == states.pop()
    with pytest.raises(AssertionError, match="nothing to undo"):
        ledger.undo()


def test_without_a_journal_there_is_no_undo() -> None:
    ledger = Ledger(Spec(), journal=False)
    ledger.apply(command("open 2022 all=1"))
    with pytest.raises(AssertionError, match="keeps no journal"):
        ledger.undo()


def test_decide_alone_changes_nothing() -> None:
    ledger = Ledger(Spec())
    begin(ledger, ["open 2022 all=1"])
    before = ledger.state()
    assert ledger.decide(command("ana claims 2022 k1")) == ledger.decide(command("bo claims 2022 k1"))
    assert ledger.state() == before


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("bo claims 2022 k1", "granted 2"),  # the cap is full
        ("ana claims 2022 k2", "granted 2"),  # she holds a slot
        ("ana claims 2022 k1", "granted 2"),  # the key has a receipt
        ("bo claims 2022 k1", "released"),  # no reply to a claim
        ("read 2022", "done"),
    ],
)
def test_a_record_that_breaks_the_rules_fails_an_assertion(asked: str, told: str) -> None:
    ledger = Ledger(Spec())
    begin(ledger, ["open 2022 all=1", "ana claims 2022 k1"])
    before = ledger.state()
    with pytest.raises(AssertionError):
        ledger.record(command(asked), reply(told))
    assert ledger.state() == before


@pytest.mark.parametrize(
    ("switches", "complaint"),
    [
        ({"counts": "filed"}, "counts = 'filed': expected accepted, received, approved"),
        ({"gives_back": {"refusal"}}, "gives_back = {'refusal'}: expected a frozenset"),
        ({"gives_back": frozenset({"loss"})}, "gives_back = .*loss.*: expected a frozenset"),
        ({"refusals": None}, "refusals = None: expected fresh or sticky"),
        ({"counter": 0}, "counter = 0: expected 'exact', or a number of days"),
        ({"counter": True}, "counter = True"),
        ({"counter": "weekly"}, "counter = 'weekly'"),
        ({"over_cap": "lottery"}, "over_cap = 'lottery': expected return, refuse, queue"),
        ({"tolerance": -1}, "tolerance = -1: expected a whole number, 0 or more"),
    ],
)
def test_a_wrong_switch_is_named_with_its_value_and_what_was_expected(switches: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Spec(**switches)


def test_a_spec_in_plain_words() -> None:
    assert Spec().as_plain() == {
        "counts": "accepted",
        "gives_back": [],
        "refusals": "fresh",
        "counter": "exact",
        "over_cap": "return",
        "tolerance": 0,
    }
    assert WEEKLY.as_plain()["counter"] == {"refresh_days": 7}


@pytest.mark.parametrize(
    "make",
    [
        lambda: cap_of("2022", -1),
        lambda: Cap("", 1, frozenset({("2022", None)})),
        lambda: Cap("nothing", 1, frozenset()),
        lambda: Open("2022", (cap_of("2023", 1),)),
        lambda: Open("2022", (cap_of("2022", 1), cap_of("2022", 2))),
        lambda: SetCap("2022", "2022", -1),
        lambda: Release("ana", "k1", "2022", "boredom"),
    ],
)
def test_a_command_that_makes_no_sense_cannot_be_made(make) -> None:
    with pytest.raises(AssertionError):
        make()


def test_the_holders_are_told_with_their_claims() -> None:
    ledger = Ledger(Spec())
    begin(ledger, ["open 2022 all=2 pilot=1", "ana claims 2022/pilot k1"])
    assert ledger.holders("2022") == {"ana": (Claim("ana", "k1", "2022", "pilot"), Granted(1, 1))}
    assert [(cap.name, cap.used, cap.limit) for cap in ledger.caps_over("2022", "pilot")] == [
        ("2022", 1, 2),
        ("2022/pilot", 1, 1),
    ]
    assert ledger.is_open("2022")
    assert not ledger.is_open("2023")
