"""The 27 bugs, each the right service but for one thing; the docstring is the name in the table."""

from tests.faulty_service import CAP, GAP, Right, Row, Steps


class CheckThenAct(Right):
    """check-then-act."""

    def claim(self, who: str, key: str) -> Steps:
        told = self.is_full()
        yield self.pause()
        if self.receipt(who, key) in self.kept:
            return self.again(who, key)
        if who in self.held:
            return {"answer": "duplicate"}
        return {"answer": "full", "cap": "2022"} if told else self.grant(who, key)


class LostUpdate(Right):
    """lost update."""

    def claim(self, who: str, key: str) -> Steps:
        before = self.used
        told = yield from super().claim(who, key)
        if told["answer"] == "granted":
            self.used = before + 1
        return told


class OneTooMany(Right):
    """off by one, above the cap."""

    def is_full(self) -> bool:
        return self.used > self.cap


class OneTooFew(Right):
    """off by one, below the cap."""

    def is_full(self) -> bool:
        return self.used >= self.cap - 1


class SecondSlot(Right):
    """retry not idempotent."""

    def again(self, who: str, key: str) -> Row:
        return {"answer": "full", "cap": "2022"} if self.is_full() else self.grant(who, key)


class RetryIsDuplicate(Right):
    """retry answered as a duplicate."""

    def again(self, who: str, key: str) -> Row:
        return {"answer": "duplicate"}


class KeyFirst(Right):
    """key recorded before the commit."""

    def claim(self, who: str, key: str) -> Steps:
        told = yield from super().claim(who, key)
        if told["answer"] == "granted":
            self.held.pop(who)
            self.used -= 1
            yield self.pause()
            self.held[who], self.used = int(told["slot"]), self.used + 1
        return told


class AckFirst(Right):
    """acknowledged before the commit."""

    def claim(self, who: str, key: str) -> Steps:
        told = yield from super().claim(who, key)
        if told["answer"] == "granted":
            slot = self.held.pop(who)
            self.kept.pop(self.receipt(who, key))
            self.used -= 1
            self.after(4 * GAP, lambda: self.commit(who, key, slot))
        return told

    def commit(self, who: str, key: str, slot: int) -> None:
        if not self.is_full() and who not in self.held:
            self.used, self.held[who], self.kept[self.receipt(who, key)] = self.used + 1, slot, slot


class CachedCount(Right):
    """cached count."""

    seen, until = 0, -1

    def read(self) -> Steps:
        yield self.pause()
        if self.now > self.until:
            self.seen, self.until = self.used, self.now + 5 * GAP
        return {"answer": "count", "value": self.seen}


class CachedFull(Right):
    """cached full flag."""

    until = -1

    def is_full(self) -> bool:
        if self.used >= self.cap:
            self.until = self.now + 5 * GAP
        return self.now <= self.until


class DoubleRelease(Right):
    """double release."""

    def release(self, who: str, key: str) -> Steps:
        yield self.pause()
        if (who, key) in self.gone:
            self.used -= 1
            return {"answer": "released", "given_back": True}
        return self.give_back(who, key) if who in self.held else {"answer": "unheld"}


class AnybodyReleases(Right):
    """release by a non-holder."""

    def release(self, who: str, key: str) -> Steps:
        told = yield from super().release(who, key)
        return {"answer": "released", "given_back": True} if told["answer"] == "unheld" else told


class ReleaseLeak(Right):
    """release leak."""

    def give_back(self, who: str, key: str) -> Row:
        self.used += 1
        return super().give_back(who, key)


class CapEach(Right):
    """a cap for each process."""

    process = 0
    counts = (0, 0)

    def is_full(self) -> bool:
        self.process = self.rng.randrange(2)
        return self.counts[self.process] >= self.cap

    def grant(self, who: str, key: str) -> Row:
        counts = list(self.counts)
        counts[self.process] += 1
        self.counts = (counts[0], counts[1])
        return super().grant(who, key)


class ReplicaLag(Right):
    """replica lag."""

    lagging = 0

    def is_full(self) -> bool:
        full, now = self.lagging >= self.cap, self.used
        self.after(3 * GAP, lambda: self.catch_up(now))
        return full

    def catch_up(self, used: int) -> None:
        self.lagging = used


class LockTimeout(Right):
    """refused on a lock time-out."""

    inside = 0

    def claim(self, who: str, key: str) -> Steps:
        self.inside += 1
        try:
            is_busy = self.inside > 1 and self.rng.random() < 0.3
            told = yield from super().claim(who, key)
        finally:
            self.inside -= 1
        if is_busy and told["answer"] == "granted":
            self.used, slot = self.used - 1, self.held.pop(who)
            self.kept = {name: each for name, each in self.kept.items() if each != slot}
            return {"answer": "full", "cap": "2022"}
        return told


class LostInCrash(Right):
    """grant lost in a crash."""

    def crash(self) -> None:
        super().crash()
        newest = sorted(self.held.items(), key=lambda each: -each[1])[:3]
        for who, slot in newest:
            self.held.pop(who)
            self.used -= 1
            self.kept = {name: each for name, each in self.kept.items() if each != slot}


class ReusedSlot(Right):
    """reused slot."""

    free: tuple[int, ...] = ()

    def give_back(self, who: str, key: str) -> Row:
        self.free = (*self.free, self.held[who])
        return super().give_back(who, key)

    def grant(self, who: str, key: str) -> Row:
        told = super().grant(who, key)
        if self.free:
            slot, *rest = self.free
            self.free = tuple(rest)
            self.held[who] = self.kept[self.receipt(who, key)] = slot
            told["slot"] = str(slot)
        return told


class KeyOfAll(Right):
    """key collision across applicants."""

    def receipt(self, who: str, key: str) -> str:
        return key


class ReadSkew(Right):
    """read skew."""

    def read(self) -> Steps:
        even = sum(slot % 2 == 0 for slot in self.held.values())
        yield 3 * GAP
        odd = sum(slot % 2 for slot in self.held.values())
        return {"answer": "count", "value": even + odd}


class RollbackLeak(Right):
    """rollback leak."""

    def claim(self, who: str, key: str) -> Steps:
        told = yield from super().claim(who, key)
        if told["answer"] == "granted" and self.rng.random() < 0.15:
            slot = self.held.pop(who)
            self.kept = {name: each for name, each in self.kept.items() if each != slot}
            return {"answer": "conflict"}
        return told


class EarlyExpiry(Right):
    """slot freed while it is held."""

    def grant(self, who: str, key: str) -> Row:
        told = super().grant(who, key)
        self.after(12 * GAP, lambda: self.expire(who))
        return told

    def expire(self, who: str) -> None:
        self.used -= int(who in self.held)

    def give_back(self, who: str, key: str) -> Row:
        told = super().give_back(who, key)
        self.used = max(0, self.used)
        return told


class CreditsTwo(Right):
    """release credits two."""

    def give_back(self, who: str, key: str) -> Row:
        told = super().give_back(who, key)
        self.used = max(0, self.used - 1)
        return told


class TwinSlots(Right):
    """hedge with two slots."""

    def claim(self, who: str, key: str) -> Steps:
        known, holds = self.receipt(who, key) in self.kept, who in self.held
        yield self.pause()
        if known:
            return self.again(who, key)
        if holds:
            return {"answer": "duplicate"}
        return {"answer": "full", "cap": "2022"} if self.is_full() else self.grant(who, key)


class CountedTwice(Right):
    """delivered twice, counted twice."""

    def grant(self, who: str, key: str) -> Row:
        self.used += int(self.rng.random() < 0.1)
        return super().grant(who, key)


class StaleDecrement(Right):
    """stale decrement."""

    def release(self, who: str, key: str) -> Steps:
        before = self.used
        done = len(self.gone)
        told = yield from super().release(who, key)
        if len(self.gone) > done and told["answer"] == "released" and who not in self.held:
            self.used = max(0, before - 1)
        return told


class LastYearsCap(Right):
    """one worker with last year's cap."""

    def is_full(self) -> bool:
        return self.used >= (self.cap if self.rng.random() < 0.67 else CAP // 2)


BUGS = Right.names
assert len(BUGS) == 27, len(BUGS)
