"""The store that is the ledger itself. It forgets with its process, and serves one process only."""

from loadtests.reference.stores.store import Announced, Answer, Asked, CapFigures, Figures, Holding, Ticket
from sim.ledger import (
    Cap,
    Claim,
    Close,
    Command,
    Done,
    Granted,
    Ledger,
    Mismatch,
    Open,
    Read,
    Release,
    Released,
    Replayed,
    Reply,
    SetCap,
    Spec,
    Tally,
    Unheld,
)


class MemoryStore:
    """Single-threaded: an event loop runs one call after the other, and no call waits inside."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._clear()

    def _clear(self) -> None:
        self._ledger = Ledger(self._spec, journal=False)
        self._known: dict[str, Announced] = {}
        self._versions: dict[str, int] = {}
        self._holdings: dict[str, dict[str, Holding]] = {}
        # What the ledger does not keep: when a receipt was given, and the slot that a release named.
        self._given: dict[tuple[str, str], tuple[Claim | Release, int | None, int]] = {}
        self._tickets: dict[str, dict[str, tuple[int, int]]] = {}

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to close."""

    async def apply(
        self, command: Command, *, slot: int | None = None, at: int = 0, unchecked: bool = False
    ) -> Answer:
        if unchecked and isinstance(command, Claim) and self._ledger.is_open(command.intake):
            return self._forced(command, at)
        reply = self._ledger.decide(command)
        if isinstance(command, Claim | Release) and isinstance(reply, Replayed):
            _, named, first_at = self._given[command.applicant, command.key]
            return Answer(reply if named == slot else Mismatch(), first_at)
        if isinstance(command, Release) and isinstance(reply, Released) and slot is not None:
            held = self._holdings[command.intake][command.applicant]
            reply = reply if held.slot == slot else Unheld()
        self._ledger.record(command, reply)
        self._remember(command, reply, slot, at)
        return Answer(reply, at)

    def _remember(self, command: Command, reply: Reply, slot: int | None, at: int) -> None:
        if isinstance(command, Read) or isinstance(reply, Mismatch):
            return
        if isinstance(command, Claim | Release):
            if isinstance(reply, Granted | Released) or self._spec.refusals == "sticky":
                self._given[command.applicant, command.key] = (command, slot, at)
            if isinstance(command, Claim) and isinstance(reply, Granted):
                self._holdings[command.intake][command.applicant] = Holding(
                    reply.position, reply.slot, command.applicant, command.stream, command.key, at
                )
            elif isinstance(reply, Released):
                del self._holdings[command.intake][command.applicant]
            else:
                return
        elif not isinstance(reply, Done):
            return
        if isinstance(command, Open) and command.intake not in self._holdings:
            self._holdings[command.intake] = {}
            before = self._known.get(command.intake)
            bounds = (None, None) if before is None else (before.opens_at, before.closes_at)
            self._known[command.intake] = Announced(command.intake, command.caps, *bounds, "open")
        if isinstance(command, Close):
            self._known[command.intake] = self._known[command.intake]._replace(state="closed")
        self._versions[command.intake] = self._versions.get(command.intake, 0) + 1

    def _forced(self, claim: Claim, at: int) -> Answer:
        """A grant whatever the caps say: they are lifted for the moment of it."""
        over = self._ledger.caps_over(claim.intake, claim.stream)
        lifted = [tally for tally in over if not _has_room(tally)]
        for tally in lifted:
            self._ledger.apply(SetCap(claim.intake, tally.name, tally.judged + 1))
        reply = self._ledger.decide(claim)
        self._ledger.record(claim, reply)
        self._remember(claim, reply, None, at)
        for tally in lifted:
            assert tally.limit is not None
            self._ledger.apply(SetCap(claim.intake, tally.name, tally.limit))
        return Answer(reply, at)

    async def spec(self) -> Spec:
        return self._spec

    async def adopt(self, spec: Spec) -> bool:
        if spec == self._spec:
            return True
        if self._holdings:
            return False
        self._spec = spec
        self._ledger = Ledger(spec, journal=False)
        return True

    async def announce(
        self, intake: str, caps: tuple[Cap, ...], opens_at: int | None, closes_at: int | None
    ) -> None:
        before = self._known.get(intake)
        if before is not None and before.state != "announced":
            self._known[intake] = before._replace(opens_at=opens_at, closes_at=closes_at)
        else:
            self._known[intake] = Announced(intake, caps, opens_at, closes_at, "announced")
        self._versions[intake] = self._versions.get(intake, 0) + 1

    async def schedule(self) -> list[Announced]:
        return list(self._known.values())

    async def figures(self, intake: str) -> Figures | None:
        known = self._known.get(intake)
        if known is None:
            return None
        bounds = (self._versions[intake], known.opens_at, known.closes_at)
        if known.state == "announced":
            nothing = tuple(CapFigures(cap, 0, 0, 0) for cap in known.caps)
            return Figures(known.state, 0, 0, 0, *bounds, nothing)
        tally = self._ledger.tally(intake)
        caps = [cap for each in self._known.values() if each.state != "announced" for cap in each.caps]
        over = {cap.name: cap for cap in caps if cap.touches(intake)}
        figures = tuple(map(self._figures, over.values()))
        return Figures(known.state, tally.granted, tally.used, tally.held, *bounds, figures)

    def _figures(self, cap: Cap) -> CapFigures:
        tally = self._ledger.cap(cap.name)
        assert tally.limit is not None
        return CapFigures(Cap(cap.name, tally.limit, cap.covers), tally.used, tally.held, tally.judged)

    async def holders(self, intake: str, *, after: int, limit: int) -> list[Holding]:
        found = [each for each in self._holdings.get(intake, {}).values() if each.position > after]
        return sorted(found)[:limit]

    async def asked(self, applicant: str, key: str) -> Asked | None:
        command = self._given.get((applicant, key), (None,))[0]
        return Asked(command.intake, command.stream) if isinstance(command, Claim) else None

    async def ticket(self, intake: str, applicant: str, at: int, *, issue: bool) -> Ticket | None:
        tickets = self._tickets.setdefault(intake, {})
        if applicant not in tickets:
            if not issue:
                return None
            tickets[applicant] = (len(tickets) + 1, at)
        position, issued_at = tickets[applicant]
        return Ticket(position, issued_at, next(iter(tickets.values()))[1])

    async def reset(self) -> None:
        self._clear()


def _has_room(tally: Tally) -> bool:
    return tally.limit is None or tally.judged < tally.limit
