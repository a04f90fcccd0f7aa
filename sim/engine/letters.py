"""Letters that depend on nobody else: of rounds that leave nobody in the pool, and of no rounds at all.

Where a round sends a letter to everyone who waits, no round depends on another, nor on the offices:
everyone's letter, and with it the first application, is known at once. Here is also how long papers are good.
"""

import numpy as np

from sim import clock
from sim.clock import DAY_S, NEVER, Seconds
from sim.engine.course import use_within_s
from sim.engine.kernels import Whole
from sim.engine.prepared import Prepared
from sim.engine.settling import Terms
from sim.policy import Invite, Policy
from sim.scenario import Scenario


def terms(scenario: Scenario, policy: Policy) -> Terms:
    """For how long letters, places in the pool and permits are good under a policy."""
    invite = policy.invite
    days = invite.letter_validity_days
    if days is None:
        behaviour = scenario.behaviour.letter_validity_days
        days = "none" if behaviour == "none" else int(behaviour.value)
    return Terms(
        letter=NEVER if days == "none" or invite.by == "open" else days * DAY_S,
        entry=NEVER if invite.entry_validity_days is None else invite.entry_validity_days * DAY_S,
        use=use_within_s(policy),
    )


def rounds(scenario: Scenario, invite: Invite) -> tuple[int, ...]:
    """When invitation rounds are held inside the scenario."""
    if not invite.dates:
        return clock.every(invite.every_days, scenario.starts, scenario.ends_s, scenario.time_zone)
    times = sorted({clock.at(day, scenario.time_zone) for day in invite.dates})
    return tuple(time for time in times if scenario.starts_s <= time < scenario.ends_s)


def reach_everyone(policy: Policy) -> bool:
    """Whether nobody's letter depends on anybody else."""
    limit = policy.value_limit
    of_rounds = limit is not None and limit.of == "round"
    return policy.invite.by == "open" or (policy.invite.size == "pool" and not of_rounds)


def to_everyone(prepared: Prepared, policy: Policy) -> tuple[Whole, Seconds]:
    """Who gets a letter, and when: at the first round; without letters, from the day of the certificate."""
    scenario, certified = prepared.scenario, prepared.certified
    if policy.invite.by == "open":
        time = np.maximum(certified, scenario.starts_s)
        entry = NEVER
    else:
        held = np.array(rounds(scenario, policy.invite), dtype=np.int64)
        time = np.append(held, NEVER)[np.searchsorted(held, certified, side="left")]
        entry = terms(scenario, policy).entry
    waits = (time < prepared.rows.standing_until) & (time < scenario.ends_s) & (time - certified < entry)
    return np.flatnonzero(waits), time[waits]


def filings(prepared: Prepared, good: Terms, rows: Whole, letter: int | Seconds) -> tuple[Whole, Seconds]:
    """Which of the people with a letter file an application, and when."""
    delay = prepared.answer_delay[rows]
    files = prepared.applies[rows] & (delay < good.letter)
    return rows[files], (letter + delay)[files]
