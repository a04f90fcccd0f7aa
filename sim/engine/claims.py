"""Claims alone: who gets a slot and when, where nothing that comes after a claim can change it.

Letters reach everybody, a complete application claims one slot, nothing comes back: then the officers have no
say in who is served, and all that a cap can change is who files again after it was reached. So everybody's
first claim is known and sorted once for any number of caps, and a cap costs a cut through each window.

A claim is one integer, second and row; rows stand in lottery order, so claims sort in the declared order. The
calendar is that of `programme` and `offices`; tests hold the two equal. The officers' decisions on the files
that were granted follow by themselves, if they are asked for.
"""

import bisect
import itertools
from typing import NamedTuple

import numpy as np

from sim.clock import NEVER, Seconds
from sim.engine import kernels, letters, windows
from sim.engine.caps import needs_event_loop
from sim.engine.flavours import Kernels
from sim.engine.kernels import Flags, Whole
from sim.engine.limits import Limits
from sim.engine.prepared import Prepared
from sim.engine.serving import serve
from sim.engine.windows import Windows
from sim.outcome import IntakeAccount
from sim.policy import Policy
from sim.scenario import Scenario

ROW = (1 << kernels.ROW_BITS) - 1
PURPOSES = frozenset(
    (
        *("stream", "residence", "answer", "applying", "answer-delay", "completeness", "refile"),
        *("refile-delay", "lottery", "pr-filing", "pr-filing-delay", "pr-time"),
    )
)
"""The only chance that matters to claims."""
OF_DECISIONS = PURPOSES | {"withdrawal", "unstaffed", "service", "approval"}
"""What matters to decisions on them too."""


class Claims(NamedTuple):
    """Everybody's claims as far as they depend on no cap."""

    letters: int
    """How many letters went out."""
    keys: Whole
    """Second and row of the first claim of everyone who makes one, in order."""


class Claimed(NamedTuple):
    """What became of the claims under some caps."""

    accounts: tuple[IntakeAccount, ...]
    granted: tuple[Whole, ...]
    """Second and row of the slots of each intake, in order."""
    refused: int
    """Claims that found the cap reached."""
    refused_people: int
    """People who did, once or more."""

    def granted_s(self, intake: int) -> Seconds:
        """When the slots of an intake were granted."""
        return np.asarray(self.granted[intake] >> kernels.ROW_BITS)


def stand_alone(scenario: Scenario, policy: Policy) -> bool:
    """Whether claims depend on no letter round, no officer and no slot that comes back."""
    spec = scenario.spec(policy)
    by_themselves = spec.counts == "accepted" and spec.over_cap != "queue" and not spec.gives_back
    simple = not needs_event_loop(policy) and policy.value_limit is None and policy.spill is None
    return by_themselves and simple and letters.reach_everyone(policy)


def same_claims(scenario: Scenario, policy: Policy) -> str:
    """What the claims depend on besides the people, as text."""
    good = letters.terms(scenario, policy)
    return f"{policy.invite.model_dump_json()} {good.letter} {good.entry}"


def claims(prepared: Prepared, policy: Policy) -> Claims:
    """The first claim of everyone whose application is complete, at first or when filed again."""
    people, scenario = prepared.rows, prepared.scenario
    invited, letter = letters.to_everyone(prepared, policy)
    rows, times = letters.filings(prepared, letters.terms(scenario, policy), invited, letter)
    rows, times = _file(prepared, rows, times)
    complete = people.complete[rows]
    again: Whole = rows[~complete & people.refiles[rows]]
    second: Seconds = times[~complete & people.refiles[rows]] + people.refile_delay[again]
    again, second = _file(prepared, again, second)
    keys: Whole = _keys(np.concatenate([rows[complete], again]), np.concatenate([times[complete], second]))
    keys.sort()
    return Claims(len(invited), keys)


def _file(prepared: Prepared, rows: Whole, times: Seconds) -> tuple[Whole, Seconds]:
    """Those of some filings that happen in the scenario, by people with standing."""
    happen = (times < prepared.scenario.ends_s) & (times < prepared.rows.standing_until[rows])
    return rows[happen], times[happen]


def _keys(rows: Whole, times: Seconds) -> Whole:
    return np.asarray((times << kernels.ROW_BITS) | rows)


def claimed(prepared: Prepared, policy: Policy, first: Claims) -> Claimed:
    """The claims decided window by window, those of people who file again included."""
    years = windows.windows(prepared.scenario, policy)
    desk = _Desk(prepared, policy, len(years))
    turns = windows.turns(prepared.scenario, years, prepared.scenario.spec(policy))
    opens = {turn.time_s for turn in turns if turn.kind not in (windows.CLOSE, windows.REFRESH)}
    desk.openings = [*sorted(opens), NEVER]
    bounds = np.array(sorted({turn.time_s for turn in turns} | {prepared.scenario.ends_s}), dtype=np.int64)
    cuts = np.searchsorted(first.keys, bounds << kernels.ROW_BITS).tolist()
    together = {time: list(group) for time, group in itertools.groupby(turns, key=lambda turn: turn.time_s)}
    begin = 0
    for bound, end in zip(bounds.tolist(), cuts, strict=True):
        desk.hear(first.keys[begin:end], bound)
        begin = end
        for turn in together.get(bound, ()):
            desk.turn(turn.kind, turn.intake, years[turn.intake], turn.window)
    return desk.closed(years)


def permits(prepared: Prepared, claimed: Claimed, officers: Kernels) -> tuple[int, ...]:
    """Approvals by the horizon of the files granted, by the intake that is charged."""
    people, horizon = prepared.rows, prepared.scenario.ends_s
    keys = np.concatenate(claimed.granted)
    rows, slot = keys & ROW, keys >> kernels.ROW_BITS
    intake = np.repeat(np.arange(len(claimed.granted)), [len(each) for each in claimed.granted])
    leave = np.minimum(slot + people.withdraws_after[rows], people.pr_decided[rows])
    ready = slot + people.unstaffed[rows]
    reach = np.flatnonzero((leave > ready) & (ready < horizon))
    reach = reach[np.argsort(_keys(rows[reach], ready[reach]))]
    free_w = officers.heap()
    for _ in range(int(prepared.scenario.offices.officers.value)):
        free_w.append(0)
    service = people.service[rows[reach]]
    start_w = serve(prepared.hours, officers, free_w, (ready[reach], leave[reach], service))
    decided = prepared.hours.ends(start_w + service)
    approved = (start_w >= 0) & (decided < horizon) & people.approved[rows[reach]]
    counts = np.bincount(intake[reach[approved]], minlength=len(claimed.granted))
    return tuple(counts.tolist())


class _Desk:
    """The intake office as far as claims are concerned: the open intake's caps and who comes again."""

    def __init__(self, prepared: Prepared, policy: Policy, intakes: int) -> None:
        scenario = prepared.scenario
        spec = scenario.spec(policy)
        self.prepared = prepared
        self.horizon = scenario.ends_s
        self.limits = Limits(policy, intakes)
        self.is_exact = spec.counter == "exact"
        self.comes_again = spec.over_cap == "return"
        self.openings: list[int] = []
        self.open = -1
        self.limit: Whole = np.zeros(0, dtype=np.int64)
        self.used: Whole = self.limit
        self.seen: Whole = self.limit
        self.cover: Flags = np.zeros((0, 0), dtype=np.bool_)
        self.slots: dict[int, list[Whole]] = {}
        self.later: Whole = np.zeros(0, dtype=np.int64)
        """Claims of people who were handed back their application, in order."""
        self.refused = 0
        self.turned_away: Flags = np.zeros(len(prepared.scope), dtype=np.bool_)

    def turn(self, kind: int, intake: int, year: Windows, window: int) -> None:
        """The calendar changes the rules, as for `Offices`."""
        match kind:
            case windows.CLOSE:
                self.limits.closed(self.used)
                self.open = -1
            case windows.OPEN:
                self.limit, self.cover, self.open = self.limits.opened(intake, year), year.cover, intake
                self.used = np.zeros(len(self.limit), dtype=np.int64)
                self.seen = self.used.copy()
            case windows.RELEASE:
                self.limit = self.limits.released(year, window, self.used)
            case windows.REFRESH:
                self.seen = self.used.copy()
            case windows.TOP_UP:
                self.limit = self.limit + self.limits.rise(year, window)

    def hear(self, keys: Whole, before: int) -> None:
        """The claims before a second: the first ones given, and those that come again."""
        due = int(np.searchsorted(self.later, before << kernels.ROW_BITS))
        if due:
            keys = np.concatenate([keys, self.later[:due]])
            keys.sort(kind="stable")  # two runs are merged, not sorted
            self.later = self.later[due:]
        if not len(keys):
            return
        if self.open < 0:
            refused = keys
        elif len(self.limit) == 1 and self.cover.all():
            room = self._room()[0]
            refused = keys[max(0, room) :]
            self._grant(keys[: max(0, room)], None)
        else:
            stream = self.prepared.rows.stream[keys & ROW]
            granted = kernels.first_come(stream, self.cover, self._room())
            refused = keys[~granted]
            self._grant(keys[granted], stream[granted])
        if len(refused):
            self._refuse(refused, before)

    def _room(self) -> Whole:
        if self.is_exact:
            return np.maximum(0, self.limit - self.used)
        return np.where(self.seen < self.limit, NEVER, 0)

    def _grant(self, keys: Whole, stream: Whole | None) -> None:
        taken = len(keys) if stream is None else self.cover[:, stream].sum(axis=1)
        self.used = self.used + taken
        self.slots.setdefault(self.open, []).append(keys)

    def _refuse(self, keys: Whole, before: int) -> None:
        """Handed back: whoever files again does so after the next opening, at or after the window's end."""
        rows: Whole = np.asarray(keys & ROW)
        self.refused += len(rows)
        self.turned_away[rows] = True
        opening = self.openings[bisect.bisect_left(self.openings, before)]
        if not self.comes_again or opening >= NEVER:
            return
        rows = rows[self.prepared.rows.refiles[rows]]
        rows, times = _file(self.prepared, rows, opening + self.prepared.rows.refile_delay[rows])
        self.later = np.concatenate([self.later, _keys(rows, times)])
        self.later.sort(kind="stable")

    def closed(self, years: tuple[Windows, ...]) -> Claimed:
        """When all is over."""
        none = np.zeros(0, dtype=np.int64)
        granted = tuple(np.concatenate([none, *self.slots.get(k, [])]) for k in range(len(years)))
        accounts = tuple(
            IntakeAccount(
                each.year,
                each.opens_s,
                each.closes_s,
                each.limits[0] + sum(more[0] for at, more in each.top_ups if at < self.horizon),
                self.limits.carried_in[k],
                len(granted[k]),
                len(granted[k]),
            )
            for k, each in enumerate(years)
        )
        return Claimed(accounts, granted, self.refused, int(self.turned_away.sum()))
