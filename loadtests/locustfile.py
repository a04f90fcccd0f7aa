"""Load-test a quota service with the people of a scenario.

    locust -f loadtests/locustfile.py --scenario opening-day --host http://127.0.0.1:8080

Everyone of the scenario applies at the moment when they would; the web page has a tab "Allocation". For a
crowd of 500 that applies as fast as it is answered, name it: add `Crowd -u 500 -r 100`. Add `--headless` for
a terminal, `--processes 2` for more cores, `--help` for every option. The run's folder has every request.
"""

from locust import events  # first, since it patches the process

# isort: split
from typing import Any

from loadtests import fleet, settings
from loadtests.users import ReplayUser, RushUser, with_last_counts


class Applicants(ReplayUser):
    """Everyone of the scenario, each at the due time (open loop)."""


class Crowd(RushUser):
    """The same people one after the other, as fast as answers come (closed loop)."""


def watch(request_type: str, name: str, response_time: float, **_: Any) -> None:
    """Called for every answer, with its time in ms since it was due. Edit it freely."""


events.init_command_line_parser.add_listener(settings.add_options)
events.init.add_listener(fleet.join)
events.init.add_listener(with_last_counts)
events.request.add_listener(watch)
