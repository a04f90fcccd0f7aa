"""From what was recorded to the verdict: merge, settle, audit, ask the checks."""

import functools
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from loadtests import checking, clash
from loadtests.checks import errors, exercise, prediction, service_level, waiting_room
from loadtests.header import Header
from loadtests.history import COLUMNS, HARNESS, History, history_of, merge
from loadtests.profile import Target
from loadtests.showing import verdict as show_verdict
from loadtests.trace import Trace
from loadtests.verdict import Check, Verdict
from sim.scenario import Scenario


def header_of(trace: Trace, **known: object) -> Header:
    """The header of a run's history, as far as its trace says it."""
    origin_ns = time.time_ns() - time.monotonic_ns()
    said = Header(
        spec=trace.spec, origin_ns=origin_ns, run=trace.run, source="quotalab", scenario=trace.scenario
    )
    return replace(said, **known)  # type: ignore[arg-type]


def merged(folder: Path, trace: Trace, header: Header) -> History:
    """What the workers left, as one history."""
    return merge(folder, trace, header)


def with_rows(history: History, rows: list[dict[str, object]]) -> History:
    """The history with rows that come after all others."""
    if not rows:
        return history
    more = history_of(history.header, rows)
    columns = {name: np.concatenate([history[name], more[name]]) for name in COLUMNS}
    columns["index"] = np.arange(len(history) + len(more), dtype=np.int64)
    return History(history.header, columns)


def begun(history: History, trace: Trace) -> tuple[int, int]:
    """How many of the trace's operations were begun, and how many there are."""
    person, chain, op = (history[name] for name in ("applicant", "chain", "op"))
    is_mine = history["host"] != np.array(HARNESS, dtype=object)
    mine = set(zip(person[is_mine].tolist(), chain[is_mine].tolist(), op[is_mine].tolist(), strict=True))
    names = trace.applicant
    people = trace.person >= 0
    planned = zip(
        trace.person[people].tolist(), trace.chain[people].tolist(), trace.op[people].tolist(), strict=True
    )
    sent = sum((names[who], which, what) in mine for who, which, what in planned)
    nobody = is_mine & np.array([name is None for name in person], dtype=np.bool_)
    return sent + min(int(nobody.sum()), int((~people).sum())), len(trace.due_ns)


def verdict(history: History, trace: Trace, target: Target, *, scenario: Scenario | None = None) -> Verdict:
    """What all checks find, with what this target promises, and what the scenario predicts if it is known."""
    promised = target.capabilities
    sent, planned = begun(history, trace)
    more: dict[str, Check] = {
        "errors": functools.partial(errors.check, budget=promised.error_budget, conflicts=promised.conflicts),
        "exercise": functools.partial(
            exercise.check, must_see=trace.traffic.must_see, planned=planned, sent=sent
        ),
        "service-level": functools.partial(service_level.check, traffic=trace.traffic),
    }
    if scenario is not None:
        caps = tuple({cap.name: cap for each in trace.intakes for cap in each.caps}.values())
        rules = prediction.rules_of(scenario, trace.policy, caps=caps, spec=trace.spec, names_rules=True)
        more["prediction"] = functools.partial(prediction.check, rules=rules)
    if (room := trace.traffic.waiting_room) is not None:
        per_s = room.admitted_per_minute.value / 60 * trace.clock.rate
        more["waiting-room"] = functools.partial(waiting_room.check, admitted_per_s=per_s)
    return checking.judged(
        history,
        idempotent=promised.idempotent,
        one_slot_each=promised.one_slot_each,
        audited=True,
        more=more,
    )


def draw(folder: Path, history: History, verdict: Verdict) -> None:
    """Leave a picture of what clashes beside the verdict, if it is INVALID; else none."""
    picture = folder / "clash.svg"
    picture.unlink(missing_ok=True)
    found = show_verdict.clash_of(verdict, history)
    if found is not None:
        picture.write_text(clash.svg(found), "utf-8")
