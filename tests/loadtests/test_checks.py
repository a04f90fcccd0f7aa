"""Each check against a history that is right, and one that shows its anomaly."""

import functools

import pytest

from loadtests import checking
from loadtests.checks import audit, bounds, exercise, receipts, waiting_room
from loadtests.header import Header, Initial
from loadtests.history import History
from loadtests.showing import verdict as show_verdict
from loadtests.verdict import Check, Finding, judge, timeline, verdict_of
from sim.ledger import Spec, cap_of
from sim.load import MustSee
from tests.loadtests.histories import drawn

RIGHT = """
ana  claim  1-5    granted   slot=1 position=1
ana  claim  2-6    replayed  slot=1 position=1
bo   claim  3-9    full      cap=2022
cy   claim  4-8    ineligible
-    read   10-12  count     value=1
-    read   20-20  count     value=1 note=audit;held=1;listed
ana  hold   20-20  done      slot=1 position=1
"""


def anomalies(check: Check, history: History) -> list[str]:
    return [each.anomaly or each.judgement for each in check(history)]


@pytest.mark.parametrize("check", [receipts.check, bounds.check, audit.check])
def test_a_right_history_is_valid_and_says_why(check: Check) -> None:
    [finding] = check(drawn(RIGHT))
    assert finding.judgement == "VALID"
    assert finding.count > 0
    assert ":" in finding.says or ";" in finding.says or "agree" in finding.says


BACK = Header(caps=(cap_of("2022", 1),), spec=Spec(gives_back=frozenset({"withdrawal"})))
STICKY = Header(caps=(cap_of("2022", 1),), spec=Spec(refusals="sticky"))
FILLED = Header(caps=(cap_of("2022", 5),), initial=Initial({"2022": 3}, {"2022": ("x", "y", "z")}))
SHARED = Header(caps=(cap_of("2022", 5),), shared=True)
SKEWED = Header(caps=(cap_of("2022", 1),), clock_bound_ns=10)
COPIED = Header(caps=(cap_of("2022", 1),), spec=Spec(counter=7))

RECEIPTS = [
    ("two grants of one key",
     "ana claim 1-5 granted slot=1\nana claim 6-9 granted slot=2", "same-key-other-answer"),
    ("replayed with another slot",
     "ana claim 1-5 granted slot=1\nana claim 2-9 replayed slot=2", "same-key-other-answer"),
    ("refused after the grant",
     "ana claim 1-5 granted slot=1\nana claim 6-9 full cap=2022", "same-key-other-answer"),
    ("refused beside the grant", "ana claim 1-5 granted slot=1\nana claim 5-9 full cap=2022", "VALID"),
    ("refused before the grant", "ana claim 1-5 full cap=2022\nana claim 6-9 granted slot=1", "VALID"),
    ("two keys of one person",
     "ana claim 1-5 granted slot=1\nana claim 6-9 granted slot=2 key=k2", "two-slots"),
    ("the other key may be released",
     "ana claim 1-5 granted slot=1\nana release 6- -\nana claim 6-9 granted slot=2 key=k2", "VALID"),
    ("one slot for two", "ana claim 1-5 granted slot=1\nbo claim 6-9 granted slot=1", "one-slot-two-holders"),
    ("one position for two",
     "ana claim 1-5 granted position=1\nbo claim 6-9 granted position=1", "one-slot-two-holders"),
    ("one key string of two",
     "ana claim 1-5 granted slot=1 key=k\nbo claim 6-9 granted slot=2 key=k", "VALID"),
    ("no letter", "ana claim 1-5 granted slot=1 note=not_eligible:_letter", "granted-to-ineligible"),
    ("duplicate without another key", "ana claim 1-5 granted slot=1\nana claim 6-9 duplicate slot=1",
     "same-key-other-answer duplicate-without-slot"),
    ("duplicate of nothing", "ana claim 6-9 duplicate slot=1", "duplicate-without-slot"),
    ("duplicate of another key", "ana claim 1- -\nana claim 6-9 duplicate slot=1 key=k2", "VALID"),
    ("released without a slot",
     "ana claim 1-5 full cap=2022\nana release 6-9 released", "released-without-slot"),
    ("released twice",
     "ana claim 1-5 granted slot=1\nana release 6-7 released\nana release 8-9 released key=r2",
     "released-without-slot"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [row[1:] for row in RECEIPTS], ids=[row[0] for row in RECEIPTS])
def test_receipts(text: str, found: str) -> None:
    history = drawn(text, cap=9)
    assert " ".join(anomalies(receipts.check, history)) == found


def test_a_refusal_that_sticks_is_the_answer_for_ever() -> None:
    text = "ana claim 1-5 full cap=2022\nana claim 6-9 granted slot=1"
    assert anomalies(receipts.check, drawn(text, header=STICKY)) == ["same-key-other-answer"]


def test_what_a_service_does_not_promise_is_not_held_against_it() -> None:
    twice = drawn("ana claim 1-5 granted slot=1\nana claim 6-9 granted slot=2 key=k2", cap=9)
    [finding] = receipts.check(twice, one_slot_each=False)
    assert finding.judgement == "VALID"
    assert "at most one slot" not in finding.says


TWO = "ana claim 1-5 granted slot=1\nbo claim 2-6 granted slot=2\n"
ONE = "ana claim 1-5 granted slot=1\n"
BOUNDS = [
    ("one too many", TWO, {}, "over-cap"),
    ("as many as there are", TWO, {"cap": 2}, "VALID"),
    ("one more may have come back",
     ONE + "ana release 4-9 released given_back=yes\nbo claim 8-9 granted slot=2",
     {"header": BACK}, "VALID"),
    ("it came back too late", ONE + "bo claim 6-7 granted slot=2\nana release 8-9 released given_back=yes",
     {"header": BACK}, "over-cap"),
    ("it was released, not given back",
     ONE + "ana release 6-7 released given_back=no\nbo claim 8-9 granted slot=2",
     {"header": BACK}, "over-cap"),
    ("others were there before", TWO + "cy claim 7-8 granted slot=3", {"header": FILLED}, "over-cap"),
    ("others may be there", ONE, {"header": SHARED}, "VALID"),
    ("refused with room", "ana claim 1-5 full cap=2022", {}, "phantom-full"),
    ("refused when a slot may be taken", "ana claim 1- -\nbo claim 2-6 full cap=2022", {}, "VALID"),
    ("refused before the last slot was asked for",
     "bo claim 2-6 full cap=2022\nana claim 7-9 granted slot=1", {},
     "phantom-full"),
    ("refused as the last slot was asked for",
     "bo claim 2-7 full cap=2022\nana claim 7-9 granted slot=1", {}, "VALID"),
    ("clocks may be wrong by so much", "bo claim 2-6 full cap=2022\nana claim 26-29 granted slot=1",
     {"header": SKEWED}, "VALID"),
    ("clocks cannot be wrong by so much", "bo claim 2-6 full cap=2022\nana claim 27-29 granted slot=1",
     {"header": SKEWED}, "phantom-full"),
    ("refused after a slot came back",
     ONE + "ana release 6-7 released given_back=yes\nbo claim 8-9 full cap=2022",
     {"header": BACK}, "phantom-full"),
    ("others may have taken it", "ana claim 1-5 full cap=2022", {"header": SHARED}, "VALID"),
    ("read too few", ONE + "- read 6-7 count value=0", {}, "wrong-reading"),
    ("read too many", ONE + "- read 6-7 count value=2", {}, "wrong-reading"),
    ("a place in the waiting room is no reading", "ana ticket 1-2 count value=7", {}, "VALID"),
    ("read while it was taken", ONE + "- read 2-3 count value=0", {}, "VALID"),
    ("the cap was raised",
     ONE + "- set-cap 6-7 done cap=2022 value=2\nbo claim 7-8 granted slot=2", {}, "VALID"),
    ("the cap was raised too late", TWO + "- set-cap 7-8 done cap=2022 value=2", {}, "over-cap"),
    ("the cap was cut",
     ONE + "- set-cap 6-7 done cap=2022 value=1\nbo claim 8-9 granted slot=2", {"cap": 5}, "over-cap"),
    ("the cap was cut meanwhile",
     ONE + "- set-cap 6-7 done cap=2022 value=1\nbo claim 7-9 granted slot=2", {"cap": 5},
     "VALID"),
    ("the copy did not show it", TWO, {"header": COPIED}, "VALID"),
    ("the copy showed it",
     ONE + "- refresh 6-7 done\nbo claim 8-9 granted slot=2", {"header": COPIED}, "over-cap"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "given", "found"), [row[1:] for row in BOUNDS], ids=[row[0] for row in BOUNDS]
)
def test_bounds(text: str, given: dict[str, object], found: str) -> None:
    assert " ".join(anomalies(bounds.check, drawn(text, **given))) == found  # type: ignore[arg-type]


HELD = "- read 20-20 count value={used} note=audit;held={held};listed\n"
AUDITS = [
    ("counted one too many", ONE + HELD.format(used=2, held=1) + "ana hold 20-20 done slot=1",
     "count-differs leaked-slot"),
    ("may have been granted", ONE + "bo claim 1- -\n" + HELD.format(used=2, held=2)
     + "ana hold 20-20 done slot=1\nbo hold 20-20 done slot=2", "VALID"),
    ("lost",
     ONE + HELD.format(used=1, held=1) + "bo hold 20-20 done slot=2", "lost-grant unexplained-holder"),
    ("refused and holds", TWO + "cy claim 1-5 full\n" + HELD.format(used=3, held=3)
     + "ana hold 20-20 done slot=1\nbo hold 20-20 done slot=2\ncy hold 20-20 done slot=3",
     "count-differs full-but-held"),
    ("another slot", ONE + HELD.format(used=1, held=1) + "ana hold 20-20 done slot=7", "other-slot"),
    ("twice", ONE + HELD.format(used=1, held=2) + "ana hold 20-20 done slot=1\nana hold 20-20 done slot=1",
     "holders-differ held-twice"),
    ("nothing was listed", ONE + "- read 20-20 count value=1 note=audit", "VALID"),
    ("nothing was read", ONE, "UNKNOWN"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [row[1:] for row in AUDITS], ids=[row[0] for row in AUDITS])
def test_audit(text: str, found: str) -> None:
    said = anomalies(audit.check, drawn(text, cap=9))
    assert " ".join(dict.fromkeys(said)) == found


def test_a_release_that_gives_nothing_back_explains_the_difference() -> None:
    text = ONE + "ana release 6-7 released given_back=no\n" + HELD.format(used=1, held=0)
    assert anomalies(audit.check, drawn(text, header=BACK)) == ["VALID"]


QUEUES = [
    ("in order", "ana ticket 1-2 count value=1\nbo ticket 3-4 count value=2", "VALID"),
    ("at once", "ana ticket 1-3 count value=2\nbo ticket 2-4 count value=1", "VALID"),
    ("jumped", "ana ticket 1-2 count value=2\nbo ticket 3-4 count value=1", "queue-jumped"),
    ("one place", "ana ticket 1-2 count value=1\nbo ticket 2-4 count value=1", "one-place-two"),
    ("asked again", "ana ticket 1-2 count value=1\nbo ticket 3-4 count value=2\nana ticket 5-6 count value=1",
     "VALID"),
    ("the first answer was lost",
     "bo ticket 1-2 error\nana ticket 3-4 count value=2\nbo ticket 5-6 count value=1", "VALID"),
    ("the first attempt had no effect",
     "bo ticket 1-2 throttled\nana ticket 3-4 count value=2\nbo ticket 5-6 count value=1", "queue-jumped"),
    ("turns count from a ticket whose answer was lost",
     "bo ticket 1-2 error\nana ticket 9-10 count value=3\nana claim 11-2000000001 granted", "VALID"),
    ("early", "ana ticket 1-2 count value=3\nana claim 3-2000000000 granted", "admitted-early"),
    ("in time", "ana ticket 1-2 count value=3\nana claim 3-2000000001 granted", "VALID"),
    ("nobody came", "ana claim 1-2 granted", "UNKNOWN"),
    ("a place is lost", "ana ticket 1-2 count value=1\nana ticket 3-4 count value=2", "lost-place"),
    ("another intake has a queue of its own",
     "ana ticket 1-2 count value=2\nbo ticket 3-4 count value=1 intake=2023", "VALID"),
    ("past the queue", "ana ticket 1-2 count value=1\nbo claim 3-4 granted", "no-ticket"),
    ("past the queue, or with a ticket whose answer was lost",
     "ana ticket 1-2 count value=1\nbo ticket 1- -\nbo claim 3-1000000001 granted", "VALID"),
    ("two let in at once", "ana ticket 1-2 count value=1\nbo ticket 1-2 error\n"
     "ana claim 3-9 granted\nbo claim 3-9 full", "too-many-admitted"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), [row[1:] for row in QUEUES], ids=[row[0] for row in QUEUES])
def test_waiting_rooms(text: str, found: str) -> None:
    check = functools.partial(waiting_room.check, admitted_per_s=1.0)
    assert " ".join(anomalies(check, drawn(text))) == found


def exercised(history: History, *, planned: int = 4, sent: int = 4, **must_see: object) -> list[Finding]:
    return exercise.check(history, must_see=MustSee.model_validate(must_see), planned=planned, sent=sent)


def test_what_must_be_seen_and_was_not_keeps_a_run_from_being_valid() -> None:
    right = drawn(RIGHT)
    assert [each.judgement for each in exercised(right, cap_reached=True, refusals=1, hedges=1)] == ["VALID"]
    assert [each.judgement for each in exercised(right, refusals=2, repeats=1)] == ["UNKNOWN"] * 2
    assert "3 of 4 planned" in exercised(right, sent=3)[0].says


def test_an_anomaly_outweighs_what_is_not_known_and_that_outweighs_what_is_right() -> None:
    valid, unknown = Finding("a", "VALID", "."), Finding("b", "UNKNOWN", ".")
    invalid = Finding("c", "INVALID", ".")
    assert verdict_of([valid, unknown, invalid]).judgement == "INVALID"
    assert verdict_of([valid, unknown]).judgement == "UNKNOWN"
    assert verdict_of([valid]).judgement == "VALID"
    assert verdict_of([]).judgement == "UNKNOWN"
    assert [verdict_of([each]).exit_code for each in (valid, invalid, unknown)] == [0, 1, 2]


def test_what_is_only_noted_decides_nothing() -> None:
    noted, valid = Finding("a", "NOTED", "not applicable: ."), Finding("b", "VALID", ".")
    assert verdict_of([noted, valid]).judgement == "VALID"
    assert verdict_of([noted]).judgement == "UNKNOWN"
    case, _ = show_verdict.cases(verdict_of([noted, valid]), drawn(RIGHT))
    assert [part.tag for part in case] == ["system-out"]
    assert "  a: not applicable: ." in show_verdict.lines(verdict_of([noted, valid]), drawn(RIGHT))


def test_a_check_that_breaks_knows_nothing() -> None:
    def broken(history: History) -> list[Finding]:
        raise ZeroDivisionError("by nought")

    verdict = judge(drawn(RIGHT), {"receipts": receipts.check, "broken": broken})
    assert verdict.judgement == "UNKNOWN"
    assert "ZeroDivisionError: by nought" in verdict.of("UNKNOWN")[0].says
    assert judge(drawn(RIGHT), {"silent": lambda history: []}).judgement == "UNKNOWN"


def test_the_witness_is_drawn_as_a_timeline() -> None:
    history = drawn(TWO + "cy claim 3- -")
    verdict = judge(history, {"bounds": functools.partial(bounds.check)})
    assert verdict.of("INVALID")[0].witness == (0, 1)
    lines = timeline(history, [0, 1, 2], width=12)
    assert [line[:13] for line in lines] == ["[-------]    ", "  [-------]  ", "     [----->  "] or lines[0][
        0
    ] == "["
    assert "claim 2022 bo key bo-1: granted (slot 2)" in lines[1]


def test_a_file_alone_is_asked_for_its_witness_its_fairness_and_its_reasons() -> None:
    verdict = checking.judged(drawn(RIGHT))
    found = {each.check: each.judgement for each in verdict.findings}
    assert verdict.judgement == "VALID"
    assert (found["witness"], found["fairness"], found["reasons"]) == ("VALID", "NOTED", "VALID")


NAMELESS = """
-  claim    1-5    granted   slot=1
-  claim    2-6    granted   slot=2
-  claim    3-9    full      cap=2022
-  claim    4-9    duplicate
-  release  10-12  released
-  claim    13-14  granted   slot=3
"""


def test_rows_that_name_nobody_may_be_of_different_people() -> None:
    header = Header(caps=(cap_of("2022", 2),), spec=Spec(gives_back=frozenset({"withdrawal"})))
    judged = checking.judged(drawn(NAMELESS, header=header))
    assert not judged.of("INVALID")
    [measured] = [each for each in judged.findings if each.check == "fairness"]
    assert "1 people were overtaken, in 1 pairs" in measured.says
