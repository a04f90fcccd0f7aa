"""Operations by request: all attempts under one key, what they were told, and when they took effect.

Attempts of one applicant under one key are one request, however often it was sent; without a key every
attempt is a request of its own. A request takes effect at most once. Its *window* is where that may have
been: from the first invocation of an attempt that may have done it to the first completion of an attempt that
says it was done.

Everything here is an array: of attempts, grouped by request, or of requests. Whoever wants to speak of one
asks for it by its number, and is given a `Request` with its texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.arrays import Flags, Numbers, Rows, Times, is_repeated
from loadtests.history import ABSENT, NEVER, NOBODY, NOWHERE, History
from loadtests.protocol import ANSWERS
from sim.ledger import Cap

CURRENT: Final = "current"
"""The intake of a claim that left the choice to the service and was not told which it was."""


@dataclass(frozen=True, slots=True)
class Request:
    """All attempts of one claim, or of one release; rows are positions in the history."""

    applicant: str
    key: str
    intake: str | None
    """None if it is not known: the service was to choose, and did not say."""
    stream: str | None
    rows: list[int]
    done: list[int]
    """Attempts that were told that it was done: granted or released, now or before."""
    unknown: list[int]
    """Attempts of which it is not known whether they did it."""

    @property
    def may_have(self) -> bool:
        """Whether it may have taken effect."""
        return bool(self.done or self.unknown)


class Grants(NamedTuple):
    """What requests were told that they were given, told apart by slot; one a request, if all is well."""

    request: Numbers
    """Whose each is, ascending."""
    ends_ns: Times
    """The latest at which each was given."""


@dataclass(frozen=True, slots=True, eq=False)
class Requests(Sequence[Request]):
    """All claims, or all releases, of a history, in the order of their first attempts."""

    history: History
    rows: Numbers
    """Attempts, by request and in the order of the history: positions in it."""
    request: Numbers
    """Of each attempt its request."""
    is_done: Flags
    """Attempts that were told that it was done: granted or released, now or before."""
    is_unknown: Flags
    """Attempts of which it is not known whether they did it."""
    first: Numbers
    """Of each request where its attempts begin in `rows`; and, last, how many there are."""
    applicant: Numbers
    """Code of the applicant of each request."""
    intake: Numbers
    """Code of the intake; NOBODY where the service was to choose, and did not say."""
    stream: Numbers
    """Code of the stream."""
    first_done: Numbers
    """The first row that was told that it was done; -1 if none was."""
    may_have: Flags
    """Whether it may have taken effect."""
    begins_ns: Times
    """The earliest at which it can have taken effect; NEVER if it cannot have."""
    ends_ns: Times
    """The latest at which it took effect; NEVER if it may not have."""

    def __len__(self) -> int:
        return len(self.applicant)

    def __iter__(self) -> Iterator[Request]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Request:  # type: ignore[override]
        if not -len(self) <= number < len(self):
            raise IndexError(number)
        mine = slice(*self.first[number % len(self) :][:2])
        rows, history = self.rows[mine], self.history
        [key] = history.some("key", rows[:1].astype(np.int64))
        return Request(
            applicant=str(history.coded("applicant").at(int(rows[0]))),
            key=f"#{rows[0]}" if key is None else str(key),
            intake=history.coded("intake").names[self.intake[number]] if self.intake[number] >= 0 else None,
            stream=history.coded("stream").at(int(rows[0])),
            rows=rows.tolist(),
            done=rows[self.is_done[mine]].tolist(),
            unknown=rows[self.is_unknown[mine]].tolist(),
        )

    @property
    def was_done(self) -> Flags:
        """Which certainly took effect."""
        return self.first_done >= 0

    def some(self, which: Flags) -> list[Request]:
        """Some of them, one by one."""
        return [self[number] for number in np.flatnonzero(which).tolist()]

    def any_of(self, is_attempt: Flags) -> Flags:
        """Which have any of these attempts."""
        found = np.zeros(len(self), dtype=np.bool_)
        found[self.request[is_attempt]] = True
        return found

    def concerns(self, intake: str) -> Flags:
        """Which are about the intake, or may be."""
        return (self.intake == NOBODY) | self.is_of(intake)

    def is_of(self, intake: str) -> Flags:
        """Which are certainly about the intake."""
        return np.asarray(self.intake == self.history.coded("intake").names.find(intake))

    def counts_in(self, cap: Cap) -> Flags:
        """Which certainly count in a cap."""
        streams = self.history.coded("stream").names
        found = np.zeros(len(self), dtype=np.bool_)
        for intake, stream in cap.covers:
            is_mine = self.is_of(intake)
            found |= is_mine if stream is None else is_mine & (self.stream == streams.find(stream))
        return found

    def may_count_in(self, cap: Cap) -> Flags:
        """Which may count in a cap: the intake is not always known."""
        return (self.intake == NOBODY) | self.counts_in(cap)

    def grants(self) -> Grants:
        """What they were given: told apart by a name that all attempts of a request bear, if there is one."""
        of = self.request[self.is_done]
        rows = self.rows[self.is_done].astype(np.int64)
        is_one = np.bincount(of, minlength=len(self))[of] == 1
        one = Grants(of[is_one], self.ends_ns[of[is_one]])
        if is_one.all():
            return one
        of, rows = of[~is_one], rows[~is_one]
        _, ends = self.history.widened()
        name = self._grant_names(of, rows)
        order = np.lexsort((ends[rows], name, of))
        of, name, done = of[order], name[order], ends[rows[order]]
        is_first = np.append(True, (np.diff(of) != 0) | (np.diff(name) != 0))
        both = np.append(one.request, of[is_first])
        order = np.argsort(both, kind="stable")
        return Grants(both[order], np.append(one.ends_ns, done[is_first])[order])

    def _grant_names(self, of: Numbers, rows: Rows) -> Numbers:
        """What tells the grants of attempts apart: slots, else claim ids, else nothing."""
        found = np.full(len(of), NOBODY, dtype=np.int32)
        for name in ("claim_id", "slot"):  # the slots last, since they outweigh
            codes = self.history.coded_at(name, rows).codes
            lacks = np.zeros(len(self), dtype=np.bool_)
            lacks[of[codes == NOBODY]] = True
            found = np.where(lacks[of], found, codes)
        return found


def claims(history: History) -> Requests:
    """Claims by applicant and key, in the order of their first attempts."""
    return history.derived("claims", _claims)


def releases(history: History) -> Requests:
    """Releases by applicant and key, in the order of their first attempts."""
    return history.derived("releases", _releases)


def _claims(history: History) -> Requests:
    rows = np.flatnonzero(history.is_op("claim"))
    is_unknown = history.is_result("info", "pending")[rows]
    if history.header.spec.counts == "received":
        is_unknown |= history["answer"][rows] == INCOMPLETE
    return _requests(history, rows, is_grant(history, rows), is_unknown, is_silent=_is_silent(history, rows))


def _releases(history: History) -> Requests:
    rows = np.flatnonzero(history.is_op("release"))
    is_unknown = history.is_result("info", "pending")[rows]
    return _requests(history, rows, history.is_answer("released", "replayed")[rows], is_unknown)


def is_grant(history: History, rows: Rows) -> Flags:
    """Which of these claims were told that they have a slot: granted now, or replayed from a grant.

    Where refusals leave a receipt, a replay may be of a refusal; that names a cap, or nothing.
    """
    answer = history["answer"][rows]
    found = answer == GRANTED
    replayed = np.flatnonzero(answer == REPLAYED)
    at = rows[replayed]
    has_slot = (history.coded_at("slot", at).codes >= 0) | (history.coded_at("claim_id", at).codes >= 0)
    if history.header.spec.refusals == "fresh":
        has_slot |= history.coded_at("cap", at).codes == NOBODY
    found[replayed] = has_slot
    return np.asarray(found)


def _is_silent(history: History, rows: Rows) -> Flags | None:
    """Which of these claims were told that their answer repeats another, and not which; None if none were.

    Under a key that was granted, such an attempt may be the first: what passes requests on may have sent it
    twice, and told what came back the second time.
    """
    if history.header.spec.refusals == "fresh" or not (history["answer"][rows] == REPLAYED).any():
        return None
    found = history["answer"][rows] == REPLAYED
    for name in ("slot", "claim_id", "cap"):
        found &= history.coded_at(name, rows).codes == NOBODY
    return np.asarray(found)


def _requests(
    history: History, rows: Rows, is_done: Flags, is_unknown: Flags, *, is_silent: Flags | None = None
) -> Requests:
    lead = _leads(history, rows)
    number = np.cumsum(lead == np.arange(len(rows)), dtype=np.int32) - 1
    request = number[lead]
    order = np.argsort(request, kind="stable")
    rows, request = rows[order], request[order]
    is_done, is_unknown = is_done[order], (is_unknown & ~is_done)[order]
    count = int(request[-1]) + 1 if len(request) else 0
    first = np.searchsorted(request, np.arange(count + 1)).astype(np.int32)
    invoked, completed = history.widened()
    is_open = is_done | is_unknown
    if is_silent is not None:
        was_done = np.zeros(count, dtype=np.bool_)
        was_done[request[is_done]] = True
        is_open |= is_silent[order] & was_done[request]
    begins_ns = _least(invoked[rows[is_open]], request[is_open], count)
    may_have = np.zeros(count, dtype=np.bool_)
    may_have[request[is_open]] = True
    leads = rows[first[:-1]]
    return Requests(
        history=history,
        rows=rows.astype(np.int32),
        request=request,
        is_done=is_done,
        is_unknown=is_unknown,
        first=first,
        applicant=history.coded("applicant").codes[leads],
        intake=_intakes(history, rows, request, count),
        stream=history.coded("stream").codes[leads],
        first_done=_firsts(rows[is_done], request[is_done], count),
        may_have=may_have,
        begins_ns=begins_ns,
        ends_ns=_least(completed[rows[is_done]], request[is_done], count),
    )


def _leads(history: History, rows: Rows) -> Rows:
    """For each of these rows, the first of the same request: the place of it among them."""
    lead = np.arange(len(rows))
    who = history.coded("applicant").codes[rows]
    # Most people come once, and then it does not matter under which key.
    again = np.flatnonzero(is_repeated(who))
    if not len(again):
        return lead
    keys = history.coded_at("key", rows[again]).codes
    has_key = keys != NOBODY
    again, keys = again[has_key], keys[has_key]
    order = np.lexsort((keys, who[again]))  # stable: within a request in the order of the history
    again, keys = again[order], keys[order]
    is_first = np.append(True, (np.diff(keys) != 0) | (np.diff(who[again]) != 0))[: len(again)]
    lead[again] = again[is_first][np.cumsum(is_first) - 1]
    return lead


def _intakes(history: History, rows: Rows, request: Numbers, count: int) -> Numbers:
    """Of each request the first intake that any of its rows names."""
    codes, names = history.coded("intake")
    codes = codes[rows]
    is_named = (codes >= 0) & (codes != names.find(CURRENT))
    return _firsts(codes[is_named], request[is_named], count)


def _firsts(values: NDArray[np.integer], request: Numbers, count: int) -> Numbers:
    """The first value of each request; -1 where there is none."""
    found = np.full(count, -1, dtype=np.int32)
    is_first = np.append(True, np.diff(request) != 0)[: len(request)]
    found[request[is_first]] = values[is_first]
    return found


def _least(values: Times, request: Numbers, count: int) -> Times:
    """The least value of each request; NEVER where there is none."""
    found = np.full(count, NEVER, dtype=np.int64)
    begins = np.flatnonzero(np.append(True, np.diff(request) != 0)[: len(request)])
    if len(begins):
        found[request[begins]] = np.minimum.reduceat(values, begins)
    return found


def intakes(history: History) -> list[str]:
    """The intakes that appear in the history, in order."""
    codes, names = history.coded("intake")
    seen = np.unique(codes)
    return sorted({names[code] for code in seen[seen >= 0].tolist()} - {CURRENT})


GRANTED, REPLAYED, INCOMPLETE = (ANSWERS.index(word) for word in ("granted", "replayed", "incomplete"))
assert ABSENT < NOWHERE < NOBODY < 0 < NEVER
