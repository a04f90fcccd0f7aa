"""Laws that hold exactly, for every applicant, when two worlds share all chance.

Small worlds are made by hand, so that a counter-example shrinks to a few people: two intakes of a month, the
first of December and the second of January, and times that are whole hours or days, so that many coincide.
Laws that only seem to hold are not asserted; the last tests show the smallest worlds in which they fail.
"""

import datetime
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import outcome as o
from sim.clock import DAY_S, NEVER
from sim.outcome import Outcome
from sim.people import People
from sim.policy import Invite, Policy, Refresh, Release, Reserve
from sim.scenario import Scenario
from tests.people import make_people
from tests.sim.building import ALWAYS, OPEN, played, world

HOUR_S = 3600
STREAMS = {"arts": {"share": 0.5}, "crafts": {"share": 0.5}}
SWITCHES = {"gives_back": [], "certificate_months": 24}

exactly = settings(max_examples=150, deadline=None, derandomize=True)


def two_months(caps: tuple[int, int], *, officers: int = 1, nights: bool = False, **tables) -> Scenario:
    """December 2022 and January 2023, an intake each."""
    opens = (datetime.date(2022, 12, 1), datetime.date(2023, 1, 1))
    closes = (datetime.date(2022, 12, 31), datetime.date(2023, 1, 31))
    intakes = [
        {"year": first.year, "opens": first, "closes": last, "cap": cap}
        for first, last, cap in zip(opens, closes, caps, strict=True)
    ]
    hours = {"opens_at": datetime.time(9), "hours_per_day": 8, "weekdays": ["monday", "thursday"]}
    offices = {"officers": officers} | (hours if nights else ALWAYS)
    tables = {"streams": STREAMS, "programme": SWITCHES, "offices": offices, "intake": intakes} | tables
    return world(starts="2022-12-01", days=62, **tables)


START = two_months((1, 1)).starts_s


@st.composite
def crowds(draw, *, refiles: bool | None = None, leaves: bool = True) -> People:
    """A few people, much alike and often simultaneous; `leaves`: whether anybody may lose heart or
    standing.
    """
    n = draw(st.integers(1, 9))

    def column(values):
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    def days(highest):
        return column(st.integers(0, highest)) * DAY_S

    def sometimes(highest):
        return column(st.one_of(st.just(NEVER), st.integers(1, highest).map(lambda d: d * DAY_S)))

    resident = START + np.minimum(sometimes(70), NEVER - START) if leaves else np.full(n, NEVER)
    return make_people(
        n,
        stream=column(st.integers(0, 1)),
        score=column(st.integers(0, 3)),
        lottery=column(st.integers(0, 5)),
        certified_s=START + days(50),
        pr_decided_s=resident,
        applies=(applies := column(st.sampled_from([True, True, False]))),
        declines=~applies & column(st.booleans()),
        answer_delay_s=column(st.integers(0, 30)) * 12 * HOUR_S,
        complete=column(st.sampled_from([True, True, False])),
        refiles=column(st.booleans()) if refiles is None else refiles,
        refile_delay_s=days(12),
        withdraws_after_s=sometimes(30) if leaves else NEVER,
        unstaffed_s=days(10),
        service_s=column(st.integers(1, 40)) * HOUR_S,
        approved=column(st.sampled_from([True, True, False])),
        landing_s=days(10),
    )


caps = st.tuples(st.integers(0, 5), st.integers(0, 5))
releases = st.sampled_from(
    [
        Release(),
        Release(every="month"),
        Release(every="dates", dates=(datetime.date(2022, 12, 11), datetime.date(2023, 1, 15))),
        Release(carry="across-years"),
        Release(every="dates", dates=(datetime.date(2022, 12, 8),), carry="across-years"),
    ]
)
"""Releases that lose nothing within a year."""

over_caps = st.sampled_from(["return", "refuse", "queue"])
counts = st.sampled_from(["accepted", "approved"])


def first_come(release: Release, over_cap: str, counting: str = "accepted") -> Policy:
    over_cap = "return" if counting == "approved" and over_cap == "queue" else over_cap
    return Policy(invite=Invite(by="open"), release=release, over_cap=over_cap, counts=counting)


def with_slots(outcome: Outcome) -> int:
    return int((outcome.slot_s < NEVER).sum())


def same(one: Outcome, other: Outcome, rows=slice(None)) -> bool:
    return all((one.columns()[name][rows] == other.columns()[name][rows]).all() for name in one.columns())


@exactly
@given(crowds(), caps, st.integers(0, 1), st.integers(1, 3), releases, over_caps, counts)
def test_a_higher_cap_serves_no_fewer_and_nobody_later(people, low, which, more, release, over_cap, counting):
    high = tuple(cap + more * (k == which) for k, cap in enumerate(low))
    policy = first_come(release, over_cap, counting)
    before, after = (played(two_months(each), people, policy) for each in (low, high))
    assert with_slots(after) >= with_slots(before)
    assert (after.slot_s <= before.slot_s).all()


@exactly
@given(crowds(), caps, over_caps, st.booleans())
def test_carrying_slots_on_serves_no_fewer(people, limits, over_cap, in_windows):
    dates = (datetime.date(2022, 12, 11), datetime.date(2023, 1, 15))
    windows = {"every": "dates", "dates": dates} if in_windows else {}
    totals = [
        with_slots(played(two_months(limits), people, first_come(Release(carry=carry, **windows), over_cap)))
        for carry in ("none", "within-year", "across-years")
    ]
    assert totals == sorted(totals)


@exactly
@given(crowds(refiles=False), caps, releases, over_caps)
def test_removing_the_last_to_file_changes_nobodys_slot(people, limits, release, over_cap):
    policy = first_come(release, over_cap)
    before = played(two_months(limits), people, policy)
    filed = np.where(before.first_filed_s < NEVER, before.first_filed_s, -1)
    last = int(np.lexsort((np.arange(len(people)), people.lottery, filed))[-1])
    others = np.arange(len(people)) != last
    without = replace(people, in_scope=others)
    after = played(two_months(limits), without, policy)
    assert (after.slot_s[others] == before.slot_s[others]).all()
    assert (after.full_count[others] == before.full_count[others]).all()
    reached = before.ready_s[others][before.ready_s[others] < NEVER]
    if before.ready_s[last] > reached.max(initial=-1):  # nobody is behind it in the officers' queue either
        assert same(before, after, others)


@exactly
@given(crowds(leaves=False), caps, st.integers(1, 3), st.booleans(), over_caps, counts)
def test_more_officers_decide_nothing_later(people, limits, officers, nights, over_cap, counting):
    policy = first_come(Release(), over_cap, counting)
    before, after = (
        played(two_months(limits, officers=each, nights=nights), people, policy)
        for each in (officers, officers + 1)
    )
    assert (after.decided_s <= before.decided_s).all()


sizes = st.sampled_from(
    [
        Invite(order="score", size="fixed", number=1, every_days=7),
        Invite(order="score", size="fixed", number=2, every_days=3, letter_validity_days=10),
        Invite(order="score", size="to-cap", factor=1.5, every_days=5),
        Invite(order="score", size="to-cap", every_days=7, letter_validity_days=7),
        Invite(order="score", every_days=9),
    ]
)


@exactly
@given(crowds(), caps, sizes, st.integers(0, 8), st.sampled_from([(), ("withdrawal", "refusal")]))
def test_a_higher_score_is_invited_no_later(people, limits, invite, who, gives_back):
    who %= len(people)
    raised = replace(people, score=people.score + 2 * (np.arange(len(people)) == who))
    policy = Policy(invite=invite, gives_back=gives_back)
    before, after = (played(two_months(limits), each, policy) for each in (people, raised))
    assert after.letter_s[who] <= before.letter_s[who]


policies = st.builds(
    Policy,
    invite=st.one_of(sizes, st.just(Invite(by="open")), st.just(Invite(order="lottery", every_days=7))),
    release=st.one_of(
        releases, st.just(Release(every="dates", dates=(datetime.date(2022, 12, 11),), carry="none"))
    ),
    reserves=st.sampled_from(
        [(), (Reserve(stream="arts", slots=1),), (Reserve(stream="arts", slots=2, kind="hard"),)]
    ),
    counts=st.sampled_from(["accepted", "received", "approved"]),
    gives_back=st.sampled_from([(), ("withdrawal",), ("refusal",), ("refusal", "withdrawal", "expiry")]),
    over_cap=over_caps,
    counter=st.sampled_from(["exact", "exact", Refresh(refresh_days=5)]),
).filter(
    lambda policy: policy.over_cap != "queue" or (policy.counts != "approved" and policy.counter == "exact")
)

WITH_A_SLOT = (o.ACCEPTED, o.WITHDRAWN, o.REFUSED, o.PERMIT, o.PERMIT_UNUSED)
WITHOUT_FILING = (o.POOL, o.INVITED, o.DECLINED, o.LAPSED)


@exactly
@given(crowds(), caps, policies)
def test_people_are_conserved_and_intakes_stay_under_their_caps(people, limits, policy):
    scenario = two_months(limits)
    outcome = played(scenario, people, policy)
    spec, status, has_slot = scenario.spec(policy), outcome.status, outcome.slot_s < NEVER
    assert np.bincount(status, minlength=18).sum() == len(people)
    assert (has_slot == (outcome.intake > 0)).all()
    assert not has_slot[np.isin(status, WITHOUT_FILING)].any()
    assert (outcome.attempts[np.isin(status, WITHOUT_FILING)] == 0).all()
    if spec.counts != "approved":
        assert has_slot[np.isin(status, WITH_A_SLOT[:1] + WITH_A_SLOT[2:])].all()
    assert ((outcome.permit_s < NEVER) == np.isin(status, (o.PERMIT, o.PERMIT_UNUSED))).all()
    assert (outcome.full_count + has_slot <= outcome.attempts + (spec.over_cap == "queue")).all()
    for account in outcome.intakes:
        mine = outcome.intake == account.year
        inside = (outcome.slot_s[mine] >= account.opens_s) & (outcome.slot_s[mine] < account.closes_s)
        assert inside.all()
        assert account.granted >= mine.sum()
        assert 0 <= account.used <= account.granted
        if not spec.gives_back:
            assert account.used == account.granted
            spent = outcome.spent.sum() if len(outcome.intakes) == 1 else 0
            assert account.granted >= mine.sum() + spent
        if spec.counter == "exact":
            assert account.used <= account.cap + account.carried_in
    if not spec.gives_back:
        assert sum(each.granted for each in outcome.intakes) == has_slot.sum() + outcome.spent.sum()


@exactly
@given(crowds())
def test_times_follow_the_course_of_a_life(people):
    outcome = played(two_months((3, 3)), people, Policy(invite=Invite(every_days=3), over_cap="queue"))
    course = (
        "letter_s",
        "first_filed_s",
        "filed_s",
        "slot_s",
        "ready_s",
        "started_s",
        "decided_s",
        "arrived_s",
    )
    for row in range(len(people)):
        told = [getattr(outcome, name)[row] for name in course]
        seen = [time for time in told if time < NEVER]
        assert seen == sorted(seen), told
        assert all(time < two_months((3, 3)).ends_s for time in seen)


# --- laws that only seem to hold: the smallest worlds in which they fail


def test_more_officers_can_delay_a_decision_where_people_leave():
    """A second officer takes up two long files whose owners would have given up. When the last file comes,
    both officers are busy with them; alone, the first one would have been free earlier.
    """
    people = make_people(
        5,
        certified_s=START + np.array([0, 0, 1, 2, 101]) * HOUR_S,
        lottery=np.arange(5),
        answer_delay_s=0,
        service_s=np.array([5, 100, 1000, 1000, 1]) * HOUR_S,
        withdraws_after_s=np.array([NEVER, NEVER, 20 * HOUR_S, 100 * HOUR_S, NEVER]),
    )
    one, two = (
        played(two_months((9, 9), officers=officers), people, OPEN).decided_s[4] - START
        for officers in (1, 2)
    )
    assert one == 106 * HOUR_S
    assert two > one


def test_one_more_slot_can_come_later_where_windows_keep_nothing():
    """Rounding: two slots in five windows fall into the third and the fifth, three into the second, the
    fourth and the fifth. Who asks in the third window only is served with two slots and not with three.
    """
    dates = tuple(datetime.date(2022, 12, 1 + 5 * k) for k in range(1, 5))
    policy = first_come(Release(every="dates", dates=dates, carry="none"), "refuse")
    people = make_people(1, certified_s=START + 11 * DAY_S, answer_delay_s=0)
    two, three = (with_slots(played(two_months((cap, 0)), people, policy)) for cap in (2, 3))
    assert (two, three) == (1, 0)


def test_a_single_slot_comes_with_the_last_window():
    """Parts are rounded down: of one slot in two windows the first has none."""
    release = Release(every="dates", dates=(datetime.date(2022, 12, 16),))
    people = make_people(2, certified_s=START + np.array([1, 20]) * DAY_S, answer_delay_s=0)
    outcome = played(two_months((1, 0)), people, first_come(release, "refuse"))
    assert (outcome.slot_s < NEVER).tolist() == [False, True]


def test_one_more_slot_can_make_others_wait_where_slots_come_back():
    """The slot lets a slow file in, which keeps the officer from a file that would have been refused early
    and would have given its slot back.
    """
    people = make_people(
        3,
        certified_s=START + np.array([0, 1, 60]) * HOUR_S,
        unstaffed_s=np.array([20, 0, 0]) * HOUR_S,
        service_s=np.array([1, 400, 1]) * HOUR_S,
        approved=np.array([False, True, True]),
        answer_delay_s=0,
    )
    policy = OPEN.model_copy(update={"gives_back": ("refusal",), "over_cap": "refuse"})
    one, two = (played(two_months((cap, 0)), people, policy).slot_s[2] for cap in (1, 2))
    assert one < NEVER
    assert two == NEVER


def test_one_more_slot_can_cost_others_theirs_where_incomplete_applications_take_slots():
    """The slot of December is spent on an incomplete application of its last day, which is therefore filed
    again on 1 January; refused in December, it would have waited for January's slots and come a day later.
    """
    people = make_people(
        2,
        certified_s=START + np.array([30, 31]) * DAY_S,
        complete=np.array([False, True]),
        answer_delay_s=np.array([0, 12 * HOUR_S]),
        refiles=True,
        refile_delay_s=DAY_S,
    )
    policy = OPEN.model_copy(update={"counts": "received"})
    none, one = (played(two_months((cap, 1)), people, policy).slot_s[1] for cap in (0, 1))
    assert none < NEVER
    assert one == NEVER
