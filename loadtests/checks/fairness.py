"""First come, first served: how often somebody was served before somebody who had come earlier.

Nothing here is ever INVALID: whoever serves otherwise breaks no cap and no promise of the spec, and where
slots come back, or a cap is raised, they go to whoever asks next. So the finding is NOTED, with figures, each
as [least, most] where operations of unknown outcome remain: `least` if each of them went as it is fairest.

Words
    came        with the first claim for the intake, whatever it was answered
    overtaken   refused by a cap and never given a slot of it, while one went to somebody who came after that
                refusal had been answered. Who of two claims under way at once comes first, nobody can tell
    inverted    a pair of grants of which the one with the lower position was due later, or sent later; it is
                *certain* if one was answered before the other was even sent, and has the later position
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Rows, Times
from loadtests.checks.bounds import refusals
from loadtests.checks.inversions import inversions, overtakings
from loadtests.checks.quantities import Span
from loadtests.checks.requests import Requests, claims
from loadtests.checks.witness import claimed
from loadtests.history import ABSENT, NEVER, NOBODY, History
from loadtests.verdict import Finding
from sim.ledger import Cap

CHECK: Final = "fairness"


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Who was passed over at one cap."""

    cap: str
    pairs: Span
    """Somebody overtaken, and a grant that did it."""
    people: Span
    """Those overtaken at least once."""
    grants: Span
    """Slots given to people who came after some other had been refused, and whether or not that one got a
    slot later."""
    witness: tuple[int, ...] = ()
    """A refusal, and a grant that overtook it: rows of the history."""


@dataclass(frozen=True, slots=True)
class Inverted:
    """The order of the grants of one intake, by their positions, against the order of their coming."""

    intake: str
    grants: int
    """Grants with a position."""
    against_due: int
    """Pairs served against the order of their due times."""
    against_sent: int
    """Pairs served against the order in which they were sent."""
    certain: int
    """Pairs of which one was answered before the other was sent, and has the later position."""

    @property
    def pairs(self) -> int:
        """All pairs."""
        return self.grants * (self.grants - 1) // 2


@dataclass(frozen=True, slots=True)
class Fairness:
    """All figures of a history."""

    overtaken: tuple[Overtaken, ...]
    inverted: tuple[Inverted, ...]

    def as_plain(self) -> dict[str, Any]:
        """The figures as JSON has them."""
        plain = asdict(self)
        for each in plain["overtaken"]:
            del each["witness"]
        return plain


def check(history: History) -> list[Finding]:
    """One finding, which informs."""
    found = fairness(history)
    if not found.overtaken and not found.inverted:
        return [Finding(CHECK, "NOTED", "no cap is known and no position was told, so no order can be seen")]
    says = "; ".join([*map(_of_cap, found.overtaken), *map(_of_intake, found.inverted)])
    witness = next((each.witness for each in found.overtaken if each.witness), ())
    return [Finding(CHECK, "NOTED", says, witness=witness, count=sum(e.grants for e in found.inverted))]


def _of_cap(found: Overtaken) -> str:
    if not found.pairs.most and not found.grants.most:
        return f"cap {found.cap}: nobody was overtaken"
    return (
        f"cap {found.cap}: {_span(found.people)} people were overtaken, in {_span(found.pairs)} pairs; "
        f"{_span(found.grants)} slots went to people who came after a refusal"
    )


def _of_intake(found: Inverted) -> str:
    share = found.against_due / found.pairs if found.pairs else 0.0
    return (
        f"intake {found.intake}: of {found.pairs:,} pairs of grants {found.against_due:,} ({share:.2%}) were "
        f"served against their due times, {found.against_sent:,} against the order of sending, "
        f"{found.certain:,} of them certainly"
    )


def _span(found: Span) -> str:
    least, most = (f"{bound:,.0f}" if math.isfinite(bound) else "?" for bound in found)
    return least if least == most else f"{least} to {most}"


def fairness(history: History) -> Fairness:
    """All figures of a history; of a cap that refused somebody, and of an intake with positions."""
    asked = claims(history)
    came = _came(history, asked)
    overtaken = [_overtaken(history, asked, cap, came) for cap in history.header.caps]
    return Fairness(tuple(overtaken), tuple(_inverted(history, asked)))


def _people(history: History, asked: Requests) -> Rows:
    """Of each request a number for its person and intake; one of its own where nobody is named."""
    width = len(history.coded("intake").names) + 2
    named = asked.applicant.astype(np.int64) * width + asked.intake + 2
    return np.where(asked.applicant == NOBODY, -1 - np.arange(len(asked)), named)


def _came(history: History, asked: Requests) -> Times:
    """Of each request when its person came: with the first claim for the intake."""
    invoked, _ = history.widened()
    firsts = invoked[asked.rows[asked.first[:-1]]]
    person, inverse = np.unique(_people(history, asked), return_inverse=True)
    came = np.full(len(person), NEVER, dtype=np.int64)
    np.minimum.at(came, inverse, firsts)
    return np.asarray(came[inverse])


class _Refused(NamedTuple):
    """Those whom a cap refused, in the order of their first refusals."""

    person: Rows
    told: Times
    row: Rows


def _refused(history: History, asked: Requests, cap: Cap) -> _Refused:
    rows, _, ends = refusals(history, asked, cap)
    order = np.argsort(ends, kind="stable")
    rows, ends = rows[order], ends[order]
    request = np.full(len(history), -1, dtype=np.int64)
    request[asked.rows] = asked.request
    of = request[rows]
    person = _people(history, asked)[of]
    first = np.sort(np.unique(person, return_index=True)[1])
    return _Refused(person[first], ends[first], rows[first])


def _overtaken(history: History, asked: Requests, cap: Cap, came: Times) -> Overtaken:
    refused = _refused(history, asked, cap)
    person = _people(history, asked)
    was, may_be = asked.was_done & asked.counts_in(cap), asked.may_have & asked.may_count_in(cap)
    least = _figures(refused, ~np.isin(refused.person, person[may_be]), np.sort(came[was]))
    most = _figures(refused, ~np.isin(refused.person, person[was]), np.sort(came[may_be]))
    pairs, people, grants = (Span(*both) for both in zip(least, most, strict=True))
    return Overtaken(cap.name, pairs, people, grants, _witness(asked, refused, was, came))


def _figures(refused: _Refused, is_without: Flags, came: Times) -> tuple[int, int, int]:
    """Pairs, people and grants: of those who came at these times, and got a slot."""
    told = refused.told[is_without]
    passing = len(came) - np.searchsorted(came, told, side="right")
    # Nobody comes after the answer to a claim of their own, so that the first refusal of all is another's.
    late = len(came) - np.searchsorted(came, refused.told[:1], side="right")
    return int(passing.sum()), int((passing > 0).sum()), int(late.sum())


def _witness(asked: Requests, refused: _Refused, was: Flags, came: Times) -> tuple[int, ...]:
    passing = np.flatnonzero(was & (came > refused.told[0])) if len(refused.told) else np.zeros(0, np.int64)
    if not len(passing):
        return ()
    return int(refused.row[0]), int(asked.first_done[passing[np.argmin(came[passing])]])


def _inverted(history: History, asked: Requests) -> list[Inverted]:
    said = claimed(history, asked)
    firsts = asked.rows[asked.first[:-1]]
    sent = history["invoked_ns"][firsts]
    due = history["due_ns"][firsts]
    due = np.where(due == ABSENT, sent, due)
    found = []
    for intake in np.unique(said.intake).tolist():
        mine = said.intake == intake
        of, places = said.request[mine], said.position[mine]
        found.append(
            Inverted(
                intake=str(history.coded("intake").names[intake]),
                grants=len(of),
                against_due=inversions(places, due[of]),
                against_sent=inversions(places, sent[of]),
                certain=overtakings(asked.ends_ns[of], asked.begins_ns[of], places),
            )
        )
    return found
