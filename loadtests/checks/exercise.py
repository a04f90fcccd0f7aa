"""Whether the run proves anything: what must have been seen, was seen.

A service that refuses everybody breaks no rule, and neither does one that nobody could reach. So a scenario
says under [load.must_see] what must have happened, and a verdict is UNKNOWN, "not exercised", until it has.
"""

import itertools
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from loadtests.checks.requests import claims
from loadtests.history import NOBODY, NOT_ELIGIBLE, REASON, History
from loadtests.verdict import Finding, many
from sim.load import MustSee

CHECK = "exercise"


def seen(history: History) -> dict[str, int]:
    """How often each thing happened that a scenario may ask for, by the names of must_see."""
    notes = history["note"]
    answered = history.is_result("ok", "fail") & history.is_op("claim")
    ineligible: set[tuple[str, str]] = set()
    incomplete: set[tuple[str, str]] = set()
    for row in answered.nonzero()[0].tolist():
        note = notes[row] or ""
        if note.startswith(NOT_ELIGIBLE):
            rule = note.removeprefix(NOT_ELIGIBLE).split(";")[0]
            (incomplete if rule == "complete" else ineligible).add(
                (history["applicant"][row], history["key"][row])
            )
    asked = claims(history)
    released = (history.is_op("release") & answered_at_all(history)).nonzero()[0].tolist()
    revoked = sum((notes[row] or "").startswith(REASON) for row in released)
    return {
        "cap_reached": int((history.is_answer("full") & history.is_op("claim")).any()),
        "intakes": len(np.unique(asked.intake[asked.was_done & (asked.intake != NOBODY)])),
        "refusals": int((history.is_answer("full") & history.is_op("claim")).sum()),
        "hedges": _hedges(history),
        "repeats": int(history.is_answer("duplicate").sum()),
        "withdrawals": len(released) - revoked,
        "revocations": revoked,
        "incomplete": len(incomplete),
        "ineligible": len(ineligible),
        "tickets": int((history.is_op("ticket") & answered_at_all(history)).sum()),
        "reads": int((history.is_op("read") & history.is_answer("count")).sum()),
        "refreshes": int((history.is_op("refresh") & history.is_result("ok")).sum()),
    }


def answered_at_all(history: History) -> NDArray[np.bool_]:
    """Rows whose answer was read and understood."""
    return history.is_result("ok", "fail")


def _hedges(history: History) -> int:
    """Pairs of attempts under one key that were under way at once and were both answered."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    is_mine = history.is_op("claim") & history.is_result("ok", "fail")
    for row in is_mine.nonzero()[0].tolist():
        name = (history["applicant"][row], history["key"][row])
        spans[name].append((int(history["invoked_ns"][row]), int(history["completed_ns"][row])))
    pairs = 0
    for mine in spans.values():
        mine.sort()
        pairs += any(later[0] <= earlier[1] for earlier, later in itertools.pairwise(mine))
    return pairs


def check(history: History, *, must_see: MustSee, planned: int, sent: int) -> list[Finding]:
    """UNKNOWN for everything that keeps the run from proving something; VALID if it proves what it can.

    `planned` is how many operations the trace has, 0 if that is not known; `sent` how many were begun.
    """
    findings = []
    if planned and sent / planned < must_see.sent_share:
        says = f"not exercised: {sent:,} of {planned:,} planned operations were begun"
        findings.append(
            Finding(CHECK, "UNKNOWN", says, mend="more workers, or a lower rate: --rate, --workers")
        )
    had = seen(history)
    for name, wanted in must_see.model_dump().items():
        if name == "sent_share" or had[name] >= int(wanted):
            continue
        what = name.replace("_", " ")
        were = "was" if had[name] == 1 else "were"
        says = f"not exercised: {_counted(name, had[name])} {were} seen, and {wanted:,} must be"
        if wanted is True:
            says = f"not exercised: {what} was not seen"
        findings.append(Finding(CHECK, "UNKNOWN", says, mend=_mend(name)))
    if findings:
        return findings
    shown = ", ".join(_counted(name, number) for name, number in had.items() if number)
    begun = f"{sent:,} of {planned:,} planned operations were begun, and " if planned else ""
    return [Finding(CHECK, "VALID", f"{begun}what must be seen was: {shown}", count=sent)]


def _counted(name: str, number: int) -> str:
    """So many of what must be seen; that the cap was reached has no number."""
    if name == "cap_reached":
        return "the cap was reached"
    is_plural = name not in ("incomplete", "ineligible")
    what = name.replace("_", " ")
    return many(number, what.removesuffix("es" if what == "refreshes" else "s") if is_plural else what, what)


def _mend(name: str) -> str:
    if name in ("cap_reached", "refusals"):
        return "a smaller cap, or more people: the service never had to refuse for want of room"
    if name == "hedges":
        return "a larger load.hedge_share, or a smaller load.hedge_ms"
    return f"raise what brings it about, or lower load.must_see.{name}"
