"""A case in words: what one would think, what happens instead, person by person and event by event.

Both variants are told from what the engine did: letters, filings, answers, decisions, ends. What is the same
in both is left out of the chain, which goes by date; the lines of a table have it all, side by side.
"""

import datetime
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sim import clock
from sim.clock import NEVER
from sim.comparing.persons import REASONS, reasons
from sim.outcome import (
    DECLINED,
    LAPSED,
    PERMIT_UNUSED,
    PR_FIRST,
    REFUSED,
    RETURNED_INCOMPLETE,
    WITHDRAWN,
    Outcome,
)
from sim.paradoxes.laws import LAWS, Case, Harm, granted, people_of
from sim.paradoxes.worlds import RULE

Event = tuple[int, str]
"""The second, and what happens, as a verb with its object."""


class Line(NamedTuple):
    """One day of one person in both variants."""

    date: str
    name: str
    less: str
    more: str


class Told(NamedTuple):
    """A case in words."""

    title: str
    law: str
    """What one would think."""
    lead: str
    """What happens instead, in one sentence."""
    chain: tuple[str, ...]
    """How it comes about: every difference, by date."""
    people: tuple[str, ...]
    """Each person whose course differs, whole."""
    lines: tuple[Line, ...]


def told(case: Case, harm: Harm, base: Outcome, more: Outcome) -> Told:
    """Everything there is to say of a case."""
    names, after = people_of(case.world), people_of(case.other)
    decisions = harm == "later"  # elsewhere an approval follows a slot, and says nothing more
    less_events = {name: _events(case, base, row, decisions) for row, name in enumerate(names)}
    more_events = {name: _events(case, more, row, decisions) for row, name in enumerate(after)}
    lines = _lines(case, after, less_events, more_events)
    return Told(
        title=f"{_with(case)}: {HARMS[harm]}",
        law=LAWS[case.law].says,
        lead=_lead(case, harm, base, more),
        chain=tuple(_chain(case, lines)),
        people=tuple(_person(case, name, less_events, more_events) for name in _differing(lines)),
        lines=tuple(lines),
    )


HARMS = {
    "total": "fewer slots are granted in all",
    "lost": "somebody loses a slot",
    "own": "the one who should gain by it loses the slot",
    "stream": "the stream with the larger reserve gets fewer slots",
    "later": "somebody is decided later",
}

WITH = {
    "cap": "a cap of {more} instead of {less} in {year}",
    "score": "a score of {more} instead of {less} for {who}",
    "validity": "places in the pool good for {more} days instead of {less}",
    "demand": "{who} there as well",
    "over-invitation": "{more} letters a free slot instead of {less}",
    "expiry": "letters good for {more} days instead of {less}",
    "frequency": "rounds every {more} days instead of {less}",
    "reserve": "a reserve of {more} instead of {less}",
    "officers": "{more} officers instead of {less}",
}


def sides(case: Case) -> tuple[str, str]:
    """How the two variants are called for short: with 1, with 2."""
    if case.law == "demand":
        return f"without {case.subject}", f"with {case.subject}"
    return f"with {case.less:g}", f"with {case.more:g}"


def _with(case: Case) -> str:
    parts = case.key.split(".")
    year = parts[1] if parts[0] == "intake" else ""
    said = WITH[case.law].format(less=f"{case.less:g}", more=f"{case.more:g}", year=year, who=case.subject)
    return f"With {said}"


def _lead(case: Case, harm: Harm, base: Outcome, more: Outcome) -> str:
    """What happens instead of what one would think."""
    said = f"{_with(case)}, "
    before, after = granted(base), granted(more)
    names = people_of(case.world)
    rows = np.arange(min(len(base), len(more)))
    lost = [names[row] for row in rows if base.slot_s[row] < NEVER and more.slot_s[row] >= NEVER]
    late = [names[row] for row in rows if more.decided_s[row] > base.decided_s[row]]
    slots = (
        f"{after} slot{'' if after == 1 else 's'} {'is' if after == 1 else 'are'} granted instead of {before}"
    )
    if harm == "total":
        whose = f": {_listed(lost)} {'loses' if len(lost) == 1 else 'lose'} one" if lost else ""
        return f"{said}{slots}{whose}.{_why(case, base, more)}"
    if harm in ("lost", "own", "stream"):
        total = "as many slots are granted in all" if after == before else slots
        return (
            f"{said}{_listed(lost)} {'loses' if len(lost) == 1 else 'lose'} the slot; {total}."
            f"{_why(case, base, more)}"
        )
    return f"{said}{_listed(late)} {'is' if len(late) == 1 else 'are'} decided later, or not at all."


def _why(case: Case, base: Outcome, more: Outcome) -> str:
    """Why those who lose a slot have none."""
    names, size = people_of(case.world), min(len(base), len(more))
    if len(base) != len(more):
        return ""
    kinds = reasons(more, base)
    said = {
        f"{names[row]}: {list(REASONS.values())[kinds[row]]}"
        for row in range(size)
        if base.slot_s[row] < NEVER and more.slot_s[row] >= NEVER
    }
    return f" Why: {'; '.join(sorted(said))}." if said else ""


# --- events of one person --------------------------------------------------------------------------------


def _events(case: Case, outcome: Outcome, row: int, decisions: bool) -> list[Event]:
    """What happens to one person, in order."""
    now = {name: int(column[row]) for name, column in outcome.columns().items()}
    events: list[Event] = []
    if case.world.policies[RULE].invite.by == "rounds" and now["letter_s"] < NEVER:
        events.append((now["letter_s"], "is invited"))
    filings = sorted({now[name] for name in ("first_filed_s", "filed_s", "first_full_s")} - {NEVER})
    events += [(second, _filing(case, now, second)) for second in filings]
    if now["slot_s"] < NEVER and now["slot_s"] not in filings:
        events.append((now["slot_s"], f"gets a slot of {now['intake']} from the waiting list"))
    if now["decided_s"] < NEVER and (decisions or now["status"] == REFUSED):
        events.append((now["decided_s"], "is refused" if now["status"] == REFUSED else "is approved"))
    ends = {
        DECLINED: "says no",
        LAPSED: "is too late to use the letter" if now["letter_s"] < NEVER else "drops out of the pool",
        WITHDRAWN: "withdraws",
        PR_FIRST: "gets permanent residence",
        PERMIT_UNUSED: "does not use the permit",
    }
    if now["left_s"] < NEVER and now["status"] in ends:
        events.append((now["left_s"], ends[now["status"]]))
    return sorted(events, key=lambda event: event[0])  # a letter goes before what follows on its day


def _filing(case: Case, now: dict[str, int], second: int) -> str:
    """What comes of an application."""
    if second == now["slot_s"]:
        return f"files and gets a slot of {now['intake']}"
    is_full = second == now["first_full_s"] or (now["full_count"] > 0 and second == now["filed_s"])
    opens = [(_begins(case, each.opens), _begins(case, each.closes)) for each in case.world.intake]
    is_open = any(first <= second < last + clock.DAY_S for first, last in opens)
    if is_full:
        return "files and finds no slot left" if is_open else "files when no intake is open"
    if now["status"] == RETURNED_INCOMPLETE or now["attempts"] > 1:
        return "files, but not everything is there"
    return "files"


def _begins(case: Case, day: datetime.date) -> int:
    return clock.at(day, case.world.time_zone)


# --- both variants side by side --------------------------------------------------------------------------


def _lines(
    case: Case, names: list[str], less: dict[str, list[Event]], more: dict[str, list[Event]]
) -> list[Line]:
    """Every day on which anything happens to anybody, a line a person."""
    days: dict[tuple[str, int], tuple[list[str], list[str]]] = {}
    for place, name in enumerate(names):
        for side, events in enumerate((less.get(name, []), more.get(name, []))):
            for second, what in events:
                date = clock.local(second, case.world.time_zone).date().isoformat()
                days.setdefault((date, place), ([], []))[side].append(what)
    return [
        Line(date, names[place], ", ".join(sides[0]), ", ".join(sides[1]))
        for (date, place), sides in sorted(days.items())
    ]


def _differing(lines: list[Line]) -> list[str]:
    return list(dict.fromkeys(line.name for line in lines if line.less != line.more))


def _chain(case: Case, lines: list[Line]) -> list[str]:
    """Every difference, by date: first the letters of a day, then the rest."""
    said, short = list[str](), sides(case)
    for date in dict.fromkeys(line.date for line in lines if line.less != line.more):
        today = [line for line in lines if line.date == date]
        invited = [
            [one.name for one in today if "is invited" in side(one).split(", ")] for side in (_less, _more)
        ]
        parts = []
        if invited[0] != invited[1]:
            parts.append(f"the round invites {_listed(invited[1])} instead of {_listed(invited[0])}")
        for line in today:
            before, after = (_without_letter(side(line)) for side in (_less, _more))
            if before != after:
                parts.append(f"{line.name} {after or 'does nothing'}")
                parts[-1] += f" ({short[0]}: {before})" if before else ""
        said.append(f"{day(date)}: {'; '.join(parts)}.")
    return said


def _invited(lines: list[Line], side: Callable[[Line], str]) -> list[str]:
    return [line.name for line in lines if "is invited" in side(line).split(", ")]


def _without_letter(events: str) -> str:
    return ", ".join(each for each in events.split(", ") if each != "is invited")


def _less(line: Line) -> str:
    return line.less


def _more(line: Line) -> str:
    return line.more


def _person(case: Case, name: str, less: dict[str, list[Event]], more: dict[str, list[Event]]) -> str:
    """One person's whole course in both variants."""
    zone = case.world.time_zone

    def course(events: list[Event] | None) -> str:
        if events is None:
            return "is not there"
        steps = [f"{what} on {day(clock.local(at, zone).date().isoformat())}" for at, what in events]
        return ", then ".join(steps) if steps else "waits in vain"

    short = sides(case)
    return f"{name}: {short[1]} {course(more.get(name))}; {short[0]} {course(less.get(name))}."


def _listed(names: list[str]) -> str:
    if not names:
        return "nobody"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def day(date: str) -> str:
    """A date as people say it in a story: 1 December 2024."""
    parsed = datetime.date.fromisoformat(date)
    return f"{parsed.day} {parsed:%B %Y}"
