"""The real ledger, asked whether an operation of a history can take effect now with the answer it was told.

What the ledger cannot say is wrapped around it here, in the simplest way.
    names       the ledger numbers slots by position; what the history calls them is bound to the claim when a
                row first says it. A claim keeps its names, and no two claims of an intake share one.
    beginnings  listed holders claim before the run begins; what was used beyond them is added to each
                figure. Where holders are not known, `tests.wing_gong` tries every set of applicants. The
                first copy of a counter is the count.
    tolerance   the ledger's limits are higher by it; a refusal is held to the limit itself.
    openness    an intake without an open row is open from the beginning; an answer that it is closed is held
                to something only if it has an open or a close row. Refusals other than that need it not open.
    given back  the history has no reasons, so the ledger gets one that does what the row says, or another
                attempt of the same release; where none says it, what the spec's `gives_back` allows.
    keys        a claim and a release under one key are two requests.
    intakes     of a claim or release that does not say which: each of them is tried.
    others      on a shared service they claim at any time: those found by the audit, or any number.
"""

from collections.abc import Hashable
from typing import Any

from loadtests.checks.requests import CURRENT
from loadtests.header import Header
from loadtests.history import AUDIT, REASON
from sim.ledger import (
    Cap,
    Claim,
    Close,
    Closed,
    Command,
    Done,
    Duplicate,
    Full,
    Granted,
    Ledger,
    Mismatch,
    Open,
    Refresh,
    Release,
    Released,
    Replayed,
    Reply,
    SetCap,
    Spec,
    Unheld,
)

Row = dict[str, Any]
Names = dict[tuple[str, str, str], dict[str, str]]
BOUNDLESS = 10**9
OPTIONAL = ("claim", "release", "open", "close", "set-cap", "refresh")
"""What may take effect though nothing is known of it. A reading or a holder that was not seen is nothing."""
ORDERED = (*OPTIONAL, "read", "hold")


def intakes_in(header: Header, rows: list[Row]) -> list[str]:
    """The intakes that appear in the rows or the caps."""
    named = {row["intake"] for row in rows if row.get("intake") not in (None, CURRENT)}
    return sorted(named | {intake for cap in header.caps for intake, _ in cap.covers})


class Service:
    """The ledger, and what is wrapped around it. After a `take`, whatever it says, comes the `undo`."""

    def __init__(self, header: Header, rows: list[Row], holders: dict[str, tuple[str, ...]]) -> None:
        self.header = header
        self.rows = rows
        spec = self.header.spec
        self.ledger = Ledger(
            Spec(gives_back=frozenset({"withdrawal"}), refusals=spec.refusals, counter=spec.counter)
        )
        self.intakes = intakes_in(header, rows)
        self.turned = {
            row["intake"] for row in rows if row["op"] in ("open", "close") and row["result"] != "fail"
        }
        self.limits = {cap.name: cap.limit for cap in self.header.caps}
        self.extra: dict[str, int] = {}  # used beyond what the ledger knows, by "intake NAME" and "cap NAME"
        self.names: Names = {}  # by applicant, key and intake
        self.before: list[tuple[int, dict[str, int], Names]] = []
        self.records = 0
        self.listed = {
            intake: {row["applicant"] for row in rows if row["op"] == "hold" and row["intake"] == intake}
            for intake in self.intakes
        }
        self.is_idle = False
        """Whether the last operation taken was one of which nothing is known, and had no effect."""
        self._begin(holders)

    def _begin(self, holders: dict[str, tuple[str, ...]]) -> None:
        initial = self.header.initial
        used = {} if initial is None else initial.used
        opens = {row["intake"] for row in self.rows if row["op"] == "open" and row["result"] != "fail"}
        for intake in self.intakes:
            if intake not in opens or holders.get(intake) or used.get(intake):
                self._apply(Open(intake, self._declared(intake)))
            for who in holders.get(intake, ()):
                streams = [row.get("stream") for row in self.rows if row.get("applicant") == who]
                self._apply(Claim(who, f"held {intake}", intake, next(filter(None, streams), "")))
        for intake in self.intakes:
            start = used.get(intake, len(holders.get(intake, ())))
            self.extra[f"intake {intake}"] = start - len(holders.get(intake, ()))
        for cap in self.header.caps:
            known = [intake for intake in self.intakes if cap.touches(intake) and self._is_known(intake)]
            inside = self.ledger.cap(cap.name).used if known else 0
            self.extra[f"cap {cap.name}"] = self._start(cap, used, holders) - inside
        self._limit()
        for intake in self.intakes:
            if self.ledger.is_open(intake):
                self._apply(Refresh(intake))

    def _start(self, cap: Cap, used: dict[str, int], holders: dict[str, tuple[str, ...]]) -> int:
        """What a cap counted before the run."""
        if cap.name in used:
            return used[cap.name]
        starts = [used.get(intake, len(holders.get(intake, ()))) for intake, _ in cap.covers]
        assert not any(starts) or all(stream is None for _, stream in cap.covers), f"not known: {cap}"
        return sum(starts)

    def intakes_of(self, row: Row) -> list[str]:
        """The intakes that an operation may be about; one if it says so."""
        intake = row.get("intake")
        if row["op"] == "set-cap" and intake is None:
            return [each for each in self.intakes if self._is_covered(row["cap"], each)][:1]
        return self.intakes if intake in (None, CURRENT) else [intake]

    def take(self, at: int, intake: str) -> bool:
        """Let the operation take effect now; False if it cannot have, with what it was told."""
        self.before.append((self.records, self.limits, self.names))
        self.is_idle = False
        row = self.rows[at]
        key = row.get("key", f"#{at}")
        if row["result"] != "ok":
            return self._guess(row, key, intake)
        match row["op"]:
            case "claim":
                return self._claim(row, key, intake)
            case "release":
                return self._release(row, self._asked(row, key, intake))
            case "read":
                return self._read(row, intake)
            case "hold":
                holding = self._holders(intake).get(row["applicant"])
                return holding is not None and self._bind(row, holding[0])
            case _:
                return self._turn(row, intake, row.get("answer"))

    def undo(self) -> None:
        """Take back the last `take`, or `take_unseen`."""
        records, self.limits, self.names = self.before.pop()
        while self.records > records:
            self.ledger.undo()
            self.records -= 1

    def claims_of_others(self) -> list[Claim]:
        """What others may do next on a shared service."""
        if not self.header.shared:
            return []
        ours = {row.get("applicant") for row in self.rows if row["op"] in ("claim", "release")}
        found = []
        for intake in self.intakes:
            holding = set(self._holders(intake))
            is_listed = any(row.get("intake") == intake and _lists(row) for row in self.rows)
            strangers = self.listed[intake] - ours - holding
            strangers |= set() if is_listed else {f"other {len(holding)}"}
            streams = {stream or "" for cap in self.header.caps for _, stream in cap.covers}
            found += [Claim(who, "other", intake, each) for who in sorted(strangers) for each in streams]
        return found

    def take_unseen(self, claim: Claim) -> bool:
        """Somebody else claims; False if there is nothing for them."""
        self.before.append((self.records, self.limits, self.names))
        return isinstance(self._apply(claim), Granted)

    def state(self) -> Hashable:
        """All that later answers can depend on. Positions are left out: they are only names."""
        ledger = self.ledger
        return (
            frozenset(
                (*name, command.intake, type(reply).__name__)
                for name, (command, reply) in ledger._receipts.items()
            ),
            tuple((each.name, each.used, each.copied) for each in ledger._accounts.values()),
            tuple(self.limits.values()),
            tuple(
                (
                    name,
                    each.is_open,
                    each.account.used,
                    *sorted((who, claim.key) for who, (claim, _) in each.holdings.items()),
                )
                for name, each in ledger._intakes.items()
            ),
            frozenset((*mine, *sorted(bound.items())) for mine, bound in self.names.items()),
        )

    def _guess(self, row: Row, key: str, intake: str) -> bool:
        """Of an operation of which nothing is known, the effect that it has now, if it has one."""
        if row["op"] not in ("claim", "release"):
            return self._turn(row, intake, None)
        reply = self._apply(self._asked(row, key, intake))
        is_kept = self.header.spec.refusals == "sticky" and not isinstance(reply, Replayed | Mismatch)
        self.is_idle = not (is_kept or isinstance(reply, Granted | Released))
        return True

    def _claim(self, row: Row, key: str, intake: str) -> bool:
        asked = Claim(row["applicant"], f"claim {key}", intake, row.get("stream") or "")
        reply = self.ledger.decide(asked)
        answer = row.get("answer")
        if answer == "ineligible" or answer is None:
            return True
        if answer == "replayed" and not ("slot" in row or "claim_id" in row):
            if "cap" in row:
                answer = "full"
            elif self.header.spec.refusals == "sticky":
                return isinstance(reply, Replayed) or self._repeats(row, asked, reply)
        if answer in ("granted", "replayed"):
            self._record(asked, reply)
            first = reply.first if isinstance(reply, Replayed) else reply
            return isinstance(first, Granted) and self._bind(row, asked)
        if isinstance(reply, Replayed):  # what was answered once, where refusals are kept
            return type(reply.first) is {"full": Full, "duplicate": Duplicate, "closed": Closed}[answer]
        return self._refuse(row, asked, answer)

    def _repeats(self, row: Row, asked: Claim, reply: Reply) -> bool:
        """A replay that does not say of what, where nothing is kept under its key yet.

        Under a key there is one answer, and it was given by the time it is repeated. If another attempt says
        which, it is given now. If none does, it may be one that says nothing of the slots.
        """
        for said in self._attempts(row, asked):
            answer = said["answer"]
            if answer == "replayed":
                is_of_grant = "slot" in said or "claim_id" in said
                answer = "granted" if is_of_grant else "full" if "cap" in said else None
            if answer == "granted":
                self._record(asked, reply)
                return isinstance(reply, Granted) and self._bind(said, asked)
            if answer is not None:
                return self._refuse(said, asked, answer)
        return True

    def _attempts(self, row: Row, asked: Claim) -> list[Row]:
        """What else was answered under the key of a claim, for the same intake and stream."""
        told = ("granted", "replayed", "full", "duplicate", "closed")
        name = [row.get(each) for each in ("op", "applicant", "key", "stream")]
        return [
            each
            for each in self.rows
            if [each.get(one) for one in ("op", "applicant", "key", "stream")] == name
            and "key" in row
            and each.get("answer") in told
            and each.get("intake") in (asked.intake, None, CURRENT)
        ]

    def _refuse(self, row: Row, asked: Claim, answer: str) -> bool:
        """A refusal that is not the replay of one."""
        holding = self._holders(asked.intake).get(asked.applicant)
        if (asked.applicant, asked.key) in self.ledger._receipts:  # of the same key for something else
            return False
        if answer == "closed":
            self._record(asked, Closed())
            return asked.intake not in self.turned or not self.ledger.is_open(asked.intake)
        if not self.ledger.is_open(asked.intake):  # which the ledger asks before anything else
            return False
        if answer == "duplicate":
            self._record(asked, Duplicate(0))
            return holding is not None
        assert answer == "full", row
        self._record(asked, Full(row.get("cap", "")))
        over = [cap for cap in self.header.caps if cap.is_over(asked.intake, asked.stream)]
        if row.get("cap") in self.limits:
            over = [cap for cap in over if cap.name == row["cap"]]
        return holding is None and any(self._judged(cap) >= self.limits[cap.name] for cap in over)

    def _release(self, row: Row, asked: Release) -> bool:
        reply = self._apply(asked)
        first = reply.first if isinstance(reply, Replayed) else reply
        wanted = {"released": Released, "replayed": Released, "unheld": Unheld}.get(row.get("answer", ""))
        return wanted is None or isinstance(first, wanted)

    def _read(self, row: Row, intake: str) -> bool:
        used = self.ledger.tally(intake).used if self._is_known(intake) else 0
        if "value" in row and row["value"] != used + self.extra[f"intake {intake}"]:
            return False
        return not _lists(row) or set(self._holders(intake)) <= self.listed[intake]

    def _turn(self, row: Row, intake: str, answer: str | None) -> bool:
        """Open, close, set-cap, refresh: done, or told that the intake is not open."""
        command: Command
        match row["op"]:
            case "open":
                command = Open(intake, self._declared(intake))
            case "close":
                command = Close(intake)
            case "refresh":
                command = Refresh(intake)
            case _:
                command = SetCap(intake, row["cap"], self._inside(row["cap"], row["value"]))
        reply = self.ledger.decide(command)
        if answer == "closed":
            return intake not in self.turned or isinstance(reply, Closed)
        if row["result"] == "ok" and not isinstance(reply, Done):
            return False
        self._record(command, reply)
        self.is_idle = row["result"] != "ok" and not isinstance(reply, Done)
        if isinstance(command, SetCap) and isinstance(reply, Done):
            self.limits = self.limits | {command.cap: row["value"]}
        if isinstance(command, Open):
            self._limit()
        return True

    def _asked(self, row: Row, key: str, intake: str) -> Claim | Release:
        who = row["applicant"]
        if row["op"] == "claim":
            return Claim(who, f"claim {key}", intake, row.get("stream") or "")
        is_back = row.get("given_back", self._told_back(row))
        return Release(who, f"release {key}", intake, "withdrawal" if is_back else "refusal")

    def _told_back(self, row: Row) -> bool:
        """Whether another attempt of the release says that it gave back; if none does, whether it may."""
        name = ("release", row["applicant"], row.get("key", row))
        same = [each for each in self.rows if (each["op"], each.get("applicant"), each.get("key")) == name]
        told = [each["given_back"] for each in same if "given_back" in each]
        note = row.get("note", "")
        reason = note.removeprefix(REASON).split(";")[0] if note.startswith(REASON) else "withdrawal"
        return all(told) if told else reason in self.header.spec.gives_back

    def _bind(self, row: Row, claim: Claim) -> bool:
        """What the row calls the slot, this claim's slot is called from now on; False if it cannot be."""
        mine = (claim.applicant, claim.key, claim.intake)
        said = {name: row[name] for name in ("slot", "claim_id") if name in row}
        for name, value in said.items():
            for claimed, bound in self.names.items():
                is_here = claimed[2] == claim.intake and name in bound
                if is_here and (bound[name] == value) != (claimed == mine):
                    return False
        self.names = self.names | {mine: self.names.get(mine, {}) | said}
        return True

    def _apply(self, command: Command) -> Reply:
        reply = self.ledger.decide(command)
        self._record(command, reply)
        return reply

    def _record(self, command: Command, reply: Reply) -> None:
        self.ledger.record(command, reply)
        self.records += 1

    def _limit(self) -> None:
        """Tell the ledger the limits in force, by the figures that it knows."""
        for intake in self.intakes:
            if self.ledger.is_open(intake):
                for cap in self._declared(intake):
                    self._apply(SetCap(intake, cap.name, self._inside(cap.name, self.limits[cap.name])))

    def _inside(self, cap: str, limit: int) -> int:
        return max(0, limit + self.header.spec.tolerance - self.extra[f"cap {cap}"])

    def _judged(self, cap: Cap) -> int:
        is_declared = cap.name in self.ledger._accounts
        return (self.ledger.cap(cap.name).judged if is_declared else 0) + self.extra[f"cap {cap.name}"]

    def _declared(self, intake: str) -> tuple[Cap, ...]:
        caps = (cap for cap in self.header.caps if cap.touches(intake))
        return tuple(Cap(cap.name, BOUNDLESS, cap.covers) for cap in caps)

    def _is_covered(self, cap: str, intake: str) -> bool:
        return any(each.name == cap for each in self._declared(intake))

    def _is_known(self, intake: str) -> bool:
        return intake in self.ledger._intakes

    def _holders(self, intake: str) -> dict[str, tuple[Claim, Granted]]:
        return self.ledger.holders(intake) if self._is_known(intake) else {}


def _lists(row: Row) -> bool:
    """Whether this reading is an audit's, with its holders listed."""
    note = row.get("note", "")
    return row["op"] == "read" and note.startswith(AUDIT) and "listed" in note
