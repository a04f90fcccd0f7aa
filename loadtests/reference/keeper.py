"""The keeper of the intakes: opens and closes them by the service's clock, and knows which one is current.

The store has no clock. Each worker's keeper knows the schedule, and issues Open, Close and Refresh when they
are due: before it lets a request through, and in between. Workers may do so twice; the second has no effect.
"""

import asyncio
import time
from collections.abc import Callable

from loadtests.reference.clock import Clock
from loadtests.reference.stores.store import Announced, Store
from sim.ledger import Close, Closed, Done, Open, Refresh

DAY_MS = 86_400_000
TRUSTED_S = 1.0  # how long a schedule is believed without asking: other services may share the store


class Keeper:
    """Begins with `reload`; `turn` is called before every request and costs nothing when nothing is due."""

    def __init__(self, store: Store, clock: Clock, log: Callable[..., None], *, refreshes: bool) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._refreshes = refreshes  # one worker alone copies the count on the day
        self._copied: dict[str, int] = {}  # by intake, how many refreshes have fallen due
        self._refused: set[str] = set()  # could not be opened as announced
        self._generation = -1
        self._trusted_until = 0.0
        self._due_ms: float = 0
        self._turning = asyncio.Lock()
        self.intakes: dict[str, Announced] = {}

    async def turn(self) -> None:
        if self._is_settled():
            return
        async with self._turning:
            if not self._is_settled():
                if self._generation != self._clock.board.generation or time.monotonic() > self._trusted_until:
                    await self.reload()
                await self._do_what_is_due()

    def _is_settled(self) -> bool:
        return (
            self._generation == self._clock.board.generation
            and time.monotonic() < self._trusted_until
            and self._clock.now_ms() < self._due_ms
        )

    async def reload(self) -> None:
        generation = self._clock.board.generation
        self.spec = await self._store.spec()
        self.intakes = {each.intake: each for each in await self._store.schedule()}
        if generation != self._generation:
            self._refused.clear()
        self._generation = generation
        self._trusted_until = time.monotonic() + TRUSTED_S
        self._due_ms = self._next_due()

    async def changed(self) -> None:
        """The schedule was changed here: know it, and tell the other workers."""
        self._clock.board.changed()
        await self.reload()

    def _transitions(self) -> list[tuple[float, int, Announced]]:
        """What is still to come: when, Close (0) before Open (1) at the same moment, and of which intake."""
        coming = []
        for each in self.intakes.values():
            if each.state == "announced" and each.intake not in self._refused:
                coming.append((each.opens_at or 0, 1, each))
            elif each.state == "open" and each.closes_at is not None:
                coming.append((each.closes_at, 0, each))
        return sorted(coming, key=lambda each: each[:2])

    def _next_due(self) -> float:
        coming = self._transitions()
        due = coming[0][0] if coming else float("inf")
        return min([due, *(self._begins(each) + self._refresh_ms * (self._copied.get(each.intake, 0) + 1)
                           for each in self._copying())])  # fmt: skip

    async def _do_what_is_due(self) -> None:
        """A year that is opened late may have to be closed at once, hence the loop."""
        while (coming := self._transitions()) and coming[0][0] <= self._clock.now_ms():
            _, _, each = coming[0]
            if each.state == "announced":
                reply = (await self._store.apply(Open(each.intake, each.caps))).reply
                if isinstance(reply, Done | Closed):
                    self._log("opened", intake=each.intake)
                else:
                    self._log("not opened as announced", intake=each.intake, reply=repr(reply))
                    self._refused.add(each.intake)
            else:
                await self._store.apply(Close(each.intake))
                self._log("closed", intake=each.intake)
            await self.reload()
        await self._copy_what_is_due()
        self._due_ms = self._next_due()

    @property
    def _refresh_ms(self) -> int:
        return self.spec.counter * DAY_MS if isinstance(self.spec.counter, int) else 0

    def _copying(self) -> list[Announced]:
        if not self._refreshes or not self._refresh_ms:
            return []
        return [each for each in self.intakes.values() if each.state == "open"]

    def _begins(self, each: Announced) -> int:
        return self._clock.origin_ms if each.opens_at is None else each.opens_at

    async def _copy_what_is_due(self) -> None:
        for each in self._copying():
            periods = (self._clock.now_ms() - self._begins(each)) // self._refresh_ms
            if periods > self._copied.setdefault(each.intake, 0):
                self._copied[each.intake] = periods
                await self._store.apply(Refresh(each.intake))
                self._log("refreshed", intake=each.intake)

    def current(self) -> str | None:
        """The open intake that opened last; if none is open, the last one known to have been."""
        known = [each for each in self.intakes.values() if each.state == "open"]
        known = known or [each for each in self.intakes.values() if each.state == "closed"]
        known = known or list(self.intakes.values())[:1]
        return max(known, key=lambda each: each.opens_at or 0).intake if known else None
