"""The exact check against the plain search: a disagreement is made small, and shown to be kept."""

import json
from collections.abc import Callable

from loadtests.checks.linearizability import check
from loadtests.history import History, history_of
from loadtests.verdict import verdict_of
from tests.wing_gong import legal_order


def verdict(history: History) -> str:
    """What the exact check says."""
    return verdict_of(list(check(history))).judgement


def truth(history: History) -> str:
    """What the plain search says."""
    return "INVALID" if legal_order(history) is None else "VALID"


def disagree(history: History) -> bool:
    """Whether the two contradict each other. UNKNOWN contradicts nothing, and is counted elsewhere."""
    return {verdict(history), truth(history)} == {"VALID", "INVALID"}


def smallest(history: History, is_bad: Callable[[History], bool]) -> History:
    """A history that is still bad when none of its rows can be dropped."""
    rows = list(history.rows())
    at = 0
    while at < len(rows):
        fewer = history_of(history.header, rows[:at] + rows[at + 1 :])
        if _is(is_bad, fewer):
            rows, at = list(fewer.rows()), 0
        else:
            at += 1
    return history_of(history.header, rows)


def _is(is_bad: Callable[[History], bool], history: History) -> bool:
    try:
        return is_bad(history)
    except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError):
        return False


def shown(history: History, seed: object) -> str:
    """What anybody needs to see the disagreement again, with the history as JSON lines."""
    few = smallest(history, disagree)
    lines = [few.header.as_plain(), *({k: v for k, v in row.items() if k != "index"} for row in few.rows())]
    says = [finding.says for finding in check(few)]
    return "\n".join(
        [
            f"seed {seed}: the check says {verdict(few)}, the search {truth(few)} {legal_order(few)}",
            *says,
            *map(json.dumps, lines),
        ]
    )
