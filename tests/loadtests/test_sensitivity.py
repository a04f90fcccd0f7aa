"""Sensitivity: which small faults a run would have shown, by faults that are written into its history."""

import dataclasses

import numpy as np
import pytest

from loadtests import sensitivity
from loadtests.checks import linearizability
from loadtests.edits import Edits
from loadtests.history import History
from loadtests.verdict import Finding
from tests.large_histories import FRAGMENTS, crowded
from tests.loadtests.histories import drawn
from tests.oracle import truth, verdict
from tests.random_histories import MIXES, from_ledger, sized

RUN = """ana claim 1-2 granted slot=1
bo claim 3-4 granted slot=2
cy claim 5-6 full cap=2022
- read 7-8 count value=2 note=audit;listed
ana hold 7-8 done slot=1
bo hold 7-8 done slot=2"""


def sensitivity_of(history: History, seed: int = 1) -> Finding:
    [explained] = linearizability.check(history)
    assert explained.judgement == "VALID", explained.says
    [finding] = sensitivity.check(history, explained.order, seed=seed)
    return finding


def test_a_run_one_after_the_other_would_have_shown_every_fault() -> None:
    finding = sensitivity_of(drawn(RUN, cap=2))
    assert finding.judgement == "VALID"
    assert finding.says.startswith(
        "one grant too many, one refusal while there was room, one stale reading, a second slot under one "
        "key and a grant lost before the audit would each have been convicted"
    )
    assert not finding.mend


def test_a_run_that_saw_nothing_is_not_sensitive_and_says_what_would_make_it_so() -> None:
    lost = "\n".join(f"p{number} claim 1- -" for number in range(120))
    finding = sensitivity_of(drawn(f"ana claim 1-9 granted\n{lost}", cap=100))
    assert finding.judgement == "UNKNOWN"
    assert finding.says == "not sensitive: one refusal while there was room would have gone unnoticed"
    assert "until claims are refused" in finding.mend
    assert "every unanswered claim asked again" in finding.mend


def test_a_history_without_grants_has_no_place_for_a_fault() -> None:
    finding = sensitivity_of(drawn("ana claim 1-2 full cap=2022", cap=0))
    assert finding.judgement == "UNKNOWN"
    assert "nothing in this history" in finding.says


def test_what_overlaps_hides_a_refusal_and_the_finding_says_so() -> None:
    claims = "\n".join(f"p{number} claim {number}-90 granted slot={number}" for number in range(1, 9))
    finding = sensitivity_of(drawn(f"{claims}\nzoe claim 95-96 full cap=2022", cap=8))
    assert finding.judgement == "VALID"
    assert "one grant too many" in finding.says
    assert "one refusal while there was room would have gone unnoticed" in finding.says
    assert "fewer requests in flight" in finding.mend


@pytest.mark.parametrize(
    "name", ["claims", "readings", "audited", "audited-releases", "quotas", "begun", "years"]
)
def test_what_convicts_is_right_to_convict(name: str) -> None:
    """An edit that the quick judge convicts has no order in the plain search either."""
    convicted = 0
    for seed in range(25):
        history = from_ledger(np.random.default_rng([seed, 13]), MIXES[name])
        if verdict(history) != "VALID":
            continue
        [explained] = linearizability.check(history)
        edits = Edits(history, explained.order, np.random.default_rng(seed))
        for kind in edits.kinds():
            edited = kind.make(1)
            if edited is not None and sensitivity._is_wrong(edited):
                assert truth(edited) == "INVALID", (name, seed, kind.name)
                convicted += 1
    assert convicted > 10


def test_the_same_seed_tries_the_same_edits() -> None:
    history = from_ledger(np.random.default_rng(3), sized(MIXES["audited"], 60, in_flight=4))
    assert sensitivity_of(history, seed=4) == sensitivity_of(history, seed=4)


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_crowd_would_have_shown_one_grant_too_many(name: str) -> None:
    crowd = dataclasses.replace(FRAGMENTS[name], operations=3_000, in_flight=20)
    finding = sensitivity_of(crowded(np.random.default_rng(5), crowd))
    assert finding.judgement == "VALID"
    seen, _, _ = finding.says.partition(" would each")
    assert "one grant too many" in seen
    assert "a second slot under one key" in seen


def test_an_edit_leaves_the_history_as_it_was() -> None:
    history = drawn(RUN, cap=2)
    before = list(history.rows())
    sensitivity_of(history)
    assert list(history.rows()) == before
