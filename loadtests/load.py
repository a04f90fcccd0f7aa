"""A load test from beginning to end: plan, service, replay, settling, audit, verdict, and what is kept of it.

    scenario -> trace -> service starts -> Locust replays (a child) -> nothing moves any more
             -> what is unknown is asked again -> audit -> history -> checks -> verdict

Whatever ends the replay (its end, Ctrl-C, the budget, a dead worker), what was recorded is judged.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadtests import latency, signs
from loadtests import verdict as verdicts
from loadtests.header import Header, Initial
from loadtests.history import HARNESS, History, write
from loadtests.latency import Latencies
from loadtests.loading import folder as folders
from loadtests.loading import gates as gating
from loadtests.loading import judging, lost, preparing
from loadtests.loading.gates import Gate
from loadtests.loading.plan import Options, Plan, plan
from loadtests.loading.replay import Progress, Replayed, replay
from loadtests.loading.service import (
    Service,
    announce,
    audit,
    caps_of,
    service,
    set_clock,
    state_before,
    wait_until_quiet,
)
from loadtests.loading.settling import Settled, settle
from loadtests.recorder import left_in
from loadtests.safe import Lock, check_clean
from loadtests.showing import verdict as show_verdict
from loadtests.verdict import Verdict
from sim.errors import BadInput, complaint

GATE_MISSED, INTERRUPTED = 4, 130
QUIET_S = 15.0
SETTLE_S = 30.0
LEAD_S = 8.0
"""About how long it takes from here to the first due time; corrected once that is known."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Whom to tell what."""

    said: Callable[[str], None]
    """A line for people: what will be sent, what is going on."""
    moved: Callable[[Progress], None]
    """How far the replay is; called several times a second."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load test that was made, and what came of it."""

    plan: Plan
    folder: Path
    replayed: Replayed
    history: History
    verdict: Verdict
    latencies: list[Latencies]
    gates: list[Gate]
    settled: Settled
    took_s: float

    @property
    def came_to_its_end(self) -> bool:
        """Whether everything that was planned was sent, and all of it is on record here."""
        return self.replayed.how == "over" and not self.replayed.dead and not self.replayed.lost

    @property
    def exit_code(self) -> int:
        """As the contract has it: nothing to judge, the verdict, or a gate that was missed."""
        was_sent = any(host != HARNESS for host in self.history["host"])
        if self.replayed.how == "interrupted" and not was_sent:
            return INTERRUPTED
        code = self.verdict.exit_code
        if code == 0 and self.plan.options.gate == "all" and not all(gate.is_met for gate in self.gates):
            return GATE_MISSED
        return code

    def as_plain(self) -> dict[str, Any]:
        """The run for --json and summary.json."""
        sent = self.plan.trace
        late_ns = self.history["invoked_ns"] - self.history["due_ns"]
        is_sent = ~self.history.is_op("hold", "fault")
        late = int((is_sent & (late_ns > sent.traffic.late_ms.value * 1e6)).sum())
        return {
            "scenario": sent.scenario,
            "run": sent.run,
            "seed": sent.seed,
            "policy": sent.policy,
            "target": self.plan.options.target,
            "fault": self.plan.options.fault,
            "scale": sent.scale,
            "compress": sent.clock.rate,
            "ended": self.replayed.how,
            "dead_workers": self.replayed.dead,
            "lost_workers": list(self.replayed.lost),
            "took_s": round(self.took_s, 1),
            "operations": len(self.history),
            "late": late,
            "settled": self.settled._asdict(),
            "outcomes": {each.outcome: each.count for each in self.latencies[1:]},
            "latencies": [each.as_plain() for each in self.latencies],
            "gates": [{"name": gate.name, "met": gate.is_met, "says": gate.says} for gate in self.gates],
            "exit_code": self.exit_code,
            **verdicts.as_plain(self.verdict, self.history),
        }


def load(options: Options, watcher: Watcher) -> Loaded:
    """Make a load test; BadInput if it cannot be made, and then nothing was sent."""
    begun = time.monotonic()
    planned = plan(options)
    for sentence in planned.sentences():
        watcher.said(sentence)
    lock = Lock(planned.trace.run)
    try:
        folder = folders.begin(planned)
        try:
            found = _made(planned, folder.path, watcher, begun)
        except BaseException:
            folders.finish(folder, is_complete=False)
            raise
        folders.finish(folder, is_complete=found.came_to_its_end)
        return found
    finally:
        lock.release()


def _made(planned: Plan, folder: Path, watcher: Watcher, begun: float) -> Loaded:
    if planned.options.reset:
        preparing.resetting(planned.options.target, owned=planned.options.owned).run()
        watcher.said("the service was reset")
    with service(planned, folder) as answering:
        before = ready(answering, planned)
        return against(answering, planned, folder, before, watcher, begun=begun)


def ready(answering: Service, planned: Plan) -> Initial:
    """Tell a service of ours what it is to serve; what is taken already. BadInput if that must not be."""
    if planned.store:
        set_clock(answering, planned.trace, starts_in_s=LEAD_S)
        announce(answering, planned.trace)
    elif planned.options.opens:
        preparing.open_intakes(answering.asker, planned.trace.intakes, planned.trace.spec)
    before = state_before(answering, planned.trace)
    is_shared = answering.target.profile.shared
    listed = {intake: len(who) for intake, who in (before.holders or {}).items()}
    check_clean(
        listed | before.used,
        reset=preparing.how_to_reset(planned.options.target, answering.target),
        dirty_ok=planned.options.dirty,
        shared=is_shared,
    )
    if not planned.store and not is_shared:
        preparing.check_caps(answering.asker, planned.trace.intakes, scale=planned.trace.scale)
    return before


def against(
    answering: Service, planned: Plan, folder: Path, before: Initial, watcher: Watcher, *, begun: float
) -> Loaded:
    """Replay the plan against a service that answers, and judge what it did since `before`."""
    trace = planned.trace
    header = judging.header_of(
        trace,
        caps=caps_of(answering, trace),
        initial=None if _is_empty(before) else before,
        shared=answering.target.profile.shared,
    )
    replayed = replay(planned, answering, folder, watcher.moved)
    watcher.said(_how(replayed))
    if replayed.how == "failed" and not any(len(each.rows) for each in left_in(folder / "history")):
        raise complaint(_how(replayed), file=str(folder / "locust" / "locust.log"))
    history, settled = _settled(planned, answering, folder, header, replayed, watcher)
    history = judging.with_rows(history, _audited(answering, planned, watcher))
    return _judged(planned, folder, answering, history, replayed, settled, begun)


def _settled(
    planned: Plan, answering: Service, folder: Path, header: Header, replayed: Replayed, watcher: Watcher
) -> tuple[History, Settled]:
    """The history once nothing moves any more, and everything that can be known is known."""
    trace = planned.trace
    header = replace(header, complete=replayed.how == "over" and not replayed.lost)
    history = judging.merged(folder / "history", trace, header)
    try:
        is_quiet = wait_until_quiet(answering, trace, QUIET_S)
        if not is_quiet:
            watcher.said(f"the service still changes its count {QUIET_S:g} s after the last request")
        settled = settle(answering.asker, history, trace, folder / "history", deadline_s=SETTLE_S)
        if settled.asked or not is_quiet:
            wait_until_quiet(answering, trace, QUIET_S)
    except (BadInput, KeyboardInterrupt) as error:
        # The service is gone, or nobody wants to wait: what was recorded is judged without its own count.
        watcher.said(str(error) or "interrupted again: what is unknown stays so")
        settled, header = Settled(0, 0), replace(header, complete=False)
    if settled.asked:
        watcher.said(f"{settled.asked:,} requests had an unknown effect; {settled.known:,} are known now")
    start = signs.started(folder)
    if start is not None and replayed.lost:
        where, shards = folder / "history", start.shards
        lost.suppose(where, trace, shards=shards, lost=replayed.lost, start_ns=start.start_ns)
    if settled.asked or replayed.lost or header != history.header:
        history = judging.merged(folder / "history", trace, header)
    return history, settled


def _audited(answering: Service, planned: Plan, watcher: Watcher) -> list[dict[str, Any]]:
    try:
        return audit(answering, planned.trace)
    except BadInput as error:
        watcher.said(str(error))
        return []


def _judged(
    planned: Plan,
    folder: Path,
    answering: Service,
    history: History,
    replayed: Replayed,
    settled: Settled,
    begun: float,
) -> Loaded:
    write(history, folder / "history.parquet")
    verdict = judging.verdict(history, planned.trace, answering.target, scenario=planned.scenario)
    found = latency.latencies(history)
    latency.write(folder / "latency.hdr", found)
    gates = gating.gates(history, found, planned.trace, answering.target)
    took_s = time.monotonic() - begun
    loaded = Loaded(planned, folder, replayed, history, verdict, found, gates, settled, took_s)
    folders.write_json(folder / "verdict.json", show_verdict.as_plain(verdict, history))
    judging.draw(folder, history, verdict)
    folders.write_json(folder / "summary.json", loaded.as_plain())
    return loaded


def _is_empty(initial: Initial) -> bool:
    """Whether the service is known to have had nothing taken before the run."""
    is_none_used = bool(initial.used) and not any(initial.used.values())
    return is_none_used and not any((initial.holders or {}).values())


def _workers(number: int) -> str:
    return f"{number} worker{'' if number == 1 else 's'}"


def _how(replayed: Replayed) -> str:
    died = f"; {_workers(replayed.dead)} died" if replayed.dead else ""
    if replayed.lost:
        died += (
            f"; the records of {_workers(len(replayed.lost))} did not come (quotalab load-merge RUN FOLDER "
            "brings them)"
        )
    match replayed.how:
        case "over":
            return f"the replay is over{died}"
        case "interrupted":
            return f"the replay was interrupted{died}; what was recorded is judged"
        case "not understood":
            return f"stopped: too many answers match no rule of the profile{died}"
        case "out of time":
            return f"the budget is used up{died}; what was recorded is judged"
    return f"the load generator broke off{died}: {replayed.words or 'it said nothing'}"
