"""Claims of nobody in particular beside people known by name: what is contradictory all the same."""

from typing import Any

import pytest

from loadtests.checking import judged
from loadtests.header import Header, Initial
from loadtests.history import History, history_of
from loadtests.verdict import Verdict
from sim.ledger import Spec, cap_of

Row = dict[str, Any]


def claim(at: int, answer: str = "granted", **more: Any) -> Row:
    return {"op": "claim", "invoked_ns": at, "completed_ns": at + 1, "answer": answer} | more


def release(at: int, **more: Any) -> Row:
    return {"op": "release", "invoked_ns": at, "completed_ns": at + 1, "answer": "released"} | more


def audit(used: int, *holders: str) -> list[Row]:
    times = {"invoked_ns": 90, "completed_ns": 90}
    read = {"op": "read", "answer": "count", "value": used, "note": "audit; listed"}
    return [times | read, *(times | {"op": "hold", "applicant": who} for who in holders)]


def history(*rows: Row, holders: tuple[str, ...] = ()) -> History:
    initial = Initial({"2022": len(holders)}, {"2022": holders}) if holders else None
    spec = Spec(gives_back=frozenset({"withdrawal"}))
    header = Header(caps=(cap_of("2022", 2),), spec=spec, initial=initial)
    return history_of(header, [{"intake": "2022", "result": "ok"} | row for row in rows])


def verdict(*rows: Row, holders: tuple[str, ...] = ()) -> Verdict:
    return judged(history(*rows, holders=holders))


ANA = {"applicant": "ana", "key": "a"}
MAY_BE = {
    "a listed holder": ([claim(1), *audit(1, "ana")], ()),
    "two": ([claim(1), claim(3), *audit(2, "ana", "bo")], ()),
    "one of them by name": ([claim(1, **ANA), claim(3), *audit(2, "ana", "bo")], ()),
    "beside one from before": ([claim(1), *audit(2, "ana", "bo")], ("ana",)),
    "a release by name": ([claim(1), release(3, **ANA)], ()),
    "told of a slot": ([claim(1), claim(3, "duplicate", **ANA)], ()),
    "given up, and not on the list": ([claim(1, **ANA), release(3, given_back=True), *audit(0)], ()),
    "given up, and granted again": (
        [claim(1, **ANA), release(3, given_back=True), claim(5, applicant="ana", key="b")], (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MAY_BE)
def test_a_claim_of_nobody_may_be_that_of_somebody_known(name: str) -> None:
    rows, holders = MAY_BE[name]
    found = verdict(*rows, holders=holders)
    assert found.judgement == "UNKNOWN"
    [unsettled] = [each for each in found.findings if each.check == "linearizability"]
    assert "not say whose, or of which intake, it is" in unsettled.says
    assert "say whose each claim and release is" in unsettled.mend


CANNOT = {
    "more holders than claims": ([claim(1), *audit(2, "ana", "bo")], ()),
    "a holder, and nobody was granted anything": ([claim(1, "full", cap="2022"), *audit(0, "ana")], ()),
    "more granted than there were": ([claim(1), claim(3), claim(5), *audit(3, "ana", "bo", "cy")], ()),
    "two lost and one released": (
        [claim(1, **ANA), claim(3, applicant="bo", key="b"), release(5, given_back=True), *audit(1)], (),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CANNOT)
def test_what_nobodys_claims_cannot_explain_is_invalid(name: str) -> None:
    rows, holders = CANNOT[name]
    assert verdict(*rows, holders=holders).judgement == "INVALID"


def test_nobodys_claims_alone_are_judged_by_what_was_counted() -> None:
    read = {"op": "read", "answer": "count", "value": 2, "invoked_ns": 90, "completed_ns": 90}
    assert verdict(claim(1), claim(3), claim(5, "full", cap="2022"), read).judgement == "VALID"
    assert verdict(claim(1), claim(3), claim(5)).judgement == "INVALID"
