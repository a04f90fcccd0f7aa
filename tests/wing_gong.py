"""Is there an order? The plainest search there is, which the judge's exact check is compared with.

The object is the real ledger, wrapped in `tests.told_ledger`. A history is legal if its operations can be put
in a row such that none comes after one that began only when it was over, and the ledger answers each as the
history says. `legal_order` tries every such row, one operation at a time (Wing and Gong), and remembers (with
Lowe) from which state and which remaining operations there is no way on. It is for ten operations, not for a
thousand.
"""

from collections.abc import Hashable, Iterator
from itertools import combinations, product

from loadtests.history import History
from tests.told_ledger import OPTIONAL, ORDERED, Service, intakes_in


def legal_order(history: History) -> list[int] | None:
    """Positions of rows in an order that explains every answer; None if there is none."""
    for holders in beginnings(history):
        found = _Search(history, holders).order()
        if found is not None:
            return found
    return None


def beginnings(history: History) -> Iterator[dict[str, tuple[str, ...]]]:
    """Who may have held a slot before the run, by intake."""
    initial = history.header.initial
    if initial is None or initial.holders is not None:
        yield {} if initial is None or initial.holders is None else initial.holders
        return
    rows = list(history.rows())
    people = sorted({row["applicant"] for row in rows if row.get("applicant")})
    intakes = [intake for intake in intakes_in(history, rows) if initial.used.get(intake, 1)]
    some = [who for size in range(len(people) + 1) for who in combinations(people, size)]
    for choice in product(some, repeat=len(intakes)):
        chosen = dict(zip(intakes, choice, strict=True))
        if all(len(who) <= initial.used.get(intake, len(who)) for intake, who in chosen.items()):
            yield chosen


class _Search:
    def __init__(self, history: History, holders: dict[str, tuple[str, ...]]) -> None:
        self.rows = list(history.rows())
        self.service = Service(history, self.rows, holders)
        begins, ends = history.widened()
        self.begins, self.ends = begins.tolist(), ends.tolist()
        known = {"ok": ORDERED, "info": OPTIONAL, "pending": OPTIONAL}
        self.places = [at for at, row in enumerate(self.rows) if row["op"] in known.get(row["result"], ())]
        self.due = {at for at in self.places if self.rows[at]["result"] == "ok"}
        self.found: list[int] = []
        self.dead: set[Hashable] = set()

    def order(self) -> list[int] | None:
        return self.found if self._goes_on(frozenset(self.places)) else None

    def _goes_on(self, left: frozenset[int]) -> bool:
        due = left & self.due
        if not due:
            return True
        state = (left, self.service.state())
        if state in self.dead:
            return False
        self.dead.add(state)
        until = min(self.ends[at] for at in due)
        for at in sorted(left):
            if self.begins[at] <= until:
                for intake in self.service.intakes_of(self.rows[at]):
                    if self.service.take(at, intake) and not self.service.is_idle:
                        self.found.append(at)
                        if self._goes_on(left - {at}):
                            return True
                        self.found.pop()
                    self.service.undo()
        for claim in self.service.claims_of_others():
            if self.service.take_unseen(claim) and self._goes_on(left):
                return True
            self.service.undo()
        return False
