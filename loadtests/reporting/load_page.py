"""The page of a load test, or of a history that was judged: the verdict first, then what shows it."""

from loadtests.reporting import clashes, pace_sections, slot_sections, verdict_sections, wait_sections
from loadtests.reporting.pace import pace
from loadtests.reporting.slots import courses
from loadtests.reporting.subject import Subject
from sim.reporting.page import Page, Section


def page(subject: Subject) -> Page:
    """Everything that there is to see, in the order in which it is asked for."""
    verdict, axis = subject.verdict, subject.axis
    clash = verdict["clash"]
    sections: list[Section] = [
        verdict_sections.arguments(subject),
        *([clashes.section(clash, clash["first_ns"])] if clash else []),
        *slot_sections.sections(subject, courses(subject.history, axis)),
        *pace_sections.sections(subject, pace(subject.history, axis)),
        *wait_sections.sections(subject),
        verdict_sections.findings(subject),
        *verdict_sections.gates(subject),
        *verdict_sections.quantities(subject),
    ]
    return Page(
        title=subject.title,
        subtitle=subject.kind,
        lead=lead(subject),
        sections=tuple(sections),
        provenance=subject.provenance,
        badge=verdict["verdict"],
    )


def lead(subject: Subject) -> tuple[str, ...]:
    """The sentences on top: that something is missing, if it is; the verdict; what would settle it."""
    found = [f"INCOMPLETE: {subject.incomplete}."] if subject.incomplete else []
    found.append(f"{subject.verdict['says']}.")
    if subject.verdict["verdict"] == "UNKNOWN":
        mends = {each["mend"]: None for each in subject.verdict["findings"] if each["verdict"] == "UNKNOWN"}
        found += [f"What would settle it: {mend}." for mend in mends if mend]
    missed = [each["says"] for each in subject.summary.get("gates", ()) if not each["met"]]
    found += [f"A gate was missed: {says}." for says in missed]
    return tuple(found)
