"""Large histories of a correct service: a million operations in a few seconds.

As in `tests.random_histories` every operation has an instant at which it takes effect, but there is one cap
and the rule book is a few lines here. People behave: a claim is sent again under its key, at once or later; a
release comes after the answer to the claim. Of some operations the answer is lost, half of them before their
effect. Latencies are lognormal; where the service stalls, half way, whatever is under way then is answered
only when that is over, and everything that is sent meanwhile as well.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from loadtests.header import Header
from loadtests.history import ABSENT, COLUMNS, INTEGERS, NEVER, TEXTS, WORDS, Column, History, history_of
from loadtests.protocol import ANSWER, OP, RESULT
from sim.ledger import Spec, cap_of

Rng = np.random.Generator
STEP_NS = 1_000
CLAIM, RETRY, RELEASE, READ = range(4)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What there is in a large history; shares of the operations."""

    operations: int = 10_000
    in_flight: int = 100
    retries: float = 0.05
    releases: float = 0.0
    reads: float = 0.01
    unknown: float = 0.0
    filled: float = 0.5
    """The cap, as a share of the operations."""
    sigma: float = 0.7
    """Of the lognormal latencies; with 2 one request in fifty takes eight times the mean."""
    steps: tuple[tuple[float, float, bool], ...] = ()
    """Orders to set the cap that nobody answered: after which share of the operations, to which share of
    them, and whether they were done."""
    stall: int = 0
    """So many operations are sent while the service stalls: a thousand a second, 2 s are 2,000."""


def crowded(rng: Rng, crowd: Crowd) -> History:
    """A history of a correct service."""
    size = crowd.operations
    instants = np.arange(size, dtype=np.int64) * STEP_NS
    mean = np.exp(crowd.sigma**2 / 2)
    took = rng.lognormal(0.0, crowd.sigma, size) * crowd.in_flight * STEP_NS / mean
    before = rng.random(size)
    begins = instants - (took * before).astype(np.int64)
    ends = instants + (took * (1 - before)).astype(np.int64)
    if crowd.stall:
        stops, goes_on = size // 2 * STEP_NS, (size // 2 + crowd.stall) * STEP_NS
        is_waiting = (begins < goes_on) & (ends > stops)
        ends[is_waiting] = np.maximum(ends[is_waiting], goes_on + (took[is_waiting] / 4).astype(np.int64))
    shares = np.cumsum([0.0, crowd.retries, crowd.releases, crowd.reads])
    draw = rng.random(size)
    kinds = np.select([draw < share for share in shares[1:]], [RETRY, RELEASE, READ], CLAIM)
    lost = np.where(rng.random(size) < crowd.unknown, rng.integers(1, 3, size), 0)
    told = _play(crowd, kinds, begins, ends, lost, rng.random(size))
    return _with_orders(_history(crowd, begins, ends, lost, told), rng, crowd)


def _play(
    crowd: Crowd, kinds: Column, begins: Column, ends: Column, lost: Column, luck: Column
) -> dict[str, list[int]]:
    """Let every operation take effect at its instant; lost: 1 without effect, 2 with it."""
    cap, count, granted, people = int(crowd.filled * crowd.operations), 0, 0, 0
    slots: list[int] = []  # by person; 0 before the grant
    waiting: deque[tuple[int, int]] = deque()  # who was granted a slot, and when the answer came
    unanswered: deque[int] = deque()
    told: dict[str, list[int]] = {name: [] for name in ("op", "who", "answer", "slot", "value")}
    op, who, answer, slot, value = told.values()
    steps = {
        int(at * crowd.operations): int(to * crowd.operations) for at, to, is_done in crowd.steps if is_done
    }
    for kind, begin, end, fate, chance in zip(
        kinds.tolist(), begins.tolist(), ends.tolist(), lost.tolist(), luck.tolist(), strict=True
    ):
        cap = steps.get(len(op), cap)
        if kind == READ:
            op.append(OP["read"]), who.append(-1), answer.append(ANSWER["count"])
            slot.append(0), value.append(count)
            continue
        if kind == RELEASE and waiting and waiting[0][1] < begin:
            person, _ = waiting.popleft()
            count -= fate != 1
            op.append(OP["release"]), who.append(person), answer.append(ANSWER["released"])
            slot.append(0), value.append(ABSENT)
            continue
        person = people
        if kind == RETRY and people:
            person = (
                unanswered.popleft() if unanswered else max(0, people - 1 - int(chance * crowd.in_flight))
            )
        if person == people:
            people += 1
            slots.append(0)
        if fate:
            unanswered.append(person)
        said = ANSWER["replayed"] if slots[person] else ANSWER["full"]
        if not slots[person] and count < cap and fate != 1:
            said, count, granted = ANSWER["granted"], count + 1, granted + 1
            slots[person] = granted
            if not fate:
                waiting.append((person, end))
        op.append(OP["claim"]), who.append(person), answer.append(said)
        slot.append(slots[person]), value.append(ABSENT)
    return told


def _history(crowd: Crowd, begins: Column, ends: Column, lost: Column, told: dict[str, list[int]]) -> History:
    size = len(begins)
    columns: dict[str, Column] = {name: np.full(size, None, dtype=object) for name in TEXTS}
    columns |= {name: np.full(size, ABSENT, dtype=np.int64) for name in INTEGERS}
    columns |= {name: np.full(size, -1, dtype=np.int8) for name in (*WORDS, "given_back")}
    op, who, answer = np.array(told["op"]), np.array(told["who"]), np.array(told["answer"])
    is_lost = (lost > 0) & (op != OP["read"])
    columns["op"] = op.astype(np.int8)
    columns["answer"] = np.where(is_lost, -1, answer).astype(np.int8)
    columns["result"] = np.where(is_lost, RESULT["info"], RESULT["ok"]).astype(np.int8)
    columns["given_back"] = np.where((op == OP["release"]) & ~is_lost, 1, -1).astype(np.int8)
    columns["value"] = np.array(told["value"], dtype=np.int64)
    columns["invoked_ns"], columns["due_ns"] = begins, begins
    columns["completed_ns"] = np.where(is_lost, NEVER, ends)
    columns["intake"][:] = "2022"
    is_claim, has_person = op == OP["claim"], who >= 0
    columns["stream"][is_claim] = "regular"
    columns["applicant"] = _words("p", who, has_person)
    columns["key"] = np.where(is_claim, _words("k", who, has_person), _words("r", who, has_person))
    slot = np.array(told["slot"])
    columns["slot"] = _words("", slot, is_claim & ~is_lost & (slot > 0))
    columns["cap"][~is_lost & (answer == ANSWER["full"])] = "2022"
    order = np.argsort(begins, kind="stable")
    columns = {name: columns[name][order] for name in COLUMNS}
    columns["index"] = np.arange(size, dtype=np.int64)
    spec = Spec(gives_back=frozenset({"withdrawal"}) if crowd.releases else frozenset())
    cap = cap_of("2022", int(crowd.filled * crowd.operations))
    return History(Header(caps=(cap,), spec=spec, source="a crowd, at random instants"), columns)


def _with_orders(history: History, rng: Rng, crowd: Crowd) -> History:
    """The history with the orders to set its cap."""
    if not crowd.steps:
        return history
    rows = []
    for at, to, _ in crowd.steps:
        begins = int((at * crowd.operations - rng.random() * crowd.in_flight) * STEP_NS)
        order = {"op": "set-cap", "intake": "2022", "cap": "2022", "value": int(to * crowd.operations)}
        rows.append(order | {"invoked_ns": begins, "result": "info"})
    more = history_of(history.header, rows).columns
    columns = {name: np.concatenate([history[name], more[name]]) for name in COLUMNS}
    order = np.argsort(columns["invoked_ns"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    columns["index"] = np.arange(len(order), dtype=np.int64)
    return History(history.header, columns)


def _words(letter: str, numbers: Column, which: Column) -> Column:
    """One string a number, None elsewhere."""
    table = np.array([f"{letter}{number}" for number in range(int(numbers.max(initial=0)) + 1)], dtype=object)
    return np.where(which, table[np.maximum(numbers, 0)], None)


FRAGMENTS: dict[str, Crowd] = {
    "claims": Crowd(reads=0.0, retries=0.0),
    "readings": Crowd(retries=0.0),
    "retries": Crowd(retries=0.1, unknown=0.01),
    "hedges": Crowd(retries=0.3, unknown=0.01),
    "releases": Crowd(releases=0.2, filled=0.2, retries=0.0),
    "everything": Crowd(releases=0.2, filled=0.2, retries=0.05, unknown=0.01),
    "hedges and releases": Crowd(releases=0.2, filled=0.2, retries=0.3, unknown=0.01),
    "heavy tails": Crowd(releases=0.2, filled=0.2, retries=0.05, unknown=0.01, sigma=2.0),
    "a stall": Crowd(releases=0.2, filled=0.2, retries=0.05, unknown=0.01, stall=2_000),
}
