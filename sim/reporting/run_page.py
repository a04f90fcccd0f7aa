"""The page of a run of one policy, in the order in which planners look at pictures."""

from typing import Any

from sim.reporting import fans
from sim.reporting.page import Page
from sim.reporting.provenance import provenance
from sim.showing.comparison_sentences import called
from sim.showing.headline import sentences

Data = dict[str, Any]


def page(summary: Data, manifest: Data) -> Page:
    """Everything that a run's summary has to show."""
    sections = (fans.section(summary),)
    return Page(
        title=summary["scenario"]["title"],
        subtitle=f"One policy, {called(summary['policy']['name'])}: {summary['policy']['summary']}",
        lead=tuple(sentences(summary)),
        sections=tuple(each for each in sections if each is not None),
        provenance=provenance(summary, manifest),
    )
