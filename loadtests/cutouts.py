"""A part of a history that can be judged alone: what contradicts it, contradicts the whole.

A fault shows where it was made. So that looking for one in ten million operations costs what it costs in ten
thousand, a part is cut out that asks less than the whole does:

    around a place   of an order, what was under way in a stretch of time. What had ended before it is a count
                     to begin with; what had not ended after it may have happened or not; readings and
                     refusals are those that lie wholly within it. Nothing is asked of persons
    of some people   all that they asked for, and were told, and what the audit says of them. Nothing is asked
                     of the counts

If there is a legal order of the whole, there is one of each part: the same, without what is not in the part,
and with what was begun before it at its beginning. (The converse is not so, of course.) A stretch cannot be
cut out where others claimed too, where claims are judged by a copy of the count or the limit is changed, and
where it is not known which cap a request counts in: then there is none.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Flags, Rows, Times
from loadtests.checks.bounds import start_of
from loadtests.checks.cut import unlisted
from loadtests.checks.moves import backs_of
from loadtests.checks.requests import Requests, claims, releases
from loadtests.header import Initial
from loadtests.histories.columns import COLUMNS, TEXTS, Coded, Columns, Names
from loadtests.history import ABSENT, AUDIT, NEVER, NOBODY, History
from loadtests.protocol import ANSWER, OP, RESULT
from sim.ledger import Cap

Fetched = dict[str, Any]
TOLD: Final = ("slot", "claim_id", "cap")
"""Texts of an answer."""


class Part(NamedTuple):
    """What was cut out."""

    history: History
    order: Rows
    """The order of the whole, as far as it is in the part: rows of the part."""


class Spans(NamedTuple):
    """When the operations of a history were under way."""

    begins: Times
    ends: Times
    when: Times
    """Of each place of the order, the latest beginning up to there."""


def spans_of(history: History, order: Rows) -> Spans:
    """What `around` needs to know of a history and its order, for any number of places."""
    begins, ends = history.widened()
    return Spans(begins, ends, np.maximum.accumulate(begins[order]) if len(order) else order)


def around(
    history: History, order: Rows, place: int, *, size: int, cap: Cap, spans: Spans | None = None
) -> Part | None:
    """The stretch of so many places of the order around one, under one cap; None where there is none."""
    if not history.derived(f"a stretch under {cap.name}", lambda whole: _can_be_cut(whole, cap)):
        return None
    begins, ends, when = spans or spans_of(history, order)
    first, last = max(0, place - size // 2), place + size // 2
    since = int(when[first - 1]) if first else -NEVER
    until = int(when[last - 1]) if last < len(order) else NEVER
    stretch = _Stretch(history, begins, ends, since, until, cap)
    used = stretch.used()
    if used is None:
        return None
    header = replace(history.header, caps=(cap,), initial=Initial(used, None))
    kept = stretch.kept()
    part = History(header, Columns(len(kept.rows), stretch.columns(kept)))
    return Part(unlisted(part), _places(order, kept.rows, len(history)))


def of_people(history: History, order: Rows, people: Rows) -> Part:
    """All that these applicants (codes) asked for, and what the audit says of them."""
    codes, names = history.coded("applicant")
    is_one = np.zeros(len(names) + 1, dtype=np.bool_)
    is_one[people] = True
    is_theirs = is_one[codes]
    is_audit = history.is_op("read") & history.coded("note").starting(AUDIT)
    rows = np.flatnonzero((is_theirs & history.is_op("claim", "release", "hold")) | is_audit)
    given = _columns(history, rows) | {"value": np.full(len(rows), ABSENT)}
    part = History(replace(history.header, caps=()), Columns(len(rows), given))
    return Part(part, _places(order, rows, len(history)))


def _can_be_cut(history: History, cap: Cap) -> bool:
    header = history.header
    if header.shared or header.spec.counter != "exact" or history.is_op("set-cap").any():
        return False
    is_whole = all(stream is None for _, stream in cap.covers)
    if not is_whole and (len(releases(history)) or cap.name in {intake for intake, _ in cap.covers}):
        return False  # a release may leave it to its claim to say the stream
    asked = claims(history)
    unsure = asked.may_have & asked.may_count_in(cap) & ~asked.counts_in(cap)
    back = releases(history)
    unsure_back = back.may_have & back.may_count_in(cap) & ~back.counts_in(cap)
    return not (unsure.any() or unsure_back.any())


@dataclass(frozen=True, eq=False, slots=True)
class _Stretch:
    """From when to when."""

    history: History
    begins: Times
    ends: Times
    since: int
    until: int
    cap: Cap

    def used(self) -> dict[str, int] | None:
        """What had been counted before, by name of a cap or an intake; None if that is not certain."""
        cap = self.cap
        found = {cap.name: self._count(cap)}
        intakes = {intake for intake, _ in cap.covers}
        if len(intakes) == 1 and cap.name not in intakes:
            [intake] = intakes
            found[intake] = self._count(Cap(intake, 0, frozenset({(intake, None)})))
        known = {name: count for name, count in found.items() if count is not None}
        is_sure = len(known) == len(found) and min(known.values()) >= 0
        return known if is_sure else None

    def _count(self, cap: Cap) -> int | None:
        start, back = start_of(self.history, cap), releases(self.history)
        certain, possible = backs_of(self.history, back, cap)
        is_over = back.ends_ns < self.since
        if start is None or (possible & is_over).any():
            return None
        asked = claims(self.history)
        taken = asked.was_done & asked.counts_in(cap) & (asked.ends_ns < self.since)
        return start + int(taken.sum()) - int((certain & is_over).sum())

    def kept(self) -> "_Kept":
        """What is in it, in the order of the rows."""
        history, many = self.history, 0
        within = np.flatnonzero((self.begins >= self.since) & (self.ends <= self.until))
        is_read = (history["op"][within] == OP["read"]) & (history["result"][within] == RESULT["ok"])
        reads = within[is_read]
        found = [_Kept(reads, np.full(len(reads), NOBODY), np.zeros(len(reads), dtype=np.bool_))]
        for requests in (claims(history), releases(history)):
            found.append(self._under_way(requests, many))
            many += len(requests)
        found.append(self._refused())
        rows, request, is_late = (np.concatenate(each) for each in zip(*found, strict=True))
        order = np.argsort(rows)
        return _Kept(rows[order], request[order], is_late[order])

    def _under_way(self, requests: Requests, many: int) -> "_Kept":
        """Attempts that may have done something in it; `many` requests are numbered before these."""
        at = _attempts(requests, np.flatnonzero(self._is_under_way(requests)))
        at = at[requests.is_done[at] | requests.is_unknown[at]]
        of = requests.request[at]
        return _Kept(requests.rows[at].astype(np.int64), of + many, requests.ends_ns[of] > self.until)

    def _refused(self) -> "_Kept":
        """Refusals that lie wholly within it, under keys that were not sent before."""
        history, asked = self.history, claims(self.history)
        begins = self.begins[asked.rows[asked.first[:-1]]]
        at = _attempts(asked, np.flatnonzero((begins >= self.since) & (begins <= self.until)))
        at = at[~(asked.is_done[at] | asked.is_unknown[at])]
        rows = asked.rows[at].astype(np.int64)
        says = history["answer"][rows]
        is_one = (says == ANSWER["full"]) | (says == ANSWER["replayed"])
        is_one &= history["result"][rows] == RESULT["ok"]
        is_one &= (self.begins[rows] >= self.since) & (self.ends[rows] <= self.until)
        if len(history.header.caps) > 1:  # one that names no cap may be of another
            caps = history.coded("cap")
            is_one &= caps.codes[rows] == caps.names.find(self.cap.name)
        return _Kept(rows[is_one], asked.request[at[is_one]], np.zeros(int(is_one.sum()), dtype=np.bool_))

    def _is_under_way(self, requests: Requests) -> Flags:
        """Requests that may have been done in it."""
        is_there = (requests.begins_ns <= self.until) & (requests.ends_ns >= self.since)
        return requests.may_have & is_there

    def columns(self, kept: "_Kept") -> Fetched:
        """The columns of the part: each request under a key of its own, of nobody; open if it ended later."""
        history, rows, late = self.history, kept.rows, np.flatnonzero(kept.is_late)
        known, mine = np.unique(kept.request, return_inverse=True)
        is_request = known >= 0
        names = Names([str(each) for each in known[is_request].tolist()])
        keys = Coded((mine - int((~is_request).sum())).astype(np.int32), names)
        given = _columns(history, rows) | {"key": keys}
        given.pop("applicant", None)
        nothing = {"completed_ns": NEVER, "result": RESULT["info"], "answer": -1, "given_back": -1}
        for name, value in nothing.items():
            column = history[name][rows]
            column[late] = value
            given[name] = column
        for name in TOLD:
            texts = _few(history, name, rows)
            told = texts.codes.copy()
            told[late] = NOBODY
            given[name] = Coded(told, texts.names)
        return given


class _Kept(NamedTuple):
    """Rows of a stretch."""

    rows: Rows
    request: NDArray[np.integer]
    """The number of each one's request, releases after claims; NOBODY for a reading."""
    is_late: Flags
    """Whether its request was done, if at all, when the stretch was over."""


def _attempts(requests: Requests, which: Rows) -> Rows:
    """Where the attempts of these requests are, among all attempts."""
    first = requests.first.astype(np.int64)
    many = first[which + 1] - first[which]
    return np.repeat(first[which] - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))


def _columns(history: History, rows: Rows) -> Fetched:
    def some(name: str) -> Any:
        return lambda: _few(history, name, rows) if name in TEXTS else history[name][rows]

    return {name: some(name) for name in COLUMNS if name != "index" and not history.lacks(name)}


def _few(history: History, name: str, rows: Rows) -> Coded:
    """The texts of some rows, without those of all others."""
    codes, names = history.coded_at(name, rows)
    known, mine = np.unique(codes, return_inverse=True)
    is_text = known >= 0
    mine = mine - int((~is_text).sum())  # NOBODY is the least
    return Coded(mine.astype(np.int32), Names([str(names[code]) for code in known[is_text].tolist()]))


def _places(order: Rows, rows: Rows, count: int) -> Rows:
    is_one = np.zeros(count, dtype=np.bool_)
    is_one[rows] = True
    return np.searchsorted(rows, order[is_one[order]])
