"""A history judged by itself: every check that a file alone allows, in the order in which findings are read.

    understood                 whether the record is whole, and its answers were understood; always asked
    receipts, bounds, audit    count, each for itself, and find what can be counted
    linearizability            decides whether one order explains everything
    sensitivity                which faults would have shown, asked of a history that is VALID otherwise
    reasons                    whether releases gave back what their reasons say
    witness, fairness          whether the service's own positions prove an order; who was served before whom

A service that does not promise one answer to a key, or one slot a person, is not held to it: its history is
then judged as that of an object without keys, or without persons. Whoever judges a run knows more, such as
what was to happen; those checks are added by `more`.

The audit is asked for where there is one, and where there should be: our own load tests end with it, so that
a history of theirs without one is not whole. Another's history can be whole without.

From Python:

    from loadtests.checking import check

    verdict = check("history.jsonl", caps={"2022": 500})
    assert verdict.judgement == "VALID", verdict.findings
"""

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadtests import sensitivity
from loadtests.checks import (
    audit,
    bounds,
    cut,
    fairness,
    linearizability,
    reasons,
    receipts,
    understood,
    witness,
)
from loadtests.header import Header
from loadtests.histories.columns import COLUMNS, TEXTS, Columns
from loadtests.history import History, read
from loadtests.verdict import Check, Finding, Verdict, judge, verdict_of
from sim.errors import complaint
from sim.ledger import Cap

Told = Callable[[str], None]
"""Is told the name of each check before it begins."""
OURS: Final = "quotalab"
"""The source of the histories that our load tests write."""
NAMES: Final = (
    "understood",
    "receipts",
    "bounds",
    "audit",
    "linearizability",
    "reasons",
    "witness",
    "fairness",
)


def check(
    history: History | Path | str,
    *,
    caps: Mapping[str, int] | Collection[Cap] | None = None,
    only: Collection[str] = (),
    memory: int | str | None = None,
) -> Verdict:
    """Judge a history, or the file of one (Parquet or JSON lines); for other programmes.

    `caps`: limits beside those of its header, or instead of them, as {"2022": 500, "2022/pilot": 50}.
    `only`: names of the checks that are asked; all if none is named. `memory`: of a file, bytes that judging
    it may take, or as the command line has it, "1.5GB"; None: what there is. A file that needs more is judged
    with its columns on disk (loadtests/spilling/room.py). BadInput if it cannot be a history.
    """

    def asked(found: History) -> Verdict:
        known = found if caps is None else replace(found, header=with_caps(found.header, caps_of(caps)))
        return judged(known, only=only)

    if isinstance(history, History):
        return asked(history)
    from loadtests.spilling import room

    path = Path(history)
    space = room.room_for(path, memory=room.bytes_of(memory) if isinstance(memory, str) else memory)
    with room.arrays_in(space) as shelf:
        return room.judged_in(
            space, shelf, path, read=lambda: read(path, in_batches=shelf is not None), judge=asked
        ).verdict


def caps_of(caps: Mapping[str, int] | Collection[Cap]) -> tuple[Cap, ...]:
    """Caps from their names and limits; names are those of the command line, as in 2022/pilot."""
    if not isinstance(caps, Mapping):
        return tuple(caps)
    from loadtests.reference.years import caps_of_options

    return caps_of_options(tuple(f"{name}={limit}" for name, limit in caps.items()))


def with_caps(header: Header, caps: Collection[Cap]) -> Header:
    """The header with these caps instead of those of the same names, and beside the others."""
    given = {cap.name: cap for cap in caps}
    kept = [given.pop(cap.name, cap) for cap in header.caps]
    return replace(header, caps=(*kept, *given.values()))


def judged(
    history: History,
    *,
    idempotent: bool = True,
    one_slot_each: bool = True,
    audited: bool | None = None,
    only: Collection[str] = (),
    more: Mapping[str, Check] | None = None,
    told: Told = lambda name: None,
) -> Verdict:
    """What all checks find in a history; `audited`: it should end with an audit, None: if it is of ours."""
    if audited is None:
        audited = history.header.source == OURS
    promised = functools.partial(receipts.check, idempotent=idempotent, one_slot_each=one_slot_each)
    checks: dict[str, Check] = {
        "understood": understood.check,
        "receipts": promised,
        "bounds": bounds.check,
        "audit": functools.partial(cut.audited, check=audit.check),
        "linearizability": functools.partial(_exactly, idempotent=idempotent, one_slot_each=one_slot_each),
        "reasons": functools.partial(reasons.check, names_reasons=history.header.source == OURS),
        "witness": witness.check,
        "fairness": fairness.check,
        **(more or {}),
    }
    if not (audited or "audit" in only or understood.is_audited(history)):
        del checks["audit"]
    chosen = _chosen(checks, only)
    verdict = judge(history, {name: _announced(name, each, told) for name, each in chosen.items()})
    orders = [finding.order for finding in verdict.findings if finding.order is not None]
    if verdict.judgement != "VALID" or not orders or (only and sensitivity.CHECK not in only):
        return verdict
    tried = _announced(sensitivity.CHECK, lambda whole: sensitivity.check(whole, orders[0]), told)
    return verdict_of([*verdict.findings, *judge(history, {sensitivity.CHECK: tried}).findings])


def _chosen(checks: Mapping[str, Check], only: Collection[str]) -> Mapping[str, Check]:
    """Those that are asked; what is not known to be whole is not VALID, whatever is asked of it."""
    if strange := sorted(set(only) - {*checks, *NAMES}):
        expected = ", ".join(dict.fromkeys([*NAMES, *checks]))
        raise complaint(f"there is no check {', '.join(strange)}", key="--only", expected=expected)
    return {name: each for name, each in checks.items() if not only or name in (*only, "understood")}


def _announced(name: str, check: Check, told: Told) -> Check:
    def announced(history: History) -> Sequence[Finding]:
        told(name)
        return check(history)

    return announced


def _exactly(history: History, *, idempotent: bool, one_slot_each: bool) -> list[Finding]:
    dropped = ["key"] * (not (idempotent and one_slot_each)) + ["applicant"] * (not one_slot_each)
    found = cut.ordered(without(history, *dropped) if dropped else history, linearizability.check)
    free = set(understood.uncovered(history))
    return [_of_no_cap(each) if free & set(each.witness) else each for each in found]


def _of_no_cap(finding: Finding) -> Finding:
    """A clash that claims under no declared cap take part in: with the right caps there may be none."""
    if finding.anomaly not in ("no-order", "phantom-full"):
        return finding
    says = f"{finding.says}; of these operations some are under no cap that is declared"
    return replace(finding, judgement="UNKNOWN", says=says, anomaly="", mend="declare the caps of all claims")


def without(history: History, *names: str) -> History:
    """The history as if nobody had recorded these columns; nothing is copied."""

    def fetched(name: str) -> Callable[[], object]:
        return lambda: history.coded(name) if name in TEXTS else history[name]

    kept = {name: fetched(name) for name in COLUMNS if name not in names}
    return History(history.header, Columns(len(history), kept))  # type: ignore[arg-type]
