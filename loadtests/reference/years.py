"""Which intakes the service begins with: those of the command line, or of a scenario and its policy."""

import datetime
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from loadtests.reference.clock import ms
from loadtests.reference.settings import Year
from sim.errors import complaint
from sim.ledger import Cap, Spec, cap_of

if TYPE_CHECKING:  # a scenario is there only if one was named, and with it all that reads scenarios
    from sim.policy import Policy, Reserve
    from sim.scenario import Intake, Scenario

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


def years_of_scenario(
    scenario: "Scenario", policy: str | None, scale: float, *, by_clock: bool
) -> tuple[Year, ...]:
    """The intakes of a scenario with the caps of a policy; the baseline's if none is named."""
    from sim import clock

    rules = policy_of(scenario, policy)
    found = []
    for intake in scenario.intake:
        caps = _caps(intake, rules, list(scenario.streams), scale) if rules.capped else ()
        opens = clock.at(intake.opens, scenario.time_zone) * 1000 if by_clock else None
        closes = clock.after(intake.closes, scenario.time_zone) * 1000 if by_clock else None
        found.append(Year(str(intake.year), caps, opens, closes))
    return tuple(found)


def policy_of(scenario: "Scenario", name: str | None) -> "Policy":
    name = scenario.baseline if name is None else name
    if name not in scenario.policy_names():
        raise complaint(
            f"there is no policy {name!r}", key="--policy", expected=", ".join(scenario.policy_names())
        )
    return scenario.policy(name)


def spec_of_scenario(scenario: "Scenario", policy: str | None) -> Spec:
    """The programme's switches, with those that the policy overrides."""
    return scenario.spec(policy_of(scenario, policy))


def scaled(count: float, scale: float) -> int:
    """A part of a count; of something there remains something."""
    return max(1, round(count * scale)) if count > 0 else 0


def _caps(intake: "Intake", rules: "Policy", streams: list[str], scale: float) -> tuple[Cap, ...]:
    year, whole = str(intake.year), scaled(intake.cap.value, scale)
    caps = [cap_of(year, whole)]
    caps += [cap_of(year, scaled(count.value, scale), name) for name, count in intake.stream_caps.items()]
    for reserve in rules.reserves:
        slots = _slots(reserve, intake, scale)
        others = [stream for stream in streams if stream != reserve.stream]
        if reserve.kind in ("soft", "hard") and others:
            caps.append(cap_of(year, max(0, whole - slots), *others))
        if reserve.kind in ("hard", "ceiling"):
            caps.append(cap_of(year, slots, reserve.stream))
    tightest = {cap.name: cap for cap in sorted(caps, key=lambda cap: -cap.limit)}
    return tuple(tightest[name] for name in dict.fromkeys(cap.name for cap in caps))


def _slots(reserve: "Reserve", intake: "Intake", scale: float) -> int:
    if reserve.slots is not None:
        return scaled(reserve.slots, scale)
    assert reserve.share is not None
    return int(reserve.share * scaled(intake.cap.value, scale))


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
