"""Operations: what may have changed the state of the allocator, and what observed it.

Rows are attempts. All attempts of one applicant under one key are one *request*, which takes effect once at
most: in the *window* from the first invocation of an attempt that may have done it to the first completion of
an attempt that says it was done. That is exact, for the first attempt covers the whole window. Further
attempts that tell of it are *echoes*: they have a place after it, and no condition of their own.

An *operation* is a request that took effect or may have, or an answer that tells something of the state:

    GRANT     a slot is taken; optional if no attempt was answered
    RELEASE   a holding ends, and the count falls if `moves`
    FULL      a cap had no room, and the applicant held nothing
    DUPLICATE the applicant held a slot, and had no receipt under this key; UNHELD: held none
    CLOSED    the intake was not open
    REFUSED   a repeated refusal that does not say why: one of the three
    READ      the count of the intake was `value`
    HOLDS     the list of holders had the applicant; ABSENT: a whole list had not
    OPEN, CLOSE, SET_CAP, REFRESH    orders of the administration
    NOTHING   answered, and tells nothing of the state: it has a place, and no condition

Every operation has a *person*, the pair of applicant and intake, or -1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

(GRANT, RELEASE, FULL, DUPLICATE, UNHELD, CLOSED, READ, HOLDS, ABSENT, OPEN, CLOSE, SET_CAP, REFRESH) = range(
    13
)
NOTHING, REFUSED = 13, 14
MUTATORS: Final = (GRANT, RELEASE)
PERSONAL: Final = (GRANT, RELEASE, FULL, DUPLICATE, UNHELD, HOLDS, ABSENT, CLOSED)
"""Kinds that depend on whether the person holds a slot, or on what was granted under the same key."""
NO_REFUSAL: Final = -1
FINE: Final = 4
"""Parts of a nanosecond in which windows are told."""


class Clash(NamedTuple):
    """Rows that no order explains."""

    anomaly: str
    says: str
    rows: tuple[int, ...]


class Names(NamedTuple):
    """What the codes of operations stand for."""

    intakes: list[str]
    streams: list[str]
    caps: list[str]


@dataclass(frozen=True, eq=False, slots=True)
class Operations:
    """Columns of one length n, one row an operation; and the echoes."""

    row: Whole
    """The row of the history that stands for it; -1 for what no row says (ABSENT)."""
    kind: NDArray[np.int8]
    begins: Whole
    ends: Whole
    """The window, closed; NEVER: at any later time."""
    is_optional: Flags
    """GRANT and RELEASE: nobody was told that it happened."""
    person: Whole
    """Code of applicant and intake; -1 for nobody."""
    request: Whole
    """Claims with the same number are of one key; -1 for what has no key."""
    intake: Whole
    """Index into names.intakes; -1 if it is not known."""
    stream: Whole
    """Index into names.streams; -1 for none, -2 for a release by somebody with claims of several streams."""
    cap: Whole
    """FULL, SET_CAP: index into header.caps; -1 if none was named, -2 if it is not declared."""
    value: Whole
    """READ: the count; SET_CAP: the limit; GRANT, HOLDS: code of the slot, -1 if none was told; ABSENT:
    the row of the list."""
    moves: Flags
    """RELEASE: whether the count falls."""
    echo_row: Whole
    echo_of: Whole
    """Place of the operation that the echo tells of."""
    echo_begins: Whole
    echo_ends: Whole
    """The window of each echo."""
    names: Names

    def __len__(self) -> int:
        return len(self.row)

    def of(self, *kinds: int) -> Flags:
        """Which operations are of these kinds."""
        return among(self.kind, kinds)


def among(codes: NDArray[Any], wanted: Sequence[int]) -> Flags:
    """Which codes are among a few; ten times quicker than np.isin where the codes are few as well."""
    found: Flags = codes == wanted[0]
    for each in wanted[1:]:
        found |= codes == each
    return found
