"""The intake office and the processing office: where claims, files and officers are.

The offices have no will of their own: institutions wake them (`sim.programme`) with `advance`, which brings
everything up to a second and phase, and tell them when the rules turn. An applicant's times never depend on
when that happened.

**Two ways of the same rules.** Without slots that come back, a claim depends on earlier claims only and the
officers on nobody's claim: one window is one vector operation. With them, or with a waitlist, claims and
officers are coupled and run in the event loop (`event_loop`). The loop can do everything; the vectors are
quicker, by a factor of ten and more; tests hold them equal.
"""

from collections.abc import Generator

import numpy as np

from sim.clock import NEVER, Seconds
from sim.engine import kernels
from sim.engine.caps import classes, needs_event_loop
from sim.engine.course import (
    COLLECTED,
    DECIDED,
    IN_PROCESS,
    INCOMPLETE,
    NO_STANDING,
    OVER_CAP_REFUSED,
    OVER_CAP_RETURNED,
    Hours,
    blank_course,
    closed_gate,
    rules_of,
)
from sim.engine.drawing import order_of_draw
from sim.engine.flavours import Kernels
from sim.engine.kernels import Flags, Whole
from sim.engine.limits import Limits
from sim.engine.prepared import Prepared, in_groups
from sim.engine.serving import serve
from sim.engine.windows import Turn, Windows
from sim.policy import Policy


class Offices:
    """One run's offices. They are built closed, advanced by the institutions, and read when all is over."""

    def __init__(
        self,
        prepared: Prepared,
        policy: Policy,
        years: tuple[Windows, ...],
        turns: tuple[Turn, ...],
        *,
        flavour: Kernels,
        event_loop: bool | None,
    ) -> None:
        scenario = prepared.scenario
        spec = scenario.spec(policy)
        among = classes(scenario, policy)
        coupled = bool(spec.gives_back) or spec.over_cap == "queue" or needs_event_loop(policy)
        rows = len(prepared.scope)
        self.prepared = prepared
        self.policy = policy
        self.kernels = flavour
        self.event_loop = coupled if event_loop is None else event_loop or coupled
        self.rules = rules_of(spec, policy, scenario.ends_s, among.incomplete)
        self.among = among
        self.rows = in_groups(prepared, policy)
        self.course = blank_course(rows)
        self.gate = closed_gate(years, turns, among)
        self.limits = Limits(policy, len(years))
        self.events = flavour.heap()
        self.filings = flavour.heap()
        """The time of every filing (event loop only)."""
        self.filed_s: list[Seconds] = []
        """The same in parts (vector way only)."""
        self.free_w = flavour.heap()
        for _ in range(int(scenario.offices.officers.value)):
            self.free_w.append(0)
        self.hours = Hours(prepared.hours.opens_s, prepared.hours.worked_s)
        self.unserved = np.zeros(rows, dtype=np.bool_)
        """Files that wait to be handed to the officers (vector way only)."""
        self.unclaimed = np.zeros(rows, dtype=np.bool_)
        """Positive decisions whose claim is still to come (counts = approved, vector way only)."""

    # --- what the institutions tell the offices ----------------------------------------------------------

    def close(self, time: int) -> None:
        """The open intake ends."""
        self.limits.closed(self.gate.used)
        self.gate.open_intake[0] = -1
        if self.policy.waitlist_expires:
            self.kernels.expire_waitlist(self.rows, self.course, self.gate, self.rules, self.events, time)

    def open(self, index: int, year: Windows) -> None:
        """An intake begins with its first window."""
        limit = self.limits.opened(index, year)
        used = np.zeros(len(limit), dtype=np.int64)
        self.gate = self.gate._replace(
            limit=limit, used=used, seen=used.copy(), cover=year.cover, after=self.among.after
        )
        self.gate.open_intake[0] = index

    def release(self, year: Windows, window: int) -> None:
        """A later window begins."""
        self.gate.limit[:] = self.limits.released(year, window, self.gate.used)

    def top_up(self, year: Windows, number: int) -> None:
        """The caps rise."""
        self.gate.limit[:] += self.limits.rise(year, number)

    def spill(self) -> None:
        """From here on, until the intake closes, claims also look for room in other streams' reserves."""
        self.gate = self.gate._replace(after=self.among.after_spill)

    def draw(self, time: int, number: int) -> None:
        """Collected claims are decided, in the order of the draw."""
        assert self.policy.claims is not None
        collected = np.flatnonzero(self.course.state == COLLECTED)
        drawn = order_of_draw(self.prepared, self.policy.claims, collected, self.course.filed, number)
        sequence = self.kernels.sequence(drawn)
        self.kernels.claim_drawn(self.rows, self.course, self.gate, self.rules, self.events, time, sequence)

    def refresh(self) -> None:
        """The figure that claims are judged by is copied from the true count."""
        self.gate.seen[:] = self.gate.used

    def turned(self, time: int) -> None:
        """All turns of an instant are done: whoever waits for a slot may have one."""
        if self.event_loop:
            self.kernels.serve_waitlist(self.rows, self.course, self.gate, self.rules, self.events, time)

    def expect(self, rows: Whole, times: Seconds) -> None:
        """These people mean to file at these times."""
        if self.event_loop:
            sequence = self.kernels.sequence
            self.kernels.plan_filings(self.rules, self.events, sequence(times), sequence(rows))
        else:
            self.course.next_filing[rows] = times

    # --- what the ministry asks --------------------------------------------------------------------------

    def free_slots(self) -> int:
        """Slots of the open intake that can be claimed now, by its total cap."""
        if self.gate.open_intake[0] < 0:
            return 0
        return max(0, int(self.gate.limit[0] - self.gate.used[0]))

    def collected(self) -> int:
        """Applications that wait for a draw."""
        return int((self.course.state == COLLECTED).sum())

    def reached_a_claim(self) -> int:
        """People who took a slot, or would have if the cap had not been reached."""
        course = self.course
        return int(((course.slot < NEVER) | (course.full_count > 0) | (course.spent > 0)).sum())

    def all_filings(self) -> Seconds:
        """The times of all filings, those after a return included, in order."""
        parts = [np.array(list(self.filings), dtype=np.int64), *self.filed_s]
        return np.sort(np.concatenate(parts))

    def undecided(self, time: int) -> int:
        """Complete applications that are neither decided nor left by a time."""
        self.serve(time)
        course = self.course
        return int(((course.state == IN_PROCESS) & (course.decided > time) & (course.left > time)).sum())

    # --- the intake office -------------------------------------------------------------------------------

    def advance(self, time: int, phase: int) -> None:
        """Bring the offices up to a second and phase: everything before it has happened, nothing after."""
        if self.event_loop:
            bound = kernels.event(time, phase, 0)
            self.kernels.course_until(
                self.rows,
                self.course,
                self.gate,
                self.rules,
                self.hours,
                self.events,
                self.free_w,
                self.filings,
                bound,
            )
        elif self.rules.counts == kernels.APPROVED:
            for rows, times in self._complete_filings(time):
                self._process(rows, times)
            self.serve(time)
            self._claim_decisions(time if phase <= kernels.DECISION else time + 1)
        elif self.rules.counts == kernels.ACCEPTED:
            filings = list(self._complete_filings(time))
            if filings:
                rows, times = (np.concatenate(parts) for parts in zip(*filings, strict=True))
                self._claim_in_order(rows, times)
        else:
            self._claim_complete_or_not(time)

    def _file(self, time: int) -> tuple[Whole, Seconds]:
        """Rows that file before a time and have standing, with their times; each files once a call."""
        course = self.course
        rows = np.flatnonzero(course.next_filing < time)
        times = course.next_filing[rows]
        course.next_filing[rows] = NEVER
        stands = times < self.rows.standing_until[rows]
        course.state[rows[~stands]] = NO_STANDING
        rows, times = rows[stands], times[stands]
        course.attempts[rows] += 1
        course.filed[rows] = times
        course.first_filed[rows] = np.minimum(course.first_filed[rows], times)
        self.filed_s.append(times)
        return rows, times

    def _complete_filings(self, time: int) -> Generator[tuple[Whole, Seconds], None, None]:
        """Complete applications filed before a time, in parts; incomplete ones are handed back on the way."""
        course, people = self.course, self.rows
        while True:
            rows, times = self._file(time)
            if len(rows) == 0:
                return
            complete = people.complete[rows] | (course.attempts[rows] > 1)
            self._hand_back_incomplete(rows[~complete], times[~complete])
            yield rows[complete], times[complete]

    def _hand_back_incomplete(self, rows: Whole, times: Seconds) -> None:
        people = self.rows
        self.course.state[rows] = INCOMPLETE
        again = people.refiles[rows]
        self.course.next_filing[rows[again]] = (times + people.refile_delay[rows])[again]

    def _claim_complete_or_not(self, time: int) -> None:
        """Counts = received: an incomplete application takes a slot too, and its second filing another.

        The second filings that fall into the same window are put among the claims before it is known
        whether the first ones are granted. That is exact: where a first one finds its cap reached, the cap
        stays reached for the rest of the window, so its second one is refused as well and takes nothing.
        """
        course, people = self.course, self.rows
        rows, times = self._file(time)
        if len(rows) == 0:
            return
        incomplete = ~people.complete[rows] & (course.attempts[rows] == 1)
        again = times + people.refile_delay[rows]
        second = incomplete & people.refiles[rows] & (again < time)
        stands = again < people.standing_until[rows]
        seconds, second_times = rows[second & stands], again[second & stands]
        granted = self._grants(np.concatenate([rows, seconds]), np.concatenate([times, second_times]))
        first, second_granted = granted[: len(rows)], granted[len(rows) :]
        self._over_cap(rows[~first], times[~first])
        self._process(rows[first & ~incomplete], times[first & ~incomplete])
        spoilt = first & incomplete
        course.spent[rows[spoilt]] += 1
        course.slot[rows[spoilt]], course.intake[rows[spoilt]] = NEVER, -1
        self._hand_back_incomplete(rows[spoilt], times[spoilt])
        lost = rows[spoilt & second & ~stands]
        course.state[lost], course.next_filing[lost] = NO_STANDING, NEVER
        happens = first[second & stands]
        seconds, second_times, second_granted = (
            column[happens] for column in (seconds, second_times, second_granted)
        )
        course.next_filing[seconds] = NEVER
        course.attempts[seconds] += 1
        course.filed[seconds] = second_times
        self.filed_s.append(second_times)
        self._over_cap(seconds[~second_granted], second_times[~second_granted])
        taken, taken_times = seconds[second_granted], second_times[second_granted]
        course.slot[taken], course.intake[taken] = taken_times, self.gate.open_intake[0]
        self._process(taken, taken_times)

    def _claim_in_order(self, rows: Whole, times: Seconds) -> None:
        granted = self._grants(rows, times)
        self._over_cap(rows[~granted], times[~granted])
        self._process(rows[granted], times[granted])

    def _grants(self, rows: Whole, times: Seconds) -> Flags:
        """Claims of one window, decided in order; the granted ones are charged and have their slot."""
        gate = self.gate
        granted = np.zeros(len(rows), dtype=np.bool_)
        if gate.open_intake[0] < 0:
            return granted
        stale = np.where(gate.seen < gate.limit, NEVER, 0)
        room = np.maximum(0, gate.limit - gate.used) if self.rules.exact else stale
        # A row may claim twice in one second if the incomplete take slots; else no two claims are equal.
        twice = self.rules.counts == kernels.RECEIVED
        order = np.argsort((times << kernels.ROW_BITS) | rows, kind="stable" if twice else "quicksort")
        stream = self.rows.stream[rows[order]]
        in_order = kernels.first_come(stream, gate.cover, room)
        granted[order] = in_order
        gate.used[:] += gate.cover[:, stream[in_order]].sum(axis=1)
        gate.granted[gate.open_intake[0]] += int(in_order.sum())
        self.course.slot[rows[granted]] = times[granted]
        self.course.intake[rows[granted]] = gate.open_intake[0]
        return granted

    def _over_cap(self, rows: Whole, times: Seconds) -> None:
        course, people = self.course, self.rows
        course.full_count[rows] += 1
        course.first_full[rows] = np.minimum(course.first_full[rows], times)
        if self.rules.over_cap == kernels.REFUSE:
            course.state[rows] = OVER_CAP_REFUSED
            return
        course.state[rows] = OVER_CAP_RETURNED
        if self.rules.counts != kernels.APPROVED:
            opening = self.gate.openings[np.searchsorted(self.gate.openings, times, side="right")]
            again = people.refiles[rows] & (opening < NEVER)
            course.next_filing[rows[again]] = (opening + people.refile_delay[rows])[again]

    # --- the processing office ---------------------------------------------------------------------------

    def _process(self, rows: Whole, times: Seconds) -> None:
        """Hand files over: they reach the officers after their unstaffed weeks, unless the owner leaves."""
        course = self.course
        ready = times + self.rows.unstaffed[rows]
        leave = self._leaves_at(rows)
        course.state[rows] = IN_PROCESS
        reaches = leave > ready
        course.left[rows[~reaches]] = leave[~reaches]
        course.ready[rows[reaches]] = ready[reaches]
        self.unserved[rows[reaches]] = True

    def _leaves_at(self, rows: Whole) -> Seconds:
        people = self.rows
        return np.minimum(self.course.filed[rows] + people.withdraws_after[rows], people.pr_decided[rows])

    def serve(self, time: int) -> None:
        """Let the officers take every file that is ready before a time; starts are final."""
        course, people, hours = self.course, self.rows, self.prepared.hours
        rows = np.flatnonzero(self.unserved & (course.ready < time))
        if len(rows) == 0:
            return
        self.unserved[rows] = False
        rows = rows[np.argsort(course.ready[rows], kind="stable")]
        leave, service = self._leaves_at(rows), people.service[rows]
        start_w = serve(hours, self.kernels, self.free_w, (course.ready[rows], leave, service))
        served = start_w >= 0
        course.left[rows[~served]] = leave[~served]
        course.started[rows[served]] = hours.begins(start_w[served])
        course.decided[rows[served]] = hours.ends(start_w[served] + service[served])
        self.unclaimed[rows[served]] = people.approved[rows[served]]

    def _claim_decisions(self, before: int) -> None:
        """Counts = approved: positive decisions before a time claim their slots in their order."""
        course = self.course
        rows = np.flatnonzero(self.unclaimed & (course.decided < before))
        self.unclaimed[rows] = False
        times = course.decided[rows]
        granted = self._grants(rows, times)
        self._over_cap(rows[~granted], times[~granted])
        course.state[rows[granted]] = DECIDED
