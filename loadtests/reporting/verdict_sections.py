"""What the verdict rests on, every check with its finding, the gates, and how much was wrong."""

import math
from typing import Any, Final

from loadtests.reporting.subject import Subject
from sim.reporting.page import Column, Section, Table, Value

Data = dict[str, Any]
QUESTIONS: Final = {
    "linearizability": "Is there one order that explains every answer?",
    "prediction": "Does the service decide as the simulation does?",
    "audit": "Does its own count agree?",
    "exercise": "Did the run see what it had to?",
    "sensitivity": "Would a fault have shown?",
    "understood": "Is the record whole and understood?",
}
"""By check, in the order in which somebody asks who has read the verdict."""
SIGNS: Final = {
    "VALID": "✓\u00a0VALID",
    "INVALID": "✗\u00a0INVALID",
    "UNKNOWN": "?\u00a0UNKNOWN",
    "NOTED": "·\u00a0NOTED",
}
"""A shape and a word for each kind, so that no colour is needed."""
WEIGHT: Final = ("INVALID", "UNKNOWN", "VALID", "NOTED")


def arguments(subject: Subject) -> Section:
    """The verdict in a few questions, each with its answer."""
    found = {each["check"]: each for each in reversed(subject.verdict["findings"])}
    rows: list[tuple[Value, ...]] = [
        (
            SIGNS[found[check]["verdict"]],
            f"{question} {_sentence(found[check]['says'])}",
            _count(found[check]),
        )
        for check, question in QUESTIONS.items()
        if check in found
    ]
    unasked = [question for check, question in QUESTIONS.items() if check not in found]
    header = subject.history.header
    caps = ", ".join(f"{cap.name}: {cap.limit:,}" for cap in header.caps) or "none is known"
    people = len(subject.history.coded("applicant").names)
    columns = (Column("verdict"), Column("asked, and found"), Column("looked at", "count"))
    return Section(
        id="verdict",
        heading="What the verdict rests on",
        text=f"{len(subject.history):,} operations on record, of {people:,} people. Caps: {caps}.",
        table=Table(columns, tuple(rows)),
        table_open=True,
        note=f"Not asked here: {' '.join(unasked)}" if unasked else "",
    )


def _sentence(says: str) -> str:
    return f"{says[:1].upper()}{says[1:]}."


def _count(finding: Data) -> int | None:
    return finding["count"] or None


def findings(subject: Subject) -> Section:
    """Every finding of every check, the gravest first."""
    every = sorted(subject.verdict["findings"], key=lambda each: WEIGHT.index(each["verdict"]))
    counts = {kind: sum(each["verdict"] == kind for each in every) for kind in WEIGHT}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    rows = tuple(
        (
            SIGNS[each["verdict"]],
            f"{', '.join(filter(None, (each['check'], each['anomaly'])))}: {each['says']}",
            _count(each),
            each["mend"],
        )
        for each in every
    )
    columns = (
        Column("verdict"),
        Column("check, and what it found"),
        Column("count", "count"),
        Column("what would settle it, or show more"),
    )
    return Section(
        id="findings",
        heading="Every check",
        text=f"{len(every)} findings: {told}.",
        table=Table(columns, rows),
        table_open=True,
        note="INVALID outweighs UNKNOWN, and UNKNOWN outweighs VALID; NOTED informs and judges nothing.",
    )


def gates(subject: Subject) -> list[Section]:
    """What the run had to keep beside correctness."""
    found = subject.summary.get("gates")
    if not found:
        return []
    rows = tuple((each["name"], "✓ met" if each["met"] else "✗ missed", each["says"]) for each in found)
    missed = sum(not each["met"] for each in found)
    return [
        Section(
            id="gates",
            heading="Gates",
            text=f"{len(found) - missed} of {len(found)} met. They never change the verdict.",
            table=Table((Column("gate"), Column(""), Column("found")), rows),
            table_open=True,
        )
    ]


def quantities(subject: Subject) -> list[Section]:
    """How much was wrong, as far as it is known."""
    told: list[tuple[Value, ...]] = []
    found = subject.quantities
    for over in found.over:
        name = f"cap {over.cap}"
        told += [
            (name, "slots over the cap at the worst moment", *over.peak_slots),
            (name, "slots over the cap, by seconds", *over.slot_seconds),
            (name, "grants that must not have been made", *over.withdrawn),
        ]
    for refused in found.refused:
        name = f"cap {refused.cap}"
        told += [
            (name, f"of {refused.refusals:,} refusals, while it had room", *refused.while_free),
            (name, "slots free during one of them, most", *refused.vacancy),
        ]
    for stale in found.stale:
        name = f"readings of {stale.intake}"
        told += [
            (name, f"of {stale.readings:,} readings, stale", *stale.stale),
            (name, "age of the oldest figure, seconds", *stale.worst_s),
        ]
    if not told:
        return []
    rows = tuple((what, figure, _bound(least), _bound(most)) for what, figure, least, most in told)
    wrong = sum(1 for row in rows if row[2])
    columns = (Column("of"), Column("figure"), Column("at least", "plain"), Column("at most", "plain"))
    return [
        Section(
            id="quantities",
            heading="How much was wrong",
            text="Nothing, as far as counting shows: every figure can be 0."
            if not wrong
            else f"{wrong} of {len(rows)} figures are certainly above 0.",
            table=Table(columns, rows),
            table_open=bool(wrong),
            note="At least: if every operation of unknown outcome went as it is best for the service. At "
            "most: as it is worst; unbounded where nothing limits it.",
        )
    ]


def _bound(value: Any) -> Value:
    if math.isinf(value):
        return "unbounded"
    return int(value) if float(value).is_integer() else float(f"{value:.4g}")
