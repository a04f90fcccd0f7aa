"""A clash as text: every operation a bar on one axis of time, with who asked for what, and what it was told.

    at 3.218 s 501 slots of intake 2023 were certainly held; the cap is 500
      3.201 s                        3.218 s
      |------------------------------|
         [-------]                     p17 claim: granted, slot 500   3.204–3.209 s
                    [-------->         p18 claim: no answer           3.212 s on
      not drawn: 499 more of 2023 held before

A bar is an interval: [ where the operation was begun, ] where its answer had been read, > if it never was.
Where more happened in one column than it can show, the bar is |.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from loadtests.clashes.sentences import moment
from loadtests.history import NEVER, History

NARROWEST: Final = 16
LEAST_BAR, MOST_BAR = 12, 60
Row = dict[str, Any]


class Bar(NamedTuple):
    """One operation, to be drawn."""

    begins_ns: int
    ends_ns: int
    """NEVER if no answer was read."""
    label: str
    when: str
    answer: str


class Drawing(NamedTuple):
    """Bars in the order of their beginning, and the axis that they lie on."""

    bars: list[Bar]
    begins_ns: int
    ends_ns: int

    def share(self, at_ns: int) -> float:
        """Where a time is on the axis, from 0 to 1."""
        span = max(1, self.ends_ns - self.begins_ns)
        return min(1.0, max(0.0, (at_ns - self.begins_ns) / span))


def drawing(history: History, first_ns: int) -> Drawing:
    """What is drawn of a history; times are told from `first_ns`."""
    return drawing_of(list(history.rows()), first_ns)


def drawing_of(rows: Sequence[Row], first_ns: int) -> Drawing:
    """What is drawn of operations as plain data, such as verdict.json has them."""
    rows = sorted(rows, key=lambda row: (row["invoked_ns"], row.get("completed_ns", NEVER)))
    bars = [
        Bar(
            row["invoked_ns"],
            row.get("completed_ns", NEVER),
            label(row),
            _when(row, first_ns),
            str(row.get("answer") or ""),
        )
        for row in rows
    ]
    begins = min((bar.begins_ns for bar in bars), default=first_ns)
    known = [bar.ends_ns for bar in bars if bar.ends_ns < NEVER]
    latest = max([*known, *(bar.begins_ns for bar in bars)], default=begins)
    is_open = len(known) < len(bars)
    return Drawing(bars, begins, latest + (max(1, latest - begins) // 8 + 1) * is_open)


def lines(drawn: Drawing, first_ns: int, *, width: int = 100) -> list[str]:
    """The bars and their axis, no wider than asked for unless a label is."""
    if not drawn.bars:
        return []
    wide = max(len(bar.label) + 2 + len(bar.when) for bar in drawn.bars)
    columns = min(MOST_BAR, max(LEAST_BAR, width - wide - 2))
    longest = max(len(bar.label) for bar in drawn.bars)
    found = _axis(drawn, first_ns, columns)
    for bar in drawn.bars:
        whole = f"{_bar(drawn, bar, columns)}  {bar.label:<{longest}}  {bar.when}"
        found.append(whole if len(whole) <= width else _short(whole, columns, width))
    return found


def _short(whole: str, columns: int, width: int) -> str:
    """What fits; a bar is never cut."""
    most = max(width, columns + NARROWEST)
    return whole if len(whole) <= most else whole[: most - 1].rstrip() + "…"


def _axis(drawn: Drawing, first_ns: int, columns: int) -> list[str]:
    begins, ends = moment(drawn.begins_ns - first_ns), moment(drawn.ends_ns - first_ns)
    gap = max(1, columns - len(begins) - len(ends))
    return [begins + " " * gap + ends, "|" + "-" * (columns - 2) + "|"]


def _bar(drawn: Drawing, bar: Bar, columns: int) -> str:
    start = round(drawn.share(bar.begins_ns) * (columns - 1))
    is_open = bar.ends_ns == NEVER
    stop = columns - 1 if is_open else round(drawn.share(bar.ends_ns) * (columns - 1))
    if stop == start:
        body = ">" if is_open else "|"
    else:
        body = "[" + "-" * (stop - start - 1) + (">" if is_open else "]")
    return f"{' ' * start + body:<{columns}}"


def label(row: Row) -> str:
    """An operation in words: who asked for what, and what it was told."""
    op, answer = row["op"], row.get("answer")
    if op == "read" and "listed" in str(row.get("note", "")):
        return f"list of the holders of {row.get('intake', 'the intake')}"
    if op == "read":
        seen = f"{row['value']:,}" if "value" in row else "something"
        return f"reading of {row.get('intake', 'the count')}: {seen}"
    if op == "hold":
        return f"{row.get('applicant', '?')} on the list of holders{_details(row)}"
    if op in ("open", "close", "set-cap", "refresh"):
        what = f" {row['cap']} to {row.get('value', '?')}" if op == "set-cap" and "cap" in row else ""
        return f"{op} {row.get('intake', '')}{what}".rstrip()
    told = answer or {"ok": "done", "fail": "no effect"}.get(str(row.get("result")), "no answer")
    key = f", key {str(row['key'])[:8]}" if row.get("key") else ""
    return f"{row.get('applicant', 'somebody')} {op}{key}: {told}{_details(row)}"


def _details(row: Row) -> str:
    names = [name for name in ("slot", "cap", "given_back") if name in row]
    said = [
        "kept back" if row.get(name) is False else f"{name} {row[name]}"
        for name in names
        if row[name] is not True
    ]
    return f", {', '.join(said)}" if said else ""


def _when(row: Row, first_ns: int) -> str:
    begins = moment(row["invoked_ns"] - first_ns)
    if row.get("completed_ns", NEVER) == NEVER:
        return f"{begins} on"
    ends = moment(row["completed_ns"] - first_ns)
    is_same_unit = begins.split()[1] == ends.split()[1]
    return f"{begins.split()[0] if is_same_unit else begins}–{ends}"
