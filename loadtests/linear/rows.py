"""The rows of a history in codes, as operations are made of them; and tables of operations in the making.

A table is columns by name (COLUMNS), of one length; a column that is left out says nothing.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER, History
from loadtests.linear.operations import FINE, Names, Whole
from loadtests.protocol import CURRENT

COLUMNS: Final = (
    "row", "kind", "begins", "ends", "is_optional", "person", "request", "intake", "stream",
    "cap", "value", "moves",
)  # fmt: skip


Table = dict[str, NDArray[Any]]
"""Columns of operations in the making."""
TYPES: Final[dict[str, type]] = {"kind": np.int8, "is_optional": np.bool_, "moves": np.bool_}
"""What is kept otherwise than as int64."""


def column_of(part: Table, name: str) -> NDArray[Any]:
    """A column of a table, whether it is there or not."""
    column = part.get(name)
    if column is None:
        return np.full(len(part["row"]), _nothing(name), dtype=TYPES.get(name, np.int64))
    return column


def joined(parts: Sequence[Table]) -> Table:
    """One table of several, with all its columns."""
    full = [part for part in parts if len(part["row"])]
    ends = [0, *accumulate(len(part["row"]) for part in full)]
    places = [slice(begin, end) for begin, end in pairwise(ends)]
    table: Table = {}
    for name in COLUMNS:
        column = table[name] = np.empty(ends[-1], dtype=TYPES.get(name, np.int64))
        nothing = _nothing(name)
        for part, here in zip(full, places, strict=True):
            column[here] = part.get(name, nothing)
    return table


def _nothing(name: str) -> int:
    return 0 if name in ("is_optional", "moves") else -1


Codes = NDArray[np.integer]
"""Of texts: -1 for none."""


class Rows(NamedTuple):
    """The columns of a history that operations are made of, in codes."""

    op: NDArray[np.int8]
    answer: NDArray[np.int8]
    result: NDArray[np.int8]
    begins: Whole
    ends: Whole
    applicant: Codes
    key: Codes
    intake: Whole
    stream: Codes
    slot: Codes
    cap: Whole
    value: Whole
    given_back: NDArray[np.int8]


def rows_of(history: History) -> tuple[Rows, Names]:
    begins, ends = _fine(*history.widened())
    intake, declared = _intakes(history)
    stream, streams = history.coded("stream").codes, _texts(history, "stream")
    cap, caps = history.coded("cap").codes, _texts(history, "cap")
    named = [each.name for each in history.header.caps]
    places = np.array([*(named.index(each) if each in named else -2 for each in caps), -1], dtype=np.int64)
    intake = _named(history, intake, places[cap], declared)
    slot = history.coded("slot").codes
    if history.lacks("slot") or not (slot >= 0).any():
        slot = history.coded("claim_id").codes
    columns = Rows(
        history["op"],
        history["answer"],
        history["result"],
        begins,
        ends,
        history.coded("applicant").codes,
        history.coded("key").codes,
        intake,
        stream,
        slot,
        places[cap],
        history["value"],
        history["given_back"],
    )
    return columns, Names(declared, streams, named)


def _named(history: History, intake: Whole, cap: Whole, intakes: list[str]) -> Whole:
    """Where an answer does not say its intake: that of the cap, or of the grant, that it names."""
    if not (intake < 0).any():
        return intake
    covered = [{each for each, _ in cap.covers} for cap in history.header.caps]
    of_cap = [intakes.index(min(each)) if len(each) == 1 else -1 for each in covered]
    intake = np.where(intake < 0, np.array([*of_cap, -1, -1], dtype=np.int64)[cap], intake)
    claim = history.coded("claim_id").codes
    of_claim = np.full(int(claim.max(initial=-1)) + 2, -1, dtype=np.int64)
    said = np.flatnonzero((claim >= 0) & (intake >= 0))
    of_claim[claim[said]] = intake[said]
    return np.where(intake < 0, of_claim[claim], intake)


def _fine(begins: Whole, ends: Whole) -> tuple[Whole, Whole]:
    """Times after the first, with room between any two: what overlaps by a moment can be cut apart."""
    zero = int(begins.min()) if len(begins) else 0
    begins, after = begins - zero, ends - zero  # both are new, and may be changed
    begins *= FINE
    after *= FINE
    after[ends == NEVER] = NEVER
    return begins, after


def _intakes(history: History) -> tuple[Whole, list[str]]:
    """The intake of each row, -1 where it is left to the service; and all intakes, in order."""
    texts = [text for text in _texts(history, "intake") if text != CURRENT]
    declared = sorted({each for cap in history.header.caps for each, _ in cap.covers} | set(texts))
    if len(declared) == 1:
        return np.broadcast_to(np.int64(0), len(history)), declared
    place = {name: index for index, name in enumerate(declared)}
    codes, names = history.coded("intake")
    places = [*(place.get(str(name), -1) for name in names), -1]
    return np.array(places, dtype=np.int64)[codes], declared


def _texts(history: History, name: str) -> list[str]:
    return [str(each) for each in history.coded(name).names]
