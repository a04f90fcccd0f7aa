"""What the service orders by its own clock, beside opening and closing: caps are raised, counters copied.

An *order* is due at a moment; a *step* is the order to set one cap to another limit. A stale counter is
copied every so many days from the day of the opening on, at local midnight in the scenario's time zone, so
that the day on which summer time ends has 25 hours here as in the simulation.

One owner: the service orders what concerns the intakes it was started with (`--cap`, `--scenario`). An intake
that an administrator makes known over the wire, as `quotalab load` does, gets its orders from there too.
"""

import datetime
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from loadtests.reference.settings import Year
from sim.ledger import Refresh, SetCap, Spec

DAY = datetime.timedelta(days=1)


class Order(NamedTuple):
    """What is due, and when by the service's clock, in ms."""

    at: int
    command: SetCap | Refresh


class Calendar:
    """The orders for some years. It remembers nothing: what has been made stands on the workers' board."""

    def __init__(self, years: Iterable[Year], *, time_zone: str, origin_ms: int) -> None:
        self._years = {year.intake: year for year in years}
        self._zone = ZoneInfo(time_zone)
        self._origin_ms = origin_ms  # when those open that have no opening of their own

    def next(self, intakes: Iterable[str], spec: Spec, after: int) -> list[Order]:
        """The orders for these intakes at the first moment after another that has any; steps come first."""
        years = [self._years[each] for each in intakes if each in self._years]
        coming = sorted((order for year in years for order in self._coming(year, spec, after)), key=_place)
        return [order for order in coming if order.at == coming[0].at]

    def _coming(self, year: Year, spec: Spec, after: int) -> Iterator[Order]:
        for at, cap, limit in year.steps:
            if at > after:
                yield Order(at, SetCap(year.intake, cap, limit))
        if isinstance(spec.counter, int):
            opens = self._origin_ms if year.opens_at is None else year.opens_at
            at = next_copy(opens, spec.counter, self._zone, after)
            if year.closes_at is None or at < year.closes_at:
                yield Order(at, Refresh(year.intake))


def _place(order: Order) -> tuple[int, bool]:
    """Steps before copies at the same moment, as in the simulation."""
    return order.at, isinstance(order.command, Refresh)


def next_copy(opens: int, days: int, zone: ZoneInfo, after: int) -> int:
    """The first copy of a stale counter after a moment; the opening itself is none. All in ms."""
    first, today = (datetime.datetime.fromtimestamp(at / 1000, zone).date() for at in (opens, after))
    periods = max(0, (today - first) // DAY) // days + 1
    day = first + periods * days * DAY
    return round(datetime.datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
