"""What follows an answer: another attempt, the next application of the same person, or nothing.

A *chain* is one application, withdrawal or reading, with all its attempts. They are under one key, unless the
target keeps refusals under it: then the next try is *renewed*, under another key of the same chain. An
attempt whose effect is not known (a time-out, a reset) leaves its chain *in doubt*; the same request is sent
again until a decision is read, or the applicant's slot is *read back*, as the target's rule has it, and until
then that person does nothing else. Someone whose doubt is never settled sends nothing more: whatever they did
next would be judged against an effect that nobody knows.

A chain is over when nothing of it is under way and nothing more is due. One chain of a person is under way at
a time; the next one waits its turn, and its latency counts from when it was due. Rows of nobody never wait.

Nothing here sends, waits or reads a clock.
"""

import hashlib
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Generic, Literal, Protocol, TypeVar

RESOLVING_TRIES: Final = 12
"""Attempts to settle a doubt, by pauses that double: over a minute with the usual first pause."""
NOBODY: Final = -1
CERTAIN: Final = frozenset({"granted", "replayed", "released"})
"""Answers that settle a doubt whenever their attempt began: what they tell has happened under this key."""


Next = Literal["again", "new key", "read back"]
"""The same request, the same under another key, or the reading of the applicant's slot instead."""
Item = TypeVar("Item")


class RetryRule(Protocol):
    """What a target says of retries; see loadtests/profile.py."""

    @property
    def after(self) -> tuple[str, ...]: ...
    @property
    def most(self) -> int: ...
    @property
    def resolve(self) -> str: ...
    @property
    def new_key_after(self) -> tuple[str, ...]: ...
    @property
    def factor(self) -> float: ...
    @property
    def longest_pause_s(self) -> float: ...
    @property
    def jitter(self) -> float: ...


def chance(person: int, chain: int, attempt: int) -> float:
    """A number from 0 to 1 that belongs to an attempt, the same in every run: a pause is jittered by it."""
    digest = hashlib.blake2b(f"{person}/{chain}/{attempt}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Chain:
    """One application on its way: made when it is due, over when its answer is known and nothing is open."""

    __slots__ = (
        *("attempts", "chain", "claim_id", "doubt_ns", "due", "hedge_ns", "in_flight", "intake"),
        *("is_settled", "key", "on_over", "op", "pause_ns", "person", "retries_left", "slot", "tries_left"),
        *("next_try", "reached", "renewed", "row_chain", "variables", "was_in_doubt"),
    )

    def __init__(
        self,
        op: int,
        person: int,
        chain: int,
        intake: str,
        key: str,
        *,
        claim_id: str = "",
        retries: int = 0,
        pause_ns: int = 200_000_000,
        hedge_ns: int = -1,
    ) -> None:
        self.op, self.person, self.chain, self.intake, self.key = op, person, chain, intake, key
        self.claim_id = claim_id  # of the claim that is released, or was granted
        self.hedge_ns = hedge_ns  # how far behind the first send its twin goes out; -1: no twin
        self.slot: str | None = None  # what was granted
        self.retries_left = retries
        self.tries_left = RESOLVING_TRIES
        self.pause_ns = pause_ns
        self.row_chain = chain  # as the record has it: the number, and which of its keys (recorder.KEYS)
        self.renewed = 0  # keys that the chain had before this one
        self.reached = 1  # the step of the operation that gave the last answer
        self.next_try: Next = "again"  # what the next attempt sends
        self.was_in_doubt = False  # whether the effect of any attempt was ever unknown
        self.attempts = 0  # attempts begun, which is the number of the next
        self.in_flight = 0
        self.due = 0  # attempts on the timetable
        self.is_settled = False
        self.doubt_ns = 0  # when the last attempt of unknown effect was given up; 0: no doubt
        self.variables: Mapping[str, str] = {}  # what earlier answers left for its requests
        self.on_over: Any = None  # called at the end, where somebody waits for it

    @property
    def is_over(self) -> bool:
        return not self.in_flight and not self.due

    def began(self) -> int:
        """An attempt is about to leave: its number."""
        self.in_flight += 1
        self.attempts += 1
        return self.attempts - 1

    def answered(
        self,
        answer: str,
        result: str,
        *,
        invoked_ns: int,
        completed_ns: int,
        rule: RetryRule,
        retry_after_s: float | None = None,
    ) -> int | None:
        """An attempt came to its end. When another is due, or None."""
        self.in_flight -= 1
        if result == "info":
            self.doubt_ns = max(self.doubt_ns, completed_ns)
            self.was_in_doubt = True
        else:
            self._told(answer, result, invoked_ns, completed_ns, rule)
        if self.in_flight or self.due:
            return None
        if self.doubt_ns:
            if not self.tries_left or rule.resolve == "none":
                return None
            self.tries_left -= 1
            self.next_try = "again" if rule.resolve == "same-key" else "read back"
        elif self.is_settled or not self.retries_left:
            return None
        else:
            self.retries_left -= 1
            if self.next_try == "read back":
                self.next_try = "again"
        if retry_after_s is not None:
            return completed_ns + int(retry_after_s * 1e9)
        return completed_ns + self._pause_ns(rule)

    def _told(self, answer: str, result: str, invoked_ns: int, completed_ns: int, rule: RetryRule) -> None:
        """An answer whose effect is known."""
        if self.next_try == "read back" and result == "fail":
            # The doubted attempt has done nothing: it counts as one that failed.
            self.doubt_ns = 0
            self.is_settled = self.is_settled or "error" not in rule.after
            return
        is_looked_up = rule.resolve == "read-back" and self.next_try != "read back"
        if answer == "duplicate" and self.was_in_doubt and is_looked_up:
            self.doubt_ns = max(self.doubt_ns, completed_ns)  # the slot may be what the doubted attempt took
            return
        if answer in CERTAIN or answer not in rule.after:
            self.is_settled = True
        elif answer in rule.new_key_after:
            self.next_try = "new key"
        # An answer to an attempt that began before the doubt says nothing of what the doubted one did since.
        is_decision = result == "ok" or answer not in rule.after
        if answer in CERTAIN or (is_decision and invoked_ns >= self.doubt_ns):
            self.doubt_ns = 0

    def _pause_ns(self, rule: RetryRule) -> int:
        """The pause before the next attempt; the one after it is longer."""
        longest_ns = int(rule.longest_pause_s * 1e9)
        pause_ns = min(self.pause_ns, longest_ns)
        self.pause_ns = min(int(rule.factor * pause_ns), longest_ns)
        if rule.jitter:
            pause_ns -= int(rule.jitter * chance(self.person, self.chain, self.attempts) * pause_ns)
        return pause_ns


class Turns(Generic[Item]):
    """Whose chain is under way, and what waits for its person's turn."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[Item] | None] = {}  # None: nothing waits, as for most
        self._silent: set[int] = set()
        self.dropped = 0
        """Chains not begun, since their person is in doubt for good."""

    def take(self, person: int, item: Item) -> bool:
        """Whether the person's next chain may begin now; if not, `leave` hands the item back, or never."""
        if person == NOBODY:
            return True
        if person in self._silent:
            self.dropped += 1
            return False
        if person in self._waiting:
            waiting = self._waiting[person]
            if waiting is None:
                self._waiting[person] = waiting = deque()
            waiting.append(item)
            return False
        self._waiting[person] = None
        return True

    def leave(self, person: int, *, in_doubt: bool) -> Item | None:
        """The person's chain is over: what may begin now."""
        if person == NOBODY:
            return None
        if in_doubt:
            self._silent.add(person)
            self.dropped += len(self._waiting.pop(person) or ())
            return None
        waiting = self._waiting[person]
        if waiting:
            return waiting.popleft()
        del self._waiting[person]
        return None
