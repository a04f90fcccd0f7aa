"""A story in words: what each event is, how somebody stands at the end, where two stories part."""

from sim import clock
from sim.clock import DAY_S, NEVER
from sim.outcome import STATUSES, IntakeAccount
from sim.scenario import Scenario
from sim.telling.events import Event, Life

AT_THE_END = {
    "pool": "waits for a letter",
    "invited": "has a letter and has not answered it",
    "declined": "has declined",
    "lapsed": "let the letter lapse",
    "pr-first": "has become a permanent resident first",
    "pr-refused": "was refused permanent residence, and with it lost the standing to apply",
    "certificate-expired": "holds a certificate that has expired",
    "returned-incomplete": "has an application back as incomplete",
    "returned-over-cap": "has an application back, since no slot was left",
    "refused-over-cap": "has been refused, since no slot was left",
    "waitlisted": "is on the waiting list",
    "accepted": "has an application in process",
    "withdrawn": "has withdrawn",
    "refused": "has been refused",
    "permit": "has a permit",
    "permit-unused": "has a permit that lapsed unused",
    "bridging": "lives in Quebec and has a bridging permit",
    "out-of-scope": "is not within the programme's reach",
}
"""Status -> how it is said."""
LEFT = {
    "declined": "answers the letter with no",
    "lapsed": "lets the letter lapse",
    "pr-first": "leaves the programme as a permanent resident",
    "pr-refused": "leaves the programme without a standing",
    "certificate-expired": "leaves the programme, the certificate having expired",
    "withdrawn": "gives up and withdraws the application",
    "permit-unused": "has not used the permit in time; it lapses",
}
SIMPLE = {
    "certificate": "is selected: the certificate is issued",
    "pr-filed": "applies for permanent residence",
    "first-filed": "files an application",
    "filed-again": "files again",
    "incomplete": "gets it back: the application is incomplete",
    "ready": "the file is ready for an officer",
    "started": "an officer takes up the file",
    "permit": "receives the work permit",
    "bridging": "gets the bridging permit of people already in Quebec",
    "standing-ended": "the certificate expires: no application can be filed from now on",
    "arrived": "arrives in Quebec and starts to work",
    "pr-arrival": "arrives in Quebec as a permanent resident",
}


def moment(scenario: Scenario, at_s: int) -> str:
    """A second as people write it where the scenario plays: Tue 3 May 2022, 14:05."""
    local = clock.local(at_s, scenario.time_zone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def said(scenario: Scenario, life: Life, event: Event) -> str:
    """An event in words."""
    kind, row = event.kind, life.row
    if kind == "letter":
        is_open = life.rules.invite.by == "open"
        return "may file from now on: no letter is needed" if is_open else "is invited: the letter goes out"
    if kind == "filed":
        attempts = int(life.outcome.attempts[row])
        return (
            "files an application" if attempts == 1 else f"files for the last time, in all {attempts} times"
        )
    if kind == "slot":
        return _slot(life)
    if kind == "no-slot":
        is_queued = scenario.spec(life.rules).over_cap == "queue"
        return "finds no slot left" + (" and goes on the waiting list" if is_queued else "")
    if kind == "decided":
        return f"the office decides: {'approved' if life.people.approved[row] else 'refused'}"
    if kind == "pr-decided":
        return f"permanent residence is {'granted' if life.people.pr_approved[row] else 'refused'}"
    if kind == "left":
        return LEFT.get(STATUSES[life.status], "leaves the programme")
    return SIMPLE[kind]


def _last(attempts: int) -> str:
    return f"files for the last time, the {attempts}th in all" if attempts > 3 else "files for the third time"


def _slot(life: Life) -> str:
    year = int(life.outcome.intake[life.row])
    account = next(each for each in life.outcome.intakes if each.year == year)
    number = slot_number(life)
    return f"gets slot {number:,}{_of(account)} of the intake {year}"


def _of(account: IntakeAccount) -> str:
    if account.cap >= NEVER:
        return ", without a limit,"
    return f" of {account.cap + account.carried_in:,}"


def slot_number(life: Life) -> int:
    """The slot's number: how many people had one of that intake by then, with this one."""
    outcome, row = life.outcome, life.row
    slot_s, lottery = outcome.slot_s, life.people.lottery
    before = (slot_s < slot_s[row]) | ((slot_s == slot_s[row]) & (lottery < lottery[row]))
    return 1 + int((before & (outcome.intake == outcome.intake[row])).sum())


def ending(scenario: Scenario, life: Life) -> str:
    """How the person stands when the scenario ends."""
    return (
        f"At the scenario's end, {day(scenario, scenario.ends_s - 1)}: {AT_THE_END[STATUSES[life.status]]}."
    )


def day(scenario: Scenario, at_s: int) -> str:
    """A second as a day: 3 May 2022."""
    local = clock.local(at_s, scenario.time_zone)
    return f"{local.day} {local:%b %Y}"


def days(seconds: int) -> str:
    """A length of time in whole days, or hours below two days."""
    if abs(seconds) < 2 * DAY_S:
        hours = round(abs(seconds) / 3600)
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{round(abs(seconds) / DAY_S):,} days"
