"""A contradiction of counts, counted again from the operations that are said to clash.

Where nothing lowers a counter, a few operations suffice to show that it cannot have been: something that was
seen early, grants wholly after it, and something that was seen later, or the limit, that leaves no room for
them. `contradicts` looks at the rows that it is given, at the other attempts of the same claims, and, where
more was seen than can have been granted, at all claims. It says in a sentence what is contradictory, or None.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from loadtests.history import ABSENT, NEVER, History
from loadtests.protocol import ANSWER
from sim.ledger import Cap

BOUNDLESS = 2**62
Seen = tuple[int, int, int, int, str]
"""Begins, ends, at least, at most, in words: what the counter was at some moment of the interval."""
Window = tuple[int, int]
"""Where a claim took effect, at the earliest and at the latest; NEVER: perhaps not at all."""


def contradicts(history: History, certificate: Sequence[int]) -> str | None:
    """What is contradictory in these rows; None if nothing is, or if a count may have fallen."""
    spec = history.header.spec
    if spec.counter != "exact" or history.header.shared or history.is_op("set-cap").any():
        return None
    if spec.gives_back or (history.is_op("release") & (history["given_back"] == 1)).any():
        return None
    rows = [int(row) for row in certificate]
    intakes = {history["intake"][row] for row in rows} - {None, "current"}
    counters = [*history.header.caps]
    counters += [Cap(intake, BOUNDLESS, frozenset({(intake, None)})) for intake in sorted(intakes)]
    found = (_clash(history, rows, cap) for cap in counters)
    return next((says for says in found if says), None)


def _clash(history: History, rows: list[int], cap: Cap) -> str | None:
    """A moment at which at least so many were counted, and a later one that does not allow for them."""
    start = _start(history, cap)
    if start is None:
        return None
    end = cap.limit + (history.header.spec.tolerance if cap.limit < BOUNDLESS else 0)
    seen = list(_seen(history, rows, cap))
    earlier: list[Seen] = [(-NEVER, -NEVER, start, start, f"{start:,} before the run"), *seen]
    later: list[Seen] = [*seen, (NEVER, NEVER, 0, end, f"a limit of {end:,}")]
    grants = _windows(history, cap, rows)
    for _, after, least, _, first in earlier:
        for before, _, _, most, second in later:
            between = [ends for begins, ends in grants if begins > after and ends < before]
            if after < before and least + len(between) > most:
                return f"{cap.name}: {first}, then {len(between):,} grants, and {second}"
    for _, ends, least, _, words in seen:
        possible = sum(begins <= ends for begins, _ in _windows(history, cap, None))
        if least > start + possible:
            return f"{cap.name}: {words}, when at most {start + possible:,} can have been counted"
    return None


def _start(history: History, cap: Cap) -> int | None:
    initial = history.header.initial
    if initial is None:
        return 0
    whole = [intake for intake, stream in cap.covers if stream is None]
    counted = [initial.used.get(intake, 0) for intake, _ in cap.covers]
    if cap.name in initial.used or len(whole) == len(cap.covers) or not any(counted):
        return initial.used.get(cap.name, sum(counted))
    return None


def _seen(history: History, rows: list[int], cap: Cap) -> Iterator[Seen]:
    """What readings and refusals among the rows say of the counter."""
    begins, ends = history.widened()
    for row in rows:
        intake, value = history["intake"][row], int(history["value"][row])
        answer, named = history["answer"][row], history["cap"][row]
        if answer == ANSWER["count"] and value != ABSENT and cap.covers == {(intake, None)}:
            yield int(begins[row]), int(ends[row]), value, value, f"{value:,} read by operation {row}"
        is_refusal = answer == ANSWER["full"] and history.header.spec.refusals == "fresh"
        is_its = named == cap.name or (named is None and len(history.header.caps) == 1)
        if is_refusal and is_its and cap.limit < BOUNDLESS:
            yield int(begins[row]), int(ends[row]), cap.limit, BOUNDLESS, f"operation {row} refused"


def _windows(history: History, cap: Cap, rows: list[int] | None) -> list[Window]:
    """Of the claims of these rows that were granted, or of all that may have been: where they took effect."""
    begins, ends = history.widened()
    is_claim = history.is_op("claim") & ~history.is_result("fail")
    gives = _gives(history)
    is_silent = is_claim & _is_silent(history)
    may_give = is_claim & (gives | history.is_result("info", "pending")) | is_silent
    named = None if rows is None else {_name(history, row) for row in rows if gives[row]}
    if named is not None:
        applicant = history.coded("applicant")
        may_give &= np.append(applicant.names.among({str(who) for who, _ in named}), False)[applicant.codes]
    granted = {_name(history, row) for row in np.flatnonzero(gives).tolist()} if is_silent.any() else set()
    windows: dict[tuple[object, object], Window] = {}
    for row in np.flatnonzero(may_give).tolist():
        name = _name(history, row)
        intake, stream = history["intake"][row], history["stream"][row]
        is_here = intake in (None, "current") or cap.is_over(intake, stream or "")
        is_one = not is_silent[row] or name in granted
        if is_here and is_one and (named is None or name in named):
            first, last = windows.get(name, (NEVER, NEVER))
            done = int(ends[row]) if gives[row] else NEVER
            windows[name] = (min(first, int(begins[row])), min(last, done))
    return list(windows.values())


def _gives(history: History) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Claims that were told that they have a slot."""
    slot, claim_id, cap = (history.coded(name).codes for name in ("slot", "claim_id", "cap"))
    has_slot, no_cap = (slot >= 0) | (claim_id >= 0), cap < 0
    is_plain = no_cap & (history.header.spec.refusals == "fresh")
    told = history.is_answer("granted") | (history.is_answer("replayed") & (has_slot | is_plain))
    return np.asarray(history.is_op("claim") & told, dtype=np.bool_)


def _is_silent(history: History) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Replays that do not say of what; under a key that was granted, one of them may have been the first."""
    if history.header.spec.refusals == "fresh" or not (is_silent := history.is_answer("replayed")).any():
        return np.zeros(len(history), dtype=np.bool_)
    names = ("slot", "claim_id", "cap")
    return is_silent & (np.max([history.coded(name).codes for name in names], axis=0) < 0)


def _name(history: History, row: int) -> tuple[object, object]:
    """Of a claim: whose, and under which key."""
    key = history["key"][row]
    return history["applicant"][row], row if key is None else key
