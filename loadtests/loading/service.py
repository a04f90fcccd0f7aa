"""The service of a run: started if it is ours, told of the intakes, its state read before and after.

A service that runs already is told nothing that its profile does not say. The reference service that is
started here gets the caps, the spec and the clock of the scenario: its virtual clock shows at the start of
the replay what the trace says, so that a compressed year end is the service's year end too.
"""

import datetime
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadtests import profile
from loadtests.asking import Asker
from loadtests.header import Initial, cap_as_plain
from loadtests.history import AUDIT, HARNESS
from loadtests.loading.plan import Plan
from loadtests.profile import Request, Target, Unreadable
from loadtests.reference.clock import iso
from loadtests.target import Child, serve
from loadtests.trace import Trace
from sim.ledger import Cap, cap_of

READY_S: Final = 30.0
QUIET_S: Final = 0.25
"""A count that has not moved in two looks this far apart has settled."""


@dataclass(eq=False)
class Service:
    """A target that answers, and the line on which the harness asks it."""

    target: Target
    asker: Asker
    child: Child | None
    """The service's process, if it was started here."""

    @property
    def is_alive(self) -> bool:
        return self.child is None or self.child.is_alive


@contextmanager
def service(plan: Plan, folder: Path) -> Iterator[Service]:
    """The service of a run while it lasts; one that was started here is stopped at the end."""
    child, url = None, None
    try:
        if plan.store:
            child, url = serve(folder / "service.log", _options(plan, folder))
        target = profile.target(plan.profile, base_url=url)
        asker = Asker(target)
        deadline_s = target.ready.deadline_s if target.ready else 5.0
        asker.wait_until_ready(min(READY_S, deadline_s), lambda: child is None or child.is_alive)
        asker.set_up(_names(plan.trace))
        yield Service(target, asker, child)
        asker.close()
    finally:
        if child is not None:
            child.stop()


def _options(plan: Plan, folder: Path) -> list[str]:
    assert plan.store
    clock, load = plan.trace.clock, plan.trace.traffic
    options = ["--store", plan.store, "--workers", str(plan.options.service_workers)]
    options += ["--data", str(folder / "service")]
    options += ["--clock-origin", iso(clock.origin_s * 1000), "--clock-rate", repr(float(clock.rate))]
    if plan.options.fault:
        options += ["--fault", plan.options.fault]
    if load.waiting_room is not None:
        options += ["--admit-per-minute", str(load.waiting_room.admitted_per_minute.value)]
    return options


def announce(service: Service, trace: Trace) -> None:
    """Tell our own service of its intakes and its switches."""
    for each in trace.intakes:
        _administer(
            service,
            "PUT",
            f"/quotas/{each.intake}",
            {
                "caps": [cap_as_plain(cap) for cap in each.caps],
                "opens_at": iso(each.opens_s * 1000),
                "closes_at": iso(each.closes_s * 1000),
                "spec": trace.spec.as_plain(),
            },
        )


def set_caps(service: Service, caps: Iterable[Cap], intake: str) -> None:
    """Give caps of our own service other limits."""
    for cap in caps:
        _administer(service, "POST", f"/quotas/{intake}/caps", {"cap": cap.name, "limit": cap.limit})


def set_clock(service: Service, trace: Trace, *, starts_in_s: float) -> None:
    """Set the clock of our own service so that the replay begins in so many seconds."""
    at = _epoch_s(str(_administer(service, "GET", "/clock", None)["now"]))
    wanted = trace.clock.origin_s - trace.clock.rate * starts_in_s
    _administer(service, "POST", "/clock", {"step_s": wanted - at})


def state_before(service: Service, trace: Trace) -> Initial:
    """What the service counts before the run; figures that it does not give are left out."""
    used: dict[str, int] = {}
    holders: dict[str, tuple[str, ...]] | None = {}
    for intake in _names(trace):
        number = _figure(service, "used", intake)
        if number is not None:
            used[intake] = number
        listed = service.asker.holders(intake)
        if listed is None:
            holders = None
        elif holders is not None:
            holders[intake] = tuple(sorted(each.shown for each in listed))
    return Initial(used, holders)


def caps_of(service: Service, trace: Trace) -> tuple[Cap, ...]:
    """The caps to judge by: of a service that was told nothing, the limit that it gives itself."""
    planned = {cap.name: cap for each in trace.intakes for cap in each.caps}
    if service.child is None:
        for intake in _names(trace):
            limit = _figure(service, "cap", intake)
            if limit is not None:
                planned[intake] = cap_of(intake, limit)
    return tuple(planned.values())


def wait_until_quiet(service: Service, trace: Trace, deadline_s: float) -> bool:
    """Wait until the count of no intake moves any more; False if it still did at the deadline."""
    until = time.monotonic() + deadline_s
    before: list[int | None] | None = None
    while time.monotonic() < until:
        now = [_figure(service, "used", intake) for intake in _names(trace)]
        if now == before:
            return True
        before = now
        time.sleep(QUIET_S)
    return False


def audit(service: Service, trace: Trace) -> list[dict[str, Any]]:
    """What the service says of every intake after the run, as rows of the history."""
    rows: list[dict[str, Any]] = []
    names = set(trace.applicant)
    for intake in _names(trace):
        begins = time.monotonic_ns()
        used, held = (_figure(service, name, intake) for name in ("used", "held"))
        holders = service.asker.holders(intake)
        if used is None and holders is None:
            continue
        ends = time.monotonic_ns()
        shared = {
            "intake": intake,
            "due_ns": begins,
            "invoked_ns": begins,
            "completed_ns": ends,
            "host": HARNESS,
        }
        note = AUDIT + ("" if held is None else f"; held={held}") + ("" if holders is None else "; listed")
        rows.append({**shared, "op": "read", "result": "ok", "answer": "count", "value": used, "note": note})
        back = {} if holders is None else service.target.way_back(names)
        for each in holders or ():
            rows.append(
                {
                    **shared,
                    "op": "hold",
                    "result": "ok",
                    "applicant": back.get(each.shown, each.shown),
                    "slot": each.slot,
                    "claim_id": each.claim_id,
                    "position": each.position,
                }
            )
    return rows


def _names(trace: Trace) -> list[str]:
    return [each.intake for each in trace.intakes]


def _figure(service: Service, name: str, intake: str) -> int | None:
    try:
        return service.asker.figure(name, intake)
    except Unreadable as error:
        raise service.asker.unusable(str(error), key=f"readings.{name}") from error


def _administer(service: Service, method: str, path: str, said: Any) -> dict[str, Any]:
    """One order of the administration to our own service; it must do as it is told."""
    body = b"" if said is None else json.dumps(said).encode()
    token = service.target.variables.get("admin", "")
    headers = (("Content-Type", "application/json"), ("Authorization", f"Bearer {token}"))
    reply = service.asker.attempt(Request(method, path, headers, body))
    if reply.error is not None or not 200 <= reply.status < 300:
        why = reply.error or f"{reply.status} {reply.body[:300].decode('utf-8', 'replace')}"
        raise service.asker.unusable(f"{method} {path} was not done: {why}", key="--target")
    found: dict[str, Any] = json.loads(reply.body or b"{}")
    return found


def _epoch_s(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
