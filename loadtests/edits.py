"""Faults written into a history: what a faulty service would have left in it.

Each edit makes a new history; columns that it does not touch are those of the old one. Rows that are added
have persons and keys of their own. A grant that is added is also counted and listed by the audit, and by
readings that began after it, since a service that grants one too many knows it; a refusal that is added
changes no count. `order` is an order of rows that explains the history; without one, that of completion
serves.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from loadtests.checks.requests import claims
from loadtests.cutouts import spans_of
from loadtests.histories.columns import COLUMNS, NOBODY, TEXTS, Coded, Columns, Names
from loadtests.histories.plain import plain_array
from loadtests.history import ABSENT, AUDIT, NEVER, History
from sim.ledger import Cap

Row = dict[str, Any]
STRANGER: Final = "edited"
NEAR: Final = 64
"""So many slots may be free where a grant too many is written in: all of them are granted first."""


class Kind(NamedTuple):
    """A kind of fault that can be written into a history."""

    name: str
    says: str
    many: str
    """The same of several: "{size} ..."."""
    make: Callable[[int], History | None]
    """With this size, at a place that is drawn; None where there is none."""

    def of_size(self, size: int) -> str:
        return self.many.format(size=f"{size:,}")


class Edits:
    """The kinds of fault for one history."""

    def __init__(
        self, history: History, order: np.ndarray | None, rng: np.random.Generator, *, cap: Cap | None = None
    ) -> None:
        """`cap`: which is meant, in a part of a history in which there need be no grant."""
        self.history, self.rng = history, rng
        self.order = _by_completion(history) if order is None else order
        self.spans = spans_of(history, self.order)
        self.when = self.spans.when
        self._counts: dict[Cap, np.ndarray] = {}
        self.is_grant = history.is_op("claim") & history.is_answer("granted")
        self.names_slots = bool((history.coded("slot").codes[self.is_grant] >= 0).any())
        told = history.is_answer("granted", "replayed") | history.is_result("info", "pending")
        self.takes = history.is_op("claim") & told
        """Claims that took a slot, if they stand in the order: first attempts that nobody answered too."""
        self.cap = self._fullest() if cap is None else cap

    def kinds(self) -> Iterator[Kind]:
        """Those that this history has a place for, whatever comes of them."""
        if self.cap is not None:
            yield Kind("grant", "one grant too many", "{size} grants too many", self.grants)
            yield Kind(
                "refusal",
                "one refusal while there was room",
                "a refusal with {size} slots free",
                self.refusal,
            )
        if self.readings().size:
            yield Kind("reading", "one stale reading", "a reading that is {size} behind", self.reading)
        if self.names_slots and self._keyed().size:
            yield Kind("second", "a second slot under one key", "{size} second slots", self.second)
        if self._listed_holders().size:
            yield Kind(
                "lost", "a grant lost before the audit", "{size} grants lost before the audit", self.lost
            )

    def _fullest(self) -> Cap | None:
        """The cap that came nearest to being reached, among those on grants of this history."""
        counts = [(self._used(cap)[-1] - cap.limit, cap) for cap in self.history.header.caps]
        if not self.is_grant.any():
            return None
        known = [(int(above), cap.name, cap) for above, cap in counts if self._covers(cap).any()]
        return max(known)[2] if known else None

    def _covers(self, cap: Cap) -> np.ndarray:
        intakes, streams = self.history.coded("intake"), self.history.coded("stream")
        found = np.zeros(len(self.history), dtype=np.bool_)
        for intake, stream in cap.covers:
            mine = intakes.is_text(intake)
            found |= mine if stream is None else mine & streams.is_text(stream)
        return found & self.takes

    def _used(self, cap: Cap) -> np.ndarray:
        """The count of a cap before the order, and after each place of it."""
        if cap not in self._counts:
            self._counts[cap] = self._counted(cap)
        return self._counts[cap]

    def _counted(self, cap: Cap) -> np.ndarray:
        mine = self._covers(cap)[self.order] & self._is_first()
        back = self.history.is_op("release") & (self.history["given_back"] == 1)
        moves = mine.astype(np.int64) - back[self.order].astype(np.int64)
        initial = self.history.header.initial
        start = initial.used.get(cap.name, 0) if initial else 0
        return np.asarray(start + np.append(0, np.cumsum(moves)))

    def _is_first(self) -> np.ndarray:
        """Which places of the order are the first of their request that takes a slot."""
        asked = claims(self.history)
        request = np.full(len(self.history), -1, dtype=np.int64)
        request[asked.rows] = asked.request
        places = np.flatnonzero(self.takes[self.order])[::-1]
        of = request[self.order[places]]
        first = np.full(len(asked), -1, dtype=np.int64)
        first[of] = places  # the last that is written stays, which is the first of the order
        found = np.zeros(len(self.order), dtype=np.bool_)
        found[places] = first[of] == places
        return found

    def fullest(self, *, room: int = 0) -> int:
        """A place of the order after which the cap came nearest to having no more room than this."""
        assert self.cap is not None
        left = self.cap.limit - self._used(self.cap)
        fits = left[left >= room] if room else left
        return self._place(np.flatnonzero(left == fits.min(initial=int(left.max()))))

    def place_of(self, row: int) -> int:
        """The place of a row in the order."""
        return int(np.flatnonzero(self.order == row)[0])

    def cap_of_reading(self, place: int) -> Cap | None:
        """The cap over the whole intake of a reading, or the intake itself where it has none."""
        row = int(self.order[place])
        intake = str(self.history.coded("intake").at(row))
        whole = frozenset({(intake, None)})
        mine = [cap for cap in self.history.header.caps if cap.covers == whole]
        return mine[0] if mine else None

    def granted(self) -> np.ndarray:
        """Claims that were granted a slot."""
        return np.flatnonzero(self.is_grant)

    def grants(self, size: int) -> History | None:
        """So many grants more than there is room for when the cap is fullest."""
        assert self.cap is not None
        count = self._used(self.cap)
        room = max(0, self.cap.limit + self.history.header.spec.tolerance - int(count.max()))
        if room > NEAR:
            return None
        at = self._place(np.flatnonzero(count == count.max()))
        rows = self._strangers(at, size + room)
        return self._with([row | self._granted(n) for n, row in enumerate(rows)], counted=1)

    def refusal(self, size: int) -> History | None:
        """A refusal while so many slots are free, where the count comes nearest to that."""
        assert self.cap is not None
        count = self._used(self.cap)
        limits = self.history.is_op("set-cap").any()
        fits = np.flatnonzero(self.cap.limit - count >= size)
        if not fits.size or limits:
            return None
        close = fits[self.cap.limit - count[fits] == (self.cap.limit - count[fits]).min()]
        [row] = self._strangers(self._place(close), 1)
        row |= {"answer": "full", "result": "ok", "cap": self.cap.name}
        return self._with([row], counted=0)

    def _place(self, counts: np.ndarray) -> int:
        """One of the places of the order after which the count is one of these."""
        return max(0, int(self.rng.choice(counts)) - 1)

    def readings(self) -> np.ndarray:
        """Readings that could have seen fewer; of an audit only where there are no others."""
        is_reading = self.history.is_op("read") & self.history.is_answer("count")
        found = np.flatnonzero(is_reading & (self.history["value"] != ABSENT) & (self.history["value"] > 0))
        during = found[~self.history.coded("note").starting(AUDIT)[found]]
        return during if during.size else found

    def reading(self, size: int) -> History | None:
        """One reading that saw so many fewer."""
        readings = self.readings()
        large = readings[self.history["value"][readings] >= size]
        if not large.size:
            return None
        value = self.history["value"].copy()
        value[int(self.rng.choice(large))] -= size
        return self._changed({"value": value})

    def _keyed(self) -> np.ndarray:
        codes = self.history.coded("slot").codes
        has_ended = self.history["completed_ns"] < NEVER  # a grant may be on record without its time
        return np.flatnonzero(
            self.is_grant & has_ended & (codes >= 0) & (self.history.coded("key").codes >= 0)
        )

    def second(self, size: int) -> History | None:
        """Keys that were granted a slot, asked again and told of another one."""
        keyed = self._keyed()
        if size > len(keyed):
            return None
        lasted, rows = self._lasted(), []
        for number, at in enumerate(self.rng.choice(keyed, size, replace=False).tolist()):
            [asked] = self.history.rows([at])
            begins = int(self.history["completed_ns"][at]) + 1
            again = {name: asked.get(name) for name in ("applicant", "stream", "intake", "key")}
            ends = begins + self._took(lasted)
            times = {"invoked_ns": begins, "due_ns": begins, "completed_ns": ends, "chain": 0}
            rows.append(again | times | self._granted(number) | {"op": "claim", "answer": "replayed"})
        return self._with(rows, counted=0)

    def _listed_holders(self) -> np.ndarray:
        notes = self.history.coded("note")
        is_list = np.array(
            [str(each).startswith(AUDIT) and "listed" in str(each) for each in notes.names], bool
        )
        if not np.append(is_list, False)[notes.codes].any():
            return np.empty(0, dtype=np.int64)
        mine = np.unique(self.history.coded("applicant").codes[self.is_grant])
        holds = self.history.is_op("hold") & np.isin(self.history.coded("applicant").codes, mine)
        return np.flatnonzero(holds)

    def lost(self, size: int) -> History | None:
        """Holders who are not on the list any more, nor counted by the audit."""
        holders = self._listed_holders()
        if size > len(holders):
            return None
        gone = self.rng.choice(holders, size, replace=False)
        keep = np.setdiff1d(np.arange(len(self.history)), gone)
        value = self.history["value"].copy()
        intakes = self.history.coded("intake").codes
        audits = self.history.is_op("read") & self.history.coded("note").starting(AUDIT) & (value != ABSENT)
        for row in gone.tolist():
            value[audits & (intakes == intakes[row])] -= 1
        return _rows_of(self._changed({"value": value}), keep)

    def _strangers(self, at: int, many: int) -> list[Row]:
        """Claims of strangers at a place of the order, each under way as long as some other claim was."""
        assert self.cap is not None
        instant = int(self.when[min(at, len(self.when) - 1)]) if len(self.when) else 0
        intake, stream = sorted(self.cap.covers, key=str)[0]
        streams = self.history.coded("stream").names
        stream = stream or (str(streams[0]) if len(streams) else None)
        said = {"op": "claim", "intake": intake, "stream": stream, "attempt": 1, "chain": 0}
        lasted, rows = self._lasted(), []
        for number in range(many):
            took = self._took(lasted)
            begins = instant - int(took * self.rng.random())
            times = {"invoked_ns": begins, "due_ns": begins, "completed_ns": max(instant, begins + took)}
            rows.append(said | times | dict.fromkeys(("applicant", "key"), f"{STRANGER}-{number}"))
        return rows

    def _lasted(self) -> np.ndarray:
        """For how long each claim that has ended was under way."""
        begins, ends = self.history["invoked_ns"], self.history["completed_ns"]
        done = np.flatnonzero(self.history.is_op("claim") & (ends < NEVER))
        return np.asarray(ends[done] - begins[done])

    def _took(self, lasted: np.ndarray) -> int:
        return int(lasted[self.rng.integers(len(lasted))]) if len(lasted) else 0

    def _granted(self, number: int) -> Row:
        slot = f"{STRANGER}-{number}" if self.names_slots else None
        return {"answer": "granted", "result": "ok", "slot": slot}

    def _with(self, rows: list[Row], *, counted: int) -> History:
        """The history with further rows; grants are also counted by whatever was read after them."""
        found = self.history
        if counted:
            ends = max(int(row["completed_ns"]) for row in rows)
            value = found["value"].copy()
            later = found.is_op("read") & (value != ABSENT) & (found["invoked_ns"] > ends)
            later &= found.coded("intake").is_text(rows[0]["intake"])
            value[later] += len(rows)
            found = self._changed({"value": value})
            rows = [*rows, *self._listed_too(rows)]
        return _inserted(found, rows)

    def _listed_too(self, rows: list[Row]) -> list[Row]:
        """Rows of the audit's list for those who were granted too much, where there is a list."""
        notes = self.history.coded("note").starting(AUDIT) & self.history.is_op("read")
        audits = np.flatnonzero(notes & self.history.coded("intake").is_text(rows[0]["intake"]))
        if not audits.size or not self._listed_holders().size:
            return []
        times = {name: int(self.history[name][audits[-1]]) for name in ("invoked_ns", "completed_ns")}
        said = {"op": "hold", "result": "ok", "intake": rows[0]["intake"]} | times
        return [said | {name: row[name] for name in ("applicant", "stream", "slot")} for row in rows]

    def _changed(self, columns: Mapping[str, np.ndarray]) -> History:
        kept = {name: self._column(self.history, name) for name in COLUMNS if name not in columns}
        return History(self.history.header, Columns(len(self.history), {**kept, **columns}))

    @staticmethod
    def _column(history: History, name: str) -> Any:
        return lambda: history.coded(name) if name in TEXTS else history[name]


def _by_completion(history: History) -> np.ndarray:
    known, (_, ends) = np.flatnonzero(history.is_result("ok")), history.widened()
    return known[np.argsort(ends[known], kind="stable")]


def _rows_of(history: History, keep: np.ndarray) -> History:
    """Some rows of a history."""

    def some(name: str) -> Any:
        return lambda: history.coded_at(name, keep) if name in TEXTS else history[name][keep]

    given = {name: some(name) for name in COLUMNS if name != "index"}
    return History(history.header, Columns(len(keep), given))


def _inserted(history: History, rows: list[Row]) -> History:
    """A history with further rows, each where its invocation belongs."""
    rows = sorted(rows, key=lambda row: int(row["invoked_ns"]))
    at = np.searchsorted(history["invoked_ns"], [int(row["invoked_ns"]) for row in rows], side="right")

    def with_rows(name: str) -> Any:
        def fetch() -> Any:
            more = plain_array(name, [row.get(name) for row in rows], "")
            if name not in TEXTS:
                return np.insert(history[name], at, more)
            codes, names = _with_texts(history.coded(name), more.tolist())
            return Coded(np.insert(history.coded(name).codes, at, codes), names)

        return fetch

    given = {name: with_rows(name) for name in COLUMNS if name != "index"}
    return History(history.header, Columns(len(history) + len(rows), given))


def _with_texts(coded: Coded, texts: list[str | None]) -> tuple[np.ndarray, Names]:
    """The codes of some texts, and the names with those that are new."""
    names = coded.names
    place = {text: names.find(text) for text in texts if text is not None}
    new = [text for text, code in place.items() if code < 0]
    place |= {text: len(names) + number for number, text in enumerate(new)}
    codes = [NOBODY if text is None else place[text] for text in texts]
    return np.array(codes, dtype=coded.codes.dtype), Names([*names, *new]) if new else names
