"""Every decision again, by the simulator's kernels."""

from dataclasses import replace

import numpy as np
import pytest

from loadtests.checks import prediction
from loadtests.checks.deciding import arrivals_of, decided
from loadtests.checks.linearizability import explained
from loadtests.checks.prediction import Rules
from loadtests.header import Header
from loadtests.history import COLUMNS, History
from loadtests.proofs.replay import play
from loadtests.verdict import Finding, verdict_of
from sim.ledger import Spec, cap_of
from tests.large_histories import FRAGMENTS, crowded
from tests.loadtests.histories import drawn
from tests.stories import world


def predicted(history: History, **changes: object) -> list[Finding]:
    rules = Rules(history.header.caps, history.header.spec, is_first_come=True)
    return prediction.check(history, rules=replace(rules, **changes))  # type: ignore[arg-type]


FIRST_COME = """
ana  claim  1-2    granted   slot=1 position=1 due_ns=1
bo   claim  3-4    full      cap=2022 due_ns=3
-    read   9-9    count     value=1 note=audit
"""
LAST_COME_FIRST = """
ana  claim  1-9    full      cap=2022 due_ns=1
bo   claim  2-8    granted   slot=1 position=1 due_ns=2
"""


def test_a_service_that_decides_as_the_simulation_is_valid() -> None:
    decisions, due = predicted(drawn(FIRST_COME))
    assert decisions.judgement == "VALID"
    assert "each of 2 claims" in decisions.says
    assert "the service's own positions" in decisions.says
    assert "2022: 1" in decisions.says
    assert due.judgement == "NOTED"
    assert due.says.startswith("0 of 2 people")


def test_who_would_be_served_otherwise_by_due_times_is_reported_and_not_judged() -> None:
    decisions, due = predicted(drawn(LAST_COME_FIRST))
    assert (decisions.judgement, due.judgement) == ("VALID", "NOTED")
    assert due.says.startswith("2 of 2 people would be decided otherwise")


def test_last_come_first_served_one_after_another_has_no_order_to_predict_by() -> None:
    one_by_one = LAST_COME_FIRST.replace("1-9", "1-2").replace("2-8", "3-4")
    [finding] = predicted(drawn(one_by_one))
    assert finding.judgement == "NOTED"
    assert "no order is known" in finding.says


HINDRANCES = [
    ({"is_first_come": False}, "does not serve first come"),
    ({"caps": (cap_of("2022", 2),)}, "other caps than the scenario (2022: 1)"),
    ({"spec": Spec(counter=7)}, "other switches"),
    ({"spec": Spec(tolerance=1)}, "soft"),
]


@pytest.mark.parametrize(("changes", "says"), HINDRANCES)
def test_where_it_does_not_apply_nothing_is_judged_by_it(changes: dict[str, object], says: str) -> None:
    found = predicted(drawn(FIRST_COME), **changes)
    assert [each.judgement for each in found] == ["NOTED"]
    assert found[0].says.startswith("not applicable: ")
    assert says in found[0].says
    assert verdict_of([Finding("receipts", "VALID", "."), *found]).judgement == "VALID"
    assert verdict_of(found).judgement == "UNKNOWN"


def test_the_eligible_are_not_turned_away() -> None:
    history = drawn(FIRST_COME + "cy claim 5-6 ineligible")
    assert predicted(history)[0].judgement == "VALID"  # nobody says who is eligible
    [finding] = predicted(history, names_rules=True)
    assert (finding.anomaly, finding.witness) == ("eligible-turned-away", (2,))
    notes = np.array([None, None, "not eligible: letter", "audit"], dtype=object)
    rightly = History(history.header, {name: history[name] for name in COLUMNS} | {"note": notes})
    assert predicted(rightly, names_rules=True)[0].judgement == "VALID"


def test_the_count_after_the_run_is_the_simulated_one() -> None:
    # A reading that was no answer is not replayed, so that only this check sees its count.
    text = FIRST_COME.replace("count     value=1", "error value=2")
    [finding] = predicted(drawn(text))
    assert finding.anomaly == "count-not-simulated"


STREAMS = Header(caps=(cap_of("2022", 2), cap_of("2022", 1, "pilot")))


def test_a_stream_has_a_cap_of_its_own() -> None:
    text = """
    ana  claim  1-2  granted  slot=1 stream=pilot
    bo   claim  3-4  full     cap=2022/pilot stream=pilot
    cy   claim  5-6  granted  slot=2
    di   claim  7-8  full     cap=2022
    """
    [decisions, _] = predicted(drawn(text, header=STREAMS))
    assert "2022: 2, 2022/pilot: 1" in decisions.says


TURNS = [
    ("a slot comes back", Spec(gives_back=frozenset({"withdrawal"})),
     "- read 1-2 count value=0\nana claim 3-4 granted slot=1\nbo claim 5-6 full cap=2022\n"
     "ana release 7-8 released given_back=yes\nbo claim 9-10 granted slot=2 key=b2"),
    ("the cap is raised", Spec(),
     "ana claim 3-4 granted slot=1\nbo claim 5-6 full cap=2022\n- set-cap 7-8 done cap=2022 value=2\n"
     "bo claim 9-10 granted slot=2"),
    ("the counter is copied", Spec(counter=7),
     "ana claim 3-4 granted slot=1\nbo claim 5-6 granted slot=2\n- refresh 7-8 done\n"
     "cy claim 9-10 full cap=2022"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "text"), [row[1:] for row in TURNS], ids=[row[0] for row in TURNS])
def test_turns_between_arrivals(spec: Spec, text: str) -> None:
    history = drawn(text, header=Header(caps=(cap_of("2022", 1),), spec=spec))
    assert [each.judgement for each in predicted(history)] == ["VALID", "NOTED"]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_correct_crowd_is_decided_as_the_kernels_decide(fragment: str) -> None:
    history = crowded(np.random.default_rng(3), FRAGMENTS[fragment])
    assert predicted(history)[0].judgement == "VALID"


def test_one_decision_that_is_not_the_kernels_is_found() -> None:
    history = crowded(np.random.default_rng(3), FRAGMENTS["releases"])
    played = play(history, explained(history).order)
    assert not isinstance(played, str)
    arrivals = arrivals_of(history, played)
    assert not isinstance(arrivals, str)
    told = arrivals.was_granted.copy()
    told[100] = not told[100]
    wrong = replace(arrivals, was_granted=told)
    [finding] = prediction._differing(history, wrong, decided(wrong), "its order")
    assert (finding.anomaly, finding.count) == ("not-as-simulated", 1)
    assert finding.witness == (int(arrivals.row[100]),)


def test_the_rules_are_those_of_the_scenario_and_its_policy() -> None:
    scenario = world(caps=(7,))
    caps = (cap_of("2024", 7),)
    assert prediction.rules_of(scenario, caps=caps, spec=Spec()).is_first_come
    assert not prediction.rules_of(scenario, "lottery", caps=caps, spec=Spec()).is_first_come
