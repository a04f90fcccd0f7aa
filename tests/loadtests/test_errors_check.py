"""Errors beyond what a target's budget allows keep a run from being valid, and are nobody's refusal."""

import pytest

from loadtests.checks import errors
from loadtests.verdict import Finding
from tests.loadtests.histories import drawn

NINE = "".join(f"p{number} claim {number}-{number + 1} granted slot={number}\n" for number in range(1, 10))


def found(text: str, budget: float) -> Finding:
    [finding] = errors.check(drawn(text, cap=12), budget=budget)
    return finding


@pytest.mark.parametrize(("budget", "judgement"), [(0.0, "UNKNOWN"), (0.05, "UNKNOWN"), (0.1, "VALID")])
def test_a_run_with_more_errors_than_the_budget_proves_nothing(budget: float, judgement: str) -> None:
    finding = found(NINE + "zoe claim 20-30 error", budget)
    assert finding.judgement == judgement
    assert "1 of 10 requests" in finding.says
    assert not finding.anomaly


def test_a_run_without_errors_keeps_any_budget() -> None:
    assert found(NINE, 0.0).judgement == "VALID"


def test_errors_while_the_nemesis_is_at_work_are_its_doing() -> None:
    assert found(NINE + "- fault 15-25 done\nzoe claim 20-30 error", 0.0).judgement == "VALID"
    assert found(NINE + "- fault 11-15 done\nzoe claim 20-30 error", 0.0).judgement == "UNKNOWN"


def test_slots_that_are_left_over_beside_errors_are_told() -> None:
    finding = found(NINE + "zoe claim 20-30 error\n- read 40-40 count value=9 note=audit", 0.0)
    assert "3 slots were not given out" in finding.says


def test_conflicts_are_errors_of_a_target_that_does_not_have_them() -> None:
    history = drawn(NINE + "zoe claim 20-30 conflict", cap=12)
    [allowed] = errors.check(history, budget=0.0, conflicts=True)
    [other] = errors.check(history, budget=0.0, conflicts=False)
    assert (allowed.judgement, other.judgement) == ("VALID", "UNKNOWN")
    assert "conflicts = true" in other.mend
