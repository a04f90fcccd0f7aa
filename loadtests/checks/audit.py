"""After the run: what the service says of itself against what it told its applicants.

The audit is a reading and a list of holders of each intake, taken when nothing was under way any more: a read
row whose note begins with "audit", goes on with "; held=N" where the service says how many hold a slot, and
with "; listed" where there is one hold row a holder. Without such a reading nothing is judged here.

Anomalies
    count-differs      `used` is not the initial count, and the grants, less what was given back
    holders-differ     `held`, or used less what was not given back, is not the number of holders listed
    lost-grant         somebody was granted a slot, did not release it, and does not hold it
    unexplained-holder somebody holds a slot who was never granted one
    other-slot         somebody holds another slot than the one that was granted
    held-twice         a slot has two holders, or a holder two slots
"""

import re
from collections import Counter
from collections.abc import Iterable

from loadtests.checks.requests import Request, claims, initial_holders, releases
from loadtests.history import ABSENT, AUDIT, History
from loadtests.verdict import Finding

CHECK = "audit"
Case = tuple[str, str, list[int]]
"""Anomaly, sentence, operations."""


def check(history: History) -> list[Finding]:
    """Every intake that was audited; UNKNOWN where none was."""
    notes = history["note"]
    reads = [
        row for row in history.is_op("read").nonzero()[0].tolist() if (notes[row] or "").startswith(AUDIT)
    ]
    if not reads:
        says = "the service's own count was not read after the run"
        return [Finding(CHECK, "UNKNOWN", says, mend="give the profile the readings used and holders")]
    asked, given_up = claims(history), releases(history)
    findings, looked, listed = [], 0, 0
    for read in reads:
        one = _Audit(history, read, asked, given_up)
        cases: dict[str, list[Case]] = {}
        for case in one.cases():
            cases.setdefault(case[0], []).append(case)
        for anomaly, found in cases.items():
            findings.append(Finding(CHECK, "INVALID", found[0][1], anomaly, tuple(found[0][2]), len(found)))
        looked += len(one.granted)
        listed += len(one.holds)
    if findings:
        return findings
    parts = [f"{looked:,} grants and {listed:,} holders agree with the service's own count"]
    if not all(LISTED in notes[read] for read in reads):
        parts.append("it lists no holders, so that nobody's slot was looked up")
    return [
        Finding(CHECK, "VALID", "; ".join(parts) + ", after everything was answered", count=looked + listed)
    ]


LISTED = "listed"
"""In the note of an audit's reading: the holders were listed too."""


class _Audit:
    """The audit of one intake, beside the claims and releases that concern it."""

    def __init__(self, history: History, read: int, asked: list[Request], given_up: list[Request]) -> None:
        self.history, self.read = history, read
        self.intake = str(history["intake"][read])
        self.note = str(history["note"][read])
        self.asked = [each for each in asked if each.may_have and each.concerns(self.intake)]
        self.granted = [each for each in self.asked if each.done and each.intake == self.intake]
        self.given_up = [each for each in given_up if each.may_have and each.concerns(self.intake)]
        self.holds = [
            row
            for row in history.is_op("hold").nonzero()[0].tolist()
            if history["intake"][row] == self.intake
        ]
        self.before = initial_holders(history, self.intake)

    def cases(self) -> Iterable[Case]:
        yield from self._used()
        if LISTED in self.note:
            yield from self._held()
            yield from self._lost()
            yield from self._unexplained()
            yield from self._twice()

    def _used(self) -> Iterable[Case]:
        history, used = self.history, int(self.history["value"][self.read])
        if used == ABSENT:
            return
        initial = history.header.initial
        start = 0 if initial is None else initial.used.get(self.intake)
        flags = history["given_back"]
        can_fall = bool(history.header.spec.gives_back)
        kept = [each for each in self.given_up if any(flags[row] == 0 for row in each.done)]
        back = [each for each in self.given_up if any(flags[row] == 1 for row in each.done)]
        may_be_back = len(self.given_up) - len(kept) if can_fall else 0
        if history.header.shared and can_fall:
            return
        granted = sum(len(each.grants) for each in self.granted)
        least = (start or 0) + granted - may_be_back
        most = (start or 0) + sum(max(1, len(each.grants)) for each in self.asked)
        most -= len(back) if can_fall else 0
        if used < least or (used > most and start is not None and not history.header.shared):
            expected = f"{least:,}" if least == most else f"between {least:,} and {most:,}"
            says = (
                f"intake {self.intake}: the service counts {used:,} slots used, its answers make {expected} "
                f"({granted:,} granted, {len(back):,} given back, {start or 0:,} before)"
            )
            yield "count-differs", says, [self.read]

    def _held(self) -> Iterable[Case]:
        said = re.search(r"held=(\d+)", self.note)
        if said and int(said[1]) != len(self.holds):
            says = f"intake {self.intake}: the service counts {said[1]} holders and lists {len(self.holds):,}"
            yield "holders-differ", says, [self.read]
        used = int(self.history["value"][self.read])
        flags = self.history["given_back"]
        kept = sum(any(flags[row] == 0 for row in each.done) for each in self.given_up)
        unsure = len(self.given_up) - sum(bool(each.done) for each in self.given_up)
        unsaid = sum(
            bool(each.done) and not any(flags[row] >= 0 for row in each.done) for each in self.given_up
        )
        if used == ABSENT or self.before is None or self.history.header.shared:
            return
        initial = self.history.header.initial
        kept += 0 if initial is None else max(0, initial.used.get(self.intake, 0) - len(self.before))
        difference = used - len(self.holds)
        if not kept <= difference <= kept + unsure + unsaid:
            says = (
                f"intake {self.intake}: {used:,} slots are used and {len(self.holds):,} held, and {kept:,} "
                "were released without being given back"
            )
            yield "holders-differ", says, [self.read]

    def _lost(self) -> Iterable[Case]:
        held = {self.history["applicant"][row]: row for row in self.holds}
        released = {each.applicant for each in self.given_up}
        for request in self.granted:
            if request.applicant in released:
                continue
            row = held.get(request.applicant)
            if row is None:
                says = f"{request.applicant} was granted a slot of intake {self.intake} and does not hold it"
                yield "lost-grant", says, request.done[:3]
                continue
            for name in ("slot", "claim_id", "position"):
                mine, theirs = self.history[name][request.done[0]], self.history[name][row]
                is_said = mine is not None and theirs is not None and ABSENT not in (mine, theirs)
                if is_said and mine != theirs:
                    says = f"{request.applicant} was granted {name} {mine} and holds {theirs}"
                    yield "other-slot", says, [request.done[0], row]
                    break

    def _unexplained(self) -> Iterable[Case]:
        if self.before is None or self.history.header.shared:
            return
        explained = {each.applicant for each in self.asked} | self.before
        attempts: dict[str, list[int]] = {}
        for row in self.history.is_op("claim").nonzero()[0].tolist():
            attempts.setdefault(self.history["applicant"][row], []).append(row)
        for row in self.holds:
            who = self.history["applicant"][row]
            if who not in explained:
                tried = attempts.get(who, [])
                what = "was refused" if tried else "asked for none"
                says = f"{who} holds a slot of intake {self.intake} and {what}"
                yield "unexplained-holder", says, [*tried[:3], row]

    def _twice(self) -> Iterable[Case]:
        for name in ("applicant", "slot", "claim_id", "position"):
            column = self.history[name]
            counted = Counter(
                column[row] for row in self.holds if column[row] is not None and column[row] != ABSENT
            )
            for value in (value for value, times in counted.items() if times > 1):
                rows = [row for row in self.holds if column[row] == value]
                yield "held-twice", f"{name} {value} is in the list of holders {len(rows)} times", rows
