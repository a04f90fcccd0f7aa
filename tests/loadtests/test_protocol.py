"""The words of the protocol are complete, and agree with the contract's table."""

import json

import pytest

from loadtests import protocol
from loadtests.reference.problems import STATUS
from sim import contract
from sim.contract import BEFORE_THE_LEDGER, TOLD


def test_every_operation_and_answer_of_the_contract_has_a_word() -> None:
    assert set(contract.OPS.values()) <= set(protocol.OPS)
    told = [*TOLD.values(), *(aside.told for aside in BEFORE_THE_LEDGER)]
    assert {each.answer for each in told} - {None} <= set(protocol.ANSWERS)
    assert {each.problem for each in told} - {None} <= set(protocol.PROBLEMS)


def test_an_answer_makes_known_what_the_contract_says() -> None:
    for told in (*TOLD.values(), *(aside.told for aside in BEFORE_THE_LEDGER)):
        if told.answer is not None:
            assert protocol.result_of(told.answer) == told.result, told
    assert {protocol.result_of(answer) for answer in protocol.ANSWERS} <= set(protocol.RESULTS)


def test_the_service_says_each_problem_with_the_status_of_the_contract() -> None:
    for told in (*TOLD.values(), *(aside.told for aside in BEFORE_THE_LEDGER)):
        if told.problem in STATUS:
            assert STATUS[told.problem] == told.http, told
    assert set(STATUS) == set(protocol.PROBLEMS)


def test_every_row_of_the_contract_is_on_the_wire() -> None:
    assert [wire.row for wire in protocol.TABLE] == list(contract.ROWS)
    for wire in protocol.TABLE:
        assert wire.answered.status == wire.row.told.http
        assert wire.recorded.result in protocol.RESULTS
        assert wire.recorded.answer is None or wire.recorded.answer in protocol.ANSWERS
        assert not wire.request.body or json.loads(wire.request.body)


@pytest.mark.parametrize(
    ("claim", "slot"),
    [("2022-7", 7), ("2023-7", None), ("2022-", None), ("2022-x", None), ("2022--7", None), ("7", None)],
)
def test_a_claim_id_names_a_slot_of_its_intake(claim: str, slot: int | None) -> None:
    assert protocol.slot_of(claim, "2022") == slot


def test_a_claim_id_is_read_as_it_was_written() -> None:
    assert protocol.slot_of(protocol.claim_id("pilot-2022", 12), "pilot-2022") == 12
