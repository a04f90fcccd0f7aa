"""The clash: the fewest operations of a history that no order explains, with the sentence, and drawn.

    smallest    of a history and its verdict: what clashes
    timeline    as text, for a terminal     (loadtests/clashes/drawing.py)
    svg         as a picture, for a report  (loadtests/clashes/picture.py)

What clashes is a history of its own: kept as a file it is judged INVALID by itself. What went before it,
and is not drawn, is in its header, as the count before the run; `besides` says it in words.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loadtests.checks import bounds, linearizability, receipts
from loadtests.clashes import picture
from loadtests.clashes.drawing import Drawing, drawing, lines
from loadtests.clashes.relaxing import Relaxed
from loadtests.clashes.shrinking import shrunk
from loadtests.history import History
from loadtests.verdict import Finding, Verdict, shown

CHECKS: Final[dict[str, Callable[[History], Sequence[Finding]]]] = {
    linearizability.CHECK: linearizability.check,
    receipts.CHECK: receipts.check,
    bounds.CHECK: bounds.check,
}
"""Those whose finding can be made smaller, the most telling first."""

MOST_DRAWN: Final = 24
"""Bars of one drawing."""


@dataclass(frozen=True, slots=True, eq=False)
class Clash:
    """What is contradictory in a history."""

    history: History
    """The operations, with what went before in the header; INVALID by themselves if `is_proof`."""
    rows: tuple[int, ...]
    """Their positions in the whole history."""
    says: str
    anomaly: str
    besides: str
    """What is counted and not drawn; empty if nothing is."""
    is_proof: bool
    """Whether these operations suffice; else they are those that the finding names."""
    first_ns: int
    """The first invocation of the whole history, from which times are told."""


def smallest(history: History, verdict: Verdict) -> Clash | None:
    """What clashes, as small as it was found; None if the verdict is not INVALID or names no operations."""
    wrong = [finding for finding in verdict.of("INVALID") if finding.witness]
    places = {name: place for place, name in enumerate(CHECKS)}
    wrong.sort(key=lambda finding: places.get(finding.check, len(places)))
    for finding in wrong:
        found = _of(history, finding)
        if found is not None:
            return found
    return _as_found(history, wrong[0]) if wrong else None


def _of(history: History, finding: Finding) -> Clash | None:
    """The clash of one finding, if it can be made smaller."""
    check = CHECKS.get(finding.check)
    if check is None:
        return None

    def is_bad(part: History) -> bool:
        return any(each.judgement == "INVALID" for each in check(part))

    found = shrunk(history, finding.witness, is_bad)
    if found is None:
        return None
    first = int(history["invoked_ns"].min())
    besides = _besides(found, len(history) - len(found.rows))
    return Clash(found.history, found.rows, finding.says, finding.anomaly, besides, True, first)


def _besides(found: Relaxed, left_out: int) -> str:
    """What the header of a clash has instead of operations."""
    if not found.counter:
        return f"{left_out:,} other operations do not matter to it" * bool(left_out)
    if not found.before and found.bound != "at most":
        return ""
    many = f"{found.bound} {abs(found.before):,}".strip()
    if found.before < 0:
        return f"not drawn: {many} of {found.counter} given back before"
    return f"not drawn: {many} more of {found.counter} held before"


def _as_found(history: History, finding: Finding) -> Clash:
    """The operations that a finding names, as they are."""
    rows = shown(finding)
    part = History(history.header, {name: history.some(name, rows) for name in history.columns})
    more = len(finding.witness) - len(rows)
    besides = f"and {more:,} more operations" * bool(more)
    first = int(history["invoked_ns"].min())
    return Clash(part, tuple(rows), finding.says, finding.anomaly, besides, False, first)


def as_plain(clash: Clash) -> dict[str, Any]:
    """A clash as JSON has it: rows of the whole history, and the operations as they are drawn."""
    return {
        "anomaly": clash.anomaly,
        "says": clash.says,
        "rows": [int(row) for row in clash.rows],
        "besides": clash.besides or None,
        "suffices": clash.is_proof,
        "first_ns": clash.first_ns,
        "operations": list(clash.history.rows(range(min(len(clash.history), MOST_DRAWN)))),
    }


def timeline(clash: Clash, *, width: int = 100) -> list[str]:
    """A clash as text: the sentence, the bars, and what is not drawn."""
    drawn, last = _drawn(clash)
    return [clash.says, *lines(drawn, clash.first_ns, width=width), *last]


def svg(clash: Clash) -> str:
    """A clash as a picture that stands alone."""
    drawn, last = _drawn(clash)
    return picture.svg(drawn, clash.first_ns, says=clash.says, besides="; ".join(last))


def _drawn(clash: Clash) -> tuple[Drawing, list[str]]:
    """The bars, not more than anybody looks at, and what to say of the rest."""
    drawn = drawing(clash.history, clash.first_ns)
    more = len(drawn.bars) - MOST_DRAWN
    last = [f"and {more:,} more operations of the same clash"] * (more > 0)
    return drawn._replace(bars=drawn.bars[:MOST_DRAWN]), last + [clash.besides] * bool(clash.besides)
