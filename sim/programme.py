"""The programme in SimPy: institutions are processes, applicants are rows.

Four institutions run in simulated time. The *ministry* holds invitation rounds; the *intake office* examines
applications and claims slots; the *processing office* has officers who decide files; the *year end* opens
and closes intakes and releases slots. Each wakes only when something can change, handles every row whose own
exact time has passed, and sleeps again; an applicant's times never depend on when an office woke. Beside the
programme run permanent residence, which can overtake anybody, and the uncapped bridging permit; both are
columns of the people already. What the two offices do when woken is in `sim.engine.offices`.

**Simultaneous events** have a total order: (second, phase, lottery number, row), with the phases of
sim.engine.kernels. Rows are put in lottery order once, so stable sorts by time keep it.

The rules, in the order in which a person meets them. A certificate joins the pool. A letter reaches people
in the pool who still have standing (no decision on permanent residence, no expired certificate). Its holder
declines, files, or lets it lapse. An incomplete application is handed back and may be filed again, then
complete. A complete one claims a slot of the open intake (or, by the switch `counts`, any application does,
or only a positive decision). Over the cap it is handed back until slots are next opened, refused, or queued.
A file waits its unstaffed weeks, then for an officer; its owner may withdraw or be overtaken until an officer
takes it up. A refusal ends the matter; an approval is a permit, unused if permanent residence arrives before
its holder does.
"""

import bisect
import itertools
import math
from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim.clock import DAY_S, NEVER, Seconds
from sim.engine import kernels, letters, windows
from sim.engine.drawing import Letters, place_in_order
from sim.engine.flavours import PLAIN, Kernels, compiled
from sim.engine.kernels import TURN, Whole
from sim.engine.offices import Offices
from sim.engine.prepared import Prepared, prepare
from sim.engine.settling import final_columns, status_outside
from sim.engine.windows import Turn
from sim.outcome import IntakeAccount, Outcome
from sim.policy import Policy

__all__ = ["Prepared", "prepare", "simulate"]


def simulate(
    prepared: Prepared,
    policy: Policy,
    *,
    fast: bool = False,
    wake_days: int | None = None,
    loop: bool | None = None,
) -> Outcome:
    """One replication under one policy.

    `fast` runs the compiled kernels (ImportError without numba). `wake_days` wakes every office that often
    on top of what it needs, and `loop` forces the event loop where vectors would do: neither changes a bit.
    """
    scenario = prepared.scenario
    env = simpy.Environment(initial_time=scenario.starts_s)
    course = _Programme(env, prepared, policy, compiled() if fast else PLAIN, loop)
    env.process(course.year_end())
    if letters.reach_everyone(policy):
        course.send_letters(*letters.to_everyone(prepared, policy))
    else:
        env.process(course.ministry())
    if wake_days is not None:
        env.process(course.wake(wake_days))
    env.run(until=scenario.ends_s)
    return course.outcome()


class _Programme:
    """One run: it is built, its institutions run to the horizon, it gives an outcome."""

    def __init__(
        self, env: simpy.Environment, prepared: Prepared, policy: Policy, flavour: Kernels, loop: bool | None
    ) -> None:
        scenario = prepared.scenario
        self.env = env
        self.prepared = prepared
        self.policy = policy
        self.horizon = scenario.ends_s
        self.years = windows.windows(scenario, policy)
        self.turns = windows.turns(scenario, self.years, scenario.spec(policy))
        self.offices = Offices(prepared, policy, self.years, self.turns, flavour=flavour, event_loop=loop)
        self.letter = np.full(len(prepared.scope), NEVER)
        self.terms = letters.terms(scenario, policy)

    def year_end(self) -> Generator[simpy.Event, None, None]:
        """Opens and closes intakes, releases slots, copies a stale counter, draws among collected claims."""
        offices = self.offices
        for time, group in itertools.groupby(self.turns, key=lambda turn: turn.time_s):
            together = list(group)
            if (
                together[0].kind == windows.DRAW
            ):  # draws are held before midnight, all other turns at midnight
                yield self._at(time, kernels.DRAW)
                offices.advance(time + 1, TURN)
            else:
                yield self._at(time, TURN)
                offices.advance(time, TURN)
            for turn in together:
                self._turn(turn)
            offices.turned(time)

    def _turn(self, turn: Turn) -> None:
        offices, year = self.offices, self.years[turn.intake]
        match turn.kind:
            case windows.DRAW:
                offices.draw(turn.time_s, turn.window)
            case windows.CLOSE:
                offices.close(turn.time_s)
            case windows.OPEN:
                offices.open(turn.intake, year)
            case windows.RELEASE:
                offices.release(year, turn.window)
            case windows.REFRESH:
                offices.refresh()
            case windows.TOP_UP:
                offices.top_up(year, turn.window)
            case windows.SPILL:
                offices.spill()

    def ministry(self) -> Generator[simpy.Event, None, None]:
        """Holds invitation rounds; skips those at which nobody can be in the pool."""
        invite, certified = self.policy.invite, self.prepared.certified
        order = self.prepared.by_certificate
        arrivals = certified[order]
        priority = place_in_order(self.prepared, invite)
        choice = Letters(self.prepared, invite, self.policy.value_limit)
        by_priority = np.empty_like(priority)
        by_priority[priority] = np.arange(len(priority))
        pool = np.empty(0, dtype=np.int64)  # priorities of those who wait for a letter, ascending
        rounds = letters.rounds(self.prepared.scenario, invite)
        seen = number = 0
        while True:
            if len(pool) == 0:
                if seen == len(arrivals):
                    return
                number = max(number, bisect.bisect_left(rounds, int(arrivals[seen])))
            if number == len(rounds):
                return
            time = rounds[number]
            yield self._at(time, kernels.ROUND)
            until = int(np.searchsorted(arrivals, time, side="right"))
            pool = np.concatenate([pool, priority[order[seen:until]]])
            pool.sort(kind="stable")
            seen = until
            waiting = by_priority[pool]
            stays = self.prepared.rows.standing_until[waiting] > time
            pool = pool[stays & (certified[waiting] + self.terms.entry > time)]
            size = self._round_size(time, len(pool))
            drawn = choice.chosen(by_priority[pool], number, size)
            self.send_letters(by_priority[pool[drawn]], time)
            pool = pool[~drawn]
            number += 1

    def wake(self, days: int) -> Generator[simpy.Event, None, None]:
        """Wakes every office every so many days, though nothing asks for it."""
        while True:
            yield self._at(int(self.env.now) + days * DAY_S, TURN)
            self.offices.advance(int(self.env.now), TURN)
            self.offices.serve(int(self.env.now))

    def _at(self, time: int, phase: int) -> simpy.Event:
        """An event at a second and phase; SimPy orders simultaneous events by integer priority."""
        event = self.env.event()
        event._ok, event._value = True, None
        self.env.schedule(event, priority=2 + phase, delay=time - self.env.now)  # type: ignore[arg-type]
        return event

    def _round_size(self, time: int, waiting: int) -> int:
        """Letters of a round. Only a size that looks at the slots needs the offices brought up to date."""
        invite = self.policy.invite
        if invite.size == "pool":
            return waiting
        if invite.size == "fixed":
            return int(invite.number or 0)
        self.offices.advance(time, kernels.ROUND)
        outstanding = self._outstanding(time)
        factor = invite.factor
        if invite.adapts_after is not None:
            settled = invite.adapts_after + int((self.letter < NEVER).sum()) - outstanding
            factor = settled / (invite.adapts_after / factor + self.offices.reached_a_claim())
        return max(0, math.ceil(factor * self.offices.free_slots()) - outstanding)

    def _outstanding(self, time: int) -> int:
        """Letters that may still be used, as the ministry sees it; exits of their holders it does not see.

        Applications whose claim is still to come count as well: they may take a slot.
        """
        prepared = self.prepared
        sent = np.flatnonzero((self.letter < NEVER) & (self.offices.course.first_filed >= NEVER))
        expires = self.letter[sent] + self.terms.letter
        answered = self.letter[sent] + prepared.answer_delay[sent]
        said_no = prepared.declines[sent] & (answered <= time) & (answered < expires)
        said_no &= answered < prepared.rows.standing_until[sent]
        unanswered = int(((expires > time) & ~said_no).sum())
        by_decision = self.offices.rules.counts == kernels.APPROVED
        undecided = self.offices.undecided(time) if by_decision else 0
        return unanswered + undecided + self.offices.collected()

    def send_letters(self, rows: Whole, time: int | Seconds) -> None:
        """Letters go out; whoever will file is expected by the offices."""
        self.letter[rows] = time
        self.offices.expect(*letters.filings(self.prepared, self.terms, rows, time))

    def outcome(self) -> Outcome:
        """One row an applicant, in the order of the people."""
        offices = self.offices
        offices.advance(self.horizon, TURN)
        offices.serve(self.horizon)
        accounts = tuple(
            IntakeAccount(
                each.year,
                each.opens_s,
                each.closes_s,
                each.limits[0] + sum(more[0] for at, more in each.top_ups if at < self.horizon),
                offices.limits.carried_in[index],
                int(offices.gate.granted[index]),
                int(offices.gate.granted[index] - offices.gate.given_back[index]),
            )
            for index, each in enumerate(self.years)
        )
        for account in accounts:
            assert 0 <= account.used <= account.granted, account
        columns = final_columns(self.prepared, self.letter, self.terms, offices.course, self.horizon)
        filings = offices.all_filings()
        del offices, self.offices  # a million people: what is written out need not be kept twice
        years = np.array([each.year for each in self.years] + [0], dtype=np.int16)
        columns["intake"] = years[columns["intake"]]
        scope, people = self.prepared.scope, self.prepared.people
        full: dict[str, Any] = {}
        for name in list(columns):
            is_time = name.endswith("_s")
            full[name] = np.full(len(people), NEVER if is_time else 0, np.int64 if is_time else np.int16)
            full[name][scope] = columns.pop(name)
        outside = ~people.in_scope
        full["status"][outside] = status_outside(people, self.horizon)[outside]
        return Outcome(**full, filings_s=filings, intakes=accounts)
