"""What a service that has just begun says of itself to whoever started it, after its URL."""

import datetime
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from loadtests.reference.settings import Settings, Year
from sim.ledger import Cap

MOST_SHOWN = 6  # intakes; a longer list tells nobody anything


def lines(settings: Settings, *, place: str) -> Iterator[str]:
    """A line a fact, its name first."""
    workers = "one worker" if settings.workers == 1 else f"{settings.workers} workers"
    yield f"  store    {settings.store}{place}; {workers}"
    if settings.fault is not None:
        yield f"  fault    {settings.fault}, planted on purpose: do not expect right answers"
    for number, year in enumerate(settings.years[:MOST_SHOWN]):
        yield f"  {'intakes' if number == 0 else '':8} {_intake(year, settings)}"
    if not settings.years:
        yield "  intakes  none yet: PUT /quotas/2022 opens one; or begin with --cap 2022=14700 or --scenario"
    elif len(settings.years) > MOST_SHOWN:
        yield f"  {'':8} and {len(settings.years) - MOST_SHOWN} more: GET /quotas"
    if settings.admit_per_minute is not None:
        yield f"  room     a ticket before a claim; {settings.admit_per_minute:g} people let in a minute"
    pace = "" if settings.rate == 1 else f", {settings.rate:g} times as fast as time"
    yield f"  clock    {_local(settings.origin_ms, settings)}{pace}"
    yield "  answers  GET /openapi.json; stop it with Ctrl-C"


def _intake(year: Year, settings: Settings) -> str:
    caps = ", ".join(_cap(year.intake, cap) for cap in year.caps) or "no cap"
    steps = len({at for at, _, _ in year.steps})
    more = f", more on {steps} later date{'' if steps == 1 else 's'}" if steps else ""
    if year.opens_at is None or year.closes_at is None:
        return f"{year.intake}: {caps}{more}; open"
    opens, closes = (_local(at, settings) for at in (year.opens_at, year.closes_at))
    return f"{year.intake}: {caps}{more}; open from {opens} until {closes}"


def _cap(intake: str, cap: Cap) -> str:
    streams = sorted(stream for covered, stream in cap.covers if covered == intake and stream)
    slots = f"{cap.limit:,} slot{'' if cap.limit == 1 else 's'}"
    return f"{slots} for {' and '.join(streams)}" if streams else slots


def _local(at: int, settings: Settings) -> str:
    moment = datetime.datetime.fromtimestamp(at / 1000, ZoneInfo(settings.time_zone))
    return moment.isoformat(sep=" ", timespec="minutes")
