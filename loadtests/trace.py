"""A trace: everything a load test will send, at which moment, decided before the first byte is written.

A trace has *rows* in the order of their due times, and a table of *people* to whom the rows belong. A row is
the first send of a *chain*: one application of one person, under a key of its own. What follows a row (a
retry, a hedge, a claim after a ticket, a release) depends on the answers; its times are columns of the
person, in the run's own time. With a waiting room a person's first row is a ticket; the claim of the same
chain, under the same key, follows when the service lets the person in.

Rows of nobody have person -1: readings of the counter, and orders of the administration. Their `chain` is a
place in `orders`, which says what they are about.

A trace is a pure function of scenario, seed, replication, policy, pace, scale and run id: the same bytes on
any machine. It is sharded by person without being cut: a shard keeps the whole table, and its own rows.
"""

import functools
import hashlib
import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from loadtests.protocol import RESIDENCES
from loadtests.tracing.nouns import REFUSAL, RELEASED_FOR, Clock, Order, PlannedIntake
from sim.ledger import Cap, Spec
from sim.load import Load, Window

if TYPE_CHECKING:
    from sim.scenario import Scenario

Marks = NDArray[np.int64]
Flags = NDArray[np.bool_]

FORMAT = "quotalab-trace-1"
PREFIX = "quotalab-"
"""What the name of every generated applicant begins with; the run's id comes next."""
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://quotalab.invalid/runs")

ROWS = ("due_ns", "op", "person", "chain", "intake")
PEOPLE = (
    "ids", "streams", "residences", "certificate", "letter", "complete", "retries", "backoff_ns", "hedge_ns",
    "release_ns", "reasons",
)  # fmt: skip
AT_ONCE = 0
"""A release due at the run's start, so as soon as there is something to release."""


@dataclass(frozen=True, eq=False)
class Trace:
    """What is sent, and by whom. Columns of rows have one length, columns of people another."""

    run: str
    """The run's id: part of every applicant's name, and of every key."""
    scenario: str
    seed: int
    replication: int
    policy: str
    """The policy whose simulated outcome gave the moments."""
    scale: float
    """How many people and slots there are for one of the scenario."""
    clock: Clock
    """Origin and rate of the virtual clock."""
    ends_ns: int
    """When the replayed part is over: the last row is due by then, and nothing is withdrawn later."""
    spec: Spec
    """The allocator's switches."""
    intakes: tuple[PlannedIntake, ...]
    """The intakes as the service is to be given them, with their caps as they stand when the run begins."""
    orders: tuple[Order, ...]
    """What the rows of nobody are about."""
    traffic: Load
    """How people become traffic, at this scale; with what a run must have seen."""
    counts: dict[str, int]
    """What is planned, by the names of must_see; and `granted` and `refused`, as simulated."""
    stream_names: tuple[str, ...]

    due_ns: Marks
    """When, in nanoseconds after the run's start; ascending."""
    op: NDArray[np.int8]
    """Code in protocol.OPS: claim or ticket; read, refresh or set-cap for rows of nobody."""
    person: NDArray[np.int32]
    """Row of the people; -1 for nobody."""
    chain: NDArray[np.int16]
    """Which application of the person, from 0; for rows of nobody a place in `orders`."""
    intake: NDArray[np.int32]
    """The year; 0 leaves it to the service."""

    ids: Marks
    """The applicant's id in the population; below 0 for the ineligible, who are not of it."""
    streams: NDArray[np.int16]
    """Index into stream_names."""
    residences: NDArray[np.int8]
    """Index into protocol.RESIDENCES."""
    certificate: Flags
    letter: Flags
    complete: Flags
    """Whether the first application is complete; a later one always is."""
    retries: NDArray[np.int8]
    """How often a request may be repeated, by the target's rules."""
    backoff_ns: Marks
    """The pause before the first retry; it doubles with each."""
    hedge_ns: Marks
    """How far behind its first send a chain's twin is sent, under the same key; -1 for none."""
    release_ns: Marks
    """When what the person was granted is released, after the run's start; -1 for never."""
    reasons: NDArray[np.int8]
    """Why: index into RELEASED_FOR."""

    @functools.cached_property
    def applicant(self) -> list[str]:
        """The names of the people."""
        begins = f"{PREFIX}{self.run}-"
        return [f"{begins}{each}" if each >= 0 else f"{begins}x{-each}" for each in self.ids.tolist()]

    @functools.cached_property
    def stream(self) -> list[str]:
        """The streams of the people."""
        return [self.stream_names[each] for each in self.streams.tolist()]

    @functools.cached_property
    def residence(self) -> list[str]:
        """Where the people live."""
        return [RESIDENCES[each] for each in self.residences.tolist()]

    @functools.cached_property
    def _keys(self) -> "hashlib._Hash":
        return hashlib.sha1(uuid.uuid5(NAMESPACE, self.run).bytes, usedforsecurity=False)

    @functools.cached_property
    def _releases_ns(self) -> list[int]:
        """A list, since single numbers are taken from it, which a column is slow at."""
        return self.release_ns.tolist()

    @property
    def admitted_per_s(self) -> float | None:
        """How many the waiting room lets in a second of the run; None without one."""
        room = self.traffic.waiting_room
        return None if room is None else room.admitted_per_minute.value / 60 * self.clock.rate

    @property
    def lasts_s(self) -> float:
        """How long it takes by plan: to the end of the replayed part, or until the waiting room is empty."""
        admission = self.admitted_per_s
        waiting = len(self.ids) / admission if admission is not None else 0.0
        return max(self.ends_ns / 1e9, waiting)

    def key(self, person: int, chain: int, renewed: int = 0) -> str:
        """The idempotency key of a claim: one for all sends of the chain, and for no other chain.

        Where the target keeps refusals under the key, a chain goes on under another one, `renewed` so often.
        """
        again = f"/renewed-{renewed}" if renewed else ""
        return _uuid5(self._keys, f"{self.applicant[person]}/{chain}{again}")

    def release_key(self, person: int, chain: int) -> str:
        """The idempotency key of the release of what the chain was granted."""
        return _uuid5(self._keys, f"{self.applicant[person]}/{chain}/release")

    def is_complete(self, person: int, chain: int) -> bool:
        """Whether this application of a person is complete."""
        return chain > 0 or bool(self.complete[person])

    def release_due_ns(self, person: int, chain: int) -> int:
        """When what the chain was granted is released, after the run's start; -1 for never."""
        return AT_ONCE if self._is_spoilt(person, chain) else self._releases_ns[person]

    def reason(self, person: int, chain: int) -> str:
        """Why it is released."""
        return RELEASED_FOR[REFUSAL if self._is_spoilt(person, chain) else self.reasons[person]]

    def _is_spoilt(self, person: int, chain: int) -> bool:
        """Whether a grant is for an incomplete application: it took a slot, and is handed back at once."""
        return self.spec.counts == "received" and not self.is_complete(person, chain)

    def shard(self, index: int, count: int) -> "Trace":
        """The rows of the people whose number leaves this remainder; nobody's rows go to the last shard."""
        assert 0 <= index < count, (index, count)
        mine = self.person % count == index
        return replace(self, **{name: getattr(self, name)[mine] for name in ROWS})

    def save(self, path: Path) -> None:
        """Write one file: the columns, and the rest as JSON; the same bytes for the same trace."""
        text = json.dumps(self._header(), sort_keys=True, ensure_ascii=False).encode()
        columns = {name: getattr(self, name) for name in (*ROWS, *PEOPLE)}
        with path.open("wb") as file:
            np.savez(file, header=np.frombuffer(text, dtype=np.uint8), **columns)

    @classmethod
    def load(cls, path: Path) -> "Trace":
        """The trace of a file."""
        with np.load(path, allow_pickle=False) as file:
            columns = {name: file[name] for name in (*ROWS, *PEOPLE)}
            header = json.loads(file["header"].tobytes())
        assert header.pop("format") == FORMAT, f"{path} is not a trace of this version"
        return cls(**_from_header(header), **columns)

    def _header(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "run": self.run,
            "scenario": self.scenario,
            "seed": self.seed,
            "replication": self.replication,
            "policy": self.policy,
            "scale": self.scale,
            "clock": list(self.clock),
            "ends_ns": self.ends_ns,
            "spec": self.spec.as_plain(),
            "intakes": [_intake_as_plain(each) for each in self.intakes],
            "orders": [list(each) for each in self.orders],
            "traffic": self.traffic.model_dump(mode="json", exclude_unset=True),
            "counts": self.counts,
            "stream_names": list(self.stream_names),
        }


def _uuid5(namespace: "hashlib._Hash", name: str) -> str:
    """str(uuid.uuid5(...)) at a fifth of its price, since a worker makes one for each request; the namespace
    is hashed already."""
    hashed = namespace.copy()
    hashed.update(name.encode())
    hexed = hashed.hexdigest()
    variant = _VARIANT[hexed[16]]
    return f"{hexed[:8]}-{hexed[8:12]}-5{hexed[13:16]}-{variant}{hexed[17:20]}-{hexed[20:32]}"


def _intake_as_plain(each: PlannedIntake) -> dict[str, Any]:
    caps = [
        [cap.name, cap.limit, sorted(([*pair] for pair in cap.covers), key=lambda pair: str(pair[1]))]
        for cap in each.caps
    ]
    return {"intake": each.intake, "opens_s": each.opens_s, "closes_s": each.closes_s, "caps": caps}


def _from_header(header: dict[str, Any]) -> dict[str, Any]:
    spec = dict(header["spec"])
    counter = spec["counter"]
    spec["counter"] = counter["refresh_days"] if isinstance(counter, dict) else counter
    spec["gives_back"] = frozenset(spec["gives_back"])
    intakes = tuple(
        PlannedIntake(
            **{
                **each,
                "caps": tuple(
                    Cap(name, limit, frozenset((intake, stream) for intake, stream in covers))
                    for name, limit, covers in each["caps"]
                ),
            }
        )
        for each in header["intakes"]
    )
    return header | {
        "clock": Clock(*header["clock"]),
        "spec": Spec(**spec),
        "intakes": intakes,
        "orders": tuple(Order(*each) for each in header["orders"]),
        "traffic": Load.model_validate(header["traffic"]),
        "stream_names": tuple(header["stream_names"]),
    }


def build(
    scenario: "Scenario",
    *,
    run: str,
    seed: int | None = None,
    replication: int = 0,
    policy: str | None = None,
    compress: float | None = None,
    minutes: float | None = None,
    rate: float | None = None,
    scale: float = 1.0,
    window: Window | None = None,
) -> Trace:
    """The trace of a scenario; what is None is as the scenario's [load] has it. BadInput if nobody applies.

    `compress` is scenario seconds in a second, `minutes` how long the replay lasts, `rate` the most sends a
    second; `scale` shrinks people and caps together; `window` is the part that is replayed.
    """
    # A worker reads traces, and has no use for a simulation.
    from loadtests.tracing.building import built
    from loadtests.tracing.pace import Wanted
    from loadtests.tracing.scaling import scaled
    from loadtests.tracing.story import simulated

    if window is not None:
        load = scenario.load.model_copy(update={"window": window})
        scenario = scenario.model_copy(update={"load": load})
    story = simulated(scaled(scenario, scale), seed, replication, policy)
    return built(story, run=run, wanted=Wanted(compress, minutes, rate), scale=scale)
