"""Two kinds of Locust users: one that keeps to the timetable, and one that waits for its answers.

A *replay* is an open loop: every request leaves at its due time, whether or not the service has answered the
ones before, as in life. One ReplayUser stands for all the people of a scenario, on however many workers. A
*rush* is a closed loop: every RushUser sends the next request of the trace as soon as it has the answer to
its last one, so a slow service is asked less; use it to find how much a service can do, not how it feels.

Latency counts from the due time in both; in a rush a request is due when its user is free.
"""

import csv
from itertools import count
from pathlib import Path
from typing import Any

from locust import User, task  # first, since it patches the process
from locust.exception import StopUser
from locust.stats import PERCENTILES_TO_REPORT, StatsCSV
from locust.user.task import LOCUST_STATE_RUNNING

# isort: split
import gevent
from gevent.event import Event

from loadtests.fleet import Fleet
from loadtests.flights import Rusher
from loadtests.worker import Worker


def with_last_counts(environment: Any, **_: Any) -> None:
    """Have the CSV files of a run end with its last counts: Locust writes them once a second, and not at the
    end. Called once Locust is ready."""
    prefix = environment.parsed_options.csv_prefix
    if prefix and not hasattr(environment.runner, "master_host"):
        environment.events.quit.add_listener(lambda exit_code: _write_tables(environment, prefix))


def _write_tables(environment: Any, prefix: str) -> None:
    """New files in the place of those that Locust still has open, and has not written to the end."""
    tables = StatsCSV(environment, PERCENTILES_TO_REPORT)
    for name in ("requests", "failures", "exceptions"):
        path = Path(f"{prefix}_{'stats' if name == 'requests' else name}.csv")
        new = path.with_suffix(".new")
        with new.open("w", newline="", encoding="utf-8") as file:
            getattr(tables, f"{name}_csv")(csv.writer(file))
        new.replace(path)


class PlayedUser(User):
    """What both have in common: the run that they are part of."""

    abstract = True
    is_replay = False

    @property
    def fleet(self) -> Fleet:
        """This process's part of the run."""
        fleet: Fleet = self.environment.quotalab
        return fleet

    def worker(self) -> Worker:
        """This process's worker, once the run has begun."""
        fleet = self.fleet
        while fleet.worker is None:  # the trace is being made
            gevent.sleep(0.02)
        fleet.worker.has_started.wait()
        return fleet.worker


class ReplayUser(PlayedUser):
    """All the people of the scenario, each request at its due time. There is one, however many -u says."""

    abstract = True
    is_replay = True
    fixed_count = 1

    @task
    def replay(self) -> None:
        """The conductor sends; this user is there until all is answered."""
        self.worker().has_finished.wait()
        raise StopUser


class RushUser(PlayedUser):
    """One of a crowd: claims for the next person of the trace as soon as the last claim is answered."""

    abstract = True
    _numbers = count()

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.number = next(self._numbers)

    @task
    def send(self) -> None:
        """Request after request until the trace is played or the run stopped: one Locust task, since choosing
        a task costs as much as half a request."""
        over = Event()
        rusher = Rusher(self.number, lambda: self._state == LOCUST_STATE_RUNNING, over)
        try:
            play = self.worker().play
            play.rush(rusher)
            play.leave()
            over.wait()
        finally:  # killed, perhaps
            rusher.is_wanted = lambda: False
        if rusher.broken is not None:
            raise rusher.broken
        raise StopUser
