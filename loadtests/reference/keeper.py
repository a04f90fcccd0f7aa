"""The keeper of the intakes: opens and closes them by the service's clock, and knows which one is current.

The store has no clock. Each worker's keeper knows the schedule and the calendar, and does what is due before
it lets a request through, and in between. Opening and closing may come from several workers: the second has
no effect. Orders of the calendar are made once, by whichever worker comes first, and the others wait for it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from loadtests.reference.calendar import Calendar, Order
from loadtests.reference.clock import Clock
from loadtests.reference.stores.store import Announced, Store
from sim.ledger import Close, Closed, Done, Open, Refresh

TRUSTED_S = 1.0  # how long a schedule is believed without asking: other services may share the store


class Due(NamedTuple):
    """Something that is to come: at one moment an intake closes before another opens, orders come last."""

    at: float
    place: int
    what: Open | Close | list[Order]


class Keeper:
    """Begins with `reload`; `turn` is called before every request and costs nothing when nothing is due."""

    def __init__(self, store: Store, clock: Clock, log: Callable[..., None], calendar: Calendar) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._calendar = calendar
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
        self._due_ms = self._next().at

    async def changed(self) -> None:
        """The schedule was changed here: know it, and tell the other workers."""
        self._clock.board.changed()
        await self.reload()

    def _next(self) -> Due:
        """What is to come first; never, if nothing is."""
        coming = [Due(float("inf"), 0, [])]
        for each in self.intakes.values():
            if each.state == "announced" and each.intake not in self._refused:
                coming.append(Due(each.opens_at or 0, 1, Open(each.intake, each.caps)))
            elif each.state == "open" and each.closes_at is not None:
                coming.append(Due(each.closes_at, 0, Close(each.intake)))
        if orders := self._orders():
            coming.append(Due(orders[0].at, 2, orders))
        return min(coming, key=lambda due: due[:2])

    def _orders(self) -> list[Order]:
        there = [each.intake for each in self.intakes.values() if each.state != "closed"]
        return self._calendar.next(there, self.spec, self._clock.board.ordered_ms)

    async def _do_what_is_due(self) -> None:
        """In order, one by one: a year that is opened late may have to be closed at once."""
        while (due := self._next()).at <= self._clock.now_ms():
            match due.what:
                case Open():
                    await self._open(due.what)
                case Close():
                    await self._store.apply(due.what)
                    self._log("closed", intake=due.what.intake)
                case list():
                    await self._make(due.at)
                    continue
            await self.reload()
        self._due_ms = due.at

    async def _open(self, command: Open) -> None:
        reply = (await self._store.apply(command)).reply
        if isinstance(reply, Done | Closed):
            self._log("opened", intake=command.intake)
        else:
            self._log("not opened as announced", intake=command.intake, reply=repr(reply))
            self._refused.add(command.intake)

    async def _make(self, at: float) -> None:
        """Make the orders of a moment, unless another worker has done so while this one waited."""
        async with self._clock.board.alone():
            orders = self._orders()
            if not orders or orders[0].at > at:
                return
            for _, command in orders:
                await self._store.apply(command)
                if isinstance(command, Refresh):
                    self._log("refreshed", intake=command.intake)
                else:
                    self._log("cap set", intake=command.intake, cap=command.cap, limit=command.limit)
            if self._clock.board.ordered_ms < orders[0].at:  # or somebody has made it forget meanwhile
                self._clock.board.ordered_ms = orders[0].at

    def current(self) -> str | None:
        """The open intake that opened last; if none is open, the last one known to have been."""
        known = [each for each in self.intakes.values() if each.state == "open"]
        known = known or [each for each in self.intakes.values() if each.state == "closed"]
        known = known or list(self.intakes.values())[:1]
        return max(known, key=lambda each: each.opens_at or 0).intake if known else None
