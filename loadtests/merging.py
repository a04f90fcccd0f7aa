"""From the workers' rows to one history: one clock, one order, people and keys by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loadtests.header import Header
from loadtests.history import ABSENT, NEVER, NOT_ELIGIBLE, REASON, Column, History, text_column
from loadtests.protocol import OPS, RESULTS
from loadtests.recorder import (
    GIVEN_BACK,
    HAS_GIVEN_BACK,
    HAS_POSITION,
    HAS_VALUE,
    KEYS,
    MARK,
    ROW,
    TEXTS,
    Recorded,
    left_in,
)
from loadtests.trace import Trace

CURRENT = "current"
"""The intake of a claim for which the service chooses the intake, until its answer says which."""


def merged(folder: Path, trace: Trace, header: Header) -> History:
    """What all workers left in the folder, in the order of invocation on the master's clock."""
    left = left_in(folder)
    rows = np.concatenate([each.rows for each in left]) if left else np.empty(0, dtype=ROW)
    worker = np.repeat(np.arange(len(left)), [len(each.rows) for each in left])
    offset = np.array([each.offset_ns for each in left], dtype=np.int64)[worker]
    invoked = rows["invoked_ns"] - offset
    order = np.argsort(invoked, kind="stable")  # equal times: by host, worker and the worker's own order
    rows, worker, offset = rows[order], worker[order], offset[order]
    columns = _plain(rows, offset) | _answers(rows, left, worker) | _people(rows, trace)
    _note_rules(columns, rows, trace)
    _note_reasons(columns, rows, trace)
    _note_orders(columns, rows, trace)
    chosen = columns.pop("chosen")
    columns["intake"] = np.where(chosen == np.array(None), columns["intake"], chosen)
    columns["host"] = text_column([each.host for each in left], worker)
    columns["worker"] = np.array([each.worker for each in left], dtype=np.int64)[worker]
    bound = max([header.clock_bound_ns, *(each.bound_ns for each in left)])
    return History(replace(header, clock_bound_ns=bound), columns)


def _plain(rows: NDArray[Any], offset: NDArray[np.int64]) -> dict[str, Column]:
    done = rows["completed"] == MARK
    present = np.where(done, rows["present"], 0)
    given_back = np.where(present & HAS_GIVEN_BACK, (present & GIVEN_BACK) != 0, -1)
    return {
        "index": np.arange(len(rows), dtype=np.int64),
        "client": rows["client"].astype(np.int64),
        "op": rows["op"].astype(np.int8),
        "chain": _chains(rows),
        "attempt": rows["attempt"].astype(np.int64),
        "due_ns": rows["due_ns"] - offset,
        "invoked_ns": rows["invoked_ns"] - offset,
        "completed_ns": np.where(done, rows["completed_ns"] - offset, NEVER),
        "result": np.where(done, rows["result"], RESULTS.index("pending")).astype(np.int8),
        "answer": np.where(done, rows["answer"].astype(np.int16), -1).astype(np.int8),
        "value": np.where(present & HAS_VALUE, rows["value"], ABSENT),
        "position": np.where(present & HAS_POSITION, rows["position"].astype(np.int64), ABSENT),
        "given_back": given_back.astype(np.int8),
        "http_status": np.where(done & (rows["http_status"] > 0), rows["http_status"], ABSENT),
    }


def _answers(rows: NDArray[Any], left: list[Recorded], worker: NDArray[np.int64]) -> dict[str, Column]:
    names = ["chosen" if name == "intake" else name for name in TEXTS]
    columns = {name: np.full(len(rows), None, dtype=object) for name in names}
    has_text = np.flatnonzero((rows["completed"] == MARK) & (rows["present"] >> 4 > 0))
    for row in has_text.tolist():
        for name, text in zip(names, left[worker[row]].texts(rows[row]), strict=True):
            if text is not None:
                columns[name][row] = text
    return columns


def _people(rows: NDArray[Any], trace: Trace) -> dict[str, Column]:
    person, chain = rows["person"].astype(np.int64), _chains(rows)
    nobody = np.where(person >= 0, person, len(trace.applicant))
    keys = np.full(len(rows), None, dtype=object)
    for op in ("claim", "release"):
        mine = np.flatnonzero((rows["op"] == OPS.index(op)) & (person >= 0))
        pairs = list(zip(person[mine].tolist(), rows["chain"][mine].tolist(), strict=True))
        known = {(who, which): _key(trace, op, who, which) for who, which in set(pairs)}
        keys[mine] = [known[pair] for pair in pairs]
    return {
        "applicant": text_column([str(name) for name in trace.applicant], nobody),
        "stream": text_column([str(name) for name in trace.stream], nobody),
        "intake": _intakes(person, chain, trace),
        "key": keys,
    }


def _chains(rows: NDArray[Any]) -> NDArray[np.int64]:
    """The numbers of the chains: of a person's without which of its keys the attempt was under."""
    chain = rows["chain"].astype(np.int64)
    return np.where(rows["person"] >= 0, chain % KEYS, chain)


def _key(trace: Trace, op: str, person: int, row_chain: int) -> str:
    """The key of an attempt, by the chain of its row."""
    renewed, chain = divmod(row_chain, KEYS)
    return trace.release_key(person, chain) if op == "release" else trace.key(person, chain, renewed)


def _note_rules(columns: dict[str, Column], rows: NDArray[Any], trace: Trace) -> None:
    """Say in the notes of claims which rule the applicant does not meet, so that the file is enough."""
    broken: dict[tuple[int, int], str | None] = {}
    notes = columns["note"]
    for row in np.flatnonzero((rows["op"] == OPS.index("claim")) & (rows["person"] >= 0)).tolist():
        pair = int(rows["person"][row]), int(rows["chain"][row]) % KEYS
        if pair not in broken:
            broken[pair] = _broken_rule(trace, *pair)
        if (rule := broken[pair]) is not None:
            notes[row] = f"{NOT_ELIGIBLE}{rule}" + (f"; {notes[row]}" if notes[row] else "")


def _broken_rule(trace: Trace, person: int, chain: int) -> str | None:
    if trace.residence[person] == "quebec":
        return "residence"
    if not trace.certificate[person]:
        return "certificate"
    if not trace.letter[person]:
        return "letter"
    return None if trace.is_complete(person, chain) else "complete"


def _note_reasons(columns: dict[str, Column], rows: NDArray[Any], trace: Trace) -> None:
    """Say in the notes of releases why the administration made them; the others are withdrawals."""
    notes = columns["note"]
    for row in np.flatnonzero((rows["op"] == OPS.index("release")) & (rows["person"] >= 0)).tolist():
        reason = trace.reason(int(rows["person"][row]), int(rows["chain"][row]))
        if reason != "withdrawal":
            notes[row] = f"{REASON}{reason}" + (f"; {notes[row]}" if notes[row] else "")


def _note_orders(columns: dict[str, Column], rows: NDArray[Any], trace: Trace) -> None:
    """Say which cap an order of the administration sets, and to what."""
    for row in np.flatnonzero(rows["op"] == OPS.index("set-cap")).tolist():
        order = trace.orders[rows["chain"][row]]
        columns["cap"][row], columns["value"][row] = order.cap, order.limit


def _intakes(person: NDArray[np.int64], chain: NDArray[np.int64], trace: Trace) -> Column:
    """The intake that was asked for: what the trace says of the person's chain."""
    asked: dict[tuple[int, int], int] = {}
    for who, which, intake in zip(
        trace.person.tolist(), trace.chain.tolist(), trace.intake.tolist(), strict=True
    ):
        asked.setdefault((who, which), intake)
    named = np.full(len(person), None, dtype=object)
    for row, pair in enumerate(zip(person.tolist(), chain.tolist(), strict=True)):
        intake = asked.get(pair)
        named[row] = None if intake is None else str(intake) if intake else CURRENT
    return named
