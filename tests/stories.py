"""Tiny worlds worked out by hand from the rules, each as data: situation, people, policy, what must come out.

All of them are played in UTC in 2024, whose first day is a Monday. Unless a story says otherwise there is one
stream and one intake a year, the office has ten officers and never closes, nobody waits for a letter, people
file at 01:00 on 1 January, and everything else is as `make_people` has it.
"""

import datetime
from dataclasses import dataclass, field
from typing import Any

from sim.clock import DAY_S, NEVER
from sim.outcome import (
    ACCEPTED,
    BRIDGING,
    CERTIFICATE_EXPIRED,
    DECLINED,
    INVITED,
    LAPSED,
    OUT_OF_SCOPE,
    PERMIT,
    PERMIT_UNUSED,
    POOL,
    PR_FIRST,
    PR_REFUSED,
    REFUSED,
    REFUSED_OVER_CAP,
    RETURNED_INCOMPLETE,
    RETURNED_OVER_CAP,
    WAITLISTED,
    WITHDRAWN,
    Outcome,
)
from sim.people import People
from sim.policy import Policy
from sim.population import ABROAD, QUEBEC
from sim.scenario import Scenario
from tests.people import make_people

HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Story:
    """One hand-checked world."""

    name: str
    scenario: Scenario
    people: People
    policy: Policy
    expected: dict[str, list[int]]
    """Outcome column -> its values; columns left out are not part of the story."""
    intakes: dict[str, list[int]] = field(default_factory=dict)
    """Field of the intakes' accounts -> its values, intake by intake."""

    def check(self, outcome: Outcome) -> None:
        """Assert that an outcome tells this story."""
        for column, values in self.expected.items():
            found = getattr(outcome, column).tolist()
            assert found == values, f"{self.name}: {column} is {found}, expected {values}"
        for name, values in self.intakes.items():
            found = [getattr(account, name) for account in outcome.intakes]
            assert found == values, f"{self.name}: {name} of the intakes is {found}, expected {values}"


def second(text: str) -> int:
    """The second of a local (UTC) date and time such as "2024-01-31 09:30", or of "01-31 09:30" in 2024."""
    year = "" if text[4:5] == "-" else "2024-"
    return int(datetime.datetime.fromisoformat(f"{year}{text}+00:00").timestamp())


def seconds(*texts: str) -> list[int]:
    """Several of them; "" is NEVER."""
    return [second(text) if text else NEVER for text in texts]


def filing(*texts: str) -> dict[str, list[int]]:
    """The columns of people who first file at these seconds, letters being no matter."""
    return {"answer_delay_s": [second(text) - second("01-01 00:00") for text in texts]}


def world(*, caps: tuple[int, ...] = (100,), streams: tuple[str, ...] = ("all",), **tables: Any) -> Scenario:
    """A scenario with one intake for each cap, from 2024 on; `tables` replaces further tables of the file."""
    last = 2024 + len(caps) - 1
    plain: dict[str, Any] = {
        "format": 1,
        "name": "story",
        "title": "worked out by hand",
        "time_zone": "UTC",
        "starts": "2024-01-01",
        "ends": f"{last}-12-31",
        "intake": [
            {"year": 2024 + k, "opens": f"{2024 + k}-01-01", "closes": f"{2024 + k}-12-31", "cap": cap}
            for k, cap in enumerate(caps)
        ],
        "streams": {name: {"share": 1 / len(streams)} for name in streams},
        "demand": {},
        "offices": always_open(officers=10),
    }
    return Scenario.model_validate(plain | tables)


def always_open(*, officers: int) -> dict[str, Any]:
    week = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return {"officers": officers, "opens_at": "00:00:00", "hours_per_day": 24, "weekdays": week}


def nine_to_five(*, officers: int) -> dict[str, Any]:
    """Monday to Friday."""
    return {"officers": officers, "opens_at": "09:00:00", "hours_per_day": 8}


def policy(**rules: Any) -> Policy:
    """No letters are needed, unless `invite` is given."""
    return Policy.model_validate({"invite": {"by": "open"}} | rules)


def stories() -> list[Story]:
    """All of them; each is a function below whose docstring tells it."""
    return [tell() for tell in TOLD]


def cap_of_one() -> Story:
    """Three file an hour apart, one slot: the first has it, the others get their applications back."""
    return Story(
        "cap of one",
        world(caps=(1,)),
        make_people(3, **filing("01-01 01:00", "01-01 02:00", "01-01 03:00")),
        policy(),
        {
            "status": [PERMIT, RETURNED_OVER_CAP, RETURNED_OVER_CAP],
            "letter_s": seconds("01-01 00:00", "01-01 00:00", "01-01 00:00"),
            "first_filed_s": seconds("01-01 01:00", "01-01 02:00", "01-01 03:00"),
            "filed_s": seconds("01-01 01:00", "01-01 02:00", "01-01 03:00"),
            "attempts": [1, 1, 1],
            "full_count": [0, 1, 1],
            "first_full_s": seconds("", "01-01 02:00", "01-01 03:00"),
            "intake": [2024, 0, 0],
            "slot_s": seconds("01-01 01:00", "", ""),
            "spent": [0, 0, 0],
            "ready_s": seconds("01-01 01:00", "", ""),
            "started_s": seconds("01-01 01:00", "", ""),
            "decided_s": seconds("01-01 02:00", "", ""),
            "permit_s": seconds("01-01 02:00", "", ""),
            "arrived_s": seconds("01-31 02:00", "", ""),
            "left_s": [NEVER, NEVER, NEVER],
        },
        {"cap": [1], "carried_in": [0], "granted": [1], "used": [1], "closes_s": seconds("2025-01-01 00:00")},
    )


def tie_by_lottery() -> Story:
    """Four file in one second, two slots: the lowest lottery number goes first, or the lower row."""
    return Story(
        "tie by lottery",
        world(caps=(2,)),
        make_people(4, lottery=[7, 9, 3, 7]),
        policy(over_cap="refuse"),
        {"status": [PERMIT, REFUSED_OVER_CAP, PERMIT, REFUSED_OVER_CAP], "full_count": [0, 1, 0, 1]},
    )


def exit_before_claim() -> Story:
    """At 05:00 the holder withdraws, another files, and a third would file but has permanent residence now.

    The withdrawal comes first, so its slot is free for the filing; the third comes too late.
    By lottery numbers it would be the other way round, but the phase outranks them.
    """
    return Story(
        "exit before claim",
        world(caps=(1,)),
        make_people(
            3,
            lottery=[9, 1, 0],
            **filing("01-01 01:00", "01-01 05:00", "01-01 05:00"),
            withdraws_after_s=[4 * HOUR_S, NEVER, NEVER],
            unstaffed_s=DAY_S,
            pr_decided_s=seconds("", "", "01-01 05:00"),
        ),
        policy(gives_back=["withdrawal"]),
        {
            "status": [WITHDRAWN, PERMIT, PR_FIRST],
            "slot_s": seconds("01-01 01:00", "01-01 05:00", ""),
            "left_s": seconds("01-01 05:00", "", "01-01 05:00"),
            "ready_s": seconds("", "01-02 05:00", ""),
            "attempts": [1, 1, 0],
        },
        {"granted": [2], "used": [1]},
    )


def nothing_given_back() -> Story:
    """The same without give-backs: the slot stays used."""
    return Story(
        "nothing given back",
        world(caps=(1,)),
        make_people(
            2,
            **filing("01-01 01:00", "01-01 05:00"),
            withdraws_after_s=[4 * HOUR_S, NEVER],
            unstaffed_s=DAY_S,
        ),
        policy(),
        {
            "status": [WITHDRAWN, RETURNED_OVER_CAP],
            "full_count": [0, 1],
            "slot_s": seconds("01-01 01:00", ""),
        },
        {"granted": [1], "used": [1]},
    )


def overnight() -> Story:
    """One officer from nine to five, four hours a file, all ready at 01:00, 02:00, 03:00 on Monday.

    The second ends with the day's last second, so at 17:00 and not next morning; the third starts on Tuesday.
    The fourth is ready at 16:00 on Friday: an hour then, three on Monday.
    """
    return Story(
        "overnight and over a weekend",
        world(offices=nine_to_five(officers=1)),
        make_people(
            4,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-05 16:00"),
            service_s=4 * HOUR_S,
        ),
        policy(),
        {
            "ready_s": seconds("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-05 16:00"),
            "started_s": seconds("01-01 09:00", "01-01 13:00", "01-02 09:00", "01-05 16:00"),
            "decided_s": seconds("01-01 13:00", "01-01 17:00", "01-02 13:00", "01-08 12:00"),
            "status": [PERMIT] * 4,
        },
    )


def ready_at_closing_time() -> Story:
    """At 17:00 the doors are shut, at 16:59:59 they are not; a day's holiday is no working day."""
    return Story(
        "ready at closing time",
        world(offices=nine_to_five(officers=2) | {"holidays": ["2024-01-02"]}),
        make_people(2, **filing("01-01 16:59:59", "01-01 17:00")),
        policy(),
        {
            "started_s": seconds("01-01 16:59:59", "01-03 09:00"),
            "decided_s": seconds("01-03 09:59:59", "01-03 10:00"),
        },
    )


def withdrawal_while_waiting() -> Story:
    """One officer, busy with the first all Monday. The second gives up at noon, the third at the very second
    at which it would start, so the fourth starts in its place; that one would give up a second later, which
    is too late. The fifth gives up in the second in which its file would reach the queue.
    """
    return Story(
        "withdrawal while waiting",
        world(offices=nine_to_five(officers=1)),
        make_people(
            5,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-01 04:00", "01-01 05:00"),
            service_s=[8 * HOUR_S, HOUR_S, HOUR_S, HOUR_S, HOUR_S],
            withdraws_after_s=[NEVER, 10 * HOUR_S, 30 * HOUR_S, 29 * HOUR_S + 1, 6 * HOUR_S],
            unstaffed_s=[0, 0, 0, 0, 6 * HOUR_S],
        ),
        policy(),
        {
            "status": [PERMIT, WITHDRAWN, WITHDRAWN, PERMIT, WITHDRAWN],
            "ready_s": seconds("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-01 04:00", ""),
            "started_s": seconds("01-01 09:00", "", "", "01-02 09:00", ""),
            "decided_s": seconds("01-01 17:00", "", "", "01-02 10:00", ""),
            "left_s": seconds("", "01-01 12:00", "01-02 09:00", "", "01-01 11:00"),
        },
    )


def incomplete_and_refiling() -> Story:
    """Incomplete: handed back without a slot. One files again ten days later, complete now; one does not; the
    certificate of a third has expired by then; a fourth would file again when all is over.
    """
    ends = second("2025-01-01 00:00") - second("01-01 01:00")
    return Story(
        "incomplete and refiling",
        world(caps=(1,)),
        make_people(
            4,
            complete=False,
            refiles=[True, False, True, True],
            refile_delay_s=[10 * DAY_S, DAY_S, 10 * DAY_S, ends],
            standing_until_s=seconds("", "", "01-11 01:00", "01-05 00:00"),
        ),
        policy(),
        {
            "status": [PERMIT, RETURNED_INCOMPLETE, CERTIFICATE_EXPIRED, RETURNED_INCOMPLETE],
            "attempts": [2, 1, 1, 1],
            "first_filed_s": seconds(*["01-01 01:00"] * 4),
            "filed_s": seconds("01-11 01:00", "01-01 01:00", "01-01 01:00", "01-01 01:00"),
            "slot_s": seconds("01-11 01:00", "", "", ""),
            "left_s": seconds("", "", "01-11 01:00", ""),
        },
        {"granted": [1], "used": [1]},
    )


def over_cap_return() -> Story:
    """One slot a year. Two find none; one of them files again, ten days after the next opening."""
    return Story(
        "over the cap until the next opening",
        world(caps=(1, 1)),
        make_people(3, **filing("01-01 01:00", "01-01 02:00", "01-01 03:00"), refiles=[True, True, False]),
        policy(),
        {
            "status": [PERMIT, PERMIT, RETURNED_OVER_CAP],
            "attempts": [1, 2, 1],
            "full_count": [0, 1, 1],
            "filed_s": seconds("01-01 01:00", "2025-01-11 00:00", "01-01 03:00"),
            "intake": [2024, 2025, 0],
        },
        {"granted": [1, 1], "used": [1, 1], "opens_s": seconds("01-01 00:00", "2025-01-01 00:00")},
    )


def between_two_intakes() -> Story:
    """Nothing is open on 1 July: that is over the cap too, and the next opening is in September."""
    return Story(
        "between two intakes",
        world(
            intake=[
                {"year": 2024, "opens": "2024-01-01", "closes": "2024-06-30", "cap": 5},
                {"year": 2025, "opens": "2024-09-01", "closes": "2024-12-31", "cap": 5},
            ]
        ),
        make_people(3, **filing("06-30 23:59:59", "07-01 00:00", "09-01 00:00"), refiles=True),
        policy(),
        {
            "status": [PERMIT] * 3,
            "intake": [2024, 2025, 2025],
            "full_count": [0, 1, 0],
            "filed_s": seconds("06-30 23:59:59", "09-11 00:00", "09-01 00:00"),
        },
        {"granted": [1, 2], "used": [1, 2]},
    )


def queue_and_give_back() -> Story:
    """One slot; its holder is refused at 11:00, which frees it. Three wait, in the order of filing.

    The first of them gives up at 11:00, before the decision of that second. So the second has the slot; it
    would have given up at noon, but its file is then in work. The third, behind it, waits still.
    """
    return Story(
        "queue and give-back",
        world(caps=(1,)),
        make_people(
            4,
            lottery=[5, 9, 8, 1],
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-01 04:00"),
            approved=[False, True, True, True],
            service_s=10 * HOUR_S,
            withdraws_after_s=[NEVER, 9 * HOUR_S, 9 * HOUR_S, NEVER],
        ),
        policy(over_cap="queue", gives_back=["refusal"]),
        {
            "status": [REFUSED, WITHDRAWN, PERMIT, WAITLISTED],
            "full_count": [0, 1, 1, 1],
            "slot_s": seconds("01-01 01:00", "", "01-01 11:00", ""),
            "started_s": seconds("01-01 01:00", "", "01-01 11:00", ""),
            "decided_s": seconds("01-01 11:00", "", "01-01 21:00", ""),
            "left_s": seconds("", "01-01 11:00", "", ""),
            "intake": [2024, 0, 2024, 0],
        },
        {"granted": [2], "used": [1]},
    )


def queue_at_the_turn() -> Story:
    """The waitlist moves up when the next year opens. Somebody whose residence was decided has left it by
    then; one whose certificate expired since is served, for what counts is the day of filing.
    """
    return Story(
        "queue at the turn of the year",
        world(caps=(0, 2)),
        make_people(
            4,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00", "01-01 04:00"),
            pr_decided_s=seconds("06-01 00:00", "", "", ""),
            standing_until_s=seconds("06-01 00:00", "2025-01-01 00:00", "", ""),
            pr_approved=False,
        ),
        policy(over_cap="queue"),
        {
            "status": [PR_REFUSED, PERMIT, PERMIT, WAITLISTED],
            "slot_s": seconds("", "2025-01-01 00:00", "2025-01-01 00:00", ""),
            "left_s": seconds("06-01 00:00", "", "", ""),
            "full_count": [1, 1, 1, 1],
        },
        {"granted": [0, 2]},
    )


def queue_and_incomplete() -> Story:
    """Slots count when filed, and a refusal gives back: on 1 February one slot comes free. The first on the
    list is incomplete, gets it and loses it in the same second; so the next one has it, and the first files
    again.
    """
    return Story(
        "queue and incomplete",
        world(caps=(2,)),
        make_people(
            3,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00"),
            complete=[True, False, True],
            refiles=True,
        ),
        policy(
            counts="received",
            over_cap="queue",
            gives_back=["refusal"],
            release={"every": "dates", "dates": ["2024-02-01"]},
        ),
        {
            "status": [PERMIT, WAITLISTED, PERMIT],
            "slot_s": seconds("01-01 01:00", "", "02-01 00:00"),
            "attempts": [1, 2, 1],
            "filed_s": seconds("01-01 01:00", "02-11 00:00", "01-01 03:00"),
            "spent": [0, 0, 0],
            "full_count": [0, 2, 1],
            "first_full_s": seconds("", "01-01 02:00", "01-01 03:00"),
        },
        {"granted": [3], "used": [2]},
    )


def received_and_incomplete() -> Story:
    """Slots count when filed: an incomplete application uses one up, and finds none when it comes again."""
    return Story(
        "received and incomplete",
        world(caps=(2,)),
        make_people(
            3,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00"),
            complete=[False, True, True],
            refiles=[True, True, True],
        ),
        policy(counts="received"),
        {
            "status": [RETURNED_OVER_CAP, PERMIT, RETURNED_OVER_CAP],
            "spent": [1, 0, 0],
            "attempts": [2, 1, 1],
            "full_count": [1, 0, 1],
            "first_full_s": seconds("01-11 01:00", "", "01-01 03:00"),
            "slot_s": seconds("", "01-01 02:00", ""),
            "intake": [0, 2024, 0],
        },
        {"granted": [2], "used": [2]},
    )


def received_and_given_back() -> Story:
    """The same with refusals giving back: the slot goes to the third."""
    return Story(
        "received and given back",
        world(caps=(2,)),
        make_people(
            3,
            **filing("01-01 01:00", "01-01 02:00", "01-01 03:00"),
            complete=[False, True, True],
        ),
        policy(counts="received", gives_back=["refusal"]),
        {
            "status": [RETURNED_INCOMPLETE, PERMIT, PERMIT],
            "spent": [0, 0, 0],
            "slot_s": seconds("", "01-01 02:00", "01-01 03:00"),
        },
        {"granted": [3], "used": [2]},
    )


def approved_at_decision() -> Story:
    """Slots count at approval: a quick file overtakes a slow one; a refused one needs none."""
    return Story(
        "approved at decision",
        world(caps=(1,)),
        make_people(
            4,
            **filing("01-01 01:00", "01-01 02:00", "01-01 01:30", "01-01 03:00"),
            service_s=[9 * HOUR_S, HOUR_S, HOUR_S, 400 * DAY_S],
            approved=[True, True, False, True],
        ),
        policy(counts="approved"),
        {
            "status": [RETURNED_OVER_CAP, PERMIT, REFUSED, ACCEPTED],
            "slot_s": seconds("", "01-01 03:00", "", ""),
            "decided_s": seconds("01-01 10:00", "01-01 03:00", "01-01 02:30", ""),
            "permit_s": seconds("", "01-01 03:00", "", ""),
            "full_count": [1, 0, 0, 0],
            "first_full_s": seconds("01-01 10:00", "", "", ""),
            "intake": [0, 2024, 0, 0],
        },
        {"granted": [1], "used": [1]},
    )


def carry_over() -> Story:
    """Three slots, one taken: the two left over join the one of the next year."""
    return Story(
        "carry over",
        world(caps=(3, 1)),
        make_people(
            5,
            **filing(
                "01-01 01:00", "2025-01-01 01:00", "2025-01-01 02:00", "2025-01-01 03:00", "2025-01-01 04:00"
            ),
        ),
        policy(release={"carry": "across-years"}),
        {"status": [PERMIT] * 4 + [RETURNED_OVER_CAP], "intake": [2024, 2025, 2025, 2025, 0]},
        {"carried_in": [0, 2], "cap": [3, 1], "granted": [1, 3], "used": [1, 3]},
    )


def monthly_release() -> Story:
    """A cap of 18 in twelve months: 1 slot by the end of January, 3 by that of February, 4, 6, ...

    The second finds January's slot taken and files again ten days after 1 February, when two more have come
    free; one of them has been taken by the third.
    """
    return Story(
        "monthly release",
        world(caps=(18,)),
        make_people(
            5,
            **filing("01-01 01:00", "01-31 23:59:59", "02-01 00:00", "02-12 00:00", "03-01 00:00"),
            refiles=[True, True, True, False, True],
        ),
        policy(release={"every": "month"}),
        {
            "status": [PERMIT, PERMIT, PERMIT, RETURNED_OVER_CAP, PERMIT],
            "slot_s": seconds("01-01 01:00", "02-11 00:00", "02-01 00:00", "", "03-01 00:00"),
            "full_count": [0, 1, 0, 1, 0],
        },
        {"granted": [4]},
    )


def window_lost() -> Story:
    """Four slots a quarter at a time, unused ones lost: nobody in the first, so the second still has one."""
    return Story(
        "unused slots of a window lost",
        world(caps=(4,)),
        make_people(3, **filing("04-01 00:00", "04-01 00:01", "07-01 00:00")),
        policy(release={"every": "quarter", "carry": "none"}),
        {"status": [PERMIT, RETURNED_OVER_CAP, PERMIT]},
        {"used": [2]},
    )


def weekly_counter() -> Story:
    """One slot, counted every seven days: until 8 January nobody sees that it is taken."""
    return Story(
        "weekly counter",
        world(caps=(1,)),
        make_people(4, **filing("01-01 01:00", "01-03 00:00", "01-07 23:59:59", "01-08 00:00")),
        policy(counter={"refresh_days": 7}),
        {"status": [PERMIT, PERMIT, PERMIT, RETURNED_OVER_CAP]},
        {"granted": [3], "used": [3], "cap": [1]},
    )


def residence_overtakes() -> Story:
    """Permanent residence decided: before any letter, after the letter, while the file waits, during the
    work, and refused while the file waits. The last one's certificate runs out before the letter.
    """
    return Story(
        "permanent residence overtakes",
        world(offices=nine_to_five(officers=5)),
        make_people(
            6,
            certified_s=seconds("01-02 00:00", *["01-01 00:00"] * 4, "01-02 00:00"),
            answer_delay_s=DAY_S,
            service_s=16 * HOUR_S,
            pr_decided_s=seconds(
                "01-15 00:00", "01-01 12:00", "01-02 09:00", "01-02 09:01", "01-02 05:00", ""
            ),
            pr_approved=[True, True, True, True, False, False],
            standing_until_s=seconds(
                "01-15 00:00", "01-01 12:00", "01-02 09:00", "01-02 09:01", "01-02 05:00", "01-14 00:00"
            ),
            unstaffed_s=0,
        ),
        policy(invite={"by": "rounds", "every_days": 14}),
        {
            "status": [PR_FIRST, PR_FIRST, PR_FIRST, PERMIT_UNUSED, PR_REFUSED, CERTIFICATE_EXPIRED],
            "letter_s": seconds("", *["01-01 00:00"] * 4, ""),
            "filed_s": seconds("", "", *["01-02 00:00"] * 3, ""),
            "started_s": seconds("", "", "", "01-02 09:00", "", ""),
            "decided_s": seconds("", "", "", "01-03 17:00", "", ""),
            "left_s": seconds(
                "01-15 00:00", "01-01 12:00", "01-02 09:00", "01-03 17:00:01", "01-02 05:00", "01-14 00:00"
            ),
        },
        {"granted": [3], "used": [3]},
    )


def permit_overtaken() -> Story:
    """A permit of 02:00 on 1 January, used 30 days later. Residence by that second makes it useless, a second
    later does not, and a refused one never. Expiry gives back here.
    """
    return Story(
        "permit overtaken before use",
        world(caps=(4,)),
        make_people(
            5,
            **filing("01-01 01:00", "01-01 01:00", "01-01 01:00", "01-01 01:00", "02-01 00:00"),
            pr_decided_s=seconds("01-11 00:00", "01-31 02:00", "01-31 02:00:01", "01-11 00:00", ""),
            pr_approved=[True, True, True, False, False],
        ),
        policy(gives_back=["expiry"]),
        {
            "status": [PERMIT_UNUSED, PERMIT_UNUSED, PERMIT, PERMIT, PERMIT],
            "permit_s": seconds(*["01-01 02:00"] * 4, "02-01 01:00"),
            "arrived_s": seconds("", "", "01-31 02:00", "01-31 02:00", "03-02 01:00"),
            "left_s": seconds("01-11 00:00", "01-31 02:00", "", "", ""),
        },
        {"granted": [5], "used": [3]},
    )


def letters_to_the_cap() -> Story:
    """Two slots, letters valid for 20 days. 1 January: two letters; one says no on the 5th, one says
    nothing. 15 January: two slots, one letter out, so one letter, used at once. 29 January: one slot, and
    the silent letter has lapsed on the 21st, so one letter, which would be used too late. It counts against
    the slot on 12 February, but not on the 26th.
    """
    return Story(
        "letters to the cap",
        world(caps=(2,)),
        make_people(
            5,
            certified_s=[5, 4, 3, 2, 1],
            declines=[False, False, False, False, True],
            applies=[True, True, True, False, False],
            answer_delay_s=[DAY_S, 30 * DAY_S, HOUR_S, DAY_S, 4 * DAY_S],
        ),
        policy(invite={"by": "rounds", "size": "to-cap", "letter_validity_days": 20}),
        {
            "letter_s": seconds("02-26 00:00", "01-29 00:00", "01-15 00:00", "01-01 00:00", "01-01 00:00"),
            "status": [PERMIT, LAPSED, PERMIT, LAPSED, DECLINED],
            "left_s": seconds("", "02-18 00:00", "", "01-21 00:00", "01-05 00:00"),
            "filed_s": seconds("02-27 00:00", "", "01-15 01:00", "", ""),
        },
        {"granted": [2], "used": [2]},
    )


def letters_by_score() -> Story:
    """Two letters every 14 days, to the highest scores; equal scores by age of the certificate. One comes a
    minute late for the first round. All is over before one of the answers.
    """
    return Story(
        "letters by score",
        world(ends="2024-01-31"),
        make_people(
            6,
            score=[500, 600, 600, 700, 400, 300],
            certified_s=seconds(
                "01-01 00:00", "01-01 00:00", "2023-12-31 00:00", "01-01 00:01", "01-01 00:00", "01-01 00:00"
            ),
            answer_delay_s=[20 * DAY_S, 0, 0, 0, 0, 0],
        ),
        policy(invite={"by": "rounds", "order": "score", "size": "fixed", "number": 2}),
        {
            "letter_s": seconds(
                "01-15 00:00", "01-01 00:00", "01-01 00:00", "01-15 00:00", *["01-29 00:00"] * 2
            ),
            "status": [INVITED, PERMIT, PERMIT, PERMIT, PERMIT, PERMIT],
            "filed_s": seconds("", "01-01 00:00", "01-01 00:00", "01-15 00:00", *["01-29 00:00"] * 2),
        },
    )


def hard_reserve() -> Story:
    """Four slots, one of them kept for b and b kept out of the others: three for a, one for b."""
    return Story(
        "hard reserve",
        world(caps=(4,), streams=("a", "b")),
        make_people(
            6,
            stream=[0, 0, 1, 0, 0, 1],
            **filing(*(f"01-01 0{hour}:00" for hour in range(1, 7))),
        ),
        policy(reserves=[{"stream": "b", "share": 0.25, "kind": "hard"}]),
        {"status": [PERMIT, PERMIT, PERMIT, PERMIT, RETURNED_OVER_CAP, RETURNED_OVER_CAP]},
        {"used": [4]},
    )


def stream_ceiling() -> Story:
    """Four slots, at most one for a by its own ceiling; two are kept for b, which may have more."""
    return Story(
        "ceiling and soft reserve",
        world(
            streams=("a", "b"),
            intake=[
                {
                    "year": 2024,
                    "opens": "2024-01-01",
                    "closes": "2024-12-31",
                    "cap": 4,
                    "stream_caps": {"a": 1},
                }
            ],
        ),
        make_people(6, stream=[0, 0, 1, 1, 1, 1], **filing(*(f"01-01 0{hour}:00" for hour in range(1, 7)))),
        policy(reserves=[{"stream": "b", "slots": 2}]),
        {"status": [PERMIT, RETURNED_OVER_CAP, PERMIT, PERMIT, PERMIT, RETURNED_OVER_CAP]},
        {"used": [4]},
    )


def no_cap() -> Story:
    """Without a cap everybody has a slot, from the opening on."""
    return Story(
        "no cap",
        world(
            intake=[{"year": 2024, "opens": "2024-01-02", "closes": "2024-12-31", "cap": 1}],
        ),
        make_people(3, **filing("01-01 23:59:59", "01-02 00:00", "01-03 00:00")),
        policy(capped=False),
        {"status": [RETURNED_OVER_CAP, PERMIT, PERMIT], "full_count": [1, 0, 0]},
        {"cap": [NEVER], "carried_in": [0], "granted": [2], "used": [2], "opens_s": seconds("01-02 00:00")},
    )


def out_of_scope() -> Story:
    """In Quebec: bridged, unless residence comes in the same second or the bridging permit after the end. The
    fourth is abroad in a stream that is not eligible; the fifth comes after the last round.
    """
    return Story(
        "out of scope",
        world(),
        make_people(
            5,
            in_scope=[False, False, False, False, True],
            residence=[QUEBEC, QUEBEC, QUEBEC, ABROAD, ABROAD],
            certified_s=[0, 0, 0, 0, second("12-31 12:00")],
            bridging_s=seconds("03-01 00:00", "03-01 00:00", "2025-01-01 00:00", "", ""),
            pr_decided_s=seconds("03-01 00:01", "03-01 00:00", "", "", ""),
        ),
        policy(invite={"by": "rounds"}),
        {
            "status": [BRIDGING, OUT_OF_SCOPE, OUT_OF_SCOPE, OUT_OF_SCOPE, POOL],
            "letter_s": [NEVER] * 5,
            "left_s": [NEVER] * 5,
            "attempts": [0] * 5,
        },
    )


TOLD = (
    cap_of_one,
    tie_by_lottery,
    exit_before_claim,
    nothing_given_back,
    overnight,
    ready_at_closing_time,
    withdrawal_while_waiting,
    incomplete_and_refiling,
    over_cap_return,
    between_two_intakes,
    queue_and_give_back,
    queue_at_the_turn,
    queue_and_incomplete,
    received_and_incomplete,
    received_and_given_back,
    approved_at_decision,
    carry_over,
    monthly_release,
    window_lost,
    weekly_counter,
    residence_overtakes,
    permit_overtaken,
    letters_to_the_cap,
    letters_by_score,
    hard_reserve,
    stream_ceiling,
    no_cap,
    out_of_scope,
)
"""The stories, in the order in which they introduce the rules."""
