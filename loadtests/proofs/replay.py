"""An order of operations, played through the rules: does each answer follow from what went before?

`accepts` takes positions of rows, the effects and the answers in sequence, and says None if they are a
legal order of the whole history, or in one sentence what is wrong. It never searches. The state before each
place is a sum over the places before it, within a group: of the attempts of one request, of the operations of
one person in one intake, or of all. So ten million operations are a few passes over columns.

Words
    place    a position in the order; a row is a position in the history
    sure     its result is ok, so that it did happen, as it was told. The others may stand in the order or
             not; one that could have had no effect where it stands, has none
    decides  the first attempt of a request that has an effect; and every refusal that leaves no receipt
    moves    by how much a place moves a counter; gains, by how much what a person holds
"""

from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from loadtests.histories.columns import NOBODY
from loadtests.history import ABSENT, REASON, History
from loadtests.proofs.columns import Flags, Groups, Ints, among, latest, paired, places
from loadtests.proofs.counter import Counter, start_of_intake, wrong_with_others
from loadtests.proofs.rows import (
    CLOSE,
    CLOSED,
    DUPLICATE,
    FULL,
    GRANT,
    HOLD,
    NOTHING,
    OPEN,
    READ,
    REFRESH,
    RELEASE,
    SET_CAP,
    TOLD_CLOSED,
    UNHELD,
    intakes_said,
    kinds,
    lists,
    wrong_rows,
)
from loadtests.protocol import OP
from sim.ledger import REASONS, Cap

TEXTS = ("applicant", "stream", "key", "slot", "claim_id", "cap")
Wrong = tuple[Flags, str]
"""Places, and what is wrong with them."""


def accepts(history: History, order: Ints) -> str | None:
    """None if it is a legal order of this history, else what is wrong with it."""
    found = play(history, order)
    return found if isinstance(found, str) else None


def play(history: History, order: Ints) -> "Played | str":
    """The order played to its end; what is wrong with it, if something is."""
    order = np.asarray(order, dtype=np.int64)
    if (says := wrong_rows(history, order)) is not None:
        return says
    played = Played(history, order)
    while True:
        place, says = played.first_wrong()
        if says is None:
            return played
        if played.is_sure[place]:
            return f"operation {order[place]}: {says}"
        played.has_no_effect(place)


class Played:
    """The columns of the rows in their order, and the state before each place."""

    def __init__(self, history: History, order: Ints) -> None:
        self.header, self.history = history.header, history
        self.order, self.at = order, places(len(order))
        self.op = history["op"][order]
        self.is_sure = history.is_result("ok")[order]
        self.kind = kinds(history, order)
        self.value = history["value"][order]
        self.given_back = history["given_back"][order]
        nothing = np.broadcast_to(np.int32(NOBODY), len(order))
        codes = {name: nothing if history.lacks(name) else history.coded(name).codes[order] for name in TEXTS}
        self.who, self.stream, self.codes = codes["applicant"], codes["stream"], codes
        self.streams = history.coded("stream").names
        self.lists = lists(history)[order]
        self.intake = intakes_said(history, order)
        names = history.coded("intake").names
        self.intakes = [str(names[code]) for code in np.unique(self.intake).tolist() if code >= 0]
        self.intake_is = {intake: self.intake == names.find(intake) for intake in self.intakes}
        self.requests = Groups(codes.pop("key"), self.op, self.who)
        # Operations of nobody in particular are each of a person of their own, of whom nothing is asked.
        self.holdings = Groups(self.who, self.intake)
        self.turned = {
            history["intake"][row]
            for row in np.flatnonzero(history.is_op("open", "close") & ~history.is_result("fail"))
        }
        self.is_stranger = self._strangers()
        self._settle()

    def _settle(self) -> None:
        """All that follows from the kinds."""
        kind, requests = self.kind, self.requests
        is_kept = among(kind, GRANT, RELEASE)
        if self.header.spec.refusals == "sticky":
            is_kept = among(kind, GRANT, RELEASE, FULL, DUPLICATE, CLOSED, UNHELD)
        self.receipt = requests.first(is_kept)
        is_first = self.receipt == self.at
        self.decides = is_first | (self.receipt == -1)
        self.grants = is_first & (kind == GRANT)
        self.releases = is_first & (kind == RELEASE)
        self.gains = self.grants.astype(np.int8) - self.releases.astype(np.int8)
        # What an attempt that was answered says of a release, holds of the attempt that was not.
        kept = requests.any(self.given_back == 0)
        told = kept | requests.any(self.given_back == 1)
        back = np.where(told, ~kept, self._is_given_back())
        back = np.where(self.given_back >= 0, self.given_back == 1, back)
        self.moves = self.grants.astype(np.int8) - (self.releases & back).astype(np.int8)
        self.claimed = self.holdings.last(self.grants)
        self.began = self._began()
        self.held = self.began + self.holdings.before(self.gains)

    def charged(self, which: Ints) -> NDArray[np.integer]:
        """For these places, the one that says which caps they count in: for a release, that of the claim."""
        claimed = self.claimed[which]
        return np.where(self.releases[which] & (claimed >= 0), claimed, which)

    def _is_given_back(self) -> Flags:
        """What the spec says of the reason of a release: a withdrawal, where its note gives no other."""
        gives_back = self.header.spec.gives_back
        notes = self.history.coded("note")
        back = np.full(len(self.order), "withdrawal" in gives_back)
        for reason in REASONS - {"withdrawal"}:
            is_so = notes.starting(REASON + reason)
            if is_so.any():
                back[is_so[self.order]] = reason in gives_back
        return back

    def has_no_effect(self, place: int) -> None:
        """Of an operation of which nothing is known; where refusals are kept, a refusal is an effect."""
        kind = NOTHING
        if self.header.spec.refusals == "sticky" and self.kind[place] == GRANT:
            intake = next(intake for intake in self.intakes if self.intake_is[intake][place])
            is_closed = not self._open(intake)[0][place]
            kind = CLOSED if is_closed else DUPLICATE if self.held[place] else FULL
        elif self.header.spec.refusals == "sticky" and self.kind[place] == RELEASE:
            kind = UNHELD
        self.kind[place] = kind
        self._settle()

    def first_wrong(self) -> tuple[int, str | None]:
        """The first place that cannot be, and why."""
        place, says = len(self.at), None
        for wrong, why in self._all_wrong():
            found = int(np.argmax(wrong)) if wrong.any() else len(wrong)
            if found < place:
                place, says = found, why
        return place, says

    def _all_wrong(self) -> Iterator[Wrong]:
        yield from self._wrong_receipts()
        yield from self._wrong_holdings()
        yield from self._wrong_names()
        for intake in self.intakes:
            yield from self._wrong_turns(intake)
            yield from self._wrong_readings(intake)
            yield from self._wrong_beginnings(intake)
        yield from self._wrong_caps()

    def _wrong_receipts(self) -> Iterator[Wrong]:
        later = np.flatnonzero(self.is_sure & ~self.decides & (self.kind != NOTHING))
        first = self.receipt[later]
        kind, stream = self.kind[later], self.stream[later]
        yield self._among(later, self.kind[first] != kind), "its key was answered otherwise before"
        other = self.intake[first] != self.intake[later]
        other |= np.where(self.kind[first] == RELEASE, 0, self.stream[first]) != np.where(
            kind == RELEASE, 0, stream
        )
        yield self._among(later, other), "its key was used for something else"

    def _among(self, which: Ints, marked: Flags) -> Flags:
        """Of these places those that are marked, as flags of all places."""
        found = np.zeros(len(self.at), dtype=np.bool_)
        found[which[marked]] = True
        return found

    def _wrong_holdings(self) -> Iterator[Wrong]:
        held, kind, decides = self.held > 0, self.kind, self.decides & (self.who >= 0)
        yield self.grants & held, "granted to somebody who holds a slot"
        yield decides & (kind == FULL) & held, "told that the cap is full, not of the slot that it holds"
        yield decides & (kind == DUPLICATE) & ~held, "told of a slot, and holds none"
        yield decides & (kind == RELEASE) & ~held, "released, and nothing was held"
        yield decides & (kind == UNHELD) & held, "told that it holds nothing, and holds a slot"
        yield (kind == HOLD) & ~held & ~self.is_stranger, "listed as a holder, and holds nothing"

    def _wrong_names(self) -> Iterator[Wrong]:
        """A claim's slot has one name, and a name in an intake is one claim's."""
        is_claim = among(self.kind, GRANT, HOLD) & self.is_sure
        for name in ("slot", "claim_id"):
            where = np.flatnonzero(is_claim & (self.codes[name] >= 0))
            code, intake, every = self.codes[name][where], self.intake[where], np.ones(len(where), np.bool_)
            holding = self._holding(where)
            first = Groups(holding).first(every)
            other = (code[first] != code) | (intake[first] != intake)
            yield self._among(where, other), f"its {name} had another name before"
            again = holding[Groups(code, intake).first(every)] != holding
            yield self._among(where, again), f"its {name} was given to another claim before"

    def _holding(self, where: Ints) -> Ints:
        """Which claim each of these is about; of a holder who claimed nothing, the person."""
        is_hold, claimed = self.kind[where] == HOLD, self.claimed[where]
        holding = np.where(is_hold, claimed, self.receipt[where]).astype(np.int64)
        unclaimed = np.flatnonzero(is_hold & (claimed < 0))
        people = paired(self.who[where[unclaimed]], self.intake[where[unclaimed]])
        holding[unclaimed] = len(self.at) + people
        return holding

    def _wrong_turns(self, intake: str) -> Iterator[Wrong]:
        here, kind = self.intake_is[intake], self.kind
        is_open, has_closed = self._open(intake)
        yield here & self.grants & ~is_open, "granted while the intake was not open"
        refused = here & self.decides & among(kind, FULL, DUPLICATE)
        yield refused & ~is_open, "refused for another reason than that the intake was not open"
        yield here & among(kind, CLOSE, SET_CAP, REFRESH) & ~is_open, "done while it was not open"
        yield here & (kind == OPEN) & has_closed, "opened after it had closed"
        if intake in self.turned:
            yield here & self.decides & (kind == CLOSED) & is_open, "told that it is closed, while open"
            told = here & (kind == TOLD_CLOSED)
            is_late = np.where(self.op == OP["open"], has_closed, ~is_open)
            yield told & ~is_late, "told that the intake is not open, while it was"

    def _open(self, intake: str) -> tuple[Flags, Flags]:
        """Whether it is open before each place, and whether it has closed."""
        here = self.intake_is[intake]
        opens, closes = here & (self.kind == OPEN), here & (self.kind == CLOSE)
        initial = self.header.initial
        known = initial and (initial.used.get(intake) or (initial.holders or {}).get(intake))
        every = self.history.is_op("open") & ~self.history.is_result("fail")
        begins_open = bool(known) or intake not in set(self.history["intake"][every])
        is_open = latest(opens | closes, opens, int(begins_open)) > 0
        return is_open, latest(closes, closes, 0) > 0

    def _strangers(self) -> Flags:
        """On a shared service, holders who never asked here for anything."""
        if not self.header.shared:
            return np.zeros(len(self.at), dtype=np.bool_)
        ours = self.history.coded("applicant").codes[self.history.is_op("claim", "release")]
        return (self.kind == HOLD) & ~np.isin(self.who, ours)

    def _began(self) -> NDArray[np.integer]:
        """Whether each place's person held a slot of its intake from the beginning."""
        initial = self.header.initial
        began = np.zeros(len(self.at), dtype=np.int8)
        if initial is not None and initial.holders is None:
            return self._must_have_begun()
        for intake, holders in ((initial and initial.holders) or {}).items():
            if intake in self.intake_is:
                began |= self.intake_is[intake] & self._is_one_of(holders)
        return began

    def _must_have_begun(self) -> NDArray[np.integer]:
        """Where nobody knows who held a slot: whoever first does something for which one is needed."""
        kind, decides = self.kind, self.decides & self.is_sure
        takes = decides & among(kind, RELEASE, DUPLICATE) | (kind == HOLD)
        tells = takes | (decides & among(kind, GRANT, FULL, UNHELD))
        is_first = self.holdings.first(tells) == self.at
        needs = takes.astype(np.int8) - self.holdings.before(self.gains)
        return self.holdings.total(np.where(is_first, np.clip(needs, 0, 1), 0))

    def _wrong_beginnings(self, intake: str) -> Iterator[Wrong]:
        initial = self.header.initial
        if initial is not None and initial.holders is None and intake in initial.used:
            sure = self.intake_is[intake] & (self.began > 0) & self.is_sure
            another = sure & (self.holdings.first(sure) == self.at)
            yield another & (np.cumsum(another) > initial.used[intake]), "more held a slot than were used"

    def _wrong_readings(self, intake: str) -> Iterator[Wrong]:
        here, initial = self.intake_is[intake], self.header.initial
        reads = here & (self.kind == READ)
        if not self.header.shared:
            seen = np.flatnonzero(reads & (self.value != ABSENT))
            count = start_of_intake(self.header, intake) + np.cumsum(np.where(here, self.moves, 0))[seen]
            yield self._among(seen, self.value[seen] != count), "read another count"
        if (here & self.lists).any():
            listed = np.unique(self.who[here & (self.kind == HOLD)])
            is_unlisted = here & ~np.isin(self.who, listed) & (self.who >= 0)
            gains = np.where(is_unlisted, self.gains, 0)
            holders = set(((initial and initial.holders) or {}).get(intake, ()))
            names = self.history.coded("applicant").names
            began = len(holders - {str(names[code]) for code in listed.tolist() if code >= 0})
            if initial is not None and initial.holders is None:
                began = len(np.unique(self.who[is_unlisted & (self.began > 0)]))
            is_wrong = began + np.cumsum(gains) != 0
            yield here & self.lists & is_wrong, "listed without somebody who holds a slot"

    def _is_one_of(self, people: Collection[str]) -> Flags:
        return np.append(self.history.coded("applicant").names.among(people), False)[self.who]

    def is_named(self, cap: Cap) -> Flags:
        """Where the row names this cap."""
        return self.codes["cap"] == self.history.coded("cap").names.find(cap.name)

    def _wrong_caps(self) -> Iterator[Wrong]:
        can_refuse = np.zeros(len(self.at), dtype=np.bool_)
        can_set = self.intake < 0
        unnamed = ~np.any([self.is_named(cap) for cap in self.header.caps], axis=0)
        for cap in self.header.caps:
            counter = Counter(self, cap)
            is_named = self.is_named(cap)
            yield self.grants & counter.covered & ~counter.has_room, f"granted without room in {cap.name}"
            can_refuse |= counter.covered & (is_named | unnamed) & counter.is_full
            can_set |= counter.touched & is_named
        if self.header.shared:
            yield from wrong_with_others(self)
        else:
            yield (
                self.decides & (self.kind == FULL) & ~can_refuse,
                "told that the cap is full, while there was room",
            )
        yield (self.kind == SET_CAP) & ~can_set, "no such cap is over the intake"
