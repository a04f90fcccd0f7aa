"""The contract's table is total, and the ledger and the second opinion both keep to it."""

from typing import get_args

import pytest

from sim.contract import BEFORE_THE_LEDGER, CHECKER_KINDS, OPS, ROWS, TOLD, Row, told
from sim.ledger import REPLIES_TO, Claim, Command, Full, Granted, Ledger, Release, Released, Replayed, Reply
from tests.worlds import answer

ANSWERS = {
    *(
        "granted",
        "replayed",
        "duplicate",
        "full",
        "closed",
        "mismatch",
        "ineligible",
        "incomplete",
        "released",
    ),
    *("unheld", "count", "accepted-async", "throttled", "conflict", "rejected", "error", "unmatched"),
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.op}, {row.state}")
def test_the_ledger_replies_as_the_row_says(row: Row) -> None:
    ledger = Ledger(row.spec)
    past = [(command, ledger.apply(command)) for command in row.before]
    assert ledger.decide(row.command) == row.reply
    assert answer(row.spec, past, row.command) == row.reply


def test_every_command_and_every_reply_has_its_rows() -> None:
    pairs = {(type(row.command), type(row.reply)) for row in ROWS}
    assert pairs == {(command, reply) for command, replies in REPLIES_TO.items() for reply in replies}
    assert {command for command, _ in pairs} == set(get_args(Command)) == set(OPS)
    assert {reply for _, reply in pairs} == set(get_args(Reply))


def test_every_command_meets_an_intake_that_never_opened_is_open_and_has_closed() -> None:
    for op in OPS.values():
        states = " / ".join(row.state for row in ROWS if row.op == op)
        assert "never opened" in states, op
        assert "has closed" in states, op


def test_no_state_of_a_command_appears_twice() -> None:
    names = [(row.op, row.state) for row in ROWS]
    assert len(set(names)) == len(names)


def test_every_reply_is_told_outside() -> None:
    possible = {(command, reply) for command, replies in REPLIES_TO.items() for reply in replies}
    assert set(TOLD) == {(command, reply) for command, reply in possible if reply is not Replayed}
    for row in ROWS:
        assert row.told.answer in ANSWERS | {None}, row
        assert row.told.checker in CHECKER_KINDS.keys() | {None}, row


def test_what_is_told_fits_its_status() -> None:
    for row in [*(row.told for row in ROWS), *(aside.told for aside in BEFORE_THE_LEDGER)]:
        assert (row.problem is None) == (row.http < 400 or row.http in (429, 500, 503)), row
        assert row.result == {
            400: "fail",
            404: "fail",
            422: "fail",
            429: "fail",
            500: "info",
            503: "fail",
        }.get(row.http, "fail" if row.answer == "conflict" else "ok"), row


def test_a_replay_is_told_like_its_first_answer() -> None:
    claim, release = Claim("ana", "k1", "2022", "main"), Release("ana", "k2", "2022", "refusal")
    for command, first in ((claim, Granted(1, 1)), (claim, Full("2022")), (release, Released(False))):
        once, again = told(command, first), told(command, Replayed(first))
        assert again.answer == "replayed"
        assert (again.http, again.result, again.checker) == (once.http, once.result, once.checker)


def test_all_other_answers_of_the_history_come_from_before_the_ledger_or_from_other_services() -> None:
    named = {told.answer for told in TOLD.values()} | {aside.told.answer for aside in BEFORE_THE_LEDGER}
    assert ANSWERS - named == {"replayed", "accepted-async", "unmatched"}
