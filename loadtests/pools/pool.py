"""One counter, and what is found of it: the nouns that every search for an order shares.

A *pool* is a counter under a limit, and the operations that moved or observed it, each with the closed
interval in which it took effect: a grant counts one more, a release one less, a reading and a refusal
observe, and a limit operation sets another limit. An operation comes before another only if its interval ends
before the other's begins; equal times are concurrent. The pool is *legal* if the operations can be put in one
order, compatible with that, in which each is what the counter would have done.

What a counter does, at the place of the operation in the order:

    GRANT     if count < limit + tolerance: count + 1
    RELEASE   if count > 0: count - 1
    READ      if low <= count <= high
    REFUSAL   if count >= limit
    LIMIT     the limit is now `low`; never refused, even if more are counted

A grant or a release is *optional* if nobody knows whether it happened: an order may leave it out.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from loadtests.history import NEVER

GRANT, RELEASE, READ, REFUSAL, LIMIT = range(5)

EVER: Final = -NEVER
"""`begins` of an operation that may be as early as you like."""
MANY: Final = 2**62
"""More than can be counted: the limit of a counter without a cap, and the `high` of a refusal."""

Whole: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]
Judgement: TypeAlias = Literal["VALID", "INVALID", "UNKNOWN"]

__all__ = ["EVER", "GRANT", "LIMIT", "MANY", "NEVER", "READ", "REFUSAL", "RELEASE", "Judged", "Pool"]


@dataclass(frozen=True, eq=False, slots=True)
class Pool:
    """One counter, and everything that moves it or observes it.

    Arrays of one length; a position is a place in them.
    """

    kind: NDArray[np.int8]
    """GRANT, RELEASE, READ, REFUSAL or LIMIT."""
    begins: Whole
    """The earliest at which it took effect."""
    ends: Whole
    """The latest; NEVER: at any later time."""
    is_optional: Flags
    """GRANT and RELEASE only: it may not have happened at all."""
    low: Whole
    """READ: the count was at least this at some instant of the interval, and at most `high` at the same
    instant. LIMIT: the new limit."""
    high: Whole
    """READ only; see `low`."""
    start: int
    """The count before everything."""
    limit: int
    """The limit before the first LIMIT; MANY for a counter without a cap."""
    tolerance: int
    """By how much grants may pass the limit; a refusal needs the limit itself to be reached."""
    among: int = 0
    """Operations of the history that this is a part of, where that is known: there is more to judge."""

    def __post_init__(self) -> None:
        n = len(self.kind)
        columns = (self.begins, self.ends, self.is_optional, self.low, self.high)
        assert all(len(column) == n for column in columns), (n, *map(len, columns))
        assert self.start >= 0, self.start
        assert self.tolerance >= 0, self.tolerance
        assert 0 <= self.limit <= MANY, self.limit
        backwards = self.begins > self.ends
        assert not backwards.any(), f"operation {int(backwards.argmax())} ends before it begins"
        strange = self.is_optional & (self.kind > RELEASE)
        assert not strange.any(), f"operation {int(strange.argmax())} is optional and moves nothing"

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def room(self) -> int:
        """The most that can ever be counted while the limit is the first one."""
        return max(self.start, self.limit + self.tolerance)


class Judged(NamedTuple):
    """What was found of a pool."""

    judgement: Judgement
    order: Whole
    """VALID: positions in a legal order, every operation once that is not optional, and the optional ones
    that happened; else empty."""
    at: Whole
    """VALID: a time for each of `order`, never falling, inside its interval."""
    clash: Whole
    """INVALID: positions of operations that suffice for the contradiction."""
    argument: str
    """INVALID: what is contradictory, a word that the module which found it explains. UNKNOWN: why."""
    facts: dict[str, int]
    """The numbers for a sentence about it."""


NONE: Final[Whole] = np.empty(0, dtype=np.int64)


def valid(order: Whole, at: Whole) -> Judged:
    return Judged("VALID", order, at, NONE, "", {})


def invalid(argument: str, clash: Whole, **facts: int) -> Judged:
    return Judged("INVALID", NONE, NONE, clash.astype(np.int64), argument, facts)


def unknown(why: str, **facts: int) -> Judged:
    return Judged("UNKNOWN", NONE, NONE, NONE, why, facts)
