"""The page of a run of one policy, in the order in which planners look at pictures."""

from typing import Any

from sim.reporting import arrivals, backlog, fans, funnel, incidence, tornado
from sim.reporting.page import Page
from sim.reporting.provenance import provenance
from sim.reporting.subject import called, choices, subject_of
from sim.showing.headline import sentences

Data = dict[str, Any]

NO_CURVES = (
    "Without curves of single replications (they are left out with --no-register, or when a run is "
    "interrupted) there is no picture of outcomes by age, of slots by month and score, or of the backlog."
)


def page(summary: Data, manifest: Data, curves: Data | None) -> Page:
    """Everything that a run's summary and curves have to show."""
    subject = subject_of(summary, curves)
    sections = (
        fans.section(subject),
        incidence.section(subject),
        funnel.section(subject),
        arrivals.section(subject),
        backlog.section(subject),
        tornado.section(summary),
    )
    policy = summary["policy"]
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"One policy, {called(policy['name'])}: {policy['summary']}",
        lead=(*sentences(summary), *([] if curves else [NO_CURVES])),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
        choices=choices(subject, streams=curves is not None),
    )
