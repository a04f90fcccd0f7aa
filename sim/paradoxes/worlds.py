"""Small random worlds of people with names, in which everything is known and nothing is left to chance.

A *world* is a scenario of two months, an intake each, one policy called `rule`, and a handful of people: each
is a surge of one person, of whom everything is known (`sim.surges`). So a world can be written as a scenario
file and run like any other; and it can be simulated a hundred times a second, since nothing is drawn.

Worlds are numbered: number 17 of a seed and a subject is the same for ever. Their chance comes from a named
random stream. Times are whole days, so that many coincide.
"""

import datetime
import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from sim import streams
from sim.policy import CATALOGUE, Invite, Policy, Release, Reserve
from sim.scenario import Scenario
from sim.scenario_files.check import checked
from sim.surges import Known, Surge

T = TypeVar("T")

RULE = "rule"
"""The name of a world's only policy."""
OPEN = "open-first-come"
"""The policy under which the law of larger caps is exact."""
NAMES = ("Ana", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jo", "Kim", "Lou", "Mia", "Ned")
START = datetime.date(2024, 12, 1)
END = datetime.date(2025, 1, 31)
INSTANT_HOURS = 0.0001
"""How long a surge of one person lasts: no whole second."""

EVERYBODY = Known(
    score=500,
    lottery=0.5,
    answer="applies",
    answer_days=0,
    complete=True,
    refiles=False,
    refile_days=0,
    withdraws_after_days="never",
    unstaffed_days=0,
    service_hours=1,
    approved=True,
    landing_days=0,
    permanent_residence_days="never",
)
"""What is known of somebody of whom nothing else is said; the template below gives the same by itself, but
for the number in draws."""

AT_ONCE = {"low": 0, "mode": 0, "high": 0}
TEMPLATE: dict[str, Any] = {
    "format": 1,
    "name": "paradox",
    "title": "a small world",
    "time_zone": "UTC",
    "starts": START,
    "ends": END,
    "baseline": RULE,
    "programme": {"certificate_months": 240},
    "intake": [
        {"year": 2024, "opens": START, "closes": datetime.date(2024, 12, 31), "cap": 1},
        {"year": 2025, "opens": datetime.date(2025, 1, 1), "closes": END, "cap": 1},
    ],
    "streams": {"arts": {"share": 0.5}, "crafts": {"share": 0.5}},
    "demand": {"certificate_delay_months": AT_ONCE},
    "behaviour": {
        "score_mean": 500,
        "score_sd": 0,
        "applies_share": 1,
        "answer_days": 1e-6,
        "answer_sigma": 0,
        "incomplete_share": 0,
        "refile_share": 0,
        "refile_days": 1e-6,
        "withdrawal_per_year": 0,
        "landing_days_low": 0,
        "landing_days_high": 0,
        "family_size": 1,
    },
    "offices": {
        "officers": 1,
        "opens_at": datetime.time(0),
        "hours_per_day": 24.0,
        "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        "service_hours": 1,
        "service_sigma": 0,
        "unstaffed_weeks": AT_ONCE,
        "approval_share": 1,
    },
    "pathways": {"permanent_residence": {"files_share": 0}},
    "policies": {RULE: {}},
}
"""A world without people: who comes is invited, files, is found complete and approved at once."""


class Luck:
    """Choices from a named random stream, one after the other."""

    def __init__(self, seed: int, number: int, name: str) -> None:
        self._drawn = iter(streams.uniforms(seed, number, f"paradox/{name}", 2_000).tolist())

    def below(self, most: int) -> int:
        """A whole number from 0 up to, not including, `most`."""
        return min(int(next(self._drawn) * most), most - 1)

    def choice(self, among: Sequence[T]) -> T:
        """One of these."""
        return among[self.below(len(among))]

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(next(self._drawn) < share)


@functools.cache
def template() -> Scenario:
    """The world without people, as a scenario."""
    return checked(TEMPLATE)


def person(name: str, day: datetime.datetime, known: Known, *, people: int = 1) -> Surge:
    """Somebody with a name, a certificate of this moment, and whatever is known of them."""
    return Surge.model_validate(
        {"name": name, "people": people, "starts": day, "hours": INSTANT_HOURS, "known": known}
    )


def random_world(luck: Luck, subject: str, policy: Policy | None = None) -> Scenario:
    """A world in which something may be learned about a subject; with this policy, or a random one."""
    world = template()
    rule = random_policy(luck, subject) if policy is None else policy
    caps = [1 + luck.below(3) if luck.chance(0.8) else luck.below(6) for _ in world.intake]
    caps = [9, 9] if subject == "officers" else caps  # the queue is what matters there
    intake = tuple(
        each.model_copy(update={"cap": each.cap.model_copy(update={"value": float(cap)})})
        for each, cap in zip(world.intake, caps, strict=True)
    )
    count = 4 + luck.below(7)
    places = sorted(range(count), key=lambda _: luck.below(10_000))
    leaves = subject != "officers" or luck.chance(0.7)
    work = (1, 24, 96, 480, 960) if subject == "officers" else (1, 8, 24, 100)
    surges = tuple(_random_person(luck, NAMES[k], places[k], work, leaves=leaves) for k in range(count))
    return world.model_copy(
        update={
            "intake": intake,
            "policies": {RULE: rule},
            "demand": world.demand.model_copy(update={"surges": surges}),
        }
    )


def _random_person(luck: Luck, name: str, place: int, work: tuple[int, ...], *, leaves: bool) -> Surge:
    known = Known(
        stream=luck.choice(("arts", "crafts")),
        score=500 + 10 * luck.below(5),
        lottery=place / 16.0,
        answer=luck.choice(("applies",) * 6 + ("none", "declines")),
        answer_days=luck.choice((0, 1, 2, 5, 8, 12, 20, 30)),
        complete=luck.chance(0.8),
        refiles=luck.chance(0.3),
        refile_days=luck.choice((0, 1, 3, 8)),
        withdraws_after_days=luck.choice(("never", "never", 1, 4, 10, 25)) if leaves else "never",
        unstaffed_days=luck.choice((0, 0, 2, 6)),
        service_hours=luck.choice(work),
        approved=luck.chance(0.75),
        landing_days=luck.choice((0, 5)),
        permanent_residence_days=luck.choice(("never", "never", 12, 30, 55)) if leaves else "never",
    )
    waited = luck.below(3) if luck.chance(0.6) else luck.below(46)  # most are there from the beginning
    day = datetime.datetime.combine(START, datetime.time()) + datetime.timedelta(days=waited)
    if work[-1] > 100:  # files that fill the officers' time, of people who may give up
        known = known.model_copy(
            update={"answer": "applies", "answer_days": luck.below(4), "complete": True, "unstaffed_days": 0}
        )
    return person(name, day, known)


def random_policy(luck: Luck, subject: str) -> Policy:
    """A legal policy that has what the subject is about."""
    open_to_all = {"cap": 0.3, "demand": 0.3, "officers": 0.8}.get(subject, 0.0)
    over_cap = luck.choice(("return", "return", "refuse", "refuse", "queue"))
    gives_back = luck.choice(((), (), ("refusal",), ("refusal", "withdrawal", "expiry")))
    release = luck.choice(
        (
            Release(),
            Release(),
            Release(carry="across-years"),
            Release(every="dates", dates=(datetime.date(2024, 12, 16), datetime.date(2025, 1, 16))),
        )
    )
    reserves: tuple[Reserve, ...] = ()
    if subject == "reserve" or luck.chance(0.1):
        kind = luck.choice(("soft", "hard", "reserve-first", "reserve-last"))
        reserves = (Reserve(stream="arts", slots=luck.below(2), kind=kind),)
    is_open = luck.chance(open_to_all)
    if is_open and luck.chance(0.7):
        gives_back, reserves = (), ()  # where larger caps are known to hurt nobody
    return Policy(
        invite=Invite(by="open") if is_open else _random_invite(luck, subject),
        release=release,
        reserves=reserves,
        gives_back=gives_back,
        over_cap=over_cap,
        counts="accepted",
    )


def _random_invite(luck: Luck, subject: str) -> Invite:
    order = "score" if subject == "score" else luck.choice(("first-come", "score", "lottery"))
    size = luck.choice(("fixed", "to-cap", "to-cap", "pool"))
    size = "to-cap" if subject in ("cap", "over-invitation") else size
    size = luck.choice(("fixed", "to-cap")) if subject == "score" else size
    letter = luck.choice((None, None, 4, 10))
    entry = luck.choice((None, None, None, 15))
    return Invite(
        order=order,
        every_days=luck.choice((3, 7, 10, 15)),
        size=size,
        number=1 + luck.below(3) if size == "fixed" else None,
        factor=luck.choice((1.0, 1.0, 1.5, 2.0)) if size == "to-cap" else 1.0,
        letter_validity_days=luck.choice((2, 5, 10)) if subject == "expiry" else letter,
        entry_validity_days=luck.choice((5, 10, 15)) if subject == "validity" else entry,
    )


def named_policy(name: str) -> Policy | None:
    """A policy of the catalogue, or open first come; None if there is none of that name."""
    if name == OPEN:
        return Policy(invite=Invite(by="open"))
    return CATALOGUE.get(name)
