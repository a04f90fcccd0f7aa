"""What a page is about, whatever was run: one policy, or several on the same people.

A run and a comparison keep the same things in different places; `subject_of` puts them in one. Pictures that
can contrast two policies have the parameters `policy` and `against`; whatever belongs to the first is drawn
solid and blue, to the second dashed and vermilion. With a single policy there is nothing to choose.
"""

from dataclasses import dataclass
from typing import Any

from sim.reporting.page import Choice, Spec
from sim.reporting.theme import BLUE, VERMILION

Data = dict[str, Any]

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Subject:
    """The policies of a page and what is known of each."""

    policies: tuple[str, ...]
    """The baseline first."""
    first: str
    """The one that is looked at when the page opens."""
    measures: dict[str, Data]
    """Policy -> measure -> its spread over replications, by chance."""
    intakes: dict[str, list[Data]]
    """Policy -> one record a year, with `reached` and `uptake`."""
    curves: Data | None
    """The content of curves.json; None if none were made."""
    streams: tuple[str, ...]
    replications: int

    @property
    def baseline(self) -> str:
        """The policy that the others are compared with."""
        return self.policies[0]

    @property
    def contrasts(self) -> bool:
        """Whether there are two policies to choose."""
        return len(self.policies) > 1

    def mean(self, policy: str, measure: str) -> float | None:
        """The mean of a measure; None where there is none."""
        spread = self.measures[policy].get(measure)
        return None if spread is None else spread["mean"]


def subject_of(summary: Data, curves: Data | None) -> Subject:
    """The subject of a run's or a comparison's summary."""
    streams = tuple(summary["streams"])
    if summary.get("kind") == "comparison":
        order = tuple(summary["order"])
        lead = summary["lead"]
        return Subject(
            order,
            lead["policy"] if lead else order[1],
            {name: summary["policies"][name]["measures"] for name in order},
            {name: summary["policies"][name].get("intakes", []) for name in order},
            curves,
            streams,
            summary["replications"],
        )
    name = summary["policy"]["name"]
    chance = {measure: each["chance"] for measure, each in summary["measures"].items()}
    intakes = {name: summary["intakes"]}
    return Subject((name,), name, {name: chance}, intakes, curves, streams, summary["replications"])


def called(name: str) -> str:
    """A policy's or stream's name as words: "monthly release"."""
    return name.replace("-", " ")


def choices(subject: Subject, *, streams: bool = True) -> tuple[Choice, ...]:
    """The drop-down lists of policies and streams, where there is something to choose."""
    named = tuple((name, called(name)) for name in subject.policies)
    found = []
    if subject.contrasts:
        found.append(Choice("policy", "Policy", named, subject.first))
        found.append(Choice("against", "Against", named, subject.baseline))
    if streams and len(subject.streams) > 1:
        options = ((EVERYONE, "everyone"), *((name, called(name)) for name in subject.streams))
        found.append(Choice("stream", "Stream", options, EVERYONE))
    return tuple(found)


def params(subject: Subject, *more: Spec) -> list[Spec]:
    """The parameters of a picture that can contrast two policies."""
    return [
        {"name": "policy", "value": subject.first},
        {"name": "against", "value": subject.baseline},
        *more,
    ]


CHOSEN: list[Spec] = [
    {"filter": "datum.policy == policy || datum.policy == against"},
    {"calculate": "datum.policy == policy ? 'A' : 'B'", "as": "role"},
]
"""The rows of the two policies that are chosen, each with its role."""

_NAME = "replace(datum.label == 'A' ? policy : against, regexp('-', 'g'), ' ')"


def by_colour(subject: Subject) -> Spec:
    """Colour by role."""
    shown = {"title": None, "labelExpr": _NAME, "symbolOpacity": 1} if subject.contrasts else None
    return {
        "field": "role",
        "type": "nominal",
        "scale": {"domain": ["A", "B"], "range": [BLUE, VERMILION]},
        "legend": shown,
    }


def by_dash(subject: Subject) -> Spec:
    """Dashes by role."""
    return {
        "field": "role",
        "type": "nominal",
        "scale": {"domain": ["A", "B"], "range": [[1, 0], [5, 3]]},
        "legend": {"title": None, "labelExpr": _NAME} if subject.contrasts else None,
    }


def by_month(field: str = "time") -> Spec:
    """A time axis of months, in UTC, so that the last day of a month is drawn in it everywhere."""
    return {
        "field": field,
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {"format": "%b %Y", "tickCount": {"expr": "width / 120"}, "labelFlush": True},
    }


def timed(field: str = "date") -> list[Spec]:
    """Moments of ISO dates, to be drawn as `time` and read as `day`."""
    return [
        {"calculate": f"toDate(datum.{field})", "as": "time"},
        {"calculate": "utcFormat(datum.time, '%-d %b %Y')", "as": "day"},
    ]
