"""After the run: what the service says of itself against what it told its applicants.

The audit is a reading and a list of holders of each intake, taken when nothing was under way any more: a read
row whose note begins with "audit", goes on with "; held=N" where the service says how many hold a slot, and
with "; listed" where there is one hold row a holder. Without such a reading nothing is judged here.

Anomalies
    count-differs      `used` is not the initial count, and the grants, less what was given back
    holders-differ     `held` is not the number of holders listed, or more are listed than are used
    leaked-slot        more slots are used than are held, and than were released without being given back
    lost-grant         somebody was granted a slot, did not release it, and does not hold it
    full-but-held      somebody was refused by a full cap, and holds a slot all the same
    unexplained-holder somebody else holds a slot who was never granted one
    other-slot         somebody holds another slot than the one that was granted
    held-twice         a slot has two holders, or a holder two slots
"""

import re
from collections.abc import Iterable

import numpy as np

from loadtests.checks.arrays import Flags, Rows, is_repeated
from loadtests.checks.people import initial_holders
from loadtests.checks.requests import Requests, claims, releases
from loadtests.history import ABSENT, AUDIT, NOBODY, History
from loadtests.verdict import Finding, many

CHECK = "audit"
Case = tuple[str, str, list[int]]
"""Anomaly, sentence, operations."""


def check(history: History) -> list[Finding]:
    """Every intake that was audited; UNKNOWN where none was."""
    reads = np.flatnonzero(history.is_op("read") & history.coded("note").starting(AUDIT)).tolist()
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
        looked += int(one.granted.sum())
        listed += len(one.holds)
    if findings:
        return findings
    parts = [f"{many(looked, 'grant')} and {many(listed, 'holder')} agree with the service's own count"]
    if not all(LISTED in str(history.coded("note").at(read)) for read in reads):
        parts.append("it lists no holders, so that nobody's slot was looked up")
    return [
        Finding(CHECK, "VALID", "; ".join(parts) + ", after everything was answered", count=looked + listed)
    ]


LISTED = "listed"
"""In the note of an audit's reading: the holders were listed too."""


class _Audit:
    """The audit of one intake, beside the claims and releases that concern it."""

    def __init__(self, history: History, read: int, asked: Requests, given_up: Requests) -> None:
        self.history, self.read, self.claims, self.releases = history, read, asked, given_up
        self.intake = str(history.coded("intake").at(read))
        self.note = str(history.coded("note").at(read))
        self.asked: Flags = asked.may_have & asked.concerns(self.intake)
        self.granted: Flags = asked.was_done & asked.is_of(self.intake)
        self.given_up: Flags = given_up.may_have & given_up.concerns(self.intake)
        self.holds: Rows = np.flatnonzero(
            history.is_op("hold") & history.coded("intake").is_text(self.intake)
        )
        self.before = initial_holders(history, self.intake)
        self.people = len(history.coded("applicant").names)

    def told_back(self, *flags: int) -> Flags:
        """Releases of which an answer said so of the slot: 1 given back, 0 not, -1 nothing."""
        is_so = np.isin(self.history["given_back"][self.releases.rows], flags)
        return self.given_up & self.releases.any_of(is_so & self.releases.is_done)

    @staticmethod
    def nameless(requests: Requests, which: Flags) -> int:
        """How many of these requests name nobody: each may be that of anybody who is known by name."""
        return int((which & (requests.applicant == NOBODY)).sum())

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
        can_fall = bool(history.header.spec.gives_back)
        back = int(self.told_back(1).sum())
        may_be_back = int(self.given_up.sum() - self.told_back(0).sum()) if can_fall else 0
        if history.header.shared and can_fall:
            return
        of, _ = self.claims.grants()
        times = np.bincount(of, minlength=len(self.claims))
        granted = int(times[self.granted].sum())
        least = (start or 0) + granted - may_be_back
        most = (start or 0) + int(np.maximum(times, 1)[self.asked].sum())
        most -= back if can_fall else 0
        if used < least or (used > most and start is not None and not history.header.shared):
            expected = f"{least:,}" if least == most else f"between {least:,} and {most:,}"
            says = (
                f"intake {self.intake}: the service counts {used:,} slots used, its answers make {expected} "
                f"({granted:,} granted, {back:,} given back, {start or 0:,} before)"
            )
            yield "count-differs", says, [self.read]

    def _held(self) -> Iterable[Case]:
        said = re.search(r"held=(\d+)", self.note)
        if said and int(said[1]) != len(self.holds):
            says = f"intake {self.intake}: the service counts {said[1]} holders and lists {len(self.holds):,}"
            yield "holders-differ", says, [self.read]
        used = int(self.history["value"][self.read])
        kept = int(self.told_back(0).sum())
        unsure = int((self.given_up & ~self.releases.was_done).sum())
        unsaid = int((self.given_up & self.releases.was_done & ~self.told_back(0, 1)).sum())
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
            yield "holders-differ" if difference < kept else "leaked-slot", says, [self.read]

    def _lost(self) -> Iterable[Case]:
        who = self.claims.applicant
        released = np.zeros(self.people + 1, dtype=np.bool_)
        released[self.releases.applicant[self.given_up]] = True
        holding = np.full(self.people + 1, -1, dtype=np.int64)
        holding[self.history.coded("applicant").codes[self.holds]] = self.holds
        stays = np.flatnonzero(self.granted & ~released[who] & (who != NOBODY))
        held = holding[who[stays]]
        differs = self._differing(self.claims.first_done[stays].astype(np.int64), held)
        gone = differs & (held < 0)
        if gone.sum() <= self.nameless(self.releases, self.given_up):
            differs &= ~gone
        for number, row in zip(stays[differs].tolist(), held[differs].tolist(), strict=True):
            request = self.claims[number]
            if row < 0:
                says = f"{request.applicant} was granted a slot of intake {self.intake} and does not hold it"
                yield "lost-grant", says, request.done[:3]
                continue
            name = next(name for name in NAMES if self._differs(name, request.done[:1], [row])[0])
            mine, theirs = self.history.some(name, [request.done[0], row])
            says = f"{request.applicant} was granted {name} {mine} and holds {theirs}"
            yield "other-slot", says, [request.done[0], row]

    def _differing(self, granted: Rows, held: Rows) -> Flags:
        """Of which pairs of rows the second is missing, or says another slot."""
        found = held < 0
        there = np.flatnonzero(~found)
        for name in NAMES:
            found[there] |= self._differs(name, granted[there], held[there])
        return found

    def _differs(self, name: str, one: Rows | list[int], other: Rows | list[int]) -> Flags:
        """Of which pairs of rows both say one of these, and not the same."""
        values = self._values(name)
        mine, theirs = values[one], values[other]
        return np.asarray((mine != theirs) & (mine != NOTHING[name]) & (theirs != NOTHING[name]))

    def _values(self, name: str) -> "np.ndarray[tuple[int], np.dtype[np.integer]]":
        return self.history["position"] if name == "position" else self.history.coded(name).codes

    def _unexplained(self) -> Iterable[Case]:
        if self.before is None or self.history.header.shared:
            return
        codes, names = self.history.coded("applicant")
        is_explained = np.zeros(self.people + 1, dtype=np.bool_)
        is_explained[: self.people] = names.among(self.before) if self.before else False
        is_explained[self.claims.applicant[self.asked]] = True
        is_explained[NOBODY] = True  # a row that names nobody may be anybody's
        strangers = self.holds[~is_explained[codes[self.holds]]]
        if len(np.unique(codes[strangers])) <= self.nameless(self.claims, self.asked):
            return
        attempts: dict[int, list[int]] = {}
        is_full = self.history.is_answer("full")
        rows = np.flatnonzero(self.history.is_op("claim") & np.isin(codes, codes[strangers]))
        for row in rows.tolist():
            attempts.setdefault(int(codes[row]), []).append(row)
        for row in strangers.tolist():
            tried = attempts.get(int(codes[row]), [])
            was_full = [each for each in tried if is_full[each]]
            what = "was refused by a full cap" if was_full else "was refused" if tried else "asked for none"
            says = (
                f"{self.history.coded('applicant').at(row)} holds a slot of intake {self.intake} and {what}"
            )
            anomaly = "full-but-held" if was_full else "unexplained-holder"
            yield anomaly, says, [*(was_full or tried)[:3], row]

    def _twice(self) -> Iterable[Case]:
        for name in ("applicant", *NAMES):
            values = self._values(name)[self.holds]
            is_said = values != NOTHING[name]
            rows, values = self.holds[is_said], values[is_said]
            is_again = is_repeated(values)
            found: dict[int, list[int]] = {}
            for row, value in zip(rows[is_again].tolist(), values[is_again].tolist(), strict=True):
                found.setdefault(value, []).append(row)
            for again in found.values():
                [value] = self.history.some(name, again[:1])
                says = f"{name} {value} is in the list of holders {len(again)} times"
                yield "held-twice", says, again


NAMES = ("slot", "claim_id", "position")
"""What a slot is told apart by."""
NOTHING = {"applicant": NOBODY, "slot": NOBODY, "claim_id": NOBODY, "position": ABSENT}
