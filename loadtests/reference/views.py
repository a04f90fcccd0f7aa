"""From the store's records to the wire's bodies, and back."""

import datetime
from typing import Any

from loadtests import protocol
from loadtests.reference.clock import Clock, iso, ms
from loadtests.reference.models import QuotaBody
from loadtests.reference.problems import Refusal
from loadtests.reference.stores.store import CapFigures, Figures, Holding
from sim.ledger import Cap, Spec

LATEST_MS = 253_370_764_800_000  # the year 9999, and no time zone leads beyond it


def quota(intake: str, figures: Figures, spec: Spec) -> dict[str, Any]:
    """An intake as it is read; `cap` and `remaining` are those of the tightest cap on it as a whole."""
    whole = [each for each in figures.caps if (intake, None) in each.cap.covers]
    tightest = min(whole, key=lambda each: each.cap.limit - each.used, default=None)
    named = [pair for each in figures.caps for pair in each.cap.covers]
    streams = {stream for covered, stream in named if covered == intake and stream}
    return {
        "intake": intake,
        "state": figures.state,
        "cap": None if tightest is None else tightest.cap.limit,
        "used": figures.used,
        "held": figures.held,
        "remaining": None if tightest is None else tightest.cap.limit - tightest.used,
        "streams": {stream: _stream(intake, stream, figures) for stream in sorted(streams)},
        "caps": [
            {**protocol.cap_as_plain(each.cap), **_sum(each), "judged": each.judged} for each in figures.caps
        ],
        "version": figures.version,
        "opens_at": None if figures.opens_at is None else iso(figures.opens_at),
        "closes_at": None if figures.closes_at is None else iso(figures.closes_at),
        "spec": spec.as_plain(),
    }


def _stream(intake: str, stream: str, figures: Figures) -> dict[str, int]:
    """The tightest of the caps that name the stream."""
    over = [each for each in figures.caps if (intake, stream) in each.cap.covers]
    return _sum(min(over, key=lambda each: each.cap.limit - each.used))


def _sum(each: CapFigures) -> dict[str, int]:
    remaining = each.cap.limit - each.used
    return {"limit": each.cap.limit, "used": each.used, "held": each.held, "remaining": remaining}


def holder(intake: str, holding: Holding) -> dict[str, Any]:
    return {
        "claim_id": protocol.claim_id(intake, holding.slot),
        "slot": holding.slot,
        "position": holding.position,
        "applicant": holding.applicant,
        "stream": holding.stream,
        "key": holding.key,
        "received_at": iso(holding.at),
    }


def clock_of(clock: Clock) -> dict[str, Any]:
    return {"now": iso(clock.now_ms()), "rate": clock.rate, "step_s": clock.board.step_ms / 1000}


def caps_of(intake: str, body: QuotaBody) -> tuple[Cap, ...]:
    """The caps of a body that are fit to open this intake with."""
    caps = tuple(each.cap() for each in body.caps)
    if intake == protocol.CURRENT:
        raise Refusal("unfit", detail='"current" is no name of an intake')
    if len({cap.name for cap in caps}) < len(caps):
        raise Refusal("unfit", detail="caps: two have the same name")
    if not all(cap.touches(intake) for cap in caps):
        raise Refusal("unfit", detail=f"caps: each covers something of {intake}")
    return caps


def moment(text: str | None) -> int | None:
    """A moment of a body, in ms."""
    if text is None:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        at = ms(found) if found.tzinfo is not None else -1
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= LATEST_MS:
        raise Refusal("unfit", detail=f"{text!r} is no moment with a time zone, from 1970 to 9998")
    return at
