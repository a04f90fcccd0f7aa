"""Time: int64 seconds since 1970 UTC everywhere inside, local dates only at the edges.

A *day bound* is local midnight in the scenario's time zone, so a year turns when the office's calendar says
so, whatever the season. A month of validity is 30.4375 days exactly. *Working time* counts only the seconds
in which an office is open; the two maps between wall and working time are exact on integers, which lets a
queue of officers run as if the office never closed.
"""

import datetime
import functools
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.integer[Any]]

DAY_S = 86_400
WEEK_S = 7 * DAY_S
MONTH_S = 2_629_800  # 365.25 days / 12
YEAR_S = 12 * MONTH_S

MARGIN = datetime.timedelta(days=60)  # how far tables of working days go beyond a horizon

NEVER = 2**62
"""A time later than every other: the thing did not happen. Written to files as null."""

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def at(moment: datetime.date | datetime.datetime, zone: str) -> int:
    """The second at which a local date begins, or of a local date and time, in UTC epoch seconds."""
    if not isinstance(moment, datetime.datetime):
        return _midnight(moment, zone)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp())


@functools.lru_cache(maxsize=100_000)
def _midnight(day: datetime.date, zone: str) -> int:
    """The second at which a local date begins; a scenario asks for the same few again and again."""
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())


def after(day: datetime.date, zone: str) -> int:
    """The second at which the day after a local date begins: the end of a period given by its last day."""
    return at(day + datetime.timedelta(days=1), zone)


def local(second: int, zone: str) -> datetime.datetime:
    """A second as local date and time."""
    return datetime.datetime.fromtimestamp(second, ZoneInfo(zone))


@functools.lru_cache(maxsize=64)
def every(days: int, first: datetime.date, before: int, zone: str) -> tuple[int, ...]:
    """Local midnights every so many days from a date on, up to, not including, a second."""
    found: list[int] = []
    day = first
    while (midnight := at(day, zone)) < before:
        found.append(midnight)
        day += datetime.timedelta(days=days)
    return tuple(found)


def month_starts(begins: int, ends: int, zone: str, *, months: int = 1) -> list[int]:
    """The local first-of-month bounds strictly between two seconds; months = 3 keeps calendar quarters."""
    day = local(begins, zone).date().replace(day=1)
    bounds: list[int] = []
    while (bound := at(day, zone)) < ends:
        if bound > begins and (day.month - 1) % months == 0:
            bounds.append(bound)
        day = (day.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    return bounds


def whole_seconds(amount: NDArray[np.float64]) -> Seconds:
    """Whole seconds, at least 0; what never happens (infinity) becomes NEVER."""
    return np.where(amount < 2.0**52, np.rint(np.minimum(amount, 2.0**52)), float(NEVER)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When an office is open, as a table of its working days in order.

    A file that becomes ready at night starts when the doors open; a service that ends with the last open
    second ends at closing time, not on the next morning. Hence two inverse maps, `begins` and `ends`.
    """

    opens_s: Seconds
    """Wall time at which each working day opens, shape (days,)."""
    worked_s: Seconds
    """Working seconds elapsed before each day, and the total at the end, shape (days + 1,)."""

    def working(self, wall_s: Seconds) -> Seconds:
        """Working seconds elapsed by a wall time (shape kept); NEVER stays NEVER."""
        day = np.searchsorted(self.opens_s, wall_s, side="right") - 1
        inside = wall_s - self.opens_s[np.maximum(day, 0)]
        length = self.worked_s[day + 1] - self.worked_s[np.maximum(day, 0)]
        elapsed = np.where(day < 0, 0, self.worked_s[np.maximum(day, 0)] + np.minimum(inside, length))
        return np.where(wall_s >= NEVER, NEVER, elapsed)

    def begins(self, working_s: Seconds) -> Seconds:
        """Wall time at which a working second begins; NEVER beyond the table."""
        return self._wall(working_s, side="right")

    def ends(self, working_s: Seconds) -> Seconds:
        """Wall time at which a stretch of work that fills this many seconds ends; NEVER beyond the table."""
        return self._wall(working_s, side="left")

    def _wall(self, working_s: Seconds, *, side: str) -> Seconds:
        days = len(self.opens_s)
        day = np.searchsorted(self.worked_s[1:], working_s, side="right" if side == "right" else "left")
        known = np.minimum(day, days - 1)
        return np.where(day >= days, NEVER, self.opens_s[known] + working_s - self.worked_s[known])

    def scheduled(self, begins: int, ends: int) -> int:
        """Working seconds between two wall times."""
        low, high = self.working(np.array([begins, ends], dtype=np.int64))
        return int(high - low)


def working_hours(
    first: datetime.date,
    last: datetime.date,
    zone: str,
    *,
    opens_at: datetime.time,
    hours: float,
    weekdays: frozenset[str],
    holidays: frozenset[datetime.date] = frozenset(),
) -> WorkingHours:
    """The table of an office that opens at a local time for so many hours on some weekdays."""
    opens = [
        at(datetime.datetime.combine(day, opens_at), zone)
        for day in (first + datetime.timedelta(days=k) for k in range((last - first).days + 1))
        if WEEKDAYS[day.weekday()] in weekdays and day not in holidays
    ]
    opens_s = np.array(opens, dtype=np.int64)
    length = np.full(len(opens), round(hours * 3600))
    length[:-1] = np.minimum(length[:-1], np.diff(opens_s))  # when summer time begins, 24 h are 23
    return WorkingHours(opens_s, np.concatenate([[0], np.cumsum(length)]))
