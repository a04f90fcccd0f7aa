"""The groups by which a comparison asks who gains and who loses: columns that no policy can change.

Everyone belongs to one group of each kind: the stream; the *season* of the certificate (December to February
is winter), with the opening backlog apart; the calendar *quarter* of it; the tenth by score.
"""

import functools
from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import Seconds
from sim.measuring.fairness import deciles
from sim.outcome import Whole
from sim.people import People
from sim.scenario import Scenario

SEASONS = ("winter", "spring", "summer", "autumn")


class Grouping(NamedTuple):
    """One way of sorting people into groups."""

    kind: str
    names: tuple[str, ...]
    member: Whole
    """Everyone's index into the names; -1 for none."""

    def suffix(self, k: int) -> str:
        """The end of a measure's name that says it is about the k-th group only."""
        return f"/{self.kind}={self.names[k]}"


def groupings(scenario: Scenario, people: People) -> tuple[Grouping, ...]:
    """The four groupings of people in scope."""
    eligible = [name for name, stream in scenario.streams.items() if stream.eligible]
    place = np.array([eligible.index(name) if name in eligible else -1 for name in scenario.streams])
    bounds, seasons, quarters = _months(scenario.starts_s, scenario.ends_s, scenario.time_zone)
    month = np.searchsorted(bounds, people.certified_s, side="right")
    return (
        Grouping("stream", tuple(eligible), place[people.stream]),
        Grouping("season", ("backlog", *SEASONS), seasons[month]),
        Grouping("quarter", quarters[1], quarters[0][month]),
        Grouping("decile", tuple(str(k + 1) for k in range(10)), deciles(people.score)),
    )


@functools.lru_cache(maxsize=8)
def _months(starts_s: int, ends_s: int, zone: str) -> tuple[Seconds, Whole, tuple[Whole, tuple[str, ...]]]:
    """Bounds of months; for each stretch between them the season, and the quarter."""
    bounds = [starts_s, *clock.month_starts(starts_s, ends_s, zone)]
    begins = [clock.local(bound, zone) for bound in bounds]
    seasons = np.array([0, *(1 + day.month % 12 // 3 for day in begins)])
    labels = ["backlog", *(f"{day.year}Q{(day.month + 2) // 3}" for day in begins)]
    names = tuple(dict.fromkeys(labels))
    quarters = np.array([names.index(label) for label in labels])
    return np.array(bounds, dtype=np.int64), seasons, (quarters, names)
