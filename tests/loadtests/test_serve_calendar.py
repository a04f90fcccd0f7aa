"""What the service orders by its own clock: caps that grow in steps, counters that are copied."""

import datetime
import itertools
from zoneinfo import ZoneInfo

import pytest

from loadtests.reference.calendar import Calendar, next_copy
from loadtests.reference.settings import Settings, Year
from loadtests.reference.years import with_scenario
from sim import clock
from sim.ledger import Refresh, SetCap, Spec, cap_of
from tests.loadtests.services import Service, running
from tests.loadtests.stores_here import QUICK, skip_unless_installed

ZONE = "America/Toronto"
TWO_WINDOWS = ("--scenario", "smoke", "--policy", "two-windows")
AN_HOUR_BEFORE = (*TWO_WINDOWS, "--clock-origin", "2022-08-31T23:00:00-04:00")


def ms(year: int, month: int, day: int, hour: int = 0) -> int:
    return round(datetime.datetime(year, month, day, hour, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


def step_to(service: Service, moment: str) -> None:
    now = datetime.datetime.fromisoformat(service.ask("GET", "/clock").body["now"])
    ahead = datetime.datetime.fromisoformat(moment) - now
    assert service.ask("POST", "/clock", {"step_s": ahead.total_seconds()}).status == 200


@pytest.mark.parametrize("days", [1, 7, 40])
@pytest.mark.parametrize("zone", [ZONE, "Europe/Lisbon", "Asia/Kathmandu", "Pacific/Apia"])
def test_counters_are_copied_when_the_simulation_copies_them(days: int, zone: str) -> None:
    first = datetime.date(2011, 3, 1)  # Apia has no 30 December: its midnight is that of the day after
    opens, ends = clock.at(first, zone) * 1000, clock.at(datetime.date(2012, 4, 15), zone)
    at, found = opens, [opens]
    while (at := next_copy(opens, days, ZoneInfo(zone), at)) < ends * 1000:
        found.append(at)
    assert tuple(each // 1000 for each in found) == tuple(dict.fromkeys(clock.every(days, first, ends, zone)))


def test_the_day_on_which_summer_time_ends_has_25_hours() -> None:
    zone, opens = ZoneInfo(ZONE), ms(2022, 11, 5)
    copies = [opens]
    for _ in range(3):
        copies.append(next_copy(opens, 1, zone, copies[-1]))
    assert [(b - a) / 3_600_000 for a, b in itertools.pairwise(copies)] == [24, 25, 24]


def test_steps_come_before_a_copy_at_the_same_moment_and_nothing_comes_twice() -> None:
    noon = ms(2022, 1, 8)
    year = Year("2022", (cap_of("2022", 1),), ms(2022, 1, 1), ms(2023, 1, 1), ((noon, "2022", 2),))
    calendar = Calendar([year], time_zone=ZONE, origin_ms=0)
    weekly = Spec(counter=7)
    found = calendar.next(["2022"], weekly, ms(2022, 1, 2))
    assert [each.command for each in found] == [SetCap("2022", "2022", 2), Refresh("2022")]
    assert calendar.next(["2022"], weekly, noon)[0].at == ms(2022, 1, 15)
    assert calendar.next(["2022"], Spec(), noon) == []
    assert calendar.next(["2023"], weekly, 0) == [], "not an intake of its own"
    assert calendar.next(["2022"], weekly, ms(2022, 12, 31)) == [], "closed before the next copy"


@pytest.mark.parametrize("store", QUICK)
def test_a_counter_is_copied_at_midnight_after_a_day_of_25_hours(store: str) -> None:
    """24 hours after the midnight before, it is 23:00 of the same Sunday, and nothing is copied yet."""
    skip_unless_installed(store)
    workers = "1" if store == "memory" else "3"
    options = ("--workers", workers, "--cap", "2022=1", "--refresh-days", "1", "--sync", "normal")
    with running(store, *options, "--clock-origin", "2022-11-06T00:00:00-04:00") as service:
        assert [service.claim(who, "k").status for who in ("ana", "bo")] == [201, 201]
        step_to(service, "2022-11-06T23:30:00-05:00")
        assert service.claim("cy", "k").status == 201
        step_to(service, "2022-11-07T00:00:01-05:00")
        for number in range(8):  # whichever worker is asked
            assert service.claim(f"person {number}", "k").problem == "exhausted"


@pytest.mark.parametrize("store", QUICK)
def test_a_policy_that_releases_in_windows_raises_the_caps_by_the_clock(store: str) -> None:
    skip_unless_installed(store)
    options = (
        "--scenario",
        "smoke",
        "--policy",
        "two-windows",
        "--clock-origin",
        "2022-08-31T23:00:00-04:00",
    )
    with running(store, *options, "--sync", "normal") as service:
        assert {cap["name"]: cap["limit"] for cap in service.read()["caps"]} == {"2022": 40, "2022/arts": 10}
        step_to(service, "2022-09-01T00:00:01-04:00")
        assert {cap["name"]: cap["limit"] for cap in service.read()["caps"]} == {"2022": 80, "2022/arts": 20}
        service.ask("POST", "/quotas/2022/caps", {"cap": "2022", "limit": 79})
        step_to(service, "2022-08-31T00:00:00-04:00")
        step_to(service, "2022-09-02T00:00:00-04:00")
        assert service.read()["cap"] == 79, "what was ordered is not ordered again"


def test_a_service_that_starts_late_begins_with_the_caps_of_that_day() -> None:
    options = (
        "--scenario",
        "smoke",
        "--policy",
        "two-windows",
        "--clock-origin",
        "2022-10-01T00:00:00-04:00",
    )
    with running("memory", *options) as service:
        assert service.read()["cap"] == 80


def test_what_an_administrator_makes_known_has_its_orders_from_there() -> None:
    options = (
        "--scenario",
        "smoke",
        "--policy",
        "two-windows",
        "--clock-origin",
        "2022-08-31T23:00:00-04:00",
    )
    with running("memory", *options) as service:
        service.forget()
        service.open(7)
        step_to(service, "2022-09-02T00:00:00-04:00")
        assert service.read()["cap"] == 7


def test_without_a_clock_everything_is_open_with_its_whole_cap() -> None:
    with running("memory", *TWO_WINDOWS) as service:
        assert [service.read(year)["cap"] for year in ("2022", "2023")] == [80, 60]


def test_orders_are_made_once_also_across_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A counter that is copied a second time, in the middle of its week, would be too fresh."""
    folder = tmp_path_factory.mktemp("data")
    options = ("--data", str(folder), "--cap", "2022=1", "--refresh-days", "7")
    with running("sqlite", *options, "--clock-origin", "2022-01-08T00:00:01-05:00") as service:
        assert [service.claim(who, "k").status for who in ("ana", "bo")] == [201, 201]
    with running("sqlite", *options, "--clock-origin", "2022-01-14T23:00:00-05:00") as service:
        assert service.claim("cy", "k").status == 201
        step_to(service, "2022-01-15T00:00:01-05:00")
        assert service.claim("di", "k").problem == "exhausted"


def test_a_scenario_brings_its_waiting_room() -> None:
    told = with_scenario(Settings("memory"), "waiting-room", None, 1.0, by_clock=True)
    assert (told.admit_per_minute, told.time_zone) == (137, ZONE)
    assert with_scenario(Settings("memory"), "smoke", None, 1.0, by_clock=False).admit_per_minute is None
    options = ("--scenario", "waiting-room", "--clock-origin", "2016-06-13T12:00:00-04:00")
    with running("memory", *options) as service:
        assert service.claim("ana", "k", "2016", "skilled-workers").problem == "not-admitted"
        service.ask("POST", "/quotas/2016/tickets", {"applicant": "ana"})
        assert service.claim("ana", "k", "2016", "skilled-workers").status == 201
