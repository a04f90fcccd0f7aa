"""Is there an order? The plainest search there is, which the judge's exact check is compared with.

The object is the real ledger, wrapped in `tests.told_ledger`. A history is legal if its operations can be put
in a row such that none comes after one that began only when it was over, and the ledger answers each as the
history says. `legal_order` tries every such row, one operation at a time (Wing and Gong), and remembers (with
Lowe) from which state and which remaining operations there is no way on. It is for ten operations, not for a
thousand.

Times say only what may come next; what the ledger answers in a state does not depend on them. So `Steps`
keeps every answer of the ledger, and `Known` the steps of one history for all others that differ from it only
in their times, in the order of their rows, and in names.
"""

from collections.abc import Hashable, Iterator
from itertools import combinations, product
from math import inf
from typing import Final

from loadtests.header import Header
from loadtests.history import COLUMNS, History
from sim.ledger import Claim
from tests.told_ledger import OPTIONAL, ORDERED, Row, Service, intakes_in

TIMES: Final = ("index", "due_ns", "invoked_ns", "completed_ns")
NAMES: Final = ("applicant", "key", "slot", "claim_id")
SAID: Final = tuple(name for name in COLUMNS if name not in (*TIMES, *NAMES))
Move = tuple[int, str] | Claim
"""An operation, by its row, and the intake that it is about; or a claim of somebody else."""
BEGIN: Final = 0
"""The state in which everything begins."""


def legal_order(history: History) -> list[int] | None:
    """Positions of rows in an order that explains every answer; None if there is none."""
    return order_of(history.header, list(history.rows()))


def order_of(header: Header, rows: list[Row], known: "Known | None" = None) -> list[int] | None:
    """The same of plain rows."""
    if known is not None:
        assert header is known.header
        return _Search(header, rows, *known.of(rows)).order()
    for holders in beginnings(header, rows):
        found = _Search(header, rows, Steps(header, rows, holders), range(len(rows))).order()
        if found is not None:
            return found
    return None


def beginnings(header: Header, rows: list[Row]) -> Iterator[dict[str, tuple[str, ...]]]:
    """Who may have held a slot before the run, by intake."""
    initial = header.initial
    if initial is None or initial.holders is not None:
        yield {} if initial is None or initial.holders is None else initial.holders
        return
    people = sorted({row["applicant"] for row in rows if row.get("applicant")})
    intakes = [intake for intake in intakes_in(header, rows) if initial.used.get(intake, 1)]
    some = [who for size in range(len(people) + 1) for who in combinations(people, size)]
    for choice in product(some, repeat=len(intakes)):
        chosen = dict(zip(intakes, choice, strict=True))
        if all(len(who) <= initial.used.get(intake, len(who)) for intake, who in chosen.items()):
            yield chosen


class Steps:
    """What the ledger says of each operation in each state, asked once. States are numbers."""

    def __init__(self, header: Header, rows: list[Row], holders: dict[str, tuple[str, ...]]) -> None:
        timeless = [{name: value for name, value in row.items() if name not in TIMES} for row in rows]
        self.service = Service(header, timeless, holders)
        self.numbers: dict[Hashable, int] = {self.service.state(): BEGIN}
        self.known: dict[tuple[int, Move], int | None] = {}
        self.taken: list[Move] = []
        """What the service has taken by now."""

    def after(self, path: list[Move], state: int, move: Move) -> int | None:
        """The state after a move in this one, to which the path leads; None if it cannot be."""
        if (state, move) not in self.known:
            self._go(path)
            is_possible = self._take(move)
            reached = self.service.state() if is_possible else None
            self.service.undo()
            self.known[state, move] = (
                self.numbers.setdefault(reached, len(self.numbers)) if is_possible else None
            )
        return self.known[state, move]

    def claims_of_others(self, path: list[Move]) -> list[Claim]:
        """What others may do where the path leads."""
        if not self.service.header.shared:
            return []
        self._go(path)
        return self.service.claims_of_others()

    def _go(self, path: list[Move]) -> None:
        same = 0
        while same < min(len(path), len(self.taken)) and path[same] == self.taken[same]:
            same += 1
        while len(self.taken) > same:
            self.service.undo()
            self.taken.pop()
        for move in path[same:]:
            self._take(move)
            self.taken.append(move)

    def _take(self, move: Move) -> bool:
        if isinstance(move, Claim):
            return self.service.take_unseen(move)
        return self.service.take(*move) and not self.service.is_idle


class Known:
    """The steps of all histories under one header so far, by what their rows say besides times and names."""

    def __init__(self, header: Header) -> None:
        assert header.initial is None, "names mean something: who held a slot before the run"
        assert not header.shared, "names mean something: whose claim it is"
        self.header = header
        self.kinds: dict[Hashable, int] = {}
        self.steps: dict[Hashable, Steps] = {}

    def of(self, rows: list[Row]) -> tuple[Steps, list[int]]:
        """The steps of a history, and for each of its rows the one that stands for it there."""
        kinds = [self.kinds.setdefault(tuple(map(row.get, SAID)), len(self.kinds)) for row in rows]
        order = sorted(range(len(rows)), key=kinds.__getitem__)
        numbers: dict[Hashable, int] = {(name, None): -1 for name in NAMES}
        names = [
            [numbers.setdefault((name, rows[at].get(name)), len(numbers)) for name in NAMES] for at in order
        ]
        content = tuple((kinds[at], *named) for at, named in zip(order, names, strict=True))
        if content not in self.steps:
            self.steps[content] = Steps(self.header, [rows[at] for at in order], {})
        place = [0] * len(rows)
        for canonical, at in enumerate(order):
            place[at] = canonical
        return self.steps[content], place


class _Search:
    def __init__(self, header: Header, rows: list[Row], steps: Steps, place: "range | list[int]") -> None:
        self.steps = steps
        bound = header.clock_bound_ns
        self.begins = [row["invoked_ns"] - bound for row in rows]
        self.ends = [_end(row, bound) for row in rows]
        known = {"ok": ORDERED, "info": OPTIONAL, "pending": OPTIONAL}
        places = [at for at, row in enumerate(rows) if row["op"] in known.get(row["result"], ())]
        self.places = frozenset(places)
        self.due = frozenset(at for at in places if rows[at]["result"] == "ok")
        intakes_of = steps.service.intakes_of
        self.moves = {at: [(place[at], intake) for intake in intakes_of(rows[at])] for at in places}
        self.path: list[Move] = []
        self.found: list[int] = []
        self.dead: set[tuple[frozenset[int], int]] = set()

    def order(self) -> list[int] | None:
        return self.found if self._goes_on(self.places, BEGIN) else None

    def _goes_on(self, left: frozenset[int], state: int) -> bool:
        due = left & self.due
        if not due:
            return True
        if (left, state) in self.dead:
            return False
        self.dead.add((left, state))
        until = min(self.ends[at] for at in due)
        for at in sorted(left):
            if self.begins[at] <= until:
                for move in self.moves[at]:
                    self.found.append(at)
                    if self._is_way_on(left - {at}, state, move):
                        return True
                    self.found.pop()
        return any(self._is_way_on(left, state, claim) for claim in self.steps.claims_of_others(self.path))

    def _is_way_on(self, left: frozenset[int], state: int, move: Move) -> bool:
        after = self.steps.after(self.path, state, move)
        if after is None:
            return False
        self.path.append(move)
        is_way = self._goes_on(left, after)
        self.path.pop()
        return is_way


def _end(row: Row, bound: int) -> float:
    """Until when an operation may take effect."""
    is_known = row["result"] in ("ok", "fail") and row.get("completed_ns") is not None
    return row["completed_ns"] + bound if is_known else inf
