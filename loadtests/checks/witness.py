"""The order in which a service says that it granted: does it explain every answer?

Some services give each grant a *position*, its number in the order of commits within its intake. That is a
hint, and is not believed: the positions narrow the window of each grant to where its position lets it be,
everything else is put in around the grants, and the whole order is replayed. If the replay accepts it, the
service's own positions prove an order (VALID).

If it does not, the positions are left aside and the finding is NOTED, never INVALID. A wrong hint is no wrong
answer: the service may number its grants as it likes, and nobody got a slot too many by it; whether there is
some other order, linearizability decides. That a grant was answered before another was even asked for that
has a lower position is said, since such numbers are not the order of commits. Two grants with one position
are an anomaly of receipts.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from loadtests.checks.arrays import Flags, Numbers, Rows, Times, is_repeated
from loadtests.checks.requests import Requests, claims
from loadtests.histories.columns import COLUMNS, TEXTS, Columns
from loadtests.history import ABSENT, NOBODY, History
from loadtests.linear.object import explain
from loadtests.proofs.replay import accepts
from loadtests.protocol import ANSWER, RESULT
from loadtests.verdict import Finding

CHECK: Final = "witness"


class Claimed(NamedTuple):
    """Grants with a position, in the order of intakes and positions."""

    request: Numbers
    """Number of the claim among all claims."""
    intake: Numbers
    position: Times


class Proved(NamedTuple):
    """What became of the positions."""

    order: Rows | None
    """Rows of the history in an order that has the grants by position, and was replayed; None without one."""
    says: str
    """Why there is none."""
    rows: tuple[int, ...] = ()
    """Operations that show it."""
    many: int = 0
    """Of how many grants that is so."""


def check(history: History) -> list[Finding]:
    """One finding: VALID if the positions prove an order, else NOTED."""
    found = proved(history)
    if found.order is None:
        return [Finding(CHECK, "NOTED", found.says, witness=found.rows, count=found.many)]
    says = f"the service's own positions prove an order of {len(found.order):,} operations; it was replayed"
    return [Finding(CHECK, "VALID", says, count=len(found.order), order=found.order)]


def proved(history: History) -> Proved:
    """Whether the claimed order of the grants can be completed to an order of everything; asked once."""
    return history.derived("witness", _proved)


def claimed(history: History, asked: Requests) -> Claimed:
    """The positions that the service told; of attempts that were told different ones, the first."""
    positions = history["position"][asked.rows]
    said = np.flatnonzero(asked.is_done & (positions != ABSENT) & (asked.intake[asked.request] != NOBODY))
    of, first = np.unique(asked.request[said], return_index=True)
    intake, position = asked.intake[of], positions[said[first]]
    order = np.lexsort((position, intake))
    return Claimed(of[order], intake[order], np.asarray(position[order], dtype=np.int64))


def _proved(history: History) -> Proved:
    asked = claims(history)
    said = claimed(history, asked)
    if not len(said.request):
        return Proved(None, "the service states no order of its grants")
    pairs = said.intake.astype(np.int64) * (int(said.position.max()) + 1 - int(said.position.min()))
    again = np.flatnonzero(is_repeated(pairs + said.position - said.position.min()))
    if len(again):
        rows = tuple(asked.first_done[said.request[again[:2]]].tolist())
        says = f"{len(again):,} grants share their positions with others, so positions are no order of grants"
        return Proved(None, says, rows, len(again))
    since, until = _windows(said, asked)
    wrong = np.flatnonzero(asked.ends_ns[said.request] < since)
    if len(wrong):
        return _against_time(history, asked, said, wrong)
    return _completed(history, asked, said, since, until)


def _windows(said: Claimed, asked: Requests) -> tuple[Times, Times]:
    """Where each grant can have been: not before any with a lower position, not after one with a higher."""
    since, until = asked.begins_ns[said.request].copy(), asked.ends_ns[said.request].copy()
    for mine in _by_intake(said.intake):
        since[mine] = np.maximum.accumulate(since[mine])
        until[mine] = np.minimum.accumulate(until[mine][::-1])[::-1]
    return since, until


def _by_intake(intake: Numbers) -> list[slice]:
    """The stretches of equal values in a sorted column."""
    bounds = [0, *(np.flatnonzero(np.diff(intake)) + 1).tolist(), len(intake)]
    return [slice(begins, ends) for begins, ends in itertools.pairwise(bounds)]


def _against_time(history: History, asked: Requests, said: Claimed, wrong: Rows) -> Proved:
    """Real time contradicts them: a grant was over before one with a lower position was asked for."""
    late = int(wrong[0])
    before = np.flatnonzero(said.intake[:late] == said.intake[late])
    early = int(before[np.argmax(asked.begins_ns[said.request[before]])])
    rows = tuple(asked.first_done[said.request[[early, late]]].tolist())
    says = (
        f"the service's positions are not the order in which it granted: {len(wrong):,} were answered before "
        f"a lower position was asked for, such as position {said.position[late]:,} of intake "
        f"{history.coded('intake').names[said.intake[late]]} before {said.position[early]:,}; "
        "they were left aside"
    )
    return Proved(None, says, rows, len(wrong))


def _completed(history: History, asked: Requests, said: Claimed, since: Times, until: Times) -> Proved:
    """An order of all rows with the grants by position, if one is found and the replay takes it."""
    part = _narrowed(history, asked, said, since, until)
    found = explain(part, accepts)
    if found.judgement == "VALID":
        order = _by_position(found.order, asked, said, len(history))
        if accepts(history, order) is None:
            return Proved(order, "")
        # A grant that changed its place may have passed a refusal of its own key: those that observe are
        # put in again, around grants that stay at the moments of their new places.
        moments = np.maximum.accumulate(part.widened()[0][found.order])
        fixed = np.clip(moments[_granted_at(order, asked)[said.request]], since, until)
        again = explain(_narrowed(history, asked, said, fixed, fixed), accepts)
        if again.judgement == "VALID":
            order = _by_position(again.order, asked, said, len(history))
            if accepts(history, order) is None:
                return Proved(order, "")
    why = {"INVALID": "under them the other answers cannot be explained"}.get(
        found.judgement, "no order of everything was found that has them"
    )
    return Proved(None, f"the service's positions prove nothing, and were left aside: {why}", found.clash[:6])


def _narrowed(history: History, asked: Requests, said: Claimed, since: Times, until: Times) -> History:
    """The history with each grant's window cut to where its position lets it be; clocks are in it already."""
    invoked, completed = history.widened()
    invoked = invoked.copy()
    least = np.full(len(asked), np.iinfo(np.int64).min)
    most = np.full(len(asked), np.iinfo(np.int64).max)
    least[said.request], most[said.request] = since, until
    is_open = asked.is_done | asked.is_unknown
    rows, of = asked.rows[is_open].astype(np.int64), asked.request[is_open]
    is_first = _firsts(of)
    invoked[rows] = np.maximum(invoked[rows], least[of])
    # Only the attempt that ends the window: the others may tell of the grant as late as ever.
    is_last = asked.is_done & (completed[asked.rows] == asked.ends_ns[asked.request])
    last, last_of = asked.rows[is_last], asked.request[is_last]
    is_late = invoked[last] > most[last_of]
    completed[last[~is_late]] = np.minimum(completed[last], most[last_of])[~is_late]
    # An attempt that began too late only tells of the grant: one without an answer was granted before it.
    silent = rows[is_first & np.isin(of, last_of[is_late])]
    completed[silent] = most[asked.request[_places(asked, silent)]]
    return _altered(history, invoked, completed, silent)


def _places(asked: Requests, rows: Rows) -> Rows:
    """Where these rows are among the attempts."""
    order = np.argsort(asked.rows, kind="stable")
    return np.asarray(order[np.searchsorted(asked.rows, rows, sorter=order)])


def _altered(history: History, invoked: Times, completed: Times, granted: Rows) -> History:
    """The history with these times, and with grants where some attempts had no answer."""

    def fetched(name: str) -> Callable[[], object]:
        return lambda: history.coded(name) if name in TEXTS else history[name]

    columns: dict[str, object] = {name: fetched(name) for name in COLUMNS}
    columns |= {"invoked_ns": invoked, "completed_ns": completed}
    if len(granted):
        for name, word in (("result", RESULT["ok"]), ("answer", ANSWER["granted"])):
            columns[name] = column = history[name].copy()
            column[granted] = word
    header = replace(history.header, clock_bound_ns=0)
    return History(header, Columns(len(history), columns))  # type: ignore[arg-type]


def _by_position(order: Rows, asked: Requests, said: Claimed, count: int) -> Rows:
    """The order with its grants by position: in the places that grants have, since any of them fits there."""
    place = np.full(count, -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    is_open = asked.is_done | asked.is_unknown
    rows, of = asked.rows[is_open].astype(np.int64), asked.request[is_open]
    is_there = place[rows] >= 0
    rows, of = rows[is_there], of[is_there]
    by_place = np.lexsort((place[rows], of))
    rows, of = rows[by_place], of[by_place]
    is_first = _firsts(of)
    decides = np.full(len(asked), -1, dtype=np.int64)
    decides[of[is_first]] = rows[is_first]  # the first attempt of each request in the order
    granted = np.full(len(asked), -1, dtype=np.int64)  # where each is granted now
    for mine in _by_intake(said.intake):
        requests = said.request[mine]
        granted[requests] = np.sort(place[decides[requests]])
        place[decides[requests]] = granted[requests]
    # Whatever else tells of a grant comes after it.
    tells = ~is_first & (granted[of] >= 0)
    place[rows[tells]] = np.maximum(place[rows[tells]], granted[of[tells]])
    is_echo = np.zeros(count, dtype=np.bool_)
    is_echo[rows[tells]] = True
    return order[np.lexsort((is_echo[order], place[order]))]


def _granted_at(order: Rows, asked: Requests) -> Rows:
    """Of each request the place in an order of its first attempt that may have been granted; else 0."""
    place = np.full(len(asked.history), len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    is_open = asked.is_done | asked.is_unknown
    found = np.full(len(asked), len(order), dtype=np.int64)
    np.minimum.at(found, asked.request[is_open], place[asked.rows[is_open]])
    return np.where(found == len(order), 0, found)


def _firsts(values: Numbers) -> Flags:
    return np.append(True, np.diff(values) != 0)[: len(values)]
