"""A service in simulated time that is right, or has one of 27 bugs; clients that ask it; what they record.

Clients ask one thing after the other: claims of new people, claims again under another key or under the key
of somebody else, hedges (the same key twice at once), releases, releases of what is another's, readings. What
got no answer is asked again under its key. With faults on, one answer in twelve is lost, and the service
crashes now and then: what it was doing is given up, what it had written stays. At the end comes an audit.

Everything between two `yield`s of a request happens at once, so a bug of concurrency is a `yield` too many.
Each bug is a class that changes one thing of `Right` (tests/seeded_bugs.py).
"""

import heapq
import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, ClassVar

from loadtests.header import Header
from loadtests.history import History, history_of
from loadtests.protocol import result_of
from sim.ledger import Spec, cap_of

Row = dict[str, Any]
Steps = Generator[int, None, Row]
CAP, GAP, LATENCY = 25, 40, 30
LOST, CRASH_EVERY = 1 / 12, 900


class CrashedError(Exception):
    """The service went down while it worked on a request."""


@dataclass
class Right:
    """The service that is right. Times are whole numbers."""

    rng: random.Random
    cap: int = CAP
    used: int = 0
    now: int = 0
    epoch: int = 0
    held: dict[str, int] = field(default_factory=dict)
    kept: dict[Any, int] = field(default_factory=dict)
    """Slots by applicant and key."""
    gone: set[Any] = field(default_factory=set)
    """Releases that were done, by applicant and key."""
    slots: Any = field(default_factory=lambda: count(1))
    later: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    numbers: Any = field(default_factory=count)
    names: ClassVar[dict[str, type["Right"]]] = {}

    def __init_subclass__(cls) -> None:
        Right.names[(cls.__doc__ or "").rstrip(".")] = cls

    def pause(self, most: int = GAP) -> int:
        return self.rng.randint(0, most)

    def after(self, delay: int, do: Callable[[], None]) -> None:
        """Have something done later, whatever happens meanwhile."""
        heapq.heappush(self.later, (self.now + delay, next(self.numbers), do))

    def receipt(self, who: str, key: str) -> Any:
        return who, key

    def is_full(self) -> bool:
        return self.used >= self.cap

    def claim(self, who: str, key: str) -> Steps:
        yield self.pause()
        if self.receipt(who, key) in self.kept:
            return self.again(who, key)
        if who in self.held:
            return {"answer": "duplicate"}
        if self.is_full():
            return {"answer": "full", "cap": "2022"}
        return self.grant(who, key)

    def again(self, who: str, key: str) -> Row:
        return {"answer": "replayed", "slot": str(self.kept[self.receipt(who, key)])}

    def grant(self, who: str, key: str) -> Row:
        slot = next(self.slots)
        self.used, self.held[who] = self.used + 1, slot
        self.kept[self.receipt(who, key)] = slot
        return {"answer": "granted", "slot": str(slot)}

    def release(self, who: str, key: str) -> Steps:
        yield self.pause()
        if (who, key) in self.gone:
            return {"answer": "released", "given_back": True}
        if who not in self.held:
            return {"answer": "unheld"}
        return self.give_back(who, key)

    def give_back(self, who: str, key: str) -> Row:
        self.held.pop(who)
        self.gone.add((who, key))
        self.used -= 1
        return {"answer": "released", "given_back": True}

    def read(self) -> Steps:
        yield self.pause()
        return {"answer": "count", "value": self.used}

    def crash(self) -> None:
        self.epoch += 1


class World:
    """A service, its clients, the time, and the rows so far."""

    def __init__(self, service: Right, *, clients: int, operations: int, faults: bool) -> None:
        self.service, self.faults, self.left = service, faults, operations
        self.rng, self.rows = service.rng, list[Row]()
        self.people, self.keys = count(), count()
        self.waiting: list[tuple[int, int, Generator[int, None, None]]] = []
        self.numbers = count()
        for _ in range(clients):
            self.spawn(self.client())

    def spawn(self, who: Generator[int, None, None]) -> None:
        heapq.heappush(self.waiting, (self.service.now, next(self.numbers), who))

    def history(self) -> History:
        """Run to the end, audit, and write down what was recorded."""
        service, crash_at = self.service, CRASH_EVERY
        while self.waiting:
            at, _, who = heapq.heappop(self.waiting)
            while service.later and service.later[0][0] <= at:
                service.now, _, do = heapq.heappop(service.later)
                do()
            service.now = at
            if self.faults and at > crash_at:
                crash_at = at + self.rng.randint(CRASH_EVERY // 2, CRASH_EVERY)
                service.crash()
            delay = next(who, None)
            if delay is not None:
                heapq.heappush(self.waiting, (at + delay, next(self.numbers), who))
        for _, _, do in sorted(service.later, key=lambda each: each[:2]):
            do()
        self.audit()
        header = Header(caps=(cap_of("2022", CAP),), spec=Spec(gives_back=frozenset({"withdrawal"})))
        return history_of(header, sorted(self.rows, key=lambda row: row["invoked_ns"]))

    def audit(self) -> None:
        at = self.service.now + 10_000
        times = {"intake": "2022", "invoked_ns": at, "completed_ns": at, "result": "ok"}
        told = {"answer": "count", "value": max(0, self.service.used), "note": "audit; listed"}
        self.rows.append({**times, "op": "read", **told})
        for who, slot in self.service.held.items():
            self.rows.append({**times, "op": "hold", "applicant": who, "slot": str(slot)})

    def client(self) -> Generator[int, None, None]:
        """One thing after the other."""
        mine: list[str] = []
        before = ""
        while self.left > 0:
            yield self.rng.randint(1, 20)
            chance = self.rng.random()
            if chance < 0.1:
                yield from self.attempt("read", "", "")
                continue
            if chance < 0.3 and mine:
                yield from self.known("release", mine.pop(0), f"r{next(self.keys)}")
                continue
            who, key = f"p{next(self.people)}", f"k{next(self.keys)}"
            if chance < 0.34:
                yield from self.known("release", who, key)
                continue
            if chance < 0.38 and mine:
                yield from self.known("claim", mine[0], key)
                continue
            key = before if chance < 0.42 and before else key
            if chance < 0.55:
                twin = self.hedge(who, key)
                answer = yield from self.known("claim", who, key)
                while not twin["is_over"]:
                    yield 5
            else:
                answer = yield from self.known("claim", who, key)
            if chance > 0.95:
                answer = yield from self.known("claim", who, key)
            mine += [who] if answer in ("granted", "replayed") else []
            before = key

    def hedge(self, who: str, key: str) -> dict[str, bool]:
        """The same again, a moment later, by a connection of its own."""
        twin = {"is_over": False}

        def sent() -> Generator[int, None, None]:
            yield self.rng.randint(0, LATENCY)
            yield from self.known("claim", who, key)
            twin["is_over"] = True

        self.spawn(sent())
        return twin

    def known(self, op: str, who: str, key: str) -> Generator[int, None, str]:
        """Ask until there is an answer."""
        for _ in range(6):
            answer = yield from self.attempt(op, who, key)
            if answer:
                return answer
            yield self.rng.randint(1, 60)
        return ""

    def attempt(self, op: str, who: str, key: str) -> Generator[int, None, str]:
        """One request, and its row."""
        self.left -= 1
        row: Row = {"op": op, "intake": "2022", "invoked_ns": self.service.now, "result": "info"}
        row |= {"applicant": who, "key": key} if who else {}
        row |= {"stream": "regular"} if op == "claim" else {}
        self.rows.append(row)
        yield self.rng.randint(0, LATENCY)
        asked = self.service.read() if op == "read" else getattr(self.service, op)(who, key)
        try:
            told = yield from self.working(asked)
        except CrashedError:
            return ""
        yield self.rng.randint(0, LATENCY)
        if self.faults and self.rng.random() < LOST:
            yield 100  # the time-out
            return ""
        row |= told | {"completed_ns": self.service.now, "result": result_of(told["answer"])}
        return str(told["answer"])

    def working(self, asked: Steps) -> Steps:
        """The request inside the service, until it is answered or the service goes down."""
        epoch = self.service.epoch
        while True:
            try:
                delay = next(asked)
            except StopIteration as over:
                told: Row = over.value
                return told
            yield delay
            if self.service.epoch != epoch:
                asked.close()
                raise CrashedError
