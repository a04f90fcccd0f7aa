"""The rule book of a capped intake: which claim gets a slot, which is refused, what is given back.

The ledger is a state machine without a clock. `decide` reads, `record` is the only mutator, `apply` is both
in one step, `undo` takes the last record back. A refusal is a reply, never an exception; a failed assertion
means that the caller or this file is broken. It stands alone, so its language and its machine are one module.

Words
    intake    what a period takes in; it opens once and closes for good
    cap       a limit on the slots of a set of (intake, stream) pairs
    slot      one unit: a number unique in its intake, not used again even after it was given back
    position  commit order of a grant within its intake, from 1. Slots are numbered by position here; another
              store may number them otherwise, as long as no two grants of an intake share one
    key       names one request of one applicant; a repeat of the request carries the same key
    receipt   the definite answer kept under (applicant, key), for claims and releases alike
    used      what a cap counts: up with a grant, down with a release whose reason is in `gives_back`
    held      how many have a slot: up with a grant, down with every release

The order of checks. The first line that applies is the reply.
    Claim    a receipt under (applicant, key): Replayed for this same claim, Mismatch for anything else
             the intake is not open, be it not yet or no longer: Closed
             the applicant holds a slot of the intake: Duplicate
             a cap over (intake, stream) has no room: Full, naming the first such cap in declared order
             otherwise Granted
    Release  a receipt under (applicant, key): Replayed for a release of this intake, otherwise Mismatch
             the applicant holds no slot of the intake: Unheld
             otherwise Released, be the intake open or closed
    Open     the intake has closed: Closed
             it is open: Done, without effect, if the caps are those it opened with, otherwise Mismatch
             a cap has a known name and another declaration, or is new and covers an earlier intake: Mismatch
             otherwise Done
    SetCap   the intake is not open: Closed; no cap of that name covers it: Mismatch; otherwise Done
    Refresh  the intake is not open: Closed; otherwise Done.   Close: the same
    Read     always Count, which is 0 for an intake that never opened
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Literal, TypeAlias

Reason: TypeAlias = Literal["refusal", "withdrawal", "expiry"]
REASONS = frozenset({"refusal", "withdrawal", "expiry"})


@dataclass(frozen=True, slots=True)
class Spec:
    """The switches of an allocator; with them any scenario, service or history can be judged by itself."""

    counts: Literal["accepted", "received", "approved"] = "accepted"
    """The moment at which a claim is issued. The ledger takes claims as they come."""
    gives_back: frozenset[Reason] = frozenset()
    """The reasons of release that lower `used`."""
    refusals: Literal["fresh", "sticky"] = "fresh"
    """fresh: grants and releases alone leave a receipt; sticky: every definite answer does."""
    counter: Literal["exact"] | int = "exact"
    """What claims are judged by: `used` itself, or a copy that a Refresh takes every so many days."""
    over_cap: Literal["return", "refuse", "queue"] = "return"
    """What happens to an application that finds the cap reached. To the ledger it is Full in any case."""
    tolerance: int = 0
    """By how much a soft cap may be passed before a judge objects. The ledger never grants more for it."""

    def __post_init__(self) -> None:
        _expect(
            "counts",
            self.counts,
            self.counts in ("accepted", "received", "approved"),
            "accepted, received, approved",
        )
        _expect("refusals", self.refusals, self.refusals in ("fresh", "sticky"), "fresh or sticky")
        _expect(
            "over_cap", self.over_cap, self.over_cap in ("return", "refuse", "queue"), "return, refuse, queue"
        )
        is_set = isinstance(self.gives_back, frozenset) and self.gives_back <= REASONS
        _expect("gives_back", self.gives_back, is_set, "a frozenset of refusal, withdrawal, expiry")
        is_known = self.counter == "exact" or (_is_count(self.counter) and self.counter != 0)
        _expect("counter", self.counter, is_known, "'exact', or a number of days above 0")
        _expect("tolerance", self.tolerance, _is_count(self.tolerance), "a whole number, 0 or more")

    def as_plain(self) -> dict[str, object]:
        """The spec in the words of scenario files, service answers and history headers."""
        counter = self.counter if self.counter == "exact" else {"refresh_days": self.counter}
        return asdict(self) | {"gives_back": sorted(self.gives_back), "counter": counter}


def _expect(key: str, value: object, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ValueError(f"{key} = {value!r}: expected {expected}")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit, declared when the first of its intakes opens. Later only the limit may change, by SetCap."""

    name: str  # unique in the ledger, such as "2022" or "2022/pilot"; a Full names it
    limit: int  # how many slots it allows; 0 allows none
    covers: frozenset[
        tuple[str, str | None]
    ]  # the (intake, stream) pairs; None is every stream of the intake

    def __post_init__(self) -> None:
        assert self.name, f"a cap needs a name: {self!r}"
        assert self.covers, f"a cap covers something: {self!r}"
        assert _is_count(self.limit), f"limit = {self.limit!r}: expected a whole number, 0 or more"

    def is_over(self, intake: str, stream: str) -> bool:
        return (intake, None) in self.covers or (intake, stream) in self.covers

    def touches(self, intake: str) -> bool:
        return any(covered == intake for covered, _ in self.covers)


def cap_of(intake: str, limit: int, *streams: str) -> Cap:
    """The cap on a whole intake, named "2022", or on streams of it together, named "2022/pilot+spouse"."""
    name = f"{intake}/{'+'.join(streams)}" if streams else intake
    return Cap(name, limit, frozenset((intake, stream) for stream in streams or (None,)))


@dataclass(frozen=True, slots=True)
class Open:
    """Begin an intake and declare its caps.

    A cap that spans several intakes is declared with the first of them; the others need not list it again.
    """

    intake: str
    caps: tuple[Cap, ...]  # in the order in which a Full looks for the one to name

    def __post_init__(self) -> None:
        assert len({cap.name for cap in self.caps}) == len(self.caps), f"two caps of one name: {self!r}"
        assert all(cap.touches(self.intake) for cap in self.caps), f"a cap covers nothing of it: {self!r}"


@dataclass(frozen=True, slots=True)
class SetCap:
    """Change a limit at once. It may fall below `used`: claims are then Full until `used` is below it."""

    intake: str
    cap: str
    limit: int

    def __post_init__(self) -> None:
        assert _is_count(self.limit), f"limit = {self.limit!r}: expected a whole number, 0 or more"


@dataclass(frozen=True, slots=True)
class Refresh:
    """Copy `used` of every cap over the intake, for later claims to be judged by."""

    intake: str


@dataclass(frozen=True, slots=True)
class Close:
    """End the intake: no more grants. Holdings stay, and may still be released."""

    intake: str


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask for one slot."""

    applicant: str
    key: str
    intake: str
    stream: str


@dataclass(frozen=True, slots=True)
class Release:
    """End the applicant's holding in the intake."""

    applicant: str
    key: str  # the release's own, not that of the claim
    intake: str
    reason: Reason

    def __post_init__(self) -> None:
        assert self.reason in REASONS, f"reason = {self.reason!r}: expected one of {sorted(REASONS)}"


@dataclass(frozen=True, slots=True)
class Read:
    """Ask for `used` of the whole intake: the true figure, even where claims are judged by a copy."""

    intake: str


@dataclass(frozen=True, slots=True)
class Granted:
    slot: int
    position: int


@dataclass(frozen=True, slots=True)
class Replayed:
    first: "Granted | Duplicate | Full | Closed | Released | Unheld"  # it stands, whatever happened since


@dataclass(frozen=True, slots=True)
class Duplicate:
    slot: int  # which the applicant holds under another key


@dataclass(frozen=True, slots=True)
class Full:
    cap: str  # the first in declared order that has no room


@dataclass(frozen=True, slots=True)
class Closed:
    """The intake is not open."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The command contradicts what was said before under this key or name. It has no effect."""


@dataclass(frozen=True, slots=True)
class Released:
    given_back: bool  # whether `used` was lowered


@dataclass(frozen=True, slots=True)
class Unheld:
    """The applicant holds no slot of the intake."""


@dataclass(frozen=True, slots=True)
class Count:
    used: int


@dataclass(frozen=True, slots=True)
class Done:
    """What Open, SetCap, Refresh or Close asks for is so."""


Command: TypeAlias = Open | SetCap | Refresh | Close | Claim | Release | Read
Reply: TypeAlias = (
    Granted | Replayed | Duplicate | Full | Closed | Mismatch | Released | Unheld | Count | Done
)
REPLIES_TO: dict[type[Command], tuple[type[Reply], ...]] = {
    Open: (Done, Mismatch, Closed),
    SetCap: (Done, Mismatch, Closed),
    Refresh: (Done, Closed),
    Close: (Done, Closed),
    Claim: (Granted, Replayed, Mismatch, Closed, Duplicate, Full),
    Release: (Released, Replayed, Mismatch, Unheld),
    Read: (Count,),
}
_KEPT_WHEN_STICKY = Duplicate | Full | Closed | Unheld

Inverse: TypeAlias = Callable[[], object]
"""What undoes one record. Every private method that changes the ledger returns it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The figures of one cap, or of an intake as a whole."""

    name: str
    limit: int | None  # in force now; None for an intake, which is limited by its caps
    granted: int
    used: int
    held: int
    given_back: int  # granted - used
    not_given_back: int  # used - held
    judged: int  # what claims are judged by: `used`, or the copy of it


@dataclass(slots=True, eq=False)
class _Account:
    """The running figures of a cap, or of an intake as a whole."""

    name: str
    limit: int | None
    granted: int = 0
    used: int = 0
    held: int = 0
    copied: int = 0

    def move(self, granted: int, used: int, held: int) -> None:
        self.granted += granted
        self.used += used
        self.held += held
        assert 0 <= self.held <= self.used <= self.granted, f"0 <= held <= used <= granted fails: {self}"


@dataclass(slots=True)
class _Intake:
    caps: tuple[Cap, ...]
    account: _Account
    is_open: bool = True
    holdings: dict[str, tuple[Claim, Granted]] = field(default_factory=dict)
    # What a slot of each stream is charged to: remembered, since no cap can come to cover an intake later.
    charged: dict[str, tuple[_Account, ...]] = field(default_factory=dict)


class Ledger:
    """Begins empty and knows what was recorded. Without a journal it is faster, and cannot undo."""

    def __init__(self, spec: Spec, *, journal: bool = True) -> None:
        self.spec = spec
        self._is_exact = spec.counter == "exact"
        self._caps: dict[str, Cap] = {}  # as declared, in declared order
        self._accounts: dict[str, _Account] = {}  # of the caps
        self._intakes: dict[str, _Intake] = {}
        self._receipts: dict[tuple[str, str], tuple[Claim | Release, Reply]] = {}  # in commit order
        self._journal: list[Inverse] | None = [] if journal else None

    def decide(self, command: Command) -> Reply:
        """The reply that is due now, by the order of checks. Changes nothing."""
        intake = self._intakes.get(command.intake)
        match command:
            case Claim():
                return self._decide_claim(command, intake)
            case Release():
                return self._decide_release(command, intake)
            case Open():
                return self._decide_open(command, intake)
            case Read():
                return Count(0 if intake is None else intake.account.used)
        if intake is None or not intake.is_open:
            return Closed()
        if isinstance(command, SetCap) and not self._touches(command.cap, command.intake):
            return Mismatch()
        return Done()

    def record(self, command: Command, reply: Reply) -> None:
        """Let the command take effect as the reply says."""
        assert type(reply) in REPLIES_TO[type(command)], f"{reply!r} is no reply to {command!r}"
        inverse = self._take_effect(command, reply)
        if self._journal is not None:
            self._journal.append(inverse)

    def undo(self) -> None:
        """Take back the last record that still stands, whether or not it had an effect."""
        assert self._journal, "nothing to undo: nothing was recorded, or the ledger keeps no journal"
        self._journal.pop()()

    def apply(self, command: Command) -> Reply:
        """Decide and record."""
        reply = self.decide(command)
        self.record(command, reply)
        return reply

    def is_open(self, intake: str) -> bool:
        return intake in self._intakes and self._intakes[intake].is_open

    def tally(self, intake: str) -> Tally:
        """The figures of an intake that has been opened, over all its streams."""
        return self._tally_of(self._intakes[intake].account)

    def cap(self, name: str) -> Tally:
        """The figures of a declared cap."""
        return self._tally_of(self._accounts[name])

    def caps_over(self, intake: str, stream: str) -> tuple[Tally, ...]:
        """The caps that a claim for this stream is judged by, in declared order."""
        return tuple(self._tally_of(account) for account in self._charged(intake, stream)[:-1])

    def holders(self, intake: str) -> dict[str, tuple[Claim, Granted]]:
        """By applicant, the claims that hold a slot of an intake that has been opened, and their grants."""
        return dict(self._intakes[intake].holdings)

    def state(self) -> tuple[object, ...]:
        """All that a later reply can depend on, as a value: ledgers in equal states answer alike for ever."""
        intakes = {
            name: (intake.is_open, intake.caps, dict(intake.holdings), self._figures(intake.account))
            for name, intake in self._intakes.items()
        }
        caps = [(self._caps[name], self._figures(account)) for name, account in self._accounts.items()]
        return caps, intakes, dict(self._receipts)

    def audit(self) -> tuple[Tally, ...]:
        """Count again from the receipts alone, assert that the running figures agree, and return these.

        One tally a cap, then one an intake. Every grant and every release has left a receipt, in commit
        order, so the receipts tell the whole story.
        """
        accounts = [*self._accounts.values(), *(intake.account for intake in self._intakes.values())]
        kept_back = dict.fromkeys(accounts, 0)
        again = {
            account: _Account(account.name, account.limit, copied=account.copied) for account in accounts
        }
        holdings: dict[str, dict[str, tuple[Claim, Granted]]] = {intake: {} for intake in self._intakes}
        for command, reply in self._receipts.values():
            if isinstance(command, Claim) and isinstance(reply, Granted):
                assert command.applicant not in holdings[command.intake], f"a second slot: {command}"
                holdings[command.intake][command.applicant] = (command, reply)
                for account in self._charged(command.intake, command.stream):
                    again[account].move(granted=1, used=1, held=1)
            elif isinstance(reply, Released):
                claim, _ = holdings[command.intake].pop(command.applicant)
                for account in self._charged(claim.intake, claim.stream):
                    again[account].move(granted=0, used=-reply.given_back, held=-1)
                    kept_back[account] += not reply.given_back
        for account, recount in again.items():
            assert self._figures(account) == self._figures(recount), f"running {account}, recounted {recount}"
            assert account.used - account.held == kept_back[account], (
                f"{account}: {kept_back[account]} not given back"
            )
        for name, intake in self._intakes.items():
            assert intake.holdings == holdings[name], f"holders {intake.holdings}, recounted {holdings[name]}"
            slots = {granted.slot for _, granted in intake.holdings.values()}
            assert len(slots) == intake.account.held, f"{intake.account}: the holders share slots {slots}"
        return tuple(self._tally_of(account) for account in accounts)

    def _decide_claim(self, claim: Claim, intake: _Intake | None) -> Reply:
        receipt = self._receipts.get((claim.applicant, claim.key))
        if receipt is not None:
            return _answer_again(*receipt, claim)
        if intake is None or not intake.is_open:
            return Closed()
        holding = intake.holdings.get(claim.applicant)
        if holding is not None:
            return Duplicate(holding[1].slot)
        for account in self._charged(claim.intake, claim.stream):
            if not self._has_room(account):
                return Full(account.name)
        position = intake.account.granted + 1
        return Granted(slot=position, position=position)

    def _decide_release(self, release: Release, intake: _Intake | None) -> Reply:
        receipt = self._receipts.get((release.applicant, release.key))
        if receipt is not None:
            return _answer_again(*receipt, release)
        if intake is None or release.applicant not in intake.holdings:
            return Unheld()
        return Released(given_back=release.reason in self.spec.gives_back)

    def _decide_open(self, command: Open, intake: _Intake | None) -> Reply:
        if intake is None:
            return Done() if all(self._may_declare(cap) for cap in command.caps) else Mismatch()
        if not intake.is_open:
            return Closed()
        return Done() if command.caps == intake.caps else Mismatch()

    def _may_declare(self, cap: Cap) -> bool:
        if cap.name in self._caps:
            return self._caps[cap.name] == cap
        # A newcomer to an earlier intake would have to count, or to forget, the slots granted there before.
        return not any(cap.touches(intake) for intake in self._intakes)

    def _take_effect(self, command: Command, reply: Reply) -> Inverse:
        match command:
            case Claim():
                return (
                    self._grant(command, reply)
                    if isinstance(reply, Granted)
                    else self._refuse(command, reply)
                )
            case Release():
                if isinstance(reply, Released):
                    return self._release(command, reply)
                return self._refuse(command, reply)
            case Open() if isinstance(reply, Done) and command.intake not in self._intakes:
                return self._open(command)
            case SetCap() if isinstance(reply, Done):
                return _set([self._accounts[command.cap]], "limit", [command.limit])
            case Refresh() if isinstance(reply, Done):
                names = [name for name in self._caps if self._touches(name, command.intake)]
                accounts = [self._accounts[name] for name in names]
                return _set(accounts, "copied", [account.used for account in accounts])
            case Close() if isinstance(reply, Done):
                return _set([self._intakes[command.intake]], "is_open", [False])
        return _nothing

    def _grant(self, claim: Claim, reply: Granted) -> Inverse:
        intake = self._intakes[claim.intake]
        charged = self._charged(claim.intake, claim.stream)
        assert intake.is_open, f"granted in a closed intake: {claim}"
        assert claim.applicant not in intake.holdings, f"granted to the holder of {intake.holdings}: {claim}"
        assert reply.slot == reply.position == intake.account.granted + 1, f"{reply} after {intake.account}"
        for account in charged:
            assert self._has_room(account), f"granted without room in {account}: {claim}"
        forget = self._keep(claim, reply)
        intake.holdings[claim.applicant] = (claim, reply)
        for account in charged:
            account.move(1, 1, 1)

        def inverse() -> None:
            forget()
            del intake.holdings[claim.applicant]
            for account in charged:
                account.move(-1, -1, -1)

        return inverse

    def _release(self, release: Release, reply: Released) -> Inverse:
        intake = self._intakes[release.intake]
        forget = self._keep(release, reply)
        claim, granted = intake.holdings.pop(release.applicant)
        charged = self._charged(claim.intake, claim.stream)
        back = int(reply.given_back)
        for account in charged:
            account.move(0, -back, -1)

        def inverse() -> None:
            forget()
            intake.holdings[release.applicant] = (claim, granted)
            for account in charged:
                account.move(0, back, 1)

        return inverse

    def _refuse(self, command: Claim | Release, reply: Reply) -> Inverse:
        is_kept = self.spec.refusals == "sticky" and isinstance(reply, _KEPT_WHEN_STICKY)
        return self._keep(command, reply) if is_kept else _nothing

    def _keep(self, command: Claim | Release, reply: Reply) -> Inverse:
        name = (command.applicant, command.key)
        assert name not in self._receipts, f"{reply!r} under {name}, which has {self._receipts[name]}"
        self._receipts[name] = (command, reply)
        return partial(self._receipts.pop, name)

    def _open(self, command: Open) -> Inverse:
        new = [cap for cap in command.caps if cap.name not in self._caps]
        self._caps |= {cap.name: cap for cap in new}
        self._accounts |= {cap.name: _Account(cap.name, cap.limit) for cap in new}
        self._intakes[command.intake] = _Intake(command.caps, _Account(command.intake, None))

        def inverse() -> None:
            del self._intakes[command.intake]
            for cap in new:
                del self._caps[cap.name], self._accounts[cap.name]

        return inverse

    def _touches(self, cap: str, intake: str) -> bool:
        return cap in self._caps and self._caps[cap].touches(intake)

    def _has_room(self, account: _Account) -> bool:
        return account.limit is None or (account.used if self._is_exact else account.copied) < account.limit

    def _charged(self, intake: str, stream: str) -> tuple[_Account, ...]:
        """What a slot counts in: the caps over the pair in declared order, then the intake as a whole."""
        charged = self._intakes[intake].charged
        if stream not in charged:
            over = [self._accounts[name] for name, cap in self._caps.items() if cap.is_over(intake, stream)]
            charged[stream] = (*over, self._intakes[intake].account)
        return charged[stream]

    def _figures(self, account: _Account) -> tuple[int | None, ...]:
        """All that a tally is made of, its name aside."""
        return account.limit, account.granted, account.used, account.held, self._judged(account)

    def _judged(self, account: _Account) -> int:
        return account.used if self._is_exact or account.limit is None else account.copied

    def _tally_of(self, account: _Account) -> Tally:
        return Tally(
            name=account.name,
            limit=account.limit,
            granted=account.granted,
            used=account.used,
            held=account.held,
            given_back=account.granted - account.used,
            not_given_back=account.used - account.held,
            judged=self._judged(account),
        )


def _answer_again(asked: Claim | Release, first: Reply, command: Claim | Release) -> Reply:
    """The reply to a command whose key has a receipt: one key names one request.

    So a claim under a release's key is a mismatch, and the reverse. The reason of a release is not compared:
    applicant and intake already say which holding it is about.
    """
    match asked, command:
        case Claim(), Claim():
            is_same = (asked.intake, asked.stream) == (command.intake, command.stream)
        case Release(), Release():
            is_same = asked.intake == command.intake
        case _:
            is_same = False
    if not is_same:
        return Mismatch()
    assert isinstance(first, Granted | Released | _KEPT_WHEN_STICKY), f"{first!r} is never kept under a key"
    return Replayed(first)


def _set(owners: Sequence[object], figure: str, values: Sequence[object]) -> Inverse:
    """Set one figure of each owner."""
    before = [getattr(owner, figure) for owner in owners]
    for owner, value in zip(owners, values, strict=True):
        setattr(owner, figure, value)
    return partial(_set, owners, figure, before)


def _nothing() -> None:
    """The inverse of a record without an effect."""
