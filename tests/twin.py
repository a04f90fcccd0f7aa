"""The twin: the same programme once more, slow and plain, to hold the engine to.

Every applicant is a SimPy process, told top to bottom in `life`; the intakes, the ministry that sends
letters and the processing office are processes too. Slots are in the hands of the real ledger. Nothing is
shared with the engine but the tables of `sim.clock`, the hash of a lottery round and the logarithm.
The institutions are in tests/twin_intakes.py and tests/twin_offices.py.

What happens in one second happens in the order (phase, lottery, row). SimPy takes events of one time by
their integer priority, of which it uses 0 and 1 itself, so phase and rank become one integer of 2 or more. A
process that another one wakes resumes at priority 0 or 1: at once, before anything else of that second.
"""

from dataclasses import dataclass, field, fields

import numpy as np
import simpy

from sim import outcome as o
from sim.clock import DAY_S, NEVER
from sim.outcome import Outcome
from sim.people import People
from sim.policy import Policy, Weights
from sim.population import QUEBEC
from sim.scenario import Scenario
from sim.streams import log
from tests.twin_intakes import CLAIM, DECISION, EXIT, FULL, READY, ROUND, Intakes, Life, Room
from tests.twin_offices import Ministry, Office

COLUMNS = [column.name for column in fields(Outcome) if column.name not in ("filings_s", "intakes")]
NOTHING = {
    "attempts": 0,
    "full_count": 0,
    "intake": 0,
    "spent": 0,
}  # of people out of scope; the rest is NEVER


@dataclass(slots=True, eq=False)
class Person:
    """What one applicant would do, and then what became of them, in the words of People and Outcome."""

    row: int
    rank: int
    """Position by (lottery, row)."""
    stream: str
    score: int
    lottery: int
    certified_s: int
    standing_until_s: int
    files_pr: bool
    pr_decided_s: int
    pr_approved: bool
    declines: bool
    applies: bool
    answer_delay_s: int
    complete: bool
    refiles: bool
    refile_delay_s: int
    withdraws_after_s: int
    unstaffed_s: int
    service_s: int
    approved: bool
    landing_s: int
    entries: int
    attributes: dict[str, str] = field(default_factory=dict)

    status: int = o.POOL
    letter_s: int = NEVER
    first_filed_s: int = NEVER
    filed_s: int = NEVER
    attempts: int = 0
    full_count: int = 0
    first_full_s: int = NEVER
    intake: int = 0
    slot_s: int = NEVER
    spent: int = 0
    ready_s: int = NEVER
    started_s: int = NEVER
    decided_s: int = NEVER
    permit_s: int = NEVER
    arrived_s: int = NEVER
    left_s: int = NEVER

    lapses_s: int = NEVER
    """When the letter lapses."""
    answered: bool = False
    """Whether the ministry has had a no or an application."""
    woken: simpy.Event | None = None
    """What the person waits for from others: a letter, a slot, an officer."""

    @property
    def is_complete(self) -> bool:
        return self.complete or self.attempts >= 2

    @property
    def leaves_s(self) -> int:
        """When someone who waits for a slot or a decision gives up, or has permanent residence decided."""
        return min(self.filed_s + self.withdraws_after_s, self.pr_decided_s)

    def end(self, status: int, left_s: int) -> None:
        self.status, self.left_s = status, left_s

    def is_overtaken(self) -> None:
        """The standing ended before there was an application, or before the next one."""
        answer = o.PR_FIRST if self.pr_approved else o.PR_REFUSED
        self.end(answer if self.files_pr else o.CERTIFICATE_EXPIRED, self.standing_until_s)

    def leaves(self) -> None:
        """Somebody who waits stops waiting."""
        answer = o.PR_FIRST if self.pr_approved else o.PR_REFUSED
        withdrew = self.filed_s + self.withdraws_after_s < self.pr_decided_s
        self.end(o.WITHDRAWN if withdrew else answer, self.leaves_s)


class Model:
    """One replication under one policy: the clock, the institutions, everyone."""

    def __init__(self, scenario: Scenario, people: People, policy: Policy) -> None:
        self.scenario, self.policy, self.spec = scenario, policy, scenario.spec(policy)
        self.starts_s, self.ends_s = scenario.starts_s, scenario.ends_s
        self.env = simpy.Environment(initial_time=self.starts_s)
        self.size = len(people)
        self.filings_s: list[int] = []
        self.persons = _persons(scenario, people)
        self.intakes = Intakes(self)
        self.ministry = Ministry(self, people)
        self.office = Office(self)
        self.room = Room(policy)
        for process in (self.intakes.turns, self.intakes.draws, self.ministry.rounds, self.office.openings):
            self.env.process(process())
        for person in self.persons:
            self.env.process(life(self, person))

    @property
    def now(self) -> int:
        return int(self.env.now)

    def at(self, time_s: int, phase: int, rank: int = 0) -> simpy.Event:
        """That moment, as an event; it never comes if it lies beyond the horizon."""
        moment = simpy.Event(self.env)
        if time_s < self.ends_s:
            moment._ok, moment._value = True, None  # as simpy.Timeout does, which has no priority to choose
            delay = max(0, time_s - self.env.now)  # a standing may have ended before the start
            self.env.schedule(moment, priority=2 + phase * self.size + rank, delay=delay)  # type: ignore[arg-type]
        return moment

    def claims_as(self, p: Person) -> list[str]:
        """What a person's claim is to the ledger, in the order in which it is tried."""
        if self.policy.received_factor is not None and not p.is_complete:
            return ["incomplete"]
        limit = self.policy.value_limit
        value = p.attributes[limit.attribute] if limit and limit.of == "cap" else ""
        return [f"{p.stream}/{value}/{source}" for source in self.intakes.sources(p.stream)]

    def chances(
        self, persons: list[Person], weights: Weights | None, luck: list[int], bits: int
    ) -> dict[int, float]:
        """The keys of persons in a draw by their ranks, least first; `luck` is one number a row."""
        if weights is None:
            return {p.rank: luck[p.row] for p in persons}
        uniform = np.array([((luck[p.row] >> (bits - 53)) + 0.5) / 2.0**53 for p in persons])
        keys = (-log(uniform)).tolist()
        return {p.rank: key / self.weight(p, weights) for p, key in zip(persons, keys, strict=True)}

    def weight(self, p: Person, weights: Weights) -> float:
        if weights.by == "entries":
            return float(p.entries)
        return weights.values.get(p.stream if weights.by == "stream" else p.attributes[weights.by], 1.0)

    def lapses_s(self, letter_s: int) -> int:
        days = self.policy.invite.letter_validity_days
        if days is None:
            rule = self.scenario.behaviour.letter_validity_days
            days = "none" if rule == "none" else int(rule.value)
        return NEVER if days == "none" or self.policy.invite.by == "open" else letter_s + days * DAY_S


def life(model: Model, p: Person) -> Life:
    """One applicant's way through the programme."""
    intakes, ministry, office, spec = model.intakes, model.ministry, model.office, model.spec

    # --- A letter, or by = open the certificate itself.
    standing_ends = model.at(p.standing_until_s, EXIT, p.rank)
    if model.policy.invite.by == "rounds":
        p.woken = simpy.Event(model.env)
        ministry.pool[p.rank] = p
        days = model.policy.invite.entry_validity_days
        entry_ends_s = NEVER if days is None else p.certified_s + days * DAY_S
        yield p.woken | standing_ends | model.at(entry_ends_s, EXIT, p.rank)
        ministry.pool.pop(p.rank, None)
        invited = p.letter_s < NEVER
        if not invited and entry_ends_s < p.standing_until_s:
            return p.end(o.LAPSED, entry_ends_s)
    else:
        first_chance_s = max(p.certified_s, model.starts_s)
        invited = first_chance_s < p.standing_until_s
        yield model.at(first_chance_s, ROUND, p.rank) if invited else standing_ends
        p.letter_s = first_chance_s if invited else NEVER
    if not invited:
        return p.is_overtaken()
    p.status = o.INVITED
    p.lapses_s = model.lapses_s(p.letter_s)

    # --- An answer, unless the letter lapses or the standing ends before it.
    answer_s = p.letter_s + p.answer_delay_s
    answers = (p.declines or p.applies) and answer_s < p.lapses_s
    if p.standing_until_s <= (answer_s if answers else p.lapses_s):
        yield standing_ends
        return p.is_overtaken()
    if not answers:
        yield model.at(p.lapses_s, EXIT, p.rank)
        return p.end(o.LAPSED, p.lapses_s)
    if p.declines:
        yield model.at(answer_s, EXIT, p.rank)
        p.answered = True
        return p.end(o.DECLINED, answer_s)

    # --- An application, and further ones until one has a slot (counts = approved: until one is complete).
    files_s = answer_s
    while True:
        yield model.at(files_s, CLAIM, p.rank)
        if p.standing_until_s <= files_s:
            return p.is_overtaken()
        if model.policy.waiting_room and (admitted_s := model.room.ticket(files_s)) > files_s:
            admitted = model.at(admitted_s, CLAIM, p.rank)
            yield admitted if p.attempts else admitted | standing_ends
            files_s = admitted_s
            if p.standing_until_s <= files_s:
                return p.is_overtaken()
        p.answered = True
        p.attempts += 1
        model.filings_s.append(files_s)
        p.filed_s, p.first_filed_s = files_s, min(files_s, p.first_filed_s)
        if spec.counts == "received" or p.is_complete:
            if spec.counts == "approved":
                p.status = o.ACCEPTED
                break
            is_drawn = model.policy.claims is not None and intakes.open is not None
            has_slot = False if is_drawn else intakes.admits(p)
            if is_drawn or (not has_slot and spec.over_cap == "queue"):
                p.status = o.WAITLISTED
                p.woken = simpy.Event(model.env)
                (intakes.collected if is_drawn else intakes.waitlist)[p.rank] = p
                yield p.woken | model.at(p.leaves_s, EXIT, p.rank)
                if not p.woken.triggered:
                    intakes.collected.pop(p.rank, None)
                    intakes.waitlist.pop(p.rank, None)
                    return p.leaves()
                has_slot = p.woken.value != FULL
            if not has_slot:
                has_expired = spec.over_cap == "queue"  # as an intake closed; another may open in this second
                opening_s = intakes.next_opening_s(model.now - has_expired)
                if spec.over_cap == "refuse":
                    p.status = o.REFUSED_OVER_CAP
                    return
                p.status = o.RETURNED_OVER_CAP
                if not p.refiles or opening_s == NEVER:
                    return
                files_s = opening_s + p.refile_delay_s
                continue
            if p.is_complete:
                break
        p.status = o.RETURNED_INCOMPLETE
        if not p.refiles:
            return
        files_s = model.now + p.refile_delay_s

    # --- Checks that no officer waits for, then the officers' queue.
    ministry.in_process += 1
    ready_s = model.now + p.unstaffed_s
    if p.leaves_s > ready_s:
        yield model.at(ready_s, READY, p.rank)
        p.ready_s = ready_s
        p.woken = simpy.Event(model.env)
        office.join(p)
        yield p.woken | model.at(p.leaves_s, EXIT, p.rank)
    else:
        yield model.at(p.leaves_s, EXIT, p.rank)
    if p.started_s == NEVER:
        p.leaves()
        ministry.in_process -= 1
        intakes.takes_back(p, "withdrawal")
        return

    # --- An officer's work, which nothing interrupts, and the decision.
    yield model.at(office.done_s(p), DECISION, p.rank)
    p.decided_s = model.now
    ministry.in_process -= 1
    if not p.approved:
        p.status = o.REFUSED
        intakes.takes_back(p, "refusal")
    elif spec.counts == "approved" and not intakes.claims(p):
        p.status = o.REFUSED_OVER_CAP if spec.over_cap == "refuse" else o.RETURNED_OVER_CAP
    else:
        p.status, p.permit_s = o.PERMIT, p.decided_s
    office.free_officers += 1
    office.start_files()
    if p.status != o.PERMIT:
        return

    # --- Arrival, unless permanent residence or the end of the permit comes first.
    arrives_s = p.permit_s + p.landing_s
    days = model.policy.use_within_days
    void_s = p.permit_s + days * DAY_S if days is not None and p.landing_s > days * DAY_S else NEVER
    if p.pr_approved and p.pr_decided_s <= arrives_s:
        void_s = min(void_s, max(p.pr_decided_s, p.permit_s + 1))
    if void_s < NEVER:
        yield model.at(void_s, EXIT, p.rank)
        p.end(o.PERMIT_UNUSED, void_s)
        intakes.takes_back(p, "expiry")
    elif arrives_s < model.ends_s:
        p.arrived_s = arrives_s


def _persons(scenario: Scenario, people: People) -> list[Person]:
    """Everyone in scope, in the order of the rows."""
    n = len(people)
    rank = np.empty(n, dtype=np.int64)
    rank[np.lexsort((np.arange(n), people.lottery))] = np.arange(n)
    names = list(scenario.streams)
    given = {
        column.name: getattr(people, column.name).tolist()
        for column in fields(Person)
        if column.name not in ("row", "rank", "stream", "attributes") and hasattr(people, column.name)
    }
    values = {name: list(attribute.values) for name, attribute in scenario.attribute.items()}
    given["attributes"] = [
        {name: values[name][column[row]] for name, column in people.attributes.items()} for row in range(n)
    ]
    return [
        Person(row, int(rank[row]), names[people.stream[row]], **{name: given[name][row] for name in given})
        for row in np.flatnonzero(people.in_scope).tolist()
    ]


def simulate(scenario: Scenario, people: People, policy: Policy) -> Outcome:
    """The outcome of these people under this policy, one process an applicant."""
    spec = scenario.spec(policy)
    if spec.over_cap == "queue":
        assert spec.counts != "approved", "no queue for slots that are taken at approval"
        assert spec.counter == "exact", "no queue by a copied count"
    assert policy.capped or policy.invite.size != "to-cap", "no letters to a cap that is not there"
    model = Model(scenario, people, policy)
    model.env.run(until=model.ends_s)
    bridged = (people.residence == QUEBEC) & (
        people.bridging_s < np.minimum(model.ends_s, people.pr_decided_s)
    )
    columns = {name: np.full(len(people), NOTHING.get(name, NEVER), dtype=np.int64) for name in COLUMNS}
    columns["status"] = np.where(bridged, o.BRIDGING, o.OUT_OF_SCOPE).astype(np.int64)
    rows = [p.row for p in model.persons]
    for name, column in columns.items():
        column[rows] = [getattr(p, name) for p in model.persons]
    filings = np.sort(np.array(model.filings_s, dtype=np.int64))
    return Outcome(**columns, filings_s=filings, intakes=model.intakes.accounts())
