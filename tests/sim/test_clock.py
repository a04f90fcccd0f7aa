"""Seconds and local dates, and working time against a loop that looks at the door every minute."""

import datetime
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import clock
from sim.clock import DAY_S, NEVER

ZONE = "America/Toronto"
WEEK = frozenset(clock.WEEKDAYS[:5])
MINUTE = 60


def office(first, last, *, opens_at=datetime.time(8, 30), hours=7.5, weekdays=WEEK, holidays=(), zone=ZONE):
    """The table under test, and the open minutes found by looking at the local clock, minute by minute."""
    table = clock.working_hours(
        first, last, zone, opens_at=opens_at, hours=hours, weekdays=weekdays, holidays=frozenset(holidays)
    )
    begins = datetime.datetime.combine(first, datetime.time(), tzinfo=ZoneInfo(zone)).timestamp()
    ends = datetime.datetime.combine(
        last + datetime.timedelta(days=1), datetime.time(), tzinfo=ZoneInfo(zone)
    )
    minutes = np.arange(int(begins), int(ends.timestamp()), MINUTE)
    is_open = []
    for second in minutes.tolist():
        now = datetime.datetime.fromtimestamp(second, ZoneInfo(zone))
        opened = datetime.datetime.combine(now.date(), opens_at, tzinfo=ZoneInfo(zone)).timestamp()
        works = clock.WEEKDAYS[now.weekday()] in weekdays and now.date() not in holidays
        is_open.append(works and opened <= second < opened + hours * 3600)
    return table, minutes, np.array(is_open)


OFFICES = {
    "a week with its weekend": partial(office, datetime.date(2022, 6, 6), datetime.date(2022, 6, 15)),
    "clocks go forward": partial(
        office, datetime.date(2022, 3, 10), datetime.date(2022, 3, 17), weekdays=frozenset(clock.WEEKDAYS)
    ),
    "clocks go back": partial(
        office, datetime.date(2022, 11, 3), datetime.date(2022, 11, 10), weekdays=frozenset(clock.WEEKDAYS)
    ),
    "holidays": partial(
        office,
        datetime.date(2022, 12, 19),
        datetime.date(2023, 1, 4),
        holidays=[datetime.date(2022, 12, 26), datetime.date(2023, 1, 2)],
    ),
    "one day a week": partial(
        office, datetime.date(2022, 5, 1), datetime.date(2022, 5, 20), weekdays=frozenset({"monday"})
    ),
    "never closed": partial(
        office,
        datetime.date(2022, 5, 1),
        datetime.date(2022, 5, 5),
        opens_at=datetime.time(0),
        hours=24,
        weekdays=frozenset(clock.WEEKDAYS),
        zone="UTC",
    ),
}


@pytest.mark.parametrize("name", OFFICES)
def test_working_time_counts_the_open_minutes(name):
    table, minutes, is_open = OFFICES[name]()
    worked = np.concatenate([[0], np.cumsum(is_open)]) * MINUTE
    assert (table.working(minutes) == worked[:-1]).all()
    assert table.worked_s[-1] == worked[-1]
    assert table.scheduled(int(minutes[0]), int(minutes[-1]) + MINUTE) == worked[-1]
    assert table.scheduled(int(minutes[100]), int(minutes[3000])) == worked[3000] - worked[100]


@pytest.mark.parametrize("name", OFFICES)
def test_working_time_and_wall_time_are_inverse(name):
    table, minutes, is_open = OFFICES[name]()
    worked = np.concatenate([[0], np.cumsum(is_open)]) * MINUTE
    opened = minutes[is_open]
    assert (table.begins(table.working(opened)) == opened).all()
    assert (table.begins(worked[:-1][is_open]) == opened).all()
    assert (table.ends(worked[1:][is_open]) == opened + MINUTE).all()
    done = np.arange(1, int(table.worked_s[-1]) + 1, 37)
    assert (table.working(table.ends(done)) == done).all()
    assert (table.working(table.begins(done - 1)) == done - 1).all()


def test_work_that_fills_the_day_ends_at_closing_time():
    table, _, _ = OFFICES["a week with its weekend"]()
    friday = np.array([5 * 27_000])
    assert table.ends(friday)[0] == clock.at(datetime.datetime(2022, 6, 10, 16), ZONE)
    assert table.begins(friday)[0] == clock.at(datetime.datetime(2022, 6, 13, 8, 30), ZONE)


def test_beyond_the_table_is_never():
    table, minutes, _ = OFFICES["holidays"]()
    total = int(table.worked_s[-1])
    assert table.begins(np.array([total, total + 1])).tolist() == [NEVER, NEVER]
    assert table.ends(np.array([total + 1])).tolist() == [NEVER]
    assert table.ends(np.array([total]))[0] < NEVER
    assert table.working(np.array([NEVER, minutes[0] - 10**6])).tolist() == [NEVER, 0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.dates(datetime.date(1990, 1, 1), datetime.date(2080, 1, 1)),
    st.sampled_from([ZONE, "UTC", "Asia/Kolkata"]),
)
def test_a_day_begins_at_local_midnight(day, zone):
    second = clock.at(day, zone)
    assert clock.local(second, zone).date() == day
    assert clock.local(second - 1, zone).date() == day - datetime.timedelta(days=1)
    assert clock.after(day, zone) == clock.at(day + datetime.timedelta(days=1), zone)
    assert abs(clock.after(day, zone) - second - DAY_S) in (0, 3600)


def test_a_moment_with_a_zone_keeps_it():
    noon = datetime.datetime(2021, 5, 6, 12)
    assert clock.at(noon, ZONE) == clock.at(noon.replace(tzinfo=datetime.UTC), ZONE) + 4 * 3600


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.dates(datetime.date(2019, 1, 1), datetime.date(2024, 12, 31)),
    st.integers(0, 900),
    st.sampled_from([1, 3]),
    st.sampled_from([0, 1, 3600]),
)
def test_month_starts_are_the_first_of_months_strictly_between(first, days, months, late):
    begins = clock.at(first, ZONE) + late
    ends = clock.at(first + datetime.timedelta(days=days), ZONE) + late
    every = (first + datetime.timedelta(days=k) for k in range(-1, days + 2))
    expected = [
        clock.at(day, ZONE)
        for day in every
        if day.day == 1 and (day.month - 1) % months == 0 and begins < clock.at(day, ZONE) < ends
    ]
    assert clock.month_starts(begins, ends, ZONE, months=months) == expected
