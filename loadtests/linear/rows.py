"""The rows of a history in codes, as operations are made of them; and tables of operations in the making.

A table is columns by name (COLUMNS), of one length; a column that is left out says nothing.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER, History
from loadtests.linear.operations import FINE, Names, Whole
from loadtests.protocol import CURRENT

COLUMNS: Final = (
    "row", "kind", "begins", "ends", "is_optional", "person", "request", "intake", "stream",
    "cap", "value", "moves",
)  # fmt: skip


def column_of(part: dict[str, Whole], name: str) -> Whole:
    column = part.get(name)
    if column is None:
        empty = 0 if name in ("is_optional", "moves") else -1
        return np.full(len(part["row"]), empty, dtype=np.int64)
    return column


class Rows(NamedTuple):
    """The columns of a history that operations are made of, in codes."""

    op: NDArray[np.int8]
    answer: NDArray[np.int8]
    result: NDArray[np.int8]
    begins: Whole
    ends: Whole
    applicant: Whole
    key: Whole
    intake: Whole
    stream: Whole
    slot: Whole
    cap: Whole
    value: Whole
    given_back: NDArray[np.int8]


def rows_of(history: History) -> tuple[Rows, Names]:
    begins, ends = _fine(*history.widened())
    intake, intakes = _coded(history, "intake")
    intakes, intake = _without(intakes, intake, CURRENT)
    declared = sorted({each for cap in history.header.caps for each, _ in cap.covers} | set(intakes))
    intake = _recoded(intake, intakes, declared)
    if len(declared) == 1:
        intake = np.zeros(len(intake), dtype=np.int64)
    stream, streams = _coded(history, "stream")
    cap, caps = _coded(history, "cap")
    named = [each.name for each in history.header.caps]
    places = np.array([*(named.index(each) if each in named else -2 for each in caps), -1], dtype=np.int64)
    intake = _named(history, intake, places[cap], declared)
    slot, _ = _coded(history, "slot")
    if not (slot >= 0).any():
        slot, _ = _coded(history, "claim_id")
    columns = Rows(
        history["op"],
        history["answer"],
        history["result"],
        begins,
        ends,
        history.coded("applicant").codes.astype(np.int64),
        history.coded("key").codes.astype(np.int64),
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
    claim, _ = _coded(history, "claim_id")
    of_claim = np.full(int(claim.max(initial=-1)) + 2, -1, dtype=np.int64)
    said = np.flatnonzero((claim >= 0) & (intake >= 0))
    of_claim[claim[said]] = intake[said]
    return np.where(intake < 0, of_claim[claim], intake)


def _fine(begins: Whole, ends: Whole) -> tuple[Whole, Whole]:
    """Times after the first, with room between any two: what overlaps by a moment can be cut apart."""
    zero = int(begins.min()) if len(begins) else 0
    return (begins - zero) * FINE, np.where(ends < NEVER, (ends - zero * (ends < NEVER)) * FINE, NEVER)


def _coded(history: History, name: str) -> tuple[Whole, list[str]]:
    coded = history.coded(name)
    return coded.codes.astype(np.int64), [] if name in ("slot", "claim_id") else [
        str(each) for each in coded.names
    ]


def _without(names: list[str], codes: Whole, name: str) -> tuple[list[str], Whole]:
    if name in names:
        codes = np.where(codes == names.index(name), -1, codes)
    return names, codes


def _recoded(codes: Whole, old: list[str], new: list[str]) -> Whole:
    place = {name: index for index, name in enumerate(new)}
    return np.array([*(place.get(name, -1) for name in old), -1], dtype=np.int64)[codes]
