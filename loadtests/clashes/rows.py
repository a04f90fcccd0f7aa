"""Histories of a few rows of another one."""

from collections.abc import Collection
from typing import Any

import numpy as np

from loadtests.header import Header
from loadtests.history import AUDIT, History, history_of
from loadtests.linear.operations import Operations, Whole

SAID = ("answer", "completed_ns", "slot", "claim_id", "position", "cap", "given_back", "http_status")


def rows_of(operations: Operations, places: Whole) -> Whole:
    """The rows of operations, with those that tell of the same request again."""
    echoes = operations.echo_row[np.isin(operations.echo_of, places)]
    rows = np.concatenate([operations.row[places], echoes])
    return np.unique(rows[rows >= 0])


def with_few(
    history: History,
    rows: Whole,
    header: Header,
    *,
    unanswered: Collection[int] = (),
    keep_values: bool = True,
) -> History:
    """These rows under another header; some as if nobody had read their answer, or without what readings saw.

    A list of holders counts as whole only if it still has everybody of whom another row is left.
    """
    whole = _has_all(history, rows)
    found = []
    for at, row in zip(rows.tolist(), history.rows(rows), strict=True):
        if at in unanswered:
            row = {name: value for name, value in row.items() if name not in SAID} | {"result": "info"}
        if row["op"] == "read" and str(row.get("note", "")).startswith(AUDIT) and not whole:
            row["note"] = AUDIT
        if row["op"] == "read" and not keep_values:
            row.pop("value", None)
        found.append(row)
    return history_of(header, found)


def _has_all(history: History, rows: Whole) -> bool:
    """Whether no holder was left out of a list of whom another row is left, or who is not of the run."""
    who = history.coded("applicant").codes
    is_hold = history.is_op("hold")
    gone = is_hold.copy()
    gone[rows] = False
    if not gone.any():
        return True
    if history.header.shared:
        return False
    left: Any = who[rows[~is_hold[rows]]]
    return not bool(np.isin(who[gone], left[left >= 0]).any())
