"""Edits of a history: most of them make it impossible, and which of them do is for the oracle to say."""

from typing import Any

import numpy as np

from loadtests.history import History, history_of
from loadtests.protocol import result_of

Row = dict[str, Any]
Rng = np.random.Generator
ANSWERS_TO = {
    "claim": ("granted", "full", "duplicate", "closed", "replayed"),
    "release": ("released", "unheld"),
}
SAID = ("slot", "claim_id", "cap", "position", "given_back")


def mutated(rng: Rng, history: History, *, edits: int = 1) -> History:
    """The history with some edits."""
    rows = list(history.rows())
    for _ in range(edits):
        edit = EDITS[int(rng.integers(len(EDITS)))]
        edit(rng, rows)
    return history_of(history.header, sorted(rows, key=lambda row: row["invoked_ns"]))


def _one(rng: Rng, rows: list[Row], *ops: str) -> Row | None:
    found = [row for row in rows if row["op"] in ops and row["result"] == "ok"]
    return found[int(rng.integers(len(found)))] if found else None


def _other_answer(rng: Rng, rows: list[Row]) -> None:
    row = _one(rng, rows, "claim", "release")
    if row is None:
        return
    answers = ANSWERS_TO[row["op"]]
    answer = answers[int(rng.integers(len(answers)))]
    for name in SAID:
        row.pop(name, None)
    row |= {"answer": answer, "result": result_of(answer)}
    if answer == "replayed" or (answer == "granted" and rng.random() < 0.5):
        row["slot"] = str(rng.integers(1, 4))
    if answer == "full" and rng.random() < 0.5:
        caps = sorted({other["cap"] for other in rows if "cap" in other})
        row |= {"cap": caps[int(rng.integers(len(caps)))]} if caps else {}


def _other_value(rng: Rng, rows: list[Row]) -> None:
    row = _one(rng, rows, "read", "set-cap")
    if row is not None and "value" in row:
        row["value"] = max(0, row["value"] + int(rng.choice([-1, 1])))


def _other_slot(rng: Rng, rows: list[Row]) -> None:
    named = [row for row in rows if "slot" in row]
    if len(named) > 1:
        one, other = rng.choice(len(named), 2, replace=False)
        named[one]["slot"] = named[other]["slot"] if rng.random() < 0.7 else "new"


def _other_interval(rng: Rng, rows: list[Row]) -> None:
    row = _one(rng, rows, "claim", "release", "read", "hold", "set-cap", "refresh")
    if row is None:
        return
    ends = row["completed_ns"]
    if rng.random() < 0.5:
        by = int(rng.integers(-8, 9))
        row |= {"invoked_ns": row["invoked_ns"] + by, "completed_ns": ends + by}
    else:
        middle = int(rng.integers(row["invoked_ns"], ends + 1))
        row |= {"invoked_ns": middle} if rng.random() < 0.5 else {"completed_ns": middle}


def _dropped(rng: Rng, rows: list[Row]) -> None:
    if len(rows) > 1:
        del rows[int(rng.integers(len(rows)))]


def _other_key(rng: Rng, rows: list[Row]) -> None:
    op = ("claim", "release")[int(rng.random() < 0.3)]
    some = [row for row in rows if row["op"] == op]
    if len(some) > 1:
        one, other = rng.choice(len(some), 2, replace=False)
        for name in ("key", "applicant") if rng.random() < 0.5 else ("key",):
            some[one][name], some[other][name] = some[other][name], some[one][name]


def _copied_key(rng: Rng, rows: list[Row]) -> None:
    some = [row for row in rows if row["op"] == "claim"]
    if len(some) > 1:
        one, other = rng.choice(len(some), 2, replace=False)
        some[one] |= {name: some[other][name] for name in ("key", "applicant")}


def _other_person(rng: Rng, rows: list[Row]) -> None:
    some = [row for row in rows if "applicant" in row]
    if len(some) > 1:
        one, other = rng.choice(len(some), 2, replace=False)
        some[one]["applicant"] = some[other]["applicant"]


def _unanswered(rng: Rng, rows: list[Row]) -> None:
    row = _one(rng, rows, "claim", "release")
    if row is not None:
        for name in (*SAID, "answer", "completed_ns"):
            row.pop(name, None)
        row["result"] = "info"


def _answered(rng: Rng, rows: list[Row]) -> None:
    some = [row for row in rows if row["result"] in ("info", "pending") and row["op"] in ANSWERS_TO]
    if some:
        row = some[int(rng.integers(len(some)))]
        answer = ANSWERS_TO[row["op"]][int(rng.random() < 0.3)]
        row |= {"result": result_of(answer), "answer": answer}
        row["completed_ns"] = row["invoked_ns"] + int(rng.integers(0, 8))


EDITS = (
    _other_answer, _other_answer, _other_value, _other_slot, _other_interval, _other_interval, _dropped,
    _other_key, _copied_key, _other_person, _unanswered, _answered,
)  # fmt: skip
