"""Histories drawn as text, one operation a line: who, what, the interval, what it was told.

    ana  claim  1-5   granted slot=1 key=k1
    bo   claim  2-    -                        sent, never answered
    -    read   9-10  count value=1

`key` is the applicant and "-1" where it is not given; a result follows from the answer.
"""

from typing import Any

from loadtests.header import Header
from loadtests.history import History, history_of
from loadtests.protocol import ANSWERS, result_of
from sim.ledger import cap_of

NUMBERS = {"value", "position", "client", "worker", "http_status", "due_ns", "attempt", "chain"}


def drawn(text: str, *, cap: int = 1, header: Header | None = None) -> History:
    """The history of a drawing; its one cap is on the whole of 2022."""
    rows = [_row(line.split()) for line in text.strip().splitlines() if line.strip()]
    rows.sort(key=lambda row: row["invoked_ns"])
    return history_of(header or Header(caps=(cap_of("2022", cap),)), rows)


def _row(words: list[str]) -> dict[str, Any]:
    who, op, interval, answer, *more = words
    begins, _, ends = interval.partition("-")
    row: dict[str, Any] = {"op": op, "invoked_ns": int(begins), "intake": "2022", "attempt": 1, "chain": 0}
    if who != "-":
        row |= {"applicant": who, "stream": "regular", "key": f"{who}-{'1' if op == 'claim' else 'r'}"}
    if ends:
        row["completed_ns"] = int(ends)
    row["result"] = result_of(answer) if answer in ANSWERS else "ok" if answer == "done" else "pending"
    row["answer"] = answer if answer in ANSWERS else None
    for each in more:
        name, _, value = each.partition("=")
        row[name] = int(value) if name in NUMBERS else (value == "yes") if name == "given_back" else value
    if "note" in row:  # a word has no blanks
        row["note"] = row["note"].replace("_", " ")
    row.setdefault("due_ns", row["invoked_ns"])
    return row
