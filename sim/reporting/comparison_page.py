"""The page of a comparison: the policies side by side, then pictures in the order planners use them."""

from typing import Any

from sim.reporting import (
    arrivals,
    backlog,
    demands,
    exchange,
    fans,
    forest,
    front,
    funnel,
    glance,
    incidence,
    regret,
)
from sim.reporting.page import Page
from sim.reporting.provenance import provenance
from sim.reporting.run_page import NO_CURVES
from sim.reporting.subject import called, choices, subject_of
from sim.showing.comparison_sentences import sentences

Data = dict[str, Any]


def page(summary: Data, manifest: Data, curves: Data | None) -> Page:
    """Everything that a comparison's summary and curves have to show."""
    subject = subject_of(summary, curves)
    sections = (
        glance.section(summary),
        fans.section(subject),
        forest.section(summary),
        incidence.section(subject),
        funnel.section(subject),
        front.section(summary),
        arrivals.section(subject),
        backlog.section(subject),
        regret.section(summary),
        exchange.section(summary, subject.first),
        demands.section(summary),
    )
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"{len(subject.policies)} policies on the same people, against {called(subject.baseline)}",
        lead=(*sentences(summary), *([] if curves else [NO_CURVES])),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
        choices=(*choices(subject, streams=curves is not None), forest.choice(summary)),
    )
