"""Histories that a correct service can have written, by chance: the ledger is asked at random instants.

Every command has an instant, at which it takes effect in the ledger; its interval begins before and ends
after it, by random delays. So the order of the instants explains every answer. Of some operations the answer
is lost, with or without their effect. A `Mix` says what there is in a history; MIXES names some of them.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from loadtests.header import Header, Initial
from loadtests.history import History, history_of
from loadtests.protocol import recorded
from sim.ledger import (
    Cap,
    Claim,
    Close,
    Command,
    Done,
    Duplicate,
    Ledger,
    Open,
    Read,
    Reason,
    Refresh,
    Release,
    Replayed,
    SetCap,
    Spec,
    cap_of,
)

Row = dict[str, Any]
Rng = np.random.Generator
BACK: frozenset[Reason] = frozenset({"withdrawal"})
STREAMS = ("regular", "pilot")
FAR_LIMIT = 10**6


@dataclass(frozen=True, slots=True)
class Mix:
    """What there is in a history."""

    operations: int = 8
    in_flight: int = 3
    """About how many operations are under way at once."""
    people: int = 4
    caps: tuple[Cap, ...] = (cap_of("2022", 2),)
    intakes: tuple[str, ...] = ("2022",)
    spec: Spec = field(default_factory=Spec)
    releases: float = 0.0
    """Share of the operations."""
    reads: float = 0.0
    retries: float = 0.0
    """Share of the claims and releases that repeat an earlier one, key and all."""
    hedges: float = 0.0
    """Share of the claims that are sent twice at once."""
    unknown: float = 0.0
    """Share of the operations that nobody answered, half of them without effect."""
    lost_orders: float = 0.0
    """Share of the orders of the administration that nobody answered, half of them without effect."""
    turns: bool = False
    """Whether the first intake closes half way, and the second opens; otherwise all are open throughout."""
    cuts: float = 0.0
    """Share of set-cap."""
    refreshes: float = 0.0
    streams: tuple[str, ...] = STREAMS[:1]
    slots: bool = True
    """Whether answers name the slot."""
    names_cap: bool = True
    """Whether a refusal names the cap."""
    audit: bool = False
    before: int = 0
    """How many claimed before the run."""
    lists_before: bool = True
    """Whether the header names the holders from before the run."""
    shared: bool = False
    """Whether others claim meanwhile."""
    skew: int = 0
    """By how much the clock of a host may be wrong."""


ONE, TWO = (cap_of("2022", 1),), (cap_of("2022", 2),)
QUOTAS = (cap_of("2022", 1, "pilot"), cap_of("2022", 2))
YEARS = (cap_of("2022", 2), cap_of("2023", 1))
LOST = {"unknown": 0.15, "retries": 0.2}
MIXES: dict[str, Mix] = {
    "claims": Mix(caps=TWO, people=7),
    "readings": Mix(reads=0.35, people=6),
    "unanswered": Mix(reads=0.25, unknown=0.25, people=6),
    "releases": Mix(reads=0.15, releases=0.3, spec=Spec(gives_back=BACK), caps=ONE),
    "keys": Mix(retries=0.4, hedges=0.2, unknown=0.2, people=3),
    "kept-back": Mix(releases=0.3, reads=0.1, spec=Spec(gives_back=frozenset()), people=3),
    "years": Mix(turns=True, intakes=("2022", "2023"), caps=YEARS, reads=0.1, people=5, **LOST),
    "years-and-releases": Mix(
        turns=True, intakes=("2022", "2023"), caps=YEARS, releases=0.2, spec=Spec(gives_back=BACK), **LOST
    ),
    "quotas": Mix(caps=QUOTAS, streams=STREAMS, reads=0.1, people=6, **LOST),
    "quotas-and-releases": Mix(
        caps=QUOTAS, streams=STREAMS, releases=0.25, spec=Spec(gives_back=BACK), unknown=0.1
    ),
    "quotas-unnamed": Mix(caps=QUOTAS, streams=STREAMS, names_cap=False, reads=0.1, people=6, unknown=0.1),
    "over-years": Mix(
        intakes=("2022", "2023"),
        caps=(cap_of("2022", 1), Cap("both", 2, frozenset({("2022", None), ("2023", None)}))),
        reads=0.1,
        unknown=0.1,
    ),
    "cuts": Mix(cuts=0.2, reads=0.1, releases=0.15, spec=Spec(gives_back=BACK), unknown=0.1),
    "cuts-alone": Mix(cuts=0.2, reads=0.15, unknown=0.1, people=6),
    "copies": Mix(refreshes=0.2, reads=0.1, spec=Spec(counter=7), people=6, unknown=0.1, caps=ONE),
    "copies-and-releases": Mix(
        refreshes=0.2, releases=0.2, spec=Spec(counter=7, gives_back=BACK), people=5, caps=ONE
    ),
    "sticky": Mix(
        releases=0.2, retries=0.4, unknown=0.15, spec=Spec(gives_back=BACK, refusals="sticky"), caps=ONE
    ),
    "turns-unanswered": Mix(
        turns=True, intakes=("2022", "2023"), caps=YEARS, reads=0.1, people=6, lost_orders=0.5
    ),
    "turns-and-cuts-unanswered": Mix(
        turns=True, intakes=("2022", "2023"), caps=YEARS, cuts=0.2, people=6, lost_orders=0.4, unknown=0.05
    ),
    "cuts-unanswered": Mix(cuts=0.2, people=7, caps=TWO, lost_orders=0.5),
    "cuts-and-releases-unanswered": Mix(
        cuts=0.2, reads=0.1, releases=0.2, spec=Spec(gives_back=BACK), people=5, lost_orders=0.5
    ),
    "quotas-cut-unanswered": Mix(
        cuts=0.25, caps=QUOTAS, streams=STREAMS, people=7, lost_orders=0.5, unknown=0.05
    ),
    "copies-unanswered": Mix(
        refreshes=0.3, reads=0.1, spec=Spec(counter=7), people=7, caps=TWO, lost_orders=0.5
    ),
    "soft": Mix(spec=Spec(tolerance=1), people=6, reads=0.1, unknown=0.1, caps=ONE),
    "begun": Mix(before=2, releases=0.25, reads=0.1, spec=Spec(gives_back=BACK), unknown=0.1),
    "begun-unlisted": Mix(before=2, lists_before=False, reads=0.1, releases=0.15, people=3),
    "shared": Mix(shared=True, people=5, reads=0.15, unknown=0.1),
    "shared-audited": Mix(shared=True, people=5, reads=0.1, audit=True, operations=6),
    "audited": Mix(audit=True, operations=6, unknown=0.2, retries=0.2, people=5),
    "audited-releases": Mix(
        audit=True, operations=6, releases=0.25, spec=Spec(gives_back=BACK), unknown=0.2, retries=0.2
    ),
    "nasty": Mix(
        releases=0.25, reads=0.1, retries=0.25, hedges=0.15, unknown=0.15, people=2, audit=True,
        operations=6, spec=Spec(gives_back=BACK),
    ),
    "skewed": Mix(skew=3, reads=0.2, releases=0.2, spec=Spec(gives_back=BACK), unknown=0.1),
}  # fmt: skip


def from_ledger(rng: Rng, mix: Mix) -> History:
    """A history of a correct service."""
    return _Telling(rng, mix).history()


class _Telling:
    """The ledger, a clock, and the rows so far."""

    def __init__(self, rng: Rng, mix: Mix) -> None:
        self.rng, self.mix, self.now = rng, mix, 100
        self.ledger = Ledger(mix.spec)
        self.rows: list[Row] = []
        self.asked: list[Claim | Release] = []
        self.keys, self.others = 0, 0
        self.people = [f"p{number}" for number in range(mix.people)]
        self.limits = {cap.name: cap.limit for cap in mix.caps}
        self.called = rng.permutation(max(64, 2 * mix.operations + mix.before)).tolist()
        self.initial: Initial | None = None

    def history(self) -> History:
        mix = self.mix
        for intake in mix.intakes[: 1 if mix.turns else None]:
            self._open(intake)
        self._before()
        for number in range(mix.operations):
            self.now += int(self.rng.integers(0, 4))
            if mix.turns and number == mix.operations // 2:
                self._turn()
            self._next()
        if mix.audit:
            self._audit()
        header = Header(
            caps=mix.caps,
            spec=mix.spec,
            initial=self.initial,
            shared=mix.shared,
            clock_bound_ns=mix.skew,
            source="the ledger, at random instants",
        )
        return history_of(header, sorted(self.rows, key=lambda row: row["invoked_ns"]))

    def _open(self, intake: str) -> None:
        caps = tuple(cap for cap in self.mix.caps if cap.touches(intake))
        assert isinstance(self.ledger.apply(Open(intake, caps)), Done)

    def _before(self) -> None:
        """Some claim, and some of them release, before anything is recorded."""
        first = self.mix.intakes[0]
        for number in range(self.mix.before):
            who = self._one(self.people)
            self.ledger.apply(Claim(who, f"before {number}", first, self._one(self.mix.streams)))
            if self.rng.random() < 0.2:
                reason: Reason = self._one(("refusal", "withdrawal"))
                self.ledger.apply(Release(who, f"gone {number}", first, reason))
        if self.mix.before:
            used = {intake: self.ledger.tally(intake).used for intake in self.mix.intakes}
            used |= {cap.name: self.ledger.cap(cap.name).used for cap in self.mix.caps}
            holders = {intake: tuple(self.ledger.holders(intake)) for intake in self.mix.intakes}
            self.initial = Initial(used, holders if self.mix.lists_before else None)

    def _turn(self) -> None:
        closing, opening = self.mix.intakes[:2]
        self._ask(Close(closing))
        self.now += int(self.rng.integers(0, 3))
        caps = tuple(cap for cap in self.mix.caps if cap.touches(opening))
        self._ask(Open(opening, caps))

    def _next(self) -> None:
        mix, rng = self.mix, self.rng
        intake = self._one(mix.intakes)
        kind = rng.random()
        if mix.shared and rng.random() < 0.15:
            self.others += 1
            self.ledger.apply(Claim(f"other{self.others}", "k", intake, self._one(mix.streams)))
        if kind < mix.reads:
            return self._ask(Read(intake))
        kind -= mix.reads
        if kind < mix.cuts:
            cap = self._one(mix.caps)
            self.limits[cap.name] = limit = int(rng.integers(0, cap.limit + 2))
            return self._ask(SetCap(self._one(sorted({each for each, _ in cap.covers})), cap.name, limit))
        kind -= mix.cuts
        if kind < mix.refreshes:
            return self._ask(Refresh(intake))
        if self.asked and rng.random() < mix.retries:
            return self._ask(self._one(self.asked))
        self.keys += 1
        who = self._one(self.people)
        if kind - mix.refreshes < mix.releases:
            holders = sorted(self.ledger.holders(intake)) if self._knows(intake) else []
            who = self._one(holders) if holders and rng.random() < 0.85 else who
            reason: Reason = "withdrawal" if rng.random() < 0.8 else "refusal"
            return self._ask(Release(who, f"r{self.keys}", intake, reason))
        claim = Claim(who, f"k{self.keys}", intake, self._one(mix.streams))
        for _ in range(2 if rng.random() < mix.hedges else 1):
            self._ask(claim)
        return None

    def _knows(self, intake: str) -> bool:
        return not self.mix.turns or intake == self.mix.intakes[0] or self.ledger.is_open(intake)

    def _ask(self, command: Command) -> None:
        """Let it take effect now, or get lost, and write its row."""
        mix, rng = self.mix, self.rng
        if isinstance(command, Claim | Release):
            self.asked.append(command)
        if isinstance(command, Claim) and mix.spec.tolerance and self._knows(command.intake):
            for cap in mix.caps:
                soft = self.limits[cap.name] + int(rng.integers(0, mix.spec.tolerance + 1))
                self.ledger.apply(SetCap(command.intake, cap.name, soft))
        row = self._asked(command)
        is_lost = rng.random() < mix.unknown and not isinstance(command, Open | Close)
        if mix.lost_orders and isinstance(command, Open | Close | SetCap | Refresh):
            is_lost = rng.random() < mix.lost_orders
        if is_lost and isinstance(
            command, Release
        ):  # nobody knows its reason; the judge takes it to give back
            command = replace(command, reason="withdrawal")
        if is_lost and rng.random() < 0.5:
            self.rows.append(row | {"result": "info", "completed_ns": None})
            return
        reply = self.ledger.apply(command)
        if is_lost:
            result = self._one(("info", "pending"))
            self.rows.append(row | {"result": result, "completed_ns": None})
            return
        said = {
            name: value for name, value in recorded(command, reply)._asdict().items() if value is not None
        }
        said.pop("position", None)
        said.pop("claim_id", None)
        # A refusal that is kept and named a slot would look like a grant: see the meaning of `replayed`.
        is_plain = mix.slots and not (isinstance(reply, Replayed) and isinstance(reply.first, Duplicate))
        if "slot" in said:
            said["slot"] = str(self.called[int(said["slot"])]) if is_plain else None
        if not mix.names_cap:
            said.pop("cap", None)
        self.rows.append(row | said)

    def _asked(self, command: Command) -> Row:
        rng, reach = self.rng, 2 * self.mix.in_flight
        begins = self.now - int(rng.integers(0, reach))
        ends = self.now + int(rng.integers(0, reach))
        if self.mix.skew:
            begins += int(rng.integers(-self.mix.skew, self.mix.skew + 1))
            ends = max(begins, ends + int(rng.integers(-self.mix.skew, self.mix.skew + 1)))
        row: Row = {"intake": command.intake, "invoked_ns": begins, "completed_ns": ends}
        row["op"] = {
            Claim: "claim", Release: "release", Read: "read", SetCap: "set-cap", Refresh: "refresh",
            Open: "open", Close: "close",
        }[type(command)]  # fmt: skip
        match command:
            case Claim():
                row |= {"applicant": command.applicant, "key": command.key, "stream": command.stream}
            case Release():
                row |= {"applicant": command.applicant, "key": command.key}
            case SetCap():
                row |= {"cap": command.cap, "value": command.limit}
        return row

    def _audit(self) -> None:
        """The count and the holders, after everything was answered."""
        begins = self.now + 3 * self.mix.in_flight
        for intake in self.mix.intakes:
            if not self._knows(intake):
                continue
            times = {"intake": intake, "invoked_ns": begins, "completed_ns": begins, "result": "ok"}
            used = self.ledger.tally(intake).used
            note = {"op": "read", "answer": "count", "value": used, "note": "audit; listed"}
            self.rows.append(times | note)
            for who, (_, granted) in self.ledger.holders(intake).items():
                hold = {"op": "hold", "applicant": who}
                slot = {"slot": str(self.called[granted.slot])} if self.mix.slots else {}
                self.rows.append(times | hold | slot)

    def _one(self, some: Any) -> Any:
        return some[int(self.rng.integers(len(some)))]


def sized(mix: Mix, operations: int, *, in_flight: int | None = None) -> Mix:
    """The same mix with another number of operations, and people and caps to match."""
    scale = max(1, operations // mix.operations)
    caps = tuple(replace(cap, limit=cap.limit * scale) for cap in mix.caps)
    people = mix.people * scale
    flight = mix.in_flight if in_flight is None else in_flight
    return replace(mix, operations=operations, in_flight=flight, people=people, caps=caps)
