"""The sentence that explains a contradiction: who was told what, when, and what it cannot be true with.

Times are since the first invocation of the history. `said` knows every argument of the counters
(loadtests/pools/counting.py, refuting.py, stale.py) and every anomaly of persons, keys and years; whatever
it does not know it names plainly.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from loadtests.history import NEVER, History
from loadtests.linear.object import Explained

Row = dict[str, Any]


class Telling:
    """A history, and what was found of it, as whoever writes the sentence asks for them."""

    def __init__(self, history: History, found: Explained) -> None:
        self.history, self.found = history, found
        self.facts = found.facts or {}
        self.first_ns = int(history["invoked_ns"].min()) if len(history) else 0

    @cached_property
    def rows(self) -> list[Row]:
        """The operations of the clash: up to half of a history, of which sentences of counts need none."""
        return list(self.history.rows(self.found.clash)) if self.found.clash else []

    def seconds(self, at_ns: int) -> str:
        """A time of the history since its first invocation."""
        return moment(at_ns - self.first_ns)

    def span(self, row: Row) -> str:
        """From when to when an operation was under way."""
        done = row.get("completed_ns", NEVER)
        begins = self.seconds(row["invoked_ns"])
        if done == NEVER:
            return f"from {begins} on"
        ends = self.seconds(done)
        if begins == ends:
            return f"at {ends}"
        is_same_unit = begins.split()[1] == ends.split()[1]
        return f"at {begins.split()[0] if is_same_unit else begins}–{ends}"

    def time(self) -> str:
        """The moment of the contradiction."""
        return self.seconds(self.first_ns + self.facts["time"]) if "time" in self.facts else "some time"

    def row(self, name: str) -> Row | None:
        """The operation that a fact names."""
        place = self.facts.get(name, -1)
        return next(iter(self.history.rows([place])), None) if place >= 0 else None

    def pool(self) -> str:
        """What was counted, in words."""
        names = {cap.name for cap in self.history.header.caps}
        is_whole = any((self.found.counter, None) in cap.covers for cap in self.history.header.caps)
        return f"cap {self.found.counter}" if self.found.counter in names and not is_whole else (
            f"intake {self.found.counter}"
        )  # fmt: skip

    def limit(self) -> int | None:
        """The limit of the counter before anybody changed it."""
        caps = {cap.name: cap.limit for cap in self.history.header.caps}
        return caps.get(self.found.counter)

    def the_cap(self) -> str:
        """The limit, with what is tolerated above it."""
        tolerance = self.history.header.spec.tolerance
        return f"the cap is {self.limit() or 0:,}" + (f", and {tolerance:,} more are borne" * bool(tolerance))

    def observer(self, row: Row | None) -> str:
        """Somebody who was told something of the count."""
        if row is None:
            return "the copy of the count"
        if row["op"] == "read":
            return f"the reading {self.span(row)} saw {slots(row.get('value', 0))} taken"
        return f"the claim of {row.get('applicant', 'nobody known')} was refused {self.span(row)}"


def said(history: History, found: Explained) -> str:
    """One sentence about what is contradictory."""
    telling = Telling(history, found)
    if found.argument:
        told = _OF_COUNTS.get(found.argument, _no_order)(telling)
        return f"{told}; {found.says}" if found.says else told
    about = _OF_PEOPLE.get(found.anomaly)
    sentence = about(telling) if about else ""
    return sentence or found.says


def moment(after_ns: int) -> str:
    """Nanoseconds as seconds, to the millisecond or, where that hides something, finer; tiny ones in ns."""
    if 0 < after_ns < 10_000:
        return f"{after_ns} ns"
    whole, rest = divmod(after_ns // 1_000, 10**6)
    exact = f"{whole}.{rest:06d}"
    return f"{exact[:-3] if exact.endswith('000') else exact} s"


def slots(count: int) -> str:
    """So many slots, in words."""
    return f"{count:,} slot{'s' * (count != 1)}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _over_cap(telling: Telling) -> str:
    count = telling.facts["count"]
    held = f"{slots(count)} of {telling.pool()} {_were(count)} certainly held"
    return f"at {telling.time()} {held}; {telling.the_cap()}"


def _over_after(telling: Telling) -> str:
    facts, first = telling.facts, telling.observer(telling.row("first"))
    more = facts["count"] - facts["low"]
    return (
        f"{first}, when at least {facts['low']:,} of {telling.pool()} were taken, and {more:,} more were "
        f"granted wholly after it; {telling.the_cap()}"
    )


def _with_room(telling: Telling) -> str:
    facts = telling.facts
    most = facts.get("possible", facts.get("count", 0))
    first = telling.observer(telling.row("first" if "first" in facts else "last"))
    slots_of = f"{most:,} of {telling.limit() or 0:,} slots of {telling.pool()}"
    return f"{first} while at most {slots_of} can have been taken"


def _too_high(telling: Telling) -> str:
    facts = telling.facts
    most = facts.get("possible", facts.get("count", 0))
    first = telling.observer(telling.row("first" if "first" in facts else "last"))
    return f"{first}, and at most {slots(most)} of {telling.pool()} can have been by its end"


def _too_low(telling: Telling) -> str:
    facts = telling.facts
    second = telling.observer(telling.row("second" if "second" in facts else "last"))
    taken = f"{slots(facts['count'])} of {telling.pool()} {_were(facts['count'])}"
    return f"{second}, and {taken} certainly taken before it began"


def _fell(telling: Telling) -> str:
    facts = telling.facts
    first, second = telling.observer(telling.row("first")), telling.observer(telling.row("second"))
    between = facts["count"] - facts["low"]
    return (
        f"{first}, when at least {slots(facts['low'])} of {telling.pool()} were taken; {between:,} more were "
        f"granted wholly between; then {second}"
    )


def _empty(telling: Telling) -> str:
    return f"a reading of {telling.pool()} saw {telling.facts['low']:,}, which no count can be"


def _unheld(telling: Telling) -> str:
    row = telling.row("last")
    who = f"{row.get('applicant', 'somebody')} released a slot {telling.span(row)}" if row else (
        "a slot was released"
    )  # fmt: skip
    return f"{who} when none of {telling.pool()} can have been held"


def _no_order(telling: Telling) -> str:
    many = len(telling.found.clash)
    where = f" until {telling.time()}" if "time" in telling.facts else ""
    return (
        f"no order of {many:,} operations{where} explains the count of {telling.pool()}, though each of them "
        "is possible alone"
    )


def _no_refresh(telling: Telling) -> str:
    granted = next((row for row in telling.rows if row.get("answer") in ("granted", "replayed")), None)
    refused = next((row for row in telling.rows if row.get("answer") == "full"), None)
    if granted is None or refused is None:
        return f"no refresh of the copied count of {telling.pool()} explains who was granted and who refused"
    return (
        f"{granted.get('applicant', 'somebody')} was granted a slot {telling.span(granted)} and "
        f"{refused.get('applicant', 'somebody')} refused {telling.span(refused)}, and no refresh of the "
        f"copied count of {telling.pool()} explains both"
    )


_OF_COUNTS: Final[Mapping[str, Callable[[Telling], str]]] = {
    "over-cap": _over_cap,
    "over-cap-after": _over_after,
    "refused-with-room": _with_room,
    "read-too-high": _too_high,
    "read-too-low": _too_low,
    "fell-between": _fell,
    "empty-reading": _empty,
    "released-unheld": _unheld,
    "no-refresh-explains": _no_refresh,
}


def _told(telling: Telling, *answers: str) -> list[Row]:
    """The operations of the clash that were told one of these."""
    return [row for row in telling.rows if row.get("answer") in answers]


def _grants(telling: Telling) -> list[Row]:
    return _told(telling, "granted", "replayed")


def _who(rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(str(row["applicant"]) for row in rows if row.get("applicant")))
    return names[0] if len(names) == 1 else " and ".join(names[:2]) or "somebody"


def _of_intake(rows: Sequence[Row]) -> str:
    intake = next((row["intake"] for row in rows if row.get("intake")), None)
    return f" of intake {intake}" if intake else ""


def _spans(telling: Telling, rows: Sequence[Row], many: int = 3) -> str:
    spans = [telling.span(row) for row in rows[:many]]
    return " and ".join(spans) + (", ..." if len(rows) > many else "")


def _two_slots(telling: Telling) -> str:
    grants = _grants(telling)
    if len(grants) < 2:
        return ""
    gone = _told(telling, "released")
    back = f", and released {len(gone)}" if gone else ""
    many = {2: "two", 3: "three"}.get(len(grants), f"{len(grants):,}")
    return f"{_who(grants)} was granted {many} slots{_of_intake(grants)}{back}: {_spans(telling, grants)}"


def _while_holding(answers: tuple[str, ...], what: str) -> Callable[[Telling], str]:
    def sentence(telling: Telling) -> str:
        wrong, grants = _told(telling, *answers), _grants(telling)
        if not wrong:
            return ""
        since = (
            f", having been granted one{_of_intake(grants)} {_spans(telling, grants, 1)}" if grants else ""
        )
        return f"{_who(wrong)} {what} {_spans(telling, wrong)}{since}"

    return sentence


def _lost(telling: Telling) -> str:
    grants = _grants(telling)
    unheld = _told(telling, "unheld")
    if not grants:
        return ""
    told = (
        f"was told {_spans(telling, unheld)} of holding none" if unheld else "is not on the list of holders"
    )
    return f"{_who(grants)} was granted a slot{_of_intake(grants)} {_spans(telling, grants, 1)} and {told}"


def _other_answer(telling: Telling) -> str:
    if not telling.rows:
        return ""
    key = str(telling.rows[0].get("key", ""))[:8]
    told = [
        f"{row.get('answer')}{' ' + str(row['slot']) if row.get('slot') else ''} {telling.span(row)}"
        for row in telling.rows
        if row.get("answer")
    ]
    return f"{_who(telling.rows)}'s key {key} was told " + ", then ".join(told[:3])


def _two_holders(telling: Telling) -> str:
    slots = list(dict.fromkeys(str(row["slot"]) for row in telling.rows if row.get("slot")))
    if len(slots) != 1 or len(telling.rows) < 2:
        return ""
    whose = " and ".join(
        f"{row.get('applicant', 'somebody')} {telling.span(row)}" for row in telling.rows[:2]
    )
    return f"slot {slots[0]}{_of_intake(telling.rows)} has two holders: {whose}"


def _unexplained(telling: Telling) -> str:
    held = [row for row in telling.rows if row["op"] == "hold"]
    return (
        f"{_who(held)} is on the list of holders {_spans(telling, held, 1)} and cannot have held that slot"
        * bool(held)
    )


def _year(telling: Telling) -> str:
    asked = [row for row in telling.rows if row["op"] == "claim"]
    orders = [row for row in telling.rows if row["op"] in ("open", "close")]
    if not asked or not orders:
        return ""
    turned = ", ".join(f"the {row['op']} was {telling.span(row)}" for row in orders[:2])
    return f"the claim of {_who(asked)} was {asked[0].get('answer')} {_spans(telling, asked, 1)}: {turned}"


def _contradicted(telling: Telling) -> str:
    told = f"what {_who(telling.rows)} was told{_of_intake(telling.rows)}"
    return f"{told} cannot all be true, in whatever order it happened"


_OF_PEOPLE: Final[Mapping[str, Callable[[Telling], str]]] = {
    "two-slots": _two_slots,
    "duplicate-missed": _while_holding(("full",), "was refused for want of room while holding a slot,"),
    "lost-grant": _lost,
    "released-without-slot": _while_holding(("released",), "released a slot that they cannot have held,"),
    "duplicate-without-slot": _while_holding(
        ("duplicate",), "was refused for a slot that they cannot have held,"
    ),
    "same-key-other-answer": _other_answer,
    "one-slot-two-holders": _two_holders,
    "unexplained-holder": _unexplained,
    "decided-outside-the-year": _year,
    "closed-while-open": _year,
    "person-contradiction": _contradicted,
}
