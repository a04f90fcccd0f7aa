"""Measures as a page names them: a title that fits beside an axis, and the unit of its numbers."""

from typing import NamedTuple

from sim.measuring.definitions import MEASURES as DEFINITIONS
from sim.showing.exploring_sentences import is_share


class Named(NamedTuple):
    """How a measure is called and shown."""

    title: str
    unit: str
    """Of a value: slots, days, %, ... ; empty for a ratio."""
    gap: str
    """Of a difference: the same, but points for shares."""
    times: float = 1.0
    """What a value is multiplied with before it is shown: 100 for shares."""


def _share(title: str) -> Named:
    return Named(title, "%", "points", 100.0)


MEASURES = {
    "grants": Named("slots granted", "slots", "slots"),
    "permits": Named("permits", "permits", "permits"),
    "slot_probability": _share("chance of a slot"),
    "permit_before_pr_probability": _share("permit before permanent residence"),
    "median_wait_days": Named("median wait for a decision", "days", "days"),
    "service_level": _share("decided within the standard"),
    "labour_months_gained": Named("months of work gained", "months", "months"),
    "unused_slots": Named("unused slots", "slots", "slots"),
    "over_cap_returns": Named("applications that find the cap reached", "applications", "applications"),
    "invitations_wasted": Named("letters wasted", "letters", "letters"),
    "disparate_impact_ratio": Named("chance of a slot, second stream over first", "", ""),
    "gini_wait": Named("inequality of waits (Gini)", "", ""),
    "order_inversions": _share("pairs served against the order of certificates"),
    "peak_hour_applications": Named("applications in the busiest hour", "applications", "applications"),
    "backlog_max": Named("files in processing, at most", "files", "files"),
}
"""The measures that a comparison leads with."""


def named(measure: str) -> Named:
    """A measure's name; that of one with a suffix, or without a name here, is made of its own words."""
    if measure in MEASURES:
        return MEASURES[measure]
    base, _, suffix = measure.partition("/")
    words = f"{base.replace('_', ' ')}{f' ({suffix})' if suffix else ''}"
    if base not in DEFINITIONS:
        return Named(words, "", "")
    unit = DEFINITIONS[base].unit
    return _share(words) if is_share(measure) else Named(words, unit, unit)


def titled(measure: str) -> str:
    """A measure's name with its unit, where the name does not say it already."""
    name = named(measure)
    return f"{name.title}, {name.unit}" if name.unit and name.unit not in name.title else name.title


def gap_titled(measure: str) -> str:
    """A difference of the measure, with its unit."""
    name = named(measure)
    unit = f", {name.gap}" if name.gap and name.gap not in name.title else ""
    return f"difference in {name.title}{unit}"


def amount(value: float | None) -> str:
    """A number for a label or a sentence: as many places as it deserves, a real minus."""
    if value is None:
        return "–"
    size = abs(value)
    text = f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 0.95 or size == 0 else f"{value:.2g}"
    return text.replace("-", "−")


def signed(value: float | None) -> str:
    """The same with a plus where it is above 0."""
    return amount(value) if value is None or value <= 0 else f"+{amount(value)}"
