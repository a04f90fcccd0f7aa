"""What a worker of the reference service has to know: plain data, handed to each worker as JSON.

Secrets are not in here. The admin token comes from the environment and stays there.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from loadtests.reference.stores.store import caps_as_text, caps_of_text, spec_of_plain
from sim.ledger import Cap, Spec

StoreName = Literal["memory", "sqlite", "postgres", "valkey"]
STORES: tuple[StoreName, ...] = get_args(StoreName)

SameKey = Literal["wait", "conflict"]

TOKEN_VARIABLE = "QUOTALAB_ADMIN_TOKEN"


@dataclass(frozen=True, slots=True)
class Year:
    """An intake that the service knows from the start."""

    intake: str
    caps: tuple[Cap, ...]
    opens_at: int | None = None  # ms; None opens it at once
    closes_at: int | None = None
    steps: tuple[tuple[int, str, int], ...] = ()  # when, in ms, which cap gets which limit; in order

    def caps_at(self, moment: int) -> tuple[Cap, ...]:
        """The caps with the limits that they have by then."""
        limits = {cap: limit for at, cap, limit in self.steps if at <= moment}
        return tuple(replace(cap, limit=limits.get(cap.name, cap.limit)) for cap in self.caps)


@dataclass(frozen=True, slots=True)
class Settings:
    """The same for every worker of one service, but for `worker`."""

    store: StoreName
    where: str = ""  # the SQLite file, or the URL of the server
    board: str = ""  # the file of the shared board
    spec: Spec = field(default_factory=Spec)
    years: tuple[Year, ...] = ()
    origin_ms: int = 0
    rate: float = 1.0
    time_zone: str = "America/Toronto"  # whose midnights copy a stale counter
    started_s: float = 0.0
    workers: int = 1
    worker: int = 0
    fault: str | None = None
    ineligible_streams: tuple[str, ...] = ()
    admit_per_minute: float | None = None  # None: no waiting room before the claims
    same_key: SameKey = "wait"  # what a claim does whose key is at work already
    sync: Literal["full", "normal"] = "full"  # what a commit of SQLite waits for
    busy_s: float = 5.0  # how long a command may wait for its turn
    logs_requests: bool = False

    def as_text(self) -> str:
        plain = asdict(self)
        plain["spec"] = self.spec.as_plain()
        plain["years"] = [
            [year.intake, caps_as_text(year.caps), year.opens_at, year.closes_at, year.steps]
            for year in self.years
        ]
        return json.dumps(plain)

    @staticmethod
    def of_text(text: str) -> "Settings":
        plain: dict[str, Any] = json.loads(text)
        plain["spec"] = spec_of_plain(plain["spec"])
        plain["years"] = tuple(
            Year(intake, caps_of_text(caps), opens_at, closes_at, tuple(map(tuple, steps)))
            for intake, caps, opens_at, closes_at, steps in plain["years"]
        )
        plain["ineligible_streams"] = tuple(plain["ineligible_streams"])
        return Settings(**plain)
