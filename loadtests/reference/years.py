"""Which intakes the service begins with: those of the command line, or of a scenario and its policy."""

import datetime
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from loadtests.reference.clock import ms
from loadtests.reference.settings import Settings, Year
from sim.errors import complaint
from sim.ledger import Cap, cap_of

if TYPE_CHECKING:  # a scenario is there only if one was named, and with it all that reads scenarios
    from sim.engine.windows import Windows
    from sim.policy import Policy
    from sim.scenario import Scenario

ZONE = "America/Toronto"  # where the years of --cap turn


def caps_of_options(options: tuple[str, ...]) -> tuple[Cap, ...]:
    """Caps written 2022=14700, 2022/pilot=550 or 2022/pilot+spouse=900."""
    caps = []
    for option in options:
        found = re.fullmatch(r"([A-Za-z0-9._-]{1,40})(?:/([^=/]+))?=(\d{1,12})", option)
        if found is None:
            expected = "INTAKE=LIMIT or INTAKE/STREAM=LIMIT, such as 2022=14700"
            raise complaint(f"{option!r} is no cap", key="--cap", expected=expected)
        intake, streams, limit = found.groups()
        caps.append(cap_of(intake, int(limit), *(streams.split("+") if streams else ())))
    names = [cap.name for cap in caps]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise complaint(f"{', '.join(twice)} is given twice", key="--cap", expected="each cap once")
    return tuple(caps)


def years_of_caps(caps: tuple[Cap, ...], *, by_clock: bool) -> tuple[Year, ...]:
    """One year an intake that is named; by the clock it lasts for the calendar year of its name."""
    names = dict.fromkeys(intake for cap in caps for intake, _ in cap.covers)
    found = []
    for name in names:
        over = tuple(cap for cap in caps if cap.touches(name))
        if by_clock and re.fullmatch(r"(19|20|21)\d\d", name):
            begins = [datetime.datetime(int(name) + k, 1, 1, tzinfo=ZoneInfo(ZONE)) for k in (0, 1)]
            opens, closes = map(ms, begins)
            found.append(Year(name, over, opens, closes))
        else:
            found.append(Year(name, over))
    return tuple(found)


def with_scenario(
    settings: Settings, name: str, policy: str | None, scale: float, *, by_clock: bool
) -> Settings:
    """The settings with everything that a scenario says of its service."""
    from loadtests.tracing.scaling import scaled
    from sim import scenario_file

    scenario = scaled(scenario_file.load(name), scale)
    room = scenario.load.waiting_room
    return replace(
        settings,
        years=years_of_scenario(scenario, policy, by_clock=by_clock),
        spec=scenario.spec(policy_of(scenario, policy)),
        time_zone=scenario.time_zone,
        ineligible_streams=tuple(name for name, each in scenario.streams.items() if not each.eligible),
        admit_per_minute=None if room is None else room.admitted_per_minute.value,
    )


def years_of_scenario(scenario: "Scenario", policy: str | None, *, by_clock: bool) -> tuple[Year, ...]:
    """The intakes of a scenario with the caps of a policy; the baseline's if none is named.

    By the clock, an intake opens with the part of its caps that is released then, and the rest are steps of
    the service's calendar. Without, there is no calendar: everything is open, with the whole caps.
    """
    from sim.engine.windows import released, windows

    rules, streams = policy_of(scenario, policy), list(scenario.streams)
    every = windows(scenario, rules)
    if by_clock:
        _check_release(rules, every)
    found = []
    for each in every:
        whole = _caps(each, streams)
        if not by_clock:
            found.append(Year(str(each.year), whole))
            continue
        steps = [
            (bound * 1000, cap.name, released(cap.limit, window, each.count))
            for window, bound in enumerate(each.bounds_s, 2)
            for cap in whole
        ]
        caps = tuple(replace(cap, limit=released(cap.limit, 1, each.count)) for cap in whole)
        found.append(Year(str(each.year), caps, each.opens_s * 1000, each.closes_s * 1000, tuple(steps)))
    return tuple(found)


def _check_release(rules: "Policy", every: "tuple[Windows, ...]") -> None:
    carry = rules.release.carry
    if carry != "within-year" and (len(every) > 1 or any(each.count > 1 for each in every)):
        raise complaint(
            f'the policy releases slots with carry = "{carry}", so it depends on what was left unused',
            key="--policy",
            expected='a policy with carry = "within-year"',
            mend="leave out --clock-origin: then every intake is open at once, with its whole cap",
        )


def _caps(each: "Windows", streams: list[str]) -> tuple[Cap, ...]:
    """The caps of an intake for the whole year; of those that cover the same the tightest."""
    from sim.clock import NEVER

    found: dict[str, Cap] = {}
    for name, limit, covers in zip(each.names, each.limits, each.cover.tolist(), strict=True):
        covered = [stream for stream, is_in in zip(streams, covers, strict=True) if is_in]
        cap = cap_of(str(each.year), limit, *(() if name == "total" else sorted(covered)))
        if covered and limit < NEVER and (cap.name not in found or limit < found[cap.name].limit):
            found[cap.name] = cap
    return tuple(found.values())


def policy_of(scenario: "Scenario", name: str | None) -> "Policy":
    from sim.policy import only_simulated

    name = scenario.baseline if name is None else name
    if name not in scenario.policy_names():
        raise complaint(
            f"there is no policy {name!r}", key="--policy", expected=", ".join(scenario.policy_names())
        )
    if keys := only_simulated(scenario.policy(name)):
        raise complaint(
            f"no service can keep {', '.join(keys)} of the policy {name!r}",
            key="--policy",
            expected="a policy without",
        )
    return scenario.policy(name)


def origin_of(text: str) -> int:
    """What the service's clock shows at the start, in ms."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        expected = "a date and time with its zone, such as 2022-12-31T23:50:00-05:00"
        raise complaint(f"{text!r} is no moment", key="--clock-origin", expected=expected)
    return ms(moment)
